//! What a node has taken in and the origin has not stored yet: a log on disk that survives a crash.
//!
//! A payload is stored when the function given with it is called with its number; from then on a process that is
//! killed, or a machine that loses power, still has it. One thread writes: it takes everything that waits, writes it
//! with one gathering write and one sync a lane, and then answers all who waited. Nothing lingers, so a single payload
//! on an idle node waits for its own sync only, and many at once share one.
//!
//! A frame is told apart by (lane, epoch, sequence), for ever: see [`Settings::epoch`]. Within a lane sequences rise
//! over all epochs of a folder; gaps mean that something was dropped or refused. Sending goes
//! [`Spool::read`] → the origin → [`Spool::acknowledge`]; an acknowledgement that a crash forgets means that a frame
//! is sent again, and the origin knows its number.
//!
//! What finished segments hold is noted beside them, so that opening reads the last of each lane, and any that is not as
//! it was noted.
//!
//! What does not fit is dropped from the old end, events before the records that sum them up, and counted.

mod acknowledged;
mod closed;
mod device;
mod error;
mod folder;
mod index;
pub mod limits;
mod queue;
mod read;
pub mod segment;
mod settings;
mod spool;
mod writer;

#[cfg(test)]
mod faults;

pub use error::SpoolError;
pub use read::{Cursor, Frame, Frames, Replay};
pub use settings::Settings;
pub use spool::{LaneStatus, Spool, Status};

pub use folder::Recovered;

/// Two series of frames, so that what sums up outlives the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Ended sessions, windows and decisions: small, and dropped last.
    Records,
    /// Events: many, and dropped first.
    Events,
}

impl Lane {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Records, Self::Events];

    /// In messages, file names and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Events => "events",
        }
    }

    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Records => 1,
            Self::Events => 2,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.number() == number)
    }

    pub(crate) fn index(self) -> usize {
        match self {
            Self::Records => 0,
            Self::Events => 1,
        }
    }
}

/// What happened without anybody asking.
#[derive(Clone, Debug)]
pub enum Notice {
    /// There is more to read.
    More(Lane),
    /// Frames that were not acknowledged have gone.
    Dropped {
        /// Whose.
        lane: Lane,
        /// What.
        dropped: Dropped,
    },
    /// Nothing is taken any more, see [`SpoolError::Broken`].
    Broken(SpoolError),
}

/// Frames that went before they were acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// How many.
    pub frames: u64,
    /// The records in them.
    pub records: u64,
    /// The bytes of their payloads.
    pub bytes: u64,
}

impl Dropped {
    /// A frame with this payload.
    pub(crate) fn frame(records: u32, payload: &[u8]) -> Self {
        Self { frames: 1, records: u64::from(records), bytes: payload.len() as u64 }
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.frames += more.frames;
        self.records += more.records;
        self.bytes += more.bytes;
    }
}
