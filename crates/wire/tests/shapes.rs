//! The exact JSON of the answers, which players are written against.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use session::Session;
use wire::{
    BitrateAnswer, BitrateInput, EventsAnswer, HomeAnswer, HomeRequest, Pick, PlaybackEvent, Policy,
    RankedAnswer, RankedPage, Reason, ReasonKind, RecommendAnswer, RecommendRequest, RefusedEvent,
    RetrieveAnswer, RetrieveRequest, RetrievedTitle, Row, SessionAnswer, SessionReport, TimingsUs, Why,
    encode_json,
};

fn check<T: serde::Serialize>(message: &T, expected: &Value) {
    assert_eq!(serde_json::from_slice::<Value>(&encode_json(message)).unwrap(), *expected);
}

#[test]
fn retrievals() {
    let answer = RetrieveAnswer {
        request_id: "r-1".to_owned(),
        model: "factors".to_owned(),
        storage: "ivf-sq8".to_owned(),
        titles: vec![RetrievedTitle { title: 7, score: 0.5 }],
    };
    let titles = json!([{"title": 7, "score": 0.5}]);
    check(&answer, &json!({"request_id": "r-1", "model": "factors", "storage": "ivf-sq8", "titles": titles}));
    check(&RetrieveRequest { viewer: Some(7), ..RetrieveRequest::default() }, &json!({"viewer": 7, "k": 10}));
}

#[test]
fn recommendations() {
    let answer = RecommendAnswer {
        request_id: "r-1".to_owned(),
        generation: 2,
        stale: false,
        cached: true,
        region: "eu".to_owned(),
        ranked: true,
        eligible: 900,
        picks: vec![Pick {
            title: 7,
            name: "Seven".to_owned(),
            year: None,
            score: 0.1,
            reason: Reason {
                kind: ReasonKind::BecauseYouWatched,
                title: Some(3),
                text: "Because you watched Three".to_owned(),
            },
            propensity: None,
        }],
        timings_us: TimingsUs { queue: 1, decide: 2, total: 3 },
    };
    check(
        &answer,
        &json!({
            "request_id": "r-1", "generation": 2, "stale": false, "cached": true, "region": "eu",
            "ranked": true, "eligible": 900,
            "picks": [{"title": 7, "name": "Seven", "score": 0.1,
                "reason": {"kind": "because-you-watched", "title": 3, "text": "Because you watched Three"}}],
            "timings_us": {"queue": 1, "decide": 2, "total": 3},
        }),
    );
}

#[test]
fn a_question_becomes_the_domains_and_its_answer_the_browsers() {
    let request: RecommendRequest = serde_json::from_value(json!({"k": 2, "exclude": [9]})).unwrap();
    let expected = ranking::Request {
        history: vec![3, 4],
        exclude: vec![9],
        k: 2,
        at_unix_ms: 1_700_000_000_000,
        maturity_max_years: 18,
        seed: None,
    };
    assert_eq!(request.clone().into_domain(&[3, 4], 1_700_000_000_000), expected);
    let own = RecommendRequest { history: Some(vec![5]), at_unix_ms: Some(1), ..request };
    let own = own.into_domain(&[3, 4], 1_700_000_000_000);
    assert_eq!((own.history, own.at_unix_ms), (vec![5], 1), "what the request says wins");

    let pick = |title, reason| ranking::Pick { title, score: 0.5, reason, propensity: None };
    let answer = ranking::Answer {
        picks: vec![pick(7, ranking::Reason::BecauseYouWatched(3)), pick(8, ranking::Reason::PopularToFill)],
        eligible: 2,
        ranked: false,
    };
    check(
        &RankedAnswer::from(&answer),
        &json!({
            "picks": [
                {"title": 7, "score": 0.5, "reason": {"kind": "because-you-watched", "title": 3}},
                {"title": 8, "score": 0.5, "reason": {"kind": "popular-to-fill"}},
            ],
            "eligible": 2, "ranked": false,
        }),
    );
}

