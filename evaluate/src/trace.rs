//! Throughput traces: how fast a link was, from its beginning on.

use std::path::Path;

use serde::Deserialize;

use crate::error::{InputError, Result};
use crate::{files, limits};

/// What a link carried. It begins again when it has ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trace {
    /// Name of its file.
    pub(crate) name: String,
    // Invariant: 1 to SEGMENTS_MAX; lengths at least 0, speeds finite and at least 0, and one segment at
    // least has both above 0, so that every download ends.
    segments: Vec<Segment>,
}

/// A time in which the speed was constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segment {
    /// Its length.
    pub(crate) seconds: f64,
    /// The speed of the link, payload and headers together.
    pub(crate) mbps: f64,
}

impl Trace {
    /// Checks the segments.
    pub(crate) fn new(name: String, segments: Vec<Segment>) -> std::result::Result<Self, &'static str> {
        if segments.len() > limits::SEGMENTS_MAX {
            return Err("more segments than a trace may have");
        }
        if !segments.iter().any(|segment| segment.seconds * segment.mbps >= limits::MEGABITS_MIN) {
            return Err("no segment carries anything");
        }
        Ok(Self { name, segments })
    }

    /// The same link, `scale` times as fast; above 0.
    pub(crate) fn scaled(self, scale: f64) -> Self {
        let faster = |segment: Segment| Segment { mbps: segment.mbps * scale, ..segment };
        Self { name: self.name, segments: self.segments.into_iter().map(faster).collect() }
    }

    /// The same link, begun `share` of its segments later; from 0 to 1.
    pub(crate) fn begun_at(mut self, share: f64) -> Self {
        let count = self.segments.len();
        self.segments.rotate_left(((share * count as f64) as usize).min(count));
        self
    }

    /// Never empty.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

/// Reads all traces of a folder in the order of their names; its licences and notes are left out.
pub(crate) fn read_folder(folder: &Path) -> Result<Vec<Trace>> {
    let traces = files::of_folder(folder)?.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?;
    if traces.is_empty() {
        return Err(InputError::NoTraces { folder: folder.to_owned() });
    }
    Ok(traces)
}

fn read(file: &Path) -> Result<Trace> {
    let text = files::text(file)?;
    let segments =
        if text.trim_start().starts_with('[') { of_json(file, &text)? } else { of_lines(file, &text)? };
    Trace::new(files::name(file), segments).map_err(|reason| InputError::file(file, reason))
}

/// `seconds<TAB>Mbit/s` a line. A speed holds from the line before to its own, as in the simulator of
/// Pensieve: that of the first line never does, and only its time counts.
fn of_lines(file: &Path, text: &str) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    let mut before_s = None;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let refuse = |reason| InputError::line(file, index + 1, reason);
        let (seconds, mbps) = two_numbers(line).ok_or_else(|| refuse("not `seconds Mbit/s`"))?;
        if mbps < 0.0 {
            return Err(refuse("a speed below 0"));
        }
        if let Some(before_s) = before_s.replace(seconds) {
            if seconds < before_s {
                return Err(refuse("time runs backwards"));
            }
            segments.push(Segment { seconds: seconds - before_s, mbps });
        }
    }
    Ok(segments)
}

fn two_numbers(line: &str) -> Option<(f64, f64)> {
    let mut fields =
        line.split_whitespace().map(|field| field.parse().ok().filter(|number: &f64| number.is_finite()));
    let numbers = (fields.next()??, fields.next()??);
    fields.next().is_none().then_some(numbers)
}

/// A JSON list of `{duration_ms, bandwidth_kbps, latency_ms}`. The latency is read and left out: the
/// protocol has one for all.
fn of_json(file: &Path, text: &str) -> Result<Vec<Segment>> {
    #[derive(Deserialize)]
    struct Period {
        duration_ms: f64,
        bandwidth_kbps: f64,
    }
    let periods: Vec<Period> = serde_json::from_str(text).map_err(|error| InputError::json(file, &error))?;
    let check = |(index, period): (usize, &Period)| {
        let is_fine = |number: f64| number.is_finite() && number >= 0.0;
        if !is_fine(period.duration_ms) || !is_fine(period.bandwidth_kbps) {
            return Err(InputError::file(file, &format!("period {index}: a length or speed below 0")));
        }
        Ok(Segment { seconds: period.duration_ms / 1e3, mbps: period.bandwidth_kbps / 1e3 })
    };
    periods.iter().enumerate().map(check).collect()
}
