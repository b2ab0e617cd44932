//! Chooses τ, λ, dropout and η on the validation view (the second last), trained without it and without the last.

use super::Options;
use super::features::Features;
use super::limits::{SEARCH_COLUMNS_MAX, SEARCH_SOLVED_MAX, SEARCH_VIEWERS_MAX};
use super::penalty::{DROPOUTS, LAMBDAS, climb};
use super::rank::Quality;
use super::ridge::{self, Normal, RidgeError, Settings};
use super::rows::Rows;
use super::score::{FilledUp, WeighedRows, measure};
use super::sequences::Sequences;

/// What was chosen, and how well it did where it was chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The best settings tried.
    pub settings: Settings,
    /// Their quality on the validation views.
    pub validation: Quality,
}

/// Climbs from `base`, one setting after the other: τ, λ, dropout, how much sequences count backward, again λ where dropout
/// moved and τ where either did, and the window. What scores best by HR@10 + NDCG@10 wins, ties by what
/// was tried first; settings of a training before stay unless others are clearly better.
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
    search.attempt(*base)?;
    let first = search.best;
    search.climb(&TAUS, |settings| &mut settings.features.recency_tau)?;
    search.climb(&LAMBDAS, |settings| &mut settings.penalty.lambda)?;
    search.climb(&DROPOUTS, |settings| &mut settings.penalty.dropout)?;
    // Most sets are better off with none of it, which one step shows.
    let onward = search.best.settings.features;
    search.climb(&BACKWARD[..2], |settings| &mut settings.features.backward)?;
    if search.best.settings.features != onward {
        search.climb(&BACKWARD, |settings| &mut settings.features.backward)?;
    }
    // Both penalties push against the same connections.
    if search.best.settings.penalty.dropout != base.penalty.dropout {
        search.climb(&LAMBDAS, |settings| &mut settings.penalty.lambda)?;
    }
    if search.best.settings.penalty != base.penalty {
        search.climb(&TAUS, |settings| &mut settings.features.recency_tau)?;
    }
    let found = search.best.settings;
    let window = found.features.window;
    for window in [(window / 2).max(1), (window * 2).min(WINDOW_MAX)] {
        search.attempt(Settings { features: Features { window, ..found.features }, ..found })?;
    }
    if options.before.is_some() && !search.best.validation.is_clearly_better_than(&first.validation) {
        search.best = first;
    }
    Ok(search.best)
}

struct Search<'a> {
    sequences: &'a Sequences,
    held_out: usize,
    items: Vec<u32>,
    // The normal equations of all features tried.
    normals: Vec<(Features, Normal<'a>)>,
    tried: Vec<Settings>,
    best: Choice,
}

impl<'a> Search<'a> {
    fn new(sequences: &'a Sequences, held_out: usize, base: &Settings, events_min: u32) -> Self {
        let counts = sequences.counts(held_out + 1);
        let items = ridge::columns(&counts, events_min, SEARCH_COLUMNS_MAX);
        let best = Choice { settings: *base, validation: Quality::default() };
        Self { sequences, held_out, items, normals: Vec::new(), tried: Vec::new(), best }
    }

    fn climb(
        &mut self,
        scale: &[f32],
        setting: impl Fn(&mut Settings) -> &mut f32,
    ) -> Result<(), RidgeError> {
        climb(self.best.settings, scale, setting, |settings| self.attempt(settings))
    }

    /// Whether these are better than all before.
    fn attempt(&mut self, settings: Settings) -> Result<bool, RidgeError> {
        if self.tried.contains(&settings) {
            return Ok(false);
        }
        self.tried.push(settings);
        let Settings { features, penalty, row_entries } = settings;
        let rows = self.normal(features).solve(penalty, row_entries)?;
        let validation = validate(self.sequences, self.held_out, &rows, &settings);
        let Quality { hr_at_10, ndcg_at_10, .. } = validation;
        tracing::debug!(?features, ?penalty, row_entries, hr_at_10, ndcg_at_10, "tried");
        let is_better = validation.worth() > self.best.validation.worth();
        if is_better {
            self.best = Choice { settings, validation };
        }
        Ok(is_better)
    }

    fn normal(&mut self, features: Features) -> &Normal<'a> {
        let known = self.normals.iter().position(|known| known.0 == features);
        let place = known.unwrap_or_else(|| {
            let (held_out, items) = (self.held_out + 1, self.items.clone());
            let solved = items.len().min(SEARCH_SOLVED_MAX);
            let normal = Normal::with_solved(self.sequences, held_out, &features, items, solved);
            self.normals.push((features, normal));
            self.normals.len() - 1
        });
        &self.normals[place].1
    }
}

