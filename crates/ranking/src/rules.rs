//! How a release weighs its sources and lays out its lists.

use core::fmt;

use crate::limits::{HISTORY_WINDOW_MAX, RANKER_POOL_MAX};
use crate::{Blend, Slate};

/// How the sources are weighed and lists laid out; part of the release.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    recency_tau: f32,
    history_window: u32,
    ranker_pool: u32,
    blend: Option<Blend>,
    slate: Slate,
}

/// A rule outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulesError {
    /// Its name.
    pub rule: &'static str,
}

impl Rules {
    /// A watched title at age `a` (0 = the newest) weighs as [`recency_weight`] says, with `recency_tau` above 0;
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
        Ok(Self { recency_tau, history_window, ranker_pool, blend: None, slate: Slate::default() })
    }

    /// The same, with how rows and tower are blended; without it a tower is not asked.
    #[must_use]
    pub fn with_blend(self, blend: Option<Blend>) -> Self {
        Self { blend, ..self }
    }

    /// The same, with lists laid out like this instead of in the order of their scores.
    #[must_use]
    pub fn with_slate(self, slate: Slate) -> Self {
        Self { slate, ..self }
    }

    /// How lists are laid out.
    pub fn slate(&self) -> &Slate {
        &self.slate
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

    /// The weight of a watched title at an age, by [`recency_weight`].
    pub fn recency_weight(&self, age: usize) -> f32 {
        recency_weight(age, self.recency_tau)
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

/// What a watched title weighs at an age (0 = the newest): `τ / (τ + age)`, half as much at the age τ as new.
///
/// What people need again fades by a power of time rather than by an exponential (Anderson and Schooler, Reflections of
/// the environment in memory, Psychological Science 2, 1991): what lies far back still counts for a little.
#[must_use]
pub fn recency_weight(age: usize, tau: f32) -> f32 {
    #[allow(clippy::cast_precision_loss, reason = "an age is below 200")]
    let age = age as f32;
    tau / (tau + age)
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule {} is out of its range", self.rule)
    }
}

impl core::error::Error for RulesError {}