#[test]
fn pages() {
    let reason = |kind: ReasonKind| Reason { kind, title: None, text: kind.text(None) };
    let answer = HomeAnswer {
        request_id: "r-1".to_owned(),
        generation: 2,
        stale: false,
        cached: false,
        region: "eu".to_owned(),
        ranked: false,
        eligible: 900,
        rows: vec![Row {
            reason: reason(ReasonKind::PickedForYou),
            picks: vec![Pick {
                title: 7,
                name: "Seven".to_owned(),
                year: Some(1995),
                score: 0.5,
                reason: reason(ReasonKind::Explored),
                propensity: Some(0.25),
            }],
        }],
        timings_us: TimingsUs { queue: 1, decide: 2, total: 3 },
    };
    check(
        &answer,
        &json!({
            "request_id": "r-1", "generation": 2, "stale": false, "cached": false, "region": "eu",
            "ranked": false, "eligible": 900,
            "rows": [{
                "reason": {"kind": "picked-for-you", "text": "Picked for you"},
                "picks": [{"title": 7, "name": "Seven", "year": 1995, "score": 0.5, "propensity": 0.25,
                    "reason": {"kind": "explored", "text": "Something different"}}],
            }],
            "timings_us": {"queue": 1, "decide": 2, "total": 3},
        }),
    );
}

#[test]
fn a_question_for_a_page_becomes_the_domains_and_its_rows_the_browsers() {
    let request: HomeRequest =
        serde_json::from_value(json!({"in_progress": [{"title": 5, "share": 0.5}], "seed": 3})).unwrap();
    let asked = request.into_domain(&[3, 4], 9);
    assert_eq!((asked.request.history, asked.request.k, asked.request.seed), (vec![3, 4], 20, Some(3)));
    assert_eq!(asked.in_progress, [ranking::Progress { title: 5, share: 0.5 }]);
    let reason = ranking::Reason::ContinueWatching;
    let picks = vec![ranking::Pick { title: 5, score: 1.0, reason, propensity: None }];
    let page = ranking::Page { rows: vec![ranking::Row { reason, picks }], eligible: 4, ranked: true };
    let kind = json!({"kind": "continue-watching"});
    check(
        &RankedPage::from(&page),
        &json!({
            "rows": [{"reason": kind, "picks": [{"title": 5, "score": 1.0, "reason": kind}]}],
            "eligible": 4, "ranked": true,
        }),
    );
}

#[test]
fn bit_rates() {
    let answer = BitrateAnswer {
        request_id: "r-1".to_owned(),
        generation: 2,
        policy: Policy::SeedRules,
        rung: 1,
        id: "480p".to_owned(),
        height: 480,
        kbps: 1_000,
        why: Why::HeightCap,
        cdn_endpoint: None,
        timings_us: TimingsUs::default(),
    };
    check(
        &answer,
        &json!({
            "request_id": "r-1", "generation": 2, "policy": "seed-rules", "rung": 1, "id": "480p",
            "height": 480, "kbps": 1000, "why": "height-cap",
            "timings_us": {"queue": 0, "decide": 0, "total": 0},
        }),
    );
}

#[test]
fn a_decision_without_a_node() {
    let input: BitrateInput = serde_json::from_value(json!({
        "policy": "seed-rules",
        "ladder": [{"id": "low", "height": 360, "kbps": 500}, {"id": "high", "height": 720, "kbps": 2500}],
        "rules": [
            {"mbps_min": 0.0, "height": 480, "cdn_endpoint": ""},
            {"mbps_min": 5.0, "height": 720, "cdn_endpoint": "https://eu.cdn.example/"},
        ],
        "samples_kbps": [5000.0],
    }))
    .unwrap();
    check(
        &input.decide().unwrap(),
        &json!({
            "rung": 1, "id": "high", "height": 720, "kbps": 2500, "why": "speed-rule",
            "cdn_endpoint": "https://eu.cdn.example/",
        }),
    );
    let slow = BitrateInput { samples_kbps: vec![4_999.0], ..input };
    let expected = json!({"rung": 0, "id": "low", "height": 360, "kbps": 500, "why": "speed-rule"});
    check(&slow.decide().unwrap(), &expected);
}

