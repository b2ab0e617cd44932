//! Biased matrix factorisation: `r(u, i) = μ + b_u + b_i + p_u · q_i`.
//!
//! Koren, Bell, Volinsky: Matrix Factorization Techniques for Recommender Systems, IEEE Computer 42(8),
//! 2009, equation 4.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use kernels::Dense;

use crate::Error;
use crate::bitset::Bitset;
use crate::limits::{FACTORS_MAX, PAIRS_MAX, TITLES_MAX};
use crate::places::Places;
use crate::request::Scored;
use crate::{TitleId, ViewerId};

/// The columns of a factor model as a file holds them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FactorColumns {
    /// The mean of all ratings.
    pub mean: f32,
    /// Factors a viewer or a title has.
    pub factors: usize,
    /// Strictly rising.
    pub viewer_ids: Vec<ViewerId>,
    /// One a viewer.
    pub viewer_biases: Vec<f32>,
    /// `factors` a viewer.
    pub viewer_factors: Vec<f32>,
    /// Strictly rising.
    pub title_ids: Vec<TitleId>,
    /// One a title.
    pub title_biases: Vec<f32>,
    /// `factors` a title.
    pub title_factors: Vec<f32>,
}

/// A checked factor model.
#[derive(Clone, Debug)]
pub struct Factors {
    columns: FactorColumns,
    viewer_places: Places,
    title_places: Places,
    // The title factors again, for one viewer with all titles.
    titles: Dense,
}

/// Why columns are not a factor model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorsError {
    /// There is no title or no factor, or more than the limits allow.
    Size,
    /// A column is not as long as its ids.
    Length {
        /// Which.
        column: &'static str,
    },
    /// Ids do not rise.
    IdsNotRising {
        /// Which.
        column: &'static str,
    },
    /// A number is not finite.
    NotFinite {
        /// Where.
        column: &'static str,
    },
}

impl Factors {
    /// Takes columns that fit each other.
    ///
    /// # Errors
    ///
    /// Names the first column that does not.
    pub fn new(columns: FactorColumns) -> Result<Self, FactorsError> {
        let (viewers, titles, factors) = (columns.viewer_ids.len(), columns.title_ids.len(), columns.factors);
        if titles == 0 || titles > TITLES_MAX || factors == 0 || factors > FACTORS_MAX {
            return Err(FactorsError::Size);
        }
        let lengths = [
            ("viewer_bias", columns.viewer_biases.len(), Some(viewers)),
            ("viewer_factors", columns.viewer_factors.len(), viewers.checked_mul(factors)),
            ("title_bias", columns.title_biases.len(), Some(titles)),
            ("title_factors", columns.title_factors.len(), titles.checked_mul(factors)),
        ];
        for (column, length, expected) in lengths {
            if Some(length) != expected {
                return Err(FactorsError::Length { column });
            }
        }
        for (column, ids) in [("viewer_id", &columns.viewer_ids), ("title_id", &columns.title_ids)] {
            if ids.windows(2).any(|pair| pair[0] >= pair[1]) {
                return Err(FactorsError::IdsNotRising { column });
            }
        }
        let numbers = [
            ("viewer_bias", &columns.viewer_biases),
            ("viewer_factors", &columns.viewer_factors),
            ("title_bias", &columns.title_biases),
            ("title_factors", &columns.title_factors),
        ];
        for (column, values) in numbers {
            if values.iter().any(|value| !value.is_finite()) {
                return Err(FactorsError::NotFinite { column });
            }
        }
        if !columns.mean.is_finite() {
            return Err(FactorsError::NotFinite { column: "mean" });
        }
        let mut transposed = vec![0.0; titles * factors];
        for (title, its) in columns.title_factors.chunks_exact(factors).enumerate() {
            for (factor, value) in its.iter().enumerate() {
                transposed[factor * titles + title] = *value;
            }
        }
        let dense =
            Dense::new(factors, &transposed, &columns.title_biases).map_err(|_| FactorsError::Size)?;
        let (viewer_places, title_places) =
            (Places::new(&columns.viewer_ids), Places::new(&columns.title_ids));
        Ok(Self { columns, viewer_places, title_places, titles: dense })
    }

    /// The checked columns.
    pub fn columns(&self) -> &FactorColumns {
        &self.columns
    }

    /// Viewers the model knows.
    pub fn viewers(&self) -> usize {
        self.columns.viewer_ids.len()
    }

