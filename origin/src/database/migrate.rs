//! Brings the schema up to date.

use super::{Database, DatabaseError};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// One number for all origins of a database; any would do.
const MIGRATION_LOCK: i64 = 0x4672_6f6e_7472_6f77;

impl Database {
    /// Applies the migrations that are missing; refuses a schema that is not of this origin's history.
    pub(super) async fn migrate(&self) -> Result<(), DatabaseError> {
        let mut client = self.client().await?;
        client
            .execute("select pg_advisory_lock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(DatabaseError::statement("wait for other migrations"))?;
        let migrated = embedded::migrations::runner().run_async(&mut **client).await;
        client
            .execute("select pg_advisory_unlock($1)", &[&MIGRATION_LOCK])
            .await
            .map_err(DatabaseError::statement("let other migrations go on"))?;
        match migrated {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.kind() {
                refinery::error::Kind::DivergentVersion(..) | refinery::error::Kind::MissingVersion(_) => {
                    DatabaseError::SchemaUnknown(error)
                }
                _ => DatabaseError::Migrate(error),
            }),
        }
    }
}
