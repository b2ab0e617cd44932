//! Frames: stored once, skipped where they cannot be read, every field where it belongs.

use std::sync::Arc;

use wire::{
    BatchStored, Codec, Decided, DecisionRecord, Dimension, Event, EventKind, Lane, Policy, ReasonKind,
    Records, SessionRecord, Shown, SketchRecord, Why, WindowRecord,
};

use crate::batches::{encoded, encoded_of, event, now_unix_ms, payload, send, session, stored};
use crate::stage::Stage;

/// A payload with one event of this name.
fn named(name: &str) -> Vec<u8> {
    let event = Event::new(name, "session-1", EventKind::Heartbeat, now_unix_ms());
    wire::write_events(&[&event])
}

async fn names(stage: &Stage) -> Vec<String> {
    let rows =
        stage.client.query("select event_id from events order by epoch, sequence, 1", &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_batch_sent_three_times_at_once_is_stored_once() {
    let stage = Stage::new("frame_once").await;
    let token = stage.token("edge-1").await;
    let body = encoded(7, &[(1, &payload(60)), (2, &payload(40))]);
    let sending = || send(&stage, token.text(), body.clone());
    let (a, b, c) = tokio::join!(sending(), sending(), sending());
    for response in [a, b, c] {
        let expected = BatchStored { node: "edge-1".to_owned(), lane: Lane::Events, epoch: 7, sequence: 2 };
        assert_eq!(stored(response).await, expected);
    }
    assert_eq!(stage.count("select count(*) from events").await, 100);
    assert_eq!(stage.count("select count(*) from batches").await, 1);
    assert_eq!(stage.count("select sequence from watermarks").await, 2);
}

#[tokio::test]
async fn batches_that_overlap_are_stored_as_if_they_did_not() {
    let stage = Stage::new("frame_overlap").await;
    let token = stage.token("edge-1").await;
    let payloads: Vec<Vec<u8>> = (0..10).map(|number| named(&format!("event-{number}"))).collect();
    let frame = |number: u64| (number, &*payloads[number as usize]);
    // Sent in part, again, with more, with a gap, and far behind.
    for (numbers, highest) in
        [(vec![1, 2, 3], 3), (vec![2, 3], 3), (vec![1, 2, 3, 4, 5], 5), (vec![5, 8, 9], 9), (vec![6, 7], 9)]
    {
        let frames: Vec<_> = numbers.iter().map(|number| frame(*number)).collect();
        let answer = stored(send(&stage, token.text(), encoded(7, &frames)).await).await;
        assert_eq!(answer.sequence, highest, "after {numbers:?}");
    }
    // 6 and 7 come behind 9: a node that goes back has made a mistake, and what it sends may be anything.
    let expected = [1, 2, 3, 4, 5, 8, 9].map(|number| format!("event-{number}"));
    assert_eq!(names(&stage).await, expected);
    let ledger =
        "select count(*) from batches where (first, sequence, frames) in ((1, 3, 3), (4, 5, 2), (8, 9, 2))";
    assert_eq!(stage.count(ledger).await, 3);
    assert_eq!(stage.count("select count(*) from batches").await, 3);
}

#[tokio::test]
async fn epochs_and_lanes_count_apart() {
    let stage = Stage::new("frame_epochs").await;
    let token = stage.token("edge-1").await;
    let records = wire::write_records(&Records { sessions: vec![session(1, 5, 1)], ..Records::default() });
    for body in [
        encoded(7, &[(5, &named("a"))]),
        encoded(8, &[(1, &named("b"))]),
        encoded(3, &[(2, &named("c"))]),
        encoded_of(Lane::Records, 7, &[(5, &records)]),
    ] {
        for _ in 0..2 {
            stored(send(&stage, token.text(), body.clone()).await).await;
        }
    }
    assert_eq!(names(&stage).await, ["c", "a", "b"]);
    assert_eq!(stage.count("select count(*) from sessions").await, 1);
    assert_eq!(stage.count("select count(*) from watermarks").await, 4);
}

#[tokio::test]
async fn many_senders_of_one_lane_store_every_frame_once() {
    let stage = Arc::new(Stage::new("frame_race").await);
    let token = stage.token("edge-1").await.text().to_owned();
    let payloads: Arc<Vec<Vec<u8>>> =
        Arc::new((0..40).map(|number| named(&format!("{number:02}"))).collect());
    let sender = |first: u64| {
        let (stage, token, payloads) = (Arc::clone(&stage), token.clone(), Arc::clone(&payloads));
        async move {
            // Each sends all, a few at a time, from the beginning.
            let mut from = 0;
            while from < 40 {
                let to = (from + 1 + first).min(40);
                let frames: Vec<_> = (from..to).map(|number| (number, &*payloads[number as usize])).collect();
                let answer = stored(send(&stage, &token, encoded(7, &frames)).await).await;
                assert!(answer.sequence >= to - 1);
                from = to;
            }
        }
    };
    tokio::join!(sender(1), sender(2), sender(4), sender(9));
    let expected: Vec<String> = (0..40).map(|number| format!("{number:02}")).collect();
    assert_eq!(names(&stage).await, expected);
    assert_eq!(stage.count("select sum(frames)::bigint from batches").await, 40);
}

#[tokio::test]
async fn a_frame_that_cannot_be_read_is_kept_aside_and_blocks_nothing() {
    let stage = Stage::new("frame_refused").await;
    let token = stage.token("edge-1").await;
    let sound = named("sound");
    let mut unsound = event(1);
    unsound.event_id = "".into();
    // Its first event is sound; the frame is one.
    let unsound = wire::write_events(&[&event(0), &unsound]);
    let long = vec![0xc1; 200_000];
    let frames: [(u64, &[u8]); 6] =
        [(1, b""), (2, b"\x09nonsense"), (3, &unsound), (4, &sound), (5, &long), (6, b"\x01\x91")];
    for _ in 0..2 {
        let answer = stored(send(&stage, token.text(), encoded(7, &frames)).await).await;
        assert_eq!(answer.sequence, 6);
    }
    assert_eq!(names(&stage).await, ["sound"]);
    let rows = stage
        .client
        .query("select sequence, code, bytes, length(payload) from refused_frames order by sequence", &[])
        .await
        .unwrap();
    let kept: Vec<(i64, String, i64, i32)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    let line = |sequence, code: &str, bytes, kept| (sequence, code.to_owned(), bytes, kept);
    let length = unsound.len() as i64;
    let expected = [
        line(1, "version-unknown", 0, 0),
        line(2, "version-unknown", 9, 9),
        line(3, "id-length", length, length as i32),
        line(5, "version-unknown", 200_000, 65_536),
        line(6, "msgpack-malformed", 2, 2),
    ];
    assert_eq!(kept, expected);
    assert_eq!(stage.count("select sum(refused)::bigint from batches").await, 5);
    let text = stage.http.get(stage.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("frontrow_origin_refused_frames_total 5"), "{text}");
}

#[tokio::test]
async fn the_frames_that_are_kept_aside_are_bounded() {
    let stage = Stage::new("frame_kept").await;
    let token = stage.token("edge-1").await;
    let frames: Vec<(u64, &[u8])> = (1..=1_000).map(|number| (number, &b"x"[..])).collect();
    stored(send(&stage, token.text(), encoded(7, &frames)).await).await;
    assert_eq!(stage.count("select count(*) from refused_frames").await, 16);
    let many = "insert into refused_frames (node, lane, epoch, sequence, code, message, bytes, payload)
                select 'n', 'events', 1, n, 'c', 'm', 0, '' from generate_series(1, 2000) n";
    stage.client.batch_execute(many).await.unwrap();
    stored(send(&stage, token.text(), encoded(8, &frames[..1])).await).await;
    assert_eq!(stage.count("select count(*) from refused_frames").await, 1_000);
    assert_eq!(stage.count("select epoch from refused_frames order by entry desc limit 1").await, 8);
}

#[tokio::test]
async fn a_partition_dropped_behind_our_back_is_made_again() {
    let stage = Stage::new("frame_partition").await;
    let token = stage.token("edge-1").await;
    stored(send(&stage, token.text(), encoded(7, &[(1, &payload(1))])).await).await;
    let name: String = stage
        .client
        .query_one(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'events'::regclass",
            &[],
        )
        .await
        .unwrap()
        .get(0);
    stage.client.batch_execute(&format!("drop table {name}")).await.unwrap();
    let body = encoded(7, &[(2, &payload(1))]);
    // Refused once with "send it again later", and then stored.
    let first = send(&stage, token.text(), body.clone()).await;
    assert_eq!(first.status().as_u16(), 503);
    stored(send(&stage, token.text(), body).await).await;
    assert_eq!(stage.count("select count(*) from events").await, 1);
}

/// The one line of a table as JSON, without what the day and the clock bring.
async fn line(stage: &Stage, table: &str, without: &str) -> serde_json::Value {
    let question =
        format!("select (to_jsonb(t) - '{{{without}}}'::text[])::text from (select * from {table}) t");
    let text: String = stage.client.query_one(&question, &[]).await.unwrap().get(0);
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn every_field_of_an_event_is_stored_as_it_was_sent() {
    let stage = Stage::new("frame_event").await;
    let token = stage.token("edge-1").await;
    let event = Event {
        sequence: Some(9),
        viewer: Some(u32::MAX),
        title: Some(4_936),
        region: Some("eu".into()),
        device: Some("tv".into()),
        cdn: Some("cdn-a".into()),
        position_ms: Some(30_000),
        duration_ms: Some(90_000),
        kbps: Some(2_500),
        top_kbps: Some(8_000),
        throughput_kbps: Some(9_000),
        buffer_ms: Some(12_000),
        latency_ms: Some(3_000),
        startup_ms: Some(700),
        buffering_events: Some(1),
        stalled_ms: Some(400),
        stalled_more_ms: Some(50),
        dropped_frames: Some(3),
        width: Some(1_920),
        height: Some(1_080),
        frame_rate_milli: Some(23_976),
        codec: Some(Codec::Av1),
        error_code: Some("naïve \"quotes\"\t".into()),
        ..Event::new("event-0", "session-1", EventKind::SeekStart, now_unix_ms())
    };
    let event = Event { error_code: Some("naïve \"quotes\"".into()), ..event };
    let payload = wire::write_events(&[&event]);
    stored(send(&stage, token.text(), encoded(7, &[(4, &payload)])).await).await;
    let expected = serde_json::json!({
        "node": "edge-1", "epoch": 7, "sequence": 4, "event_id": "event-0", "session_id": "session-1",
        "kind": "seek-start", "viewer": 4_294_967_295_u32, "title": 4936, "region": "eu", "device": "tv",
        "position_ms": 30000, "duration_ms": 90000, "kbps": 2500, "buffer_ms": 12000, "buffering_events": 1,
        "dropped_frames": 3, "error_code": "naïve \"quotes\"", "report": 9, "cdn": "cdn-a", "top_kbps": 8000,
        "throughput_kbps": 9000, "latency_ms": 3000, "startup_ms": 700, "stalled_ms": 400, "stalled_more_ms": 50,
        "width": 1920, "height": 1080, "frame_rate_milli": 23976, "codec": "av1",
    });
    assert_eq!(line(&stage, "events", "day,at").await, expected);
    let day = "select count(*) from events where day = (at at time zone 'UTC')::date and at > now() - interval '1 hour'";
    assert_eq!(stage.count(day).await, 1);
}

#[tokio::test]
async fn every_figure_of_a_session_is_stored_as_it_was_sent() {
    let stage = Stage::new("frame_session").await;
    let token = stage.token("edge-1").await;
    let figures = serde_json::json!({
        "initial_startup_time_ms": 1, "played_ms": 2, "playback_stall_duration_ms": 3, "paused_ms": 4, "sought_ms": 5, "background_ms": 6,
        "ads_ms": 7, "playback_stall_count": 8, "bits_played": 9_000_000_000_u64, "stall_longest_ms": 9, "stall_recent_ms": 10, "stall_ago_ms": 11,
        "dropped_frames": 12, "errors": 13, "switches": 14, "change_kbps": 15, "change_log": 16.5,
        "mean_kbps": 17.5, "mean_log": 18.5, "top_kbps": 19, "mean_buffer_ms": 20.5,
        "mean_throughput_kbps": 21.5, "mean_latency_ms": 22.5, "mean_height": 23.5, "mean_frame_rate": 24.5,
        "mean_bits_per_pixel": 25.5, "began_ms": 26, "position_ms": 27, "position_max_ms": 28, "duration_ms": 29,
        "events": 30, "lost": 31, "repeated": 32, "ended": true, "failed": false, "screen": "tv",
    });
    let scores = serde_json::json!({
        "session_v1": 33.5, "window_v1": 34.5, "rebuffer_ratio": 0.25, "completion": 0.5, "qoe_lin_v1": -35.5,
        "qoe_log_v1": 36.5, "mux_style_v1": 37.5, "spi_style_v1": "slow-start", "mos_v1": 3.5,
    });
    let mut summary = figures.clone();
    summary["pictures"] = serde_json::json!({"mean": 0.125, "recent": 0.25, "worst": 0.5, "falls": 2.5});
    summary["upscaling"] = serde_json::json!({"mean": 0.75, "max": 1.5});
    let session = SessionRecord {
        cdn: Some("cdn-a".to_owned()),
        summary: serde_json::from_value(summary).unwrap(),
        scores: serde_json::from_value(scores.clone()).unwrap(),
        ..session(77, 4_936, 5)
    };
    let payload = wire::write_records(&Records { sessions: vec![session], ..Records::default() });
    stored(send(&stage, token.text(), encoded_of(Lane::Records, 7, &[(1, &payload)])).await).await;
    let mut expected = serde_json::json!({
        "node": "edge-1", "session_id": "session-77", "viewer": 77, "title": 4936, "region": "us", "device": "tv",
        "cdn": "cdn-a", "generation": 1, "pictures_mean": 0.125, "pictures_recent": 0.25, "pictures_worst": 0.5,
        "pictures_falls": 2.5, "upscaling_mean": 0.75, "upscaling_max": 1.5,
    });
    for more in [figures, scores] {
        let (Some(expected), serde_json::Value::Object(more)) = (expected.as_object_mut(), more) else {
            panic!()
        };
        expected.extend(more);
    }
    assert_eq!(line(&stage, "sessions", "day,started_at,ended_at").await, expected);
}

#[tokio::test]
async fn every_figure_of_a_window_is_stored_as_it_was_sent() {
    let stage = Stage::new("frame_window").await;
    let token = stage.token("edge-1").await;
    let window = WindowRecord {
        start_unix_ms: now_unix_ms() / 300_000 * 300_000,
        length_ms: 300_000,
        dimension: Dimension::Region,
        value: "eu".to_owned(),
        sessions: 1,
        started: 2,
        ended: 3,
        failed: 4,
        played_ms: 5,
        stalled_ms: 6,
        stalls: 7,
        errors: 8,
        switches: 9,
        dropped_frames: 10,
        rate_sum: u64::MAX,
        rated_ms: 12,
        buffer_sum_ms: 13,
        buffers: 14,
        completion_ppm_sum: 15,
        completions: 16,
        completed: 17,
        session_v1_milli_sum: 18,
        session_v1s: 19,
        mos_milli_sum: 20,
        moses: 21,
        startup_ms: SketchRecord { buckets: vec![3, 700], counts: vec![2, 1], sum: 22, min: 3, max: 24 },
        rebuffer_ratio_ppm: SketchRecord { buckets: vec![0], counts: vec![5], sum: 25, min: 0, max: 0 },
        mean_kbps: SketchRecord {
            buckets: vec![200, 201],
            counts: vec![6, 7],
            sum: 26,
            min: 2_304,
            max: 2_400,
        },
        mos_milli: SketchRecord { buckets: vec![224], counts: vec![8], sum: 27, min: 4_096, max: 4_100 },
        window_v1: Some(99.5),
    };
    let empty =
        WindowRecord { dimension: Dimension::All, value: "all".to_owned(), ..WindowRecord::default() };
    let empty = WindowRecord { start_unix_ms: window.start_unix_ms, length_ms: 300_000, ..empty };
    let payload = wire::write_records(&Records { windows: vec![window, empty], ..Records::default() });
    stored(send(&stage, token.text(), encoded_of(Lane::Records, 7, &[(1, &payload)])).await).await;
    let mut expected = serde_json::json!({
        "length_ms": 300_000, "node": "edge-1", "dimension": "region", "value": "eu", "sessions": 1, "started": 2,
        "ended": 3, "failed": 4, "played_ms": 5, "stalled_ms": 6, "stalls": 7, "errors": 8, "switches": 9,
        "dropped_frames": 10, "rate_sum": i64::MAX, "rated_ms": 12, "buffer_sum_ms": 13, "buffers": 14,
        "completion_ppm_sum": 15, "completions": 16, "completed": 17, "session_v1_milli_sum": 18, "session_v1s": 19,
        "mos_milli_sum": 20, "moses": 21, "window_v1": 99.5,
    });
    let sketches = serde_json::json!({
        "startup_buckets": [3, 700], "startup_counts": [2, 1],
        "startup_sum_ms": 22, "startup_min_ms": 3, "startup_max_ms": 24, "rebuffer_buckets": [0],
        "rebuffer_counts": [5], "rebuffer_sum_ppm": 25, "rebuffer_min_ppm": 0, "rebuffer_max_ppm": 0,
        "bitrate_buckets": [200, 201], "bitrate_counts": [6, 7], "bitrate_sum_kbps": 26, "bitrate_min_kbps": 2304,
        "bitrate_max_kbps": 2400, "mos_buckets": [224], "mos_counts": [8], "mos_sum_milli": 27, "mos_min_milli": 4096,
        "mos_max_milli": 4100,
    });
    let (Some(all), serde_json::Value::Object(sketches)) = (expected.as_object_mut(), sketches) else {
        panic!()
    };
    all.extend(sketches);
    assert_eq!(line(&stage, "windows where dimension = 'region'", "day,start_at").await, expected);
    let empty = "select count(*) from windows where dimension = 'all' and startup_buckets = '{}' and window_v1 is null";
    assert_eq!(stage.count(empty).await, 1);
}

#[tokio::test]
async fn every_field_of_a_decision_is_stored_as_it_was_sent() {
    let stage = Stage::new("frame_decision").await;
    let token = stage.token("edge-1").await;
    let shown =
        |place, reason, propensity| Shown { title: 40 + u32::from(place), row: 2, place, reason, propensity };
    let decision = |decided| DecisionRecord {
        at_unix_ms: now_unix_ms(),
        generation: 12,
        request_id: "request-1".to_owned(),
        region: "eu".to_owned(),
        viewer: Some(77),
        decided,
    };
    let titles = Decided::Titles {
        seed: Some(u32::MAX),
        shown: vec![shown(0, ReasonKind::Pinned, None), shown(1, ReasonKind::Explored, Some(0.25))],
    };
    let bitrate = Decided::Bitrate { policy: Policy::Flagship, kbps: 4_000, why: Why::Plan };
    let records = Records { decisions: vec![decision(titles), decision(bitrate)], ..Records::default() };
    let payload = wire::write_records(&records);
    stored(send(&stage, token.text(), encoded_of(Lane::Records, 7, &[(1, &payload)])).await).await;
    let expected = serde_json::json!({
        "node": "edge-1", "generation": 12, "request_id": "request-1", "region": "eu", "viewer": 77, "seed": 4_294_967_295_u32,
        "title": 41, "row": 2, "place": 1, "reason": "explored", "propensity": 0.25,
    });
    assert_eq!(line(&stage, "exposures where place = 1", "day,at").await, expected);
    assert_eq!(
        stage.count("select count(*) from exposures where propensity is null and reason = 'pinned'").await,
        1
    );
    let expected = serde_json::json!({
        "node": "edge-1", "generation": 12, "request_id": "request-1", "region": "eu", "viewer": 77,
        "policy": "flagship", "kbps": 4000, "why": "plan",
    });
    assert_eq!(line(&stage, "bitrate_decisions", "day,at").await, expected);
}
