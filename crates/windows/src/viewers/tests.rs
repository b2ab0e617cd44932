//! Tests of the viewers, beside them for their length.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use quickcheck::quickcheck;

use super::{Changes, Viewers};
use crate::{OTHER, limits};

fn name(title: u8) -> String {
    format!("title-{}", title % 5)
}

/// What a stream of changes has told its reader.
#[derive(Default)]
struct Reader {
    seen: BTreeMap<Box<str>, u64>,
    cursor: u64,
}

impl Reader {
    fn read(&mut self, viewers: &Viewers, titles_max: usize) -> usize {
        let Changes { is_whole, titles, cursor, .. } = viewers.changes_since(self.cursor, titles_max);
        if is_whole {
            self.seen.clear();
        }
        let count = titles.len();
        self.seen.extend(titles);
        self.seen.retain(|_, viewers| *viewers > 0);
        self.cursor = cursor;
        count
    }
}

#[test]
fn viewers_come_and_go() {
    let mut viewers = Viewers::new(1);
    viewers.joined("heat");
    viewers.joined("heat");
    viewers.joined("ran");
    viewers.left("heat");
    assert_eq!((viewers.of("heat"), viewers.of("ran"), viewers.of("m"), viewers.total()), (1, 1, 0, 2));
}

#[test]
fn who_leaves_without_having_come_is_nobody() {
    let mut viewers = Viewers::new(1);
    viewers.left("heat");
    viewers.joined("heat");
    viewers.left("heat");
    viewers.left("heat");
    assert_eq!((viewers.of("heat"), viewers.total(), viewers.unmatched()), (0, 0, 2));
}

#[test]
fn changes_are_told_once_and_as_they_are_now() {
    let mut viewers = Viewers::new(1);
    assert_eq!(
        viewers.changes_since(0, 10),
        Changes { is_whole: true, titles: Vec::new(), total: 0, cursor: 0 }
    );
    viewers.joined("heat");
    viewers.joined("ran");
    let first = viewers.changes_since(0, 10);
    assert_eq!(first.titles, [("heat".into(), 1), ("ran".into(), 1)]);
    viewers.joined("heat");
    viewers.joined("heat");
    let second = viewers.changes_since(first.cursor, 10);
    assert_eq!((second.is_whole, second.total), (false, 4));
    assert_eq!(second.titles, [("heat".into(), 3)]);
    assert_eq!(viewers.changes_since(second.cursor, 10).titles, []);
    // A cursor of another life of the node.
    assert!(viewers.changes_since(1_000, 10).is_whole);
}

#[test]
fn titles_beyond_the_bound_count_as_other_until_one_is_free() {
    let mut viewers = Viewers::new(1);
    let titles: Vec<String> = (0..limits::VIEWED_TITLES_MAX).map(|title| format!("t{title}")).collect();
    titles.iter().for_each(|title| viewers.joined(title));
    let mut reader = Reader::default();
    reader.read(&viewers, 10);
    viewers.joined("late");
    viewers.joined(&"x".repeat(limits::VALUE_BYTES_MAX + 1));
    assert_eq!((viewers.of("late"), viewers.of(OTHER)), (0, 2));
    viewers.left("late");
    assert_eq!(viewers.of(OTHER), 1);
    viewers.left("t7");
    viewers.joined("late");
    assert_eq!((viewers.of("late"), viewers.of("t7"), viewers.of(OTHER)), (1, 0, 1));
    assert_eq!(viewers.total(), limits::VIEWED_TITLES_MAX as u64 + 1);
    // The title that went is not in the changes any more, so the reader hears everything.
    assert!(viewers.changes_since(reader.cursor, 10).is_whole);
    reader.read(&viewers, 10);
    assert_eq!(reader.seen.get("t7"), None);
    assert_eq!(reader.seen.values().sum::<u64>(), viewers.total());
}

quickcheck! {
    fn counts_are_those_of_a_list_of_who_is_there(steps: Vec<(u8, bool)>) -> bool {
        let mut viewers = Viewers::new(1);
        let mut expected = BTreeMap::<String, u64>::new();
        steps.iter().all(|&(title, joins)| {
            let title = name(title);
            let count = expected.entry(title.clone()).or_default();
            if joins {
                viewers.joined(&title);
                *count += 1;
            } else {
                viewers.left(&title);
                *count = count.saturating_sub(1);
            }
            viewers.of(&title) == expected[&title] && viewers.total() == expected.values().sum::<u64>()
        })
    }

    fn a_reader_of_pages_knows_all_counts_in_the_end(steps: Vec<(u8, bool, bool)>, titles_max: u8) -> bool {
        let mut viewers = Viewers::new(1);
        let mut reader = Reader::default();
        for (title, joins, reads) in steps {
            let title = if title % 7 == 6 { String::from(OTHER) } else { name(title) };
            if joins { viewers.joined(&title) } else { viewers.left(&title) }
            if reads {
                reader.read(&viewers, usize::from(titles_max % 3));
            }
        }
        while reader.cursor < viewers.version {
            reader.read(&viewers, usize::from(titles_max % 3));
        }
        let mut titles = (0..5).map(name).chain([String::from(OTHER)]);
        titles.all(|title| reader.seen.get(&*title).copied().unwrap_or(0) == viewers.of(&title))
    }
}
