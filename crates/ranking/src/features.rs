//! What the ranker sees of a candidate.
//!
//! | column | feature |
//! |---|---|
//! | 0 | row score, as a share of the best in the pool |
//! | 1 | ln(1 + row score / floor), the floor of the blend, 1 without one |
//! | 2 | popularity, as a share of the region's most popular title |
//! | 3 | ln(1 + popularity) / ln(1 + the region's maximum) |
//! | 4 | share of the history's genres that the candidate has |
//! | 5 | distance to the mean year of the history, in decades, at most 10; 0 when a year is unknown |
//! | 6 | score of rows, or of rows and tower, less the best in the pool, at least −100 |
//! | 7 | ln(1 + watched titles that count) / ln(201) |

use alloc::vec::Vec;

use crate::rows::{self, Watched};
use crate::{Candidates, Rules, TitleId};

/// Features a candidate has.
pub const COLUMNS: usize = 8;

/// The column that says how far a candidate is behind the best of its pool.
pub const BEHIND: usize = 6;

/// Genres a bitset can hold.
const GENRES: usize = 32;

/// What the history says as a whole.
struct Taste {
    genre_counts: [f32; GENRES],
    genre_total: f32,
    year_mean: Option<f32>,
    length: f32,
}

impl Taste {
    fn of(candidates: &Candidates, recent: &[Watched]) -> Self {
        let columns = &candidates.columns;
        let mut genre_counts = [0.0; GENRES];
        let (mut genre_total, mut year_sum, mut years) = (0.0, 0.0, 0.0);
        for watched in recent {
            let genres = columns.genres[watched.index];
            for (genre, count) in genre_counts.iter_mut().enumerate() {
                if genres >> genre & 1 == 1 {
                    *count += 1.0;
                    genre_total += 1.0;
                }
            }
            if columns.years[watched.index] > 0 {
                year_sum += f32::from(columns.years[watched.index]);
                years += 1.0;
            }
        }
        let year_mean = (years > 0.0).then(|| year_sum / years);
        #[allow(clippy::cast_precision_loss, reason = "at most 200 titles count")]
        let length = libm::log1pf(recent.len() as f32) / libm::logf(201.0);
        Self { genre_counts, genre_total, year_mean, length }
    }

    fn genre_share(&self, genres: u32) -> f32 {
        if self.genre_total == 0.0 {
            return 0.0;
        }
        let (mut shared, mut left) = (0.0, genres);
        while left != 0 {
            shared += self.genre_counts[left.trailing_zeros() as usize];
            left &= left - 1;
        }
        shared / self.genre_total
    }

    fn decades_from(&self, year: u16) -> f32 {
        match self.year_mean {
            Some(mean) if year > 0 => libm::fminf(libm::fabsf(f32::from(year) - mean) / 10.0, 10.0),
            _ => 0.0,
        }
    }
}

/// What the sources said.
pub(crate) struct Sources<'a> {
    // The watched titles that count.
    recent: &'a [Watched],
    // What their rows add up to, one a candidate of the set.
    row_scores: &'a [f32],
    floor: f32,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(rules: &Rules, recent: &'a [Watched], row_scores: &'a [f32]) -> Self {
        let floor = rules.blend().map_or(1.0, |blend| blend.floor());
        Self { recent, row_scores, floor }
    }
}

/// One row of [`COLUMNS`] for each candidate of the pool, which is of scores and indexes.
pub(crate) fn table(candidates: &Candidates, sources: &Sources<'_>, pool: &[(f32, u32)]) -> Vec<f32> {
    let columns = &candidates.columns;
    let taste = Taste::of(candidates, sources.recent);
    let row_score = |index: u32| libm::fmaxf(sources.row_scores[index as usize], 0.0);
    let best_row = pool.iter().map(|&(_, index)| row_score(index)).fold(0.0, libm::fmaxf);
    let best = pool.iter().map(|&(score, _)| score).fold(f32::NEG_INFINITY, libm::fmaxf);
    let mut table = Vec::with_capacity(pool.len() * COLUMNS);
    for &(score, index) in pool {
        let (by_rows, index) = (row_score(index), index as usize);
        let row: [f32; COLUMNS] = [
            share(by_rows, best_row),
            if by_rows > 0.0 { libm::log1pf(by_rows / sources.floor) } else { 0.0 },
            share(columns.popularity[index], candidates.popularity_max),
            candidates.popularity_logs[index],
            taste.genre_share(columns.genres[index]),
            taste.decades_from(columns.years[index]),
            libm::fmaxf(score - best, BEHIND_MAX),
            taste.length,
        ];
        table.extend_from_slice(&row);
    }
    table
}

/// Logits behind the best beyond which nothing is ever shown.
const BEHIND_MAX: f32 = -100.0;

/// The features of a pool of scores and indexes for a history, as [`crate::recommend`] tells them to a ranker.
pub fn of_pool(candidates: &Candidates, rules: &Rules, history: &[TitleId], pool: &[(f32, u32)]) -> Vec<f32> {
    let recent = rows::recent(candidates, rules, history);
    let row_scores = rows::sum(candidates, &recent).scores;
    table(candidates, &Sources::new(rules, &recent, &row_scores), pool)
}

/// ln(1 + popularity) of each title, as a share of the largest.
pub(crate) fn popularity_logs(popularity: &[f32], popularity_max: f32) -> Vec<f32> {
    let log_max = libm::log1pf(popularity_max);
    popularity.iter().map(|&popularity| share(libm::log1pf(popularity), log_max)).collect()
}

fn share(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
