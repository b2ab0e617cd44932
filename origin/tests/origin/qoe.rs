//! What sessions saw: added up over nodes and time, asked for by operators.

use frontrow_origin::database::Moment;
use frontrow_origin::qoe::{Refreshed, RetentionConfig};
use reqwest::Response;
use wire::{Dimension, ErrorBody, Lane, QoeAnswer, QoeRow, Records, SketchRecord, WindowRecord};

use crate::batches::{encoded_of, now_unix_ms, send, stored};
use crate::stage::Stage;

const HOUR_S: u64 = 3_600;

/// The hour before the one that goes on. Unix seconds.
fn last_hour() -> u64 {
    (now_unix_ms() / 1_000 / HOUR_S - 1) * HOUR_S
}

fn sketch(values: &[u64]) -> (SketchRecord, windows::Sketch) {
    let mut sketch = windows::Sketch::default();
    values.iter().for_each(|value| sketch.add(*value));
    let record = SketchRecord {
        buckets: sketch.buckets().iter().map(|bucket| bucket.place).collect(),
        counts: sketch.buckets().iter().map(|bucket| bucket.count).collect(),
        sum: sketch.sum(),
        min: sketch.min().unwrap_or(0),
        max: sketch.max().unwrap_or(0),
    };
    (record, sketch)
}

/// A window of five minutes, so many after the last hour began.
fn window(minute: u64, by: Dimension, value: &str, sessions: u64, startups: &[u64]) -> WindowRecord {
    WindowRecord {
        start_unix_ms: (last_hour() + minute * 60) * 1_000,
        length_ms: 300_000,
        dimension: by,
        value: value.to_owned(),
        sessions,
        started: sessions,
        played_ms: 60_000 * sessions,
        stalled_ms: 600 * sessions,
        rate_sum: 60_000 * sessions * 4_000,
        rated_ms: 60_000 * sessions,
        session_v1_milli_sum: 80_000 * sessions,
        session_v1s: sessions,
        mos_milli_sum: 4_000,
        moses: 1,
        startup_ms: sketch(startups).0,
        // What ended sessions came to, in the ranges that it has.
        rebuffer_ratio_ppm: sketch(&ratios_ppm(startups)).0,
        mean_kbps: sketch(&rates_kbps(startups)).0,
        mos_milli: sketch(&scores_milli(startups)).0,
        window_v1: Some(90.0),
        ..WindowRecord::default()
    }
}

fn ratios_ppm(startups: &[u64]) -> Vec<u64> {
    startups.iter().map(|startup| startup * startup % 1_000_001).collect()
}

fn rates_kbps(startups: &[u64]) -> Vec<u64> {
    startups.iter().map(|startup| 300 + startup * 7 % 9_000).collect()
}

fn scores_milli(startups: &[u64]) -> Vec<u64> {
    startups.iter().map(|startup| 1_000 + startup % 4_001).collect()
}

/// Of ended sessions, one for each of these startups; the oracle is the code that the nodes count with.
fn check_ended(found: &QoeRow, startups: &[u64]) {
    let near = |found: Option<f64>, values: &[u64], per_mille: u16, unit: f64| {
        let expected = sketch(values).1.quantile(per_mille).map(|expected| expected as f64 / unit);
        assert!(found.is_some() && found == expected, "{found:?} {expected:?} {per_mille}");
    };
    for (at, ratio) in
        [(500, found.rebuffer_ratio_p50), (950, found.rebuffer_ratio_p95), (990, found.rebuffer_ratio_p99)]
    {
        near(ratio, &ratios_ppm(startups), at, 1e6);
    }
    let rates =
        [found.playback_bitrate_p50_kbps, found.playback_bitrate_p5_kbps, found.playback_bitrate_p1_kbps];
    let scores = [found.mos_v1_p50, found.mos_v1_p5, found.mos_v1_p1];
    for (at, (rate, score)) in [500, 50, 10].into_iter().zip(rates.into_iter().zip(scores)) {
        near(rate, &rates_kbps(startups), at, 1.0);
        near(score, &scores_milli(startups), at, 1e3);
    }
}

async fn report(stage: &Stage, token: &str, sequence: u64, windows: Vec<WindowRecord>) {
    let payload = wire::write_records(&Records { windows, ..Records::default() });
    stored(send(stage, token, encoded_of(Lane::Records, 7, &[(sequence, &payload)])).await).await;
}

async fn get(stage: &Stage, token: &str, query: &str) -> Response {
    stage.http.get(stage.url(&format!("/v1/qoe?{query}"))).bearer_auth(token).send().await.unwrap()
}

