//! Stores what nodes report, exactly once.
//!
//! The highest stored number of each (node, lane, epoch) is a row. Whoever stores a batch locks it, skips the frames
//! that are not above it, writes the others and raises it, in one transaction: a batch that comes twice, or overlaps
//! another, is stored once, and two that come at once wait for each other at that row.

mod events;
mod lines;
mod prepared;
mod records;
mod watched;

use std::collections::{BTreeSet, HashSet};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};

use deadpool_postgres::Transaction;
use futures_util::SinkExt;

use crate::database::{ByDay, Database, DatabaseError, Day};
use crate::limits;
use lines::Lines;
pub use prepared::Prepared;
use prepared::RefusedFrame;
use watched::Watched;

/// What came of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The highest number that has been dealt with.
    pub sequence: u64,
    /// Frames that were new.
    pub frames: usize,
    /// Of these, frames that could not be read.
    pub refused: usize,
    /// Events stored.
    pub events: usize,
    /// Ended sessions stored.
    pub sessions: usize,
    /// Windows stored.
    pub windows: usize,
    /// Titles shown and bit rates chosen, stored.
    pub decisions: usize,
}

/// Takes batches in.
#[derive(Debug)]
pub struct Ingest {
    database: Database,
    /// The partitions that are known to exist.
    partitions: Mutex<HashSet<(ByDay, Day)>>,
}

impl Ingest {
    /// Into this database.
    pub fn new(database: Database) -> Self {
        Self { database, partitions: Mutex::default() }
    }

    /// Stores what is new of a batch.
    ///
    /// # Errors
    ///
    /// When the database could not do it; nothing of the batch is stored then, and it may be sent again.
    pub async fn store(&self, batch: &Prepared) -> Result<Receipt, DatabaseError> {
        for (table, days) in &batch.days {
            self.make_partitions(*table, days).await?;
        }
        let stored = self.try_store(batch).await;
        if stored.is_err() {
            // A partition may have been dropped behind our back; the next batch looks again.
            self.known().clear();
        }
        stored
    }

    async fn try_store(&self, batch: &Prepared) -> Result<Receipt, DatabaseError> {
        let failed = || DatabaseError::statement("store a batch");
        let mut client = self.database.client().await?;
        let transaction = client.transaction().await.map_err(failed())?;
        let watermark = lock_watermark(&transaction, batch).await?;
        let skipped = batch.sequences.partition_point(|sequence| *sequence <= watermark);
        if skipped == batch.sequences.len() {
            let sequence = crate::database::narrow("sequence", watermark)?;
            return Ok(Receipt { sequence, ..Receipt::default() });
        }
        for (copy, lines) in batch.tables.all() {
            copy_in(&transaction, copy, lines, skipped).await?;
        }
        let watched: Vec<&Watched> =
            batch.watched.iter().filter(|(frame, _)| *frame >= skipped).map(|(_, watched)| watched).collect();
        watched::insert(&transaction, &watched).await?;
        let refused: Vec<&RefusedFrame> =
            batch.refused.iter().filter(|frame| frame.place >= skipped).collect();
        keep_refused(&transaction, batch, &refused).await?;
        let tables = &batch.tables;
        let receipt = Receipt {
            sequence: crate::database::narrow("sequence", batch.last())?,
            frames: batch.sequences.len() - skipped,
            refused: refused.len(),
            events: tables.events.count_after(skipped),
            sessions: tables.sessions.count_after(skipped),
            windows: tables.windows.count_after(skipped),
            decisions: tables.exposures.count_after(skipped) + tables.bitrates.count_after(skipped),
        };
        raise_watermark(&transaction, batch, batch.sequences[skipped], &receipt).await?;
        transaction.commit().await.map_err(failed())?;
        Ok(receipt)
    }

