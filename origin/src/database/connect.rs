//! How the database is reached: a private cluster's socket, or a server's address with or without TLS.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::DatabaseError;
use crate::limits;

/// Where the database is.
#[derive(Clone)]
pub enum Address {
    /// A private cluster, by the folder of its socket.
    Socket {
        /// Holds `.s.PGSQL.5432`.
        folder: PathBuf,
        /// Who we are there.
        role: String,
        /// Which database.
        database: String,
    },
    /// A server of the operator's.
    Server(Box<Config>),
}

impl std::fmt::Debug for Address {
    // The operator's address holds a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket { folder, .. } => write!(f, "Socket({})", folder.display()),
            Self::Server(config) => write!(f, "Server({:?})", config.get_hosts()),
        }
    }
}

impl Address {
    /// Reads a `postgres://` URL or a `key=value` text.
    pub fn parse(text: &str) -> Result<Self, DatabaseError> {
        Ok(Self::Server(Box::new(Config::from_str(text).map_err(DatabaseError::Address)?)))
    }

    fn config(&self) -> Config {
        let mut config = match self {
            Self::Socket { folder, role, database } => {
                let mut config = Config::new();
                config.host_path(folder).user(role).dbname(database);
                config
            }
            Self::Server(config) => (**config).clone(),
        };
        if config.get_application_name().is_none() {
            config.application_name("frontrow-origin");
        }
        // Days are days of UTC, whatever the server's default is.
        let options = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("{options} -c timezone=UTC"));
        config.connect_timeout(limits::CONNECT_TIMEOUT);
        config
    }
}

pub(super) fn pool(address: &Address) -> Result<Pool, DatabaseError> {
    let config = address.config();
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let is_plain = matches!(address, Address::Socket { .. }) || config.get_ssl_mode() == SslMode::Disable;
    let manager = if is_plain {
        Manager::from_config(config, NoTls, recycling)
    } else {
        let tls = ClientConfig::with_platform_verifier().map_err(DatabaseError::Tls)?;
        Manager::from_config(config, MakeRustlsConnect::new(tls), recycling)
    };
    let wait = Some(limits::POOL_WAIT);
    Pool::builder(manager)
        .max_size(limits::CONNECTIONS_MAX)
        .timeouts(Timeouts { wait, create: wait, recycle: Some(Duration::from_secs(1)) })
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(DatabaseError::Pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_never_shows_its_password() {
        let address = Address::parse("postgres://frontrow:secret@db.example/frontrow").unwrap();
        assert!(!format!("{address:?}").contains("secret"));
    }

    #[test]
    fn nonsense_is_no_address() {
        let error = Address::parse("postgres://[").unwrap_err();
        assert_eq!(error.code(), "database-address");
    }
}
