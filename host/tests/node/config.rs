//! The configuration: what is shipped is sound, what is wrong is named, a reload is all or nothing.

use std::fs;
use std::path::Path;

use frontrow_edge::config::Config;
use frontrow_edge::settings::Settings;
use serde_json::json;

use crate::scene::{Scene, config_text};

fn text() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    config_text(folder.path(), "http://127.0.0.1:1", "")
}

fn check(text: &str, code: &str, says: &str) {
    let error = Config::parse(text, Path::new("edge.toml")).expect_err(says);
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn the_shipped_configuration_is_sound() {
    let path = Path::new("../cdn-config/edge.toml");
    let config = Config::read(path).expect("sound");
    let settings = Settings::build(&config).expect("sound");
    assert_eq!((config.node.as_str(), settings.region.as_str()), ("edge-1", "eu"));
    assert_eq!(
        config.limits,
        frontrow_edge::config::Limits::default(),
        "the file says what the defaults are"
    );
    assert_eq!(config.origin.at("tuf/metadata/").as_str(), "http://127.0.0.1:7080/tuf/metadata/");
}

#[test]
fn a_mistake_is_named_with_its_line() {
    let sound = text();
    let line = |key: &str| {
        let index = sound.lines().position(|line| line.starts_with(key)).expect("a line");
        format!("edge.toml:{}: ", index + 1)
    };
    let replace = |from: &str, to: &str| {
        assert!(sound.contains(from), "{from}");
        sound.replacen(from, to, 1)
    };
    check(
        &replace("poll_s = 1", "pol_s = 1"),
        "config-unknown-key",
        &format!("{}unknown field `pol_s`", line("poll_s")),
    );
    check(&replace("[limits]", "[limit]"), "config-unknown-key", "unknown field `limit`");
    check(
        &replace("poll_s = 1", "poll_s = 0"),
        "config-malformed",
        &format!("{}0 is not 1 to", line("poll_s")),
    );
    check(&replace("poll_s = 1", "poll_s = -1"), "config-malformed", "-1 is not 1 to");
    check(&replace("poll_s = 1", "poll_s = \"1\""), "config-malformed", &line("poll_s"));
    check(&replace("region = \"eu\"", "region = \"e u\""), "config-malformed", &line("region"));
    check(&replace("region = \"eu\"", "region = \"eu"), "config-malformed", &line("region"));
    check(&replace("url = \"http:", "url = \"ftp:"), "config-malformed", &line("url"));
    check(&replace("node = \"edge-test\"\n", ""), "config-malformed", "missing field `node`");
    check(&replace("127.0.0.1:0", "localhost"), "config-malformed", &line("listen"));
    check(&format!("{sound}\nregion = 3"), "config-unknown-key", "unknown field `region`");
}

#[test]
fn a_ladder_or_rules_that_do_not_rise_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("edge.toml");
    let config = |ladder: &str, rules: &str| {
        fs::write(folder.path().join("ladder.toml"), ladder).expect("a file");
        fs::write(folder.path().join("rules.toml"), rules).expect("a file");
        let mut config = Config::parse(&text(), &path).expect("sound");
        config.ladder = folder.path().join("ladder.toml");
        config.rules = folder.path().join("rules.toml");
        Settings::build(&config).map_err(|error| error.code())
    };
    let rung = |kbps: u32| format!("[[rungs]]\nid = \"r{kbps}\"\nheight = 100\nkbps = {kbps}\n");
    let rule = |mbps: &str| format!("[[default]]\nmbps_min = {mbps}\nheight = 100\n");
    assert!(config(&(rung(1) + &rung(2)), &(rule("0") + &rule("5"))).is_ok());
    for (ladder, rules, code) in [
        ("rungs = []".to_owned(), rule("0"), "config-not-rising"),
        (rung(2) + &rung(2), rule("0"), "config-not-rising"),
        (rung(0), rule("0"), "config-not-rising"),
        (rung(1), rule("5") + &rule("0"), "config-not-rising"),
        (rung(1), rule("nan"), "config-not-rising"),
        (rung(1), rule("-1"), "config-not-rising"),
        (rung(1) + "colour = 1", rule("0"), "config-unknown-key"),
    ] {
        assert_eq!(config(&ladder, &rules).expect_err(&ladder), code, "{ladder} {rules}");
    }
}

#[tokio::test]
async fn a_reload_changes_what_it_can_and_all_of_it_or_nothing() {
    let scene = Scene::serving().await;
    let path = scene.folder.path().join("edge.toml");
    let sound = config_text(scene.folder.path(), &format!("http://{}", scene.origin.address), "");
    let reload = |text: &str| {
        fs::write(&path, text).expect("a file");
        scene.edge.reload(&path).map_err(|error| (error.code(), error.to_string()))
    };
    let region = async || scene.ask("/v1/recommend", &json!({})).await.json()["region"].clone();
    reload(&sound.replace("region = \"eu\"", "region = \"us\"")).expect("loaded");
    assert_eq!(region().await, "us");

    // A mistake behind a good change: neither holds.
    let wrong = sound.replace("poll_s = 1", "poll_s = 0");
    assert_eq!(reload(&wrong).expect_err("refused").0, "config-malformed");
    let fixed = sound
        .replace("node = \"edge-test\"", "node = \"other\"")
        .replace("invocations = 4", "invocations = 5");
    let (code, says) = reload(&fixed).expect_err("refused");
    assert_eq!(code, "config-restart-needed");
    assert!(says.ends_with("node, [limits] invocations"), "{says}");
    assert_eq!(region().await, "us");
    assert_eq!(scene.metric(r#"frontrow_config_reloads_total{outcome="refused"}"#).await, 2.0);
}
