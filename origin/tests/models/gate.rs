//! A release is measured by its own files, and a spoilt one is refused with the figures.

use frontrow_origin::assemble::{Assembled, Catalogue, assemble};
use frontrow_origin::gate::{Before, Figures, GateConfig, GateError, judge, measure};
use frontrow_origin::models::Models;
use frontrow_origin::train::onnx::{self, Layer};
use frontrow_origin::train::random::Random;
use frontrow_origin::train::ranker::POOL;
use ranking::features::COLUMNS;
use ranking::{Candidates, Columns, FactorColumns, Factors};

use crate::catalogue;

fn assembled(catalogue: &Catalogue, models: &Models) -> Assembled {
    assemble(catalogue, models, &catalogue::components(), catalogue::identity(1)).unwrap()
}

fn measured(catalogue: &Catalogue, models: &Models) -> Figures {
    let assembled = assembled(catalogue, models);
    measure(&assembled, catalogue, models.training.holdout, &models.reference).unwrap()
}

/// Every title with the row of another: each row is sound, what it says is wrong.
pub(crate) fn shuffled(candidates: &Candidates) -> Candidates {
    let all = candidates.columns();
    let titles = all.title_ids.len();
    let mut columns = Columns { row_offsets: vec![0], ..all.clone() };
    (columns.row_indexes, columns.row_weights) = Default::default();
    columns.row_scales_log2.clear();
    for title in 0..titles {
        let other = (title + titles / 2) % titles;
        for entry in all.row_offsets[other] as usize..all.row_offsets[other + 1] as usize {
            columns.row_indexes.push(all.row_indexes.at(entry));
            columns.row_weights.push(all.row_weights[entry]);
        }
        columns.row_offsets.push(columns.row_weights.len() as u32);
        columns.row_scales_log2.push(all.row_scales_log2[other]);
    }
    Candidates::new(columns).unwrap()
}

/// A network of four units whose weights are all the same.
fn ranker(hidden: f32, output: f32) -> Vec<u8> {
    onnx::chain(&[
        Layer { weights: &[hidden; 4 * COLUMNS], biases: &[hidden; 4] },
        Layer { weights: &[output; 4], biases: &[0.0] },
    ])
}

fn with_ranker(models: &Models, ranker: &[u8]) -> Models {
    let mut models = Models { ranker: Some(ranker.to_vec()), ..models.clone() };
    models.training.rules.ranker_pool = POOL;
    models
}

#[test]
fn the_files_of_a_release_are_measured_on_views_that_were_not_learned_from() {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models(&catalogue);
    let figures = measured(&catalogue, &models);
    assert!((15.0..=40.0).contains(&figures["users"]), "about a fifth of 120: {figures:?}");
    assert!(figures["hr_at_10"] > 0.5 && figures["debiased_hr_at_10"] > 0.5, "{figures:?}");
    assert!(figures["coverage_at_10"] > 0.5 && figures["overlap_at_10"] > 0.97, "{figures:?}");
    assert!(figures["debiased_users"] <= figures["users"], "{figures:?}");
    assert_eq!(figures, measured(&catalogue, &models), "equal releases have equal figures");
    assert!(models.reference.lists.len() as f64 >= figures["users"]);
    let before = Before { generation: 1, figures: &figures };
    assert_eq!(judge(&figures, Some(before), &GateConfig::default()), []);
}

#[test]
fn shuffled_rows_are_refused_and_the_refusal_names_the_figures() {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models(&catalogue);
    let sound = measured(&catalogue, &models);
    let spoilt = Models { everywhere: shuffled(&models.everywhere), ..models };
    let figures = measured(&catalogue, &spoilt);
    let before = Before { generation: 1, figures: &sound };
    let falls = judge(&figures, Some(before), &GateConfig::default());
    let names: Vec<_> = falls.iter().map(|fall| fall.figure).collect();
    assert!(names.contains(&"hr_at_10") && names.contains(&"overlap_at_10"), "{falls:?}");
    // With nothing to compare with, what the models would have shown before rounding still tells.
    let first: Vec<_> = judge(&figures, None, &GateConfig::default());
    assert_eq!(first.iter().map(|fall| fall.figure).collect::<Vec<_>>(), ["overlap_at_10"]);
}

/// Titles on a ring and viewers where they watched last, so that what comes next is among the twenty nearest; the other
/// way round, among the twenty farthest.
fn factors_on_a_ring(catalogue: &Catalogue, sign: f32) -> Factors {
    let at = |title: u32| {
        let angle =
            std::f32::consts::TAU * ((title - catalogue::title(0)) / 2) as f32 / catalogue::TITLES as f32;
        [angle.cos(), angle.sin()]
    };
    let title_ids: Vec<u32> = (0..catalogue::TITLES).map(catalogue::title).collect();
    let histories = catalogue.histories();
    let newest = histories.values().map(|watched| watched[watched.len() - 2]);
    Factors::new(FactorColumns {
        mean: 3.0,
        factors: 2,
        viewer_ids: histories.keys().copied().collect(),
        viewer_biases: vec![0.0; histories.len()],
        viewer_factors: newest.flat_map(at).map(|number| sign * number).collect(),
        title_biases: vec![0.0; title_ids.len()],
        title_factors: title_ids.iter().copied().flat_map(at).collect(),
        title_ids,
    })
    .unwrap()
}

