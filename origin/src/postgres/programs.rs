//! Where the installed PostgreSQL keeps its server programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::ClusterError;

/// The server programs of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Programs {
    folder: PathBuf,
    major: u32,
}

impl Programs {
    /// The newest that is installed, or of the cluster's major version if there is a cluster.
    pub(super) fn find(configured: Option<&Path>, cluster: Option<u32>) -> Result<Self, ClusterError> {
        let folders = configured.map_or_else(usual_folders, |folder| vec![folder.to_path_buf()]);
        let mut installed: Vec<Self> = folders.iter().filter_map(|folder| Self::in_folder(folder)).collect();
        installed.sort_by_key(|programs| programs.major);
        if installed.is_empty() {
            let looked = folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>();
            return Err(ClusterError::NotInstalled { looked: looked.join(", ") });
        }
        let majors = installed.iter().map(|programs| programs.major.to_string()).collect::<Vec<_>>();
        let fits = |programs: &Self| cluster.is_none_or(|major| major == programs.major);
        installed.into_iter().rfind(fits).ok_or_else(|| ClusterError::VersionForeign {
            cluster: cluster.unwrap_or_default(),
            installed: majors.join(", "),
        })
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        let is_complete = ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file());
        let said = is_complete.then(|| output(folder.join("postgres"), "--version"))??;
        Some(Self { folder: folder.to_path_buf(), major: major(&said)? })
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.folder.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.folder.join("postgres")
    }

    pub(super) fn pg_ctl(&self) -> PathBuf {
        self.folder.join("pg_ctl")
    }
}

/// `pg_config` knows the one in the path; Debian keeps every version in a folder of its own.
fn usual_folders() -> Vec<PathBuf> {
    let configured = output(PathBuf::from("pg_config"), "--bindir").map(|said| PathBuf::from(said.trim()));
    let debian = Path::new("/usr/lib/postgresql");
    let versions = fs::read_dir(debian).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut folders: Vec<PathBuf> = configured.into_iter().chain(versions).collect();
    folders.sort();
    folders.dedup();
    if folders.is_empty() {
        folders.push(debian.to_path_buf());
    }
    folders
}

fn output(program: PathBuf, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is of 15, `… 19beta1` of 19.
fn major(said: &str) -> Option<u32> {
    let (_, version) = said.split_once("(PostgreSQL) ")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(major("cat (GNU coreutils) 9.1\n"), None);
    }

    #[test]
    fn a_folder_without_the_programs_is_no_installation() {
        let folder = tempfile::tempdir().unwrap();
        let error = Programs::find(Some(folder.path()), None).unwrap_err();
        assert_eq!(error.code(), "postgres-missing");
    }
}
