//! Events and sessions as lines of their tables.

use std::pin::pin;

use tokio_postgres::Transaction;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use wire::{Batch, EventKind, SessionRecord};

use super::Key;
use crate::database::{DatabaseError, Day, Moment};
use crate::limits;

/// A player's time and the day it is kept under: its own, or that of its arrival where the player's
/// clock is out of all reason.
pub(super) fn place(at_unix_ms: u64, now: Moment) -> (Moment, Day) {
    let at = Moment::from_unix_ms(at_unix_ms);
    (at, Day::of(plausible(at, now)))
}

fn plausible(at: Moment, now: Moment) -> Moment {
    const AHEAD_S: u64 = 86_400;
    let (at_s, now_s) = (at.unix_s(), now.unix_s());
    let is_plausible = at_s + limits::EVENT_AGE_MAX.as_secs() >= now_s && at_s <= now_s + AHEAD_S;
    if is_plausible { at } else { now }
}

pub(super) async fn copy_events(
    transaction: &Transaction<'_>,
    batch: &Batch,
    key: &Key<'_>,
    now: Moment,
) -> Result<(), DatabaseError> {
    const TYPES: [Type; 19] = [
        Type::DATE,
        Type::TIMESTAMPTZ,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT4,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TEXT,
    ];
    if batch.events.is_empty() {
        return Ok(());
    }
    let failed = || DatabaseError::statement("copy events");
    let sink = transaction
        .copy_in(
            "copy events (day, at, node, epoch, sequence, event_id, session_id, kind, viewer, title, region,
                          device, position_ms, duration_ms, kbps, buffer_ms, buffering_events,
                          dropped_frames, error_code)
             from stdin binary",
        )
        .await
        .map_err(failed())?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &TYPES));
    for event in &batch.events {
        let (at, day) = place(event.at_unix_ms, now);
        let row: [&(dyn ToSql + Sync); 19] = [
            &day,
            &at,
            &key.node,
            &key.epoch,
            &key.sequence,
            &event.event_id,
            &event.session_id,
            &kind(event.kind),
            &event.viewer.map(i64::from),
            &event.title.map(i64::from),
            &event.region,
            &event.device,
            &event.position_ms.map(wide),
            &event.duration_ms.map(wide),
            &event.kbps.map(|kbps| i32::try_from(kbps).unwrap_or(i32::MAX)),
            &event.buffer_ms.map(i64::from),
            &event.buffering_events.map(i64::from),
            &event.dropped_frames.map(i64::from),
            &event.error_code,
        ];
        writer.as_mut().write(&row).await.map_err(failed())?;
    }
    writer.finish().await.map_err(failed())?;
    Ok(())
}

pub(super) async fn copy_sessions(
    transaction: &Transaction<'_>,
    batch: &Batch,
    now: Moment,
) -> Result<(), DatabaseError> {
    if batch.sessions.is_empty() {
        return Ok(());
    }
    let failed = || DatabaseError::statement("copy sessions");
    let sink = transaction
        .copy_in(
            "copy sessions (day, node, session_id, viewer, title, region, device, generation, started_at,
                            ended_at, startup_ms, played_ms, stalled_ms, stalls, dropped_frames, errors,
                            switches, mean_kbps, mean_buffer_ms, position_ms, position_max_ms, duration_ms,
                            events, ended, session_v1, window_v1, rebuffer_ratio, completion)
             from stdin binary",
        )
        .await
        .map_err(failed())?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &session_types()));
    for session in &batch.sessions {
        write_session(writer.as_mut(), session, &batch.node, now).await.map_err(failed())?;
    }
    writer.finish().await.map_err(failed())?;
    Ok(())
}

fn session_types() -> Vec<Type> {
    let mut types = vec![Type::DATE, Type::TEXT, Type::TEXT, Type::INT8, Type::INT8, Type::TEXT, Type::TEXT];
    types.extend([Type::INT8, Type::TIMESTAMPTZ, Type::TIMESTAMPTZ]);
    types.extend(vec![Type::INT8; 7]);
    types.extend([Type::FLOAT8, Type::FLOAT8]);
    types.extend(vec![Type::INT8; 4]);
    types.push(Type::BOOL);
    types.extend(vec![Type::FLOAT8; 4]);
    types
}

