//! The windows of a node.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use units::{Millis, UnixMillis};

use crate::{Delta, Dimension, End, OTHER, Totals, Window, limits};

/// The windows that are open, for every value of every dimension.
///
/// Bounded by [`limits::OPEN_MAX`] windows of [`limits::values_max`] values each.
#[derive(Debug)]
pub struct Windows {
    settings: Settings,
    hasher: FixedState,
    // Invariant: numbers strictly rising, at most `OPEN_MAX`.
    open: Vec<Open>,
    /// Windows with a lower number are closed for good.
    closed_until: u64,
    /// What all sessions saw in windows that are not open any more.
    before: Totals,
    counts: Counts,
}

/// When a window closes, and what may come before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    lateness: Millis,
    ahead: Millis,
}

impl Default for Settings {
    /// 30 s of lateness: one heartbeat. A minute ahead: players' clocks are not better.
    fn default() -> Self {
        Self { lateness: Millis::new(30_000), ahead: Millis::new(60_000) }
    }
}

/// Why settings were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// Windows would be held for too long.
    TooLate {
        /// What was asked for.
        lateness: Millis,
    },
    /// Windows would be held before their time.
    TooFarAhead {
        /// What was asked for.
        ahead: Millis,
    },
}

impl SettingsError {
    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLate { .. } => "window-lateness",
            Self::TooFarAhead { .. } => "window-ahead",
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLate { lateness } => {
                write!(f, "windows wait {lateness} for late events, at most {} can be", limits::LATENESS_MAX)
            }
            Self::TooFarAhead { ahead } => {
                write!(f, "events may be {ahead} ahead, at most {} can be", limits::AHEAD_MAX)
            }
        }
    }
}

impl core::error::Error for SettingsError {}

impl Settings {
    /// `lateness`: how long a window waits after its end. `ahead`: how far in the future an event may be.
    pub fn new(lateness: Millis, ahead: Millis) -> Result<Self, SettingsError> {
        if lateness > limits::LATENESS_MAX {
            return Err(SettingsError::TooLate { lateness });
        }
        if ahead > limits::AHEAD_MAX {
            return Err(SettingsError::TooFarAhead { ahead });
        }
        Ok(Self { lateness, ahead })
    }
}

/// What became of a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It counts.
    Counted,
    /// Its window is closed.
    Late,
    /// Its time is too far in the future.
    Ahead,
    /// Too many windows are open: nobody closes them.
    Full,
}

/// Deltas by what became of them, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// [`Noted::Counted`].
    pub counted: u64,
    /// [`Noted::Late`].
    pub late: u64,
    /// [`Noted::Ahead`].
    pub ahead: u64,
    /// [`Noted::Full`].
    pub full: u64,
    /// Keys that went to [`OTHER`]: too long, empty, or too many of their dimension.
    pub other: u64,
}

impl Counts {
    /// Of two.
    #[must_use]
    pub fn merged(self, more: Self) -> Self {
        Self {
            counted: self.counted.saturating_add(more.counted),
            late: self.late.saturating_add(more.late),
            ahead: self.ahead.saturating_add(more.ahead),
            full: self.full.saturating_add(more.full),
            other: self.other.saturating_add(more.other),
        }
    }
}

