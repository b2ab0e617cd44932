//! Figures, scores and summaries as records of fixed size: what crosses the border of a component by the
//! thousand.
//!
//! Little endian, without padding, each record led by 32 bits that say which of its optional numbers are
//! there (an absent one is written as zero) and hold its flags. A reader refuses bits and numbers that no
//! writer sets, so that a record has one form only; it never panics.

mod figures;
mod scores;
mod summary;

use alloc::vec::Vec;
use core::fmt;

pub use figures::{
    FIGURES_BYTES, PAIR_BYTES, Wanted, pack_figures, score_batch, unpack_figures, unpack_pair_batch,
};
pub use scores::{SCORES_BYTES, pack_scores, unpack_score_batch, unpack_scores};
pub use summary::{SUMMARY_BYTES, pack_summary, unpack_summary};

/// Of all that is packed; another is refused, never guessed at.
pub const VERSION: u32 = 1;

/// Why bytes were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedError {
    /// They are of another version; carries it.
    Version(u32),
    /// They end within a record, or go on after the last.
    Length(usize),
    /// There are more records than the limit; carries the limit.
    TooMany(usize),
    /// A record holds what no writer writes.
    Record,
}

impl PackedError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Version(_) => "packed-version",
            Self::Length(_) => "packed-length",
            Self::TooMany(_) => "packed-too-many",
            Self::Record => "packed-record",
        }
    }
}

impl fmt::Display for PackedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "packed by version {version}, not {VERSION}"),
            Self::Length(bytes) => write!(f, "{bytes} bytes are not a whole number of records"),
            Self::TooMany(max) => write!(f, "more than {max} records"),
            Self::Record => write!(f, "a record holds what nobody writes"),
        }
    }
}

impl core::error::Error for PackedError {}

/// Records to score in one call: more would hold an instance for long.
pub const SCORED_MAX: usize = 65_536;

/// Takes numbers off the front of a record; what is missing reads as zero, for lengths are checked before.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Of these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The next `N` bytes; none when fewer are left, and then all are taken.
    pub fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>().map_or((None, &[][..]), |(a, b)| (Some(*a), b));
        self.0 = rest;
        first
    }

    /// The next number of 8 bits.
    pub fn u8(&mut self) -> u8 {
        u8::from_le_bytes(self.bytes().unwrap_or_default())
    }

    /// The next number of 16 bits.
    pub fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes().unwrap_or_default())
    }

    /// The next number of 32 bits.
    pub fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes().unwrap_or_default())
    }

    /// The next number of 64 bits.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes().unwrap_or_default())
    }

    /// The next float.
    pub fn f64(&mut self) -> f64 {
        f64::from_bits(self.u64())
    }

    /// The next `count` bytes; none when fewer are left.
    pub fn slice(&mut self, count: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(first)
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// Presence bits of a record, taken and checked one by one.
pub struct Present {
    bits: u32,
    is_sound: bool,
}

impl Present {
    /// Of these bits.
    pub fn new(bits: u32) -> Self {
        Self { bits, is_sound: true }
    }

    /// Whether the lowest bit is set; the next one follows.
    #[inline]
    pub fn flag(&mut self) -> bool {
        let is_set = self.bits & 1 == 1;
        self.bits >>= 1;
        is_set
    }

    /// The number where the next bit says that it is there.
    #[inline]
    pub fn number<T: Default + PartialEq>(&mut self, number: T) -> Option<T> {
        let is_set = self.flag();
        self.is_sound &= is_set || number == T::default();
        is_set.then_some(number)
    }

    /// Whether every bit was taken, and what was absent was zero.
    pub fn is_sound(&self) -> bool {
        self.is_sound && self.bits == 0
    }
}

/// Gathers presence bits in the order in which [`Present`] takes them.
#[derive(Default)]
pub struct Bits {
    bits: u32,
    count: u32,
}

impl Bits {
    /// The next bit.
    #[inline]
    pub fn flag(&mut self, is_set: bool) -> &mut Self {
        self.bits |= u32::from(is_set) << self.count;
        self.count += 1;
        self
    }

    /// All of them.
    pub fn get(&self) -> u32 {
        self.bits
    }
}

/// Checks the version and what is wanted at the front and that `bytes` then has whole records, at most `max` of
/// them.
fn records(bytes: &[u8], wanted: Wanted, record: usize, max: usize) -> Result<&[u8], PackedError> {
    let Some((version, rest)) = bytes.split_first_chunk::<4>() else {
        return Err(PackedError::Length(bytes.len()));
    };
    if *version != wanted.head() {
        return Err(PackedError::Version(u32::from_le_bytes(*version)));
    }
    if rest.len() % record != 0 {
        return Err(PackedError::Length(bytes.len()));
    }
    if rest.len() / record > max {
        return Err(PackedError::TooMany(max));
    }
    Ok(rest)
}

/// Appends numbers, each as its bytes.
fn put<const N: usize>(out: &mut Vec<u8>, numbers: &[[u8; N]]) {
    out.extend_from_slice(numbers.as_flattened());
}
