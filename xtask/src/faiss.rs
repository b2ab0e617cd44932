//! How FAISS is compiled: for the vector instructions of this machine, or for any machine.
//!
//! FAISS chooses its code when it is compiled, and its crate asks for what every 64-bit processor has. The crate's build
//! takes more flags from the environment, but does not notice when they change: what has been built stays as it is.

use std::path::Path;

use crate::shell;

/// Where cmake looks for flags, for this target only: nothing of ours for the browser or the edge is C++.
pub(crate) const FLAGS_VARIABLE: &str = "CXXFLAGS_x86_64_unknown_linux_gnu";

/// Names the build to `frontrow-bench`.
pub(crate) const BUILD_VARIABLE: &str = "FRONTROW_FAISS_BUILD";

const LEVEL: &str = "x86-64-v3";

/// Flags that make FAISS several times as fast; none where the machine lacks the instructions, or where whoever calls
/// has flags of their own (empty ones make a build for any machine).
pub(crate) fn flags() -> Option<String> {
    let is_said = |name: &&str| std::env::var_os(name).is_some();
    if ["CXXFLAGS", "TARGET_CXXFLAGS", "HOST_CXXFLAGS", FLAGS_VARIABLE].iter().any(is_said) {
        return None;
    }
    has_level().then(|| format!("-march={LEVEL}"))
}

/// How the FAISS in the target folder was compiled; none where there is none yet.
pub(crate) fn built() -> Option<&'static str> {
    let builds = std::fs::read_dir(shell::target_folder().join("release/build")).ok()?;
    let caches = builds.flatten().map(|build| build.path().join("out/build/CMakeCache.txt"));
    let of_faiss = |path: &Path| path.to_string_lossy().contains("faiss-sys-");
    let cache = caches.filter(|path| of_faiss(path)).find_map(|path| std::fs::read_to_string(path).ok())?;
    Some(level_of(&cache))
}

fn level_of(cmake_cache: &str) -> &'static str {
    let flags = cmake_cache.lines().find(|line| line.starts_with("CMAKE_CXX_FLAGS:"));
    if flags.is_some_and(|flags| flags.contains(LEVEL)) { LEVEL } else { "generic" }
}

/// Says so where an earlier build is slower than this machine allows.
pub(crate) fn note_slow_build() {
    if flags().is_some() && built() == Some("generic") {
        shell::note(
            "FAISS was built for any machine; for this one: `cargo clean --release --package faiss-sys`, then again",
        );
    }
}

/// The instructions that the level names (System V ABI, AMD64 supplement).
#[cfg(target_arch = "x86_64")]
fn has_level() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
        && std::arch::is_x86_feature_detected!("bmi1")
        && std::arch::is_x86_feature_detected!("bmi2")
        && std::arch::is_x86_feature_detected!("f16c")
        && std::arch::is_x86_feature_detected!("fma")
        && std::arch::is_x86_feature_detected!("lzcnt")
        && std::arch::is_x86_feature_detected!("movbe")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_level() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_told_by_the_flags_that_cmake_kept() {
        let cache =
            |flags: &str| format!("CMAKE_BUILD_TYPE:STRING=Release\nCMAKE_CXX_FLAGS:STRING= -m64 {flags}\n");
        assert_eq!(level_of(&cache("-march=x86-64 -w -march=x86-64-v3")), "x86-64-v3");
        assert_eq!(level_of(&cache("-march=x86-64 -w")), "generic");
        assert_eq!(level_of("# x86-64-v3\n"), "generic");
    }
}
