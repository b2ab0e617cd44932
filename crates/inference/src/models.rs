//! The models of a release, loaded together: what a ranker sees may come from the tower.

use std::fmt;

use crate::error::{Error, LoadError};
use crate::limits::ROWS_MAX;
use crate::mlp::{Mlp, Shortlist};
use crate::ranker::{Ranker, check_finite};
use crate::tower::{EncodeError, Tower, TowerError};

/// A ranker and a tower, as far as there are.
#[derive(Debug, Default)]
pub struct Models {
    ranker: Option<Ranking>,
    tower: Option<Tower>,
}

/// Who ranks.
#[derive(Debug)]
enum Ranking {
    /// Sees features alone.
    Plain(Ranker),
    /// Sees the vectors too; our kernels run it.
    Mlp(Mlp),
    /// Sees the vectors too, one beside the other.
    Wide(Ranker),
}

/// Why a model was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// The ranker.
    Ranker(LoadError),
    /// The tower.
    Tower(TowerError),
}

impl ModelError {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ranker(error) => error.code(),
            Self::Tower(error) => error.code(),
        }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ranker(error) => write!(f, "the ranker was refused: {error}"),
            Self::Tower(error) => write!(f, "the tower was refused: {error}"),
        }
    }
}

impl std::error::Error for ModelError {}

impl Models {
    /// Loads the files that there are.
    ///
    /// A ranker with more columns than two vectors of the tower sees, in this order, the viewer's vector, the
    /// candidate's and its features; any other sees features alone. A graph may make numbers while it is loaded: see
    /// [`Ranker::load`].
    ///
    /// # Errors
    ///
    /// When one is not what its name says.
    pub fn load(ranker: Option<&[u8]>, tower: Option<&[u8]>) -> Result<Self, ModelError> {
        let tower = tower.map(Tower::read).transpose().map_err(ModelError::Tower)?;
        let ranker = ranker.map(|onnx| Ranking::load(onnx, tower.as_ref())).transpose();
        Ok(Self { ranker: ranker.map_err(ModelError::Ranker)?, tower })
    }

    /// As [`Self::load`], but nothing of the ranker is rounded to bytes: what it is measured by.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn load_unrounded(ranker: Option<&[u8]>, tower: Option<&[u8]>) -> Result<Self, ModelError> {
        let models = Self::load(None, tower)?;
        let ranker = ranker.map(Ranker::load).transpose().map_err(ModelError::Ranker)?;
        let ranker = ranker.map(|ranker| match &models.tower {
            Some(tower) if ranker.columns() > 2 * tower.shape().width => Ranking::Wide(ranker),
            _ => Ranking::Plain(ranker),
        });
        Ok(Self { ranker, ..models })
    }

    /// As [`Self::load`], and runs each once over as much as a request may bring: what would fail there is refused
    /// here. First runs also fill what tract keeps from run to run.
    ///
    /// # Errors
    ///
    /// As [`Self::load`].
    pub fn admit(ranker: Option<&[u8]>, tower: Option<&[u8]>) -> Result<Self, ModelError> {
        let models = Self::load(ranker, tower)?;
        if let Some(features) = models.features() {
            let features = vec![0.0; features * ROWS_USUAL];
            let rows = Shortlist { viewer: &[], items: &[0; ROWS_USUAL], features: &features };
            let refused = |error: Error| LoadError::Malformed { reason: error.to_string() };
            models.score(&rows).map_err(|error| ModelError::Ranker(refused(error)))?;
        }
        if let Some(tower) = models.tower() {
            let shape = tower.shape();
            let refused =
                |error: EncodeError| TowerError::Longest { items: shape.window, reason: error.to_string() };
            tower.encode(&shape.trial(shape.window)).map_err(|error| ModelError::Tower(refused(error)))?;
        }
        Ok(models)
    }

    /// The tower.
    pub fn tower(&self) -> Option<&Tower> {
        self.tower.as_ref()
    }

    /// Features that the ranker takes of a candidate, beside vectors; none without a ranker.
    pub fn features(&self) -> Option<usize> {
        Some(match self.ranker.as_ref()? {
            Ranking::Plain(ranker) => ranker.columns(),
            Ranking::Mlp(mlp) => mlp.features(),
            Ranking::Wide(ranker) => ranker.columns() - 2 * self.width(),
        })
    }

    /// Columns of the ranker as its file declares them; none without a ranker.
    pub fn ranker_columns(&self) -> Option<usize> {
        let vectors = if self.sees_vectors() { 2 * self.width() } else { 0 };
        self.features().map(|features| features + vectors)
    }

    /// Whether the ranker sees the vectors of viewer and candidate.
    pub fn sees_vectors(&self) -> bool {
        matches!(self.ranker, Some(Ranking::Mlp(_) | Ranking::Wide(_)))
    }

    /// Whether the ranker is rounded to bytes: a last bit of a vector may then move a logit by one step of them.
    pub fn is_rounded(&self) -> bool {
        matches!(self.ranker, Some(Ranking::Mlp(_)))
    }

    /// Whether our own kernels run all that there is, with the same bits in every form.
    pub fn is_exact(&self) -> bool {
        let is_exact = match &self.ranker {
            None | Some(Ranking::Mlp(_)) => true,
            Some(Ranking::Plain(ranker) | Ranking::Wide(ranker)) => ranker.is_exact(),
        };
        is_exact && self.tower.as_ref().is_none_or(Tower::is_exact)
    }

    /// One logit a candidate. A ranker that sees features alone does not look at viewer and items.
    ///
    /// # Errors
    ///
    /// When there is no ranker, the features are not whole rows with an item each, there are too many, the viewer's
    /// vector has another length than the tower's, the model fails, or a number or a logit is not finite.
    pub fn score(&self, shortlist: &Shortlist<'_>) -> Result<Vec<f32>, Error> {
        match self.ranker.as_ref().ok_or(Error::NotLoaded)? {
            Ranking::Plain(ranker) => ranker.score(shortlist.features),
            Ranking::Mlp(mlp) => {
                self.check(shortlist, mlp.features())?;
                let logits = mlp.score(shortlist);
                check_finite(&logits, 1)?;
                Ok(logits)
            }
            Ranking::Wide(ranker) => {
                let width = self.width();
                self.check(shortlist, ranker.columns() - 2 * width)?;
                let rows = self.tower.as_ref().map(|tower| side_by_side(tower, shortlist));
                ranker.score(&rows.unwrap_or_default())
            }
        }
    }

    fn check(&self, shortlist: &Shortlist<'_>, features: usize) -> Result<(), Error> {
        let Shortlist { viewer, items, features: numbers } = *shortlist;
        if items.len().checked_mul(features) != Some(numbers.len()) {
            return Err(Error::Ragged { numbers: numbers.len() });
        }
        if items.len() > ROWS_MAX {
            return Err(Error::TooManyRows { rows: items.len() });
        }
        if !viewer.is_empty() && (viewer.len() != self.width() || !viewer.iter().all(|v| v.is_finite())) {
            return Err(Error::Viewer { numbers: viewer.len() });
        }
        check_finite(numbers, features)
    }

    fn width(&self) -> usize {
        self.tower.as_ref().map_or(0, |tower| tower.shape().width)
    }
}

