//! Adds hours up, so that a question about a month is quick.

use std::time::{Duration, Instant};

use crate::database::{Database, DatabaseError};

/// What came of adding up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// It is done.
    Done {
        /// Readers were not held up.
        took: Duration,
    },
    /// Another origin is at it.
    Elsewhere,
}

impl Database {
    /// Adds the hours up anew; readers see the old ones until it is done.
    ///
    /// # Errors
    ///
    /// When the database fails; the old hours stay then.
    pub async fn refresh_qoe(&self) -> Result<Refreshed, DatabaseError> {
        let failed = || DatabaseError::statement("add up what sessions saw");
        let mut client = self.client().await?;
        let transaction = client.transaction().await.map_err(failed())?;
        // Let go with the transaction, however that ends.
        let lock = "select pg_try_advisory_xact_lock(hashtext('frontrow.qoe'))";
        if !transaction.query_one(lock, &[]).await.map_err(failed())?.get::<_, bool>(0) {
            return Ok(Refreshed::Elsewhere);
        }
        let started = Instant::now();
        let refresh = "refresh materialized view concurrently qoe_hourly";
        transaction.batch_execute(refresh).await.map_err(failed())?;
        let took = started.elapsed();
        let note = "insert into qoe_refreshes (refreshed_at, took_ms) values (now(), $1)
                    on conflict (only_line) do update
                    set refreshed_at = excluded.refreshed_at, took_ms = excluded.took_ms";
        let took_ms = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        transaction.execute(note, &[&took_ms]).await.map_err(failed())?;
        transaction.commit().await.map_err(failed())?;
        Ok(Refreshed::Done { took })
    }
}
