//! The saved form of a session: a MessagePack array of a version and unsigned numbers or nil.
//!
//! Flat and of one length, so that a reader needs neither depth nor allocation.

use alloc::vec::Vec;
use core::fmt;

use qoe::Share;
use units::{Kbps, Millis, UnixMillis};

use crate::{Codec, Phase, Screen, Session, limits, packed, shown};

/// Of the order and meaning of the fields; another version is refused, never guessed at.
const VERSION: u8 = 3;

/// Why a saved form was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SavedError {
    /// It is not one that this version wrote.
    Malformed,
}

impl SavedError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "state-malformed",
        }
    }
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => write!(f, "the saved session is not one that this version wrote"),
        }
    }
}

impl core::error::Error for SavedError {}

impl Session {
    /// The saved form, at most [`limits::SAVED_BYTES_MAX`] bytes.
    pub fn save(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(limits::SAVED_BYTES_MAX);
        self.save_into(&mut bytes);
        bytes
    }

    /// Appends the saved form.
    pub fn save_into(&self, bytes: &mut Vec<u8>) {
        let mut writer = Writer { bytes: [0; ROOM], length: HEAD.len() };
        writer.bytes[..HEAD.len()].copy_from_slice(&HEAD);
        self.write_fields(&mut writer);
        bytes.extend_from_slice(&writer.bytes[..writer.length]);
    }

    /// The session of a saved form; no bytes at all are a session of which nothing is known.
    pub fn restore(saved: &[u8]) -> Result<Self, SavedError> {
        if saved.is_empty() {
            return Ok(Self::default());
        }
        let mut reader = Reader::new(saved).ok_or(SavedError::Malformed)?;
        let mut session = Self::read_fields(&mut reader).ok_or(SavedError::Malformed)?;
        session.shown.note_log();
        (session.is_sound() && reader.is_done(saved.len())).then_some(session).ok_or(SavedError::Malformed)
    }
}

/// An array of 16 bits of length, its length, and the version.
const HEAD: [u8; 4] = [0xdc, 0, 1 + FIELDS as u8, VERSION];
const _: () = assert!(FIELDS < 255 && VERSION < 128);

/// For the longest form, in which 23 fields take nine bytes and the others five at most, and for a tail
/// beyond it.
const ROOM: usize = limits::SAVED_BYTES_MAX + 8;
const _: () = assert!(HEAD.len() + 23 * 9 + (FIELDS - 23) * 5 <= limits::SAVED_BYTES_MAX);

struct Writer {
    bytes: [u8; ROOM],
    length: usize,
}

impl Writer {
    /// Writes a number in the shortest of its forms, as everybody's MessagePack does, or nil.
    #[inline(always)]
    fn put(&mut self, field: Option<u64>) {
        match field {
            None => self.put_byte(NIL),
            Some(number @ 0..=0x7f) => self.put_byte(number as u8),
            Some(number) => self.put_long(number),
        }
    }

    #[inline(never)]
    fn put_long(&mut self, number: u64) {
        let (mark, shift) = match number {
            0..=0xff => (0xcc, 56),
            0x100..=0xffff => (0xcd, 48),
            0x1_0000..=0xffff_ffff => (0xce, 32),
            0x1_0000_0000.. => (0xcf, 0),
        };
        self.put_byte(mark);
        // A tail is written whole; what is beyond its length is overwritten by what follows.
        let tail = (number << shift).to_be_bytes();
        self.bytes[self.length..self.length + 8].copy_from_slice(&tail);
        self.length += 8 - shift / 8;
    }

    #[inline(always)]
    fn put_byte(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }
}

/// Takes fields off a copy with room behind it, so that no tail needs its own check of the length: whether
/// it was kept shows at the end.
struct Reader {
    bytes: [u8; ROOM],
    place: usize,
    /// Whether every field had the one form that a writer gives it.
    is_sound: bool,
}

