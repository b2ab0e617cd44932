//! The reserved keys of CMCD: type, header and version of each.

use super::limits::{
    CUSTOM_CHARS_MAX, MS_MAX, NAME_CHARS_MAX, RANGE_CHARS_MAX, RATE_MAX, SESSION_CHARS_MAX, TEXT_CHARS_MAX,
    TIMES_MAX,
};
use crate::limits::UNIX_MS_MAX;

/// The type of a key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Numbers from 0 to `max`, each of a type of object or of none: an inner list in version 2, a scalar in
    /// version 1.
    Numbers {
        /// The highest.
        max: u64,
    },
    /// Strings: an inner list in version 2, a string in version 1.
    Strings,
    /// 0 to `max`.
    Integer {
        /// The highest.
        max: u64,
    },
    /// A decimal.
    Decimal,
    /// A boolean; left out when false.
    Flag,
    /// A string of up to `chars_max` characters.
    Text {
        /// The longest.
        chars_max: usize,
    },
    /// One of a closed vocabulary.
    Token,
}

/// The header shard a key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Header {
    /// `CMCD-Object`: varies with the object.
    Object,
    /// `CMCD-Request`: varies with the request.
    Request,
    /// `CMCD-Session`: the same over a session.
    Session,
    /// `CMCD-Status`: does not vary with every request.
    Status,
}

impl Header {
    /// All, in the order of their names.
    pub const ALL: [Self; 4] = [Self::Object, Self::Request, Self::Session, Self::Status];

    /// The header's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "CMCD-Object",
            Self::Request => "CMCD-Request",
            Self::Session => "CMCD-Session",
            Self::Status => "CMCD-Status",
        }
    }
}

/// Where a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Both versions, every mode.
    Always,
    /// Version 1 alone.
    Version1,
    /// Version 2, every mode.
    Version2,
    /// Version 2, event reports.
    Events,
    /// Version 2, reports of a received response.
    Responses,
}

pub(crate) struct Facts {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) header: Option<Header>,
    pub(crate) used: Use,
}

macro_rules! keys {
    ($($(#[$says:meta])* $key:ident $name:literal $kind:expr, $header:expr, $used:ident;)+) => {
        /// A reserved key, in the order in which keys are written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Key { $($(#[$says])* $key,)+ }

        impl Key {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$key),+];

            /// None for a name that is not reserved.
            pub fn from_name(name: &str) -> Option<Self> {
                // Names are short: compared as one number, they are found by a few comparisons.
                #[allow(non_upper_case_globals, reason = "patterns, named as the variants")]
                mod packed { $(pub(super) const $key: u64 = super::pack($name.as_bytes());)+ }
                match pack(name.as_bytes()) { $(packed::$key => Some(Self::$key),)+ _ => None }
            }
        }

        pub(crate) const FACTS: [Facts; Key::ALL.len()] =
            [$(Facts { name: $name, kind: $kind, header: $header, used: Use::$used },)+];
    };
}

const KBPS: Kind = Kind::Numbers { max: RATE_MAX };
const WAITS: Kind = Kind::Numbers { max: MS_MAX };
const TIMES: Kind = Kind::Numbers { max: TIMES_MAX };
const MS: Kind = Kind::Integer { max: MS_MAX };
const NAME: Kind = Kind::Text { chars_max: NAME_CHARS_MAX };
const TEXT: Kind = Kind::Text { chars_max: TEXT_CHARS_MAX };
const OBJECT: Option<Header> = Some(Header::Object);
const REQUEST: Option<Header> = Some(Header::Request);
const SESSION: Option<Header> = Some(Header::Session);
const STATUS: Option<Header> = Some(Header::Status);