    async fn make_partitions(&self, of: ByDay, days: &BTreeSet<Day>) -> Result<(), DatabaseError> {
        if days.iter().all(|day| self.known().contains(&(of, *day))) {
            return Ok(());
        }
        self.database.make_partitions(of, days).await?;
        let mut known = self.known();
        // A year of days is a few kilobytes; more means that something is wrong, so begin anew.
        if known.len() > limits::DAY_PARTITIONS_MAX {
            known.clear();
        }
        known.extend(days.iter().map(|day| (of, *day)));
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<(ByDay, Day)>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The highest stored number of the batch's series, -1 before the first; nobody else can change it before we commit.
async fn lock_watermark(transaction: &Transaction<'_>, batch: &Prepared) -> Result<i64, DatabaseError> {
    const LOCK: &str =
        "select sequence from watermarks where node = $1 and lane = $2 and epoch = $3 for update";
    const BEGIN: &str = "insert into watermarks (node, lane, epoch, sequence) values ($1, $2, $3, -1)
                         on conflict do nothing";
    let failed = || DatabaseError::statement("lock a watermark");
    let lane = batch.lane.name();
    let lock = transaction.prepare_cached(LOCK).await.map_err(failed())?;
    loop {
        let row = transaction.query_opt(&lock, &[&batch.node, &lane, &batch.epoch]).await.map_err(failed())?;
        if let Some(row) = row {
            return Ok(row.get(0));
        }
        // Whoever comes second waits here for the first to commit, and then finds its row.
        transaction.execute(BEGIN, &[&batch.node, &lane, &batch.epoch]).await.map_err(failed())?;
    }
}

async fn raise_watermark(
    transaction: &Transaction<'_>,
    batch: &Prepared,
    first: i64,
    receipt: &Receipt,
) -> Result<(), DatabaseError> {
    const RAISE: &str = "with raised as (
            update watermarks set sequence = $5, stored_at = now() where node = $1 and lane = $2 and epoch = $3)
        insert into batches (node, lane, epoch, first, sequence, frames, refused, events, sessions, windows, decisions)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let failed = || DatabaseError::statement("enter a batch into the ledger");
    let raise = transaction.prepare_cached(RAISE).await.map_err(failed())?;
    let count = |length| i32::try_from(length).unwrap_or(i32::MAX);
    transaction
        .execute(
            &raise,
            &[
                &batch.node,
                &batch.lane.name(),
                &batch.epoch,
                &first,
                &batch.last(),
                &count(receipt.frames),
                &count(receipt.refused),
                &count(receipt.events),
                &count(receipt.sessions),
                &count(receipt.windows),
                &count(receipt.decisions),
            ],
        )
        .await
        .map_err(failed())?;
    Ok(())
}

async fn copy_in(
    transaction: &Transaction<'_>,
    copy: &'static str,
    lines: &Lines,
    skipped: usize,
) -> Result<(), DatabaseError> {
    let parts = lines.parts_after(skipped);
    if parts.is_empty() {
        return Ok(());
    }
    let failed = || DatabaseError::statement("copy lines");
    let statement = transaction.prepare_cached(copy).await.map_err(failed())?;
    let mut sink = pin!(transaction.copy_in(&statement).await.map_err(failed())?);
    for part in parts {
        sink.feed(part).await.map_err(failed())?;
    }
    sink.finish().await.map_err(failed())?;
    Ok(())
}

/// Keeps the beginnings of frames that cannot be read, of the latest ones only.
async fn keep_refused(
    transaction: &Transaction<'_>,
    batch: &Prepared,
    refused: &[&RefusedFrame],
) -> Result<(), DatabaseError> {
    let failed = || DatabaseError::statement("keep a refused frame");
    // A batch of nothing else would push all others out; the ledger counts them anyway.
    for frame in refused.iter().take(limits::REFUSED_OF_BATCH_KEPT) {
        let bytes = i64::try_from(frame.bytes).unwrap_or(i64::MAX);
        transaction
            .execute(
                "insert into refused_frames (node, lane, epoch, sequence, code, message, bytes, payload)
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
                &[
                    &batch.node,
                    &batch.lane.name(),
                    &batch.epoch,
                    &frame.sequence,
                    &frame.refusal.code,
                    &frame.refusal.message,
                    &bytes,
                    &frame.payload,
                ],
            )
            .await
            .map_err(failed())?;
    }
    if !refused.is_empty() {
        let oldest = "delete from refused_frames
                      where entry <= (select max(entry) from refused_frames) - $1";
        transaction.execute(oldest, &[&limits::REFUSED_FRAMES_KEPT]).await.map_err(failed())?;
    }
    Ok(())
}