impl Reader {
    /// None for bytes of another version.
    fn new(saved: &[u8]) -> Option<Self> {
        if saved.len() > limits::SAVED_BYTES_MAX || !saved.starts_with(&HEAD) {
            return None;
        }
        let mut bytes = [0; ROOM];
        bytes[..saved.len()].copy_from_slice(saved);
        Some(Self { bytes, place: HEAD.len(), is_sound: true })
    }

    #[inline(always)]
    fn next(&mut self) -> Option<u64> {
        // Beyond the room are zeros that nobody wrote; the length tells in the end.
        let mark = self.bytes.get(self.place).copied().unwrap_or_default();
        self.place += 1;
        if mark < 0x80 { Some(u64::from(mark)) } else { self.next_long(mark) }
    }

    #[inline(never)]
    fn next_long(&mut self, mark: u8) -> Option<u64> {
        let (shift, least) = match mark {
            0xcc => (56, 0x80),
            0xcd => (48, 0x100),
            0xce => (32, 0x1_0000),
            0xcf => (0, 0x1_0000_0000),
            NIL => return None,
            _ => {
                self.is_sound = false;
                return None;
            }
        };
        let tail = self.bytes.get(self.place..).and_then(|rest| rest.first_chunk());
        let number = u64::from_be_bytes(tail.copied().unwrap_or_default()) >> shift;
        self.place += 8 - shift / 8;
        self.is_sound &= number >= least;
        Some(number)
    }

    fn is_done(&self, length: usize) -> bool {
        self.is_sound && self.place == length
    }
}

const NIL: u8 = 0xc0;

/// A field of a saved session: a number, or nothing.
trait Field: Sized {
    fn write(self) -> Option<u64>;

    /// None for a number that is no such field.
    fn read(number: Option<u64>) -> Option<Self>;
}

impl Field for u64 {
    fn write(self) -> Option<u64> {
        Some(self)
    }

    fn read(number: Option<u64>) -> Option<Self> {
        number
    }
}

impl Field for u32 {
    fn write(self) -> Option<u64> {
        Some(u64::from(self))
    }

    fn read(number: Option<u64>) -> Option<Self> {
        Self::try_from(number?).ok()
    }
}

impl Field for u16 {
    fn write(self) -> Option<u64> {
        Some(u64::from(self))
    }

    fn read(number: Option<u64>) -> Option<Self> {
        Self::try_from(number?).ok()
    }
}

impl Field for bool {
    fn write(self) -> Option<u64> {
        Some(u64::from(self))
    }

    fn read(number: Option<u64>) -> Option<Self> {
        Some(number?).filter(|number| *number <= 1).map(|number| number == 1)
    }
}

impl Field for Millis {
    fn write(self) -> Option<u64> {
        Some(self.get())
    }

    fn read(number: Option<u64>) -> Option<Self> {
        number.map(Self::new)
    }
}

impl Field for UnixMillis {
    fn write(self) -> Option<u64> {
        Some(self.get())
    }

    fn read(number: Option<u64>) -> Option<Self> {
        number.map(Self::new)
    }
}

impl Field for Kbps {
    fn write(self) -> Option<u64> {
        Some(u64::from(self.get()))
    }

    fn read(number: Option<u64>) -> Option<Self> {
        u32::read(number).filter(|kbps| *kbps > 0).map(Self::new)
    }
}

impl Field for Share {
    fn write(self) -> Option<u64> {
        Some(u64::from(self.get()))
    }

    fn read(number: Option<u64>) -> Option<Self> {
        u32::read(number).filter(|millionths| *millionths <= Self::WHOLE.get()).map(Self::new)
    }
}

impl<T: Field> Field for Option<T> {
    fn write(self) -> Option<u64> {
        self.and_then(T::write)
    }

    fn read(number: Option<u64>) -> Option<Self> {
        number.map_or(Some(None), |number| T::read(Some(number)).map(Some))
    }
}

