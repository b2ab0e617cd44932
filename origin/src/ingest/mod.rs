//! Stores what a node reports, exactly once.
//!
//! The batch's line in the ledger and its events are written in one transaction. A batch that comes
//! twice finds its line there and writes nothing; two that come at once wait for each other at the
//! ledger's key.

mod rows;

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use tokio_postgres::Transaction;
use wire::{Batch, Refusal, SessionRecord};

use crate::database::{ByDay, Database, DatabaseError, Day, Moment};
use crate::limits;

/// Why a batch was not stored.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// It cannot be stored, now or later.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database could not answer.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Whether a batch was new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It was, and is stored now.
    New,
    /// It had been stored before; nothing was written.
    Before,
}

/// Takes batches in.
#[derive(Debug)]
pub struct Ingest {
    database: Database,
    /// The partitions that are known to exist; they are never dropped while we run.
    partitions: Mutex<HashSet<(ByDay, Day)>>,
}

impl Ingest {
    /// Into this database.
    pub fn new(database: Database) -> Self {
        Self { database, partitions: Mutex::default() }
    }

    /// Stores a sound batch that arrived `now`; returns the highest sequence of its epoch as well.
    pub async fn store(&self, batch: &Batch, now: Moment) -> Result<(Stored, u64), IngestError> {
        let key = Key::of(batch)?;
        let watched: Vec<&SessionRecord> =
            batch.sessions.iter().filter(|session| is_watched(session)).collect();
        let event_day = |at_unix_ms| rows::place(at_unix_ms, now).1;
        let events = batch.events.iter().map(|event| event_day(event.at_unix_ms)).collect();
        let sessions = batch.sessions.iter().map(|session| event_day(session.ended_unix_ms)).collect();
        let watch_events = watched.iter().map(|session| event_day(session.ended_unix_ms)).collect();
        self.make_partitions(ByDay::Events, events).await?;
        self.make_partitions(ByDay::Sessions, sessions).await?;
        self.make_partitions(ByDay::WatchEvents, watch_events).await?;

        let failed = || DatabaseError::statement("store a batch");
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed())?;
        let is_new = key.enter(&transaction, batch).await?;
        if is_new {
            rows::copy_events(&transaction, batch, &key, now).await?;
            rows::copy_sessions(&transaction, batch, now).await?;
            rows::insert_watch_events(&transaction, &watched, now).await?;
        }
        let highest = key.highest(&transaction).await?;
        transaction.commit().await.map_err(failed())?;
        Ok((if is_new { Stored::New } else { Stored::Before }, highest))
    }

    async fn make_partitions(&self, of: ByDay, days: BTreeSet<Day>) -> Result<(), DatabaseError> {
        let is_known = |days: &BTreeSet<Day>| {
            let known = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
            days.iter().all(|day| known.contains(&(of, *day)))
        };
        if is_known(&days) {
            return Ok(());
        }
        self.database.make_partitions(of, &days).await?;
        let mut known = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        // A year of days is a few kilobytes; more means that something is wrong, so begin anew.
        if known.len() > limits::DAY_PARTITIONS_MAX {
            known.clear();
        }
        known.extend(days.into_iter().map(|day| (of, day)));
        Ok(())
    }
}

/// A session that tells of its viewer's taste: two minutes, or most of a short title.
fn is_watched(session: &SessionRecord) -> bool {
    const PLAYED_MS_MIN: u64 = 120_000;
    const COMPLETION_MIN: f64 = 0.7;
    session.summary.played_ms >= PLAYED_MS_MIN
        || session.scores.completion.is_some_and(|completion| completion >= COMPLETION_MIN)
}

/// What makes a batch unique.
struct Key<'a> {
    node: &'a str,
    epoch: i64,
    sequence: i64,
}

impl<'a> Key<'a> {
    fn of(batch: &'a Batch) -> Result<Self, Refusal> {
        let number = |field, value: u64| {
            i64::try_from(value)
                .map_err(|_| Refusal::new("number-out-of-range", format!("{field} is above {}", i64::MAX)))
        };
        let epoch = number("epoch", batch.epoch)?;
        Ok(Self { node: &batch.node, epoch, sequence: number("sequence", batch.sequence)? })
    }

    /// Writes the batch's line into the ledger; false when it is there.
    async fn enter(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<bool, DatabaseError> {
        let count = |length| i32::try_from(length).unwrap_or(i32::MAX);
        let entered = transaction
            .execute(
                "insert into batches (node, epoch, sequence, events, sessions) values ($1, $2, $3, $4, $5)
                 on conflict do nothing",
                &[
                    &self.node,
                    &self.epoch,
                    &self.sequence,
                    &count(batch.events.len()),
                    &count(batch.sessions.len()),
                ],
            )
            .await
            .map_err(DatabaseError::statement("enter a batch into the ledger"))?;
        Ok(entered == 1)
    }

    async fn highest(&self, transaction: &Transaction<'_>) -> Result<u64, DatabaseError> {
        let row = transaction
            .query_one(
                "select max(sequence) from batches where node = $1 and epoch = $2",
                &[&self.node, &self.epoch],
            )
            .await
            .map_err(DatabaseError::statement("read the ledger"))?;
        crate::database::narrow("sequence", row.get(0))
    }
}
