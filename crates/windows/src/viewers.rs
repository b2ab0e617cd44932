//! Who is watching what, now.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::{OTHER, limits};

/// Concurrent viewers by title, with what changed since.
///
/// A title that is too long, or one more than [`limits::VIEWED_TITLES_MAX`], counts under
/// [`crate::OTHER`]. No count goes below zero: who leaves without having come is counted as unmatched.
#[derive(Debug)]
pub struct Viewers {
    places: HashMap<Box<str>, usize, FixedState>,
    // Invariant: at most `VIEWED_TITLES_MAX`; the place of `OTHER` is not one of them.
    titles: Vec<Title>,
    other: Title,
    total: u64,
    /// Rises with every change.
    version: u64,
    // Places in `titles` by the version of their last change, and those of them that nobody watches.
    changed: BTreeMap<u64, usize>,
    empty: BTreeMap<u64, usize>,
    /// The newest version of a title that was forgotten.
    forgotten: u64,
    unmatched: u64,
}

#[derive(Debug)]
struct Title {
    name: Box<str>,
    viewers: u64,
    version: u64,
}

impl Title {
    fn new(name: &str) -> Self {
        // No change has version 0.
        Self { name: Box::from(name), viewers: 0, version: 0 }
    }
}

/// What changed since a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Whether these are all titles there are: what is not here has no viewers.
    pub is_whole: bool,
    /// Titles with their viewers as they are now.
    pub titles: Vec<(Box<str>, u64)>,
    /// Viewers of all titles as they are now.
    pub total: u64,
    /// For the next call.
    pub cursor: u64,
}

impl Viewers {
    /// Nobody yet. `seed` should be secret: who knows it can make up titles that collide.
    pub fn new(seed: u64) -> Self {
        Self {
            places: HashMap::with_hasher(FixedState::with_seed(seed)),
            titles: Vec::new(),
            other: Title::new(OTHER),
            total: 0,
            version: 0,
            changed: BTreeMap::new(),
            empty: BTreeMap::new(),
            forgotten: 0,
            unmatched: 0,
        }
    }

    /// A session of this title has begun.
    pub fn joined(&mut self, title: &str) {
        self.version += 1;
        self.total = self.total.saturating_add(1);
        match self.place_for(title) {
            Some(place) => {
                let viewers = self.titles[place].viewers.saturating_add(1);
                self.set(place, viewers);
            }
            None => {
                self.other.viewers = self.other.viewers.saturating_add(1);
                self.other.version = self.version;
            }
        }
    }

    /// A session of this title has ended.
    pub fn left(&mut self, title: &str) {
        let place = self.places.get(title).copied().filter(|&place| self.titles[place].viewers > 0);
        // Who came when there was no place for the title leaves from where they were counted.
        if place.is_none() && self.other.viewers == 0 {
            self.unmatched = self.unmatched.saturating_add(1);
            return;
        }
        self.version += 1;
        self.total = self.total.saturating_sub(1);
        match place {
            Some(place) => {
                let viewers = self.titles[place].viewers - 1;
                self.set(place, viewers);
            }
            None => {
                self.other.viewers -= 1;
                self.other.version = self.version;
            }
        }
    }

    /// Viewers of this title, 0 when it is counted under [`crate::OTHER`].
    pub fn of(&self, title: &str) -> u64 {
        if title == OTHER {
            return self.other.viewers;
        }
        self.places.get(title).map_or(0, |&place| self.titles[place].viewers)
    }

    /// Viewers of all titles.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Sessions that ended without having begun.
    pub fn unmatched(&self) -> u64 {
        self.unmatched
    }

    /// The titles that changed since `cursor`, the longest unchanged first and at most `titles_max` (at
    /// least one) of them beside [`crate::OTHER`]; all that have viewers when the cursor is 0, from the future, or so old that a
    /// title was forgotten since.
    pub fn changes_since(&self, cursor: u64, titles_max: usize) -> Changes {
        let is_whole = cursor == 0 || cursor > self.version || cursor < self.forgotten;
        if is_whole {
            let watched = self.changed.values().map(|&place| &self.titles[place]).chain([&self.other]);
            let watched = watched.filter(|title| title.viewers > 0);
            let titles = watched.map(|title| (title.name.clone(), title.viewers)).collect();
            return Changes { is_whole, titles, total: self.total, cursor: self.version };
        }
        let mut newer = self.changed.range(cursor + 1..).map(|(&version, &place)| (version, place));
        let page: Vec<_> = newer.by_ref().take(titles_max.max(1)).collect();
        let last = page.last().map_or(self.version, |&(version, _)| version);
        let cursor_after = if newer.next().is_none() { self.version } else { last };
        let titles = page.iter().map(|&(_, place)| &self.titles[place]);
        let titles = titles.chain([&self.other].into_iter().filter(|other| other.version > cursor));
        let titles = titles.map(|title| (title.name.clone(), title.viewers)).collect();
        Changes { is_whole, titles, total: self.total, cursor: cursor_after }
    }

    /// Where this title is counted; makes a place when there is one.
    fn place_for(&mut self, title: &str) -> Option<usize> {
        if let Some(&place) = self.places.get(title) {
            return Some(place);
        }
        if title.is_empty() || title.len() > limits::VALUE_BYTES_MAX || title == OTHER {
            return None;
        }
        let place = if self.titles.len() < limits::VIEWED_TITLES_MAX {
            self.titles.push(Title::new(title));
            self.titles.len() - 1
        } else {
            // The title that has been without viewers for longest makes room.
            let (version, place) = self.empty.pop_first()?;
            self.changed.remove(&version);
            self.places.remove(&self.titles[place].name);
            self.forgotten = self.forgotten.max(version);
            self.titles[place] = Title::new(title);
            place
        };
        self.places.insert(Box::from(title), place);
        Some(place)
    }

    fn set(&mut self, place: usize, viewers: u64) {
        let title = &mut self.titles[place];
        self.changed.remove(&title.version);
        self.empty.remove(&title.version);
        (title.viewers, title.version) = (viewers, self.version);
        self.changed.insert(self.version, place);
        if viewers == 0 {
            self.empty.insert(self.version, place);
        }
    }
}

#[cfg(test)]
mod tests;
