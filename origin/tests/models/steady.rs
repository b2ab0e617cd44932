//! A training after another leaves most of a release as it was.

use std::collections::HashSet;

use frontrow_origin::assemble::assemble;
use frontrow_origin::database::WatchEvent;
use frontrow_origin::gate::{Before, GateConfig, judge, measure};
use frontrow_origin::models::Models;
use frontrow_origin::train::Options;

use crate::catalogue::{self, NOW_S, title};

/// Title, title it leads to, weight and scale.
fn entries(models: &Models) -> HashSet<(u32, u32, i8, i8)> {
    let all = models.everywhere.columns();
    let row = |row: usize| {
        (all.row_offsets[row] as usize..all.row_offsets[row + 1] as usize).map(move |entry| {
            let target = all.title_ids[all.row_indexes.at(entry) as usize];
            (all.title_ids[row], target, all.row_weights[entry], all.row_scales_log2[row])
        })
    };
    (0..all.title_ids.len()).flat_map(row).collect()
}

#[test]
fn two_new_views_change_little_and_cost_no_quality() {
    let mut catalogue = catalogue::catalogue();
    let before = catalogue::models(&catalogue);
    let make = |catalogue: &_, models: &Models| {
        assemble(catalogue, models, &catalogue::components(), catalogue::identity(1)).unwrap()
    };
    for viewer in 0..2 {
        let watched = title(viewer * 5 + 17);
        catalogue.events.push(WatchEvent { at_unix_s: NOW_S, viewer, title: watched });
    }
    let after = |before| Models::fit_after(before, &catalogue, &[], &Options::default(), None).unwrap();
    let (steady, fresh) = (after(Some(&before)), after(None));
    assert_eq!((steady.training.steady_trainings, fresh.training.steady_trainings), (1, 0));
    assert_eq!(steady.training.row_entries, before.training.row_entries);
    let settings = |models: &Models| ["lambda", "dropout"].map(|name| models.training.quality[name]);
    assert_eq!(settings(&steady), settings(&before));
    assert_eq!(steady.training.rules, before.training.rules);
    let changed = |models: &Models| entries(models).difference(&entries(&before)).count();
    let (few, many) = (changed(&steady), changed(&fresh));
    assert!(few * 2 < many, "{few} entries instead of {many}");

    let figures = |models: &Models| {
        let new = make(&catalogue, models);
        measure(&new, &catalogue, models.training.holdout, &models.reference).unwrap()
    };
    let fresh = figures(&fresh);
    let exact = GateConfig { standard_errors: 0.0, overlap_min: 0.9, ..GateConfig::default() };
    let falls = judge(&figures(&steady), Some(Before { generation: 1, figures: &fresh }), &exact);
    assert_eq!(falls, []);
}

#[test]
fn after_some_trainings_all_rows_are_chosen_anew() {
    let catalogue = catalogue::catalogue();
    let mut before = catalogue::models(&catalogue);
    before.training.steady_trainings = frontrow_origin::limits::STEADY_TRAININGS_MAX;
    let after = Models::fit_after(Some(&before), &catalogue, &[], &Options::default(), None).unwrap();
    assert_eq!(after.training.steady_trainings, 0);
}
