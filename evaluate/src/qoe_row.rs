//! Reads a row of a table as a session.
//!
//! Names of columns are compared without case, and with `_` for blanks and hyphens. A unit at the end of a
//! name is honoured (`_s`, `_ms`, `_kbps`, `_mbps`, `_bps`); without one, times are seconds and bit rates
//! kbit/s.

use csv::StringRecord;
use qoe::{Codec, Screen};

use crate::limits;

/// A session as a row tells it; times in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// None is unknown.
    pub(crate) startup_s: Option<f64>,
    /// Where in the title it stalled, and for how long; in order of the title.
    pub(crate) stalls: Vec<(f64, f64)>,
    /// Of each segment; empty is unknown.
    pub(crate) kbps: Vec<f64>,
    pub(crate) heights: Vec<f64>,
    pub(crate) widths: Vec<f64>,
    pub(crate) frame_rate: Option<f64>,
    pub(crate) codec: Option<Codec>,
    pub(crate) screen: Option<Screen>,
    /// Media shown.
    pub(crate) duration_s: f64,
    /// Changes, where only the mean bit rate is known.
    pub(crate) switches: Option<u32>,
    pub(crate) dropped_frames: u32,
    /// Media that was loaded and not yet shown, on average.
    pub(crate) buffer_s: Option<f64>,
    /// An error ended it.
    pub(crate) is_failed: bool,
}

/// What is wrong with a row.
#[derive(Debug, PartialEq)]
pub(crate) struct CellError {
    /// The column's name.
    pub(crate) column: String,
    /// What is wrong in it.
    pub(crate) reason: String,
}

/// Something that a column can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Startup,
    /// `start:length;…`, or a count.
    Stalls,
    StallCount,
    StallTotal,
    /// Of what was shown and waited for.
    StallRatio,
    StallStarts,
    StallLengths,
    Rates,
    Heights,
    Widths,
    /// `1280x720;…`.
    Sizes,
    FrameRate,
    Codec,
    Device,
    Duration,
    Segment,
    Switches,
    DroppedFrames,
    Buffer,
    Failed,
}

/// Names without their unit.
const NAMES: &[(Item, &[&str])] = &[
    (
        Item::Startup,
        &[
            "startup",
            "startup_time",
            "initial_startup_time",
            "startup_delay",
            "initial_delay",
            "initial_buffering",
            "join_time",
        ],
    ),
    (Item::Stalls, &["stalls", "stall_events", "stalling_events", "rebuffer_events"]),
    (
        Item::StallCount,
        &[
            "stall_count",
            "playback_stall_count",
            "stall_number",
            "num_stalls",
            "n_stalls",
            "rebuffer_count",
            "rebuffers",
        ],
    ),
    (
        Item::StallTotal,
        &[
            "stall",
            "stall_total",
            "total_stall",
            "stall_time",
            "stall_duration",
            "playback_stall_duration",
            "stalled",
            "rebuffer",
            "rebuffering",
            "rebuffer_total",
            "rebuffer_time",
            "rebuffer_duration",
            "rebuffering_time",
            "rebuffering_duration",
            "total_rebuffering",
            "total_stall_duration",
            "total_stall_time",
        ],
    ),
    (
        Item::StallStarts,
        &["stall_positions", "stall_position", "stall_starts", "stall_start", "rebuffer_positions"],
    ),
    (Item::StallLengths, &["stall_lengths", "stall_durations", "rebuffer_durations"]),
    (Item::Segment, &["segment", "segment_duration", "segment_length", "chunk", "chunk_duration"]),
    (Item::StallRatio, &["rebuffer_ratio", "rebuffering_ratio", "stall_ratio"]),
    (
        Item::Rates,
        &[
            "bitrate",
            "bit_rate",
            "rate",
            "bitrates",
            "rates",
            "mean",
            "avg",
            "average",
            "mean_bitrate",
            "avg_bitrate",
            "average_bitrate",
            "video",
            "video_bitrate",
            "segment",
            "segments",
            "segment_bitrates",
        ],
    ),
    (Item::Heights, &["height", "heights", "lines", "video_height"]),
    (Item::Widths, &["width", "widths", "video_width"]),
    (Item::Sizes, &["resolution", "resolutions", "size"]),
    (Item::FrameRate, &["fps", "frame_rate", "framerate"]),
    (Item::Codec, &["codec", "video_codec"]),
    (Item::Device, &["device", "screen", "display"]),
    (Item::Duration, &["duration", "media_duration", "video_duration", "length", "played"]),
    (Item::Switches, &["switches", "switch_count", "num_switches", "n_switches", "quality_switches"]),
    (Item::DroppedFrames, &["dropped_frames"]),
    (Item::Buffer, &["buffer", "mean_buffer", "avg_buffer", "average_buffer", "buffer_level"]),
    (Item::Failed, &["failed", "failure", "fatal_error"]),
];

