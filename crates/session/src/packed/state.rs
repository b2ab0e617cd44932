//! The state of a session in a batch: laid out for the least work, where the saved form ([`Session::save`])
//! is laid out for anybody's MessagePack.
//!
//! Little endian, without padding. Numbers that are nothing together are not written: a heartbeat of a
//! session without ads, pauses and stalls neither reads nor writes any of theirs.
//!
//! | from byte | number |
//! |---|---|
//! | 0 | [`MARK`], which begins no MessagePack |
//! | 1 | [`STATE_VERSION`] |
//! | 2 | which groups follow, a bit each in the order of the list `groups!`; 24 bits |
//! | 5 | flags: below; 40 bits |
//! | 10 | newest event in milliseconds since 1970, 64 bits; played milliseconds, events, 32 bits each |
//! | 26 | the groups that are there, their numbers as wide in bytes as `groups!` says |
//!
//! | flag, from bit | meaning |
//! |---|---|
//! | 0 | phase, in its order; two bits |
//! | 2 | ad, background, pause, seek, refill; nothing has moved since an error; a stall is on; stalls were told as totals |
//! | 10 | codec, then screen: 0 is unknown, else one more than its number; three bits each |
//! | 16 | whether there are: newest event, newest number, start, first frame, picture, first position, position, length; startup, last stall, start and end of half a stall, highest rate, when something was laid over |
//! | 30 | a position was told in the stall that is on |
//!
//! What is read is held to all that [`Session::restore`] holds it to. The logarithm of the bit rate is the one
//! number that the saved form does not have: it is here so that no fold takes it anew.

use alloc::vec::Vec;

use qoe::Share;
use units::{Kbps, Millis, UnixMillis};

use super::{CODECS, SCREENS};
use crate::{Phase, SavedError, Session, limits};

/// The first byte: of the bytes that begin no MessagePack, the one that never will.
pub const MARK: u8 = 0xc1;

/// Of the order and meaning of groups and flags; another is refused, never guessed at.
pub const STATE_VERSION: u8 = 2;

impl Session {
    /// Appends the form that states have in a batch; at most [`limits::STATE_BYTES_MAX`] bytes.
    pub fn pack_into(&self, out: &mut Vec<u8>) {
        let begin = out.len();
        // Room for the longest is made and checked once, and what was not needed is given back.
        out.resize(begin + ALL_BYTES, 0);
        let left = out.get_mut(begin..).and_then(|room| self.write(room)).unwrap_or_default();
        out.truncate(out.len() - left);
    }

    /// Writes a state at the front of `room`, and says how many bytes are left; none when it is too small.
    #[inline]
    fn write(&self, room: &mut [u8]) -> Option<usize> {
        let (head, rest) = room.split_first_chunk_mut::<HEAD_BYTES>()?;
        let (core, rest) = rest.split_first_chunk_mut::<CORE_BYTES>()?;
        core[..8].copy_from_slice(&self.newest_at.raw().to_le_bytes());
        core[8..12].copy_from_slice(&self.played.raw().to_le_bytes()[..4]);
        core[12..].copy_from_slice(&self.events.to_le_bytes());
        let (groups, left) = self.write_groups(rest)?;
        let [g0, g1, g2, _] = groups.to_le_bytes();
        let [f0, f1, f2, f3, f4, ..] = self.flags().to_le_bytes();
        *head = [MARK, STATE_VERSION, g0, g1, g2, f0, f1, f2, f3, f4];
        Some(left)
    }

    /// The session of a state in a batch.
    pub fn unpack(state: &[u8]) -> Result<Self, SavedError> {
        let mut session = Self::default();
        session.load(state).map(|()| session)
    }

    /// The session of a state in either form; no bytes at all are a session of which nothing is known.
    pub fn restore_any(state: &[u8]) -> Result<Self, SavedError> {
        if state.first() == Some(&MARK) { Self::unpack(state) } else { Self::restore(state) }
    }