async fn ask(stage: &Stage, token: &str, query: &str) -> QoeAnswer {
    let response = get(stage, token, query).await;
    assert_eq!(response.status().as_u16(), 200, "{query}");
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

async fn refused(stage: &Stage, token: &str, query: &str) -> (u16, String) {
    let response = get(stage, token, query).await;
    let status = response.status().as_u16();
    let body: ErrorBody = wire::decode_json(&response.bytes().await.unwrap(), 10_000).unwrap();
    (status, body.error.code)
}

fn is_near(found: Option<f64>, expected: f64) -> bool {
    found.is_some_and(|found| (found - expected).abs() < 1e-9)
}

#[tokio::test]
async fn windows_of_several_reports_become_one_line() {
    let stage = Stage::new("qoe_merge").await;
    let token = stage.token("edge-1").await;
    let (few, many) = ([500, 900, 1_500, 2_600], (0..300).map(|n| 700 + n * 13).collect::<Vec<u64>>());
    report(
        &stage,
        token.text(),
        1,
        vec![
            window(0, Dimension::Region, "eu", 4, &few),
            window(0, Dimension::Region, "us", 2, &[]),
            window(0, Dimension::All, "all", 6, &few),
        ],
    )
    .await;
    // The same minutes of the same node once more, and the next.
    report(
        &stage,
        token.text(),
        2,
        vec![window(0, Dimension::Region, "eu", 10, &many), window(5, Dimension::Region, "eu", 3, &[1])],
    )
    .await;
    let from = last_hour();
    let query = format!("by=region&step=5m&from={from}&to={}", from + HOUR_S);
    let answer = ask(&stage, token.text(), &query).await;
    assert_eq!((answer.by, answer.step_s, answer.is_cut), (Dimension::Region, 300, false));
    let lines: Vec<(u64, &str, u64)> =
        answer.rows.iter().map(|row| (row.start_unix_s - from, &*row.value, row.sessions_started)).collect();
    assert_eq!(lines, [(0, "eu", 14), (0, "us", 2), (300, "eu", 3)]);
    // The oracle is the code that the nodes count with.
    let mut both = sketch(&few).1;
    both.merge(&sketch(&many).1);
    let eu = &answer.rows[0];
    for (found, per_mille) in [
        (eu.initial_startup_time_p50_ms, 500),
        (eu.initial_startup_time_p95_ms, 950),
        (eu.initial_startup_time_p99_ms, 990),
    ] {
        assert_eq!(found, both.quantile(per_mille), "{per_mille} per mille");
    }
    check_ended(eu, &[few.as_slice(), &many].concat());
    assert_eq!(eu.bits_played, 14 * 60_000 * 4_000);
    let sum: u64 = few.iter().chain(&many).sum();
    assert!(is_near(eu.average_initial_startup_time_ms, sum as f64 / 304.0));
    assert_eq!((eu.viewers, eu.played_ms, eu.playback_stall_duration_ms), (14, 840_000, 8_400));
    assert!(is_near(eu.rebuffer_ratio, 8_400.0 / 848_400.0));
    assert!(is_near(eu.average_playback_bitrate_kbps, 4_000.0) && is_near(eu.session_v1, 80.0));
    assert!(is_near(eu.mos_v1, 4.0) && is_near(eu.window_v1, 90.0));
    // Nothing was said of these.
    let us = &answer.rows[1];
    assert_eq!(
        (us.initial_startup_time_p50_ms, us.average_initial_startup_time_ms, us.completion),
        (None, None, None)
    );
    // Hours and days say the same, once they are added up.
    let hours = format!("by=region&step=1h&from={from}&to={}", from + HOUR_S);
    assert_eq!(ask(&stage, token.text(), &hours).await.rows, []);
    assert!(matches!(stage.database.refresh_qoe().await.unwrap(), Refreshed::Done { .. }));
    let hour = ask(&stage, token.text(), &hours).await;
    let eu_all = [few.as_slice(), &many, &[1]].concat();
    let eu = &hour.rows[0];
    assert_eq!((eu.start_unix_s, &*eu.value, eu.sessions_started, eu.viewers), (from, "eu", 17, 14));
    assert_eq!(eu.initial_startup_time_p95_ms, sketch(&eu_all).1.quantile(950));
    assert!(is_near(eu.window_v1, 90.0));
    let day_s = from / 86_400 * 86_400;
    let days = format!("by=region&value=eu&step=1d&from={day_s}&to={}", day_s + 86_400);
    let day = ask(&stage, token.text(), &days).await;
    let expected = QoeRow { start_unix_s: day_s, ..eu.clone() };
    assert_eq!(day.rows, [expected]);
}

#[tokio::test]
async fn the_database_reads_a_sketch_as_the_nodes_do() {
    let stage = Stage::new("qoe_sketch").await;
    let mut next = 1_u64;
    for count in [0, 1, 2, 7, 100, 1_000] {
        let values: Vec<u64> = (0..count)
            .map(|_| {
                next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Of all sizes, up to 2^40.
                (next >> 24) >> (next % 41)
            })
            .collect();
        let (record, sketch) = sketch(&values);
        let buckets: Vec<i32> = record.buckets.iter().map(|place| i32::from(*place)).collect();
        let counts: Vec<i64> = record.counts.iter().map(|count| *count as i64).collect();
        // In any order, each to its place.
        let per_milles = [950, 0, 1, 1_000, 500, 990];
        let question = "select sketch_quantiles($1, $2, $3, $4, $5)";
        let (least, most, asked) = (record.min as i64, record.max as i64, per_milles.map(i32::from));
        let row = stage.client.query_one(question, &[&buckets, &counts, &least, &most, &&asked[..]]).await;
        let found = row.unwrap().get::<_, Option<Vec<i64>>>(0);
        let found = found.map(|found| found.into_iter().map(|found| found as u64).collect::<Vec<_>>());
        assert_eq!(found, per_milles.map(|at: u16| sketch.quantile(at)).into_iter().collect(), "of {count}");
    }
}

#[tokio::test]
async fn an_answer_is_cut_at_its_limit_with_the_largest_first() {
    let stage = Stage::new("qoe_cut").await;
    let token = stage.token("edge-1").await;
    let windows = (1..=9).map(|title| window(0, Dimension::Title, &title.to_string(), title, &[])).collect();
    report(&stage, token.text(), 1, windows).await;
    let from = last_hour();
    let query = format!("by=title&step=5m&from={from}&to={}&limit=3", from + 300);
    let answer = ask(&stage, token.text(), &query).await;
    let titles: Vec<&str> = answer.rows.iter().map(|row| &*row.value).collect();
    assert_eq!((titles, answer.is_cut), (vec!["9", "8", "7"], true));
}

#[tokio::test]
async fn a_sum_beyond_all_bounds_fails_no_question() {
    let stage = Stage::new("qoe_bounds").await;
    let token = stage.token("edge-1").await;
    let absurd =
        || WindowRecord { played_ms: u64::MAX, stalls: u64::MAX, ..window(0, Dimension::All, "all", 1, &[]) };
    report(&stage, token.text(), 1, vec![absurd(), absurd()]).await;
    stage.database.refresh_qoe().await.unwrap();
    let from = last_hour();
    let answer = ask(&stage, token.text(), &format!("from={from}&to={}", from + HOUR_S)).await;
    assert_eq!(answer.rows[0].playback_stall_count, i64::MAX as u64);
}

#[tokio::test]
async fn a_question_that_cannot_be_asked_is_refused_with_its_code() {
    let stage = Stage::new("qoe_refusals").await;
    let token = stage.token("edge-1").await;
    let is = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(refused(&stage, "nobody", "").await, is(401, "token-wrong"));
    for (query, code) in [
        ("by=colour", "qoe-by"),
        ("step=2h", "qoe-step"),
        ("from=soon", "qoe-time"),
        ("from=9&to=5", "qoe-reversed"),
        ("from=0&step=5m", "qoe-too-long"),
        ("limit=-1", "qoe-limit"),
        ("value=", "qoe-value"),
        ("colour=red", "query-malformed"),
        ("by=region&by=title", "query-malformed"),
    ] {
        assert_eq!(refused(&stage, token.text(), query).await, is(400, code), "{query}");
    }
    // A value is a value, whatever is in it.
    let odd = "value=%27%3B%20drop%20table%20windows%3B--&by=region";
    assert_eq!(ask(&stage, token.text(), odd).await.rows, []);
    let text = stage.http.get(stage.url("/metrics")).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("frontrow_origin_questions_total{outcome=\"answered\"} 1"), "{text}");
}