#[test]
fn factors_that_point_the_other_way_are_refused() {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models(&catalogue);
    let of = |sign| {
        measured(&catalogue, &Models { factors: factors_on_a_ring(&catalogue, sign), ..models.clone() })
    };
    let (sound, spoilt) = (of(1.0), of(-1.0));
    assert!(sound["factors_hr_at_20"] > 0.8 && spoilt["factors_hr_at_20"] < 0.2, "{sound:?} {spoilt:?}");
    let falls = judge(&spoilt, Some(Before { generation: 1, figures: &sound }), &GateConfig::default());
    assert_eq!(falls.iter().map(|fall| fall.figure).collect::<Vec<_>>(), ["factors_hr_at_20"]);
}

#[test]
fn a_ranker_that_says_always_the_same_is_refused_in_the_first_release() {
    let catalogue = catalogue::catalogue();
    let models = with_ranker(&catalogue::models(&catalogue), &ranker(0.0, 0.0));
    let figures = measured(&catalogue, &models);
    assert!(figures["rows_hr_at_10"] > figures["hr_at_10"], "{figures:?}");
    let falls = judge(&figures, None, &GateConfig::default());
    assert_eq!(falls.iter().map(|fall| fall.figure).collect::<Vec<_>>(), ["hr_at_10"]);
}

#[test]
fn a_ranker_that_fails_for_some_viewer_is_refused_with_what_was_measured_without_it() {
    let catalogue = catalogue::catalogue();
    // What is watched by more people than a float holds is infinite here, and twice that is no number.
    let overflowing = ranker(f32::MAX, 1.0);
    let models = catalogue::models(&catalogue);
    let mut assembled = assembled(&catalogue, &models);
    let ranked = with_ranker(&models, &overflowing);
    assembled.files.insert("ranker.onnx".to_owned(), ranked.ranker.unwrap());
    assembled.manifest.rules.ranker_pool = POOL;
    assembled.manifest.ranker =
        Some(release::Model { file: "ranker.onnx".to_owned(), inputs: Vec::new(), outputs: Vec::new() });
    let error = measure(&assembled, &catalogue, models.training.holdout, &models.reference).unwrap_err();
    assert_eq!(error.code(), "quality-model-failed");
    assert!(
        matches!(&error, GateError::ModelFailed { figures, .. } if figures["rows_hr_at_10"] > 0.0),
        "{error}"
    );
}

#[test]
fn a_tower_is_measured_with_its_bytes() {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models_with_tower(&catalogue);
    let figures = measured(&catalogue, &models);
    assert!(figures["hr_at_10"] > 0.0 && figures.contains_key("rows_hr_at_10"), "{figures:?}");
}

/// A network of random weights over so many numbers a candidate.
fn random_network(columns: usize) -> Vec<u8> {
    let mut random = Random::new(3);
    let mut numbers = |count: usize| (0..count).map(|_| random.normal() as f32 / 8.0).collect::<Vec<f32>>();
    let (first, last) = (numbers(columns * 4), numbers(4));
    onnx::chain(&[
        onnx::Layer { weights: &first, biases: &[0.5; 4] },
        onnx::Layer { weights: &last, biases: &[0.0] },
    ])
}

#[test]
fn beside_a_tower_a_ranker_may_see_the_vectors_of_viewers_and_titles() {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models_with_tower(&catalogue);
    let width = models.everywhere.columns().vectors.as_ref().unwrap().matrix.columns();
    let with = |columns: usize| {
        let mut models = Models { ranker: Some(random_network(columns)), ..models.clone() };
        models.training.rules.ranker_pool = POOL;
        assemble(&catalogue, &models, &catalogue::components(), catalogue::identity(1))
    };
    let assembled = with(2 * width + COLUMNS).unwrap();
    let ranker = assembled.manifest.ranker.as_ref().unwrap();
    assert_eq!(ranker.inputs[0].shape, [None, Some(u32::try_from(2 * width + COLUMNS).unwrap())]);
    let figures = measure(&assembled, &catalogue, models.training.holdout, &models.reference).unwrap();
    assert!(figures["hr_at_10"] >= 0.0);
    let rounded = figures["ranked_overlap_at_10"];
    assert!(rounded > 0.7, "{rounded}");
    // One that sees features alone ships as well; any other width is refused, and says what would do.
    assert!(with(COLUMNS).is_ok());
    let refused = with(2 * width + COLUMNS + 1).unwrap_err();
    assert_eq!(refused.code(), "ranker-refused");
    assert!(refused.to_string().contains(&format!("not {COLUMNS} or {}", 2 * width + COLUMNS)), "{refused}");
}

#[test]
fn a_ranker_of_another_exporter_ships_under_its_own_names() {
    let catalogue = catalogue::catalogue();
    let onnx = include_bytes!("../../../crates/inference/tests/data/exported/keras-18.onnx");
    let mut models = Models { ranker: Some(onnx.to_vec()), ..catalogue::models(&catalogue) };
    models.training.rules.ranker_pool = POOL;
    let assembled = assembled(&catalogue, &models);
    let ranker = assembled.manifest.ranker.as_ref().unwrap();
    assert_eq!((ranker.inputs[0].name.as_str(), ranker.outputs[0].name.as_str()), ("features", "Identity:0"));
    assert_eq!(assembled.files["ranker.onnx"], onnx);
    // Its weights are random, and so is its order.
    let figures = measure(&assembled, &catalogue, models.training.holdout, &models.reference).unwrap();
    let falls = judge(&figures, None, &GateConfig { standard_errors: 0.0, ..GateConfig::default() });
    assert_eq!(falls.iter().map(|fall| fall.figure).collect::<Vec<_>>(), ["hr_at_10"]);
}
