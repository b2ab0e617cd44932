//! The allocator: dlmalloc, first over memory that an instance has from its start.
//!
//! An instance that grows its memory costs its host two changes of page protection, each of which
//! interrupts every other thread of the process: half of the time of a small invocation.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::{Cell, UnsafeCell};
use core::hint::black_box;
use core::mem::MaybeUninit;
use core::ptr;

use dlmalloc::Dlmalloc;

/// Enough for one question and its answer where nothing was loaded before.
const ARENA_BYTES: usize = 128 << 10;

const PAGE_BYTES: usize = 64 << 10;

/// Blocks that are all zeros when they are given back: only a `load` has such large ones, and what it no longer needs
/// would be part of the snapshot, of its compiled form and of every node's memory.
const WIPED_BYTES: usize = 512 << 10;

#[repr(C, align(16))]
struct Arena(UnsafeCell<[MaybeUninit<u8>; ARENA_BYTES]>);

// SAFETY: an instance of a component has one thread; the bytes are given out once, to dlmalloc.
#[allow(unsafe_code, reason = "a static must be Sync")]
unsafe impl Sync for Arena {}

/// All zero, so it takes no room in the component's file.
static ARENA: Arena = Arena(UnsafeCell::new([const { MaybeUninit::uninit() }; ARENA_BYTES]));

/// Where dlmalloc gets its memory from.
struct Pages {
    arena_is_given: Cell<bool>,
}

// SAFETY: every range is given out once, is ours alone, and is never taken back.
#[allow(unsafe_code, reason = "dlmalloc's interface")]
unsafe impl dlmalloc::Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if size <= ARENA_BYTES && !self.arena_is_given.replace(true) {
            return (ARENA.0.get().cast(), ARENA_BYTES, 0);
        }
        let pages = size.div_ceil(PAGE_BYTES);
        let before = wasm32::memory_grow(0, pages);
        // The last page of the address space stays unused, so that no range ends at address 0.
        if before == usize::MAX || before + pages >= 1 << 16 {
            return (ptr::null_mut(), 0, 0);
        }
        (ptr::with_exposed_provenance_mut(before * PAGE_BYTES), pages * PAGE_BYTES, 0)
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE_BYTES
    }
}

struct Heap(UnsafeCell<Dlmalloc<Pages>>);

// SAFETY: an instance of a component has one thread, and no allocation is made within another.
#[allow(unsafe_code, reason = "a static must be Sync")]
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap =
    Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Pages { arena_is_given: Cell::new(false) })));

// SAFETY: dlmalloc keeps the promises of an allocator, and nothing else ever reaches it.
#[allow(unsafe_code, reason = "an allocator speaks in raw pointers")]
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: one thread, see above; the layout is the caller's promise. The same below.
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`; the place came from here with this layout.
        unsafe {
            if layout.size() >= WIPED_BYTES {
                ptr::write_bytes(place, 0, layout.size());
            }
            (*self.0.get()).free(place, layout.size(), layout.align());
        }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`.
        unsafe { (*self.0.get()).realloc(place, layout.size(), layout.align(), size) }
    }
}

/// Sees to it that the next `bytes` of allocations need no growing: for the end of a `load`, whose
/// snapshot every invocation starts from.
pub fn reserve(bytes: usize) {
    drop(black_box(alloc::vec::Vec::<u8>::with_capacity(bytes)));
}
