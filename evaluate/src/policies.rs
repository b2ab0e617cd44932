//! The names of the policies.

use bitrate::Policy;

/// All policies by the names that requests use, simple ones first.
pub(crate) const POLICIES: [(&str, Policy); 8] = [
    ("seed-rules", Policy::SeedRules),
    ("throughput", Policy::Throughput),
    ("bba", Policy::Bba),
    ("bola", Policy::Bola),
    ("bola-e", Policy::BolaE),
    ("dynamic", Policy::Dynamic),
    ("robust-mpc", Policy::RobustMpc),
    ("flagship", Policy::Flagship),
];

/// The policy of a name of [`POLICIES`].
pub(crate) fn named(name: &str) -> Policy {
    let (_, policy) =
        POLICIES.iter().find(|(known, _)| *known == name).expect("the command line was checked");
    *policy
}
