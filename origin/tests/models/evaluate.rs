//! `frontrow-origin evaluate` as a process: what scripts read.

use std::fs;
use std::ops::Range;
use std::process::Command;

use serde_json::Value;

/// Viewers walk a ring of titles, with a jump at times; these steps of it.
fn ring(steps: Range<u32>) -> String {
    let line = |viewer: u32| {
        let title = |step: u32| 1_000 + (viewer * 7 + step + (step + viewer) / 10 * 3) % 40;
        let titles: Vec<String> = steps.clone().map(|step| title(step).to_string()).collect();
        format!("{viewer} {}\n", titles.join(" "))
    };
    (0..150).map(line).collect()
}

fn evaluate(arguments: &[&str]) -> Result<Value, String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, steps) in [("all.txt", 0..12), ("train.txt", 0..9), ("test.txt", 9..12)] {
        fs::write(folder.path().join(name), ring(steps)).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_frontrow-origin"));
    let output = command.current_dir(folder.path()).arg("evaluate").args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if !output.status.success() {
        return Err(text(output.stderr));
    }
    // One object on a line, and nothing else.
    let stdout = text(output.stdout);
    assert_eq!(stdout.lines().count(), 1);
    Ok(serde_json::from_str(&stdout).unwrap())
}

#[test]
fn every_model_tells_the_same_figures_by_the_same_names() {
    let models: [(&[&str], &[&str]); 4] = [
        (&["ridge"], &["seq-ridge-int8", "seq-ridge-int8+mlp"]),
        (&["mf"], &["biased-mf"]),
        (&["tower", "--minutes", "0.02"], &["tower-int8"]),
        (
            &["blend", "--minutes", "0.02"],
            &[
                "seq-ridge-int8",
                "seq-ridge-int8+mlp",
                "seq-ridge-int8+tower-int8",
                "seq-ridge-int8+tower-int8+mlp",
            ],
        ),
    ];
    for (model, names) in models {
        let report =
            evaluate(&[&["recommend", "--sequences", "all.txt", "--model"], model].concat()).unwrap();
        assert_eq!(
            (&report["users"], &report["items"], &report["events"]),
            (&150.into(), &40.into(), &1_650.into())
        );
        assert!(names.contains(&report["model"].as_str().unwrap()), "{report}");
        for share in ["hr_at_10", "ndcg_at_10", "hr_at_20", "debiased_hr_at_10"] {
            assert!((0.0..=1.0).contains(&report[share].as_f64().unwrap()), "{share}: {report}");
        }
        for share in ["hr_at_10", "ndcg_at_10", "hr_at_20"] {
            assert!(
                (0.0..=1.0).contains(&report["validation"][share].as_f64().unwrap()),
                "{share}: {report}"
            );
        }
        assert!(report["hr_at_20"].as_f64().unwrap() > 0.9, "the habit is found: {report}");
        assert!(report["loss_int8"].as_f64().unwrap().abs() < 0.1, "{report}");
        assert!(report["loss_int8_standard_error"].as_f64().unwrap() >= 0.0, "{report}");
        assert!(report["train_seconds"].as_f64().unwrap() > 0.0, "{report}");
        assert_eq!(report["fit_seconds"], report["train_seconds"]);
        assert!(report["bytes"].as_u64().unwrap() > 0 && report["settings"].is_object(), "{report}");
    }
}

#[test]
fn a_split_tells_recall_and_gain() {
    let report = evaluate(&["split", "--train", "train.txt", "--test", "test.txt"]).unwrap();
    for figure in ["recall_at_20", "ndcg_at_20"] {
        assert!((0.0..=1.0).contains(&report[figure].as_f64().unwrap()), "{figure}: {report}");
    }
    assert_eq!((&report["users"], &report["items"]), (&150.into(), &40.into()));
}

#[test]
fn a_blend_has_the_figures_of_what_would_be_shipped() {
    let blend =
        evaluate(&["recommend", "--sequences", "all.txt", "--model", "blend", "--minutes", "0.02"]).unwrap();
    let rows = evaluate(&["recommend", "--sequences", "all.txt", "--model", "ridge"]).unwrap();
    let model = blend["model"].as_str().unwrap();
    let figures = ["hr_at_10", "ndcg_at_10", "hr_at_20"];
    let shipped = match (model.contains("tower"), model.contains("mlp")) {
        (true, true) => &blend["ranked"],
        (true, false) => &blend["unranked"],
        (false, _) => {
            assert_eq!((&blend["model"], &blend["bytes"]), (&rows["model"], &rows["bytes"]));
            &rows
        }
    };
    for figure in figures {
        assert_eq!(blend[figure], shipped[figure], "{figure} of {model}");
    }
    assert!(blend["unranked"]["ndcg_at_10"].as_f64().unwrap() > 0.0, "what was left out is told: {blend}");
}

#[test]
fn what_cannot_be_measured_is_refused_with_its_code() {
    let refused = |arguments: &[&str]| evaluate(arguments).unwrap_err();
    assert!(
        refused(&["recommend", "--sequences", "nowhere.txt", "--model", "ridge"]).contains("nowhere.txt")
    );
    assert!(refused(&["recommend", "--sequences", "all.txt", "--model", "oracle"]).contains("oracle"));
}
