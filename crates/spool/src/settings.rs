//! What an operator decides about a spool.

use std::fmt;
use std::sync::Arc;

use crate::{Notice, SpoolError, limits};

/// What an operator decides, and what the caller brings along.
#[derive(Clone)]
pub struct Settings {
    /// Random, of this opening: frames stored from now on carry it, those that are there keep theirs. A folder that
    /// was set back to an old image so never gives the same numbers to something else. 63 bits, since the origin's
    /// database has no unsigned numbers.
    pub epoch: u64,
    /// All segments together, as long as their files are; above it the oldest go. At least four segments.
    pub bytes_max: u64,
    /// A segment is closed when it has as many. 64 KiB to 64 MiB.
    pub segment_bytes: u64,
    /// What is older goes, sent or not; it may still lie unread where a segment is written over it, an eighth longer.
    /// Milliseconds.
    pub age_ms_max: u64,
    /// What was acknowledged stays as long, for [`crate::Spool::replay`]. Milliseconds.
    pub keep_ms: u64,
    /// Payload bytes that may wait to be written; above it [`crate::Spool::append`] refuses.
    pub waiting_bytes_max: usize,
    /// Told what happens, on the writer's thread: it must return at once.
    pub notify: Arc<dyn Fn(Notice) + Send + Sync>,
}

impl Settings {
    /// 8 GiB in segments of 32 MiB, three days, ten minutes kept, 64 MiB waiting, nobody told.
    pub fn new(epoch: u64) -> Self {
        Self {
            epoch,
            bytes_max: 8 << 30,
            segment_bytes: 32 << 20,
            age_ms_max: 3 * 24 * 3_600_000,
            keep_ms: 600_000,
            waiting_bytes_max: 64 << 20,
            notify: Arc::new(|_| ()),
        }
    }

    pub(crate) fn check(&self) -> Result<(), SpoolError> {
        let check = |field, value, min, max| {
            if (min..=max).contains(&value) {
                return Ok(());
            }
            Err(SpoolError::Setting { field, value, min, max })
        };
        check("epoch", self.epoch, 0, i64::MAX as u64)?;
        let segment = self.segment_bytes;
        check("segment_bytes", segment, limits::SEGMENT_BYTES_MIN, limits::SEGMENT_BYTES_MAX)?;
        check("bytes_max", self.bytes_max, segment.saturating_mul(limits::SEGMENTS_MIN), i64::MAX as u64)?;
        check("waiting_bytes_max", self.waiting_bytes_max as u64, limits::FRAME_BYTES_MAX as u64, 4 << 30)
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("epoch", &self.epoch)
            .field("bytes_max", &self.bytes_max)
            .field("segment_bytes", &self.segment_bytes)
            .field("age_ms_max", &self.age_ms_max)
            .field("keep_ms", &self.keep_ms)
            .field("waiting_bytes_max", &self.waiting_bytes_max)
            .finish_non_exhaustive()
    }
}
