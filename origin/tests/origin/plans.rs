//! The questions that the schema has indexes for are answered by those indexes.

use std::collections::BTreeSet;

use crate::stage::Stage;

/// The named indexes that a plan uses; those of partitions count as the one they belong to.
async fn indexes(stage: &Stage, question: &str) -> BTreeSet<String> {
    let explained = format!("explain (format text) {question}");
    let rows = stage.client.query(&explained, &[]).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    let parents = stage
        .client
        .query(
            "select child.relname::text, parent.relname::text from pg_inherits
             join pg_class child on child.oid = inhrelid join pg_class parent on parent.oid = inhparent
             where child.relkind = 'i'",
            &[],
        )
        .await
        .unwrap();
    parents
        .iter()
        .filter(|row| plan.contains(&format!(" {} ", row.get::<_, String>(0))))
        .map(|row| row.get(1))
        .collect()
}

async fn check(stage: &Stage, question: &str, index: &str) {
    assert_eq!(indexes(stage, question).await, BTreeSet::from([index.to_owned()]), "{question}");
}

#[tokio::test]
async fn watch_events_are_found_by_viewer_and_by_title() {
    let stage = Stage::new("plans_watch").await;
    stage
        .client
        .batch_execute(
            "select make_partition('watch_events', '2026-01-01', '2026-01-02');
             select make_partition('watch_events', '2026-01-02', '2026-01-03');
             insert into watch_events (viewer, at, title, region, source)
             select n % 5000, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second', n % 700,
                    case when n % 2 = 0 then 'eu' else 'us' end, 'test'
             from generate_series(1, 40000) n;
             analyze watch_events",
        )
        .await
        .unwrap();
    let by_viewer = "select title, at from watch_events where viewer = 77 and at >= '2026-01-01'";
    check(&stage, by_viewer, "watch_events_viewer_at_title").await;
    let by_title = "select count(*) from watch_events
                    where title = 7 and region = 'eu' and at >= '2026-01-01'";
    check(&stage, by_title, "watch_events_title_region_at").await;
}

#[tokio::test]
async fn playback_is_found_by_session_and_by_region_and_device() {
    let stage = Stage::new("plans_playback").await;
    stage
        .client
        .batch_execute(
            "select make_partition('events', '2026-01-01', '2026-01-02');
             insert into events (day, at, node, epoch, sequence, event_id, session_id, kind, region, device)
             select '2026-01-01', timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second', 'edge-1', 1,
                    n, 'e' || n, 's' || n % 3000, 'heartbeat', 'r' || n % 20, 'd' || n % 30
             from generate_series(1, 20000) n;
             select make_partition('sessions', '2026-01-01', '2026-01-02');
             insert into sessions (day, node, session_id, region, device, generation, started_at, ended_at,
                                   played_ms, playback_stall_duration_ms, playback_stall_count, dropped_frames, errors, switches,
                                   position_ms, position_max_ms, events, ended, session_v1, window_v1,
                                   rebuffer_ratio)
             select '2026-01-01', 'edge-1', 's' || n, 'r' || n % 20, 'd' || n % 30, 1, '2026-01-01',
                    timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second',
                    n, 0, 0, 0, 0, 0, 0, 0, 1, true, 1, 1, 0
             from generate_series(1, 20000) n",
        )
        .await
        .unwrap();
    stage.client.batch_execute("vacuum analyze events, sessions").await.unwrap();
    check(&stage, "select * from events where session_id = 's7'", "events_session_id_at").await;
    let by_device = "select count(*) from events
                     where region = 'r7' and device = 'd7' and at >= '2026-01-01 01:00:00+00'";
    check(&stage, by_device, "events_region_device_at").await;
    check(&stage, "select * from sessions where session_id = 's7'", "sessions_session_id").await;
    let watched = "select sum(played_ms) from sessions
                   where region = 'r7' and device = 'd7' and ended_at >= '2026-01-01 01:00:00+00'";
    check(&stage, watched, "sessions_region_device_ended_at").await;
}

#[tokio::test]
async fn a_day_is_looked_for_in_its_partition_only() {
    let stage = Stage::new("plans_pruning").await;
    stage
        .client
        .batch_execute(
            "select make_partition('watch_events', day::date, day::date + 1)
             from generate_series('2026-01-01'::timestamptz, '2026-01-20', '1 day') day",
        )
        .await
        .unwrap();
    let question = "explain select * from watch_events
                    where at >= '2026-01-05 00:00:00+00' and at < '2026-01-06 00:00:00+00'";
    let rows = stage.client.query(question, &[]).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let plan = plan.join("\n");
    let days: BTreeSet<&str> =
        plan.match_indices("watch_events_2026").map(|(at, name)| &plan[at..at + name.len() + 4]).collect();
    assert_eq!(days, BTreeSet::from(["watch_events_20260105"]), "{plan}");
}
