//! The candidates of one region: columns, checked once.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use crate::limits::{ROW_ENTRIES_MAX, SCALE_LOG2_MAX, TITLES_MAX};
use crate::openings::Openings;
use crate::order::falling;
use crate::places::Places;
use crate::{Indexes, TitleId, Vectors, features};

/// The columns of a candidate set as a file holds them; one entry a title unless said otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// Strictly rising.
    pub title_ids: Vec<TitleId>,
    /// Decayed views, 0 or more.
    pub popularity: Vec<f32>,
    /// Youngest age the title is for, in years.
    pub maturity_years: Vec<u8>,
    /// When it was made; 0 = unknown.
    pub years: Vec<u16>,
    /// One bit a genre.
    pub genres: Vec<u32>,
    /// Shown from this Unix time on, in seconds.
    pub window_from_s: Vec<u64>,
    /// Shown before this Unix time, in seconds; not above `from` = never.
    pub window_until_s: Vec<u64>,
    /// Where each row begins in the entries, and one more: where the last ends.
    pub row_offsets: Vec<u32>,
    /// Entries of all rows: the title it leads to, as an index into `title_ids`, rising in a row.
    pub row_indexes: Indexes,
    /// Entries of all rows: the weight; its value is `weight · 2^scale`.
    pub row_weights: Vec<i8>,
    /// Binary logarithm of each row's scale.
    pub row_scales_log2: Vec<i8>,
    /// What a viewer's vector is compared with, if the release has a tower.
    pub vectors: Option<Vectors>,
    /// How much more than usual a title was watched of late, 0 or more; 0 = not more. None: nobody counted.
    pub trends: Option<Vec<f32>>,
}

/// A checked candidate set.
#[derive(Clone, Debug)]
pub struct Candidates {
    pub(crate) columns: Columns,
    /// See [`Candidates::popular_scores`].
    pub(crate) popular_scores: Vec<f32>,
    /// All indexes, most popular first, ties by the lower id.
    pub(crate) by_popularity: Vec<u32>,
    /// Indexes of what was watched more than usual, most first, ties by the lower id.
    pub(crate) by_trend: Vec<u32>,
    /// All indexes, newest first, ties by popularity, then by the lower id.
    pub(crate) by_newness: Vec<u32>,
    pub(crate) popularity_max: f32,
    /// ln(1 + popularity), as a share of the largest.
    pub(crate) popularity_logs: Vec<f32>,
    pub(crate) openings: Openings,
    places: Places,
}

/// Why columns are not a candidate set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidatesError {
    /// There is no title.
    Empty,
    /// More titles than [`TITLES_MAX`].
    TooManyTitles {
        /// How many.
        titles: usize,
    },
    /// A column is not as long as the ids.
    Length {
        /// Which.
        column: &'static str,
    },
    /// An id is not above the one before it.
    IdsNotRising {
        /// Where.
        index: usize,
    },
    /// A popularity is negative or not finite.
    Popularity {
        /// Where.
        index: usize,
    },
    /// A trend is negative or not finite.
    Trend {
        /// Where.
        index: usize,
    },
    /// A row does not end where it should, or is longer than [`ROW_ENTRIES_MAX`].
    RowBounds {
        /// The title's index.
        index: usize,
    },
    /// A row leads outside the set, or its entries do not rise.
    RowEntry {
        /// The entry.
        entry: usize,
    },
    /// A row's scale is out of range.
    RowScale {
        /// The title's index.
        index: usize,
    },
}

impl Candidates {
    /// Takes columns that fit each other.
    ///
    /// # Errors
    ///
    /// Names the first place that does not.
    pub fn new(columns: Columns) -> Result<Self, CandidatesError> {
        check_titles(&columns)?;
        check_rows(&columns)?;
        let popularity_max = largest(&columns.popularity);
        let popular_scores = popular_scores(&columns.popularity);
        let mut by_popularity: Vec<u32> = (0..).take(columns.title_ids.len()).collect();
        by_popularity
            .sort_unstable_by(|&a, &b| falling(popular_scores[a as usize], a, popular_scores[b as usize], b));
        let by_trend = by_trend(&columns);
        let mut by_newness = by_popularity.clone();
        // Stable: of equals the most popular stays first.
        by_newness.sort_by_key(|&index| Reverse(new_from_s(&columns, index as usize)));
        let places = Places::new(&columns.title_ids);
        let openings = Openings::new(&columns);
        let popularity_logs = features::popularity_logs(&columns.popularity, popularity_max);
        Ok(Self {
            columns,
            popular_scores,
            by_popularity,
            by_trend,
            by_newness,
            popularity_max,
            popularity_logs,
            openings,
            places,
        })
    }

    /// Titles in the set.
    pub fn len(&self) -> usize {
        self.columns.title_ids.len()
    }

    /// Never: an empty set is refused.
    pub fn is_empty(&self) -> bool {
        self.columns.title_ids.is_empty()
    }

    /// Titles that have an item-to-item row.
    pub fn rows(&self) -> usize {
        self.columns.row_offsets.windows(2).filter(|bounds| bounds[1] > bounds[0]).count()
    }

    /// The checked columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// See [`popular_scores`].
    pub fn popular_scores(&self) -> &[f32] {
        &self.popular_scores
    }

    /// Where a title stands in the columns.
    pub fn index_of(&self, title: TitleId) -> Option<usize> {
        self.places.get(&self.columns.title_ids, title)
    }
}

/// What titles score that are shown because they are popular: the share of the most popular one, less 1; −1 to 0, so that
/// they never outrank a personal pick.
pub fn popular_scores(popularity: &[f32]) -> Vec<f32> {
    let largest = largest(popularity);
    let score = |popularity: &f32| if largest > 0.0 { popularity / largest - 1.0 } else { -1.0 };
    popularity.iter().map(score).collect()
}

