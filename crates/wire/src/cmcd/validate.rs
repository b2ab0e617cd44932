//! The rules that hold between the keys of a report.

use super::finding::{Cause, Findings};
use super::key::{Use, those_used};
use super::report::Cmcd;
use super::{Event, Key, Mode, ObjectType};

/// Keys that tell a change, each with the event that has to carry it.
const CARRIED: [(Event, Key); 8] = [
    (Event::BitrateChange, Key::Br),
    (Event::PlayState, Key::Sta),
    (Event::PlaybackRate, Key::Pr),
    (Event::ContentId, Key::Cid),
    (Event::Background, Key::Bg),
    (Event::Error, Key::Ec),
    (Event::Response, Key::Url),
    (Event::Custom, Key::Cen),
];

/// A bit rate of a combination and the exact one that replaces it.
const SUPERSEDED: [(Key, Key); 3] = [(Key::Ab, Key::Br), (Key::Lab, Key::Lb), (Key::Tab, Key::Tb)];

/// Keys whose values are rounded to hundreds.
const ROUNDED: [Key; 5] = [Key::Bl, Key::Dl, Key::Mtp, Key::Rtp, Key::Tbl];

const VERSION_1_ALONE: u64 = those_used(Use::Version1);
const EVENTS_ALONE: u64 = those_used(Use::Events);
const RESPONSES_ALONE: u64 = those_used(Use::Responses);

impl Cmcd<'_> {
    /// Checks the rules between keys, for a report sent in this mode.
    pub fn validate(&self, mode: Mode, findings: &mut Findings) {
        self.check_version(mode, findings);
        match mode {
            Mode::Event => self.check_event(findings),
            Mode::Request => self.note_all(EVENTS_ALONE | RESPONSES_ALONE, Cause::OtherMode, findings),
        }
        if !self.has(Key::Sid) {
            findings.note(Cause::SessionMissing, Key::Sid);
        }
        self.check_values(findings);
    }

    fn check_version(&self, mode: Mode, findings: &mut Findings) {
        match (self.integer(Key::V), mode) {
            (Some(2), _) => {
                self.note_all(VERSION_1_ALONE, Cause::OtherVersion, findings);
                self.note_all(self.scalars, Cause::NotAList, findings);
            }
            (Some(1), Mode::Request) => {
                findings.note(Cause::VersionNeedless, Key::V);
                self.note_all(self.lists, Cause::NotAScalar, findings);
            }
            (None, Mode::Request) if self.has_version_2_keys() => {
                findings.note(Cause::VersionUnsaid, Key::V);
            }
            (None, Mode::Request) => self.note_all(self.lists, Cause::NotAScalar, findings),
            (None, Mode::Event) => findings.note(Cause::VersionMissing, Key::V),
            // Events are of version 2.
            (Some(_), _) => findings.note(Cause::VersionUnsupported, Key::V),
        }
    }

    fn check_event(&self, findings: &mut Findings) {
        if !self.has(Key::Ts) {
            findings.note(Cause::TimeMissing, Key::Ts);
        }
        let Some(event) = self.event() else {
            // An unknown event was noted when it was read.
            if !findings.iter().any(|finding| finding.key == Some(Key::E)) {
                findings.note(Cause::EventMissing, Key::E);
            }
            return;
        };
        for (carrier, key) in CARRIED {
            if carrier == event && !self.has(key) {
                findings.note(Cause::FieldMissing, key);
            }
        }
        if event != Event::Response {
            self.note_all(RESPONSES_ALONE, Cause::OtherMode, findings);
        }
        if event != Event::Custom {
            self.note_all(Key::Cen.bit(), Cause::OtherMode, findings);
        }
    }

    fn check_values(&self, findings: &mut Findings) {
        for key in ROUNDED {
            let is_rounded = match self.integer(key) {
                Some(number) => number % 100 == 0,
                None => self.numbers(key).iter().all(|number| number.value % 100 == 0),
            };
            if !is_rounded {
                findings.note(Cause::NotRounded, key);
            }
        }
        if self.version() == 1 {
            return;
        }
        for (combined, exact) in SUPERSEDED {
            if self.has(combined) && self.has(exact) {
                findings.note(Cause::Superseded, combined);
            }
        }
        if let Some(object_type) = self.object_type() {
            for key in [Key::D, Key::Tpb] {
                if self.has(key) && !is_allowed(key, object_type) {
                    findings.note(Cause::OtherObject, key);
                }
            }
        }
    }

    fn note_all(&self, keys: u64, cause: Cause, findings: &mut Findings) {
        let wrong = self.present & keys;
        if wrong == 0 {
            return;
        }
        let keys = Key::ALL.iter().filter(|key| wrong & key.bit() != 0);
        keys.for_each(|key| findings.note(cause, *key));
    }
}

/// Whether a key may be sent for an object of this type: a manifest has no duration.
pub(super) fn is_allowed(key: Key, object_type: ObjectType) -> bool {
    use ObjectType::{Audio, Caption, Muxed, Other, TimedText, Video};
    match key {
        Key::D => matches!(object_type, Audio | Video | Muxed | TimedText | Caption | Other),
        Key::Tpb => matches!(object_type, Audio | Video | Muxed | Caption),
        _ => true,
    }
}

/// The exact bit rate that replaces one of a combination.
pub(super) fn exact_of(key: Key) -> Option<Key> {
    SUPERSEDED.iter().find(|(combined, _)| *combined == key).map(|(_, exact)| *exact)
}
