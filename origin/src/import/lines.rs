//! Reads a text file line by line, whatever is in it.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::limits;

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Longer than any line of these formats.
    TooLong,
    /// Fewer fields than the format has.
    Fields,
    /// The viewer is no number below 2³².
    Viewer,
    /// The title is no number below 2³².
    Title,
    /// The rating is not 0 to 10.
    Rating,
    /// The time is no number of seconds between 1970 and tomorrow.
    Time,
    /// The name is empty, or longer than any name.
    Name,
    /// No line of the other file describes the title.
    TitleUnknown,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the line is too long",
            Self::Fields => "fields are missing",
            Self::Viewer => "the viewer is not a number below 2^32",
            Self::Title => "the title is not a number below 2^32",
            Self::Rating => "the rating is not 0 to 10",
            Self::Time => "the time is not in seconds between 1970 and tomorrow",
            Self::Name => "the name is empty or too long",
            Self::TitleUnknown => "the title is not among the movies",
        })
    }
}

/// A line that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The file's name.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.fault)
    }
}

/// What became of the lines of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All that are not blank.
    pub lines: u64,
    /// Those that were left out.
    pub bad: u64,
    /// The first of them.
    pub first_bad: Vec<BadLine>,
}

impl Count {
    pub(super) fn bad(&mut self, path: &Path, line: u64, fault: Fault) {
        self.bad += 1;
        if self.first_bad.len() < limits::BAD_LINES_TOLD_MAX {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.first_bad.push(BadLine { file, line, fault });
        }
    }
}

/// The lines of a file, one at a time in one buffer.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    number: u64,
    /// Of the file, read so far.
    pub(super) bytes: u64,
}

impl Lines<BufReader<File>> {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::new(BufReader::with_capacity(1 << 18, File::open(path)?)))
    }
}

/// A line's number, and the line or why it is none.
pub(super) type NumberedLine<'a> = (u64, Result<&'a [u8], Fault>);

impl<R: BufRead> Lines<R> {
    fn new(reader: R) -> Self {
        Self { reader, buffer: Vec::new(), number: 0, bytes: 0 }
    }

    /// The next line that is not blank, with its number; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<NumberedLine<'_>>> {
        loop {
            self.buffer.clear();
            let mut limited = (&mut self.reader).take(limits::LINE_BYTES_MAX);
            let read = limited.read_until(b'\n', &mut self.buffer)? as u64;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.bytes += read;
            if read == limits::LINE_BYTES_MAX && self.buffer.last() != Some(&b'\n') {
                self.bytes += skip_line(&mut self.reader)?;
                return Ok(Some((self.number, Err(Fault::TooLong))));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.buffer.trim_ascii();
        let without_mark = if self.number == 1 { line.strip_prefix(b"\xef\xbb\xbf") } else { None };
        Ok(Some((self.number, Ok(without_mark.unwrap_or(line)))))
    }
}

/// Passes over the rest of a line without holding it.
fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = reader.fill_buf()?;
        let (length, is_end) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(position) => (position + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        reader.consume(length);
        skipped += length as u64;
        if is_end {
            return Ok(skipped);
        }
    }
}

/// A field that is a number of a viewer or a title; leading zeros are usual.
pub(super) fn number(field: &[u8]) -> Option<u32> {
    std::str::from_utf8(field).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<(u64, Result<Vec<u8>, Fault>)> {
        let mut lines = Lines::new(bytes);
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            all.push((number, line.map(<[u8]>::to_vec)));
        }
        assert_eq!(lines.bytes, bytes.len() as u64);
        all
    }

    #[test]
    fn blank_lines_count_but_are_not_given() {
        let expected = [(1, Ok(b"a".to_vec())), (3, Ok(b"b".to_vec()))];
        assert_eq!(read(b"a\r\n\r\nb"), expected);
    }

    #[test]
    fn a_line_without_end_is_passed_over_in_bounded_memory() {
        let mut bytes = vec![b'x'; usize::try_from(limits::LINE_BYTES_MAX).unwrap() * 3];
        bytes.extend(b"\nb\n");
        assert_eq!(read(&bytes), [(1, Err(Fault::TooLong)), (2, Ok(b"b".to_vec()))]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_field() {
        assert_eq!(read(b"\xef\xbb\xbfa\n"), [(1, Ok(b"a".to_vec()))]);
    }
}