impl Windows {
    /// No windows yet. `seed` should be secret: who knows it can make up values that collide.
    pub fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            hasher: FixedState::with_seed(seed),
            open: Vec::new(),
            closed_until: 0,
            before: Totals::default(),
            counts: Counts::default(),
        }
    }

    /// Adds a fold whose newest event was at `at` to each of the `keys`, which name a dimension once.
    /// [`Dimension::All`] is added unasked.
    pub fn note(
        &mut self,
        at: UnixMillis,
        now: UnixMillis,
        keys: &[(Dimension, &str)],
        delta: &Delta,
    ) -> Noted {
        let index = self.place(at, now);
        if let Ok(index) = index {
            let number = number(at);
            let is_new_here = delta.previous_at.is_none_or(|previous| self::number(previous) < number);
            self.each(index, keys, |totals| totals.add(delta, is_new_here));
        }
        self.counted(index)
    }

    /// Adds what a session came to that has been silent for so long that nobody waits for its end, in the window of
    /// `now`: those of its events are long closed. It neither came nor left in that one.
    pub fn note_silent(&mut self, now: UnixMillis, keys: &[(Dimension, &str)], end: &End) -> Noted {
        let index = self.place(now, now);
        if let Ok(index) = index {
            self.each(index, keys, |totals| totals.add_end(end));
        }
        self.counted(index)
    }

    fn counted<T>(&mut self, place: Result<T, Noted>) -> Noted {
        let noted = place.err().unwrap_or(Noted::Counted);
        let count = match noted {
            Noted::Counted => &mut self.counts.counted,
            Noted::Late => &mut self.counts.late,
            Noted::Ahead => &mut self.counts.ahead,
            Noted::Full => &mut self.counts.full,
        };
        *count = count.saturating_add(1);
        noted
    }

    /// Where the open window of a time is, which begins with it; why there is none otherwise.
    fn place(&mut self, at: UnixMillis, now: UnixMillis) -> Result<usize, Noted> {
        if at.saturating_since(now) > self.settings.ahead {
            return Err(Noted::Ahead);
        }
        let number = number(at);
        if number < self.closed_until || self.is_over(number, now) {
            return Err(Noted::Late);
        }
        match self.open.iter().rposition(|open| open.number <= number) {
            Some(index) if self.open[index].number == number => Ok(index),
            _ if self.open.len() >= limits::OPEN_MAX => Err(Noted::Full),
            before => {
                let index = before.map_or(0, |before| before + 1);
                self.open.insert(index, Open::new(number));
                Ok(index)
            }
        }
    }

    /// Adds to the whole of an open window, and to each value.
    fn each(&mut self, index: usize, keys: &[(Dimension, &str)], add: impl Fn(&mut Totals)) {
        let open = &mut self.open[index];
        add(&mut open.all);
        for &(dimension, value) in keys {
            if dimension == Dimension::All {
                continue;
            }
            let (totals, is_other) = open.totals(&self.hasher, dimension, value);
            add(totals);
            self.counts.other = self.counts.other.saturating_add(u64::from(is_other));
        }
    }

    /// The windows that nothing can come late to any more, by time, dimension and value.
    pub fn close(&mut self, now: UnixMillis) -> Vec<Window> {
        let over = self.open.iter().take_while(|open| self.is_over(open.number, now)).count();
        let closed: Vec<Open> = self.open.drain(..over).collect();
        closed.iter().for_each(|open| self.before.merge(&open.all));
        // What is over stays over, also if nothing was seen in it, and if the clock is set back.
        let ended = now.get().saturating_sub(self.settings.lateness.get()) / limits::WINDOW.get();
        self.closed_until = self.closed_until.max(ended);
        windows(closed)
    }

    /// All windows as they are, for a node that stops: they are parts, as those of another node are.
    pub fn drain(&mut self) -> Vec<Window> {
        self.open.iter().for_each(|open| self.before.merge(&open.all));
        windows(core::mem::take(&mut self.open))
    }

    /// What all sessions saw in all windows so far, open ones among them; it never falls but by
    /// [`forget`](Self::forget).
    pub fn so_far(&self) -> Totals {
        let mut totals = self.before.clone();
        self.open.iter().for_each(|open| totals.merge(&open.all));
        totals
    }

    /// Lets go of the windows up to the one that starts at `start`, for a node that told of them before it started
    /// again; what comes in their time from now on is a part of its own.
    pub fn forget(&mut self, start: UnixMillis) {
        let number = number(start);
        self.open.retain(|open| open.number > number);
    }

    /// Windows that start before this are closed.
    pub fn closed_until(&self) -> UnixMillis {
        UnixMillis::new(self.closed_until.saturating_mul(limits::WINDOW.get()))
    }

    /// What became of the deltas so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Values held, of all open windows.
    pub fn len(&self) -> usize {
        self.open.iter().map(|open| open.cells.len() + 1).sum()
    }

    /// Whether no window is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    fn is_over(&self, number: u64, now: UnixMillis) -> bool {
        let end = number.saturating_add(1).saturating_mul(limits::WINDOW.get());
        end.saturating_add(self.settings.lateness.get()) <= now.get()
    }
}