fn largest(popularity: &[f32]) -> f32 {
    popularity.iter().copied().fold(0.0, f32::max)
}

fn by_trend(columns: &Columns) -> Vec<u32> {
    let Some(trends) = &columns.trends else { return Vec::new() };
    let trend = |index: u32| trends[index as usize];
    let mut by_trend: Vec<u32> = (0..).take(trends.len()).filter(|&index| trend(index) > 0.0).collect();
    by_trend.sort_unstable_by(|&a, &b| falling(trend(a), a, trend(b), b));
    by_trend
}

/// Since when a title is new: its licence here, or the year it was made, whichever came later. Unix time in seconds.
pub(crate) fn new_from_s(columns: &Columns, index: usize) -> u64 {
    columns.window_from_s[index].max(year_from_s(columns.years[index]))
}

/// When a year begins; 0 for an unknown one and before 1970.
fn year_from_s(year: u16) -> u64 {
    let year = u64::from(year);
    let Some(years) = year.checked_sub(1970) else { return 0 };
    // Gregorian leap years since then.
    let leaps = (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;
    (years * 365 + leaps) * 86_400
}

fn check_titles(columns: &Columns) -> Result<(), CandidatesError> {
    let titles = columns.title_ids.len();
    if titles == 0 {
        return Err(CandidatesError::Empty);
    }
    if titles > TITLES_MAX {
        return Err(CandidatesError::TooManyTitles { titles });
    }
    let lengths = [
        ("popularity", columns.popularity.len()),
        ("maturity", columns.maturity_years.len()),
        ("year", columns.years.len()),
        ("genres", columns.genres.len()),
        ("window_from_s", columns.window_from_s.len()),
        ("window_until_s", columns.window_until_s.len()),
        ("row_scale_log2", columns.row_scales_log2.len()),
        ("row_offset", columns.row_offsets.len().saturating_sub(1)),
    ];
    if let Some(&(column, _)) = lengths.iter().find(|(_, length)| *length != titles) {
        return Err(CandidatesError::Length { column });
    }
    if columns.row_indexes.len() != columns.row_weights.len() {
        return Err(CandidatesError::Length { column: "row_weight" });
    }
    if let Some(vectors) = &columns.vectors
        && (vectors.matrix.rows() != titles || vectors.items.len() != titles)
    {
        return Err(CandidatesError::Length { column: "vector" });
    }
    if columns.trends.as_ref().is_some_and(|trends| trends.len() != titles) {
        return Err(CandidatesError::Length { column: "trend" });
    }
    if let Some(before) = columns.title_ids.windows(2).position(|pair| pair[0] >= pair[1]) {
        return Err(CandidatesError::IdsNotRising { index: before + 1 });
    }
    let nonsense = |counts: &[f32]| counts.iter().position(|count| !count.is_finite() || *count < 0.0);
    if let Some(index) = nonsense(&columns.popularity) {
        return Err(CandidatesError::Popularity { index });
    }
    match columns.trends.as_deref().and_then(nonsense) {
        Some(index) => Err(CandidatesError::Trend { index }),
        None => Ok(()),
    }
}

fn check_rows(columns: &Columns) -> Result<(), CandidatesError> {
    let titles = columns.title_ids.len();
    let entries = columns.row_indexes.len();
    if columns.row_offsets[0] != 0 || columns.row_offsets[titles] as usize != entries {
        return Err(CandidatesError::RowBounds { index: 0 });
    }
    for (index, bounds) in columns.row_offsets.windows(2).enumerate() {
        let (from, until) = (bounds[0] as usize, bounds[1] as usize);
        if from > until || until > entries || until - from > ROW_ENTRIES_MAX {
            return Err(CandidatesError::RowBounds { index });
        }
        let row = columns.row_indexes.slice(from..until);
        if let Some(place) = row.first_not_rising() {
            return Err(CandidatesError::RowEntry { entry: from + place });
        }
        if row.last().is_some_and(|last| last as usize >= titles) {
            return Err(CandidatesError::RowEntry { entry: until - 1 });
        }
        let scale = columns.row_scales_log2[index];
        if !(-SCALE_LOG2_MAX..=SCALE_LOG2_MAX).contains(&scale) {
            return Err(CandidatesError::RowScale { index });
        }
    }
    Ok(())
}

impl fmt::Display for CandidatesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "there is no title"),
            Self::TooManyTitles { titles } => write!(f, "{titles} titles are more than {TITLES_MAX}"),
            Self::Length { column } => write!(f, "column {column} is not as long as title_id"),
            Self::IdsNotRising { index } => write!(f, "title_id {index} is not above the one before it"),
            Self::Popularity { index } => write!(f, "popularity {index} is negative or not finite"),
            Self::Trend { index } => write!(f, "trend {index} is negative or not finite"),
            Self::RowBounds { index } => write!(f, "row {index} ends where it cannot"),
            Self::RowEntry { entry } => write!(f, "row entry {entry} is outside the set or does not rise"),
            Self::RowScale { index } => write!(f, "row {index} has a scale out of range"),
        }
    }
}

impl core::error::Error for CandidatesError {}

#[cfg(test)]
mod tests {
    use super::year_from_s;

    #[test]
    fn a_year_begins_when_a_calendar_says() {
        // `date --utc --date=YEAR-01-01 +%s`
        let years = [
            (0, 0),
            (1969, 0),
            (1970, 0),
            (1973, 94_694_400),
            (2000, 946_684_800),
            (2001, 978_307_200),
            (2025, 1_735_689_600),
            (2101, 4_133_980_800),
        ];
        for (year, from_s) in years {
            assert_eq!(year_from_s(year), from_s, "{year}");
        }
    }
}