impl Ranking {
    fn load(onnx: &[u8], tower: Option<&Tower>) -> Result<Self, LoadError> {
        let ranker = Ranker::load(onnx)?;
        let tower = tower.filter(|tower| ranker.columns() > 2 * tower.shape().width);
        let Some(tower) = tower else { return Ok(Self::Plain(ranker)) };
        let mlp = Mlp::read(onnx, tower).ok().filter(|mlp| agree(mlp, &ranker, tower));
        Ok(mlp.map_or(Self::Wide(ranker), Self::Mlp))
    }
}

/// Whether both say the same of some candidates, but for what bytes are off by: it grows with the logits, so that it is
/// held against the largest, less what all have.
fn agree(mlp: &Mlp, ranker: &Ranker, tower: &Tower) -> bool {
    let shape = tower.shape();
    let number = |place: usize| (place as u32).wrapping_mul(2_654_435_761) >> 16;
    let features: Vec<f32> =
        (0..PROBES * mlp.features()).map(|place| number(place) as f32 / 65_536.0).collect();
    let items: Vec<u32> = (0..PROBES).map(|place| number(place + 1) % shape.items as u32).collect();
    // A vector of an item is of the size of those that viewers have.
    let viewer: Vec<f32> = tower.items().floats(items[0] as usize).collect();
    let shortlist = Shortlist { viewer: &viewer, items: &items, features: &features };
    let Ok(exact) = ranker.score(&side_by_side(tower, &shortlist)) else { return false };
    let most = exact.iter().fold(0.0_f32, |most, exact| most.max((exact - mlp.bias()).abs()));
    mlp.score(&shortlist).iter().zip(&exact).all(|(own, exact)| (own - exact).abs() <= BYTES_OFF * most)
}

/// Rows as the file declares them: the viewer's vector, the candidate's, its features.
fn side_by_side(tower: &Tower, shortlist: &Shortlist<'_>) -> Vec<f32> {
    let width = tower.shape().width;
    let mut rows = Vec::new();
    let features = shortlist.features.len() / shortlist.items.len().max(1);
    for (&item, features) in shortlist.items.iter().zip(shortlist.features.chunks_exact(features.max(1))) {
        let start = rows.len();
        rows.extend_from_slice(shortlist.viewer);
        rows.resize(start + width, 0.0);
        if (item as usize) < tower.shape().items {
            rows.extend(tower.items().floats(item as usize));
        }
        rows.resize(start + 2 * width, 0.0);
        rows.extend_from_slice(features);
    }
    rows
}

/// As many rows as a shortlist mostly has.
const ROWS_USUAL: usize = 200;

const PROBES: usize = 8;

/// What seven bits a number and eight a weight may be off by, as a share of the largest logit; it is about 0.02 for
/// layers of random weights.
const BYTES_OFF: f32 = 0.05;
