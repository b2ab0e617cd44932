//! The media a player holds.

use units::Millis;

use crate::InputError;

/// How full a player's buffer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    // Invariant: 0 < segment <= max and level <= max.
    level: Millis,
    max: Millis,
    segment: Millis,
}

impl Buffer {
    /// Nothing, in a buffer for a segment of a second: what stands where no buffer was read.
    pub(crate) const EMPTY: Self =
        Self { level: Millis::ZERO, max: Millis::new(1_000), segment: Millis::new(1_000) };

    /// Checks that the buffer can hold a segment. A level above `max` counts as full: players overshoot
    /// by the segment that was on its way.
    pub fn new(level: Millis, max: Millis, segment: Millis) -> Result<Self, InputError> {
        if segment == Millis::ZERO || segment > max {
            return Err(InputError::BufferTooSmall);
        }
        Ok(Self { level: level.min(max), max, segment })
    }

    /// Media in the buffer, at most [`Buffer::max`].
    pub fn level(&self) -> Millis {
        self.level
    }

    /// Media the buffer can hold, at least one segment.
    pub fn max(&self) -> Millis {
        self.max
    }

    /// Length of a segment, above 0.
    pub fn segment(&self) -> Millis {
        self.segment
    }

    /// [`Buffer::level`] in seconds.
    pub(crate) fn level_s(&self) -> f64 {
        seconds(self.level)
    }

    /// [`Buffer::max`] in seconds.
    pub(crate) fn max_s(&self) -> f64 {
        seconds(self.max)
    }

    /// [`Buffer::segment`] in seconds.
    pub(crate) fn segment_s(&self) -> f64 {
        seconds(self.segment)
    }

    /// Whether less than two segments are left: one being played and none in reserve, so that a
    /// single slow download stops the picture.
    pub fn is_low(&self) -> bool {
        self.level < self.segment.saturating_add(self.segment)
    }
}

/// Exact: lengths are far below 2^53 ms, and an absurd one only needs to stay large.
pub(crate) fn seconds(length: Millis) -> f64 {
    length.get() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use units::Millis;

    use super::Buffer;
    use crate::InputError;

    fn buffer(level: u64, max: u64, segment: u64) -> Result<Buffer, InputError> {
        Buffer::new(Millis::new(level), Millis::new(max), Millis::new(segment))
    }

    #[test]
    fn refuses_a_buffer_that_cannot_hold_a_segment() {
        assert_eq!(buffer(0, 60_000, 0), Err(InputError::BufferTooSmall));
        assert_eq!(buffer(0, 3_999, 4_000), Err(InputError::BufferTooSmall));
        assert!(buffer(0, 4_000, 4_000).is_ok());
    }

    #[test]
    fn an_overshoot_counts_as_full() {
        assert_eq!(buffer(64_000, 60_000, 4_000).unwrap().level(), Millis::new(60_000));
    }

    #[test]
    fn is_low_below_two_segments() {
        assert!(buffer(7_999, 60_000, 4_000).unwrap().is_low());
        assert!(!buffer(8_000, 60_000, 4_000).unwrap().is_low());
    }
}
