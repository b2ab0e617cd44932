//! What viewers watched, in time order: the only input of every trainer.

use std::collections::HashMap;
use std::io::BufRead;

use super::limits::{SEQUENCE_EVENTS_MAX, SEQUENCE_LINE_BYTES_MAX};

/// Histories of many viewers over one numbering of titles.
///
/// Titles are numbered by rising id, so equal inputs give equal models whatever order they came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequences {
    // Invariant: strictly rising.
    titles: Vec<u32>,
    viewers: Vec<u32>,
    // Invariant: rises from 0 to `items.len()`, one more entry than `viewers`.
    offsets: Vec<usize>,
    // Invariant: every item is an index into `titles`.
    items: Vec<u32>,
}

impl Sequences {
    /// Takes `(viewer, titles watched, oldest first)`; an empty history is left out.
    pub fn new<I>(histories: I) -> Self
    where
        I: IntoIterator<Item = (u32, Vec<u32>)>,
    {
        let mut sequences = Self { offsets: vec![0], ..Self::default() };
        for (viewer, watched) in histories {
            if watched.is_empty() {
                continue;
            }
            sequences.viewers.push(viewer);
            sequences.items.extend_from_slice(&watched);
            sequences.offsets.push(sequences.items.len());
        }
        sequences.titles = sequences.items.clone();
        sequences.titles.sort_unstable();
        sequences.titles.dedup();
        let index: HashMap<u32, u32> = sequences.titles.iter().copied().zip(0..).collect();
        for item in &mut sequences.items {
            *item = index[item];
        }
        sequences
    }

    /// Reads lines `viewer title title …`, oldest first, separated by blanks; empty lines are skipped.
    ///
    /// # Errors
    /// The first line that is not numbers, too long, or repeats a viewer; nothing is guessed.
    pub fn read(mut lines: impl BufRead) -> Result<Self, SequencesError> {
        let mut histories = Vec::new();
        let mut seen = HashMap::new();
        let mut events = 0;
        let mut text = String::new();
        for line in 1.. {
            text.clear();
            let mut limited = std::io::Read::take(&mut lines, SEQUENCE_LINE_BYTES_MAX + 1);
            let bytes =
                limited.read_line(&mut text).map_err(|source| SequencesError::Unreadable { line, source })?;
            if bytes == 0 {
                break;
            }
            if bytes as u64 > SEQUENCE_LINE_BYTES_MAX {
                return Err(SequencesError::LineTooLong { line });
            }
            let mut numbers = text.split_ascii_whitespace().map(str::parse::<u32>);
            let Some(viewer) = numbers.next() else { continue };
            let viewer = viewer.map_err(|_| SequencesError::NotANumber { line })?;
            let watched: Vec<u32> =
                numbers.collect::<Result<_, _>>().map_err(|_| SequencesError::NotANumber { line })?;
            if let Some(first) = seen.insert(viewer, line) {
                return Err(SequencesError::ViewerTwice { viewer, first, line });
            }
            events += watched.len();
            if events > SEQUENCE_EVENTS_MAX {
                return Err(SequencesError::TooManyEvents { line });
            }
            histories.push((viewer, watched));
        }
        Ok(Self::new(histories))
    }

    /// Title ids, rising; an item is an index into them.
    pub fn titles(&self) -> &[u32] {
        &self.titles
    }

    /// Viewer ids, in the order they came.
    pub fn viewers(&self) -> &[u32] {
        &self.viewers
    }

    /// Views in all sequences together.
    pub fn events(&self) -> usize {
        self.items.len()
    }

    /// Items of every viewer, oldest first, without the newest `held_out` of each.
    pub fn iter(&self, held_out: usize) -> impl Iterator<Item = &[u32]> {
        self.offsets.windows(2).map(move |bounds| {
            let end = bounds[1].saturating_sub(held_out).max(bounds[0]);
            &self.items[bounds[0]..end]
        })
    }

    /// Everything but the newest `held_out` views of each, the newest first.
    pub fn reversed(&self, held_out: usize) -> Self {
        let (titles, viewers) = (self.titles.clone(), self.viewers.clone());
        let mut reversed = Self { titles, viewers, offsets: vec![0], items: Vec::new() };
        for items in self.iter(held_out) {
            reversed.items.extend(items.iter().rev());
            reversed.offsets.push(reversed.items.len());
        }
        reversed
    }