keys! {
    /// Bit rate of a playable combination of tracks, kbit/s.
    Ab "ab" KBPS, OBJECT, Version2;
    /// Whether the player is out of sight.
    Bg "bg" Kind::Flag, STATUS, Version2;
    /// Media in the buffer, ms.
    Bl "bl" WAITS, REQUEST, Always;
    /// Bit rate of the rendition requested or selected, kbit/s.
    Br "br" KBPS, OBJECT, Always;
    /// Whether playback ran dry since the last report.
    Bs "bs" Kind::Flag, STATUS, Always;
    /// Times playback ran dry, cumulative.
    Bsa "bsa" TIMES, STATUS, Version2;
    /// Lengths of the stalls that ended since the last report, ms.
    Bsd "bsd" WAITS, STATUS, Version2;
    /// Time playback was dry, cumulative, ms.
    Bsda "bsda" WAITS, STATUS, Version2;
    /// The delivery network.
    Cdn "cdn" NAME, STATUS, Version2;
    /// Name of a custom event.
    Cen "cen" Kind::Text { chars_max: CUSTOM_CHARS_MAX }, None, Events;
    /// The content.
    Cid "cid" NAME, SESSION, Always;
    /// The response's `CMSD-Dynamic`, copied.
    Cmsdd "cmsdd" TEXT, None, Responses;
    /// The response's `CMSD-Static`, copied.
    Cmsds "cmsds" TEXT, None, Responses;
    /// A signature of the content.
    Cs "cs" TEXT, REQUEST, Version2;
    /// Length of the object, ms.
    D "d" MS, OBJECT, Always;
    /// Frames not shown, cumulative.
    Dfa "dfa" Kind::Integer { max: TIMES_MAX }, REQUEST, Version2;
    /// Time until the object is needed, ms.
    Dl "dl" MS, REQUEST, Always;
    /// Why an event report was sent.
    E "e" Kind::Token, None, Events;
    /// Codes of the player's errors.
    Ec "ec" Kind::Strings, STATUS, Version2;
    /// The host that media comes from.
    H "h" NAME, None, Events;
    /// Lowest bit rate offered, of a combination, kbit/s.
    Lab "lab" KBPS, OBJECT, Version2;
    /// Lowest bit rate offered, kbit/s.
    Lb "lb" KBPS, OBJECT, Version2;
    /// Behind the live edge, ms.
    Ltc "ltc" MS, REQUEST, Version2;
    /// From the order to play to the first media shown, ms.
    Msd "msd" MS, SESSION, Version2;
    /// Throughput as the player measures it, kbit/s.
    Mtp "mtp" KBPS, REQUEST, Always;
    /// Objects that are asked for next.
    Nor "nor" Kind::Strings, REQUEST, Always;
    /// Whether the object is not shown or heard.
    Nr "nr" Kind::Flag, STATUS, Version2;
    /// Range of the object that is asked for next.
    Nrr "nrr" Kind::Text { chars_max: RANGE_CHARS_MAX }, REQUEST, Version1;
    /// Type of the object.
    Ot "ot" Kind::Token, OBJECT, Always;
    /// Bit rate of what is shown, kbit/s.
    Pb "pb" KBPS, REQUEST, Version2;
    /// Speed of playback.
    Pr "pr" Kind::Decimal, STATUS, Always;
    /// Position of the playhead, ms. Players of live streams may count from 1970.
    Pt "pt" Kind::Integer { max: UNIX_MS_MAX }, STATUS, Version2;
    /// Status code of the response.
    Rc "rc" Kind::Integer { max: 999 }, None, Responses;
    /// Throughput the player considers enough, kbit/s.
    Rtp "rtp" Kind::Integer { max: RATE_MAX }, STATUS, Always;
    /// Streaming format.
    Sf "sf" Kind::Token, SESSION, Always;
    /// The playback session.
    Sid "sid" Kind::Text { chars_max: SESSION_CHARS_MAX }, SESSION, Always;
    /// Round-trip time and the like of the request, as the player saw them.
    Smrt "smrt" TEXT, None, Responses;
    /// Number of the report, per session and target, from 0.
    Sn "sn" Kind::Integer { max: u32::MAX as u64 }, REQUEST, Version2;
    /// Stream type.
    St "st" Kind::Token, SESSION, Always;
    /// What the player does.
    Sta "sta" Kind::Token, REQUEST, Version2;
    /// Whether the object is needed at once.
    Su "su" Kind::Flag, REQUEST, Always;
    /// Highest bit rate offered, of a combination, kbit/s.
    Tab "tab" KBPS, OBJECT, Version2;
    /// Highest bit rate offered, kbit/s.
    Tb "tb" KBPS, OBJECT, Always;
    /// Length the buffer should have, ms.
    Tbl "tbl" WAITS, REQUEST, Version2;
    /// Highest bit rate the device can play, kbit/s.
    Tpb "tpb" KBPS, OBJECT, Version2;
    /// When the event happened, Unix time, ms.
    Ts "ts" Kind::Integer { max: UNIX_MS_MAX }, None, Events;
    /// From the request to the first byte, ms.
    Ttfb "ttfb" MS, None, Responses;
    /// From the request to the first byte of the body, ms.
    Ttfbb "ttfbb" MS, None, Responses;
    /// From the request to the last byte, ms.
    Ttlb "ttlb" MS, None, Responses;
    /// What the response answered.
    Url "url" TEXT, None, Responses;
    /// Version of CMCD.
    V "v" Kind::Integer { max: u8::MAX as u64 }, SESSION, Always;
}

