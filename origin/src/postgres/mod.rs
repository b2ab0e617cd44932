//! A private PostgreSQL cluster in the data folder, for one machine without a database server.

mod account;
mod cluster;
mod programs;
mod run_folder;
mod server;

pub use cluster::{Cluster, ClusterConfig};

use std::io;
use std::path::{Path, PathBuf};

/// Why the private cluster could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No server programs (`initdb`, `pg_ctl`, `postgres`) where they usually are.
    #[error(
        "PostgreSQL is not installed (looked in {looked}); install it (Debian: postgresql) or set DATABASE_URL"
    )]
    NotInstalled {
        /// The folders.
        looked: String,
    },
    /// The cluster was made by another major version than those installed.
    #[error(
        "the cluster is of PostgreSQL {cluster}, but {installed} is installed; upgrade it with pg_upgrade"
    )]
    VersionForeign {
        /// Of the cluster.
        cluster: u32,
        /// All that were found.
        installed: String,
    },
    /// PostgreSQL refuses to run as root, and the account to run it as does not exist.
    #[error("there is no account {0:?} to run PostgreSQL as; name one in the configuration")]
    AccountUnknown(String),
    /// The account may not enter a folder above the cluster, and we may not let it.
    #[error("account {account:?} may not enter {folder}; choose another --data folder")]
    FolderClosed {
        /// PostgreSQL's account.
        account: String,
        /// The folder.
        folder: PathBuf,
    },
    /// The folder of the socket exists and is not ours alone.
    #[error("{0} is not a private folder of PostgreSQL's account; remove it")]
    RunFolderForeign(PathBuf),
    /// A file could not be handled.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What for, as `create`.
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {source}")]
    Spawn {
        /// Which.
        program: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A program failed.
    #[error("{program} failed with {status}: {said}")]
    Failed {
        /// Which.
        program: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
        /// Its last words, or the end of the server's log.
        said: String,
    },
    /// The server runs but does not take connections in time.
    #[error("the server does not take connections after {waited_s} s; see {log}")]
    NotReady {
        /// How long we waited.
        waited_s: u64,
        /// Where it says why.
        log: PathBuf,
    },
}

impl ClusterError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotInstalled { .. } => "postgres-missing",
            Self::VersionForeign { .. } => "postgres-version",
            Self::AccountUnknown(_) => "postgres-account-unknown",
            Self::FolderClosed { .. } => "postgres-folder-closed",
            Self::RunFolderForeign(_) => "postgres-run-folder",
            Self::File { .. } => "postgres-file",
            Self::Spawn { .. } => "postgres-spawn",
            Self::Failed { .. } => "postgres-failed",
            Self::NotReady { .. } => "postgres-not-ready",
        }
    }

    /// Names what was done to which file.
    fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File { what, path, source }
    }
}
