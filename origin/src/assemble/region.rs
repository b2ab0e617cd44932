//! The candidate set of one region.
//!
//! A region shows at most [`CANDIDATES_MAX`] titles. Titles that only lead to others are kept as sources of
//! rows, with a window that never opens.

use std::collections::BTreeSet;

use ranking::{Candidates, Columns, Vectors};
use release::CandidateFile;

use super::catalogue::genre_bits;
use super::shown::shown;
use super::{AssembleError, Catalogue};
use crate::database::LicenceWindow;
use crate::limits::CANDIDATES_MAX;
use crate::models::Models;
use crate::train::blended;

pub(super) fn candidates(
    catalogue: &Catalogue,
    region: &str,
    models: &Models,
) -> Result<CandidateFile, AssembleError> {
    let windows = catalogue.regions.get(region).ok_or(AssembleError::Empty("such region"))?;
    let popularity = catalogue.popularity(Some(region));
    let shown = shown(catalogue, region, models, &popularity, windows, CANDIDATES_MAX)?;
    let has_row = |id: u32| {
        let offsets = &models.everywhere.columns().row_offsets;
        models.everywhere.index_of(id).is_some_and(|index| offsets[index + 1] > offsets[index])
    };
    let is_source = |id: u32| has_row(id) || vector(models, id).is_some();
    let titles: Vec<_> =
        catalogue.titles.iter().filter(|title| shown.contains(&title.id) || is_source(title.id)).collect();
    if titles.is_empty() {
        return Err(AssembleError::Empty("titles"));
    }
    let genres = catalogue.genre_names();
    let ids: Vec<u32> = titles.iter().map(|title| title.id).collect();
    let mut columns = Columns { row_offsets: vec![0], ..Columns::default() };
    for title in &titles {
        let window = if shown.contains(&title.id) {
            windows.get(&title.id).copied().unwrap_or(LicenceWindow::OPEN)
        } else {
            LicenceWindow::NEVER
        };
        columns.popularity.push(popularity.get(&title.id).copied().unwrap_or(0.0));
        columns.maturity_years.push(title.maturity);
        columns.years.push(title.year.unwrap_or(0));
        columns.genres.push(genre_bits(&title.genres, &genres));
        columns.window_from_s.push(window.from_s);
        columns.window_until_s.push(window.until_s);
        copy_row(models, title.id, &ids, &shown, &mut columns);
    }
    columns.vectors = vectors(models, &ids);
    let trends = catalogue.trends(region);
    columns.trends = Some(ids.iter().map(|id| trends.get(id).copied().unwrap_or(0.0)).collect());
    columns.title_ids = ids;
    let candidates = Candidates::new(columns).map_err(release::FileError::from)?;
    Ok(CandidateFile { region: region.to_owned(), genres, candidates })
}

/// The vectors of these titles, if there is a tower.
fn vectors(models: &Models, ids: &[u32]) -> Option<Vectors> {
    let all = models.everywhere.columns().vectors.as_ref()?;
    let known: Vec<_> =
        ids.iter().map(|&id| vector(models, id).map(|index| (index, all.items[index]))).collect();
    Some(blended::select(&all.matrix, &known))
}

/// Where the vector of a title stands among those of all.
fn vector(models: &Models, id: u32) -> Option<usize> {
    let all = models.everywhere.columns().vectors.as_ref()?;
    models.everywhere.index_of(id).filter(|&index| all.item(index).is_some())
}

/// The row of a title, as far as it leads to titles that are shown here.
fn copy_row(models: &Models, title: u32, ids: &[u32], shown: &BTreeSet<u32>, columns: &mut Columns) {
    let all = models.everywhere.columns();
    let mut scale = 0;
    if let Some(from) = models.everywhere.index_of(title) {
        scale = all.row_scales_log2[from];
        for entry in all.row_offsets[from] as usize..all.row_offsets[from + 1] as usize {
            let target = all.title_ids[all.row_indexes.at(entry) as usize];
            if !shown.contains(&target) {
                continue;
            }
            if let Ok(index) = ids.binary_search(&target) {
                columns.row_indexes.push(u32::try_from(index).expect("candidate sets are limited"));
                columns.row_weights.push(all.row_weights[entry]);
            }
        }
    }
    columns.row_scales_log2.push(scale);
    columns.row_offsets.push(u32::try_from(columns.row_indexes.len()).expect("rows are limited"));
}
