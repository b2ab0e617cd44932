//! Where images lie, the memory that instances start from: tables on huge pages, and all of it in memory once.
//!
//! When a call has ended, the kernel looks at each page that its instance maps for what was written to: 13 to 26 ns a
//! page of 4 KiB, some thousands of which are tables that nobody writes. A huge page is 512 of them looked at once,
//! and the processor translates its addresses once, too.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;

/// Of the processors that Frontrow runs on; where pages are larger nothing is moved.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// What wasmtime calls the file in memory that holds an image.
const IMAGE: &str = "/memfd:wasm-memory-image";

/// The files of compiled components.
const COMPILED: &str = ".cwasm";

/// What a process maps of images, as releases come and go.
#[derive(Debug)]
pub(super) struct Images {
    // Device and inode of what was mapped before.
    known: BTreeSet<String>,
}

/// What became of the tables of an image.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arranged {
    pub(super) tables_bytes: usize,
    pub(super) huge_bytes: usize,
}

impl Images {
    /// Those of generations that are prepared already: they stay as they are.
    pub(super) fn of_others() -> Self {
        Self { known: maps().lines().filter_map(mapping).map(|mapping| mapping.file.to_owned()).collect() }
    }

    /// Moves the tables of images that were not mapped before.
    ///
    /// The first huge page of each stays as it is: there is what calls write to, and writing would only split it again.
    /// An image has to begin with its instance's memory, since what lies on a huge page has the same place in it as in
    /// the file. Where the kernel does not move files in memory onto huge pages nothing changes.
    pub(super) fn arrange(&mut self) -> Arranged {
        let mut arranged = Arranged::default();
        for Mapping { range, file, path, .. } in maps().lines().filter_map(mapping) {
            if path.starts_with(IMAGE) && self.known.insert(file.to_owned()) {
                let tables = tables(&range);
                arranged.tables_bytes += tables.len();
                if !tables.is_empty() && advise(&tables, libc::MADV_COLLAPSE) {
                    arranged.huge_bytes += tables.len();
                }
            }
        }
        arranged
    }
}

/// Gives back what images were copied from, once they are made: the tables of components that are mapped at `compiled`.
///
/// Only what calls write to is read again. The kernel keeps the files as long as it has room, for no process' account.
pub(super) fn drop_sources(compiled: &[Range<usize>]) {
    for Mapping { range, access, path, .. } in maps().lines().filter_map(mapping) {
        if path.ends_with(COMPILED) && access == "r--p" {
            for component in compiled {
                let source = range.start.max(component.start)..range.end.min(component.end);
                if !source.is_empty() {
                    advise(&source, libc::MADV_DONTNEED);
                }
            }
        }
    }
}

/// The process' map; empty where there is no `/proc`, so that nothing is moved.
fn maps() -> String {
    fs::read_to_string("/proc/self/maps").unwrap_or_default()
}

/// A line of the process' map.
struct Mapping<'a> {
    range: Range<usize>,
    access: &'a str,
    // Device and inode.
    file: &'a str,
    path: &'a str,
}

/// Of a file: `7f05f7200000-7f05f8e00000 rw-p 00000000 00:01 1182    /memfd:wasm-memory-image (deleted)`.
fn mapping(line: &str) -> Option<Mapping<'_>> {
    let (before, path) = line.split_at(line.find('/')?);
    let mut words = before.trim_end().splitn(4, ' ');
    let (start, end) = words.next()?.split_once('-')?;
    let (access, _offset, file) = (words.next()?, words.next()?, words.next()?);
    let address = |text| usize::from_str_radix(text, 16).ok();
    Some(Mapping { range: address(start)?..address(end)?, access, file, path })
}

/// The huge pages that a mapping has room for behind the first.
fn tables(range: &Range<usize>) -> Range<usize> {
    let start = range.start.next_multiple_of(HUGE_PAGE_BYTES) + HUGE_PAGE_BYTES;
    start..range.end / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES
}

/// Whether the kernel took the advice.
#[allow(unsafe_code)]
fn advise(range: &Range<usize>, advice: libc::c_int) -> bool {
    let start = std::ptr::with_exposed_provenance_mut(range.start);
    // SAFETY: `MADV_COLLAPSE` changes by what pages memory is mapped, never what it holds, who may use it or how; so
    // it does no harm either if something else has been mapped there since. `MADV_DONTNEED` is given for files only
    // that components which are borrowed meanwhile are mapped from, where wasmtime has written nothing (it refuses
    // relocations) and nobody can any more (they are read-only): what is read next is read from the file again.
    unsafe { libc::madvise(start, range.len(), advice) == 0 }
}
