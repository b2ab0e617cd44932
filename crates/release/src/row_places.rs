//! The places that rows lead to, as a file holds them: distances of a byte where those are shorter.
//!
//! A row's places rise, and in a catalogue of some thousand titles the next is seldom further than 255. As distances
//! they take half the bytes of a place, so rows of as many bytes say half as much again. A file's type tells the forms
//! apart: `U8` distances, `U16` and `U32` the places themselves.

use alloc::vec::Vec;

use ranking::Indexes;
use safetensors::Dtype;

use crate::FileError;

/// What they are called in a candidate set.
pub const TENSOR: &str = "row_index";

/// Goes 255 places on, without an entry. Any other byte is an entry, as many places behind the one after the last.
const FURTHER: u8 = u8::MAX;

/// Reads what [`write()`] wrote for rows that begin at `offsets`.
///
/// # Errors
///
/// When it is of another type, or when distances are not as many as the rows have entries.
pub fn read(form: Dtype, bytes: &[u8], offsets: &[u32]) -> Result<Indexes, FileError> {
    match form {
        Dtype::U8 => from_distances(bytes, offsets).ok_or(FileError::Value { field: TENSOR }),
        Dtype::U16 => Ok(Indexes::Narrow(numbers(bytes, u16::from_le_bytes))),
        Dtype::U32 => Ok(numbers(bytes, u32::from_le_bytes).into()),
        _ => Err(FileError::TensorType { tensor: TENSOR }),
    }
}

/// The shortest form of the places of rows that begin at `offsets`, which rise; equal places give equal bytes. What does
/// not rise within a row has no distances.
///
/// # Panics
///
/// When an offset is above the number of places.
pub fn write(places: &Indexes, offsets: &[u32]) -> (Dtype, Vec<u8>) {
    let distances = distances(places, offsets).filter(|distances| distances.len() < places.bytes());
    match (distances, places) {
        (Some(distances), _) => (Dtype::U8, distances),
        (_, Indexes::Narrow(places)) => {
            (Dtype::U16, places.iter().flat_map(|place| place.to_le_bytes()).collect())
        }
        (_, Indexes::Wide(places)) => {
            (Dtype::U32, places.iter().flat_map(|place| place.to_le_bytes()).collect())
        }
    }
}

fn numbers<N, const BYTES: usize>(bytes: &[u8], number: fn([u8; BYTES]) -> N) -> Vec<N> {
    bytes.as_chunks().0.iter().copied().map(number).collect()
}

/// None where they would be no shorter than the places, or the places do not rise.
fn distances(places: &Indexes, offsets: &[u32]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(places.len());
    for row in offsets.windows(2) {
        let mut next = 0;
        for entry in row[0]..row[1] {
            let place = places.at(entry as usize);
            let mut distance = place.checked_sub(next)?;
            while let Some(rest) = distance.checked_sub(u32::from(FURTHER)) {
                if bytes.len() >= places.bytes() {
                    return None;
                }
                bytes.push(FURTHER);
                distance = rest;
            }
            bytes.push(distance as u8);
            next = place.checked_add(1)?;
        }
    }
    Some(bytes)
}

fn from_distances(bytes: &[u8], offsets: &[u32]) -> Option<Indexes> {
    let entries = *offsets.last()? as usize;
    let mut places = Indexes::with_capacity(entries.min(bytes.len()));
    let mut bytes = bytes.iter();
    for row in offsets.windows(2) {
        let mut next = 0_u32;
        for _ in row[0]..row[1] {
            let mut distance = *bytes.next()?;
            while distance == FURTHER {
                next = next.checked_add(u32::from(FURTHER))?;
                distance = *bytes.next()?;
            }
            let place = next.checked_add(u32::from(distance))?;
            places.push(place);
            next = place.checked_add(1)?;
        }
    }
    bytes.next().is_none().then_some(places)
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::*;

    /// Rows with entries at such distances, most of them short.
    fn rows(distances: &[Vec<(u8, u16)>]) -> (Indexes, Vec<u32>) {
        let (mut places, mut offsets) = (Indexes::default(), alloc::vec![0]);
        for row in distances {
            let mut next = 0;
            for &(short, long) in row {
                let place = next + if long % 8 == 0 { u32::from(long) } else { u32::from(short) };
                places.push(place);
                next = place + 1;
            }
            offsets.push(places.len() as u32);
        }
        (places, offsets)
    }

    quickcheck! {
        fn places_come_back_in_every_form(distances: Vec<Vec<(u8, u16)>>) -> bool {
            let (places, offsets) = rows(&distances);
            let (form, bytes) = write(&places, &offsets);
            read(form, &bytes, &offsets).as_ref() == Ok(&places)
                && super::distances(&places, &offsets)
                    .is_none_or(|bytes| from_distances(&bytes, &offsets) == Some(places))
        }

        fn nothing_that_is_offered_as_distances_panics(bytes: Vec<u8>, offsets: Vec<u32>) -> bool {
            let places = from_distances(&bytes, &offsets);
            places.is_none_or(|places| places.len() <= bytes.len())
        }
    }

    #[test]
    fn a_distance_is_counted_from_behind_the_last_place() {
        let (places, offsets) = (Indexes::from(alloc::vec![0, 1, 256, 512, 254, 1_022]), [0, 4, 4, 6]);
        let bytes = [0, 0, 254, 255, 0, 254, 255, 255, 255, 2];
        assert_eq!(write(&places, &offsets), (Dtype::U8, bytes.to_vec()));
        assert_eq!(read(Dtype::U8, &bytes, &offsets), Ok(places));
    }

    #[test]
    fn the_shorter_form_is_taken() {
        let form = |places: Vec<u32>| {
            let end = places.len() as u32;
            write(&places.into(), &[0, end]).0
        };
        assert_eq!(form(alloc::vec![3, 900]), Dtype::U16);
        assert_eq!(form(alloc::vec![3, 257, 500]), Dtype::U8);
        assert_eq!(form(alloc::vec![70_000]), Dtype::U32);
        assert_eq!(form(alloc::vec![]), Dtype::U16);
    }

    #[test]
    fn places_that_do_not_rise_are_written_as_they_are() {
        for places in [alloc::vec![5, 4], alloc::vec![3, 3], alloc::vec![u32::MAX, 1]] {
            let form = if places[0] < 9 { Dtype::U16 } else { Dtype::U32 };
            assert_eq!(write(&places.into(), &[0, 2]).0, form);
        }
    }

    #[test]
    fn too_few_and_too_many_distances_are_refused() {
        for bytes in [&[][..], &[1], &[1, 255], &[1, 2, 3], &[1, 2, 255]] {
            let refused = Err(FileError::Value { field: TENSOR });
            assert_eq!(read(Dtype::U8, bytes, &[0, 2]), refused, "{bytes:?}");
        }
        assert_eq!(read(Dtype::I8, &[1], &[0, 1]), Err(FileError::TensorType { tensor: TENSOR }));
    }
}