impl Key {
    /// As it is written.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The type of its value.
    pub fn kind(self) -> Kind {
        self.facts().kind
    }

    /// The header it belongs to; none for keys of event reports, which are sent in a body.
    pub fn header(self) -> Option<Header> {
        self.facts().header
    }

    pub(crate) fn used(self) -> Use {
        self.facts().used
    }

    pub(crate) const fn facts(self) -> &'static Facts {
        const TABLE: &[Facts; Key::ALL.len()] = &FACTS;
        &TABLE[self as usize]
    }

    /// The key alone, as a set of keys.
    pub(crate) const fn bit(self) -> u64 {
        1 << self as u64
    }
}

// A set of keys is one number.
const _: () = assert!(Key::ALL.len() <= 64);

/// Whether a key is of the application's own: lower-case letters, digits, dots and hyphens, with a hyphen
/// after its prefix (a reverse-DNS name is recommended).
pub fn is_custom(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_inside = |at: usize| at > 0 && at + 1 < bytes.len();
    let has_prefix = bytes.iter().skip(1).position(|byte| *byte == b'-').is_some_and(|at| is_inside(at + 1));
    has_prefix
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'))
}

/// A short name as one number; 0 for a name longer than any reserved one.
const fn pack(name: &[u8]) -> u64 {
    if name.len() > 5 {
        return 0;
    }
    let mut packed = 0;
    let mut at = 0;
    while at < name.len() {
        packed = packed << 8 | name[at] as u64;
        at += 1;
    }
    packed
}

/// The keys for which `used` holds, as a set.
pub(crate) const fn those_used(used: Use) -> u64 {
    let mut set = 0;
    let mut at = 0;
    while at < Key::ALL.len() {
        if FACTS[at].used as u8 == used as u8 {
            set |= 1 << at;
        }
        at += 1;
    }
    set
}

/// Which of the keys of its kind each key is.
pub(crate) const SLOTS: [u8; Key::ALL.len()] = {
    let mut slots = [0; Key::ALL.len()];
    let (mut numbers, mut integers, mut texts) = (0, 0, 0);
    let mut at = 0;
    while at < Key::ALL.len() {
        let count = match FACTS[at].kind {
            Kind::Numbers { .. } => &mut numbers,
            Kind::Integer { .. } => &mut integers,
            Kind::Text { .. } => &mut texts,
            _ => {
                at += 1;
                continue;
            }
        };
        slots[at] = *count;
        *count += 1;
        at += 1;
    }
    slots
};

/// Keys with numbers, with an integer, with a text.
pub(crate) const NUMBERS: usize = count_of(Kind::Numbers { max: 0 });
pub(crate) const INTEGERS: usize = count_of(Kind::Integer { max: 0 });
pub(crate) const TEXTS: usize = count_of(Kind::Text { chars_max: 0 });

const fn count_of(kind: Kind) -> usize {
    let mut count = 0;
    let mut at = 0;
    while at < Key::ALL.len() {
        let is_same = matches!(
            (&FACTS[at].kind, &kind),
            (Kind::Numbers { .. }, Kind::Numbers { .. })
                | (Kind::Integer { .. }, Kind::Integer { .. })
                | (Kind::Text { .. }, Kind::Text { .. })
        );
        if is_same {
            count += 1;
        }
        at += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_their_names_and_found_by_them() {
        assert!(Key::ALL.is_sorted_by(|a, b| a.name() < b.name()));
        for key in Key::ALL {
            assert_eq!(Key::from_name(key.name()), Some(*key));
        }
        for name in ["", "b", "bsdax", "abcdef", "SID", "v2"] {
            assert_eq!(Key::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_custom_key_has_a_hyphen_inside() {
        for name in ["com.example-key", "a-b", "a--b", "x-1"] {
            assert!(is_custom(name), "{name}");
        }
        for name in ["", "-", "-a", "a-", "ab", "A-b", "a_b-c", "1-a"] {
            assert!(!is_custom(name), "{name}");
        }
    }
}