#[tokio::test]
async fn days_go_when_they_are_old_and_no_earlier() {
    let stage = Stage::new("qoe_retention").await;
    for (table, day) in [
        ("events", "2026-03-01"),
        ("events", "2026-03-02"),
        ("windows", "2026-03-01"),
        ("exposures", "2026-03-01"),
    ] {
        let make = format!("select make_partition('{table}', '{day}', date '{day}' + 1)");
        stage.client.batch_execute(&make).await.unwrap();
    }
    let kept = RetentionConfig {
        events_days: 30,
        windows_days: 31,
        decisions_days: 5,
        ..RetentionConfig::default()
    };
    // 2026-04-01 12:00, thirty days after 2026-03-02.
    let drop =
        async || stage.database.drop_old_days(&kept, Moment::from_unix_s(1_775_044_800)).await.unwrap();
    assert_eq!(drop().await, 2);
    assert_eq!(drop().await, 0);
    for (table, left) in [("events", 1), ("windows", 1), ("exposures", 0)] {
        let question = format!("select count(*) from partitioned_ranges('{table}')");
        assert_eq!(stage.count(&question).await, left, "{table}");
    }
    assert_eq!(
        stage.count("select count(*) from partitioned_ranges('events') where lower = '2026-03-02'").await,
        1
    );
}
