//! What every command has: the data folder, the configuration, and the database when it is asked for.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tokio::sync::Mutex;

use crate::config::{Config, DatabaseChoice};
use crate::database::Database;
use crate::error::OriginError;
use crate::keys::Keys;
use crate::postgres::Cluster;
use crate::publish::{Publisher, Validity};

/// The surroundings of a command.
#[derive(Debug)]
pub struct Context {
    folder: PathBuf,
    config: Config,
    choice: DatabaseChoice,
    opened: Mutex<Option<Opened>>,
}

#[derive(Debug)]
struct Opened {
    database: Database,
    cluster: Option<Cluster>,
}

impl Context {
    /// Creates the data folder if it is new.
    pub fn new(folder: &Path, config: Config, choice: DatabaseChoice) -> Result<Self, OriginError> {
        let failed = |what| {
            let path = folder.to_path_buf();
            move |source| OriginError::File { what, path, source }
        };
        // Others may pass through to folders that are theirs (the database's), but not look around.
        DirBuilder::new().recursive(true).mode(0o711).create(folder).map_err(failed("create"))?;
        let folder = folder.canonicalize().map_err(failed("find"))?;
        Ok(Self { folder, config, choice, opened: Mutex::new(None) })
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The keys of the data folder.
    pub fn keys(&self) -> Keys {
        Keys::of(&self.folder)
    }

    /// What is published from the data folder, signed for as long as the configuration says.
    pub fn publisher(&self) -> Publisher {
        Publisher::of(&self.folder, Validity::from(self.config.signatures))
    }

    /// Whoever acts, for the audit: the account of the operating system.
    pub fn actor(&self) -> String {
        for name in ["SUDO_USER", "USER", "LOGNAME"] {
            if let Ok(account) = std::env::var(name)
                && !account.is_empty()
            {
                return account;
            }
        }
        "unknown".to_owned()
    }

    /// The database, up to date; the private cluster is started at the first call if nobody runs it.
    pub async fn database(&self) -> Result<Database, OriginError> {
        let mut opened = self.opened.lock().await;
        if let Some(opened) = &*opened {
            return Ok(opened.database.clone());
        }
        let (address, cluster) = match &self.choice {
            DatabaseChoice::Server(address) => (address.clone(), None),
            DatabaseChoice::Private(config) => {
                let config = config.clone();
                let cluster = tokio::task::spawn_blocking(move || Cluster::open(&config))
                    .await
                    .map_err(|_| OriginError::Panicked)??;
                (cluster.address(), Some(cluster))
            }
        };
        let database = Database::open(&address).await?;
        *opened = Some(Opened { database: database.clone(), cluster });
        Ok(database)
    }

    /// Starts the private cluster's server again if it died; true when it had. Blocks this thread for
    /// as long as the server recovers.
    pub async fn revive(&self) -> Result<bool, OriginError> {
        let mut opened = self.opened.lock().await;
        let cluster = opened.as_mut().and_then(|opened| opened.cluster.as_mut());
        match cluster {
            Some(cluster) => Ok(tokio::task::block_in_place(|| cluster.revive())?),
            None => Ok(false),
        }
    }

    /// Lets the database go; the last process that uses the private cluster waits until it has stopped.
    pub async fn close(&self) -> Result<(), OriginError> {
        let Some(opened) = self.opened.lock().await.take() else { return Ok(()) };
        opened.database.close();
        let Some(cluster) = opened.cluster else { return Ok(()) };
        let closed = tokio::task::spawn_blocking(move || cluster.close()).await;
        Ok(closed.map_err(|_| OriginError::Panicked)??)
    }
}
