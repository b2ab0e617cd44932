//! Makes the cluster, starts it for the first process that needs it, stops it after the last.
//!
//! Two lock files tell the processes of one data folder about each other: `start.lock` is held while
//! the server is started or stopped, `users.lock` is shared by all that use it. Each user leaves a
//! keeper behind that waits until nobody holds `users.lock` and then stops the server: so that a
//! process that was killed leaves no server running.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::ClusterError;
use super::account::Account;
use super::programs::Programs;
use super::run_folder::RunFolder;
use super::server::Server;
use crate::database::Address;

/// How the private cluster is made and run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// The folder that is its alone.
    pub home: PathBuf,
    /// The folder of `initdb`, `pg_ctl` and `postgres`; looked for without it.
    pub programs: Option<PathBuf>,
    /// The account it runs as when we are root.
    pub account: String,
}

/// One process's use of the cluster; the server stops after the last one was closed or dropped.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    home: PathBuf,
    /// Shared with the other users of the cluster.
    users: File,
    keeper: Child,
    /// The server, if it was us who started it.
    postmaster: Option<Child>,
    is_closed: bool,
}

/// The superuser of the cluster; its socket is open to the account and to root only.
pub(super) const ROLE: &str = "frontrow";

impl Cluster {
    /// Makes the cluster if it is new, starts it unless it runs. Blocks for a second or two, or as
    /// long as a crashed server takes to recover.
    pub fn open(config: &ClusterConfig) -> Result<Self, ClusterError> {
        let (home, account) = prepare_home(config)?;
        let data = home.join("data");
        let programs = Programs::find(config.programs.as_deref(), cluster_major(&data))?;
        let run = RunFolder::of(&home);
        let server = Server { data, log: home.join("log"), account, programs, run };
        let starting = lock_file(&home, "start.lock", &server.account)?;
        starting.lock().map_err(ClusterError::file("lock", &home))?;
        let users = lock_file(&home, "users.lock", &server.account)?;
        users.lock_shared().map_err(ClusterError::file("lock", &home))?;
        let keeper = spawn_keeper(&home, &server)?;
        // From here on an error drops the use, and that stops what was started.
        let mut cluster = Self { server, home, users, keeper, postmaster: None, is_closed: false };
        let started = cluster.start();
        // Closing needs the lock that starting holds.
        drop(starting);
        started.map(|()| cluster)
    }

    fn start(&mut self) -> Result<(), ClusterError> {
        if self.server.is_running() {
            return self.server.wait_until_ready(None);
        }
        if !self.server.data.exists() {
            self.server.initialise(&self.home.join("data.new"))?;
            sync_folder(&self.home)?;
        }
        self.postmaster = Some(self.server.start()?);
        Ok(())
    }

    /// How to connect.
    pub fn address(&self) -> Address {
        Address::Socket {
            folder: self.server.run.path().to_path_buf(),
            role: ROLE.to_owned(),
            database: "postgres".to_owned(),
        }
    }

    /// Starts the server again if it died; true when it had.
    pub fn revive(&mut self) -> Result<bool, ClusterError> {
        if self.server.is_running() {
            return Ok(false);
        }
        let starting = lock_file(&self.home, "start.lock", &self.server.account)?;
        starting.lock().map_err(ClusterError::file("lock", &self.home))?;
        if let Some(mut dead) = self.postmaster.take() {
            // Laid to rest, or the next server would take it for a living one.
            let _ = dead.try_wait();
        }
        // Another user may have been faster.
        let was_dead = !self.server.is_running();
        self.start()?;
        Ok(was_dead)
    }

    /// Ends the use; the last one waits until the server has stopped.
    pub fn close(mut self) -> Result<(), ClusterError> {
        self.release()
    }

    fn release(&mut self) -> Result<(), ClusterError> {
        if std::mem::replace(&mut self.is_closed, true) {
            return Ok(());
        }
        let starting = lock_file(&self.home, "start.lock", &self.server.account)?;
        starting.lock().map_err(ClusterError::file("lock", &self.home))?;
        // We stop the server ourselves, so that it has stopped when we return. A keeper that cannot
        // be ended finds nothing to stop.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        self.users.unlock().map_err(ClusterError::file("unlock", &self.home))?;
        if self.users.try_lock().is_err() {
            return Ok(());
        }
        self.server.stop()?;
        if let Some(mut postmaster) = self.postmaster.take() {
            // It has stopped; this only takes note of it.
            let _ = postmaster.wait();
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            tracing::error!(%error, "the private database was not stopped");
        }
    }
}

/// The folder of the cluster, canonical and the account's own.
fn prepare_home(config: &ClusterConfig) -> Result<(PathBuf, Account), ClusterError> {
    let is_new = !config.home.exists();
    if is_new {
        DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(config.home.parent().unwrap_or(Path::new("/")))
            .map_err(ClusterError::file("create", &config.home))?;
        DirBuilder::new()
            .mode(0o700)
            .create(&config.home)
            .or_else(|error| if config.home.is_dir() { Ok(()) } else { Err(error) })
            .map_err(ClusterError::file("create", &config.home))?;
    }
    let home = config.home.canonicalize().map_err(ClusterError::file("find", &config.home))?;
    let account = Account::choose(&config.account, &home)?;
    account.own(&home)?;
    Ok((home, account))
}

fn cluster_major(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

fn lock_file(home: &Path, name: &str, account: &Account) -> Result<File, ClusterError> {
    let path = home.join(name);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(ClusterError::file("open", &path))?;
    account.own(&path)?;
    Ok(file)
}

/// Waits, apart from us, until nobody uses the cluster, then stops it.
fn spawn_keeper(home: &Path, server: &Server) -> Result<Child, ClusterError> {
    let mut command = server.account.command("flock");
    command.arg(home.join("users.lock")).arg(server.programs.pg_ctl()).args(server.stop_arguments());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|source| ClusterError::Spawn { program: command.get_program().into(), source })
}

fn sync_folder(folder: &Path) -> Result<(), ClusterError> {
    let file = File::open(folder).map_err(ClusterError::file("open", folder))?;
    file.sync_all().map_err(ClusterError::file("sync", folder))
}
