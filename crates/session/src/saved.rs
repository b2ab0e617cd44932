//! The saved form of a session: a MessagePack array of a version and unsigned numbers or nil.
//!
//! Flat and of one length, so that a reader needs neither depth nor allocation.

use alloc::vec::Vec;
use core::fmt;

use qoe::Share;
use rmp::decode::{self, Bytes};
use rmp::encode::{self, ByteBuf};
use units::{Kbps, Millis, UnixMillis};

use crate::{Codec, Phase, Screen, Session, limits, packed};

/// Of the order and meaning of the fields; another version is refused, never guessed at.
const VERSION: u64 = 2;

const FIELDS: usize = 78;

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
        let mut bytes = ByteBuf::with_capacity(limits::SAVED_BYTES_MAX);
        let reason = "a byte buffer grows as needed";
        encode::write_array_len(&mut bytes, 1 + FIELDS as u32).expect(reason);
        encode::write_uint(&mut bytes, VERSION).expect(reason);
        for field in self.fields() {
            match field {
                Some(number) => _ = encode::write_uint(&mut bytes, number).expect(reason),
                None => encode::write_nil(&mut bytes).expect(reason),
            }
        }
        bytes.into_vec()
    }

    /// The session of a saved form; no bytes at all are a session of which nothing is known.
    pub fn restore(saved: &[u8]) -> Result<Self, SavedError> {
        if saved.is_empty() {
            return Ok(Self::default());
        }
        if saved.len() > limits::SAVED_BYTES_MAX {
            return Err(SavedError::Malformed);
        }
        read(saved).and_then(Self::from_fields).ok_or(SavedError::Malformed)
    }
}

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
            fn fields(&self) -> [Option<u64>; FIELDS] {
                [$(Field::write(self.$($part).+)),+]
            }

            /// None where a number is missing, does not fit, or breaks an invariant.
            fn from_fields(fields: [Option<u64>; FIELDS]) -> Option<Self> {
                let mut session = Self::default();
                let mut fields = fields.into_iter();
                $(session.$($part).+ = Field::read(fields.next()?)?;)+
                session.is_sound().then_some(session)
            }
        }
    };
}

saved!(
    phase,
    over.ad,
    over.background,
    over.pause,
    over.seek,
    over.refill,
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
        let pictures = [shown.recent, shown.latest, shown.worst];
        totals.iter().chain(&times).all(|total| *total <= limits::TOTAL_MAX)
            && pictures.iter().all(|millionths| *millionths <= Share::WHOLE.get())
            && self.duration != Some(Millis::ZERO)
            && self.sequence.newest.is_some() == (self.sequence.seen & 1 == 1)
    }
}

/// Reads exactly the version, the fields, and nothing after them.
fn read(saved: &[u8]) -> Option<[Option<u64>; FIELDS]> {
    let mut bytes = Bytes::new(saved);
    if decode::read_array_len(&mut bytes).ok()? != 1 + FIELDS as u32 {
        return None;
    }
    if decode::read_int::<u64, _>(&mut bytes).ok()? != VERSION {
        return None;
    }
    let mut fields = [None; FIELDS];
    for field in &mut fields {
        // A number is tried first; the copy leaves a nil to be read as one.
        let mut ahead = bytes;
        match decode::read_int::<u64, _>(&mut ahead) {
            Ok(number) => {
                *field = Some(number);
                bytes = ahead;
            }
            Err(_) => decode::read_nil(&mut bytes).ok()?,
        }
    }
    bytes.remaining_slice().is_empty().then_some(fields)
}
