//! A release holds what its regions may show, and equal inputs make equal bytes.

use frontrow_origin::assemble::{Assembled, assemble};
use frontrow_origin::database::{Title, WatchEvent};
use frontrow_origin::limits::CANDIDATES_MAX;
use frontrow_origin::models::{Models, ModelsError};
use frontrow_origin::native::Native;
use frontrow_origin::preview::{Preview, Question};
use ranking::Request;
use release::{CandidateFile, Histories, Manifest, Titles};

use crate::catalogue::{self, BLOCKED_IN_US, NOW_S, TITLES};

fn assembled() -> Assembled {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models(&catalogue);
    assemble(&catalogue, &models, &catalogue::components(), catalogue::identity(1)).unwrap()
}

fn set(assembled: &Assembled, region: &str) -> CandidateFile {
    CandidateFile::decode(&assembled.files[&format!("candidates-{region}.safetensors")]).unwrap()
}

#[test]
fn equal_inputs_make_equal_bytes() {
    let (first, second) = (assembled(), assembled());
    assert_eq!(first.manifest.encode(), second.manifest.encode());
    assert_eq!(first.files, second.files);
}

#[test]
fn models_read_back_make_the_same_release() {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models(&catalogue);
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Models::load(folder.path()), Err(ModelsError::Missing(_))));
    // A second save takes the place of the first.
    models.save(folder.path()).unwrap();
    models.save(folder.path()).unwrap();
    let again = Models::load(folder.path()).unwrap();
    let make = |models: &Models| {
        assemble(&catalogue, models, &catalogue::components(), catalogue::identity(1)).unwrap()
    };
    assert_eq!(make(&models).manifest.encode(), make(&again).manifest.encode());
}

#[test]
fn the_manifest_lists_every_file_and_its_digest() {
    let assembled = assembled();
    let manifest = Manifest::decode(&assembled.manifest.encode()).unwrap();
    assert_eq!(manifest, assembled.manifest);
    assert_eq!(manifest.files.len(), assembled.files.len());
    for file in &manifest.files {
        let bytes = &assembled.files[&file.name];
        assert_eq!((file.bytes, &file.sha256), (bytes.len() as u64, &release::sha256_hex(bytes)));
    }
    assert_eq!(manifest.regions.iter().map(|region| region.name.as_str()).collect::<Vec<_>>(), ["eu", "us"]);
    // What training measured says so; the release itself is measured before it is published.
    assert!(manifest.quality["validation_hr_at_10"] > 0.5, "{:?}", manifest.quality);
    assert!(!manifest.quality.contains_key("hr_at_10"));
}

#[test]
fn a_title_that_is_never_shown_still_leads_to_others() {
    let assembled = assembled();
    let (eu, us) = (set(&assembled, "eu"), set(&assembled, "us"));
    let index = us.candidates.index_of(BLOCKED_IN_US).unwrap();
    let columns = us.candidates.columns();
    assert_eq!((columns.window_from_s[index], columns.window_until_s[index]), (0, 0));
    assert!(columns.row_offsets[index + 1] > columns.row_offsets[index]);
    let leads_there = |set: &CandidateFile| {
        let index = set.candidates.index_of(BLOCKED_IN_US).unwrap() as u32;
        set.candidates.columns().row_indexes.to_vec().contains(&index)
    };
    assert!(leads_there(&eu) && !leads_there(&us), "an entry that can never be picked is only weight");
}

