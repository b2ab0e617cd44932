//! A histogram of whole numbers that merges without loss.
//!
//! Numbers below 64 have a bucket each; above, every power of two is cut into 32 equal ones, so that the
//! middle of a bucket is within 1/64 (1.6 %) of every number in it. This is the log-linear layout of the
//! high dynamic range histograms. Count, sum, least and greatest are exact.

use alloc::vec::Vec;
use core::fmt;

/// Numbers seen, to within 1/64; numbers above [`Sketch::VALUE_MAX`] count as that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    // Invariant: places strictly rising and below `BUCKETS`, no count of 0.
    buckets: Vec<Bucket>,
    // Invariant: the sum of all counts, unless that is beyond `u64`.
    count: u64,
    sum: u64,
    // Invariant: 0 and 0 without numbers, else in the first and in the last bucket.
    min: u64,
    max: u64,
}

/// How many numbers fell into one bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Number of the bucket, rising with the numbers in it.
    pub place: u16,
    /// Numbers in it.
    pub count: u64,
}

/// Why parts make no sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SketchError {
    /// There is no such bucket.
    PlaceTooHigh {
        /// What was given.
        place: u16,
    },
    /// The bucket at `index` does not come after the one before it.
    NotRising {
        /// Where in the list.
        index: usize,
    },
    /// The bucket at `index` is empty: a sketch lists only what it has.
    Empty {
        /// Where in the list.
        index: usize,
    },
    /// The least or greatest number is not in the first or last bucket.
    BoundsElsewhere {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
}

impl SketchError {
    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PlaceTooHigh { .. } => "sketch-place",
            Self::NotRising { .. } => "sketch-not-rising",
            Self::Empty { .. } => "sketch-empty-bucket",
            Self::BoundsElsewhere { .. } => "sketch-bounds",
        }
    }
}

impl fmt::Display for SketchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlaceTooHigh { place } => write!(f, "a sketch has no bucket {place}"),
            Self::NotRising { index } => write!(f, "bucket {index} of a sketch is not after the one before"),
            Self::Empty { index } => write!(f, "bucket {index} of a sketch counts nothing"),
            Self::BoundsElsewhere { min, max } => {
                write!(f, "{min} to {max} is not from the first to the last bucket of a sketch")
            }
        }
    }
}

impl core::error::Error for SketchError {}

impl Sketch {
    /// Greater numbers count as this: 2^40, or 35 years in milliseconds.
    pub const VALUE_MAX: u64 = 1 << 40;

    /// Buckets there are.
    pub const BUCKETS: u16 = place(Self::VALUE_MAX) + 1;

    /// From what [`Sketch::buckets`], [`Sketch::sum`], [`Sketch::min`] and [`Sketch::max`] gave.
    pub fn from_parts(buckets: Vec<Bucket>, sum: u64, min: u64, max: u64) -> Result<Self, SketchError> {
        let mut count = 0_u64;
        for (index, bucket) in buckets.iter().enumerate() {
            if bucket.place >= Self::BUCKETS {
                return Err(SketchError::PlaceTooHigh { place: bucket.place });
            }
            if index > 0 && buckets[index - 1].place >= bucket.place {
                return Err(SketchError::NotRising { index });
            }
            if bucket.count == 0 {
                return Err(SketchError::Empty { index });
            }
            count = count.saturating_add(bucket.count);
        }
        let bounds_fit = match (buckets.first(), buckets.last()) {
            (Some(first), Some(last)) => {
                min <= max && max <= Self::VALUE_MAX && place(min) == first.place && place(max) == last.place
            }
            _ => (sum, min, max) == (0, 0, 0),
        };
        if !bounds_fit {
            return Err(SketchError::BoundsElsewhere { min, max });
        }
        Ok(Self { buckets, count, sum, min, max })
    }

    /// Counts one number.
    pub fn add(&mut self, value: u64) {
        let value = value.min(Self::VALUE_MAX);
        let (min, max) = if self.count == 0 { (value, value) } else { (self.min, self.max) };
        (self.min, self.max) = (min.min(value), max.max(value));
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(value);
        let place = place(value);
        match self.buckets.binary_search_by_key(&place, |bucket| bucket.place) {
            Ok(index) => self.buckets[index].count = self.buckets[index].count.saturating_add(1),
            Err(index) => self.buckets.insert(index, Bucket { place, count: 1 }),
        }
    }

    /// Counts what the other one counted, as if both were one.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            self.clone_from(other);
            return;
        }
        // Two rising runs: the sort only merges them.
        self.buckets.extend_from_slice(&other.buckets);
        self.buckets.sort_by_key(|bucket| bucket.place);
        self.buckets.dedup_by(|next, kept| {
            let is_same = next.place == kept.place;
            if is_same {
                kept.count = kept.count.saturating_add(next.count);
            }
            is_same
        });
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.saturating_add(other.sum);
        (self.min, self.max) = (self.min.min(other.min), self.max.max(other.max));
    }

    /// The least number that at least `per_mille` thousandths of all do not exceed (nearest rank), to
    /// within 1/64; none without numbers. 500 is the median, 1,000 and more the greatest.
    pub fn quantile(&self, per_mille: u16) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let per_mille = u128::from(per_mille.min(1_000));
        let rank = (u128::from(self.count) * per_mille).div_ceil(1_000).max(1);
        let mut seen = 0_u128;
        let bucket = self.buckets.iter().find(|bucket| {
            seen += u128::from(bucket.count);
            seen >= rank
        });
        // Counts that reached their end add up to more than `count`, never to less.
        Some(bucket.map_or(self.max, |bucket| middle(bucket.place).clamp(self.min, self.max)))
    }

    /// Numbers counted that are not above `bound`, and of those above it perhaps some by less than 1/32. It never falls
    /// when more are counted.
    pub fn count_to(&self, bound: u64) -> u64 {
        let last = place(bound.min(Self::VALUE_MAX));
        let until = self.buckets.iter().take_while(|bucket| bucket.place <= last);
        until.fold(0, |count, bucket| count.saturating_add(bucket.count))
    }

    /// Numbers counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Their mean; none without numbers.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The least; none without numbers.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The greatest; none without numbers.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// What was counted, by rising bucket.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }
}

/// 32 buckets a power of two.
const MANTISSA_BITS: u32 = 5;

const fn place(value: u64) -> u16 {
    let bits = u64::BITS - value.leading_zeros();
    let shift = bits.saturating_sub(MANTISSA_BITS + 1);
    // At most 1,152: the value is at most 2^40.
    ((shift << MANTISSA_BITS) as u64 + (value >> shift)) as u16
}

const fn middle(place: u16) -> u64 {
    let place = place as u64;
    let shift = (place >> MANTISSA_BITS).saturating_sub(1);
    let least = (place - (shift << MANTISSA_BITS)) << shift;
    // The last number of the bucket is `least + 2^shift - 1`.
    least + (((1 << shift) - 1) >> 1)
}

#[cfg(test)]
mod tests;
