//! Why a look at the origin failed.

use release::FileError;

use super::store::StoreError;
use super::trust::TrustError;
use crate::runtime::{InvokeError, PrepareError};

/// Why a look at the origin failed; what served before goes on serving.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// What the node has seen of the signed state cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The signed metadata are not there, not signed, expired, older than what was seen, or inconsistent.
    #[error("{}", chain(.0))]
    Metadata(Box<tough::error::Error>),
    /// A target that should be there is not named by the signed metadata.
    #[error("the signed metadata name no {0}")]
    TargetUnnamed(String),
    /// A target is longer than its kind may be.
    #[error("{name} has {bytes} bytes, more than {bytes_max}")]
    TargetTooLarge {
        /// Which.
        name: String,
        /// What it has.
        bytes: u64,
        /// What is allowed.
        bytes_max: u64,
    },
    /// What came is not what the signed metadata name.
    #[error("{name} is not what the signed metadata name: {reason}")]
    TargetTampered {
        /// Which.
        name: String,
        /// What differs.
        reason: String,
    },
    /// The line broke while a target came.
    #[error("{name} did not come: {reason}")]
    TargetUnreachable {
        /// Which.
        name: String,
        /// What the network said.
        reason: String,
    },
    /// The channel's file names another channel, or the manifest another generation.
    #[error("{name} says {said}, not {expected}")]
    Contradiction {
        /// Which file.
        name: String,
        /// What it says.
        said: String,
        /// What it should say.
        expected: String,
    },
    /// The release needs a newer node.
    #[error("the release needs version {needed} of the node, this is {have}")]
    HostTooOld {
        /// The oldest version that can run it.
        needed: String,
        /// This one.
        have: &'static str,
    },
    /// A file of the release is malformed.
    #[error("{name}: {source}")]
    File {
        /// Which.
        name: String,
        /// What is wrong with it.
        source: FileError,
    },
    /// The store has not what it should have.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The runtime refused the release.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// A golden case got no answer.
    #[error("golden case {case} got no answer: {source}")]
    GoldenFailed {
        /// Which, from 0.
        case: usize,
        /// Why.
        source: InvokeError,
    },
    /// A golden case got another answer than the origin's.
    #[error("golden case {case} gives {got:?}, not {expected:?}")]
    GoldenDiffers {
        /// Which, from 0.
        case: usize,
        /// The node's picks.
        got: Vec<u32>,
        /// The origin's.
        expected: Vec<u32>,
    },
    /// The same release was refused before, for this reason, and is not tried again yet.
    #[error("{message}")]
    StillRefused {
        /// The code of then.
        code: &'static str,
        /// The text of then.
        message: String,
    },
}

impl SyncError {
    /// A stable name for logs, metrics and `/status`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trust(error) => error.code(),
            Self::Metadata(error) => metadata_code(error),
            Self::TargetUnnamed(_) => "target-unnamed",
            Self::TargetTooLarge { .. } => "target-too-large",
            Self::TargetTampered { .. } => "target-tampered",
            Self::TargetUnreachable { .. } => "origin-unreachable",
            Self::Contradiction { .. } => "release-contradiction",
            Self::HostTooOld { .. } => "host-too-old",
            Self::File { source, .. } => source.code(),
            Self::Store(error) => error.code(),
            Self::Prepare(error) => error.code(),
            Self::GoldenFailed { .. } => "golden-failed",
            Self::GoldenDiffers { .. } => "golden-differs",
            Self::StillRefused { code, .. } => code,
        }
    }

    /// Whether the node's own disk is the reason, rather than the release.
    pub(super) fn is_of_the_node(&self) -> bool {
        matches!(
            self,
            Self::Trust(TrustError::Io(_))
                | Self::Store(_)
                | Self::Prepare(PrepareError::Cache(_))
                | Self::GoldenFailed { source: InvokeError::Overloaded, .. }
        )
    }
}

fn metadata_code(error: &tough::error::Error) -> &'static str {
    use tough::error::Error;
    match error {
        Error::VerifyMetadata { .. } | Error::VerifyTrustedMetadata { .. } => "signature",
        Error::ExpiredMetadata { .. } => "metadata-expired",
        Error::OlderMetadata { .. }
        | Error::OlderSnapshotInTimestamp { .. }
        | Error::SnapshotRoleRollback { .. } => "metadata-older",
        Error::SystemTimeSteppedBackward { .. } => "clock-went-back",
        Error::ParseMetadata { .. } | Error::ParseTrustedMetadata { .. } => "metadata-malformed",
        Error::Transport { .. } => "metadata-transport",
        _ => "metadata-refused",
    }
}

/// An error with all that led to it: the outermost alone often says only where.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
