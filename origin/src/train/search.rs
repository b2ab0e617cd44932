//! Chooses τ and λ on the validation view (the second last), trained without it and without the last.

use super::limits::SEARCH_COLUMNS_MAX;
use super::rank::{Quality, Tally};
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

/// Walks λ at the given τ, then τ at the best λ; what scores best by HR@10 + NDCG@10 wins, ties by what was
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
    events_min: u32,
) -> Result<Choice, RidgeError> {
    let trained_without = held_out + 1;
    let items = ridge::columns(&sequences.counts(trained_without), events_min, SEARCH_COLUMNS_MAX);
    let mut best = Choice { settings: *base, validation: Quality::default() };
    let attempt = |normal: &Normal<'_>, settings: Settings, best: &mut Choice| {
        let rows = normal.solve(settings.lambda, settings.row_entries)?;
        let validation = validate(sequences, held_out, &rows, &settings);
        tracing::debug!(
            tau = settings.recency_tau,
            lambda = settings.lambda,
            hr_at_10 = validation.hr_at_10,
            ndcg_at_10 = validation.ndcg_at_10,
            "tried"
        );
        if worth(&validation) > worth(&best.validation) {
            *best = Choice { settings, validation };
        }
        Ok::<f64, RidgeError>(worth(&validation))
    };
    let normal = Normal::new(sequences, trained_without, base.recency_tau, base.window, items.clone());
    let mut tried = Vec::new();
    for lambda in LAMBDAS {
        tried.push(attempt(&normal, Settings { lambda, ..*base }, &mut best)?);
    }
    // A best at the end of the scale may lie beyond it.
    let (first, last) = (LAMBDAS[0], LAMBDAS[LAMBDAS.len() - 1]);
    let beyond: &[f32] = if best.settings.lambda == first {
        &LAMBDAS_BELOW
    } else if best.settings.lambda == last {
        &LAMBDAS_ABOVE
    } else {
        &[]
    };
    for &lambda in beyond {
        let before = worth(&best.validation);
        if attempt(&normal, Settings { lambda, ..*base }, &mut best)? < before {
            break;
        }
    }
    drop(normal);
    let lambda = best.settings.lambda;
    for recency_tau in TAUS.into_iter().filter(|&tau| tau != base.recency_tau) {
        let normal = Normal::new(sequences, trained_without, recency_tau, base.window, items.clone());
        attempt(&normal, Settings { recency_tau, lambda, ..*base }, &mut best)?;
    }
    Ok(best)
}

/// Quality of `rows` on the view before the newest `held_out` of each viewer who has one and a history.
pub fn validate(sequences: &Sequences, held_out: usize, rows: &Rows, settings: &Settings) -> Quality {
    let decay = ridge::decay(settings.recency_tau, settings.window);
    let mut scores = vec![0.0; rows.len()];
    let mut tally = Tally::default();
    for items in sequences.iter(held_out) {
        let Some((&target, history)) = items.split_last() else { continue };
        if !history.is_empty() {
            tally.add(rows.place(history, &decay, target, &mut scores));
        }
    }
    tally.quality()
}

fn worth(quality: &Quality) -> f64 {
    quality.hr_at_10 + quality.ndcg_at_10
}

/// Each four times the last but one: half a step changes the quality by less than its standard error.
const LAMBDAS: [f32; 5] = [20.0, 80.0, 160.0, 320.0, 640.0];
/// For histories so sparse that nearly every connection counts.
const LAMBDAS_BELOW: [f32; 2] = [5.0, 1.0];
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
