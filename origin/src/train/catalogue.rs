//! Candidates for training and evaluation: every title, nothing filtered.

use ranking::{Candidates, CandidatesError, Columns, Vectors};

use super::rows::Rows;

/// What is known of each item besides who watched it; one entry an item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// Decayed views, 0 or more.
    pub popularity: Vec<f32>,
    /// 0 = unknown.
    pub years: Vec<u16>,
    /// One bit a genre.
    pub genres: Vec<u32>,
}

impl Catalogue {
    /// Of which nothing is known but the views.
    pub fn of_counts(counts: &[u32]) -> Self {
        Self {
            popularity: counts.iter().map(|&count| count as f32).collect(),
            years: vec![0; counts.len()],
            genres: vec![0; counts.len()],
        }
    }

    /// The candidate set of all `titles` (rising), shown always and to everybody.
    ///
    /// # Errors
    /// When there is no title, or too many.
    pub fn candidates(&self, titles: &[u32], rows: &Rows) -> Result<Candidates, CandidatesError> {
        self.candidates_with(titles, rows, None)
    }

    /// The same with the vectors of a tower whose items are the titles in their order.
    ///
    /// # Errors
    /// As [`Catalogue::candidates`], and when there are not as many vectors as titles.
    pub fn candidates_with(
        &self,
        titles: &[u32],
        rows: &Rows,
        vectors: Option<Vectors>,
    ) -> Result<Candidates, CandidatesError> {
        let entries = rows.columns();
        Candidates::new(Columns {
            title_ids: titles.to_vec(),
            popularity: self.popularity.clone(),
            maturity_years: vec![0; titles.len()],
            years: self.years.clone(),
            genres: self.genres.clone(),
            window_from_s: vec![0; titles.len()],
            window_until_s: vec![u64::MAX; titles.len()],
            row_offsets: entries.offsets,
            row_indexes: entries.index.into(),
            row_weights: entries.weight,
            row_scales_log2: entries.scale_log2,
            vectors,
            trends: None,
        })
    }
}
