//! The commands that train: each model, and a tower of somebody else.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::process::Home;
use crate::stage::movietweetings;

fn imported() -> Home {
    let home = Home::new();
    home.says(&["import", "--generated", "--titles", "40", "--viewers", "150"]);
    home
}

/// The line that begins like this.
fn line<'a>(said: &'a str, begin: &str) -> &'a str {
    said.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("no {begin}: {said}"))
}

#[test]
fn each_model_is_trained_by_its_name_and_says_what_it_is_worth() {
    let home = imported();
    let error = home.fails(&["train", "--model", "mf"]);
    assert!(error.starts_with("error: models-missing:"), "{error}");
    let ridge = home.says(&["train"]);
    assert!(
        line(&ridge, "item-to-item rows of ").contains('λ') && line(&ridge, "held out,").contains("HR@10")
    );
    let factors = home.says(&["train", "--model", "mf"]);
    assert_eq!(line(&factors, "held out,"), line(&ridge, "held out,"), "rows stay as they were");
    assert!(line(&factors, "factors of 150 viewers and 40 titles").contains("RMSE"));
    let tower = home.says(&["train", "--model", "tower", "--minutes", "0.1", "--fresh"]);
    let shipped = home.path("data/models/tower.onnx").exists();
    assert_eq!(shipped, tower.contains("rows and tower"), "{tower}");
    // What was learned beside the factors stays when these are learned anew.
    home.says(&["train", "--model", "mf"]);
    assert_eq!(home.path("data/models/tower.onnx").exists(), shipped);
}

#[test]
fn an_export_is_without_the_newest_view_of_each_viewer_and_two_of_those_who_are_held_out() {
    let home = Home::new();
    let of = |viewer: u32| (0..4).map(move |place| 10 + (viewer + place * 3) % 5);
    let movies: String = (10..15).map(|title| format!("{title:07}::Film {title} (2000)::Drama\n")).collect();
    let line = |viewer, (at, title)| format!("{viewer}::{title}::7::{}\n", 1_600_000_000 + at);
    let ratings: String =
        (1..=50).flat_map(|viewer| (0..).zip(of(viewer)).map(move |view| line(viewer, view))).collect();
    let folder = movietweetings(&home.path("."), &movies, &ratings);
    home.says(&["import", &folder.to_string_lossy()]);
    let file = home.path("views.txt");
    home.says(&["export", &file.to_string_lossy()]);
    let mut left_out = [0; 4];
    for (viewer, line) in (1..).zip(fs::read_to_string(file).unwrap().lines()) {
        let told: Vec<u32> = line.split(' ').map(|number| number.parse().unwrap()).collect();
        let watched: Vec<u32> = [viewer].into_iter().chain(of(viewer)).collect();
        assert!(watched.starts_with(&told), "{line}: {watched:?}");
        left_out[watched.len() - told.len()] += 1;
    }
    assert!(left_out[1] > left_out[2] && left_out[2] > 0, "{left_out:?}");
    assert_eq!(left_out[1] + left_out[2], 50, "{left_out:?}");
}

#[test]
fn what_a_tower_of_somebody_else_may_learn_from_is_exported_and_the_tower_taken() {
    let home = imported();
    let shown = |name: &str| home.path(name).to_string_lossy().into_owned();
    let file = shown("views.txt");
    let said = home.says(&["export", &file]);
    assert!(said.contains("views of 150 viewers"), "{said}");
    let views = fs::read_to_string(&file).unwrap();
    assert_eq!(views.lines().count(), 150);
    let titles: BTreeSet<u32> =
        views.lines().flat_map(|line| line.split(' ').skip(1)).map(|title| title.parse().unwrap()).collect();

    let towers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/inference/tests/data/towers");
    let tower = towers.join("gru-script.onnx").to_string_lossy().into_owned();
    // Item 0 pads; its forty others are the forty titles.
    let lines: String = titles.iter().map(|title| format!("{title}\n")).collect();
    fs::write(shown("titles.txt"), format!("\n{lines}{}", "\n".repeat(40 - titles.len()))).unwrap();
    let said = home.says(&["train", "--tower", &tower, "--tower-titles", &shown("titles.txt")]);
    let shipped = home.path("data/models/tower.onnx").exists();
    // A title watched only in views that are held out is not exported.
    assert!(said.contains(&format!("the tower knows {} of 40 titles", titles.len())), "{said}");
    // Its weights are random: it is worth as much as chance has it.
    assert_ne!(shipped, said.contains("it was left out"), "{said}");

    fs::write(shown("titles.txt"), "1\n2\n").unwrap();
    let error = home.fails(&["train", "--tower", &tower, "--tower-titles", &shown("titles.txt")]);
    assert!(error.starts_with("error: tower-titles-count:") && error.contains("2 lines"), "{error}");
    let error = home.fails(&["train", "--tower", &file]);
    assert!(error.starts_with("error: tower-malformed:"), "{error}");
    let error = home.fails(&["train", "--tower", &tower, "--model", "mf"]);
    assert!(error.contains("cannot be used with"), "{error}");
}
