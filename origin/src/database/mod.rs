//! The origin's memory: one pool of connections, and each subject's questions in a file of its own.
//!
//! Every method is one transaction (or one statement); what returns has happened, what failed has not.

mod catalogue;
mod connect;
mod migrate;
mod moment;
mod nodes;
mod partitions;
mod releases;
mod watch;

pub use catalogue::{LicenceWindow, Title};
pub use connect::Address;
pub use moment::Moment;
pub(crate) use partitions::ByDay;
pub use partitions::Day;
pub use releases::{AuditEntry, Channel, NewRelease, PublishLock, Release};
pub use watch::WatchEvent;

use deadpool_postgres::Pool;

/// Why the database could not answer.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// `DATABASE_URL` is not a PostgreSQL address.
    #[error("DATABASE_URL is not a PostgreSQL address: {0}")]
    Address(#[source] tokio_postgres::Error),
    /// The roots to trust for TLS could not be loaded.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[source] rustls::Error),
    /// The pool could not be built.
    #[error("the pool of connections could not be built: {0}")]
    Pool(#[source] deadpool_postgres::BuildError),
    /// No connection within the time allowed.
    #[error("no connection to the database: {0}")]
    Connect(#[source] deadpool_postgres::PoolError),
    /// The schema could not be brought up to date.
    #[error("the schema could not be migrated: {0}")]
    Migrate(#[source] refinery::Error),
    /// The schema is of a newer origin, or a migration was changed after it had been applied.
    #[error("the schema is not this origin's: {0}")]
    SchemaUnknown(#[source] refinery::Error),
    /// The server refused or broke off a statement.
    #[error("cannot {what}: {source}")]
    Statement {
        /// What the statement was for, as `read the titles`.
        what: &'static str,
        /// What the server says.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A stored number does not fit the type it has everywhere else.
    #[error("the database holds {value} as a {what}")]
    OutOfRange {
        /// What it should be.
        what: &'static str,
        /// What it is.
        value: i64,
    },
    /// No such title in the catalogue.
    #[error("there is no title {0}")]
    TitleUnknown(u32),
    /// No such region.
    #[error("there is no region {0:?}")]
    RegionUnknown(String),
    /// No such release.
    #[error("there is no release {0}")]
    ReleaseUnknown(u64),
    /// The name has a token already.
    #[error("node {0:?} has a token; revoke it first")]
    NodeExists(String),
    /// The licence would end before it begins.
    #[error("the licence would end at {until_s}, before it begins at {from_s} (unix seconds)")]
    WindowReversed {
        /// Begin, unix seconds.
        from_s: u64,
        /// End, unix seconds.
        until_s: u64,
    },
}

impl DatabaseError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "database-address",
            Self::Tls(_) => "database-tls",
            Self::Pool(_) => "database-pool",
            Self::Connect(_) => "database-unreachable",
            Self::Migrate(_) => "database-migration",
            Self::SchemaUnknown(_) => "database-schema-unknown",
            Self::Statement { .. } => "database-statement",
            Self::OutOfRange { .. } => "database-out-of-range",
            Self::TitleUnknown(_) => "title-unknown",
            Self::RegionUnknown(_) => "region-unknown",
            Self::ReleaseUnknown(_) => "release-unknown",
            Self::NodeExists(_) => "node-exists",
            Self::WindowReversed { .. } => "window-reversed",
        }
    }

    /// Names the purpose of a statement that failed.
    pub(crate) fn statement(what: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Statement { what, source }
    }
}

/// The database; a clone shares the pool.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
}

impl Database {
    /// Connects and brings the schema up to date; two origins that start at once wait for each other.
    pub async fn open(address: &Address) -> Result<Self, DatabaseError> {
        let database = Self { pool: connect::pool(address)? };
        database.migrate().await?;
        Ok(database)
    }

    /// Answers when the server does.
    pub async fn ping(&self) -> Result<(), DatabaseError> {
        let client = self.client().await?;
        client.simple_query("select 1").await.map_err(DatabaseError::statement("ask for a sign of life"))?;
        Ok(())
    }

    /// Lets all connections go; what asks afterwards is refused.
    pub fn close(&self) {
        self.pool.close();
    }

    /// Connections that are asking something now.
    pub fn connections_in_use(&self) -> usize {
        let status = self.pool.status();
        status.size.saturating_sub(status.available)
    }

    pub(crate) async fn client(&self) -> Result<deadpool_postgres::Client, DatabaseError> {
        self.pool.get().await.map_err(DatabaseError::Connect)
    }
}

/// A number of the database in the type it has everywhere else.
pub(crate) fn narrow<T: TryFrom<i64>>(what: &'static str, value: i64) -> Result<T, DatabaseError> {
    T::try_from(value).map_err(|_| DatabaseError::OutOfRange { what, value })
}