#[test]
fn a_region_with_more_titles_than_fit_shows_what_is_near_popular_and_new_and_is_full() {
    let mut catalogue = catalogue::catalogue();
    let models = catalogue::models(&catalogue);
    let unwatched = |id: u32| Title {
        id,
        name: format!("Title {id}"),
        // All are newer than what is watched; those with higher numbers are the newest.
        year: Some(2_010 + (id - 10_000).div_euclid(1_000) as u16),
        maturity: 0,
        genres: Vec::new(),
    };
    catalogue.titles.extend((10_000..10_000 + CANDIDATES_MAX as u32 + 400).map(unwatched));
    for region in ["eu", "us"] {
        let set = catalogue.candidates(region, &models).unwrap();
        let columns = set.candidates.columns();
        let opens = |place: &usize| columns.window_until_s[*place] > 0;
        let shown: Vec<u32> =
            (0..columns.title_ids.len()).filter(opens).map(|place| columns.title_ids[place]).collect();
        assert_eq!(shown.len(), CANDIDATES_MAX, "a title that is never shown takes no place");
        let watched = shown.iter().filter(|title| **title < 10_000).count();
        assert_eq!(watched, if region == "us" { TITLES - 1 } else { TITLES } as usize);
        assert_eq!(shown.contains(&BLOCKED_IN_US), region == "eu");
        let newest = 10_000 + CANDIDATES_MAX as u32 + 399;
        assert!(
            shown.contains(&newest) && !shown.contains(&10_000),
            "the oldest of the unwatched is left out"
        );
    }
}

#[test]
fn golden_answers_are_those_of_the_shipped_files() {
    let assembled = assembled();
    let rules = assembled.manifest.rules.rules().unwrap();
    let file = |name: &str| assembled.files.get(name).map(Vec::as_slice);
    let models = inference::Models::load(file("ranker.onnx"), file("tower.onnx")).unwrap();
    assert!(assembled.manifest.golden.len() >= 2);
    for case in &assembled.manifest.golden {
        let set = set(&assembled, &case.region);
        let request = Request {
            history: case.history.clone(),
            exclude: Vec::new(),
            k: case.k,
            at_unix_ms: case.at_unix_ms,
            maturity_max_years: u8::MAX,
            seed: None,
        };
        let answer = Native::new(&set.candidates, rules.clone(), &models).recommend(&request).unwrap();
        assert_eq!(answer.picks.iter().map(|pick| pick.title).collect::<Vec<_>>(), case.titles);
    }
}

#[test]
fn a_title_watched_again_counts_when_it_was_watched_last() {
    let mut catalogue = catalogue::catalogue();
    let before = catalogue.histories()[&7].clone();
    catalogue.events.push(WatchEvent { at_unix_s: NOW_S, viewer: 7, title: before[0] });
    let after = catalogue.histories()[&7].clone();
    assert_eq!(after[..after.len() - 1], before[1..]);
    assert_eq!(after.last(), before.first());
    let file = Histories::decode(&catalogue.histories_file().unwrap().encode()).unwrap();
    assert_eq!(file.of(7), Some(after.as_slice()));
}

#[test]
fn a_preview_names_titles_and_reasons() {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models(&catalogue);
    let preview = Preview::of_models(&catalogue, &models, "us").unwrap();
    let ask = |viewer| {
        let question = Question { viewer, k: 5, at_unix_ms: NOW_S * 1_000, maturity_max_years: 12 };
        preview.answer(question).unwrap()
    };
    let known = ask(3);
    assert_eq!((known.picks.len(), known.region.as_str()), (5, "us"));
    assert!(known.picks[0].reason.text.starts_with("Because you watched Title of place"), "{known:?}");
    let stranger = ask(9_999);
    assert_eq!(stranger.watched, 0);
    assert_eq!(stranger.picks[0].reason.text, "Popular in your region");
    for pick in known.picks.iter().chain(&stranger.picks) {
        assert_ne!(pick.title, BLOCKED_IN_US);
        assert_ne!((pick.title - 100) / 2 % 10, 3, "meant for adults");
    }
    let error = Preview::of_models(&catalogue, &models, "atlantis").unwrap_err();
    assert_eq!(error.code(), "region-unknown");
}

