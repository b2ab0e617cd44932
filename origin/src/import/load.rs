//! Writes a catalogue and its history into the database.

use std::collections::BTreeSet;
use std::pin::pin;

use tokio::sync::mpsc;
use tokio_postgres::Transaction;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use super::ImportError;
use crate::database::{ByDay, Database, DatabaseError, Day, Moment, Title};

/// A catalogue to be written.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// Where it comes from; one database holds the titles of one source.
    pub source: String,
    /// Each number once.
    pub titles: Vec<Title>,
}

/// A viewer watched a title, and may have rated it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Watched {
    /// Who.
    pub viewer: u32,
    /// What.
    pub title: u32,
    /// When, unix seconds.
    pub at_unix_s: u64,
    /// How it was found, 0 to 10.
    pub rating: Option<f32>,
}

/// A part of a history; what ends without [`Chunk::End`] is not kept.
#[derive(Clone, Debug)]
pub enum Chunk {
    /// Some of it, in any order.
    Events(Vec<Watched>),
    /// That was all.
    End,
}

/// What an import has brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Titles, new or described anew.
    pub titles: u64,
    /// Viewers of the history.
    pub viewers: u64,
    /// Watch events of the history.
    pub events: u64,
    /// Those that were not there before.
    pub events_new: u64,
    /// Partitions that were made.
    pub partitions: usize,
}

/// Where viewers are; the sources do not say, so the viewer's number decides.
const REGIONS: [&str; 2] = ["eu", "us"];

/// Writes a catalogue and the history that comes through the channel, in one transaction.
pub async fn load(
    database: &Database,
    catalogue: Catalogue,
    mut history: mpsc::Receiver<Chunk>,
) -> Result<Imported, ImportError> {
    let failed = || DatabaseError::statement("import");
    let mut client = database.client().await?;
    let transaction = client.transaction().await.map_err(failed())?;
    check_source(&transaction, &catalogue.source).await?;
    for region in REGIONS {
        transaction
            .execute("insert into regions values ($1) on conflict do nothing", &[&region])
            .await
            .map_err(failed())?;
    }
    let titles = copy_titles(&transaction, &catalogue).await?;
    let staged = stage_history(&transaction, &mut history).await?;
    let viewers = insert_viewers(&transaction, &staged.viewers).await?;
    // On a connection of its own, since it commits at once; nothing here holds a lock that it needs.
    let partitions = database.make_partitions(ByDay::WatchEvents, &staged.days).await?;
    let events_new = transaction
        .execute(
            "insert into watch_events (viewer, at, title, region, rating, source)
             select viewer, at, title, region, rating, $1
             from import_history join viewers using (viewer) order by at
             on conflict do nothing",
            &[&catalogue.source],
        )
        .await
        .map_err(failed())?;
    transaction.commit().await.map_err(failed())?;
    // The tables above the partitions are never analysed by themselves.
    client.batch_execute("analyze titles, viewers, watch_events").await.map_err(failed())?;
    Ok(Imported { titles, viewers, events: staged.events, events_new, partitions })
}

async fn check_source(transaction: &Transaction<'_>, source: &str) -> Result<(), ImportError> {
    let other = transaction
        .query_opt("select source from titles where source <> $1 limit 1", &[&source])
        .await
        .map_err(DatabaseError::statement("look up the source of the titles"))?;
    match other {
        Some(row) => Err(ImportError::OtherCatalogue { there: row.get(0), wanted: source.to_owned() }),
        None => Ok(()),
    }
}

async fn copy_titles(transaction: &Transaction<'_>, catalogue: &Catalogue) -> Result<u64, DatabaseError> {
    let failed = || DatabaseError::statement("copy titles");
    transaction
        .batch_execute(
            "create temp table import_titles (title bigint, name text, year smallint, maturity smallint,
                                              genres text[]) on commit drop",
        )
        .await
        .map_err(failed())?;
    let sink = transaction.copy_in("copy import_titles from stdin binary").await.map_err(failed())?;
    let types = [Type::INT8, Type::TEXT, Type::INT2, Type::INT2, Type::TEXT_ARRAY];
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for title in &catalogue.titles {
        let year = title.year.and_then(|year| i16::try_from(year).ok());
        let row: [&(dyn ToSql + Sync); 5] =
            [&i64::from(title.id), &title.name, &year, &i16::from(title.maturity), &title.genres];
        writer.as_mut().write(&row).await.map_err(failed())?;
    }
    writer.finish().await.map_err(failed())?;
    // What an operator has said about maturity stays when the catalogue is imported again.
    transaction
        .execute(
            "insert into titles (title, name, year, maturity, genres, source)
             select title, name, year, maturity, genres, $1 from import_titles
             on conflict (title) do update
             set name = excluded.name, year = excluded.year, genres = excluded.genres",
            &[&catalogue.source],
        )
        .await
        .map_err(failed())
}

/// What is known of a history once it has been read.
#[derive(Default)]
struct Staged {
    events: u64,
    viewers: BTreeSet<u32>,
    days: BTreeSet<Day>,
}

async fn stage_history(
    transaction: &Transaction<'_>,
    history: &mut mpsc::Receiver<Chunk>,
) -> Result<Staged, ImportError> {
    let failed = || DatabaseError::statement("copy watch events");
    transaction
        .batch_execute(
            "create temp table import_history (viewer bigint, title bigint, at timestamptz, rating real)
             on commit drop",
        )
        .await
        .map_err(failed())?;
    let sink = transaction.copy_in("copy import_history from stdin binary").await.map_err(failed())?;
    let types = [Type::INT8, Type::INT8, Type::TIMESTAMPTZ, Type::FLOAT4];
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    let mut staged = Staged::default();
    loop {
        let events = match history.recv().await {
            Some(Chunk::Events(events)) => events,
            Some(Chunk::End) => break,
            None => return Err(ImportError::BrokenOff),
        };
        for event in events {
            let at = Moment::from_unix_s(event.at_unix_s);
            let row: [&(dyn ToSql + Sync); 4] =
                [&i64::from(event.viewer), &i64::from(event.title), &at, &event.rating];
            writer.as_mut().write(&row).await.map_err(failed())?;
            staged.events += 1;
            staged.viewers.insert(event.viewer);
            staged.days.insert(Day::of(at));
        }
    }
    writer.finish().await.map_err(failed())?;
    transaction.batch_execute("analyze import_history").await.map_err(failed())?;
    Ok(staged)
}

async fn insert_viewers(
    transaction: &Transaction<'_>,
    viewers: &BTreeSet<u32>,
) -> Result<u64, DatabaseError> {
    let ids: Vec<i64> = viewers.iter().map(|viewer| i64::from(*viewer)).collect();
    let regions: Vec<&str> = viewers.iter().map(|viewer| region(*viewer)).collect();
    transaction
        .execute(
            "insert into viewers (viewer, region)
             select * from unnest($1::bigint[], $2::text[]) on conflict do nothing",
            &[&ids, &regions],
        )
        .await
        .map_err(DatabaseError::statement("add viewers"))?;
    Ok(ids.len() as u64)
}

/// The same for a viewer in every import: the upper bits of a multiplicative hash.
fn region(viewer: u32) -> &'static str {
    const GOLDEN: u32 = 0x9e37_79b9; // 2³² / φ
    let index = viewer.wrapping_mul(GOLDEN) >> 31;
    REGIONS[usize::from(index == 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_half_of_the_viewers_are_in_each_region() {
        let in_eu = (1..=10_000).filter(|viewer| region(*viewer) == "eu").count();
        assert!((4_500..=5_500).contains(&in_eu), "{in_eu}");
    }
}
