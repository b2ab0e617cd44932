//! Which titles a region shows where there are more than it can hold.
//!
//! A third each: what the region's cohorts are near to (the index over the factor model), what it watches most, and
//! what is newest; the newest also take the places that the others leave. Titles that are never shown there take
//! no place.

use std::collections::{BTreeMap, BTreeSet};

use super::cohorts::{Cohort, cohorts};
use super::{AssembleError, Catalogue};
use crate::database::LicenceWindow;
use crate::models::Models;

/// At most `titles_max` titles.
pub(super) fn shown(
    catalogue: &Catalogue,
    region: &str,
    models: &Models,
    popularity: &BTreeMap<u32, f32>,
    windows: &BTreeMap<u32, LicenceWindow>,
    titles_max: usize,
) -> Result<BTreeSet<u32>, AssembleError> {
    let licensed = |title: &u32| windows.get(title) != Some(&LicenceWindow::NEVER);
    let known: BTreeSet<u32> = catalogue.titles.iter().map(|title| title.id).filter(licensed).collect();
    if known.len() <= titles_max {
        return Ok(known);
    }
    let third = titles_max / 3;
    let mut shown = near_cohorts(catalogue, region, models, &known, third)?;
    let mut popular: Vec<(f32, u32)> = popularity.iter().map(|(&title, &views)| (views, title)).collect();
    popular.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    shown.extend(
        popular.into_iter().map(|(_, title)| title).filter(|title| known.contains(title)).take(third),
    );
    let mut newest: Vec<(Option<u16>, u32)> =
        catalogue.titles.iter().map(|title| (title.year, title.id)).collect();
    newest.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.cmp(&a.1)));
    for title in newest.into_iter().map(|(_, title)| title).filter(|title| known.contains(title)) {
        if shown.len() >= titles_max {
            break;
        }
        shown.insert(title);
    }
    Ok(shown)
}

/// The titles that the region's cohorts would rate best, the larger a cohort the more of them.
fn near_cohorts(
    catalogue: &Catalogue,
    region: &str,
    models: &Models,
    known: &BTreeSet<u32>,
    wanted: usize,
) -> Result<BTreeSet<u32>, AssembleError> {
    let columns = models.factors.columns();
    let rows = columns.viewer_ids.iter().zip(columns.viewer_factors.chunks(columns.factors));
    let here = |viewer: &u32| catalogue.viewer_regions.get(viewer).is_some_and(|of| of == region);
    let viewers: Vec<&[f32]> = rows.filter(|(viewer, _)| here(viewer)).map(|(_, row)| row).collect();
    let barred: Vec<u32> = columns.title_ids.iter().copied().filter(|title| !known.contains(title)).collect();
    let mut lists = Vec::new();
    for Cohort { mut centroid, viewers } in cohorts(&viewers) {
        // A viewer's vector ends with a one; so does the mean of many.
        centroid.push(1.0);
        let near = models.index.nearest(&centroid, wanted.max(1), &barred)?;
        lists.push((viewers, near.into_iter().map(|near| near.title).collect()));
    }
    Ok(interleaved(&lists, wanted))
}

/// The first of all lists, a list of twice the weight going twice as deep.
fn interleaved(lists: &[(usize, Vec<u32>)], wanted: usize) -> BTreeSet<u32> {
    let places = lists.iter().flat_map(|(weight, titles)| {
        titles.iter().enumerate().map(move |(place, &title)| ((place + 1) as f64 / *weight as f64, title))
    });
    let mut places: Vec<(f64, u32)> = places.collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut taken = BTreeSet::new();
    for (_, title) in places {
        if taken.len() >= wanted {
            break;
        }
        taken.insert(title);
    }
    taken
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::*;

    #[test]
    fn a_larger_cohort_has_more_titles_and_a_small_one_still_some() {
        let lists = [(300, (0..90).collect()), (100, (100..190).collect())];
        let taken = interleaved(&lists, 40);
        assert_eq!(taken.iter().filter(|title| **title < 100).count(), 30);
        assert_eq!(taken.iter().filter(|title| **title >= 100).count(), 10);
    }

    quickcheck! {
        fn no_more_titles_are_taken_than_wanted_and_none_is_made_up(lists: Vec<(u8, Vec<u32>)>, wanted: u8) -> bool {
            let lists: Vec<(usize, Vec<u32>)> =
                lists.into_iter().map(|(weight, titles)| (usize::from(weight) + 1, titles)).collect();
            let all: BTreeSet<u32> = lists.iter().flat_map(|(_, titles)| titles).copied().collect();
            let taken = interleaved(&lists, usize::from(wanted));
            taken.len() == usize::from(wanted).min(all.len()) && taken.is_subset(&all)
        }
    }
}
