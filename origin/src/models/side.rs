//! The tower that stands beside the rows of a release.

use ranking::Vectors;

use crate::train::blended::{self, Beside, Blended, Learned};
use crate::train::catalogue::Catalogue;
use crate::train::given::Given;
use crate::train::score::Scorer;
use crate::train::sequences::Sequences;
use crate::train::{Fitted, Options, TrainError};

/// Where a release's tower comes from.
#[derive(Clone, Copy, Debug)]
pub enum TowerFrom<'a> {
    /// It is learned.
    Learned {
        /// The time it may take, the search for settings included.
        minutes: f64,
    },
    /// Somebody else has trained it.
    Given(&'a Given),
}

/// A tower, blended with the rows.
pub(super) struct Side<'a> {
    pub(super) blended: Blended,
    pub(super) onnx: Vec<u8>,
    // Of the titles in the order of the sequences.
    pub(super) vectors: Vectors,
    // Before anything was rounded.
    pub(super) scorer: Box<dyn Scorer + 'a>,
}

impl<'a> TowerFrom<'a> {
    /// The tower, if a release is better with it than with the rows alone.
    pub(super) fn beside(
        self,
        fitted: &Fitted,
        sequences: &Sequences,
        catalogue: &Catalogue,
        options: &Options,
    ) -> Result<Option<Side<'a>>, TrainError> {
        let Fitted { settings, before, .. } = fitted;
        let beside = Beside { settings, rows: before, sequences, held_out: 0, catalogue, options };
        let side = match self {
            Self::Learned { minutes } => {
                let learned = Learned::new(sequences, 0, minutes);
                let blended = learned.blend(&beside)?;
                let onnx = learned.tower.to_onnx();
                let vectors = blended::vectors(&inference::Tower::read(&onnx)?);
                Side { blended, onnx, vectors, scorer: Box::new(learned.tower) }
            }
            Self::Given(given) => {
                let (blended, matched) = (given.blend(&beside)?, given.matched(sequences.titles()));
                let (onnx, vectors) = (given.onnx().to_vec(), matched.vectors());
                Side { blended, onnx, vectors, scorer: Box::new(matched) }
            }
        };
        Ok(Some(side).filter(|side| side.blended.is_worth_shipping(&fitted.validation)))
    }
}
