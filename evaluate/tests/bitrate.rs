//! The program against values from an independent simulator, and against files that are no data.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn run(traces: &Path, video: &Path, more: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_frontrow-evaluate"));
    program.arg("bitrate").arg("--traces").arg(traces).arg("--video").arg(video).args(more);
    program.output().unwrap()
}

fn report(traces: &Path, video: &Path, more: &[&str]) -> Value {
    let output = run(traces, video, &[more, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn expected() -> Value {
    serde_json::from_str(&fs::read_to_string(data("expected.json")).unwrap()).unwrap()
}

/// Compares every figure of every trace.
fn check(report: &Value, policy: &str, case: &str) {
    let expected = expected();
    let policies = report["policies"].as_array().unwrap();
    let policy = policies.iter().find(|found| found["name"] == policy).unwrap();
    for trace in policy["traces"].as_array().unwrap() {
        let name = trace["name"].as_str().unwrap();
        for (figure, value) in expected[name][case].as_object().unwrap() {
            let (found, value) = (trace[figure].as_f64().unwrap(), value.as_f64().unwrap());
            assert!(
                (found - value).abs() < 1e-9 * value.abs().max(1.0),
                "{name} {case} {figure}: {found}, {value}"
            );
        }
    }
}

#[test]
fn choices_and_robust_mpc_agree_with_the_reference_in_both_forms_of_trace() {
    for folder in ["tab", "json"] {
        let choices = data(&format!("{folder}-choices.txt"));
        let more = ["--choices", choices.to_str().unwrap(), "--policy", "robust-mpc"];
        for (cap, buffer) in [("60", &[][..]), ("12", &["--max-buffer", "12"])] {
            let found = report(&data(folder), &data("sizes"), &[&more, buffer].concat());
            check(&found, "choices", &format!("choices {cap}"));
            check(&found, "robust-mpc", &format!("robust-mpc {cap}"));
        }
    }
}

#[test]
fn the_optimum_is_the_best_of_all_sequences() {
    let expected = expected();
    let found = report(&data("json"), &data("short.json"), &["--policy", "bba", "--optimum-cell-ms", "5"]);
    let (found, best) = (found["optimum"]["qoe_lin"].as_f64().unwrap(), &expected["steps.json"]["optimum"]);
    assert!((found - best.as_f64().unwrap()).abs() < 1e-9, "{found}, {best}");
    let rides = ["ride-0.log", "ride-1.log", "ride-2.log", "ride-3.log"];
    let mean = rides.iter().map(|name| expected[name]["optimum"].as_f64().unwrap()).sum::<f64>() / 4.0;
    let found = report(&data("tab"), &data("short.json"), &["--policy", "bba", "--optimum-cell-ms", "5"]);
    assert!((found["optimum"]["qoe_lin"].as_f64().unwrap() - mean).abs() < 1e-9, "{found}, {mean}");
}

#[test]
fn rungs_that_were_written_are_scored_as_they_were_played() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rungs.txt");
    let played =
        report(&data("tab"), &data("sizes"), &["--policy", "flagship", "--rungs", file.to_str().unwrap()]);
    let scored = report(&data("tab"), &data("sizes"), &["--choices", file.to_str().unwrap()]);
    assert_eq!(played["policies"][0]["traces"], scored["policies"][0]["traces"]);
    assert_eq!(played["policies"][0]["mean"], scored["policies"][0]["mean"]);
}

#[test]
fn two_runs_print_the_same_and_every_pair_is_compared() {
    let [one, two] = [(); 2].map(|()| report(&data("tab"), &data("sizes"), &[]));
    assert_eq!(one, two);
    assert_eq!(one["policies"].as_array().unwrap().len(), 8);
    assert_eq!(one["paired"].as_array().unwrap().len(), 8 * 7 / 2);
    for policy in one["policies"].as_array().unwrap() {
        let qoe = policy["mean"]["qoe_lin"].as_f64().unwrap();
        assert!(qoe <= one["optimum"]["qoe_lin"].as_f64().unwrap(), "{policy}");
    }
}

/// The names in an object.
fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn scripts_find_everything_under_its_name() {
    let report = report(&data("tab"), &data("sizes"), &["--policy", "bba", "--policy", "bola"]);
    assert_eq!(names(&report), ["optimum", "paired", "policies"]);
    assert!(names(&report["optimum"]).contains(&"qoe_lin"));
    let figures = ["kbps", "p5_qoe_lin", "qoe_lin", "qoe_log", "stall_percent", "startup_s", "switches"];
    let of_traces = [&figures[..1], &["name"], &figures[1..]].concat();
    for policy in report["policies"].as_array().unwrap() {
        assert_eq!(names(policy), ["mean", "name", "traces"]);
        assert_eq!(names(&policy["mean"]), figures);
        assert!(
            policy["traces"].as_array().unwrap().iter().all(|trace| names(trace) == of_traces),
            "{policy}"
        );
    }
    let pair = &report["paired"][0];
    assert_eq!(names(pair), ["a", "b", "high95", "low95", "mean_difference"]);
    let number = |name: &str| pair[name].as_f64().unwrap();
    let mean = |policy: &Value| {
        let policies = report["policies"].as_array().unwrap();
        policies.iter().find(|found| found["name"] == *policy).unwrap()["mean"]["qoe_lin"].as_f64().unwrap()
    };
    assert!((number("mean_difference") - (mean(&pair["a"]) - mean(&pair["b"]))).abs() < 1e-9);
    assert!(number("low95") <= number("mean_difference") && number("mean_difference") <= number("high95"));
}

#[test]
fn live_plays_with_what_can_be_buffered_and_draws_a_picture() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("ride.svg");
    let more = ["--live", "8", "--plot", "ride-2.log", "--svg", picture.to_str().unwrap()];
    let found = report(&data("tab"), &data("sizes"), &more);
    assert_eq!(found["policies"].as_array().unwrap().len(), 8);
    let svg = fs::read_to_string(picture).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("ride-2.log") && svg.contains("flagship"), "{svg}");
}