/// Quality of `rows`, which do not know it, on the view before the newest `held_out` of viewers who have one and a
/// history: as a node without tower and ranker answers.
pub fn validate(sequences: &Sequences, held_out: usize, rows: &Rows, settings: &Settings) -> Quality {
    let rows = WeighedRows { rows, decay: settings.features.decay() };
    let served = FilledUp::new(&rows, sequences, held_out + 1);
    measure(sequences, held_out, SEARCH_VIEWERS_MAX, &served).quality
}

const BACKWARD: [f32; 4] = [0.0, 0.25, 0.5, 1.0];
const TAUS: [f32; 4] = [1.0, 2.0, 4.0, 8.0];
const WINDOW_MAX: usize = ranking::limits::HISTORY_WINDOW_MAX as usize;

#[cfg(test)]
mod tests {
    use super::super::penalty::Penalty;
    use super::*;

    const FEATURES: Features = Features { recency_tau: 2.0, window: 30, backward: 0.0 };
    const PENALTY: Penalty = Penalty { lambda: 160.0, dropout: 0.5 };

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
        let base = Settings { features: FEATURES, penalty: PENALTY, row_entries: 20 };
        let choice = choose(&sequences, 1, &base, &Options { events_min: 1, ..Options::default() }).unwrap();
        assert!(choice.validation.hr_at_10 > 0.99, "{choice:?}");
        assert_eq!(choice.validation.users, 200);
    }

    #[test]
    fn where_titles_go_together_in_either_order_sequences_count_backward() {
        // A pair in one order, then the next one in the other, in which nobody has begun with it.
        let watched =
            |pair: u32| vec![2 * pair + 1, 2 * pair, 2 * (pair + 1) % 80, 2 * (pair + 1) % 80 + 1, 80];
        let sequences = Sequences::new((0..120).map(|viewer| (viewer, watched(viewer % 40))));
        let onward = Settings { features: FEATURES, penalty: PENALTY, row_entries: 20 };
        let backward = Settings { features: Features { backward: 0.25, ..FEATURES }, ..onward };
        let found = |settings: &Settings| {
            let items = ridge::columns(&sequences.counts(2), 1, usize::MAX);
            let normal = Normal::new(&sequences, 2, &settings.features, items);
            validate(&sequences, 1, &normal.solve(PENALTY, 20).unwrap(), settings).hr_at_10
        };
        assert!(found(&onward) < 0.3 && found(&backward) > 0.99);
        let choice = choose(&sequences, 1, &onward, &Options::default()).unwrap();
        assert!(choice.settings.features.backward > 0.0 && choice.validation.hr_at_10 > 0.99, "{choice:?}");
    }

    #[test]
    fn rows_that_say_nothing_are_worth_what_popularity_finds() {
        // What is watched last nobody has watched before.
        let watched = |viewer: u32| vec![viewer % 7, 7 + viewer % 11, 18 + viewer % 13];
        let sequences = Sequences::new((0..60).map(|viewer| (viewer, watched(viewer))));
        let silent = Rows::quantise(vec![Vec::new(); sequences.titles().len()]);
        let settings = Settings { features: FEATURES, penalty: PENALTY, row_entries: 20 };
        assert_eq!(validate(&sequences, 0, &silent, &settings).hr_at_20, 1.0, "16 titles are more popular");
        assert_eq!(validate(&sequences, 0, &silent, &settings).hr_at_10, 0.0);
    }

    #[test]
    fn an_empty_history_has_no_quality_and_no_rows() {
        let sequences = Sequences::default();
        let base = Settings { features: FEATURES, penalty: PENALTY, row_entries: 20 };
        let choice = choose(&sequences, 1, &base, &Options { events_min: 1, ..Options::default() }).unwrap();
        assert_eq!(choice, Choice { settings: base, validation: Quality::default() });
    }

    #[test]
    fn settings_of_the_training_before_stay_unless_others_are_clearly_better() {
        let chosen = |sequences: &Sequences, before: Settings| {
            let options = Options {
                events_min: 1,
                row_entries: Some(before.row_entries),
                before: Some(before),
                ..Options::default()
            };
            choose(sequences, 1, &before, &options).unwrap()
        };
        let before = Settings {
            features: Features { recency_tau: 3.0, window: 25, backward: 0.0 },
            penalty: PENALTY,
            row_entries: 20,
        };
        assert_eq!(chosen(&ring(200, 40), before).settings, before);

        // Every other title is of one of two habits, so that the newest alone says nothing.
        let turns = Sequences::new((0..400).map(|viewer| {
            let starts = [viewer * 7 % 80, (viewer * viewer / 3 + viewer * 31) % 80];
            let title = |step: u32| step % 2 * 80 + (starts[(step % 2) as usize] + step / 2) % 80;
            (viewer, (0..12).map(title).collect())
        }));
        let blind = Settings { features: Features { window: 1, ..before.features }, ..before };
        let found = chosen(&turns, blind);
        assert!(found.settings.features.window > 1 && found.validation.hr_at_10 > 0.99, "{found:?}");
    }
}
