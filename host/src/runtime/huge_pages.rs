//! Moves tables that instances start from onto huge pages.
//!
//! When a call has ended, the kernel looks at each page that its instance maps for what was written to: 13 to 26 ns a
//! page of 4 KiB, some thousands of which are tables that nobody writes. A huge page is 512 of them looked at once,
//! and the processor translates its addresses once, too.

use std::fs;
use std::io;
use std::ops::Range;

/// Of the processors that Frontrow runs on; where pages are larger nothing is moved.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// What wasmtime calls the file in memory that holds what instances of a component start from.
const IMAGE: &str = "/memfd:wasm-memory-image";

/// Moves all images that are mapped now; returns how many bytes lie on huge pages.
///
/// The first huge page of each stays as it is: there is what calls write to, and writing would only split it again. An
/// image has to begin with its instance's memory, since what lies on a huge page has the same place in it as in the
/// file. Where the kernel has no huge pages for files in memory (before Linux 6.1, or by its settings) nothing changes.
pub(super) fn gather() -> io::Result<usize> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    Ok(maps.lines().filter_map(tables).filter(collapse).map(|pages| pages.len()).sum())
}

/// The huge pages that a line of the process' map has room for behind the first, if it is one of an image.
fn tables(line: &str) -> Option<Range<usize>> {
    let (range, rest) = line.split_once(' ')?;
    if !rest.contains(IMAGE) {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let start = usize::from_str_radix(start, 16).ok()?.next_multiple_of(HUGE_PAGE_BYTES) + HUGE_PAGE_BYTES;
    let end = usize::from_str_radix(end, 16).ok()? / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    (start < end).then_some(start..end)
}

/// Whether the kernel did it.
#[allow(unsafe_code)]
fn collapse(pages: &Range<usize>) -> bool {
    let start = std::ptr::with_exposed_provenance_mut(pages.start);
    // SAFETY: the advice changes by what pages memory is mapped, never what it holds, who may use it or how; so it
    // does no harm either if something else has been mapped there since the map was read.
    unsafe { libc::madvise(start, pages.len(), libc::MADV_COLLAPSE) == 0 }
}