/// Enumerations are saved as their place in a list.
macro_rules! places {
    ($type:ty, $list:expr) => {
        impl Field for $type {
            fn write(self) -> Option<u64> {
                $list.iter().position(|place| *place == self).map(|place| place as u64)
            }

            fn read(number: Option<u64>) -> Option<Self> {
                $list.get(usize::try_from(number?).ok()?).copied()
            }
        }
    };
}

places!(Phase, [Phase::Starting, Phase::Playing, Phase::Stalled, Phase::Ended]);
places!(Codec, packed::CODECS);
places!(Screen, packed::SCREENS);

/// Both ways of a session through the same list of its fields.
macro_rules! saved {
    ($($($part:ident).+),+ $(,)?) => {
        impl Session {
            fn write_fields(&self, writer: &mut Writer) {
                $(writer.put(Field::write(self.$($part).+));)+
            }

            /// None where a number is missing or does not fit.
            fn read_fields(reader: &mut Reader) -> Option<Self> {
                let mut session = Self::default();
                $(session.$($part).+ = Field::read(reader.next())?;)+
                Some(session)
            }
        }

        const FIELDS: usize = [$(stringify!($($part).+)),+].len();
    };
}

saved!(
    phase,
    over.ad,
    over.background,
    over.pause,
    over.seek,
    over.refill,
    laid_at,
    is_broken,
    sequence.lost,
    sequence.repeated,
    sequence.newest,
    sequence.seen,
    started_at,
    first_frame_at,
    newest_at,
    startup_ads,
    startup_told,
    played,
    paused,
    sought,
    background,
    ads,
    waits.stalled,
    waits.longest,
    waits.recent,
    waits.last_at_played,
    waits.seen,
    waits.is_open,
    waits.is_placed,
    waits.open,
    waits.risen,
    waits.buffering.last,
    waits.buffering.total,
    waits.told.last,
    waits.told.total,
    waits.is_told_total,
    waits.half_start,
    waits.half_end,
    dropped.last,
    dropped.total,
    errors,
    shown.format.kbps,
    shown.format.width,
    shown.format.height,
    shown.format.frame_rate_milli,
    shown.format.codec,
    shown.format.screen,
    shown.picture,
    shown.rated,
    shown.sized,
    shown.framed,
    shown.dense,
    shown.pictured,
    shown.rate_sum,
    shown.log_sum,
    shown.height_sum,
    shown.frame_sum,
    shown.density_sum,
    shown.picture_sum,
    shown.upscaling_sum,
    shown.upscaling_max,
    shown.recent,
    shown.latest,
    shown.worst,
    shown.falls,
    shown.switches,
    shown.change_kbps,
    shown.change_log,
    top_rate,
    buffer_sum,
    buffers,
    latency_sum,
    latencies,
    throughput_sum,
    throughputs,
    began,
    position,
    position_max,
    duration,
    events,
);

impl Session {
    /// What no single field shows.
    fn is_sound(&self) -> bool {
        let waits = &self.waits;
        let totals = [
            self.startup_ads,
            self.played,
            self.paused,
            self.sought,
            self.background,
            self.ads,
            waits.stalled,
            waits.longest,
            waits.recent,
            waits.open,
        ];
        let shown = &self.shown;
        let times = [shown.rated, shown.sized, shown.framed, shown.dense, shown.pictured];
        totals.iter().chain(&times).all(|total| *total <= limits::TOTAL_MAX) && self.is_consistent()
    }

    /// The same but for totals.
    #[inline]
    pub(crate) fn is_consistent(&self) -> bool {
        let shown = &self.shown;
        let picture_most = shown.recent.max(shown.latest).max(shown.worst);
        picture_most <= Share::WHOLE.get()
            && self.duration != Some(Millis::ZERO)
            && self.top_rate != Some(Kbps::default())
            && shown.log <= shown::LOG_MAX
            && (shown.format.kbps > 1 || shown.log == 0)
            && self.sequence.newest.is_some() == (self.sequence.seen & 1 == 1)
    }
}
