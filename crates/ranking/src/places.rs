//! Where an id stands in a rising column, found without a search.

use alloc::vec::Vec;

/// The place of each id: the range of ids is cut into about twice as many equal parts as there are ids, so that a part
/// mostly holds one or none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    first: u32,
    shift: u32,
    // Where each part begins in the column, and one more: where the last ends.
    starts: Vec<u32>,
}

impl Places {
    /// Of strictly rising ids.
    pub(crate) fn new(ids: &[u32]) -> Self {
        let (Some(&first), Some(&last)) = (ids.first(), ids.last()) else { return Self::default() };
        let parts_log2 = (2 * ids.len()).next_power_of_two().ilog2();
        let shift = (u32::BITS - (last - first).leading_zeros()).saturating_sub(parts_log2);
        let parts = ((last - first) >> shift) as usize + 1;
        let mut starts = Vec::with_capacity(parts + 1);
        for (place, &id) in (0..).zip(ids) {
            let part = ((id - first) >> shift) as usize;
            starts.resize(starts.len().max(part + 1), place);
        }
        starts.resize(parts + 1, ids.len() as u32);
        Self { first, shift, starts }
    }

    /// The place of an id among the `ids` that this was made of.
    #[inline]
    pub(crate) fn get(&self, ids: &[u32], id: u32) -> Option<usize> {
        let part = (id.checked_sub(self.first)? >> self.shift) as usize;
        let from = *self.starts.get(part)? as usize;
        match ids.get(from) {
            Some(&at) if at == id => Some(from),
            _ => self.get_behind(ids, id, part),
        }
    }

    /// The place of an id that is not the first of its part.
    #[inline(never)]
    fn get_behind(&self, ids: &[u32], id: u32, part: usize) -> Option<usize> {
        let (from, until) = (*self.starts.get(part)? as usize, *self.starts.get(part + 1)? as usize);
        let place = ids.get(from..until)?.binary_search(&id).ok()?;
        Some(from + place)
    }
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "quickcheck passes values")]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn every_id_is_found_at_its_place_and_no_other_id_at_all() {
        fn property(ids: Vec<u32>, mask: u8, others: Vec<u32>) -> bool {
            // Ids close to each other, far apart, and both.
            let mask = u32::MAX >> (mask % 32);
            let mut ids: Vec<u32> =
                ids.iter().enumerate().map(|(n, id)| if n % 3 == 0 { *id } else { id & mask }).collect();
            ids.sort_unstable();
            ids.dedup();
            let places = Places::new(&ids);
            let all = ids.iter().enumerate().all(|(place, &id)| places.get(&ids, id) == Some(place));
            let near = ids.iter().flat_map(|id| [id.wrapping_sub(1), id.wrapping_add(1)]);
            all && near
                .chain(others)
                .chain([0, u32::MAX])
                .all(|id| places.get(&ids, id) == ids.binary_search(&id).ok())
        }
        quickcheck::QuickCheck::new().tests(2_000).quickcheck(property as fn(Vec<u32>, u8, Vec<u32>) -> bool);
    }
}