    /// The same in place, for a session is large; what is refused leaves it unspecified.
    pub(super) fn load_any(&mut self, state: &[u8]) -> Result<(), SavedError> {
        if state.first() == Some(&MARK) {
            return self.load(state);
        }
        *self = Self::restore(state)?;
        Ok(())
    }

    fn load(&mut self, state: &[u8]) -> Result<(), SavedError> {
        if self.read(state) == Some(true) { Ok(()) } else { Err(SavedError::Malformed) }
    }

    /// Sets what a state says, on a session of which nothing is known; true when it is sound. Not inlined:
    /// what is absent then costs nothing, for it stays where it is.
    #[inline(never)]
    fn read(&mut self, state: &[u8]) -> Option<bool> {
        let (head, rest) = state.split_first_chunk::<HEAD_BYTES>()?;
        let (core, rest) = rest.split_first_chunk::<CORE_BYTES>()?;
        let [mark, version, g0, g1, g2, f0, f1, f2, f3, f4] = *head;
        if mark != MARK || version != STATE_VERSION {
            return None;
        }
        let mut is_sound = self.set_flags(u64::from_le_bytes([f0, f1, f2, f3, f4, 0, 0, 0]));
        is_sound &= self.newest_at.set(part::<8, CORE_BYTES>(core, 0));
        is_sound &= self.played.set(part::<4, CORE_BYTES>(core, 8));
        is_sound &= self.events.set(part::<4, CORE_BYTES>(core, 12));
        is_sound &= self.read_groups(u32::from_le_bytes([g0, g1, g2, 0]), rest)?;
        // Its totals have 32 bits, and are within their limits.
        Some(is_sound && self.is_consistent())
    }

    fn flags(&self) -> u64 {
        let waits = &self.waits;
        let format = &self.shown.format;
        // Phases, codecs and screens are numbered in their order.
        let numbers = self.phase as u64
            | format.codec.map_or(0, |codec| 1 + codec as u64) << 10
            | format.screen.map_or(0, |screen| 1 + screen as u64) << 13;
        let flags = [
            self.over.ad,
            self.over.background,
            self.over.pause,
            self.over.seek,
            self.over.refill,
            self.is_broken,
            waits.is_open,
            waits.is_told_total,
        ];
        let present = [
            self.newest_at.is_some(),
            self.sequence.newest.is_some(),
            self.started_at.is_some(),
            self.first_frame_at.is_some(),
            self.shown.picture.is_some(),
            self.began.is_some(),
            self.position.is_some(),
            self.duration.is_some(),
            self.startup_told.is_some(),
            waits.last_at_played.is_some(),
            waits.half_start.is_some(),
            waits.half_end.is_some(),
            self.top_rate.is_some(),
            self.laid_at.is_some(),
        ];
        numbers | bits(flags) << 2 | bits(present) << 16 | u64::from(waits.is_placed) << 30
    }