fn number(at: UnixMillis) -> u64 {
    at.get() / limits::WINDOW.get()
}

fn windows(open: Vec<Open>) -> Vec<Window> {
    let mut windows = Vec::with_capacity(open.iter().map(|open| open.cells.len() + 1).sum());
    for Open { number, all, cells, .. } in open {
        let start = UnixMillis::new(number.saturating_mul(limits::WINDOW.get()));
        let from = windows.len();
        let value = Box::from(Dimension::All.name());
        windows.push(Window { start, dimension: Dimension::All, value, totals: all });
        windows.extend(cells.into_iter().map(|cell| Window {
            start,
            dimension: cell.dimension,
            value: cell.value,
            totals: cell.totals,
        }));
        windows[from..].sort_unstable_by(|a, b| (a.dimension, &a.value).cmp(&(b.dimension, &b.value)));
    }
    windows
}

#[derive(Debug)]
struct Open {
    number: u64,
    all: Totals,
    cells: Vec<Cell>,
    // Places in `cells`, with the hash beside it: a look into a cell is a cache miss.
    index: HashTable<Place>,
    /// Values by dimension, `OTHER` apart.
    values: [u32; Dimension::EVERY.len()],
    /// The cell of each dimension that was found last: of some dimensions nearly every session has the same value.
    latest: [u32; Dimension::EVERY.len()],
}

#[derive(Debug)]
struct Place {
    hash: u64,
    cell: u32,
}

#[derive(Debug)]
struct Cell {
    dimension: Dimension,
    value: Box<str>,
    totals: Totals,
}

impl Cell {
    fn is(&self, dimension: Dimension, value: &str) -> bool {
        self.dimension == dimension && *self.value == *value
    }
}

impl Open {
    fn new(number: u64) -> Self {
        Self {
            number,
            all: Totals::default(),
            cells: Vec::new(),
            index: HashTable::new(),
            values: Default::default(),
            latest: Default::default(),
        }
    }

    /// The totals of a value, and whether they are those of `OTHER` instead.
    fn totals(&mut self, hasher: &FixedState, dimension: Dimension, value: &str) -> (&mut Totals, bool) {
        let latest = self.latest[dimension as usize] as usize;
        if self.cells.get(latest).is_some_and(|cell| cell.is(dimension, value)) {
            return (&mut self.cells[latest].totals, false);
        }
        if !value.is_empty() && value.len() <= limits::VALUE_BYTES_MAX {
            let hash = hasher.hash_one((dimension, value));
            if let Some(cell) = self.find(hash, dimension, value) {
                self.latest[dimension as usize] = cell as u32;
                return (&mut self.cells[cell].totals, false);
            }
            let values = &mut self.values[dimension as usize];
            if *values < limits::values_max(dimension) || value == OTHER {
                *values += u32::from(value != OTHER);
                return (self.insert(hash, dimension, value), false);
            }
        }
        let hash = hasher.hash_one((dimension, OTHER));
        let totals = match self.find(hash, dimension, OTHER) {
            Some(cell) => &mut self.cells[cell].totals,
            None => self.insert(hash, dimension, OTHER),
        };
        (totals, true)
    }

    fn find(&self, hash: u64, dimension: Dimension, value: &str) -> Option<usize> {
        let place = self
            .index
            .find(hash, |place| place.hash == hash && self.cells[place.cell as usize].is(dimension, value));
        place.map(|place| place.cell as usize)
    }

    fn insert(&mut self, hash: u64, dimension: Dimension, value: &str) -> &mut Totals {
        let index = self.cells.len();
        self.cells.push(Cell { dimension, value: Box::from(value), totals: Totals::default() });
        // `values_max` keeps the number of cells far below 2^32.
        self.index.insert_unique(hash, Place { hash, cell: index as u32 }, |place| place.hash);
        &mut self.cells[index].totals
    }
}

#[cfg(test)]
mod tests;
