//! Somebody else's rungs, scored with the same code.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use crate::error::{InputError, Result};
use crate::files;
use crate::player::Protocol;
use crate::score::Played;
use crate::session::{self, FIRST_RUNG};
use crate::trace::Trace;
use crate::video::Video;

/// The rungs of every trace, first chunk included.
#[derive(Debug)]
pub(crate) struct Choices {
    rungs: HashMap<String, Vec<usize>>,
}

impl Choices {
    /// Reads a file: a line is the name of a trace and its rung per chunk, apart by spaces or commas. The
    /// first chunk may be left out; it is at rung 1 for everyone. Every trace has one line.
    pub(crate) fn read(file: &Path, video: &Video, traces: &[Trace]) -> Result<Self> {
        let mut rungs = HashMap::new();
        for (index, line) in files::text(file)?.lines().enumerate() {
            let mut fields = line.split([' ', '\t', ',']).filter(|field| !field.is_empty());
            let Some(name) = fields.next().filter(|name| !name.starts_with('#')) else { continue };
            let refuse = |reason: String| InputError::line(file, index + 1, reason);
            if !traces.iter().any(|trace| trace.name == name) {
                return Err(refuse(format!("no trace of the folder is called {name}")));
            }
            let chosen = chosen(fields, video).map_err(refuse)?;
            if rungs.insert(name.to_owned(), chosen).is_some() {
                return Err(refuse(format!("a second line for {name}")));
            }
        }
        match traces.iter().find(|trace| !rungs.contains_key(&trace.name)) {
            Some(trace) => Err(InputError::file(file, &format!("no line for the trace {}", trace.name))),
            None => Ok(Self { rungs }),
        }
    }

    /// Plays the chosen rungs.
    pub(crate) fn play(&self, video: &Video, trace: &Trace, protocol: Protocol) -> Vec<Played> {
        let rungs = &self.rungs[&trace.name];
        session::play_by(video, trace, protocol, |player, _| rungs[player.chunk()])
    }
}

/// The line of a session.
pub(crate) fn line(trace: &Trace, played: &[Played]) -> String {
    let mut line = trace.name.clone();
    for Played { rung, .. } in played {
        let _ = write!(line, " {rung}");
    }
    line + "\n"
}

fn chosen<'a>(
    fields: impl Iterator<Item = &'a str>,
    video: &Video,
) -> std::result::Result<Vec<usize>, String> {
    let mut rungs = Vec::new();
    for field in fields {
        let rung = field.parse().ok().filter(|rung| *rung < video.rungs());
        rungs.push(rung.ok_or_else(|| format!("{field} is no rung from 0 to {}", video.rungs() - 1))?);
    }
    if rungs.len() + 1 == video.chunks() {
        rungs.insert(0, FIRST_RUNG);
    }
    if rungs.len() != video.chunks() {
        return Err(format!("{} rungs for the {} chunks of the title", rungs.len(), video.chunks()));
    }
    if rungs[0] != FIRST_RUNG {
        return Err(format!("the first chunk is at rung {FIRST_RUNG} for everyone"));
    }
    Ok(rungs)
}
