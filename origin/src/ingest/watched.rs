//! What sessions teach about their viewers' taste.

use deadpool_postgres::Transaction;
use wire::SessionRecord;

use crate::database::{DatabaseError, Moment};

/// A viewer has watched a title.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    viewer: u32,
    title: u32,
    region: Option<String>,
    at: Moment,
}

/// Two minutes, or most of a short title, tell of a viewer's taste.
pub(super) fn of(session: &SessionRecord, at: Moment) -> Option<Watched> {
    const PLAYED_MS_MIN: u64 = 120_000;
    const COMPLETION_MIN: f64 = 0.7;
    let is_watched = session.summary.played_ms >= PLAYED_MS_MIN
        || session.scores.completion.is_some_and(|completion| completion >= COMPLETION_MIN);
    let (Some(viewer), Some(title), true) = (session.viewer, session.title, is_watched) else { return None };
    Some(Watched { viewer, title, region: session.region.clone(), at })
}

/// Lets the next training know what was watched; viewers that are new get the region they watched in.
///
/// What names a title outside the catalogue, or an unknown viewer in an unknown region, is left out.
pub(super) async fn insert(transaction: &Transaction<'_>, watched: &[&Watched]) -> Result<(), DatabaseError> {
    let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for watched in watched {
        columns.0.push(i64::from(watched.viewer));
        columns.1.push(i64::from(watched.title));
        columns.2.push(watched.at);
        columns.3.push(watched.region.as_deref());
    }
    if columns.0.is_empty() {
        return Ok(());
    }
    // Sorted, so that two batches with the same newcomers wait for each other instead of locking up.
    transaction
        .execute(
            "insert into viewers (viewer, region)
             select distinct on (viewer) viewer, region
             from unnest($1::bigint[], $2::bigint[], $3::text[]) as seen (viewer, title, region)
             join titles using (title) join regions using (region)
             order by viewer on conflict do nothing",
            &[&columns.0, &columns.1, &columns.3],
        )
        .await
        .map_err(DatabaseError::statement("add viewers"))?;
    transaction
        .execute(
            "insert into watch_events (viewer, at, title, region, source)
             select seen.viewer, seen.at, seen.title, viewers.region, 'playback'
             from unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) as seen (viewer, title, at)
             join titles using (title) join viewers using (viewer)
             order by 1, 2, 3 on conflict do nothing",
            &[&columns.0, &columns.1, &columns.2],
        )
        .await
        .map_err(DatabaseError::statement("add watch events"))?;
    Ok(())
}
