//! A tower that somebody else has trained: taken as it is, blended, and shipped where it helps.

use frontrow_origin::assemble::{Catalogue, assemble};
use frontrow_origin::gate::{GateConfig, Holdout, judge, measure};
use frontrow_origin::models::{Models, TowerFrom};
use frontrow_origin::train::Options;
use frontrow_origin::train::given::Given;
use frontrow_origin::train::sequences::Sequences;
use frontrow_origin::train::tower::{Learner, Settings, Shape};
use inference::Tower;
use prost::Message;
use tract_onnx::pb::ModelProto;

use crate::catalogue;

/// A causal transformer with twenty positions, of PyTorch; item 0 is one that pads.
const TRANSFORMER: &[u8] =
    include_bytes!("../../../crates/inference/tests/data/towers/transformer-script.onnx");

/// Enough to know the habit of the catalogue's viewers.
const EPOCHS: usize = 60;

/// As any trainer would make one: of what is exported, an ordinary graph without a word about us, and its titles.
fn trained(catalogue: &Catalogue) -> (Vec<u8>, String) {
    let histories = catalogue.histories();
    let sequences = Sequences::new(Holdout::of(histories.len()).exported(histories));
    let shape = Shape { width: 16, heads: 2, hidden: 32, ..Shape::standard(sequences.titles().len()) };
    let mut learner = Learner::new(shape, Settings::default(), sequences.iter(0));
    for _ in 0..EPOCHS {
        learner.epoch(&|| false);
    }
    let mut model = ModelProto::decode(learner.tower().to_onnx().as_slice()).unwrap();
    model.metadata_props.clear();
    let titles: Vec<String> = sequences.titles().iter().map(u32::to_string).collect();
    (model.encode_to_vec(), titles.join("\n"))
}

#[test]
fn a_tower_that_helps_is_blended_measured_and_shipped_with_the_titles_of_its_items() {
    let catalogue = catalogue::catalogue();
    let (onnx, titles) = trained(&catalogue);
    let given = Given::new(onnx, Some(&titles)).unwrap();
    let models = Models::fit(&catalogue, &[], &Options::default(), TowerFrom::Given(&given)).unwrap();
    let shipped = Tower::read(models.tower.as_ref().expect("it helps")).unwrap();
    assert!(!shipped.is_exact(), "it is a graph like any other");
    let vectors = models.everywhere.columns().vectors.as_ref().unwrap();
    assert_eq!(vectors.known(), catalogue::TITLES as usize);
    assert!(models.training.rules.blend.is_some());
    let assembled = assemble(&catalogue, &models, &catalogue::components(), catalogue::identity(1)).unwrap();
    let tower = assembled.manifest.tower.as_ref().unwrap();
    assert_eq!(tower.inputs[0].shape, [Some(1), None]);
    let figures = measure(&assembled, &catalogue, models.training.holdout, &models.reference).unwrap();
    assert!(figures["overlap_at_10"] > 0.95, "{figures:?}");
    assert_eq!(judge(&figures, None, &GateConfig::default()), []);
}

#[test]
fn a_tower_that_knows_nothing_is_left_out() {
    let catalogue = catalogue::catalogue();
    // A blank line for the item that pads, then forty of the sixty titles.
    let titles: String = (0..41)
        .map(|item| if item == 0 { "\n".to_owned() } else { format!("{}\n", catalogue::title(item)) })
        .collect();
    let given = Given::new(TRANSFORMER.to_vec(), Some(&titles)).unwrap();
    let models = Models::fit(&catalogue, &[], &Options::default(), TowerFrom::Given(&given)).unwrap();
    assert_eq!((models.tower, models.everywhere.columns().vectors.as_ref()), (None, None));
    let rows = Models::fit(&catalogue, &[], &Options::default(), TowerFrom::Nowhere).unwrap();
    assert_eq!(models.training.rules, rows.training.rules);
}

#[test]
fn how_many_items_a_graph_takes_is_found_out_and_noted() {
    let given = Given::new(TRANSFORMER.to_vec(), None).unwrap();
    let shipped = Tower::read(given.onnx()).unwrap();
    assert_eq!((shipped.shape().items, shipped.shape().window), (41, 20));
    // What takes them all stays as it is.
    let recurrent = include_bytes!("../../../crates/inference/tests/data/towers/gru-script.onnx");
    assert_eq!(Given::new(recurrent.to_vec(), None).unwrap().onnx(), recurrent);
}

#[test]
fn titles_that_are_not_those_of_the_items_are_refused() {
    let code = |titles: &str| Given::new(TRANSFORMER.to_vec(), Some(titles)).unwrap_err().code();
    let lines = |first: &str, second: &str| format!("{first}\n{second}\n{}", "\n".repeat(39));
    assert_eq!(code("1\n2\n"), "tower-titles-count");
    assert_eq!(code(&lines("1", "one")), "tower-titles-line");
    assert_eq!(code(&lines("1", "-1")), "tower-titles-line");
    assert_eq!(code(&lines("7", "7")), "tower-titles-twice");
    assert!(Given::new(TRANSFORMER.to_vec(), Some(&lines(" 7 ", "8"))).is_ok());
    let ranker = include_bytes!("../../../crates/inference/tests/data/ranker-mlp.onnx");
    assert_eq!(Given::new(ranker.to_vec(), None).unwrap_err().code(), "tower-initialiser");
}
