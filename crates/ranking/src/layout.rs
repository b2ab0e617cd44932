//! From titles in order to a list: maximal marginal relevance within caps, around the places that are taken.
//!
//! Carbonell and Goldstein: The use of MMR, diversity-based reranking, SIGIR 1998. At each free place stands the
//! title with the highest `λ · relevance − (1 − λ) · most alike`, where `most alike` is the highest
//! [`similarity`] to any title that has a place, the operator's included. Relevance is 1 for the first of the titles
//! that the viewer's own scores order, 0 for the last of them and for what only fills the list, and linear in the
//! score between: so λ means the same for a row score, a logit and a popularity. Ties keep the order there was.

use alloc::vec;
use alloc::vec::Vec;

use crate::candidates::Columns;
use crate::similarity::similarity;
use crate::slate::Slate;

/// Titles in order, of which a list is laid out.
pub(crate) struct Pool<'a> {
    /// Falling score and place in the columns.
    pub(crate) ordered: &'a [(f32, u32)],
    /// The first so many have scores of one scale.
    pub(crate) own: usize,
}

/// Titles that an operator has placed, as far as they may be shown: places in the columns.
#[derive(Debug, Default)]
pub(crate) struct Placed {
    /// With their places, from 0.
    pub(crate) pinned: Vec<(usize, u32)>,
    /// The best for the viewer first, no more than a list may have.
    pub(crate) promoted: Vec<u32>,
}

/// A title of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Laid {
    pub(crate) index: u32,
    pub(crate) score: f32,
    pub(crate) how: How,
}

/// How a title came to its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum How {
    /// By its own merit.
    Ordered,
    /// An operator fixed its place.
    Pinned,
    /// An operator promotes it.
    Promoted,
    /// It was drawn, with this probability.
    Explored(f32),
}

/// Lays out `count` titles, or all that there are; a seed fills the place that explores.
pub(crate) fn lay_out(
    columns: &Columns,
    slate: &Slate,
    pool: &Pool<'_>,
    placed: &Placed,
    count: usize,
    seed: Option<u32>,
) -> Vec<Laid> {
    let settings = slate.settings();
    let mut list = List {
        columns,
        lambda: settings.lambda,
        genre_picks_max: settings.genre_picks_max,
        slots: vec![None; count],
        left: pool.candidates(),
        lowest: pool.ordered.last().map_or(0.0, |&(score, _)| score),
        genre_picks: [0; GENRES],
        full: 0,
    };
    let explored = seed.and_then(|seed| Some((place(settings.exploration_place, count)?, seed)));
    for &(at, index) in &placed.pinned {
        list.seat(at, index, How::Pinned);
    }
    let explored_at = explored.map(|(at, _)| at);
    for &index in &placed.promoted {
        if let Some(at) = list.free(explored_at) {
            list.seat(at, index, How::Promoted);
        }
    }
    while let Some(at) = list.free(explored_at) {
        let Some(best) = list.best() else { break };
        list.take(at, best, How::Ordered);
    }
    if let Some((at, seed)) = explored {
        list.explore(at, seed);
    }
    list.slots.into_iter().flatten().collect()
}

/// A place of a list counted from 0, if the list has it; `place` counts from 1, 0 = none.
pub(crate) fn place(place: u32, count: usize) -> Option<usize> {
    (place as usize).checked_sub(1).filter(|&at| at < count)
}

/// A list in the making.
struct List<'a> {
    columns: &'a Columns,
    lambda: f32,
    genre_picks_max: u32,
    slots: Vec<Option<Laid>>,
    /// Who has no place yet, in order.
    left: Vec<Candidate>,
    /// Score of the last in the order.
    lowest: f32,
    genre_picks: [u32; GENRES],
    /// One bit a genre that may not have another title.
    full: u32,
}

/// Who may get a place.
#[derive(Clone, Copy)]
struct Candidate {
    index: u32,
    score: f32,
    relevance: f32,
    /// To whom has a place.
    most_alike: f32,
}

