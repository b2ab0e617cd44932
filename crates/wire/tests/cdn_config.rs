//! The files of `cdn-config/` that this crate has types for, as they are shipped.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use qoe::{Metric, Reading, Readings, Severity};
use serde::de::DeserializeOwned;
use wire::{AlertsFile, BitrateRequest, LadderFile, Policy, RulesFile, Why};

fn shipped<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("../../cdn-config/{name}");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn refused<T: DeserializeOwned>(text: &str) -> bool {
    toml::from_str::<T>(text).is_err()
}

#[test]
fn the_ladder_has_the_seeds_five_rungs() {
    let ladder: LadderFile = shipped("ladder.toml");
    assert_eq!(ladder.validate(), Ok(()));
    let rungs: Vec<_> = ladder.rungs.iter().map(|rung| (rung.height, rung.kbps)).collect();
    assert_eq!(rungs, [(360, 500), (480, 1_000), (720, 2_500), (1_080, 5_000), (2_160, 15_000)]);
}

#[test]
fn every_region_follows_the_case_expression_and_names_its_own_endpoint() {
    let ladder: LadderFile = shipped("ladder.toml");
    let rules: RulesFile = shipped("bitrate-rules.toml");
    assert_eq!(rules.validate(), Ok(()));
    for (region, host) in [("eu", "eu"), ("us", "us"), ("default", "cdn"), ("moon", "cdn")] {
        for (mbps, height) in [(4.999, 480), (5.0, 720), (9.999, 720), (10.0, 1_080), (25.0, 2_160)] {
            let request = BitrateRequest {
                policy: Policy::SeedRules,
                samples_kbps: vec![mbps * 1_000.0],
                ..BitrateRequest::default()
            };
            let decision = request.into_input(&ladder.rungs, rules.of(region)).decide().unwrap();
            assert_eq!((decision.height, decision.why), (height, Why::SpeedRule), "{region} at {mbps}");
            let endpoint = decision.cdn_endpoint.unwrap();
            let expected = if height == 2_160 { "uhd" } else { host };
            assert!(endpoint.contains(expected), "{endpoint} for {region} at {mbps}");
        }
    }
}

#[test]
fn the_alerts_are_the_seeds() {
    let table = shipped::<AlertsFile>("alerts.toml").to_domain().unwrap();
    let alerts = |readings| -> Vec<_> {
        let is_bad = |rule: &&qoe::AlertRule| matches!(rule.read(&readings), Reading::Bad(_));
        table.iter().filter(is_bad).map(|rule| (rule.metric(), rule.severity())).collect()
    };
    let good = Readings {
        sessions: 20,
        qoe: Some(70.0),
        rebuffer_ratio: Some(0.02),
        startup_p95_ms: Some(3_000.0),
        error_rate: Some(0.01),
        viewers_drop: Some(0.5),
    };
    assert_eq!(alerts(good), []);
    let bad = Readings {
        sessions: 20,
        qoe: Some(69.9),
        rebuffer_ratio: Some(0.0201),
        startup_p95_ms: Some(3_001.0),
        error_rate: Some(0.0101),
        viewers_drop: Some(0.51),
    };
    let expected = [
        (Metric::Qoe, Severity::Warning),
        (Metric::RebufferRatio, Severity::Critical),
        (Metric::StartupP95Ms, Severity::Warning),
        (Metric::ErrorRate, Severity::Critical),
        (Metric::ViewersDrop, Severity::Critical),
    ];
    assert_eq!(alerts(bad), expected);
}

#[test]
fn an_unknown_key_is_an_error() {
    assert!(refused::<LadderFile>("rungs = []\nrung = []"));
    assert!(refused::<LadderFile>("[[rungs]]\nid = 'a'\nheight = 1\nkbps = 1\nfps = 60"));
    assert!(refused::<RulesFile>("[[default]]\nmbps_min = 0.0\nheight = 480\nbitrate = 480"));
    assert!(refused::<AlertsFile>("[[alerts]]\nmetric = 'qoe'\nbelow = 1.0\nseverity = 'fatal'"));
}

#[test]
fn what_is_no_table_is_refused_with_its_code() {
    let ladder = |text| toml::from_str::<LadderFile>(text).unwrap().validate().unwrap_err().code;
    assert_eq!(ladder("rungs = []"), "ladder-empty");
    let rules = |text| toml::from_str::<RulesFile>(text).unwrap().validate().unwrap_err().code;
    assert_eq!(rules("default = [{ mbps_min = 0.0, height = 0 }]"), "rule-without-height");
    assert_eq!(rules("default = [{ mbps_min = nan, height = 480 }]"), "rule-not-rising");
    assert_eq!(rules("default = []\nregions.'a b' = []"), "label-character");
    let alerts = |text| toml::from_str::<AlertsFile>(text).unwrap().to_domain().unwrap_err().code;
    assert_eq!(alerts("alerts = [{ metric = 'qoe', severity = 'warning' }]"), "alert-bound");
    assert_eq!(
        alerts("alerts = [{ metric = 'qoe', below = 1.0, above = 2.0, severity = 'warning' }]"),
        "alert-bound"
    );
    assert_eq!(
        alerts("alerts = [{ metric = 'qoe', below = nan, severity = 'warning' }]"),
        "bound-not-finite"
    );
    assert_eq!(
        alerts("alerts = [{ metric = 'qoe', below = 70.0, clear = 60.0, severity = 'warning' }]"),
        "clear-is-bad"
    );
    assert_eq!(
        alerts("alerts = [{ metric = 'qoe', below = 70.0, raise_after = 0, severity = 'warning' }]"),
        "alert-without-windows"
    );
}
