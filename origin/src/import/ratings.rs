//! `ratings.dat` and `ratings.csv`: who watched what, when.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tokio::sync::mpsc;

use super::ImportError;
use super::folder::Format;
use super::lines::{Count, Fault, Lines, number};
use super::load::{Chunk, Watched};
use super::progress::Progress;
use crate::database::Title;
use crate::limits;

/// Reads all ratings and hands them on in chunks; ends early, without an error, when nobody takes them.
///
/// A time after `latest_unix_s` is a fault.
pub(super) fn read_ratings(
    path: &Path,
    format: Format,
    titles: &BTreeSet<u32>,
    latest_unix_s: u64,
    chunks: &mpsc::Sender<Chunk>,
) -> Result<Count, ImportError> {
    let mut count = Count::default();
    let mut lines = Lines::open(path).map_err(ImportError::unreadable(path))?;
    let total = std::fs::metadata(path).map_err(ImportError::unreadable(path))?.len();
    let mut progress = Progress::new("reading ratings", total);
    let mut chunk = Vec::with_capacity(limits::CHUNK_EVENTS);
    loop {
        let bytes = lines.bytes;
        let Some((at, line)) = lines.next().map_err(ImportError::unreadable(path))? else { break };
        if at == 1 && line.is_ok_and(|line| format.is_header(line)) {
            continue;
        }
        count.lines += 1;
        match line.and_then(|line| watched(line, format, titles, latest_unix_s)) {
            Ok(watched) => chunk.push(watched),
            Err(fault) => count.bad(path, at, fault),
        }
        if chunk.len() == limits::CHUNK_EVENTS {
            progress.at(bytes);
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(limits::CHUNK_EVENTS));
            if chunks.blocking_send(Chunk::Events(full)).is_err() {
                return Ok(count);
            }
        }
    }
    // The receiver that went away has an error of its own to tell.
    let _ = chunks.blocking_send(Chunk::Events(chunk));
    progress.done();
    Ok(count)
}

fn watched(
    line: &[u8],
    format: Format,
    titles: &BTreeSet<u32>,
    latest_unix_s: u64,
) -> Result<Watched, Fault> {
    let text = std::str::from_utf8(line).map_err(|_| Fault::Fields)?;
    let separator = if format == Format::MovieLensCsv { "," } else { "::" };
    let mut fields = text.split(separator);
    let mut next = || fields.next().map(str::trim).ok_or(Fault::Fields);
    let (viewer, title, rating, at) = (next()?, next()?, next()?, next()?);
    let viewer = number(viewer.as_bytes()).ok_or(Fault::Viewer)?;
    let title = number(title.as_bytes()).ok_or(Fault::Title)?;
    let rating: f32 = rating.parse().map_err(|_| Fault::Rating)?;
    if !(0.0..=10.0).contains(&rating) {
        return Err(Fault::Rating);
    }
    let at_unix_s: u64 = at.parse().map_err(|_| Fault::Time)?;
    if at_unix_s > latest_unix_s {
        return Err(Fault::Time);
    }
    if !titles.contains(&title) {
        return Err(Fault::TitleUnknown);
    }
    Ok(Watched { viewer, title, at_unix_s, rating: Some(rating) })
}

/// The numbers of these titles.
pub(super) fn ids(titles: &BTreeMap<u32, Title>) -> BTreeSet<u32> {
    titles.keys().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATEST_UNIX_S: u64 = 1_800_000_000;

    fn read(line: &str, format: Format) -> Result<Watched, Fault> {
        watched(line.as_bytes(), format, &BTreeSet::from([104_257]), LATEST_UNIX_S)
    }

    #[test]
    fn reads_the_lines_of_each_format() {
        let expected = Watched { viewer: 2, title: 104_257, at_unix_s: 1_364_690_142, rating: Some(8.0) };
        assert_eq!(read("2::0104257::8::1364690142", Format::MovieTweetings), Ok(expected));
        assert_eq!(read("2::0104257::8::1364690142::more", Format::MovieTweetings), Ok(expected));
        assert_eq!(read("2::104257::8::1364690142", Format::MovieLensDat), Ok(expected));
        assert_eq!(read("2,104257,8.0,1364690142", Format::MovieLensCsv), Ok(expected));
    }

    #[test]
    fn a_bad_line_is_told_by_its_fault() {
        let check = |line, fault| assert_eq!(read(line, Format::MovieTweetings), Err(fault));
        check("2::0104257::8", Fault::Fields);
        check("two::0104257::8::1364690142", Fault::Viewer);
        check("2::x::8::1364690142", Fault::Title);
        check("2::0104257::eight::1364690142", Fault::Rating);
        check("2::0104257::NaN::1364690142", Fault::Rating);
        check("2::0104257::11::1364690142", Fault::Rating);
        check("2::0104257::-1::1364690142", Fault::Rating);
        check("2::0104257::8::yesterday", Fault::Time);
        check("2::0104257::8::-5", Fault::Time);
        check("2::0104257::8::1800000001", Fault::Time);
        check("2::0104258::8::1364690142", Fault::TitleUnknown);
    }
}
