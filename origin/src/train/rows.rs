//! Item-to-item rows in the form they are shipped: the strongest entries as int8 with a scale.

use ranking::limits::{ROW_ENTRIES_MAX, SCALE_LOG2_MAX};
use release::row_places;

/// For every item, what watching it says about other items.
///
/// An entry is worth `weight · 2^scale_log2`. Scales are powers of two so that a retrained model keeps most
/// of its bytes, and a product with one is exact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    columns: RowColumns,
}

/// Rows as a candidate set keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowColumns {
    /// Where each row begins, and one more: where the last ends.
    pub offsets: Vec<u32>,
    /// Items the entries speak of, rising within a row.
    pub index: Vec<u32>,
    /// What they say, never 0.
    pub weight: Vec<i8>,
    /// Binary logarithm of each row's scale.
    pub scale_log2: Vec<i8>,
}

/// One row: the items it speaks of, rising, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Items, rising.
    pub index: &'a [u32],
    /// One weight an item, never 0.
    pub weight: &'a [i8],
    /// An entry is worth its weight times two to the power of this.
    pub scale_log2: i8,
}

/// One list of `(item, value)` an item, before rounding.
pub type Entries = Vec<Vec<(u32, f32)>>;

impl Rows {
    /// Rounds one list per item; an item without entries has an empty row.
    pub fn quantise(entries: Entries) -> Self {
        Self::from_weights(entries.into_iter().map(Weights::quantise))
    }

    /// Puts rounded rows together, one an item.
    pub(super) fn from_weights(items: impl Iterator<Item = Weights>) -> Self {
        let mut rows = RowColumns { offsets: vec![0], ..RowColumns::default() };
        for Weights { entries, scale_log2 } in items {
            for (item, weight) in entries {
                rows.index.push(item);
                rows.weight.push(weight);
            }
            rows.offsets
                .push(u32::try_from(rows.index.len()).expect("limits keep rows far below 2^32 entries"));
            rows.scale_log2.push(scale_log2);
        }
        Self { columns: rows }
    }

    /// The columns of a candidate set.
    pub fn columns(&self) -> RowColumns {
        self.columns.clone()
    }

    /// Items, with and without a row.
    pub fn len(&self) -> usize {
        self.columns.scale_log2.len()
    }

    /// Whether there are no items at all.
    pub fn is_empty(&self) -> bool {
        self.columns.scale_log2.is_empty()
    }

    /// Bytes the rows take in a candidate set.
    pub fn bytes(&self) -> u64 {
        let RowColumns { offsets, index, weight, scale_log2 } = &self.columns;
        let (_, places) = row_places::write(&index.clone().into(), offsets);
        (offsets.len() * 4 + places.len() + weight.len() + scale_log2.len()) as u64
    }

    /// The row of `item`.
    pub fn row(&self, item: usize) -> Row<'_> {
        let RowColumns { offsets, index, weight, scale_log2 } = &self.columns;
        let entries = offsets[item] as usize..offsets[item + 1] as usize;
        Row { index: &index[entries.clone()], weight: &weight[entries], scale_log2: scale_log2[item] }
    }

    /// Adds the row of `item`, times `factor`, to one score an item.
    pub fn add_to(&self, scores: &mut [f32], item: usize, factor: f32) {
        let row = self.row(item);
        let factor = factor * f32::from(row.scale_log2).exp2();
        for (&target, &weight) in row.index.iter().zip(row.weight) {
            scores[target as usize] += factor * f32::from(weight);
        }
    }
}

/// One row, rounded.
pub(super) struct Weights {
    /// Items, rising, with what the row says of them, never 0.
    pub(super) entries: Vec<(u32, i8)>,
    /// An entry is worth its weight times two to the power of this.
    pub(super) scale_log2: i8,
}

impl Weights {
    pub(super) fn quantise(mut row: Vec<(u32, f32)>) -> Self {
        row.sort_unstable_by_key(|&(item, _)| item);
        let largest = row.iter().fold(0.0_f32, |largest, &(_, value)| largest.max(value.abs()));
        let scale_log2 = scale_log2(largest);
        let scale = f32::from(scale_log2).exp2();
        // In range by the choice of the scale; a cast from float saturates besides.
        let weights = row.into_iter().map(|(item, value)| (item, (value / scale).round() as i8));
        Self { entries: weights.filter(|&(_, weight)| weight != 0).collect(), scale_log2 }
    }
}