#[test]
fn events() {
    let answer = EventsAnswer {
        request_id: "r-1".to_owned(),
        generation: 2,
        accepted: 1,
        duplicates: 3,
        refused: vec![RefusedEvent {
            index: 4,
            event_id: Some("e-5".to_owned()),
            code: "number-out-of-range".to_owned(),
            message: "kbps is 10000001, more than 10000000".to_owned(),
        }],
        timings_us: TimingsUs { queue: 1, decide: 2, total: 3 },
    };
    check(
        &answer,
        &json!({
            "request_id": "r-1", "generation": 2, "accepted": 1, "duplicates": 3,
            "refused": [{
                "index": 4, "event_id": "e-5", "code": "number-out-of-range",
                "message": "kbps is 10000001, more than 10000000",
            }],
            "timings_us": {"queue": 1, "decide": 2, "total": 3},
        }),
    );
}

#[test]
fn a_session_with_one_stall_of_three_seconds() {
    let told: Vec<PlaybackEvent> = serde_json::from_value(json!([
        {"kind": "start", "at_unix_ms": 1_700_000_000_000_u64, "duration_ms": 200_000},
        {"kind": "first-frame", "at_unix_ms": 1_700_000_000_800_u64, "kbps": 5000},
        {"kind": "buffering-start", "at_unix_ms": 1_700_000_030_800_u64, "buffer_ms": 0},
        {"kind": "buffering-end", "at_unix_ms": 1_700_000_033_800_u64, "buffer_ms": 20_000},
        {"kind": "stop", "at_unix_ms": 1_700_000_100_800_u64, "position_ms": 97_000},
    ]))
    .unwrap();
    let mut session = Session::default();
    session.fold(told.into_iter().map(session::Event::from).collect()).unwrap();
    let report = SessionReport::from(&session);
    let summary = json!({
        "initial_startup_time_ms": 800, "played_ms": 97_000, "playback_stall_duration_ms": 3_000,
        // 5,000 kbit/s for 97 s.
        "playback_stall_count": 1, "bits_played": 485_000_000, "dropped_frames": 0,
        "errors": 0, "switches": 0, "mean_kbps": 5000.0, "mean_buffer_ms": 10_000.0,
        "position_ms": 97_000, "position_max_ms": 97_000, "duration_ms": 200_000, "events": 5, "ended": true,
        // What is nothing or unknown is left out: no pause, no height, no screen.
        "stall_longest_ms": 3_000, "stall_recent_ms": 34, "stall_ago_ms": 67_000, "began_ms": 97_000,
        "mean_log": 8.517193, "pictures": {"mean": 0.908358, "recent": 0.908358, "worst": 0.908358, "falls": 0.0},
    });
    // K: 0.3·60 + 0.4·90 + 0.2·100 + 0.1·100. W: the ratio of 3 % is above 1 %: 0.3·60 + 0.15·100 twice.
    // Linear: 5 - 4.3·3·4/97. The rest as golden's scripts compute it.
    let scores = json!({
        "session_v1": 84.0, "window_v1": 48.0, "rebuffer_ratio": 0.03, "completion": 0.485,
        "qoe_lin_v1": 4.468041237113402, "qoe_log_v1": 2.484338360395346,
        "mux_style_v1": 90.89045383105754, "spi_style_v1": "stalled", "mos_v1": 4.09259407240655,
    });
    check(&report, &json!({"summary": summary, "scores": scores}));
    let answer = SessionAnswer {
        request_id: "r-1".to_owned(),
        generation: 2,
        session_id: "s-1".to_owned(),
        viewer: None,
        title: Some(7),
        ended: true,
        summary: report.summary,
        scores: report.scores,
        timings_us: TimingsUs::default(),
    };
    check(
        &answer,
        &json!({
            "request_id": "r-1", "generation": 2, "session_id": "s-1", "title": 7, "ended": true,
            "summary": summary, "scores": scores,
            "timings_us": {"queue": 0, "decide": 0, "total": 0},
        }),
    );
}