/// What a unit measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Time,
    Rate,
    Length,
}

/// Units at the end of a name, and what a number in them is multiplied by.
const UNITS: [(&str, Measure, f64); 6] = [
    ("ms", Measure::Time, 0.001),
    ("s", Measure::Time, 1.0),
    ("kbps", Measure::Rate, 1.0),
    ("mbps", Measure::Rate, 1_000.0),
    ("bps", Measure::Rate, 0.001),
    ("px", Measure::Length, 1.0),
];

/// Rates that need their unit to be known as such.
const RATES_BY_UNIT: [&str; 6] = ["mean", "avg", "average", "video", "segment", "segments"];

impl Item {
    fn measure(self) -> Option<Measure> {
        match self {
            Self::Startup
            | Self::StallTotal
            | Self::StallStarts
            | Self::StallLengths
            | Self::Duration
            | Self::Segment
            | Self::Buffer => Some(Measure::Time),
            Self::Rates => Some(Measure::Rate),
            Self::Heights | Self::Widths => Some(Measure::Length),
            _ => None,
        }
    }
}

/// Where a table tells what.
pub(crate) struct Columns {
    names: Vec<String>,
    /// Place, item and factor.
    known: Vec<(usize, Item, f64)>,
}

impl Columns {
    /// Finds what is known among the names; the rest is passed through.
    pub(crate) fn of(names: &StringRecord) -> Result<Self, String> {
        let mut known: Vec<(usize, Item, f64)> = Vec::new();
        for (place, name) in names.iter().enumerate() {
            let Some((item, factor)) = item(name) else { continue };
            if let Some((other, ..)) = known.iter().find(|(_, found, _)| *found == item) {
                return Err(format!("{name} and {} tell the same", &names[*other]));
            }
            known.push((place, item, factor));
        }
        Ok(Self { names: names.iter().map(str::to_owned).collect(), known })
    }

    /// A row as a session, with the defaults that the README states.
    pub(crate) fn read(&self, cells: &StringRecord) -> Result<Told, CellError> {
        if cells.len() != self.names.len() {
            let reason = format!("{} cells in a table of {} columns", cells.len(), self.names.len());
            let column = self.names.get(cells.len().min(self.names.len() - 1)).cloned().unwrap_or_default();
            return Err(CellError { column, reason });
        }
        let row = Row { columns: self, cells };
        let frame_rate = row.number(Item::FrameRate)?.filter(|rate| *rate > 0.0);
        let (mut heights, mut widths) = (row.numbers(Item::Heights)?, row.numbers(Item::Widths)?);
        if let Some(text) = row.text(Item::Sizes) {
            (widths, heights) = sizes(text).map_err(|reason| row.error(Item::Sizes, reason))?;
        }
        let kbps = row.numbers(Item::Rates)?;
        let segments =
            row.segments(&[(Item::Rates, &kbps), (Item::Heights, &heights), (Item::Widths, &widths)])?;
        let duration_s = row.duration(segments)?;
        let (startup_s, stalls) = row.waits(duration_s, segments)?;
        Ok(Told {
            startup_s,
            stalls,
            kbps,
            heights,
            widths,
            frame_rate,
            codec: row.text(Item::Codec).map(Codec::named),
            screen: row.screen()?,
            duration_s,
            switches: row.count(Item::Switches)?,
            dropped_frames: row.count(Item::DroppedFrames)?.unwrap_or(0),
            buffer_s: row.seconds(Item::Buffer)?,
            is_failed: row.is(Item::Failed)?,
        })
    }
}

