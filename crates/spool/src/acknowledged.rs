//! How far each lane was acknowledged: two slots written in turn, so that a torn one leaves the other.
//!
//! Never synced: what a power cut forgets is sent again, and the origin knows it.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The file.
#[derive(Debug)]
pub(crate) struct Acknowledged {
    file: File,
    turn: u64,
}

/// Name of the file.
pub(crate) const NAME: &str = "acknowledged";

const SLOT_BYTES: usize = 28;
// One sector each.
const SLOT_EVERY: u64 = 512;

impl Acknowledged {
    /// Opens or makes it; returns the sequences of both lanes too, zeros when there are none.
    pub(crate) fn open(folder: &Path) -> io::Result<(Self, [u64; 2])> {
        let path = folder.join(NAME);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let newest = (0..2).filter_map(|slot| read(&file, slot)).max_by_key(|(turn, _)| *turn);
        let (turn, sequences) = newest.unwrap_or_default();
        Ok((Self { file, turn }, sequences))
    }

    /// Notes the sequences of both lanes.
    pub(crate) fn write(&mut self, sequences: [u64; 2]) -> io::Result<()> {
        self.turn = self.turn.wrapping_add(1);
        let mut slot = [0; SLOT_BYTES];
        for (place, number) in [self.turn, sequences[0], sequences[1]].into_iter().enumerate() {
            slot[place * 8..place * 8 + 8].copy_from_slice(&number.to_le_bytes());
        }
        let sum = crc32c::crc32c(&slot[..24]);
        slot[24..].copy_from_slice(&sum.to_le_bytes());
        self.file.write_all_at(&slot, self.turn % 2 * SLOT_EVERY)
    }
}

fn read(file: &File, slot: u64) -> Option<(u64, [u64; 2])> {
    let mut bytes = [0; SLOT_BYTES];
    file.read_exact_at(&mut bytes, slot * SLOT_EVERY).ok()?;
    let number = |at: usize| {
        let mut number = [0; 8];
        number.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(number)
    };
    // Zeros have the checksum of zeros only where nothing goes before them, and turns begin with 1.
    let is_sound = bytes[24..] == crc32c::crc32c(&bytes[..24]).to_le_bytes() && number(0) > 0;
    is_sound.then(|| (number(0), [number(8), number(16)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newer_slot_counts_and_a_torn_one_leaves_the_older() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut file, nothing) = Acknowledged::open(folder.path()).expect("a new file");
        assert_eq!(nothing, [0, 0]);
        file.write([1, 2]).expect("written");
        file.write([3, 4]).expect("written");
        drop(file);
        let (file, newest) = Acknowledged::open(folder.path()).expect("the file");
        assert_eq!(newest, [3, 4]);
        // The second turn is in the first slot.
        file.file.write_all_at(&[0xff], 3).expect("damaged");
        assert_eq!(Acknowledged::open(folder.path()).expect("the file").1, [1, 2]);
    }
}