    /// How often each item occurs, without the newest `held_out` of each viewer.
    pub fn counts(&self, held_out: usize) -> Vec<u32> {
        let mut counts = vec![0; self.titles.len()];
        for sequence in self.iter(held_out) {
            for &item in sequence {
                counts[item as usize] += 1;
            }
        }
        counts
    }
}

/// Why a file of sequences was refused.
#[derive(Debug, thiserror::Error)]
pub enum SequencesError {
    /// The file could not be read.
    #[error("line {line} cannot be read: {source}")]
    Unreadable {
        /// Counted from 1.
        line: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is longer than any sequence.
    #[error("line {line} is longer than {SEQUENCE_LINE_BYTES_MAX} bytes")]
    LineTooLong {
        /// Counted from 1.
        line: usize,
    },
    /// A word is not a number from 0 to 2³² − 1.
    #[error("line {line} has a word that is not a whole number from 0 to 4294967295")]
    NotANumber {
        /// Counted from 1.
        line: usize,
    },
    /// Two lines have the same viewer; their order in time is unknown.
    #[error("viewer {viewer} is on line {first} and again on line {line}")]
    ViewerTwice {
        /// The viewer.
        viewer: u32,
        /// The first line, counted from 1.
        first: usize,
        /// The second line, counted from 1.
        line: usize,
    },
    /// More views than the trainer takes.
    #[error("line {line} goes beyond {SEQUENCE_EVENTS_MAX} views")]
    TooManyEvents {
        /// Counted from 1.
        line: usize,
    },
}

impl SequencesError {
    /// A stable name for this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "sequences-unreadable",
            Self::LineTooLong { .. } => "sequences-line-too-long",
            Self::NotANumber { .. } => "sequences-not-a-number",
            Self::ViewerTwice { .. } => "sequences-viewer-twice",
            Self::TooManyEvents { .. } => "sequences-too-many-events",
        }
    }
}

#[cfg(test)]
impl Sequences {
    /// Viewers walk a ring of titles in steps of three; every ninth step is longer, each viewer's at another time.
    pub(crate) fn ring() -> Self {
        Self::new((0..80).map(|viewer| {
            let start = viewer * 7 % 20;
            (viewer, (0..10).map(|step| 100 + (start + step * 3 + (step + viewer) / 9) % 20).collect())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Sequences, &'static str> {
        Sequences::read(text.as_bytes()).map_err(|error| error.code())
    }

    #[test]
    fn numbers_titles_by_rising_id() {
        let sequences = check("7 30 10\n\n9 20 30\r\n").unwrap();
        assert_eq!(sequences.titles(), [10, 20, 30]);
        assert_eq!(sequences.viewers(), [7, 9]);
        assert_eq!(sequences.iter(0).collect::<Vec<_>>(), [[2, 0], [1, 2]]);
        assert_eq!(sequences.counts(0), [1, 1, 2]);
    }

    #[test]
    fn holds_out_the_newest() {
        let sequences = check("1 5 6 7\n2 5\n").unwrap();
        assert_eq!(sequences.iter(1).collect::<Vec<_>>(), [&[0, 1][..], &[]]);
        assert_eq!(sequences.counts(2), [1, 0, 0]);
    }

    #[test]
    fn reversed_the_newest_that_is_left_comes_first() {
        let sequences = check("1 5 6 7\n2 5\n").unwrap();
        assert_eq!(sequences.reversed(1).iter(0).collect::<Vec<_>>(), [&[1, 0][..], &[]]);
        assert_eq!(sequences.reversed(0).reversed(0), sequences);
    }

    #[test]
    fn refuses_what_it_cannot_read_with_certainty() {
        assert_eq!(check("1 2 x"), Err("sequences-not-a-number"));
        assert_eq!(check("1 2 -3"), Err("sequences-not-a-number"));
        assert_eq!(check("1 2 4294967296"), Err("sequences-not-a-number"));
        assert_eq!(check("1 2\n2 3\n1 4"), Err("sequences-viewer-twice"));
        let long = "1 ".repeat(usize::try_from(SEQUENCE_LINE_BYTES_MAX).unwrap());
        assert_eq!(check(&long), Err("sequences-line-too-long"));
    }
}
