//! What the database knows, as far as a release needs it.

use std::collections::BTreeMap;

use release::GENRES_MAX;

use super::Catalogue;
use crate::database::{Database, DatabaseError};

/// A view weighs half after this many days: a season of a catalogue.
const POPULARITY_HALF_LIFE_DAYS: f64 = 60.0;

const DAY_S: f64 = 86_400.0;

impl Catalogue {
    /// Reads the catalogue as it is now.
    ///
    /// # Errors
    ///
    /// When the database cannot answer.
    pub async fn read(database: &Database) -> Result<Self, DatabaseError> {
        let mut regions = BTreeMap::new();
        for region in database.regions().await? {
            let windows = database.licence_windows(&region).await?;
            regions.insert(region, windows);
        }
        let viewer_regions = database.viewer_regions().await?.into_iter().collect();
        let events = database.watch_events().await?;
        Ok(Self { titles: database.titles().await?, regions, viewer_regions, events })
    }

    /// Views by title, each weighing by its age against the newest of all; of one region's viewers, or of
    /// all.
    pub fn popularity(&self, region: Option<&str>) -> BTreeMap<u32, f32> {
        let newest_s = self.events.iter().map(|event| event.at_unix_s).max().unwrap_or(0);
        let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
        for event in &self.events {
            let of = self.viewer_regions.get(&event.viewer).map(String::as_str);
            if region.is_none() || of == region {
                let age_days = (newest_s - event.at_unix_s) as f64 / DAY_S;
                *sums.entry(event.title).or_default() += libm::exp2(-age_days / POPULARITY_HALF_LIFE_DAYS);
            }
        }
        sums.into_iter().map(|(title, sum)| (title, sum as f32)).collect()
    }

    /// The names of the bits of a title's genres: the most frequent ones, by name.
    pub fn genre_names(&self) -> Vec<String> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for genre in self.titles.iter().flat_map(|title| &title.genres) {
            // A comma separates names in the file.
            if !genre.contains(',') {
                *counts.entry(genre).or_default() += 1;
            }
        }
        let mut by_count: Vec<(&str, usize)> = counts.into_iter().collect();
        by_count.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        let names = by_count.into_iter().take(GENRES_MAX).map(|(name, _)| name.to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }
}

/// One bit a genre that has a name.
pub(crate) fn genre_bits(genres: &[String], names: &[String]) -> u32 {
    let places = genres.iter().filter_map(|genre| names.binary_search(genre).ok());
    places.fold(0, |bits, place| bits | 1 << place)
}
