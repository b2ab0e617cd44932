//! Who PostgreSQL runs as: it refuses root, so root runs it as an account of its own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::ClusterError;

/// Who PostgreSQL runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Whoever we are.
    Ours { uid: u32 },
    /// We are root; it is not.
    Other(Other),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Other {
    name: String,
    uid: u32,
    gid: u32,
    /// A capability that lets it pass folders closed to it, when the data folder lies under one.
    capability: Option<&'static str>,
}

impl Account {
    /// Decides for a cluster in `folder`, which must exist; `configured` counts for root only.
    pub(super) fn choose(configured: &str, folder: &Path) -> Result<Self, ClusterError> {
        let us = fs::metadata("/proc/self").map_err(ClusterError::file("read", Path::new("/proc/self")))?;
        if us.uid() != 0 {
            return Ok(Self::Ours { uid: us.uid() });
        }
        let unknown = || ClusterError::AccountUnknown(configured.to_owned());
        let uid = id("-u", configured).ok_or_else(unknown)?;
        let gid = id("-g", configured).ok_or_else(unknown)?;
        if uid == 0 {
            return Err(unknown());
        }
        let mut other = Other { name: configured.to_owned(), uid, gid, capability: None };
        if let Some(closed) = other.first_closed(folder)? {
            let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
            other.capability = Some(passing_capability(&status).ok_or_else(|| {
                ClusterError::FolderClosed { account: configured.to_owned(), folder: closed.to_path_buf() }
            })?);
        }
        Ok(Self::Other(other))
    }

    pub(super) fn uid(&self) -> u32 {
        match self {
            Self::Ours { uid } => *uid,
            Self::Other(other) => other.uid,
        }
    }

    /// Its name, as the server sees it.
    pub(super) fn name(&self) -> Result<String, ClusterError> {
        match self {
            Self::Ours { uid } => {
                let output = Command::new("id").arg("-un").output();
                let name = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
                let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
                name.ok_or_else(|| ClusterError::AccountUnknown(uid.to_string()))
            }
            Self::Other(other) => Ok(other.name.clone()),
        }
    }

    /// Gives a file or folder of ours to the account.
    pub(super) fn own(&self, path: &Path) -> Result<(), ClusterError> {
        match self {
            Self::Ours { .. } => Ok(()),
            Self::Other(other) => std::os::unix::fs::chown(path, Some(other.uid), Some(other.gid))
                .map_err(ClusterError::file("give away", path)),
        }
    }

    /// A command that runs as the account: with a clean environment, and not in the terminal's group,
    /// so that Ctrl-C reaches us first.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = match self {
            Self::Ours { .. } => Command::new(program),
            Self::Other(other) => other.command(program.as_ref()),
        };
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null());
        command
    }
}

impl Other {
    fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new("setpriv");
        command.arg("--reuid").arg(self.uid.to_string()).arg("--regid").arg(self.gid.to_string());
        command.arg("--clear-groups");
        if let Some(capability) = self.capability {
            command.arg(format!("--inh-caps=+{capability}")).arg(format!("--ambient-caps=+{capability}"));
        }
        command.arg("--").arg(program);
        command
    }

    /// The highest folder on the way down to `folder` that the account may not enter.
    fn first_closed<'a>(&self, folder: &'a Path) -> Result<Option<&'a Path>, ClusterError> {
        let mut ancestors: Vec<&Path> = folder.ancestors().skip(1).collect();
        ancestors.reverse();
        for ancestor in ancestors {
            let metadata = fs::metadata(ancestor).map_err(ClusterError::file("look at", ancestor))?;
            if !may_enter(metadata.mode(), metadata.uid() == self.uid, metadata.gid() == self.gid) {
                return Ok(Some(ancestor));
            }
        }
        Ok(None)
    }
}

fn may_enter(mode: u32, is_owner: bool, is_in_group: bool) -> bool {
    let bit = match (is_owner, is_in_group) {
        (true, _) => 0o100,
        (false, true) => 0o010,
        (false, false) => 0o001,
    };
    mode & bit != 0
}

/// The lesser of two capabilities that open closed folders, if we hold one to pass on.
fn passing_capability(status: &str) -> Option<&'static str> {
    const DAC_OVERRIDE: u64 = 1 << 1;
    const DAC_READ_SEARCH: u64 = 1 << 2;
    let line = status.lines().find_map(|line| line.strip_prefix("CapPrm:"))?;
    let held = u64::from_str_radix(line.trim(), 16).ok()?;
    if held & DAC_READ_SEARCH != 0 {
        Some("dac_read_search")
    } else if held & DAC_OVERRIDE != 0 {
        Some("dac_override")
    } else {
        None
    }
}

fn id(which: &str, account: &str) -> Option<u32> {
    let output = Command::new("id").arg(which).arg("--").arg(account).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_entered_by_the_bit_of_the_nearest_class() {
        assert!(may_enter(0o711, false, false));
        assert!(!may_enter(0o710, false, false));
        assert!(may_enter(0o710, false, true));
        assert!(!may_enter(0o701, false, true));
        assert!(!may_enter(0o011, true, true));
    }

    #[test]
    fn passes_on_the_least_capability_it_holds() {
        assert_eq!(passing_capability("CapPrm:\t000001fffeffffff\n"), Some("dac_read_search"));
        assert_eq!(passing_capability("CapPrm:\t00000000a80425fb\n"), Some("dac_override"));
        assert_eq!(passing_capability("CapPrm:\t0000000000000000\n"), None);
    }

    #[test]
    fn root_never_runs_it_as_root() {
        let folder = tempfile::tempdir().unwrap();
        match Account::choose("root", folder.path()) {
            Ok(account) => assert_ne!(account.uid(), 0),
            Err(error) => assert_eq!(error.code(), "postgres-account-unknown"),
        }
    }
}