    /// Predicts a rating a pair; an unknown viewer or title gets the global mean.
    ///
    /// # Errors
    ///
    /// When there are more than [`PAIRS_MAX`] pairs.
    pub fn predict(&self, pairs: &[(ViewerId, TitleId)]) -> Result<Vec<f32>, Error> {
        if pairs.len() > PAIRS_MAX {
            return Err(Error::TooManyPairs { pairs: pairs.len() });
        }
        let mut predictions = Vec::with_capacity(pairs.len());
        let (groups, rest) = pairs.as_chunks::<TOGETHER>();
        for group in groups {
            predictions.extend(self.ratings(group));
        }
        for pair in rest {
            predictions.extend(self.ratings(&[*pair]));
        }
        Ok(predictions)
    }

    /// The `n` titles with the highest predicted rating, ties by the lower id; empty for an unknown
    /// viewer, shorter when the excludes leave fewer.
    pub fn top_rated(&self, viewer: ViewerId, n: usize, exclude: &[TitleId]) -> Vec<Scored> {
        let Some(viewer) = self.viewer_place(viewer) else { return Vec::new() };
        let titles = &self.columns.title_ids;
        let d = self.columns.factors;
        let start = self.columns.mean + self.columns.viewer_biases[viewer];
        let mut ratings: Vec<f32> = self.columns.title_biases.iter().map(|bias| start + bias).collect();
        self.titles.accumulate(&self.columns.viewer_factors[viewer * d..(viewer + 1) * d], &mut ratings);
        let mut barred = Bitset::new(titles.len());
        exclude.iter().filter_map(|&title| self.title_place(title)).for_each(|place| barred.insert(place));
        let best = kernels::top_of(&ratings, f32::NEG_INFINITY, n, |place| !barred.contains(place));
        best.into_iter().map(|(score, place)| Scored { title: titles[place as usize], score }).collect()
    }

    /// Each a sum in a fixed order: mean, viewer, title, then the factors one by one.
    ///
    /// Several at once, since every sum waits for its own last term.
    fn ratings<const PAIRS: usize>(&self, pairs: &[(ViewerId, TitleId); PAIRS]) -> [f32; PAIRS] {
        let columns = &self.columns;
        let d = columns.factors;
        let mut sums = [columns.mean; PAIRS];
        // An unknown pair takes part with nothing to add.
        let mut factors = [(&[][..], &[][..]); PAIRS];
        for ((sum, factors), &(viewer, title)) in sums.iter_mut().zip(&mut factors).zip(pairs) {
            if let (Some(viewer), Some(title)) = (self.viewer_place(viewer), self.title_place(title)) {
                *sum += columns.viewer_biases[viewer];
                *sum += columns.title_biases[title];
                *factors =
                    (&columns.viewer_factors[viewer * d..][..d], &columns.title_factors[title * d..][..d]);
            }
        }
        if factors.iter().any(|(mine, _)| mine.is_empty()) {
            for (sum, (mine, its)) in sums.iter_mut().zip(factors) {
                *sum = mine.iter().zip(its).fold(*sum, |sum, (a, b)| sum + a * b);
            }
            return sums;
        }
        let parts = factors.map(|(mine, its)| (mine.as_chunks::<STRAIGHT>(), its.as_chunks::<STRAIGHT>()));
        for part in 0..d / STRAIGHT {
            let part = parts.map(|((mine, _), (its, _))| (&mine[part], &its[part]));
            for factor in 0..STRAIGHT {
                for (sum, (mine, its)) in sums.iter_mut().zip(part) {
                    *sum += mine[factor] * its[factor];
                }
            }
        }
        for (sum, ((_, mine), (_, its))) in sums.iter_mut().zip(parts) {
            *sum = mine.iter().zip(its).fold(*sum, |sum, (a, b)| sum + a * b);
        }
        sums
    }

    fn viewer_place(&self, viewer: ViewerId) -> Option<usize> {
        self.viewer_places.get(&self.columns.viewer_ids, viewer)
    }

    fn title_place(&self, title: TitleId) -> Option<usize> {
        self.title_places.get(&self.columns.title_ids, title)
    }
}

/// Ratings that are predicted at once.
const TOGETHER: usize = 4;

/// Factors that are added without a backward branch, of which each has a check that an engine adds.
const STRAIGHT: usize = 10;

impl fmt::Display for FactorsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size => write!(f, "no titles or factors, or too many"),
            Self::Length { column } => write!(f, "column {column} is not as long as its ids"),
            Self::IdsNotRising { column } => write!(f, "column {column} does not rise"),
            Self::NotFinite { column } => write!(f, "column {column} holds a number that is not finite"),
        }
    }
}

impl core::error::Error for FactorsError {}
