//! What the old candidate set would be with the new titles.
//!
//! Tensors are told apart by name and shape alone: one with an entry a title is put into the new order, rows are led
//! to the new places, all else stays. A wrong guess makes a delta longer, never wrong.

use std::collections::BTreeSet;

use ranking::Indexes;
use release::row_places;
use safetensors::{Dtype, SafeTensors};

/// The old file with titles taken out and others, of which nothing is known, put in by rising number; a file without
/// titles as it is.
pub fn predict(old: &[u8], removed: &[u32], added: &[u32]) -> Vec<u8> {
    if removed.is_empty() && added.is_empty() {
        return old.to_vec();
    }
    moved(old, removed, added).unwrap_or_else(|| old.to_vec())
}

/// The titles that went and that came between two candidate sets; none of other files.
pub(crate) fn changes(old: &[u8], new: &[u8]) -> (Vec<u32>, Vec<u32>) {
    let (Some(old), Some(new)) = (titles(old), titles(new)) else { return Default::default() };
    let (old, new): (BTreeSet<u32>, BTreeSet<u32>) = (old.into_iter().collect(), new.into_iter().collect());
    (old.difference(&new).copied().collect(), new.difference(&old).copied().collect())
}

/// Little-endian, of the first four bytes.
pub(crate) fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

fn titles(file: &[u8]) -> Option<Vec<u32>> {
    numbers(&SafeTensors::deserialize(file).ok()?, "title_id")
}

/// A tensor of four-byte numbers.
fn numbers(file: &SafeTensors<'_>, name: &str) -> Option<Vec<u32>> {
    let view = file.tensor(name).ok()?;
    (view.dtype() == Dtype::U32).then(|| view.data().chunks_exact(4).map(number).collect())
}

/// From which old place the title at each new one comes, and to which new place each old one goes.
struct Places {
    from: Vec<Option<usize>>,
    to: Vec<Option<u32>>,
}

fn moved(old: &[u8], removed: &[u32], added: &[u32]) -> Option<Vec<u8>> {
    let file = SafeTensors::deserialize(old).ok()?;
    let before = numbers(&file, "title_id")?;
    let gone: BTreeSet<u32> = removed.iter().copied().collect();
    let kept = before.iter().copied().filter(|title| !gone.contains(title));
    let after: BTreeSet<u32> = kept.chain(added.iter().copied()).collect();
    let place_in = |titles: &[u32], title: &u32| titles.binary_search(title).ok();
    let after: Vec<u32> = after.into_iter().collect();
    let places = Places {
        from: after.iter().map(|title| place_in(&before, title)).collect(),
        to: before.iter().map(|title| Some(place_in(&after, title)? as u32)).collect(),
    };
    let rows = rows(&file, &places);
    // In the order of the file, behind its own header: the new one is written in the same order.
    let mut tensors = file.tensors();
    tensors.sort_by_key(|(_, view)| view.data().as_ptr() as usize);
    let data: usize = tensors.iter().map(|(_, view)| view.data().len()).sum();
    let mut known = old[..old.len() - data].to_vec();
    for (name, view) in &tensors {
        match (name.as_str(), &rows) {
            ("title_id", _) => after.iter().for_each(|title| known.extend(title.to_le_bytes())),
            ("row_offset", Some(rows)) => known.extend(&rows.offsets),
            (row_places::TENSOR, Some(rows)) => known.extend(&rows.indexes),
            ("row_weight", Some(rows)) => known.extend(&rows.weights),
            _ if view.shape().first() == Some(&before.len()) && !before.is_empty() => {
                let width = view.data().len() / before.len();
                for from in &places.from {
                    match from {
                        Some(from) => known.extend(&view.data()[from * width..][..width]),
                        None => known.resize(known.len() + width, 0),
                    }
                }
            }
            _ => known.extend(view.data()),
        }
    }
    Some(known)
}

/// The three tensors of rows, as bytes.
struct Rows {
    offsets: Vec<u8>,
    indexes: Vec<u8>,
    weights: Vec<u8>,
}

/// Rows led to the new places, those of titles that went left out; none when they are not as a candidate set's.
fn rows(file: &SafeTensors<'_>, places: &Places) -> Option<Rows> {
    let offsets = numbers(file, "row_offset")?;
    let (index, weight) = (file.tensor(row_places::TENSOR).ok()?, file.tensor("row_weight").ok()?);
    let lead_to = row_places::read(index.dtype(), index.data(), &offsets).ok()?;
    let entries = weight.data().len();
    let is_sound = offsets.len() == places.to.len() + 1
        && lead_to.len() == entries
        && offsets.windows(2).all(|ends| ends[0] <= ends[1])
        && offsets.last().is_some_and(|&end| end as usize <= entries);
    if !is_sound {
        return None;
    }
    let (mut new_offsets, mut new_places, mut weights) = (vec![0], Indexes::default(), Vec::new());
    for from in &places.from {
        if let &Some(from) = from {
            for entry in offsets[from] as usize..offsets[from + 1] as usize {
                let Some(&Some(to)) = places.to.get(lead_to.at(entry) as usize) else { continue };
                new_places.push(to);
                weights.push(weight.data()[entry]);
            }
        }
        new_offsets.push(weights.len() as u32);
    }
    let (_, indexes) = row_places::write(&new_places, &new_offsets);
    Some(Rows { offsets: new_offsets.into_iter().flat_map(u32::to_le_bytes).collect(), indexes, weights })
}
