//! A tower beside the rows, and a ranker over both: learned within a time, and shipped where they are better.

use std::time::Instant;

use ranking::{Blend, Vectors};

use super::alignment::rotation;
use super::catalogue::Catalogue;
use super::rank::Quality;
use super::ranker::{self, Trained};
use super::ridge;
use super::rows::Rows;
use super::score::{WeighedRows, choose_blend};
use super::sequences::Sequences;
use super::tower::search::{self, Budget, Found};
use super::tower::{Settings, Tower};
use super::{Options, TrainError};

/// A tower, how its scores are added to those of the rows, and what orders the best by both.
#[derive(Clone, Debug)]
pub struct Blended {
    /// Learned from everything but what was held out.
    pub tower: Tower,
    /// The one that knows neither the validation views, and how it was found.
    pub found: Found,
    /// Chosen on the validation views.
    pub blend: Blend,
    /// The quality of both together where the blend was chosen.
    pub validation: Quality,
    /// Judged; shipped only if [`Trained::is_worth_shipping`].
    pub ranker: Option<Trained>,
}

/// Learns a tower within so many minutes, its search for settings included, but for the little that rows and ranker take.
pub fn learn(sequences: &Sequences, held_out: usize, minutes: f64) -> (Found, Tower) {
    let started = Instant::now();
    let clock = || started.elapsed().as_secs_f64();
    let budget = Budget { seconds: minutes * 60.0 * TOWER_SHARE, clock: &clock };
    let found = search::search(sequences, held_out, &Settings::default(), &budget);
    let tower = search::refit(sequences, held_out, &found, &budget);
    (found, tower)
}

/// Chooses how to blend a tower with rows of these settings, and learns a ranker over both; `before` are the rows without
/// the validation views too.
///
/// # Errors
/// When a node could not read the tower, or the candidates are none.
pub fn blend(
    (found, tower): (Found, Tower),
    (settings, before): (&ridge::Settings, &Rows),
    sequences: &Sequences,
    held_out: usize,
    catalogue: &Catalogue,
    options: &Options,
) -> Result<Blended, TrainError> {
    let decay = ridge::decay(settings.recency_tau, settings.window);
    let weighed = WeighedRows { rows: before, decay };
    let (blend, validation) = choose_blend(sequences, held_out, &weighed, &found.tower);
    let mut blended = Blended { tower, found, blend, validation, ranker: None };
    if options.ranker {
        blended.ranker = blended.learn_ranker((settings, before), sequences, held_out, catalogue)?;
    }
    Ok(blended)
}

impl Blended {
    /// Learned where neither rows nor tower know what it is to find, then turned towards the tower that does.
    fn learn_ranker(
        &self,
        (settings, before): (&ridge::Settings, &Rows),
        sequences: &Sequences,
        held_out: usize,
        catalogue: &Catalogue,
    ) -> Result<Option<Trained>, TrainError> {
        let (known, shipped) = (self.found.tower.item_vectors(), self.tower.item_vectors());
        let Some(rotation) = rotation(shipped, known, self.tower.shape().width) else { return Ok(None) };
        let tower = inference::Tower::read(&self.found.tower.to_onnx())?;
        let candidates = catalogue.candidates_with(sequences.titles(), before, Some(vectors(&tower)))?;
        let rules = super::rules(settings, ranker::POOL)?.with_blend(Some(self.blend));
        let trained = ranker::train(&candidates, &rules, Some(&tower), sequences, held_out)?;
        Ok(trained.map(|trained| Trained { mlp: trained.mlp.turned(&rotation), ..trained }))
    }

    /// Whether a release is better with the tower than without it.
    pub fn is_worth_shipping(&self, rows: &Quality) -> bool {
        self.validation.worth() > rows.worth()
    }

    /// The ranker, if a release is better with it.
    pub fn shipped_ranker(&self) -> Option<&Trained> {
        self.ranker.as_ref().filter(|ranker| ranker.is_worth_shipping())
    }
}

/// Share of the time that learning the tower may take.
const TOWER_SHARE: f64 = 0.97;

/// A tower's item vectors as an edge compares them; its items are the titles in their order.
pub fn vectors(tower: &inference::Tower) -> Vectors {
    let matrix = tower.items().clone();
    let items = (0..).take(matrix.rows()).collect();
    Vectors { matrix, items }
}

#[cfg(test)]
mod tests {
    use inference::{Models, Shortlist};

    use super::*;
    use crate::train::mlp::{Example, Items};
    use crate::train::{self, onnx};

    /// Viewers walk a ring of titles in steps of three; every ninth step is longer, each viewer's at another time.
    fn ring() -> Sequences {
        Sequences::new((0..80).map(|viewer| {
            let start = viewer * 7 % 20;
            (viewer, (0..10).map(|step| 100 + (start + step * 3 + (step + viewer) / 9) % 20).collect())
        }))
    }

    #[test]
    fn a_node_runs_the_ranker_with_the_tower_that_ships() {
        let (sequences, options) = (ring(), Options::default());
        let catalogue = Catalogue::of_counts(&sequences.counts(1));
        let (settings, [before, _]) = train::rows_twice(&sequences, 1, &options).unwrap();
        let learned = learn(&sequences, 1, 0.02);
        let blended = blend(learned, (&settings, &before), &sequences, 1, &catalogue, &options).unwrap();
        let ranker = &blended.ranker.as_ref().unwrap();
        assert_eq!(ranker.ranked.users, 80);
        let models = Models::load(Some(&onnx::encode(&ranker.mlp)), Some(&blended.tower.to_onnx())).unwrap();
        assert!(models.sees_vectors() && models.is_exact());
        let tower = models.tower().unwrap();
        let items: Vec<u32> = (0..20).collect();
        let features: Vec<f32> = (0..160).map(|place| (place * 37 % 101) as f32 / 100.0).collect();
        let viewer = tower.encode(&[1, 4, 7]).unwrap();
        let logits =
            models.score(&Shortlist { viewer: &viewer, items: &items, features: &features }).unwrap();
        let example = Example { viewer, items, features, target: 0 };
        let own = ranker.mlp.score(&example, &Items::of(tower));
        // A node keeps what items add in eight bits.
        let most = own.iter().fold(0.1_f32, |most, logit| most.max(logit.abs()));
        assert!(own.iter().zip(&logits).all(|(a, b)| (a - b).abs() < 0.05 * most), "{own:?} {logits:?}");
    }

    #[test]
    fn without_a_ranker_there_is_none() {
        let (sequences, options) = (ring(), Options { ranker: false, ..Options::default() });
        let catalogue = Catalogue::of_counts(&sequences.counts(1));
        let (settings, [before, _]) = train::rows_twice(&sequences, 1, &options).unwrap();
        let learned = learn(&sequences, 1, 0.01);
        let blended = blend(learned, (&settings, &before), &sequences, 1, &catalogue, &options).unwrap();
        assert!(blended.ranker.is_none() && blended.shipped_ranker().is_none());
    }
}
