//! The folder of the server's socket: in the data folder where its path is short enough.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use super::ClusterError;
use super::account::Account;

/// `sun_path` has 108 bytes, the last of them zero.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// What the server names its socket.
const SOCKET: &str = ".s.PGSQL.5432";

/// The folder of the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RunFolder {
    path: PathBuf,
    is_temporary: bool,
}

impl RunFolder {
    /// The same for every process that uses the cluster in `home`.
    pub(super) fn of(home: &Path) -> Self {
        let path = home.join("run");
        if path.join(SOCKET).as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
            return Self { path, is_temporary: false };
        }
        let digest = digest(&SHA256, home.as_os_str().as_encoded_bytes());
        let name: String = digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { path: Path::new("/tmp").join(format!("frontrow-{name}")), is_temporary: true }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates it, or checks that nobody else could have put it there and clears away what a dead
    /// server left in it. Only for whoever knows that no server runs.
    pub(super) fn prepare(&self, account: &Account) -> Result<(), ClusterError> {
        self.create(account)?;
        for name in [SOCKET.to_owned(), format!("{SOCKET}.lock")] {
            let path = self.path.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(ClusterError::file("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn create(&self, account: &Account) -> Result<(), ClusterError> {
        match DirBuilder::new().mode(0o700).create(&self.path) {
            Ok(()) => return account.own(&self.path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(ClusterError::file("create", &self.path)(error)),
        }
        let metadata = fs::symlink_metadata(&self.path).map_err(ClusterError::file("look at", &self.path))?;
        let is_private = metadata.is_dir() && metadata.uid() == account.uid() && metadata.mode() & 0o077 == 0;
        if is_private { Ok(()) } else { Err(ClusterError::RunFolderForeign(self.path.clone())) }
    }

    /// Leaves nothing in the folder of temporary files.
    pub(super) fn remove_if_temporary(&self) {
        if self.is_temporary {
            // Whatever is still in it belongs to a server that is being started again.
            let _ = fs::remove_dir(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_gets_a_short_folder_that_is_always_the_same() {
        let long = PathBuf::from(format!("/{}", "a".repeat(100)));
        let run = RunFolder::of(&long);
        assert!(run.path().join(SOCKET).as_os_str().len() <= SOCKET_PATH_BYTES_MAX);
        assert_eq!(run, RunFolder::of(&long));
        assert_ne!(run, RunFolder::of(&long.join("b")));
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let run = RunFolder::of(home.path());
        let uid = fs::metadata(home.path()).unwrap().uid();
        run.prepare(&Account::Ours { uid }).unwrap();
        run.prepare(&Account::Ours { uid }).unwrap();
        fs::set_permissions(run.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(run.prepare(&Account::Ours { uid }).unwrap_err().code(), "postgres-run-folder");
    }
}
