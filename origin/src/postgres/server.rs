//! The server itself: made, configured, started and stopped by the installed programs.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

use super::ClusterError;
use super::account::Account;
use super::cluster::ROLE;
use super::programs::Programs;
use super::run_folder::RunFolder;
use crate::limits;

/// A server and what it is made of.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) data: PathBuf,
    pub(super) log: PathBuf,
    pub(super) account: Account,
    pub(super) programs: Programs,
    pub(super) run: RunFolder,
}

impl Server {
    /// Makes the cluster beside its place and moves it there whole; what a crash left is removed first.
    pub(super) fn initialise(&self, beside: &Path) -> Result<(), ClusterError> {
        if beside.exists() {
            fs::remove_dir_all(beside).map_err(ClusterError::file("remove", beside))?;
        }
        let mut command = self.account.command(self.programs.initdb());
        command.arg("-D").arg(beside).args(["-U", ROLE, "--auth-local=peer", "--auth-host=reject"]);
        command.args(["--encoding=UTF8", "--locale=C", "--data-checksums"]);
        self.run(command)?;
        append(&beside.join("postgresql.conf"), "include 'frontrow.conf'\n")?;
        fs::rename(beside, &self.data).map_err(ClusterError::file("rename", beside))
    }

    /// Starts it and waits until it takes connections, after a crash until it has recovered.
    pub(super) fn start(&self) -> Result<Child, ClusterError> {
        self.forget_stranger()?;
        self.run.prepare(&self.account)?;
        self.write("frontrow.conf", &self.settings())?;
        self.write("pg_hba.conf", "local all all peer map=frontrow\n")?;
        self.write("pg_ident.conf", &self.identities()?)?;
        if fs::metadata(&self.log).is_ok_and(|log| log.len() > limits::POSTGRES_LOG_BYTES_MAX) {
            let old = self.log.with_extension("1");
            fs::rename(&self.log, &old).map_err(ClusterError::file("rename", &self.log))?;
        }
        let program = self.programs.postgres();
        let mut command = self.account.command(&program);
        command.arg("-D").arg(&self.data).stdout(self.open_log()?).stderr(self.open_log()?);
        // Our own child, so that it is laid to rest even where the system's first process does not.
        let mut child = command.spawn().map_err(|source| ClusterError::Spawn { program, source })?;
        self.wait_until_ready(Some(&mut child))?;
        Ok(child)
    }

    fn open_log(&self) -> Result<File, ClusterError> {
        let log = File::options().create(true).append(true).mode(0o600).open(&self.log);
        let log = log.map_err(ClusterError::file("open", &self.log))?;
        self.account.own(&self.log)?;
        Ok(log)
    }

    /// Breaks connections off, writes everything to disk and waits until it has ended.
    pub(super) fn stop(&self) -> Result<(), ClusterError> {
        if self.is_running() {
            let mut command = self.account.command(self.programs.pg_ctl());
            command.args(self.stop_arguments());
            self.run(command)?;
        }
        self.run.remove_if_temporary();
        Ok(())
    }

    pub(super) fn stop_arguments(&self) -> [std::ffi::OsString; 8] {
        let timeout = limits::POSTGRES_STOP_TIMEOUT.as_secs().to_string();
        let data = self.data.clone().into_os_string();
        [
            "-D".into(),
            data,
            "-m".into(),
            "fast".into(),
            "-w".into(),
            "-t".into(),
            timeout.into(),
            "stop".into(),
        ]
    }

    pub(super) fn is_running(&self) -> bool {
        self.process().is_some_and(|process| self.is_ours(&process))
    }

    /// Waits for a server that we started, or that another process started just before it died.
    pub(super) fn wait_until_ready(&self, mut child: Option<&mut Child>) -> Result<(), ClusterError> {
        let started = Instant::now();
        while started.elapsed() < limits::POSTGRES_START_TIMEOUT {
            if let Some(Ok(Some(status))) = child.as_mut().map(|child| child.try_wait()) {
                let said = self.last_words("");
                return Err(ClusterError::Failed { program: self.programs.postgres(), status, said });
            }
            let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
            // The eighth line is its state.
            let is_ready = text.lines().nth(7).is_some_and(|state| state.trim() == "ready");
            if is_ready && self.is_running() {
                return Ok(());
            }
            // The file gives no signal; a look every few milliseconds costs nothing.
            std::thread::park_timeout(limits::POSTGRES_POLL);
        }
        Err(ClusterError::NotReady { waited_s: started.elapsed().as_secs(), log: self.log.clone() })
    }

