//! How lists are laid out, as a manifest writes it.

use alloc::vec::Vec;

use ranking::{Pin, RulesError, Slate, SlateSettings, TitleId};
use serde::{Deserialize, Serialize};

/// How lists are laid out; see [`ranking::SlateSettings`]. What is left out shows the order as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlateEntry {
    /// λ of maximal marginal relevance.
    pub lambda: f32,
    /// Share of trends in a list.
    pub trending_share: f32,
    /// Share of new titles in a list.
    pub new_share: f32,
    /// Most titles of one genre in a list; 0 = any number.
    pub genre_picks_max: u32,
    /// Most promoted titles in a list.
    pub promoted_max: u32,
    /// The place, from 1, whose title is drawn; 0 = none.
    pub exploration_place: u32,
    /// Titles with a place of their own.
    pub pinned: Vec<PinEntry>,
    /// Titles that come first.
    pub promoted: Vec<TitleId>,
}

/// A title at a fixed place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinEntry {
    /// From 1.
    pub place: u32,
    /// Which.
    pub title: TitleId,
}

impl Default for SlateEntry {
    fn default() -> Self {
        let settings = SlateSettings::default();
        Self {
            lambda: settings.lambda,
            trending_share: settings.trending_share,
            new_share: settings.new_share,
            genre_picks_max: settings.genre_picks_max,
            promoted_max: settings.promoted_max,
            exploration_place: settings.exploration_place,
            pinned: Vec::new(),
            promoted: Vec::new(),
        }
    }
}

impl SlateEntry {
    /// The layout itself.
    ///
    /// # Errors
    ///
    /// Names the setting that does not hold.
    pub fn slate(&self) -> Result<Slate, RulesError> {
        Slate::new(SlateSettings {
            lambda: self.lambda,
            trending_share: self.trending_share,
            new_share: self.new_share,
            genre_picks_max: self.genre_picks_max,
            promoted_max: self.promoted_max,
            exploration_place: self.exploration_place,
            pinned: self.pinned.iter().map(|pin| Pin { place: pin.place, title: pin.title }).collect(),
            promoted: self.promoted.clone(),
        })
    }

    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