/// The item of a name and the factor of its unit.
fn item(name: &str) -> Option<(Item, f64)> {
    let name = name.trim().to_lowercase().replace([' ', '-'], "_");
    // A bit rate may be named by its unit alone.
    if let Some((_, _, factor)) =
        UNITS.iter().find(|(unit, measure, _)| *measure == Measure::Rate && *unit == name)
    {
        return Some((Item::Rates, *factor));
    }
    let of = |bare: &str, measure: Option<Measure>| {
        let fits = |item: Item| measure.is_none() || item.measure() == measure;
        NAMES.iter().find(|(item, names)| fits(*item) && names.contains(&bare)).map(|(item, _)| *item)
    };
    let by_unit = |item: &Item| *item == Item::Rates && RATES_BY_UNIT.contains(&name.as_str());
    if let Some(item) = of(&name, None).filter(|item| !by_unit(item)) {
        return Some((item, 1.0));
    }
    UNITS.iter().find_map(|(unit, measure, factor)| {
        let bare = name.strip_suffix(unit)?.strip_suffix('_')?;
        Some((of(bare, Some(*measure))?, *factor))
    })
}

/// The cells of a row, by what they tell.
pub(crate) struct Row<'a> {
    columns: &'a Columns,
    cells: &'a StringRecord,
}

impl Row<'_> {
    pub(crate) fn error(&self, item: Item, reason: String) -> CellError {
        let place = self.columns.known.iter().find(|(_, known, _)| *known == item).map(|(place, ..)| *place);
        CellError { column: place.map(|place| self.columns.names[place].clone()).unwrap_or_default(), reason }
    }

    /// What a cell says, if anything.
    fn cell(&self, item: Item) -> Option<(&str, f64)> {
        const NOTHING: [&str; 6] = ["", "-", "na", "n/a", "nan", "null"];
        let (place, _, factor) = self.columns.known.iter().find(|(_, known, _)| *known == item)?;
        let text = self.cells.get(*place)?.trim();
        (!NOTHING.iter().any(|nothing| text.eq_ignore_ascii_case(nothing))).then_some((text, *factor))
    }

    pub(crate) fn text(&self, item: Item) -> Option<&str> {
        self.cell(item).map(|(text, _)| text)
    }

    pub(crate) fn number(&self, item: Item) -> Result<Option<f64>, CellError> {
        let Some((text, factor)) = self.cell(item) else { return Ok(None) };
        number(text).map(|number| Some(number * factor)).map_err(|reason| self.error(item, reason))
    }

    /// Of no more than a day.
    pub(crate) fn seconds(&self, item: Item) -> Result<Option<f64>, CellError> {
        match self.number(item)? {
            Some(seconds) if seconds > DURATION_S_MAX => {
                Err(self.error(item, format!("{seconds} s is longer than a day")))
            }
            seconds => Ok(seconds),
        }
    }

    pub(crate) fn count(&self, item: Item) -> Result<Option<u32>, CellError> {
        let Some(number) = self.number(item)? else { return Ok(None) };
        if number.fract() != 0.0 || number > f64::from(u32::MAX) {
            return Err(self.error(item, format!("{number} is no count")));
        }
        Ok(Some(number as u32))
    }

    /// Whether a cell says so; not where it says nothing.
    fn is(&self, item: Item) -> Result<bool, CellError> {
        match self.text(item).map(str::to_lowercase).as_deref() {
            None | Some("0" | "false" | "no") => Ok(false),
            Some("1" | "true" | "yes") => Ok(true),
            Some(other) => Err(self.error(item, format!("{other} is neither yes nor no"))),
        }
    }

    pub(crate) fn numbers(&self, item: Item) -> Result<Vec<f64>, CellError> {
        let Some((text, factor)) = self.cell(item) else { return Ok(Vec::new()) };
        let numbers: Result<Vec<f64>, String> =
            parts(text).map(|part| number(part).map(|number| number * factor)).collect();
        numbers
            .and_then(|numbers| match numbers.len() {
                0..=limits::CHUNKS_MAX => Ok(numbers),
                _ => Err("more than a title may have".to_owned()),
            })
            .map_err(|reason| self.error(item, reason))
    }

    fn screen(&self) -> Result<Option<Screen>, CellError> {
        let Some(device) = self.text(Item::Device) else { return Ok(None) };
        let lower = device.to_lowercase();
        let holds = |names: &[&str]| names.iter().any(|name| lower.contains(name));
        let screen = Screen::of_device(&lower).or_else(|| {
            [
                (Screen::Phone, &["phone", "mobile"][..]),
                (Screen::Tablet, &["tablet", "pad"]),
                (Screen::Tv, &["tv", "television"]),
                (Screen::Desktop, &["desktop", "laptop", "monitor", "pc", "web"]),
            ]
            .into_iter()
            .find_map(|(screen, names)| holds(names).then_some(screen))
        });
        screen.map(Some).ok_or_else(|| self.error(Item::Device, format!("{device} is no device known here")))
    }

    /// Segments of the lists that have an entry for each, at least one.
    fn segments(&self, lists: &[(Item, &[f64])]) -> Result<usize, CellError> {
        let segments = lists.iter().map(|(_, list)| list.len()).max().unwrap_or(0).max(1);
        for (item, list) in lists {
            if list.len() > 1 && list.len() != segments {
                let reason = format!("{} entries, where others have {segments}", list.len());
                return Err(self.error(*item, reason));
            }
        }
        Ok(segments)
    }

    /// The length of what was shown, in seconds.
    fn duration(&self, segments: usize) -> Result<f64, CellError> {
        let told = self.number(Item::Duration)?.filter(|duration| *duration > 0.0);
        let segment_s = self.number(Item::Segment)?.filter(|segment| *segment > 0.0);
        let duration_s = match (told, segment_s, segments) {
            (Some(duration), _, _) => duration,
            (None, _, 1) => DURATION_S,
            (None, segment, _) => segment.unwrap_or(SEGMENT_S) * segments as f64,
        };
        if duration_s > DURATION_S_MAX {
            return Err(self.error(Item::Duration, format!("{duration_s} s is longer than a day")));
        }
        Ok(duration_s)
    }
}

