//! Chooses τ and λ on the validation view (the second last), trained without it and without the last.

use rayon::prelude::*;

use super::Options;
use super::limits::{SEARCH_COLUMNS_MAX, SEARCH_VIEWERS_MAX};
use super::rank::{Place, Quality, Tally};
use super::ridge::{self, Normal, RidgeError, Settings};
use super::rows::Rows;
use super::score;
use super::sequences::Sequences;

/// What was chosen, and how well it did where it was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The best settings tried.
    pub settings: Settings,
    /// Their quality on the validation views.
    pub validation: Quality,
}

/// Climbs from `base`, one setting after the other: τ, λ, again τ where λ moved far, the window, and how many
/// entries a row keeps unless that is given. What scores best by HR@10 + NDCG@10 wins, ties by what was
/// tried first.
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
    options: &Options,
) -> Result<Choice, RidgeError> {
    let mut search = Search::new(sequences, held_out, base, options.events_min);
    let attempts = |taus: [f32; 4], at: Settings| taus.map(|recency_tau| Settings { recency_tau, ..at });
    search.all(&attempts(TAUS, *base))?;
    search.climb_lambda()?;
    let found = search.best.settings;
    if !(base.lambda / 4.0..=base.lambda * 4.0).contains(&found.lambda) {
        search.all(&attempts(TAUS, found))?;
    }
    let found = search.best.settings;
    let windows = [found.window / 2, (found.window * 2).min(WINDOW_MAX)];
    search.all(&windows.map(|window| Settings { window: window.max(1), ..found }))?;
    if options.row_entries.is_some() {
        return Ok(search.best);
    }
    let found = search.best.settings;
    let fewer = [found.row_entries / 2, found.row_entries / 4];
    search.all(&fewer.map(|row_entries| Settings { row_entries: row_entries.max(1), ..found }))?;
    Ok(search.best)
}

struct Search<'a> {
    sequences: &'a Sequences,
    held_out: usize,
    items: Vec<u32>,
    // The normal equations of each τ and window tried.
    normals: Vec<(f32, usize, Normal<'a>)>,
    best: Choice,
}

impl<'a> Search<'a> {
    fn new(sequences: &'a Sequences, held_out: usize, base: &Settings, events_min: u32) -> Self {
        let counts = sequences.counts(held_out + 1);
        let items = ridge::columns(&counts, events_min, SEARCH_COLUMNS_MAX);
        let best = Choice { settings: *base, validation: Quality::default() };
        Self { sequences, held_out, items, normals: Vec::new(), best }
    }

    fn all(&mut self, attempts: &[Settings]) -> Result<(), RidgeError> {
        attempts.iter().try_for_each(|settings| self.attempt(*settings).map(drop))
    }

    /// Up, then down the scale, each until twice in a row nothing became better.
    fn climb_lambda(&mut self) -> Result<(), RidgeError> {
        let from = self.best.settings;
        let above = LAMBDAS.iter().filter(|&&lambda| lambda > from.lambda);
        let below = LAMBDAS.iter().rev().filter(|&&lambda| lambda < from.lambda);
        let ways: [&mut dyn Iterator<Item = &f32>; 2] = [&mut above.into_iter(), &mut below.into_iter()];
        for way in ways {
            let mut misses = 0;
            for &lambda in way {
                misses = if self.attempt(Settings { lambda, ..from })? { 0 } else { misses + 1 };
                if misses == LAMBDA_MISSES_MAX {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether these are better than all before.
    fn attempt(&mut self, settings: Settings) -> Result<bool, RidgeError> {
        let Settings { recency_tau, window, lambda, row_entries } = settings;
        let rows = self.normal(recency_tau, window).solve(lambda, row_entries)?;
        let validation = validate(self.sequences, self.held_out, &rows, &settings);
        let Quality { hr_at_10, ndcg_at_10, .. } = validation;
        tracing::debug!(tau = recency_tau, lambda, window, row_entries, hr_at_10, ndcg_at_10, "tried");
        let is_better = validation.worth() > self.best.validation.worth();
        if is_better {
            self.best = Choice { settings, validation };
        }
        Ok(is_better)
    }

    fn normal(&mut self, recency_tau: f32, window: usize) -> &Normal<'a> {
        let known = self.normals.iter().position(|known| known.0 == recency_tau && known.1 == window);
        let place = known.unwrap_or_else(|| {
            let (held_out, items) = (self.held_out + 1, self.items.clone());
            let normal = Normal::new(self.sequences, held_out, recency_tau, window, items);
            self.normals.push((recency_tau, window, normal));
            self.normals.len() - 1
        });
        &self.normals[place].2
    }
}

/// Quality of `rows` on the view before the newest `held_out` of viewers who have one and a history.
fn validate(sequences: &Sequences, held_out: usize, rows: &Rows, settings: &Settings) -> Quality {
    let decay = ridge::decay(settings.recency_tau, settings.window);
    let views = score::views(sequences, held_out, SEARCH_VIEWERS_MAX);
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

/// In steps of two, since half a step changes the quality by less than its standard error; wider at the low end,
/// for histories so sparse that nearly every connection counts.
const LAMBDAS: [f32; 11] = [1.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1_280.0, 2_560.0];
const LAMBDA_MISSES_MAX: u32 = 2;
const TAUS: [f32; 4] = [3.0, 4.0, 5.0, 7.0];
const WINDOW_MAX: usize = ranking::limits::HISTORY_WINDOW_MAX as usize;

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
        let choice = choose(&sequences, 1, &base, &Options { events_min: 1, ..Options::default() }).unwrap();
        assert!(choice.validation.hr_at_10 > 0.99, "{choice:?}");
        assert_eq!(choice.validation.users, 200);
    }

    #[test]
    fn an_empty_history_has_no_quality_and_no_rows() {
        let sequences = Sequences::default();
        let base = Settings { recency_tau: 5.0, window: 30, lambda: 160.0, row_entries: 20 };
        let choice = choose(&sequences, 1, &base, &Options { events_min: 1, ..Options::default() }).unwrap();
        assert_eq!(choice, Choice { settings: base, validation: Quality::default() });
    }
}