async fn write_session(
    writer: std::pin::Pin<&mut BinaryCopyInWriter>,
    session: &SessionRecord,
    node: &str,
    now: Moment,
) -> Result<(), tokio_postgres::Error> {
    let (summary, scores) = (&session.summary, &session.scores);
    let (ended_at, day) = place(session.ended_unix_ms, now);
    let row: [&(dyn ToSql + Sync); 28] = [
        &day,
        &node,
        &session.session_id,
        &session.viewer.map(i64::from),
        &session.title.map(i64::from),
        &session.region,
        &session.device,
        &wide(session.generation),
        &Moment::from_unix_ms(session.started_unix_ms),
        &ended_at,
        &summary.startup_ms.map(i64::from),
        &wide(summary.played_ms),
        &wide(summary.stalled_ms),
        &i64::from(summary.stalls),
        &i64::from(summary.dropped_frames),
        &i64::from(summary.errors),
        &i64::from(summary.switches),
        &summary.mean_kbps,
        &summary.mean_buffer_ms,
        &wide(summary.position_ms),
        &wide(summary.position_max_ms),
        &summary.duration_ms.map(wide),
        &i64::from(summary.events),
        &summary.ended,
        &scores.session_v1,
        &scores.window_v1,
        &scores.rebuffer_ratio,
        &scores.completion,
    ];
    writer.write(&row).await
}

/// Lets the next training know what was watched; viewers that are new get the region they watched in.
///
/// What names a title outside the catalogue, or an unknown viewer in an unknown region, is left out.
pub(super) async fn insert_watch_events(
    transaction: &Transaction<'_>,
    watched: &[&SessionRecord],
    now: Moment,
) -> Result<(), DatabaseError> {
    let mut columns = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for session in watched {
        if let (Some(viewer), Some(title)) = (session.viewer, session.title) {
            columns.0.push(i64::from(viewer));
            columns.1.push(i64::from(title));
            columns.2.push(plausible(Moment::from_unix_ms(session.ended_unix_ms), now));
            columns.3.push(session.region.as_deref());
        }
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

/// Milliseconds and counters stay far below; a nonsensical one is kept at the end of the range.
fn wide(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As it is in messages.
fn kind(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Start => "start",
        EventKind::FirstFrame => "first-frame",
        EventKind::Heartbeat => "heartbeat",
        EventKind::BufferingStart => "buffering-start",
        EventKind::BufferingEnd => "buffering-end",
        EventKind::BitrateChange => "bitrate-change",
        EventKind::Error => "error",
        EventKind::Stop => "stop",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_out_of_reason_is_kept_under_the_day_of_arrival() {
        let now = Moment::from_unix_s(1_800_000_000);
        let check = |at_unix_s: u64, day_s: u64| {
            let (at, day) = place(at_unix_s * 1_000, now);
            assert_eq!(at.unix_s(), at_unix_s);
            assert_eq!(day, Day::of(Moment::from_unix_s(day_s)));
        };
        check(1_800_000_000, 1_800_000_000);
        check(1_800_000_000 - 7 * 86_400, 1_800_000_000 - 7 * 86_400);
        check(1_800_000_000 - 7 * 86_400 - 1, 1_800_000_000);
        check(1_800_000_000 + 86_400, 1_800_000_000 + 86_400);
        check(1_800_000_000 + 86_401, 1_800_000_000);
        check(0, 1_800_000_000);
    }

    #[test]
    fn a_kind_is_stored_as_it_is_sent() {
        let text = serde_json::to_string(&EventKind::FirstFrame).unwrap();
        assert_eq!(text, format!("\"{}\"", kind(EventKind::FirstFrame)));
    }

    #[test]
    fn a_session_has_as_many_types_as_columns() {
        assert_eq!(session_types().len(), 28);
    }
}
