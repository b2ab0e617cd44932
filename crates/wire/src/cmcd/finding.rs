//! What is wrong with a report, key by key.

use std::fmt;

use super::limits::{self, LINE_BYTES_MAX};
use super::{Header, Key};
use crate::structured::StructuredError;

/// What a finding means for the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Weight {
    /// The report counts; the player should be told.
    Remarked,
    /// The report cannot be trusted or understood and does not count.
    Refused,
}

macro_rules! causes {
    ($($(#[$says:meta])* $cause:ident = $code:literal, $weight:ident;)+) => {
        /// What is wrong. Sources: CTA-5004 and CTA-5004-B, unless a limit of ours is meant.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Cause { $($(#[$says])* $cause,)+ }

        impl Cause {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$cause),+];

            /// A stable name for programs; never changes its meaning.
            pub fn code(self) -> &'static str {
                match self { $(Self::$cause => $code,)+ }
            }

            /// What it means for the report.
            pub fn weight(self) -> Weight {
                match self { $(Self::$cause => Weight::$weight,)+ }
            }
        }
    };
}

causes! {
    /// The value is not of the key's type.
    WrongType = "wrong-type", Refused;
    /// The number is negative or above what can be true.
    OutOfRange = "out-of-range", Refused;
    /// The string is longer than allowed.
    TooLong = "text-too-long", Refused;
    /// The string has characters other than printable ASCII.
    NotAscii = "text-not-ascii", Refused;
    /// The event or state is not one of the vocabulary, so that the report has no known meaning.
    UnknownMeaning = "unknown-token", Refused;
    /// More numbers or strings than a line may hold.
    TooMany = "too-many-values", Refused;
    /// Neither version 1 nor 2.
    VersionUnsupported = "version-unsupported", Refused;
    /// An event report without a version.
    VersionMissing = "version-missing", Refused;
    /// An event report without `e`.
    EventMissing = "event-missing", Refused;
    /// An event report without `ts`.
    TimeMissing = "time-missing", Refused;
    /// An event without the key whose change it tells.
    FieldMissing = "event-without-field", Refused;
    /// No `sid`: the report belongs to no session.
    SessionMissing = "session-missing", Remarked;
    /// Keys of version 2 in a report that does not say so.
    VersionUnsaid = "version-unsaid", Remarked;
    /// Version 1 is said by leaving the version out.
    VersionNeedless = "version-needless", Remarked;
    /// A key of the other version.
    OtherVersion = "key-of-other-version", Remarked;
    /// A key of event reports in a request, or of responses in another event.
    OtherMode = "key-of-other-mode", Remarked;
    /// A key in the shard of others.
    WrongHeader = "wrong-header", Remarked;
    /// A key twice; the last counts.
    Repeated = "key-repeated", Remarked;
    /// One value where version 2 has a list.
    NotAList = "not-a-list", Remarked;
    /// A list where version 1 has one value.
    NotAScalar = "not-a-scalar", Remarked;
    /// Should be rounded to hundreds.
    NotRounded = "not-rounded", Remarked;
    /// Has decimals where integers belong; was rounded.
    NotAnInteger = "not-an-integer", Remarked;
    /// A negative latency: the clocks differ; taken as 0.
    ClockAhead = "clock-ahead", Remarked;
    /// Must not be sent for this type of object.
    OtherObject = "key-of-other-object", Remarked;
    /// Must not be sent beside the exact bit rate.
    Superseded = "key-superseded", Remarked;
    /// The type of object or stream is not one of the vocabulary.
    UnknownType = "unknown-type", Remarked;
    /// The path is not percent-encoded as version 1 wants it.
    NotEncoded = "path-not-encoded", Remarked;
    /// A custom key whose value is too long or of a type that custom keys do not have; it is left out.
    CustomUnusable = "custom-key-unusable", Remarked;
    /// The body ends with a line feed.
    TrailingLineFeed = "trailing-line-feed", Remarked;
}

/// One thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub cause: Cause,
    /// With which reserved key; none when it is about the whole report or a custom key.
    pub key: Option<Key>,
    /// The shard it was found in, for a key in a wrong one.
    pub header: Option<Header>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause.code())?;
        if let Some(key) = self.key {
            write!(f, ": {}", key.name())?;
        }
        self.header.map_or(Ok(()), |header| write!(f, " in {}", header.name()))
    }
}

/// What is wrong with a report, at most [`limits::FINDINGS_MAX`] things; empty findings cost nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
    /// Those that had no room.
    pub more: u32,
}

impl Findings {
    /// In the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first for which the report does not count.
    pub fn refused(&self) -> Option<&Finding> {
        self.list.iter().find(|finding| finding.cause.weight() == Weight::Refused)
    }

    pub(super) fn note(&mut self, cause: Cause, key: impl Into<Option<Key>>) {
        self.push(Finding { cause, key: key.into(), header: None });
    }

    pub(super) fn push(&mut self, finding: Finding) {
        if self.list.len() < limits::FINDINGS_MAX {
            return self.list.push(finding);
        }
        self.more = self.more.saturating_add(1);
        // What decides about the report must not get lost among remarks.
        if finding.cause.weight() == Weight::Refused && self.refused().is_none() {
            self.list.pop();
            self.list.push(finding);
        }
    }

    /// A later value replaces an earlier one with all that was wrong with it.
    pub(super) fn forget(&mut self, key: Key) {
        self.list.retain(|finding| finding.key != Some(key));
    }
}

/// Why a line could not be read at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CmcdError {
    /// The line or shard has more than [`LINE_BYTES_MAX`] bytes.
    LineTooLong {
        /// How many it has.
        bytes: usize,
    },
    /// More than [`limits::KEYS_MAX`] keys.
    TooManyKeys,
    /// Not a structured field, percent-encoding or JSON object.
    Malformed {
        /// The byte that does not fit, where it is known.
        at: Option<usize>,
    },
    /// The line comes after [`limits::BODY_LINES_MAX`] others.
    TooManyLines,
    /// The body has more than [`limits::BODY_BYTES_MAX`] bytes.
    BodyTooLong {
        /// How many it has.
        bytes: usize,
    },
}

impl CmcdError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::LineTooLong { .. } => "line-too-long",
            Self::TooManyKeys => "too-many-keys",
            Self::Malformed { .. } => "cmcd-malformed",
            Self::TooManyLines => "too-many-lines",
            Self::BodyTooLong { .. } => "body-too-long",
        }
    }
}

impl fmt::Display for CmcdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong { bytes } => {
                write!(f, "{bytes} bytes are more than the {LINE_BYTES_MAX} of a line")
            }
            Self::TooManyKeys => write!(f, "more than {} keys in a line", limits::KEYS_MAX),
            Self::Malformed { at: Some(at) } => write!(f, "no CMCD: byte {at} does not fit"),
            Self::Malformed { at: None } => write!(f, "no CMCD"),
            Self::TooManyLines => write!(f, "more than {} lines in a body", limits::BODY_LINES_MAX),
            Self::BodyTooLong { bytes } => {
                write!(f, "{bytes} bytes are more than the {} of a body", limits::BODY_BYTES_MAX)
            }
        }
    }
}

impl std::error::Error for CmcdError {}

impl From<StructuredError> for CmcdError {
    fn from(error: StructuredError) -> Self {
        match error {
            StructuredError::TooLong { bytes } => Self::LineTooLong { bytes },
            StructuredError::Malformed { at } => Self::Malformed { at },
        }
    }
}