    /// Sets what flags say; what is there is zero until its group is read. Whether some writer sets them.
    fn set_flags(&mut self, flags: u64) -> bool {
        const PHASES: [Phase; 4] = [Phase::Starting, Phase::Playing, Phase::Stalled, Phase::Ended];
        let is_set = |bit: u32| flags >> bit & 1 == 1;
        self.phase = PHASES[(flags & 3) as usize];
        self.newest_at = is_set(16).then(UnixMillis::default);
        self.sequence.newest = is_set(17).then_some(0);
        self.started_at = is_set(18).then(UnixMillis::default);
        self.first_frame_at = is_set(19).then(UnixMillis::default);
        self.shown.picture = is_set(20).then(Share::default);
        self.began = is_set(21).then_some(Millis::ZERO);
        self.position = is_set(22).then_some(Millis::ZERO);
        self.duration = is_set(23).then_some(Millis::ZERO);
        // What most sessions lack.
        if flags & !(0xff << 16 | 3) == 0 {
            return true;
        }
        let over = &mut self.over;
        over.ad = is_set(2);
        over.background = is_set(3);
        over.pause = is_set(4);
        over.seek = is_set(5);
        over.refill = is_set(6);
        self.is_broken = is_set(7);
        let waits = &mut self.waits;
        waits.is_open = is_set(8);
        waits.is_told_total = is_set(9);
        let (codec, screen) = ((flags >> 10 & 7) as usize, (flags >> 13 & 7) as usize);
        let format = &mut self.shown.format;
        format.codec = codec.checked_sub(1).and_then(|number| CODECS.get(number).copied());
        format.screen = screen.checked_sub(1).and_then(|number| SCREENS.get(number).copied());
        self.startup_told = is_set(24).then_some(Millis::ZERO);
        waits.last_at_played = is_set(25).then_some(Millis::ZERO);
        waits.half_start = is_set(26).then(UnixMillis::default);
        waits.half_end = is_set(27).then(UnixMillis::default);
        self.top_rate = is_set(28).then(Kbps::default);
        self.laid_at = is_set(29).then(UnixMillis::default);
        waits.is_placed = is_set(30);
        flags >> 31 == 0 && codec <= CODECS.len() && screen <= SCREENS.len()
    }
}

const HEAD_BYTES: usize = 10;

const CORE_BYTES: usize = 16;

fn bits<const N: usize>(flags: [bool; N]) -> u64 {
    flags.iter().rev().fold(0, |bits, flag| bits << 1 | u64::from(*flag))
}

/// The number of `BYTES` from byte `at` of a group, which its list keeps within it.
#[inline(always)]
fn part<const BYTES: usize, const ALL: usize>(group: &[u8; ALL], at: usize) -> u64 {
    let mut part = [0; 8];
    part[..BYTES].copy_from_slice(&group[at..at + BYTES]);
    u64::from_le_bytes(part)
}

/// A number of a state.
trait Number {
    fn raw(&self) -> u64;

    /// Takes its value; false for one that is no such number. What flags say is absent must be zero.
    fn set(&mut self, raw: u64) -> bool;
}

macro_rules! plain {
    ($($type:ty),+) => {
        $(impl Number for $type {
            #[inline(always)]
            fn raw(&self) -> u64 {
                u64::from(*self)
            }

            #[inline(always)]
            fn set(&mut self, raw: u64) -> bool {
                *self = raw as $type;
                u64::from(*self) == raw
            }
        })+
    };
}

plain!(u16, u32, u64);

/// Numbers that know their unit, as a plain one.
macro_rules! united {
    ($($type:ty as $plain:ty),+ $(,)?) => {
        $(impl Number for $type {
            #[inline(always)]
            fn raw(&self) -> u64 {
                u64::from(self.get())
            }

            #[inline(always)]
            fn set(&mut self, raw: u64) -> bool {
                *self = Self::new(raw as $plain);
                u64::from(self.get()) == raw
            }
        })+
    };
}

united!(Millis as u64, UnixMillis as u64, Kbps as u32, Share as u32);

impl<T: Number> Number for Option<T> {
    #[inline(always)]
    fn raw(&self) -> u64 {
        self.as_ref().map_or(0, T::raw)
    }

    #[inline(always)]
    fn set(&mut self, raw: u64) -> bool {
        match self {
            Some(number) => number.set(raw),
            None => raw == 0,
        }
    }
}