#[test]
fn what_a_node_would_refuse_is_refused_here() {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models(&catalogue);
    let code = |models: &Models, change: &dyn Fn(&mut frontrow_origin::assemble::ComponentFiles)| {
        let mut components = catalogue::components();
        change(&mut components);
        assemble(&catalogue, models, &components, catalogue::identity(1)).unwrap_err().code()
    };
    let missing = code(&models, &|components| drop(components.files.remove("qoe.wasm")));
    assert_eq!(missing, "component-missing");
    let text = code(&models, &|components| {
        components.files.insert("qoe.wasm".to_owned(), b"<html>".to_vec());
    });
    assert_eq!(text, "component-refused");
    let broken = Models { ranker: Some(b"not ONNX".to_vec()), ..models };
    assert_eq!(code(&broken, &|_| {}), "ranker-refused");
    let broken = Models { tower: Some(b"not ONNX".to_vec()), ..catalogue::models_with_tower(&catalogue) };
    assert_eq!(code(&broken, &|_| {}), "tower-refused");
}

#[test]
fn a_tower_ships_with_the_vectors_of_every_title_it_knows() {
    let catalogue = catalogue::catalogue();
    let models = catalogue::models_with_tower(&catalogue);
    let assembled = assemble(&catalogue, &models, &catalogue::components(), catalogue::identity(1)).unwrap();
    let model = assembled.manifest.tower.as_ref().unwrap();
    assert_eq!((model.file.as_str(), model.inputs[0].name.as_str()), ("tower.onnx", "history"));
    let loaded = inference::Models::load(None, Some(&assembled.files["tower.onnx"])).unwrap();
    let all = models.everywhere.columns();
    for region in ["eu", "us"] {
        let set = set(&assembled, region);
        let columns = set.candidates.columns();
        let (own, everywhere) = (columns.vectors.as_ref().unwrap(), all.vectors.as_ref().unwrap());
        for (index, title) in columns.title_ids.iter().enumerate() {
            match models.everywhere.index_of(*title) {
                Some(from) => {
                    assert_eq!(own.items[index] as usize, from);
                    assert_eq!(own.matrix.row(index), everywhere.matrix.row(from));
                    assert_eq!(own.matrix.scales()[index], everywhere.matrix.scales()[from]);
                }
                None => assert_eq!(own.item(index), None),
            }
        }
    }
    let rules = assembled.manifest.rules.rules().unwrap();
    assert!(assembled.manifest.golden.iter().any(|case| !case.history.is_empty()));
    for case in &assembled.manifest.golden {
        let set = set(&assembled, &case.region);
        let request = Request {
            history: case.history.clone(),
            k: case.k,
            at_unix_ms: case.at_unix_ms,
            maturity_max_years: u8::MAX,
            ..Request::default()
        };
        let answer = Native::new(&set.candidates, rules.clone(), &loaded).recommend(&request).unwrap();
        assert_eq!(answer.picks.iter().map(|pick| pick.title).collect::<Vec<_>>(), case.titles);
    }
}

#[test]
fn models_with_a_tower_are_read_as_they_were_kept() {
    let models = catalogue::models_with_tower(&catalogue::catalogue());
    let folder = tempfile::tempdir().unwrap();
    models.save(folder.path()).unwrap();
    let read = Models::load(folder.path()).unwrap();
    assert_eq!((read.tower, read.training), (models.tower, models.training));
    assert_eq!(read.everywhere.columns(), models.everywhere.columns());
}

#[test]
fn every_title_has_a_name() {
    let assembled = assembled();
    let titles = Titles::decode(&assembled.files["titles.json"]).unwrap();
    assert_eq!(titles.as_slice().len(), TITLES as usize);
    for region in ["eu", "us"] {
        let set = set(&assembled, region);
        assert!(set.candidates.columns().title_ids.iter().all(|&id| titles.get(id).is_some()));
        // A comma would split the names in the file.
        assert_eq!(set.genres, ["Comedy", "Drama"]);
    }
}
