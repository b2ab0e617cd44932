//! How a list is laid out once its titles have an order: variety, caps, places that an operator fills, and one that
//! explores. Part of the release's rules; [`Slate::default`] shows the order as it is.

use alloc::vec::Vec;

use crate::TitleId;
use crate::limits::{K_MAX, MERGED_SHARE_MAX, PINNED_MAX, PROMOTED_MAX};
use crate::rules::RulesError;

/// How lists are laid out, checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slate {
    settings: SlateSettings,
}

/// How lists are laid out, as an operator writes it.
#[derive(Clone, Debug, PartialEq)]
pub struct SlateSettings {
    /// λ of maximal marginal relevance, 0 to 1: 1 orders by relevance alone, 0 by novelty alone.
    pub lambda: f32,
    /// Share of what the region watches more than usual in a list, 0 to [`MERGED_SHARE_MAX`]: the chance, as the operator
    /// sees it, that a viewer's next title is one of those. Pages have a row for them instead.
    pub trending_share: f32,
    /// Likewise of what is new to the region.
    pub new_share: f32,
    /// Most titles of one genre in a list, at most [`K_MAX`]; 0 = any number. It yields only where every title left
    /// would break it.
    pub genre_picks_max: u32,
    /// Most promoted titles in a list, at most [`PROMOTED_MAX`].
    pub promoted_max: u32,
    /// The place, from 1, whose title is drawn when a request brings a seed, among the best
    /// [`SLATE_POOL`](crate::limits::SLATE_POOL) that the other places leave; 0 = none.
    pub exploration_place: u32,
    /// Titles with a place of their own, at most [`PINNED_MAX`].
    pub pinned: Vec<Pin>,
    /// Titles that come first, the viewer's favourites among them, at most [`PROMOTED_MAX`].
    pub promoted: Vec<TitleId>,
}

/// A title at a fixed place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// From 1 to [`K_MAX`]; a shorter list does without it.
    pub place: u32,
    /// Shown there if the filters let it pass.
    pub title: TitleId,
}

impl Default for SlateSettings {
    fn default() -> Self {
        Self {
            lambda: 1.0,
            trending_share: 0.0,
            new_share: 0.0,
            genre_picks_max: 0,
            promoted_max: 0,
            exploration_place: 0,
            pinned: Vec::new(),
            promoted: Vec::new(),
        }
    }
}

impl Slate {
    /// Checks the settings: ranges, and that no place and no title is given away twice.
    ///
    /// # Errors
    ///
    /// Names the first setting that does not hold.
    pub fn new(settings: SlateSettings) -> Result<Self, RulesError> {
        let refuse = |rule| Err(RulesError { rule });
        if !(0.0..=1.0).contains(&settings.lambda) {
            return refuse("lambda");
        }
        if !(0.0..=MERGED_SHARE_MAX).contains(&settings.trending_share) {
            return refuse("trending-share");
        }
        if !(0.0..=MERGED_SHARE_MAX).contains(&settings.new_share) {
            return refuse("new-share");
        }
        if settings.genre_picks_max > K_MAX {
            return refuse("genre-picks-max");
        }
        if settings.promoted_max as usize > PROMOTED_MAX {
            return refuse("promoted-max");
        }
        if settings.exploration_place > K_MAX {
            return refuse("exploration-place");
        }
        let places = settings.pinned.iter().map(|pin| pin.place);
        // The place that explores is nobody's own.
        let mut places: Vec<u32> = places.chain([settings.exploration_place]).collect();
        let out_of_range = settings.pinned.iter().any(|pin| pin.place == 0 || pin.place > K_MAX);
        if settings.pinned.len() > PINNED_MAX || out_of_range || repeats(&mut places) {
            return refuse("pinned");
        }
        let titles = settings.pinned.iter().map(|pin| pin.title);
        let mut titles: Vec<TitleId> = titles.chain(settings.promoted.iter().copied()).collect();
        if settings.promoted.len() > PROMOTED_MAX || repeats(&mut titles) {
            return refuse("promoted");
        }
        Ok(Self { settings })
    }

    /// The checked settings.
    pub fn settings(&self) -> &SlateSettings {
        &self.settings
    }

    /// Whether lists are shown in the order of their scores.
    pub fn is_plain(&self) -> bool {
        let SlateSettings {
            lambda, genre_picks_max, promoted_max, exploration_place, pinned, promoted, ..
        } = &self.settings;
        let places_none = pinned.is_empty() && (*promoted_max == 0 || promoted.is_empty());
        let is_ordered = *lambda >= 1.0 && *genre_picks_max == 0 && !self.is_merged();
        is_ordered && *exploration_place == 0 && places_none
    }

    /// Whether anything is mixed into lists.
    pub(crate) fn is_merged(&self) -> bool {
        self.settings.trending_share > 0.0 || self.settings.new_share > 0.0
    }
}

fn repeats(numbers: &mut [u32]) -> bool {
    numbers.sort_unstable();
    numbers.windows(2).any(|pair| pair[0] == pair[1])
}