/// The entries of largest magnitude, ties by the lower item.
pub(super) fn strongest(mut row: Vec<(u32, f32)>, limit: usize) -> Vec<(u32, f32)> {
    if row.len() > limit {
        row.select_nth_unstable_by(limit, |a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        row.truncate(limit);
    }
    row
}

/// How many entries so many rows may have on average, but no fewer than [`ENTRIES_MIN`], if all together are to take so many bytes however their places among
/// so many titles lie.
pub fn entries_in(bytes: usize, rows: usize, titles: usize) -> usize {
    let row_bytes = bytes / rows.max(1);
    let place_bytes = if titles <= 1 << 16 { 2 } else { 4 };
    // A distance takes a byte, and another for every 255 places that a row goes on.
    let as_distances = row_bytes.saturating_sub(titles / 255) / 2;
    as_distances.max(row_bytes / (place_bytes + 1)).clamp(ENTRIES_MIN, ROW_ENTRIES_MAX)
}

/// Fewer say too little of what goes with a title, however large the catalogue is.
const ENTRIES_MIN: usize = 50;

/// The smallest power of two under which the largest value still fits an int8.
pub(super) fn scale_log2(largest: f32) -> i8 {
    if largest == 0.0 {
        return 0;
    }
    // A logarithm is off by an ulp at powers of two, so the exponent is checked, not trusted.
    let mut exponent = ((largest / WEIGHT_MAX).log2().ceil() as i8).max(-SCALE_LOG2_MAX);
    while exponent < SCALE_LOG2_MAX && largest > WEIGHT_MAX * f32::from(exponent).exp2() {
        exponent += 1;
    }
    exponent.min(SCALE_LOG2_MAX)
}

/// −128 stays unused, so that a row and its negative have the same scale.
pub(super) const WEIGHT_MAX: f32 = 127.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_sign_and_the_order_of_a_row() {
        let rows = Rows::quantise(vec![vec![(2, -0.5), (0, 1.0), (1, 0.25)], vec![], vec![(0, 1e-9)]]);
        let row = rows.row(0);
        assert_eq!((row.index, row.weight, row.scale_log2), (&[0, 1, 2][..], &[64, 16, -32][..], -6));
        assert!(rows.row(1).index.is_empty());
        // Tiny rows keep their shape: the scale is per row.
        assert!(rows.row(2).weight[0] >= 64);
    }

    #[test]
    fn a_rounded_value_is_within_half_a_step() {
        fn property(values: Vec<i16>) -> bool {
            let values: Vec<f32> = values.into_iter().map(|value| f32::from(value) / 1000.0).collect();
            let row: Vec<(u32, f32)> = (0..).zip(values.iter().copied()).collect();
            let rows = Rows::quantise(vec![row]);
            let step = f32::from(rows.row(0).scale_log2).exp2();
            let mut back = vec![0.0; values.len()];
            rows.add_to(&mut back, 0, 1.0);
            back.iter().zip(&values).all(|(back, value)| (back - value).abs() <= step / 2.0)
        }
        quickcheck::quickcheck(property as fn(Vec<i16>) -> bool);
    }

    #[test]
    fn rows_take_no_more_bytes_than_are_allowed_however_their_places_lie() {
        for (rows, titles) in
            [(1_000, 1_000), (3_416, 3_416), (9_957, 9_957), (12_000, 62_000), (9_000, 90_000)]
        {
            let entries = entries_in(4_000_000, rows, titles).min(titles);
            // The nearest places, the farthest, and one after the other in even steps.
            let nearest: Vec<u32> = (0..entries as u32).collect();
            let farthest: Vec<u32> = (titles - entries..titles).map(|place| place as u32).collect();
            let even: Vec<u32> = (0..entries).map(|entry| (entry * titles / entries) as u32).collect();
            for places in [nearest, farthest, even] {
                let row: Vec<(u32, f32)> = places.into_iter().map(|place| (place, 1.0)).collect();
                let mut all = vec![row; rows];
                all.resize(titles, Vec::new());
                let rows = Rows::quantise(all);
                let beside = 5 * titles as u64 + 4;
                assert!(rows.bytes() <= 4_000_000 + beside, "{titles} titles: {}", rows.bytes());
            }
        }
        // Nearly all of a row are entries of two bytes, not of three.
        assert!(entries_in(4_000_000, 3_416, 3_416) > 4_000_000 / 3_416 / 2 * 9 / 10);
    }

    #[test]
    fn the_largest_value_uses_at_least_half_of_the_range() {
        fn property(value: u32) -> bool {
            let value = (f64::from(value) + 1.0) as f32 / 1e6;
            let largest = Rows::quantise(vec![vec![(0, value)]]).row(0).weight[0];
            (64..=127).contains(&largest)
        }
        quickcheck::quickcheck(property as fn(u32) -> bool);
    }
}
