//! A tower beside the rows, and a ranker over both: learned within a time, and shipped where they are better.

use std::time::Instant;

use inference::Models;
use kernels::ByteMatrix;
use ranking::{Blend, Vectors};

use super::alignment::rotation;
use super::catalogue::Catalogue;
use super::rank::Quality;
use super::ranker::{self, Trained};
use super::ridge;
use super::rows::Rows;
use super::score::{Scorer, WeighedRows, choose_blend};
use super::sequences::Sequences;
use super::tower::search::{self, Budget, Found};
use super::tower::{Settings, Tower};
use super::{Options, TrainError};

/// What a tower is blended with, and on which views.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// How the rows were fitted.
    pub settings: &'a ridge::Settings,
    /// Rows that do not know the validation views.
    pub rows: &'a Rows,
    /// What was watched.
    pub sequences: &'a Sequences,
    /// Newest views of each viewer that nobody looks at; the one before them is the validation view.
    pub held_out: usize,
    /// What a ranker may know of each title.
    pub catalogue: &'a Catalogue,
    /// Whether a ranker is learned.
    pub options: &'a Options,
}

/// How a tower's scores are added to those of the rows, and what orders the best by both.
#[derive(Clone, Debug)]
pub struct Blended {
    /// Chosen on the validation views.
    pub blend: Blend,
    /// The quality of both together, each half of the views by the blend that the other half chooses.
    pub validation: Quality,
    /// Judged; shipped only if [`Trained::is_worth_shipping`].
    pub ranker: Option<Trained>,
}

impl Beside<'_> {
    /// Chooses how to blend, and learns a ranker over both; tower and models must not know the validation views.
    /// `vectors` are those of the titles in the order of the sequences.
    ///
    /// # Errors
    /// When the candidates are none.
    pub fn blend(
        &self,
        tower: &dyn Scorer,
        models: &Models,
        vectors: Vectors,
    ) -> Result<Blended, TrainError> {
        let decay = self.settings.features.decay();
        let weighed = WeighedRows { rows: self.rows, decay };
        let (blend, validation) = choose_blend(self.sequences, self.held_out, &weighed, tower);
        let mut ranker = None;
        if self.options.ranker {
            let titles = self.sequences.titles();
            let candidates = self.catalogue.candidates_with(titles, self.rows, Some(vectors))?;
            let rules = super::rules(self.settings, ranker::POOL)?.with_blend(Some(blend));
            ranker = ranker::train(&candidates, &rules, models, self.sequences, self.held_out)?;
        }
        Ok(Blended { blend, validation, ranker })
    }
}

impl Blended {
    /// Whether a release is better with the tower than without it, by more than chance: every request pays for it.
    pub fn is_worth_shipping(&self, rows: &Quality) -> bool {
        self.validation.is_clearly_better_than(rows)
    }

    /// The ranker, if a release is better with it.
    pub fn shipped_ranker(&self) -> Option<&Trained> {
        self.ranker.as_ref().filter(|ranker| ranker.is_worth_shipping())
    }
}

/// A tower that was learned here.
#[derive(Clone, Debug)]
pub struct Learned {
    /// Knows everything but what was held out.
    pub tower: Tower,
    /// The one that knows neither the validation views, and how it was found.
    pub found: Found,
}

impl Learned {
    /// Learns within so many minutes, a search for settings included, but for the little that rows and ranker take.
    pub fn new(sequences: &Sequences, held_out: usize, minutes: f64) -> Self {
        let started = Instant::now();
        let clock = || started.elapsed().as_secs_f64();
        let budget = Budget { seconds: minutes * 60.0 * TOWER_SHARE, clock: &clock };
        let found = search::search(sequences, held_out, &Settings::default(), &budget);
        let tower = search::refit(sequences, held_out, &found, &budget);
        Self { tower, found }
    }

