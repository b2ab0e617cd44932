//! Chooses τ and λ on the validation view (the second last), trained without it and without the last.

use rayon::prelude::*;

use super::limits::SEARCH_COLUMNS_MAX;
use super::rank::{Place, Quality, Tally};
use super::ridge::{self, Normal, RidgeError, Settings};
use super::rows::Rows;
use super::sequences::Sequences;

/// What was chosen, and how well it did where it was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The best settings tried.
    pub settings: Settings,
    /// Their quality on the validation views.
    pub validation: Quality,
}

/// Tries every τ with every λ; what scores best by HR@10 + NDCG@10 wins, ties by what was tried first.
///
/// `held_out` newest views of each viewer are not looked at; the one before them is the validation view. On a
/// large catalogue only the most viewed titles take part, which keeps the search to seconds.
///
/// # Errors
/// As [`Normal::solve`].
pub fn choose(
    sequences: &Sequences,
    held_out: usize,
    base: &Settings,
    events_min: u32,
) -> Result<Choice, RidgeError> {
    let mut search = Search::new(sequences, held_out, base, events_min);
    for recency_tau in TAUS {
        search.walk(recency_tau, &LAMBDAS)?;
    }
    // A best at the end of the scale may lie beyond it.
    let Settings { recency_tau, lambda, .. } = search.best.settings;
    if lambda == LAMBDAS[0] {
        search.walk(recency_tau, &LAMBDAS_BELOW)?;
    } else if lambda == LAMBDAS[LAMBDAS.len() - 1] {
        search.walk(recency_tau, &LAMBDAS_ABOVE)?;
    }
    Ok(search.best)
}

struct Search<'a> {
    sequences: &'a Sequences,
    held_out: usize,
    items: Vec<u32>,
    best: Choice,
}

impl<'a> Search<'a> {
    fn new(sequences: &'a Sequences, held_out: usize, base: &Settings, events_min: u32) -> Self {
        let counts = sequences.counts(held_out + 1);
        let items = ridge::columns(&counts, events_min, SEARCH_COLUMNS_MAX);
        Self { sequences, held_out, items, best: Choice { settings: *base, validation: Quality::default() } }
    }

    fn walk(&mut self, recency_tau: f32, lambdas: &[f32]) -> Result<(), RidgeError> {
        let base = self.best.settings;
        let normal =
            Normal::new(self.sequences, self.held_out + 1, recency_tau, base.window, self.items.clone());
        for &lambda in lambdas {
            let settings = Settings { recency_tau, lambda, ..base };
            let rows = normal.solve(lambda, base.row_entries)?;
            let validation = validate(self.sequences, self.held_out, &rows, &settings);
            let Quality { hr_at_10, ndcg_at_10, .. } = validation;
            tracing::debug!(tau = recency_tau, lambda, hr_at_10, ndcg_at_10, "tried");
            if validation.worth() > self.best.validation.worth() {
                self.best = Choice { settings, validation };
            }
        }
        Ok(())
    }
}

/// Quality of `rows` on the view before the newest `held_out` of each viewer who has one and a history.
pub fn validate(sequences: &Sequences, held_out: usize, rows: &Rows, settings: &Settings) -> Quality {
    let decay = ridge::decay(settings.recency_tau, settings.window);
    let views: Vec<(&u32, &[u32])> = sequences
        .iter(held_out)
        .filter_map(<[u32]>::split_last)
        .filter(|(_, history)| !history.is_empty())
        .collect();
    // Places are found side by side and added up in the order of viewers, so that no last bit moves.
    let places: Vec<Place> = views
        .par_iter()
        .map_init(
            || vec![0.0; rows.len()],
            |scores, &(&target, history)| rows.place(history, &decay, target, scores),
        )
        .collect();
    let mut tally = Tally::default();
    places.into_iter().for_each(|place| tally.add(place));
    tally.quality()
}

/// In steps of two: half a step changes the quality by less than its standard error.
const LAMBDAS: [f32; 6] = [20.0, 40.0, 80.0, 160.0, 320.0, 640.0];
/// For histories so sparse that nearly every connection counts.
const LAMBDAS_BELOW: [f32; 3] = [10.0, 5.0, 1.0];
const LAMBDAS_ABOVE: [f32; 2] = [1_280.0, 2_560.0];
const TAUS: [f32; 4] = [3.0, 4.0, 5.0, 7.0];

#[cfg(test)]
mod tests {
    use super::*;

    /// Viewers walk a ring of titles; every tenth step is a jump.
    fn ring(viewers: u32, titles: u32) -> Sequences {
        Sequences::new((0..viewers).map(|viewer| {
            let start = viewer * 7 % titles;
            (viewer, (0..12).map(|step| (start + step + step / 10 * 3) % titles).collect())
        }))
    }

    #[test]
    fn finds_the_next_title_of_a_habit() {
        let sequences = ring(200, 40);
        let base = Settings { recency_tau: 5.0, window: 30, lambda: 160.0, row_entries: 20 };
        let choice = choose(&sequences, 1, &base, 1).unwrap();
        assert!(choice.validation.hr_at_10 > 0.99, "{choice:?}");
        assert_eq!(choice.validation.users, 200);
    }

    #[test]
    fn an_empty_history_has_no_quality_and_no_rows() {
        let sequences = Sequences::default();
        let base = Settings { recency_tau: 5.0, window: 30, lambda: 160.0, row_entries: 20 };
        let choice = choose(&sequences, 1, &base, 1).unwrap();
        assert_eq!(choice, Choice { settings: base, validation: Quality::default() });
    }
}
