//! What an operator says of lists, and what the region watches more than usual, in a release.

use std::collections::BTreeMap;

use frontrow_origin::assemble::{AssembleError, Catalogue, PlacedConfig, Slates, assemble};
use frontrow_origin::database::WatchEvent;
use frontrow_origin::native::Native;
use frontrow_origin::preview::{Preview, Question};
use ranking::{Reason, Request};
use release::{CandidateFile, PinEntry, SlateEntry};

use crate::catalogue::{self, BLOCKED_IN_US, NOW_S, title};

/// Variety everywhere, and titles of their own in `us`.
fn laid_out(placed: PlacedConfig) -> Catalogue {
    let all = SlateEntry { lambda: 0.7, promoted_max: 1, promoted: vec![title(9)], ..SlateEntry::default() };
    let regions = BTreeMap::from([("us".to_owned(), placed)]);
    catalogue::catalogue().laid_out(Slates { all, regions })
}

fn placed() -> PlacedConfig {
    let pin = |place, title| PinEntry { place, title };
    PlacedConfig { pinned: vec![pin(2, title(7)), pin(1, BLOCKED_IN_US)], promoted: Vec::new() }
}

#[test]
fn a_region_has_its_own_titles_and_the_layout_of_all() {
    let catalogue = laid_out(placed());
    let models = catalogue::models(&catalogue);
    let assembled = assemble(&catalogue, &models, &catalogue::components(), catalogue::identity(1)).unwrap();
    let manifest = &assembled.manifest;
    let [eu, us] = [0, 1].map(|region| manifest.rules_of(&manifest.regions[region]).slate);
    assert_eq!((eu.lambda, eu.promoted.clone(), eu.pinned.clone()), (0.7, vec![title(9)], vec![]));
    assert_eq!((us.lambda, us.promoted.clone(), us.pinned), (0.7, vec![], placed().pinned));

    // What a node must answer is what the shipped rules of the region say.
    let file = |name: &str| assembled.files.get(name).map(Vec::as_slice);
    let loaded = inference::Models::load(file("ranker.onnx"), file("tower.onnx")).unwrap();
    assert!(manifest.golden.len() >= 2);
    for case in &manifest.golden {
        let entry = manifest.regions.iter().find(|entry| entry.name == case.region).unwrap();
        let rules = manifest.rules_of(entry).rules().unwrap();
        let set = CandidateFile::decode(&assembled.files[&entry.candidates]).unwrap();
        let request = Request {
            history: case.history.clone(),
            k: case.k,
            at_unix_ms: case.at_unix_ms,
            maturity_max_years: u8::MAX,
            ..Request::default()
        };
        let answer = Native::new(&set.candidates, rules, &loaded).recommend(&request).unwrap();
        assert_eq!(answer.picks.iter().map(|pick| pick.title).collect::<Vec<_>>(), case.titles);
        // A title that is not licensed there is not pinned.
        if case.region == "us" && case.history.is_empty() {
            assert_eq!(answer.picks[1].reason, Reason::Pinned);
            assert!(!case.titles.contains(&BLOCKED_IN_US));
        }
    }
    let preview = Preview::of_models(&catalogue, &models, "us").unwrap();
    let question = Question { viewer: 9_999, k: 3, at_unix_ms: NOW_S * 1_000, maturity_max_years: 18 };
    assert_eq!(preview.answer(question).unwrap().picks[1].title, title(7));
}

#[test]
fn a_region_a_title_or_a_number_that_there_is_not_is_refused() {
    let refused = |catalogue: &Catalogue| {
        let models = catalogue::models(&catalogue::catalogue());
        assemble(catalogue, &models, &catalogue::components(), catalogue::identity(1)).unwrap_err()
    };
    let error = refused(&laid_out(PlacedConfig { promoted: vec![1], ..placed() }));
    assert!(matches!(error, AssembleError::SlateTitleUnknown(1)), "{error}");
    let error = refused(&laid_out(PlacedConfig { promoted: vec![title(7)], ..placed() }));
    assert!(matches!(error, AssembleError::SlateRefused("promoted")), "{error}");
    let mut catalogue = laid_out(placed());
    catalogue.slates.regions.insert("mars".to_owned(), PlacedConfig::default());
    let error = refused(&catalogue);
    assert!(matches!(error, AssembleError::SlateRegionUnknown(_)), "{error}");
    assert_eq!(error.code(), "slate-region-unknown");
}

#[test]
fn a_trend_is_what_a_region_watches_more_than_usual() {
    let mut catalogue = catalogue::catalogue();
    let viewers = |region: &str| -> Vec<u32> {
        let of = |(&viewer, of): (&u32, &String)| (of == region).then_some(viewer);
        catalogue.viewer_regions.iter().filter_map(of).collect()
    };
    let (eu, us) = (viewers("eu"), viewers("us"));
    let days_ago =
        |days: u64, viewer: u32, title: u32| WatchEvent { at_unix_s: NOW_S - days * 86_400, viewer, title };
    let (rising, steady, falling) = (title(1), title(2), title(3));
    catalogue.events = (0..9).map(|day| days_ago(day % 3, eu[day as usize], rising)).collect();
    catalogue.events.extend((0..200).map(|day| days_ago(day, eu[day as usize % 40], steady)));
    catalogue.events.extend((100..140).map(|day| days_ago(day, eu[day as usize % 40], falling)));
    catalogue.events.push(days_ago(0, us[0], falling));
    catalogue.events.sort_unstable();
    let trends = catalogue.trends("eu");
    assert_eq!(trends.keys().copied().collect::<Vec<_>>(), [rising], "{trends:?}");
    // Three views a day over three days: the sums by hand, of 3·(1 + 2^(−1/7) + 2^(−2/7)) and the like.
    let sum = |half_life: f64| (0..3).map(|age| 3.0 * (-f64::from(age) / half_life).exp2()).sum::<f64>();
    let expected = sum(60.0) * 7.0 / 60.0;
    let deviations = (sum(7.0) - expected) / (expected + 1.0).sqrt();
    assert!((f64::from(trends[&rising]) - deviations).abs() < 1e-5, "{trends:?}");
    assert!(catalogue.trends("us").is_empty(), "one view is no trend");
}
