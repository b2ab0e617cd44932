//! Tables of sessions against the published findings on what annoys people, and against cells that are
//! none.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn run(csv: &Path, more: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_frontrow-evaluate"));
    program.arg("qoe").arg("--csv").arg(csv).args(more).output().unwrap()
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/qoe/sessions.csv")
}

/// A table of one test.
fn table(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn report(csv: &Path, more: &[&str]) -> Value {
    serde_json::from_slice(&run(csv, &[&["--json"], more].concat()).stdout).unwrap()
}

fn rows(text: &str) -> Vec<Value> {
    let (_folder, path) = table("rows.csv", text);
    report(&path, &[])["rows"].as_array().unwrap().clone()
}

fn mos(name: &str) -> f64 {
    let report = report(&scenarios(), &[]);
    let rows = report["rows"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap()["mos_v1"].as_f64().unwrap()
}

/// The order that published studies agree on; no ratings are shipped or known here.
#[test]
fn the_estimate_is_in_the_order_of_published_findings() {
    let falls = |better: &str, worse: &str| assert!(mos(better) > mos(worse) + 0.03, "{better}, {worse}");
    // A stall costs, late more than early, several more than one of the same length.
    falls("clean", "one stall");
    falls("one stall", "late stall");
    falls("one stall", "three stalls");
    // Waiting at the start is milder than waiting less within.
    falls("slow start", "one stall");
    falls("clean", "slow start");
    // Of the same segments, those that end well are better.
    falls("up", "down");
    // The same encode looks better on a small screen, and coded anew.
    falls("on a phone", "low");
    falls("a new codec", "low");
    falls("clean", "only a rate");
}

#[test]
fn the_linear_objective_is_that_of_the_literature() {
    let rows = rows("kbps,segment_s,stalls\n1000;3000;2000,4,4:2\n");
    // (1 + 3 + 2 - 4.3·2 - 2 - 1) / 3.
    assert!((rows[0]["qoe_lin_v1"].as_f64().unwrap() - (6.0 - 8.6 - 3.0) / 3.0).abs() < 1e-9, "{rows:?}");
    assert_eq!(rows[0]["rebuffer_ratio"].as_f64(), Some(2.0 / 14.0));
}

#[test]
fn the_same_session_told_in_other_columns_gets_the_same_scores() {
    let scores = |text: &str| {
        let row = rows(text)[0].clone();
        ["session_v1", "window_v1", "qoe_lin_v1", "qoe_log_v1", "mux_style_v1", "mos_v1"]
            .map(|name| row[name].clone())
    };
    let one = scores("startup_ms,kbps,height,stalls,duration_s\n1500,3000,720,30:4,60\n");
    assert_eq!(
        scores(
            "startup_s,bitrate_mbps,resolution,stall_count,stall_ms,duration_s\n1.5,3,1280x720,1,4000,60\n"
        ),
        one
    );
    assert_eq!(
        scores("Startup Time\tbps\tHeight\tstall_positions_s\tstall_lengths_s\n1.5\t3000000\t720p\t30\t4\n")
            .len(),
        one.len()
    );
    assert_eq!(scores("startup,rate,height,stalls,stall_total_s\n1.5,3000,720,1,4\n"), one);
    assert_eq!(scores("startup,rate,height,rebuffer_ratio\n1.5,3000,720,0.0625\n"), one);
}

#[test]
fn a_wait_before_each_segment_is_told_as_the_start_and_stalls() {
    let scores = |text: &str| {
        let row = rows(text)[0].clone();
        ["session_v1", "rebuffer_ratio", "qoe_lin_v1", "mux_style_v1", "mos_v1"].map(|name| row[name].clone())
    };
    let one = scores("startup,segment_kbps,height,stalls\n1.5,1000;2000;3000,720,8:2\n");
    assert_eq!(scores("segment_kbps,height,stall_lengths\n1000;2000;3000,720,1.5;0;2\n"), one);
    assert_eq!(scores("segment_kbps,height,stalls\n1000;2000;3000,720,0:1.5;4:0;8:2\n"), one);
    // Told by itself, the start takes no stall.
    assert_ne!(scores("startup,segment_kbps,height,stall_lengths\n0,1000;2000;3000,720,1.5;0;2\n"), one);
}

#[test]
fn buffers_and_failures_reach_the_scores_that_ask_for_them() {
    let row = &rows("startup_ms,kbps,buffer_s,duration\n800,5000,15,60\n")[0];
    assert_eq!(row["window_v1"].as_f64(), Some(88.0));
    let ended = rows("kbps,startup,failed\n3000,1,0\n3000,1,yes\n3000,1,\n");
    let verdicts: Vec<_> = ended.iter().map(|row| row["spi_style_v1"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["good", "failed", "good"]);
    assert!(ended[1]["mos_v1"].as_f64() < ended[0]["mos_v1"].as_f64());
}

#[test]
fn changes_without_their_rates_keep_the_mean() {
    for switches in [1, 2, 3, 7] {
        let row = &rows(&format!("mean_kbps,switches,duration_s\n3000,{switches},60\n"))[0];
        let steps = f64::from(switches) * 2.0;
        let expected = 3.0 - steps / 15.0;
        assert!((row["qoe_lin_v1"].as_f64().unwrap() - expected).abs() < 1e-6, "{switches}: {row}");
    }
}

#[test]
fn unknown_columns_are_passed_through_and_scores_stand_behind_them() {
    let (_folder, path) = table("rows.csv", "who,kbps,note\n\"a, b\",3000,x\n");
    let output = run(&path, &[]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("who,kbps,note,session_v1,window_v1,"));
    assert!(lines.next().unwrap().starts_with("\"a, b\",3000,x,"));
}

#[test]
fn a_row_that_cannot_be_read_is_named_and_the_others_are_scored() {
    let text = "kbps,stalls,device\n3000,,tv\nfast,,tv\n3000,5:-1,tv\n3000,,fridge\n3000\n1e400,,tv\n3000,1.5,tv\n2000,,tv\n";
    let (_folder, path) = table("rows.csv", text);
    let output = run(&path, &["--json"]);
    assert!(!output.status.success());
    let complaints = String::from_utf8(output.stderr).unwrap();
    for (line, column) in
        [(3, "kbps"), (4, "stalls"), (5, "device"), (6, "stalls"), (7, "kbps"), (8, "stalls")]
    {
        assert!(
            complaints.contains(&format!("rows.csv:{line}: {column}: ")),
            "{line} {column} in {complaints}"
        );
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    let is_scored: Vec<bool> = rows.iter().map(|row| row["mos_v1"].is_number()).collect();
    assert_eq!(is_scored, [true, false, false, false, false, false, false, true]);
    assert_eq!(rows[1]["error"]["column"], "kbps");
}

#[test]
fn a_time_longer_than_a_day_is_refused_by_its_column() {
    let (_folder, path) = table(
        "rows.csv",
        "kbps,startup,buffer,stalls,duration\n9,1e300,,,\n9,,86401,,\n9,,,1:1e300,\n9,,,,1e300\n9,86400,86400,1:86400,60\n",
    );
    let output = run(&path, &["--json"]);
    let complaints = String::from_utf8(output.stderr).unwrap();
    for (line, column) in [(2, "startup"), (3, "buffer"), (4, "stalls"), (5, "duration")] {
        assert!(
            complaints.contains(&format!("rows.csv:{line}: {column}: ")),
            "{line} {column} in {complaints}"
        );
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["rows"][4]["mos_v1"].is_number(), "{report}");
}

#[test]
fn lists_of_different_lengths_contradict_each_other() {
    let (_folder, path) = table("rows.csv", "kbps,height\n1;2;3,360;720\n");
    assert!(!run(&path, &[]).status.success());
}

#[test]
fn a_table_that_tells_the_same_twice_is_refused() {
    let (_folder, path) = table("rows.csv", "kbps,bitrate_mbps\n1,1\n");
    let output = run(&path, &[]);
    assert!(!output.status.success() && output.stdout.is_empty());
}

#[test]
fn agreement_with_a_rating_is_told() {
    // Made up, to see the arithmetic: the rating is the bit rate.
    let text = "kbps,said\n300,1\n1000,2\n3000,3\n9000,4\n3000,\n";
    let (_folder, path) = table("rows.csv", text);
    let found = report(&path, &["--rating", "said"]);
    let mos = &found["ratings"]["mos_v1"];
    assert_eq!((mos["rows"].as_u64(), mos["srcc"].as_f64()), (Some(4), Some(1.0)));
    assert!(mos["pcc"].as_f64().unwrap() > 0.9);
    assert_eq!(found["ratings"]["rebuffer_ratio"]["pcc"], Value::Null);
    assert!(!run(&path, &["--rating", "nobody"]).status.success());
}
