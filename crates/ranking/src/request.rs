//! Questions and answers.

use alloc::vec::Vec;

use crate::limits::{FINISHED_SHARE, HISTORY_MAX, IN_PROGRESS_MAX, K_MAX};
use crate::{Error, TitleId};

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
    /// Any number: what is drawn follows from it, so draw it for each request. Without it nothing is explored.
    pub seed: Option<u32>,
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

/// One viewer's question for a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HomeRequest {
    /// Who asks, when; `k` is what a row may hold.
    pub request: Request,
    /// Titles begun and where they stand, oldest first; of a title twice the newest counts.
    pub in_progress: Vec<Progress>,
}

/// How far a title has been watched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Which; an unknown one is skipped.
    pub title: TitleId,
    /// Share of it that has been watched, 0 to 1.
    pub share: f32,
}

impl HomeRequest {
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.request.check()?;
        if self.in_progress.len() > IN_PROGRESS_MAX {
            return Err(Error::InProgressTooLong { titles: self.in_progress.len() });
        }
        match self.in_progress.iter().position(|progress| !(0.0..=1.0).contains(&progress.share)) {
            Some(index) => Err(Error::Share { index }),
            None => Ok(()),
        }
    }
}

impl Progress {
    pub(crate) fn is_finished(&self) -> bool {
        self.share >= FINISHED_SHARE
    }
}

/// Why a title was picked, or a row is on the page.
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
    /// The viewer has begun it.
    ContinueWatching,
    /// The region watches it more than usual.
    Trending,
    /// It came to the region of late.
    New,
    /// An operator gave it this place.
    Pinned,
    /// An operator promotes it.
    Promoted,
    /// It was drawn, to learn what else the viewer would like.
    Explored,
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
    /// The probability with which this title was drawn for this place; none for a place that is not drawn.
    pub propensity: Option<f32>,
}

/// Picks in the order to show them: falling score, ties by the lower title id, unless the release's [`Slate`] says
/// otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// `k` of them, or all that the filters leave.
    pub picks: Vec<Pick>,
    /// Candidates that passed the filters.
    pub eligible: u32,
    /// Whether the ranker ordered the best of them.
    pub ranked: bool,
}

/// Rows in the order to show them; no title is in two of them or in one twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// None is empty.
    pub rows: Vec<Row>,
    /// Candidates that passed the filters, those in progress left out.
    pub eligible: u32,
    /// Whether the ranker ordered the best of them.
    pub ranked: bool,
}

/// A row of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What its titles have in common.
    pub reason: Reason,
    /// In the order to show them; scores are comparable within the row only.
    pub picks: Vec<Pick>,
}

/// A title and its predicted rating.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Which.
    pub title: TitleId,
    /// On the scale of the ratings that trained the model.
    pub score: f32,
}
