//! Questions and answers.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::limits::{HISTORY_MAX, HISTORY_WINDOW_MAX, K_MAX, RANKER_POOL_MAX};
use crate::{Blend, TitleId};

/// How the sources are weighed; part of the release.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    recency_tau: f32,
    history_window: u32,
    ranker_pool: u32,
    blend: Option<Blend>,
}

/// A rule outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulesError {
    /// Its name.
    pub rule: &'static str,
}

impl Rules {
    /// A watched title at age `a` (0 = the newest) weighs `exp(−a / recency_tau)`, above 0;
    /// `history_window` of them count, 1 to 200; the best `ranker_pool` candidates, at most 200, are
    /// put in order by the ranker, none with 0.
    ///
    /// # Errors
    ///
    /// Names the rule that is out of its range.
    pub fn new(recency_tau: f32, history_window: u32, ranker_pool: u32) -> Result<Self, RulesError> {
        if !recency_tau.is_finite() || recency_tau <= 0.0 {
            return Err(RulesError { rule: "recency-tau" });
        }
        if history_window == 0 || history_window > HISTORY_WINDOW_MAX {
            return Err(RulesError { rule: "history-window" });
        }
        if ranker_pool > RANKER_POOL_MAX {
            return Err(RulesError { rule: "ranker-pool" });
        }
        Ok(Self { recency_tau, history_window, ranker_pool, blend: None })
    }

    /// The same, with how rows and tower are blended; without it a tower is not asked.
    #[must_use]
    pub fn with_blend(self, blend: Option<Blend>) -> Self {
        Self { blend, ..self }
    }

    /// The same without a ranker.
    #[must_use]
    pub fn without_ranker(self) -> Self {
        Self { ranker_pool: 0, ..self }
    }

    /// How rows and tower are blended.
    pub fn blend(&self) -> Option<Blend> {
        self.blend
    }

    /// The weight of a watched title at an age: `exp(−age / recency_tau)`.
    pub fn recency_weight(&self, age: usize) -> f32 {
        #[allow(clippy::cast_precision_loss, reason = "an age is below 200")]
        libm::expf(-(age as f32) / self.recency_tau)
    }

    /// Watched titles that count.
    pub fn history_window(&self) -> usize {
        self.history_window as usize
    }

    /// Candidates for the ranker.
    pub fn ranker_pool(&self) -> usize {
        self.ranker_pool as usize
    }
}

/// One viewer's question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Titles watched, oldest first; unknown ids are skipped, all are left out of the answer.
    pub history: Vec<TitleId>,
    /// Titles never to show, of any number and order.
    pub exclude: Vec<TitleId>,
    /// Picks wanted, 1 to 100.
    pub k: u32,
    /// When the answer is shown; licence windows are checked against it. Unix time, milliseconds.
    pub at_unix_ms: u64,
    /// Highest age rating to show, in years.
    pub maturity_max_years: u8,
}

impl Request {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.k == 0 || self.k > K_MAX {
            return Err(Error::KOutOfRange { k: self.k });
        }
        if self.history.len() > HISTORY_MAX {
            return Err(Error::HistoryTooLong { titles: self.history.len() });
        }
        Ok(())
    }
}

/// Why a title was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The row of this watched title contributed most.
    BecauseYouWatched(TitleId),
    /// What was watched as a whole speaks for it, no title alone.
    PickedForYou,
    /// Nothing is known of the viewer: what the region watches.
    PopularForNewViewer,
    /// No row of the history leads anywhere: what the region watches.
    PopularWithoutMatch,
    /// The personal picks did not fill the list: what the region watches.
    PopularToFill,
}

/// A title to show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Which.
    pub title: TitleId,
    /// Higher is better; comparable within one answer only.
    pub score: f32,
    /// Why.
    pub reason: Reason,
}

/// Picks in falling order of score; ties by the lower title id.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `k` of them, or all that the filters leave.
    pub picks: Vec<Pick>,
    /// Candidates that passed the filters.
    pub eligible: u32,
    /// Whether the ranker ordered the best of them.
    pub ranked: bool,
}

/// A title and its predicted rating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Which.
    pub title: TitleId,
    /// On the scale of the ratings that trained the model.
    pub score: f32,
}

/// Why a question was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// `k` is 0 or above [`K_MAX`].
    KOutOfRange {
        /// What was asked.
        k: u32,
    },
    /// More watched titles than [`HISTORY_MAX`].
    HistoryTooLong {
        /// How many.
        titles: usize,
    },
    /// More pairs than [`crate::limits::PAIRS_MAX`].
    TooManyPairs {
        /// How many.
        pairs: usize,
    },
    /// A viewer's vector is not finite, or not as wide as those of the candidates.
    Vector {
        /// How wide those are.
        width: usize,
    },
    /// A model of the release failed.
    Inference {
        /// Its code.
        code: String,
    },
}

impl Error {
    /// The stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::KOutOfRange { .. } => "k-out-of-range",
            Self::HistoryTooLong { .. } => "history-too-long",
            Self::TooManyPairs { .. } => "too-many-pairs",
            Self::Vector { .. } => "vector",
            Self::Inference { .. } => "inference",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KOutOfRange { k } => write!(f, "k is {k}, not 1 to {K_MAX}"),
            Self::HistoryTooLong { titles } => {
                write!(f, "{titles} watched titles are more than {HISTORY_MAX}")
            }
            Self::TooManyPairs { pairs } => write!(f, "{pairs} pairs are too many"),
            Self::Vector { width } => write!(f, "the vector is not {width} finite numbers"),
            Self::Inference { code } => write!(f, "a model failed: {code}"),
        }
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} is out of its range", self.rule)
    }
}

impl core::error::Error for Error {}
impl core::error::Error for RulesError {}
