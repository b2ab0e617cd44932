//! Places of titles in a candidate set, in two bytes each where that is enough.

use alloc::vec::Vec;
use core::ops::Range;

/// Places of titles, as a node's memory holds them; equal places have equal forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indexes {
    /// All are below 65,536.
    Narrow(Vec<u16>),
    /// One at least is not.
    Wide(Vec<u32>),
}

/// Some places, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexSlice<'a> {
    /// As [`Indexes::Narrow`].
    Narrow(&'a [u16]),
    /// As [`Indexes::Wide`].
    Wide(&'a [u32]),
}

impl Indexes {
    /// None yet, with room for as many as are below 65,536.
    pub fn with_capacity(places: usize) -> Self {
        Self::Narrow(Vec::with_capacity(places))
    }

    /// Puts a place behind the others.
    pub fn push(&mut self, place: u32) {
        match (&mut *self, u16::try_from(place)) {
            (Self::Narrow(places), Ok(place)) => places.push(place),
            (Self::Wide(places), _) => places.push(place),
            (Self::Narrow(places), Err(_)) => {
                let mut wide: Vec<u32> = places.iter().copied().map(u32::from).collect();
                wide.push(place);
                *self = Self::Wide(wide);
            }
        }
    }

    /// One of them.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn at(&self, number: usize) -> u32 {
        match self {
            Self::Narrow(places) => u32::from(places[number]),
            Self::Wide(places) => places[number],
        }
    }

    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Narrow(places) => places.len(),
            Self::Wide(places) => places.len(),
        }
    }

    /// Bytes that they take.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Narrow(places) => size_of_val(places.as_slice()),
            Self::Wide(places) => size_of_val(places.as_slice()),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those of a range.
    ///
    /// # Panics
    /// When the range is not within them.
    pub fn slice(&self, range: Range<usize>) -> IndexSlice<'_> {
        match self {
            Self::Narrow(places) => IndexSlice::Narrow(&places[range]),
            Self::Wide(places) => IndexSlice::Wide(&places[range]),
        }
    }

    /// All of them.
    pub fn to_vec(&self) -> Vec<u32> {
        self.slice(0..self.len()).to_vec()
    }
}

impl From<Vec<u32>> for Indexes {
    fn from(places: Vec<u32>) -> Self {
        match places.iter().map(|&place| u16::try_from(place)).collect() {
            Ok(narrow) => Self::Narrow(narrow),
            Err(_) => Self::Wide(places),
        }
    }
}

impl FromIterator<u32> for Indexes {
    fn from_iter<I: IntoIterator<Item = u32>>(places: I) -> Self {
        places.into_iter().collect::<Vec<u32>>().into()
    }
}

impl Default for Indexes {
    fn default() -> Self {
        Self::Narrow(Vec::new())
    }
}

impl IndexSlice<'_> {
    /// All of them.
    pub fn to_vec(self) -> Vec<u32> {
        match self {
            Self::Narrow(places) => places.iter().copied().map(u32::from).collect(),
            Self::Wide(places) => places.to_vec(),
        }
    }

    /// Where a place stands among them, if they rise.
    pub fn position(self, place: u32) -> Option<usize> {
        match self {
            Self::Narrow(places) => places.binary_search(&u16::try_from(place).ok()?).ok(),
            Self::Wide(places) => places.binary_search(&place).ok(),
        }
    }

    /// The first that is not above the one before it.
    pub(crate) fn first_not_rising(self) -> Option<usize> {
        fn first<T: PartialOrd>(places: &[T]) -> Option<usize> {
            places.windows(2).position(|pair| pair[0] >= pair[1]).map(|before| before + 1)
        }
        match self {
            Self::Narrow(places) => first(places),
            Self::Wide(places) => first(places),
        }
    }

    pub(crate) fn last(self) -> Option<u32> {
        match self {
            Self::Narrow(places) => places.last().copied().map(u32::from),
            Self::Wide(places) => places.last().copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_places_of_any_size_in_one_form_for_each() {
        fn property(places: Vec<u32>, narrow: bool) -> bool {
            let places: Vec<u32> =
                places.into_iter().map(|place| if narrow { place % 65_536 } else { place }).collect();
            let mut pushed = Indexes::default();
            places.iter().for_each(|&place| pushed.push(place));
            let is_narrow = places.iter().all(|&place| place < 65_536);
            matches!(pushed, Indexes::Narrow(_)) == is_narrow
                && pushed == Indexes::from(places.clone())
                && pushed.to_vec() == places
                && (0..places.len()).all(|number| pushed.at(number) == places[number])
        }
        quickcheck::quickcheck(property as fn(Vec<u32>, bool) -> bool);
    }

    #[test]
    fn finds_a_place_in_both_forms() {
        fn property(places: Vec<u16>, looked_for: u16) -> bool {
            let mut places = places;
            places.sort_unstable();
            places.dedup();
            let wide: Vec<u32> = places.iter().copied().map(u32::from).collect();
            let (narrow, wide) = (IndexSlice::Narrow(&places), IndexSlice::Wide(&wide));
            let looked_for = u32::from(looked_for);
            narrow.position(looked_for) == wide.position(looked_for)
                && (narrow.last(), narrow.first_not_rising()) == (wide.last(), None)
        }
        quickcheck::quickcheck(property as fn(Vec<u16>, u16) -> bool);
        assert_eq!(IndexSlice::Narrow(&[1]).position(65_537), None);
        assert_eq!(IndexSlice::Wide(&[1, 5, 5]).first_not_rising(), Some(2));
    }
}
