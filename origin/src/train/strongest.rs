//! Which entries rows keep, of all together.
//!
//! Scores are sums of features times entries, so leaving out entry v of a row whose feature has the sum of squares D over
//! all positions adds D v² to the square error of scores, as far as features do not go together. Among so many entries in
//! all those with the largest √D |v| lose least: rows of what is viewed often get more of them than others.

use ranking::limits::ROW_ENTRIES_MAX;
use rayon::prelude::*;

use super::rows::{Entries, strongest};

/// The strongest entries so far, of rows whose columns come a block at a time.
#[derive(Clone, Debug)]
pub(super) struct Strongest {
    rows: Entries,
    // √D, one a row.
    worth: Vec<f32>,
    row_entries: usize,
    // What is not stronger was left out, but for the least of each row.
    bound: f32,
}

impl Strongest {
    /// For rows whose features have these sums of squares, with so many entries on average.
    pub(super) fn new(squares: impl Iterator<Item = f32>, row_entries: usize) -> Self {
        let worth: Vec<f32> = squares.map(f32::sqrt).collect();
        Self { rows: vec![Vec::new(); worth.len()], worth, row_entries, bound: f32::NEG_INFINITY }
    }

    /// Adds what a column-major block says of `items`, a column each.
    pub(super) fn extend(&mut self, items: &[u32], block: &[f32]) {
        let (limits, n) = (Limits::new(self.bound, self.row_entries), self.rows.len());
        // A column is read some rows at a time, as memory is.
        let tiles = self.rows.par_chunks_mut(TILE_ROWS).zip(self.worth.par_chunks(TILE_ROWS));
        tiles.enumerate().for_each(|(tile, (rows, worth))| {
            rows.iter_mut().for_each(|row| row.reserve(items.len()));
            for (&item, column) in items.iter().zip(block.chunks_exact(n)) {
                let values = &column[tile * TILE_ROWS..];
                rows.iter_mut().zip(values).for_each(|(row, &value)| row.push((item, value)));
            }
            for (row, &worth) in rows.iter_mut().zip(worth) {
                *row = limits.cut(std::mem::take(row), worth);
            }
        });
        let entries_max = self.row_entries.saturating_mul(n);
        if self.rows.iter().map(Vec::len).sum::<usize>() / 2 > entries_max {
            self.bound = self.bound_of(self.row_entries);
            self.cut();
        }
    }

    /// How many entries each row has where there are fewer on average.
    pub(super) fn lengths(&self, row_entries: usize) -> Vec<usize> {
        let limits = Limits::new(self.bound_of(row_entries), row_entries);
        let of = |(row, worth): (&Vec<(u32, f32)>, &f32)| limits.length(row, *worth);
        self.rows.iter().zip(&self.worth).map(of).collect()
    }

    /// The entries that stay, in no order.
    pub(super) fn into_rows(mut self) -> Entries {
        self.bound = self.bound_of(self.row_entries);
        self.cut();
        self.rows
    }

    fn cut(&mut self) {
        let limits = Limits::new(self.bound, self.row_entries);
        self.rows.par_iter_mut().zip(&self.worth).for_each(|(row, &worth)| {
            *row = limits.cut(std::mem::take(row), worth);
            row.shrink_to_fit();
        });
    }

    /// What entries beyond the least of each row must be stronger than, so that no more are left than so many a row.
    fn bound_of(&self, row_entries: usize) -> f32 {
        let least = least(row_entries);
        let given: usize = self.rows.iter().map(|row| row.len().min(least)).sum();
        let left = row_entries.saturating_mul(self.rows.len()).saturating_sub(given);
        let free = self.rows.par_iter().zip(&self.worth).flat_map_iter(|(row, worth)| {
            let mut strengths: Vec<f32> = row.iter().map(|(_, value)| worth * value.abs()).collect();
            if strengths.len() > least {
                strengths.select_nth_unstable_by(least, |a, b| b.total_cmp(a));
            }
            strengths.into_iter().skip(least)
        });
        let mut free: Vec<f32> = free.collect();
        if free.len() <= left {
            return self.bound;
        }
        // The first that is left out; what is as strong is left out with it.
        *free.select_nth_unstable_by(left, |a, b| b.total_cmp(a)).1
    }
}

