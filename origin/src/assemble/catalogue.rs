//! What the database knows, as far as a release needs it.

use std::collections::BTreeMap;

use release::GENRES_MAX;

use super::{Catalogue, Slates};
use crate::database::{Database, DatabaseError};

/// A view weighs half after this many days: a season of a catalogue.
const POPULARITY_HALF_LIFE_DAYS: f64 = 60.0;

/// A trend is of this week, and forgotten in the next but one.
const TREND_HALF_LIFE_DAYS: f64 = 7.0;

/// Fewer are what chance does to a count.
const TREND_DEVIATIONS_MIN: f64 = 1.0;

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
        let titles = database.titles().await?;
        Ok(Self { titles, regions, viewer_regions, events, slates: Slates::default() })
    }

    /// The same with lists laid out as the configuration says.
    #[must_use]
    pub fn laid_out(self, slates: Slates) -> Self {
        Self { slates, ..self }
    }

    /// Views by title, each weighing by its age against the newest of all; of one region's viewers, or of
    /// all.
    pub fn popularity(&self, region: Option<&str>) -> BTreeMap<u32, f32> {
        let sums = self.decayed(region, POPULARITY_HALF_LIFE_DAYS);
        sums.into_iter().map(|(title, sum)| (title, sum as f32)).collect()
    }

    /// How much more than usual the region's viewers watched a title of late; titles that they did not are left out.
    ///
    /// Recent views, each half as much after a week, against those that the views of a season let expect: the excess
    /// over the square root of the expected, which is how far chance moves a count (Poisson). One is added to the
    /// expected, so that the first view of a title is no trend.
    pub fn trends(&self, region: &str) -> BTreeMap<u32, f32> {
        let usual = self.decayed(Some(region), POPULARITY_HALF_LIFE_DAYS);
        let recent = self.decayed(Some(region), TREND_HALF_LIFE_DAYS);
        let trend = |(title, views): (u32, f64)| {
            let usual = usual.get(&title).copied().unwrap_or(0.0);
            let expected = usual * TREND_HALF_LIFE_DAYS / POPULARITY_HALF_LIFE_DAYS;
            let deviations = (views - expected) / (expected + 1.0).sqrt();
            (deviations >= TREND_DEVIATIONS_MIN).then_some((title, deviations as f32))
        };
        recent.into_iter().filter_map(trend).collect()
    }

    fn decayed(&self, region: Option<&str>, half_life_days: f64) -> BTreeMap<u32, f64> {
        let newest_s = self.events.iter().map(|event| event.at_unix_s).max().unwrap_or(0);
        let mut sums: BTreeMap<u32, f64> = BTreeMap::new();
        for event in &self.events {
            let of = self.viewer_regions.get(&event.viewer).map(String::as_str);
            if region.is_none() || of == region {
                let age_days = (newest_s - event.at_unix_s) as f64 / DAY_S;
                *sums.entry(event.title).or_default() += libm::exp2(-age_days / half_life_days);
            }
        }
        sums
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