    /// The folder in `/proc` of the process that the pid file names, if there is such a process.
    fn process(&self) -> Option<PathBuf> {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        let pid: u32 = text.lines().next()?.trim().parse().ok()?;
        Some(Path::new("/proc").join(pid.to_string())).filter(|process| process.exists())
    }

    /// A server lives in its data folder; a process that got the number of a dead one does not.
    fn is_ours(&self, process: &Path) -> bool {
        fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == self.data)
    }

    /// After a crash or a restart of the machine, the pid file may name a stranger's process, or a dead
    /// one that nobody lays to rest, and the server would refuse to start beside it.
    fn forget_stranger(&self) -> Result<(), ClusterError> {
        let is_strange = |process: PathBuf| match fs::read_link(process.join("cwd")) {
            Ok(cwd) => cwd != self.data,
            // The dead live nowhere; what we may not look at stays the server's own affair.
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if !self.process().is_some_and(is_strange) {
            return Ok(());
        }
        // A server's helpers outlive it by moments, and must not meet the next one.
        let started = Instant::now();
        while self.is_inhabited() {
            if started.elapsed() > limits::POSTGRES_STOP_TIMEOUT {
                let waited_s = started.elapsed().as_secs();
                return Err(ClusterError::NotReady { waited_s, log: self.log.clone() });
            }
            std::thread::park_timeout(limits::POSTGRES_POLL);
        }
        let path = self.data.join("postmaster.pid");
        fs::remove_file(&path).map_err(ClusterError::file("remove", &path))
    }

    /// Whether any process lives in the data folder.
    fn is_inhabited(&self) -> bool {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes.into_iter().any(|process| self.is_ours(&process.path()))
    }

    fn settings(&self) -> String {
        let run = self.run.path().display().to_string().replace('\'', "''");
        format!(
            "# Written at every start; settings of your own go to postgresql.conf, below the include.\n\
             listen_addresses = ''\n\
             unix_socket_directories = '{run}'\n\
             unix_socket_permissions = 0700\n\
             cluster_name = 'frontrow'\n\
             # A transaction may write to a partition for each day of a year.\n\
             max_locks_per_transaction = 256\n\
             max_connections = 64\n\
             max_wal_size = 2GB\n\
             wal_compression = on\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             log_checkpoints = off\n"
        )
    }

    /// Who may be the role: the account, and root, who may be anyone anyway.
    fn identities(&self) -> Result<String, ClusterError> {
        let name = self.account.name()?;
        Ok(format!("frontrow \"{name}\" {ROLE}\nfrontrow root {ROLE}\n"))
    }

    /// Writes a file of the cluster whole.
    fn write(&self, name: &str, text: &str) -> Result<(), ClusterError> {
        let path = self.data.join(name);
        let beside = self.data.join(format!("{name}.new"));
        let mut file = File::create(&beside).map_err(ClusterError::file("create", &beside))?;
        file.write_all(text.as_bytes()).map_err(ClusterError::file("write", &beside))?;
        file.sync_all().map_err(ClusterError::file("sync", &beside))?;
        self.account.own(&beside)?;
        fs::rename(&beside, &path).map_err(ClusterError::file("rename", &beside))
    }

    fn run(&self, mut command: Command) -> Result<(), ClusterError> {
        let program = PathBuf::from(command.get_program());
        let output =
            command.output().map_err(|source| ClusterError::Spawn { program: program.clone(), source })?;
        if output.status.success() {
            return Ok(());
        }
        let said = self.last_words(&String::from_utf8_lossy(&output.stderr));
        Err(ClusterError::Failed { program, status: output.status, said })
    }

    fn last_words(&self, stderr: &str) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = stderr.lines().chain(last_lines(&log, 5)).map(str::trim).collect();
        lines.join("; ")
    }
}

fn last_lines(text: &str, count: usize) -> impl Iterator<Item = &str> {
    let skip = text.lines().count().saturating_sub(count);
    text.lines().skip(skip)
}

fn append(path: &Path, text: &str) -> Result<(), ClusterError> {
    let mut file = File::options().append(true).open(path).map_err(ClusterError::file("open", path))?;
    file.write_all(text.as_bytes()).map_err(ClusterError::file("write", path))
}