/// What decides how many entries of a row stay.
#[derive(Clone, Copy)]
struct Limits {
    bound: f32,
    least: usize,
    most: usize,
}

impl Limits {
    fn new(bound: f32, row_entries: usize) -> Self {
        // Whoever asks for more a row than may be shipped does not ship them.
        Self { bound, least: least(row_entries), most: row_entries.max(ROW_ENTRIES_MAX) }
    }

    fn length(self, row: &[(u32, f32)], worth: f32) -> usize {
        let stronger = row.iter().filter(|(_, value)| worth * value.abs() > self.bound).count();
        stronger.max(self.least.min(row.len())).min(self.most)
    }

    fn cut(self, row: Vec<(u32, f32)>, worth: f32) -> Vec<(u32, f32)> {
        let length = self.length(&row, worth);
        strongest(row, length)
    }
}

/// Entries that a row keeps however seldom it is asked: a list may hang on it alone.
fn least(row_entries: usize) -> usize {
    row_entries.div_ceil(LEAST_SHARE)
}

const LEAST_SHARE: usize = 8;

/// As many floats as a line of the cache has.
const TILE_ROWS: usize = 16;

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use quickcheck::TestResult;

    use super::*;

    /// Blocks of so many columns of a matrix that is given by rows.
    fn of(squares: &[f32], row_entries: usize, rows: &[Vec<f32>], block: usize) -> Strongest {
        let mut all = Strongest::new(squares.iter().copied(), row_entries);
        let items: Vec<u32> = (0..rows[0].len() as u32).collect();
        for items in items.chunks(block) {
            let column = |&item: &u32| rows.iter().map(move |row| row[item as usize]);
            all.extend(items, &items.iter().flat_map(column).collect::<Vec<f32>>());
        }
        all
    }

    #[test]
    fn what_is_asked_often_keeps_more() {
        let row: Vec<f32> = (1..=20).map(|place| 1.0 / place as f32).collect();
        let rows = of(&[100.0, 1.0], 8, &[row.clone(), row], 20).into_rows();
        // √100 / 15 is more than √1 / 2, so all but the least of the second goes to the first.
        assert_eq!([rows[0].len(), rows[1].len()], [15, 1]);
    }

    #[test]
    fn in_whatever_blocks_entries_come_the_same_are_kept() {
        fn property(values: Vec<i8>, rows: u8, squares: Vec<u8>, row_entries: u8, block: u8) -> TestResult {
            let rows = usize::from(rows % 40) + 1;
            // Many more columns than are kept, so that rows are cut between blocks, too.
            let longer = |row: &[i8]| -> Vec<f32> {
                let places = 0..row.len() * 8;
                places
                    .map(|place| f32::from(row[place % row.len()]) + (place / row.len()) as f32 / 16.0)
                    .collect()
            };
            let values: Vec<Vec<f32>> =
                values.chunks_exact((values.len() / rows).max(1)).map(longer).collect();
            if values.is_empty() {
                return TestResult::discard();
            }
            let row_entries = usize::from(row_entries % 12) + 1;
            let drawn = squares.into_iter().map(|square| 1.0 + f32::from(square));
            let squares: Vec<f32> = drawn.chain(std::iter::repeat(9.0)).take(values.len()).collect();
            let sorted = |strongest: Strongest| {
                let mut rows = strongest.into_rows();
                rows.iter_mut().for_each(|row| row.sort_unstable_by_key(|&(item, _)| item));
                rows
            };
            let whole = of(&squares, row_entries, &values, values[0].len());
            let lengths: usize = whole.lengths(row_entries).into_iter().sum();
            let in_blocks = of(&squares, row_entries, &values, usize::from(block % 7) + 1);
            let (whole, in_blocks) = (sorted(whole), sorted(in_blocks));
            let kept: usize = whole.iter().map(Vec::len).sum();
            TestResult::from_bool(whole == in_blocks && kept <= row_entries * values.len() && kept == lengths)
        }
        quickcheck::quickcheck(property as fn(Vec<i8>, u8, Vec<u8>, u8, u8) -> TestResult);
    }
}