/// Entries of a list, apart by semicolons, blanks or bars, in brackets or not.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.trim_matches(['[', ']', '(', ')', '"'])
        .split([';', ' ', '|', ','])
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// A finite number that is not negative.
pub(crate) fn number(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if number.is_finite() && number >= 0.0 { Ok(number) } else { Err(format!("{text} is out of range")) }
}

/// Widths and heights of `1280x720`, or heights of `720p`.
fn sizes(text: &str) -> Result<(Vec<f64>, Vec<f64>), String> {
    let mut found = (Vec::new(), Vec::new());
    for part in parts(text) {
        let lower = part.to_lowercase();
        match lower.split_once('x') {
            Some((width, height)) => {
                found.0.push(number(width)?);
                found.1.push(number(height)?);
            }
            None => found.1.push(number(lower.trim_end_matches('p'))?),
        }
    }
    if found.0.len() == found.1.len() || found.0.is_empty() {
        Ok(found)
    } else {
        Err("sizes of two forms".to_owned())
    }
}

/// Shown where nothing says for how long: the usual length of a clip in the laboratory.
const DURATION_S: f64 = 60.0;

/// Of a segment where nothing tells.
const SEGMENT_S: f64 = 4.0;

/// A longer title would take as long to fold as it has seconds.
pub(crate) const DURATION_S_MAX: f64 = 86_400.0;

#[cfg(test)]
mod tests {
    use super::{Item, item};

    #[test]
    fn names_are_known_with_and_without_their_unit() {
        let check = |name: &str, expected: Option<(Item, f64)>| assert_eq!(item(name), expected, "{name}");
        check("startup_ms", Some((Item::Startup, 0.001)));
        check("Startup Time", Some((Item::Startup, 1.0)));
        check("initial-delay_s", Some((Item::Startup, 1.0)));
        check("kbps", Some((Item::Rates, 1.0)));
        check("Mbps", Some((Item::Rates, 1_000.0)));
        check("mean_kbps", Some((Item::Rates, 1.0)));
        check("segment_kbps", Some((Item::Rates, 1.0)));
        check("segment_s", Some((Item::Segment, 1.0)));
        check("segment", Some((Item::Segment, 1.0)));
        check("bitrate_bps", Some((Item::Rates, 0.001)));
        check("stalls", Some((Item::Stalls, 1.0)));
        check("stall_s", Some((Item::StallTotal, 1.0)));
        check("rebuffer_ratio", Some((Item::StallRatio, 1.0)));
        check("height", Some((Item::Heights, 1.0)));
        check("fps", Some((Item::FrameRate, 1.0)));
        // A mean of what, a speed and not a bit rate, a height in seconds: passed through.
        check("mean", None);
        check("throughput_kbps", None);
        check("height_s", None);
        check("", None);
    }
}