    /// As [`Beside::blend`]. The ranker learns where neither rows nor tower know what it is to find, and is then turned
    /// towards the tower that does.
    ///
    /// # Errors
    /// When a node could not read the tower, or the candidates are none.
    pub fn blend(&self, beside: &Beside<'_>) -> Result<Blended, TrainError> {
        let (known, shipped) = (self.found.tower.item_vectors(), self.tower.item_vectors());
        let rotation = rotation(shipped, known, self.tower.shape().width);
        let options = Options { ranker: beside.options.ranker && rotation.is_some(), ..*beside.options };
        let models = Models::load(None, Some(&self.found.tower.to_onnx()))?;
        let vectors = models.tower().map(vectors).expect("a tower was loaded");
        let blended = Beside { options: &options, ..*beside }.blend(&self.found.tower, &models, vectors)?;
        let turned = blended.ranker.zip(rotation).map(|(ranker, rotation)| {
            let mlp = ranker.mlp.turned(&rotation);
            Trained { mlp, ..ranker }
        });
        Ok(Blended { ranker: turned, ..blended })
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

/// A row a title: of this matrix, with the tower's number of the title, or where the tower does not know it the average
/// of the rows that the other titles have.
pub fn select(matrix: &ByteMatrix, titles: &[Option<(usize, u32)>]) -> Vectors {
    let known: Vec<usize> = titles.iter().flatten().map(|&(row, _)| row).collect();
    let average = average(matrix.columns(), known.iter().map(|&row| matrix.floats(row)));
    let average = ByteMatrix::quantise(matrix.columns(), &average).expect("an average of rows is a row");
    let (mut values, mut scales, mut items) = (Vec::new(), Vec::new(), Vec::new());
    for title in titles {
        let (from, row, item) = match *title {
            Some((row, item)) => (matrix, row, item),
            None => (&average, 0, Vectors::UNKNOWN),
        };
        values.extend_from_slice(from.row(row));
        scales.push(from.scales()[row]);
        items.push(item);
    }
    let matrix = ByteMatrix::new(matrix.columns(), &values, scales).expect("rows of a matrix are a matrix");
    Vectors { matrix, items }
}

/// The average of rows of so many columns; zeros of none.
pub fn average<R: Iterator<Item = f32>>(columns: usize, rows: impl ExactSizeIterator<Item = R>) -> Vec<f32> {
    let count = rows.len().max(1) as f64;
    let mut sums = vec![0.0_f64; columns];
    for row in rows {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(value);
        }
    }
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

#[cfg(test)]
mod tests {
    use inference::Shortlist;

    use super::*;
    use crate::train::mlp::{Example, Items};
    use crate::train::{self, onnx};

    #[test]
    fn a_title_that_the_tower_does_not_know_has_the_average_of_those_that_it_knows() {
        let matrix = ByteMatrix::quantise(2, &[8.0, 0.0, 100.0, 100.0, 24.0, -2.0]).unwrap();
        let vectors = select(&matrix, &[Some((0, 70)), None, Some((2, 72)), None]);
        assert_eq!(vectors.items, [70, Vectors::UNKNOWN, 72, Vectors::UNKNOWN]);
        let floats = |title: usize| vectors.matrix.floats(title).collect::<Vec<f32>>();
        assert_eq!((floats(0), floats(2)), (vec![8.0, 0.0], vec![24.0, -2.0]));
        for unknown in [1, 3] {
            assert_eq!(floats(unknown), [16.0, -1.0], "of those, and not of the one in between");
        }
        let none = select(&matrix, &[None, None]);
        assert_eq!((none.known(), none.matrix.floats(1).collect::<Vec<f32>>()), (0, vec![0.0; 2]));
    }

    fn learned(minutes: f64, options: &Options) -> (Learned, Blended) {
        let sequences = Sequences::ring();
        let catalogue = Catalogue::of_counts(&sequences.counts(1));
        let alone = Options { ranker: false, ..*options };
        let fitted = train::fit(&sequences, 1, &catalogue, &alone).unwrap();
        let learned = Learned::new(&sequences, 1, minutes);
        let beside = Beside {
            settings: &fitted.settings,
            rows: &fitted.before,
            sequences: &sequences,
            held_out: 1,
            catalogue: &catalogue,
            options,
        };
        let blended = learned.blend(&beside).unwrap();
        (learned, blended)
    }

    #[test]
    fn a_node_runs_the_ranker_with_the_tower_that_ships() {
        let (learned, blended) = learned(0.02, &Options::default());
        let ranker = blended.ranker.as_ref().unwrap();
        assert_eq!(ranker.ranked.users, 80);
        let models = Models::load(Some(&onnx::encode(&ranker.mlp)), Some(&learned.tower.to_onnx())).unwrap();
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
        let (_, blended) = learned(0.01, &Options { ranker: false, ..Options::default() });
        assert!(blended.ranker.is_none() && blended.shipped_ranker().is_none());
    }
}