fn refused(traces: &Path, video: &Path, more: &[&str], reasons: &[&str]) {
    let output = run(traces, video, more);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && !said.contains("panicked"), "{said}");
    assert!(reasons.iter().all(|reason| said.contains(reason)), "{said}: {reasons:?}");
}

#[test]
fn bad_traces_are_refused_with_file_and_line() {
    for (text, reasons) in [
        ("0\t1\n1\tx\n", &["ride:2", "seconds Mbit/s"][..]),
        ("0 1\n1 2 3\n", &["ride:2"]),
        ("0 1\n1 NaN\n", &["ride:2"]),
        ("0 1\n\n5 -2\n", &["ride:3", "below 0"]),
        ("5 1\n4 1\n", &["ride:2", "backwards"]),
        ("0 1\n", &["ride", "carries"]),
        ("0 0\n9 0\n", &["ride", "carries"]),
        ("", &["ride", "carries"]),
        ("[{\"duration_ms\": 5}]", &["ride:1", "bandwidth_kbps"]),
        ("[{\"duration_ms\": -5, \"bandwidth_kbps\": 1}]", &["ride", "period 0"]),
        ("[", &["ride:1"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ride"), text).unwrap();
        refused(folder.path(), &data("sizes"), &[], reasons);
    }
    let folder = tempfile::tempdir().unwrap();
    refused(folder.path(), &data("sizes"), &[], &["no trace"]);
    fs::write(folder.path().join("LICENSE"), "free").unwrap();
    refused(folder.path(), &data("sizes"), &[], &["no trace"]);
    fs::write(folder.path().join("ride"), [0xff, 0xfe]).unwrap();
    refused(folder.path(), &data("sizes"), &[], &["ride"]);
    refused(Path::new("/nonexistent"), &data("sizes"), &[], &["/nonexistent"]);
}

#[test]
fn bad_videos_are_refused_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    refused(&data("tab"), folder.path(), &[], &["video_size_0"]);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("video_size_0", "100000\n100000\n100000\n");
    refused(&data("tab"), folder.path(), &[], &["ladder needs two"]);
    write("video_size_1", "200000\n2x0\n200000\n");
    refused(&data("tab"), folder.path(), &[], &["video_size_1:2"]);
    write("video_size_1", "200000\n200000\n");
    refused(&data("tab"), folder.path(), &[], &["video_size_1", "number of chunks"]);
    write("video_size_1", "500000\n0\n500000\n");
    refused(&data("tab"), folder.path(), &[], &["no bytes"]);
    for (text, reason) in [
        ("{", "video.json:1"),
        (
            "{\"segment_duration_ms\":0,\"bitrates_kbps\":[1,2],\"segment_sizes_bits\":[[8,8],[8,8]]}",
            "some length",
        ),
        (
            "{\"segment_duration_ms\":1,\"bitrates_kbps\":[2,1],\"segment_sizes_bits\":[[8,8],[8,8]]}",
            "rung 1",
        ),
        (
            "{\"segment_duration_ms\":1,\"bitrates_kbps\":[1,2],\"segment_sizes_bits\":[[8,8],[8]]}",
            "segment 1",
        ),
        ("{\"segment_duration_ms\":1,\"bitrates_kbps\":[1,2],\"segment_sizes_bits\":[]}", "chunks"),
        (
            "{\"segment_duration_ms\":1,\"bitrates_kbps\":[1,2],\"segment_sizes_bits\":[[8,99999999999],[8,8]]}",
            "large",
        ),
    ] {
        write("video.json", text);
        refused(&data("tab"), &folder.path().join("video.json"), &[], &[reason]);
    }
}

#[test]
fn bad_choices_are_refused_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("choices.txt");
    let all = fs::read_to_string(data("tab-choices.txt")).unwrap();
    let first = all.lines().next().unwrap();
    for (text, reasons) in [
        ("ride-0.log 1 2 3".to_owned(), &["choices.txt:1", "3 rungs for the 40"][..]),
        (all.replacen("ride-1.log 1 ", "ride-1.log 1 6 ", 1), &["choices.txt:2", "6 is no rung"]),
        (all.replacen("ride-1.log 1 ", "ride-1.log 1 -1 ", 1), &["choices.txt:2", "-1 is no rung"]),
        (all.replacen("ride-2.log 1 ", "ride-2.log 0 ", 1), &["choices.txt:3", "first chunk"]),
        (all.replacen("ride-3.log", "ride-9.log", 1), &["choices.txt:4", "ride-9.log"]),
        (format!("{all}{first}\n"), &["choices.txt:5", "second line"]),
        (first.to_owned(), &["choices.txt", "no line for the trace ride-1.log"]),
    ] {
        fs::write(&file, text).unwrap();
        refused(&data("tab"), &data("sizes"), &["--choices", file.to_str().unwrap()], reasons);
    }
}

#[test]
fn what_cannot_be_played_is_refused() {
    for (more, reason) in [
        (&["--max-buffer", "3"][..], "one chunk"),
        (&["--max-buffer", "nan"], "one chunk"),
        (&["--live=-1"], "one chunk"),
        (&["--rtt-ms", "1e9"], "round trip"),
        (&["--optimum-cell-ms", "0"], "cells"),
        (&["--policy", "guess"], "guess"),
        (&["--policy", "bba", "--policy", "bba"], "twice"),
        (&["--plot", "ride-9.log", "--svg", "/tmp/never.svg"], "ride-9.log"),
        (&["--plot", "ride-1.log"], "--svg"),
        (&["--live", "8", "--max-buffer", "20"], "--max-buffer"),
        (&["--settings", "/nonexistent"], "/nonexistent"),
    ] {
        refused(&data("tab"), &data("sizes"), more, &[reason]);
    }
}