impl Pool<'_> {
    fn candidates(&self) -> Vec<Candidate> {
        let own = &self.ordered[..self.own.min(self.ordered.len())];
        let high = own.first().map_or(0.0, |&(score, _)| f64::from(score));
        let low = own.last().map_or(0.0, |&(score, _)| f64::from(score));
        let relevance = |at: usize, score: f32| match (at < own.len(), high > low) {
            (false, _) => 0.0,
            (true, false) => 1.0,
            // Wider than the scores, whose difference may have no f32.
            (true, true) => ((f64::from(score) - low) / (high - low)) as f32,
        };
        let candidate = |(at, &(score, index)): (usize, &(f32, u32))| Candidate {
            index,
            score,
            relevance: relevance(at, score),
            most_alike: 0.0,
        };
        self.ordered.iter().enumerate().map(candidate).collect()
    }
}

impl List<'_> {
    /// The first free place that is not kept.
    fn free(&self, kept: Option<usize>) -> Option<usize> {
        (0..self.slots.len()).find(|&at| self.slots[at].is_none() && Some(at) != kept)
    }

    /// Places a title that an operator chose, wherever it stands in the order.
    fn seat(&mut self, at: usize, index: u32, how: How) {
        match self.left.iter().position(|candidate| candidate.index == index) {
            Some(found) => self.take(at, found, how),
            // Not among the best: at most as good as the last of them.
            None => self.put(at, Laid { index, score: self.lowest, how }),
        }
    }

    fn take(&mut self, at: usize, candidate: usize, how: How) {
        let Candidate { index, score, .. } = self.left.remove(candidate);
        self.put(at, Laid { index, score, how });
    }

    fn put(&mut self, at: usize, laid: Laid) {
        self.slots[at] = Some(laid);
        let genres = self.columns.genres[laid.index as usize];
        for genre in (0..GENRES).filter(|genre| genres >> genre & 1 == 1) {
            self.genre_picks[genre] += 1;
            if self.genre_picks_max > 0 && self.genre_picks[genre] >= self.genre_picks_max {
                self.full |= 1 << genre;
            }
        }
        // With λ = 1 nobody asks how much titles are alike.
        if self.lambda < 1.0 {
            for candidate in &mut self.left {
                let alike = similarity(self.columns, laid.index as usize, candidate.index as usize);
                candidate.most_alike = libm::fmaxf(candidate.most_alike, alike);
            }
        }
    }

    fn is_within_caps(&self, candidate: &Candidate) -> bool {
        self.columns.genres[candidate.index as usize] & self.full == 0
    }

    /// Who comes next: within the caps before beyond them, then the highest marginal relevance, then the order.
    fn best(&self) -> Option<usize> {
        let key = |candidate: &Candidate| {
            let marginal = self.lambda * candidate.relevance - (1.0 - self.lambda) * candidate.most_alike;
            (self.is_within_caps(candidate), marginal)
        };
        let mut best: Option<(usize, (bool, f32))> = None;
        for (at, candidate) in self.left.iter().enumerate() {
            let own = key(candidate);
            if best.is_none_or(|(_, best)| (own.0 & !best.0) || (own.0 == best.0 && own.1 > best.1)) {
                best = Some((at, own));
            }
        }
        best.map(|(at, _)| at)
    }

    /// Fills a place by drawing among those left, all alike; without anyone within the caps, by merit.
    fn explore(&mut self, at: usize, seed: u32) {
        let pool: Vec<usize> =
            (0..self.left.len()).filter(|&at| self.is_within_caps(&self.left[at])).collect();
        match draw(seed, pool.len()) {
            Some(drawn) => {
                #[allow(clippy::cast_precision_loss, reason = "a pool has a few hundred titles")]
                let propensity = 1.0 / pool.len() as f32;
                self.take(at, pool[drawn], How::Explored(propensity));
            }
            None => {
                if let Some(best) = self.best() {
                    self.take(at, best, How::Ordered);
                }
            }
        }
    }
}

/// A number below `among` from a seed, each with equal probability over all seeds but for 2⁻³² of it; none below 0.
///
/// The seed is mixed first (the finaliser of MurmurHash3, Appleby 2011, one to one over 32 bits), so that seeds that
/// follow each other do not draw neighbours.
fn draw(seed: u32, among: usize) -> Option<usize> {
    let mut mixed = seed;
    mixed = (mixed ^ mixed >> 16).wrapping_mul(0x85eb_ca6b);
    mixed = (mixed ^ mixed >> 13).wrapping_mul(0xc2b2_ae35);
    mixed ^= mixed >> 16;
    let drawn = (u64::from(mixed) * among as u64) >> 32;
    usize::try_from(drawn).ok().filter(|&drawn| drawn < among)
}

/// Genres that a bitset can hold.
const GENRES: usize = 32;