/// Both ways of a session through one list of its groups.
macro_rules! groups {
    ($($($($part:ident).+: $bytes:literal),+;)+) => {
        impl Session {
            /// Writes the groups that hold anything, and says which, and how many bytes of `room` are left.
            #[inline]
            fn write_groups(&self, room: &mut [u8]) -> Option<(u32, usize)> {
                let (mut groups, mut bit, mut rest) = (0_u32, 1, room);
                $({
                    let raws = [$(self.$($part).+.raw()),+];
                    if raws.iter().fold(0, |any, raw| any | raw) != 0 {
                        const BYTES: usize = 0 $(+ $bytes)+;
                        let (group, others) = rest.split_first_chunk_mut::<BYTES>()?;
                        rest = others;
                        let (mut at, mut index) = (0, 0);
                        $(
                            // A total is never beyond its limit, and so fits.
                            let raw = raws[index].to_le_bytes();
                            group[at..at + $bytes].copy_from_slice(&raw[..$bytes]);
                            at += $bytes;
                            index += 1;
                        )+
                        debug_assert_eq!(index, raws.len());
                        debug_assert_eq!(at, BYTES);
                        groups |= bit;
                    }
                    bit <<= 1;
                })+
                debug_assert_eq!(bit, 1 << GROUPS);
                Some((groups, rest.len()))
            }

            /// Takes the groups of these bits; none where bytes are missing, false where a number is nobody's.
            #[inline]
            fn read_groups(&mut self, groups: u32, state: &[u8]) -> Option<bool> {
                let (mut is_sound, mut bit, mut rest) = (groups >> GROUPS == 0, 1, state);
                $({
                    if groups & bit != 0 {
                        const BYTES: usize = 0 $(+ $bytes)+;
                        let (group, others) = rest.split_first_chunk::<BYTES>()?;
                        rest = others;
                        let (mut at, mut any) = (0, 0);
                        $(
                            let raw = part::<$bytes, BYTES>(group, at);
                            is_sound &= self.$($part).+.set(raw);
                            any |= raw;
                            at += $bytes;
                        )+
                        debug_assert_eq!(at, BYTES);
                        // One that holds nothing is not written.
                        is_sound &= any != 0;
                    }
                    bit <<= 1;
                })+
                debug_assert_eq!(bit, 1 << GROUPS);
                Some(is_sound && rest.is_empty())
            }
        }

        const GROUPS: usize = [$(stringify!($($($part).+),+)),+].len();

        /// Of the longest state.
        pub(super) const ALL_BYTES: usize = HEAD_BYTES + CORE_BYTES $($(+ $bytes)+)+;
    };
}

groups! {
    sequence.newest: 4, sequence.seen: 8;
    position: 8, position_max: 8, duration: 8;
    began: 8;
    started_at: 8, first_frame_at: 8;
    shown.format.kbps: 4, shown.log: 4, shown.rated: 4, shown.rate_sum: 8, shown.log_sum: 8;
    shown.picture: 4, shown.recent: 4, shown.latest: 4, shown.worst: 4, shown.pictured: 4, shown.picture_sum: 8;
    buffers: 4, buffer_sum: 8;
    dropped.last: 4, dropped.total: 4;
    shown.format.width: 2, shown.format.height: 2, shown.upscaling_max: 4, shown.sized: 4, shown.height_sum: 8,
        shown.upscaling_sum: 8, shown.dense: 4, shown.density_sum: 8;
    shown.switches: 4, shown.change_kbps: 4, shown.change_log: 4, shown.falls: 4;
    waits.stalled: 4, waits.longest: 4, waits.recent: 4, waits.open: 4, waits.seen: 4, waits.risen: 4,
        waits.last_at_played: 8;
    waits.buffering.last: 4, waits.buffering.total: 4, waits.told.last: 4, waits.told.total: 4;
    throughputs: 4, throughput_sum: 8;
    latencies: 4, latency_sum: 8;
    top_rate: 4, startup_told: 8;
    shown.format.frame_rate_milli: 4, shown.framed: 4, shown.frame_sum: 8;
    startup_ads: 4, paused: 4, sought: 4, background: 4, ads: 4;
    sequence.lost: 4, sequence.repeated: 4, errors: 4;
    waits.half_start: 8, waits.half_end: 8;
    laid_at: 8;
}

const _: () = assert!(GROUPS <= 24 && ALL_BYTES <= limits::STATE_BYTES_MAX);
