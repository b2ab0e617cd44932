//! The stalls of a session, told in three ways.
//!
//! A player tells a stall by its start and end, by the time stalled so far, or by the time stalled since its
//! last report, and some tell it in two ways. Its own measure goes before ours, and nothing is added up
//! twice:
//!
//! 1. Between reports of its own measure, stalled time is what passes from a start to an end.
//! 2. A report of its own measure sets the total to what it says. What was played too much becomes stalled
//!    and the other way round, so that their sum stays what has passed.
//! 3. A rise of its own measure while no start and end was seen since the last is a stall of its own.
//! 4. Time stalled so far goes before time stalled since; the latter is no longer read once the former came.

use units::Millis;

use crate::counter::Counter;
use crate::limits;

/// Stalls so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waits {
    pub(crate) stalled: Millis,
    /// The longest stall but for the one that is on.
    pub(crate) longest: Millis,
    /// Stalled time that fades as the title goes on.
    pub(crate) recent: Millis,
    /// The time played when the last stall ended.
    pub(crate) last_at_played: Option<Millis>,
    /// Stalls by start and end, and the stall that is on, if it counts.
    pub(crate) seen: u32,
    pub(crate) is_open: bool,
    /// Whether a position was told in it: one further on then says that it is over.
    pub(crate) is_placed: bool,
    pub(crate) open: Millis,
    /// Stalls by a rise of the player's own measure.
    pub(crate) risen: u32,
    /// The player's own count.
    pub(crate) buffering: Counter,
    /// The player's own measure in milliseconds: what it has risen to, and whether that was by totals.
    pub(crate) told: Counter,
    pub(crate) is_told_total: bool,
    /// A start of buffering that came late, and an end without a start: halves of a stall.
    pub(crate) half_start: Option<units::UnixMillis>,
    pub(crate) half_end: Option<units::UnixMillis>,
}

impl Waits {
    /// A player reports stalls as events, as a count, by their time, or in all ways: never their sum.
    pub(crate) fn count(&self) -> u32 {
        self.seen.max(self.buffering.total).max(self.risen)
    }

    /// A stall that a viewer sees begins, unless one is on.
    pub(crate) fn open(&mut self) {
        if !self.is_open {
            self.is_open = true;
            self.is_placed = false;
            self.open = Millis::ZERO;
            self.seen = self.seen.saturating_add(1);
        }
    }

    /// The longest stall so far.
    pub(crate) fn longest(&self) -> Millis {
        if self.is_open { self.longest.max(self.open) } else { self.longest }
    }

    /// The stall that is on, if any, is over.
    pub(crate) fn close(&mut self, played: Millis) {
        if self.is_open {
            self.longest = self.longest();
            self.is_open = false;
            self.is_placed = false;
            self.last_at_played = Some(played);
        }
    }

    /// The stall that is on goes on.
    pub(crate) fn pass(&mut self, passed: Millis) {
        self.open = total(self.open, passed);
        self.add(passed);
    }

    /// The stall that is on was over so long ago: since then it was played.
    pub(crate) fn give_back(&mut self, ago: Millis, played: &mut Millis) {
        let ago = ago.min(self.open).min(self.stalled);
        self.open = self.open.saturating_sub(ago);
        self.stalled = self.stalled.saturating_sub(ago);
        self.recent = self.recent.saturating_sub(ago);
        *played = total(*played, ago);
    }

    /// The title goes on: earlier stalls fade.
    pub(crate) fn fade(&mut self, passed: Millis) {
        if self.recent > Millis::ZERO {
            let kept = libm::exp(-(passed.get() as f64) / FADE_MS);
            self.recent = Millis::new((self.recent.get() as f64 * kept) as u64);
        }
    }

    /// A stall of this length that was counted as playing.
    pub(crate) fn correct(&mut self, stall: Millis, played: &mut Millis) {
        let stall = stall.min(*played);
        *played = played.saturating_sub(stall);
        self.add(stall);
        self.longest = self.longest.max(stall);
        self.last_at_played = Some(*played);
    }

    /// The player's own measure: rule 2 and 3.
    pub(crate) fn tell(&mut self, so_far: Option<u32>, more: Option<u32>, played: &mut Millis) {
        let before = Millis::new(u64::from(self.told.total));
        match (so_far, more) {
            (Some(so_far), _) if self.is_told_total => self.told.read(so_far),
            (Some(so_far), _) => {
                self.is_told_total = true;
                self.told = Counter { last: so_far, total: so_far.max(self.told.total) };
            }
            (None, Some(more)) if !self.is_told_total => {
                self.told.total = self.told.total.saturating_add(more);
            }
            (None, _) => return,
        }
        let told = Millis::new(u64::from(self.told.total));
        let rise = told.saturating_sub(self.stalled).min(*played);
        if rise > Millis::ZERO && self.stalled <= before && !self.is_open {
            self.risen = self.risen.saturating_add(1);
            self.correct(rise, played);
        } else if told >= self.stalled {
            *played = played.saturating_sub(rise);
            self.add(rise);
        } else {
            let fall = self.stalled.saturating_sub(told);
            *played = total(*played, fall);
            self.stalled = told;
            self.recent = self.recent.saturating_sub(fall);
        }
    }

    fn add(&mut self, stall: Millis) {
        self.stalled = total(self.stalled, stall);
        self.recent = total(self.recent, stall);
    }
}

/// The sum, within the limit.
pub(crate) fn total(sum: Millis, more: Millis) -> Millis {
    sum.saturating_add(more).min(limits::TOTAL_MAX)
}

/// How long the title must go on for a stall to fade to a third.
const FADE_MS: f64 = 15_000.0;
