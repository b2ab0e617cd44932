//! What ends a command.

use crate::config::ConfigError;
use crate::database::DatabaseError;
use crate::gate::GateError;
use crate::import::ImportError;
use crate::limits::REASON_BYTES_MAX;
use crate::postgres::ClusterError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum OriginError {
    /// The configuration was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The question about what sessions saw cannot be asked.
    #[error(transparent)]
    Question(#[from] crate::qoe::QuestionError),
    /// The keys could not be made.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeysError),
    /// A release could not be published.
    #[error(transparent)]
    Publish(#[from] crate::publish::PublishError),
    /// Nothing could be measured.
    #[error(transparent)]
    Evaluate(#[from] crate::evaluate::EvaluateError),
    /// The models could not be trained.
    #[error(transparent)]
    Train(#[from] crate::train::TrainError),
    /// A tower of somebody else was not taken.
    #[error("the tower was not taken: {0}")]
    Given(#[from] crate::train::given::GivenError),
    /// There are no models, or they could not be read.
    #[error(transparent)]
    Models(#[from] crate::models::ModelsError),
    /// No release could be made.
    #[error(transparent)]
    Assemble(#[from] crate::assemble::AssembleError),
    /// A release is worse than what is served, or broken.
    #[error("{error}")]
    Gate {
        /// Why.
        #[source]
        error: Box<GateError>,
        /// What standard output gets when it was asked to be JSON.
        report: Option<String>,
    },
    /// The reason why a worse release is accepted says nothing, or too much to sign.
    #[error("a reason has from 1 to {REASON_BYTES_MAX} bytes")]
    Reason,
    /// The manifest of the release before is not what was stored, so that nothing can be compared.
    #[error("the manifest of generation {0} cannot be read: {1}")]
    ParentUnreadable(u64, release::FileError),
    /// The channel points to no release, or to the first.
    #[error("channel {0:?} has no release to go back to")]
    NothingBefore(String),
    /// Nothing can be shown.
    #[error(transparent)]
    Preview(#[from] crate::preview::PreviewError),
    /// The private cluster could not be used.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The database could not answer.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// An import was refused.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A file of ours could not be handled.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What for, as `create`.
        what: &'static str,
        /// Which.
        path: std::path::PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A node's name would not fit into messages and labels.
    #[error("{0:?} is no name for a node: 1 to 32 ASCII letters, digits, - and _")]
    NodeName(String),
    /// There is no such node, or its token was revoked before.
    #[error("node {0:?} has no token")]
    NodeUnknown(String),
    /// The system gives no random bits.
    #[error("the system gives no random bits")]
    Randomness,
    /// Another process listens there, or the address is not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The system does not tell us of signals.
    #[error("cannot listen for signals: {0}")]
    Signals(#[source] std::io::Error),
    /// A signal ended the command before it was done; what it had not committed is undone.
    #[error("interrupted")]
    Interrupted,
    /// The command died; the panic's message is on stderr.
    #[error("the command ended in a panic")]
    Panicked,
}

impl OriginError {
    /// Stable, for programs; stands first in the line on stderr.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Config(error) => error.code(),
            Self::Question(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Publish(error) => error.code(),
            Self::Evaluate(error) => error.code(),
            Self::Train(error) => error.code(),
            Self::Given(error) => error.code(),
            Self::Models(error) => error.code(),
            Self::Assemble(error) => error.code(),
            Self::Gate { error, .. } => error.code(),
            Self::Reason => "reason-length",
            Self::ParentUnreadable(..) => "release-parent-unreadable",
            Self::NothingBefore(_) => "release-nothing-before",
            Self::Preview(error) => error.code(),
            Self::Cluster(error) => error.code(),
            Self::Database(error) => error.code(),
            Self::Import(error) => error.code(),
            Self::File { .. } => "file",
            Self::NodeName(_) => "node-name",
            Self::NodeUnknown(_) => "node-unknown",
            Self::Randomness => "randomness",
            Self::Listen { .. } => "listen",
            Self::Signals(_) => "signals",
            Self::Interrupted => "interrupted",
            Self::Panicked => "panicked",
        }
    }

    /// What the process ends with: 3 when a release was measured and refused, so that a pipeline can tell it from
    /// everything that went wrong, which is 1.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Gate { .. }) { 3 } else { 1 }
    }

    /// What goes to standard output although the command failed.
    pub fn report(&self) -> Option<&str> {
        match self {
            Self::Gate { report, .. } => report.as_deref(),
            _ => None,
        }
    }
}
