//! The allocator of a component: what calls write lies together, apart from the tables that a `load` leaves.
//!
//! After a call the host's kernel looks at every page that the instance has mapped. Tables that nobody writes are put
//! on huge pages by the host, which cost nothing then; that is of use only where calls write to none of them. So what a
//! call takes comes from an arena beside the stack and the statics, in the first huge page of the memory, and what a
//! `load` has left is never given back to.
//!
//! Where a component links a C library, too, the two do not free each other's blocks.
//!
//! An arena also spares growing the memory, which costs the host two changes of page protection, each of which
//! interrupts every other thread of the process: half of the time of a small invocation.
#![no_std]
#![cfg(target_family = "wasm")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::{Cell, UnsafeCell};
use core::mem::MaybeUninit;
use core::ptr;

use dlmalloc::Dlmalloc;

/// Of WebAssembly.
const PAGE_BYTES: usize = 64 << 10;

/// Of the address space.
const PAGES_MAX: usize = 1 << 16;

/// Of the processors that the host runs on.
const HUGE_PAGE_BYTES: usize = 2 << 20;

/// Blocks that are all zeros when they are given back: only a `load` has such large ones, and what it no longer needs
/// would else be part of the snapshot. In its compiled form and in a node's memory zeros before the last table take room,
/// zeros behind it do not.
const WIPED_BYTES: usize = 512 << 10;

/// Room for tables before the first file that a `load` is handed, as many times as long: candidates take up to twice
/// as much once they are read, towers less. Where tables need more, the rest lies behind the files, and an image holds
/// zeros in between.
const ROOM_FILES: usize = 2;

/// More room would let an instance reach the limit of its memory, which ends a `load`, where it needs far less.
const ROOM_PAGES_MAX: usize = (64 << 20) / PAGE_BYTES;

/// Memory for calls. All zero, so it takes no room in the component's file.
#[repr(C, align(16))]
pub struct Arena<const BYTES: usize>(UnsafeCell<[MaybeUninit<u8>; BYTES]>);

// SAFETY: an instance of a component has one thread; the bytes are given out once, to dlmalloc.
#[allow(unsafe_code, reason = "a static must be Sync")]
unsafe impl<const BYTES: usize> Sync for Arena<BYTES> {}

impl<const BYTES: usize> Arena<BYTES> {
    /// Unused.
    pub const fn new() -> Self {
        Self(UnsafeCell::new([const { MaybeUninit::uninit() }; BYTES]))
    }

    const fn range(&'static self) -> Range {
        Range(self.0.get().cast(), BYTES)
    }
}

impl<const BYTES: usize> Default for Arena<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

/// A range of memory: where it begins and how many bytes it has.
#[derive(Clone, Copy)]
struct Range(*mut u8, usize);

// SAFETY: an instance of a component has one thread.
#[allow(unsafe_code, reason = "dlmalloc asks for it")]
unsafe impl Send for Range {}

/// The global allocator of a component that is only called.
pub struct Heap(UnsafeCell<Dlmalloc<Pages>>);

// SAFETY: an instance of a component has one thread, and no allocation is made within another.
#[allow(unsafe_code, reason = "a static must be Sync")]
unsafe impl Sync for Heap {}

impl Heap {
    /// Takes the arena first.
    pub const fn new<const BYTES: usize>(arena: &'static Arena<BYTES>) -> Self {
        Self::behind(Some(arena.range()))
    }

    const fn behind(arena: Option<Range>) -> Self {
        let pages = Pages { arena: Cell::new(arena), room: Cell::new(None) };
        Self(UnsafeCell::new(Dlmalloc::new_with_allocator(pages)))
    }

    /// Where it gets its memory from.
    fn pages(&self) -> &Pages {
        // SAFETY: one thread, and dlmalloc is not at work: nothing is allocated within an allocation.
        #[allow(unsafe_code, reason = "its cells are reached through the allocator")]
        unsafe {
            (*self.0.get()).allocator()
        }
    }
}

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
        unsafe { (*self.0.get()).free(place, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`.
        unsafe { (*self.0.get()).realloc(place, layout.size(), layout.align(), size) }
    }
}

/// The global allocator of a component that leaves tables for its calls: all is theirs until [`TableHeap::settle`], but
/// for the files that a `load` is handed before [`TableHeap::begin`].
pub struct TableHeap {
    tables: Heap,
    calls: Heap,
    arena: Range,
    has_begun: Cell<bool>,
    files: Cell<Option<Files>>,
    // Absent until they are complete. What lies behind them and in the arena is of calls.
    tables_end: Cell<Option<usize>>,
}

/// What a `load` is handed: pages behind the room for its tables, wiped when they are given back and never used again.
#[derive(Clone, Copy)]
struct Files {
    start: usize,
    end: usize,
    // Not yet given back.
    held: usize,
}

// SAFETY: as for `Heap`.
#[allow(unsafe_code, reason = "a static must be Sync")]
unsafe impl Sync for TableHeap {}

impl TableHeap {
    /// The arena is for calls.
    pub const fn new<const BYTES: usize>(arena: &'static Arena<BYTES>) -> Self {
        let (tables, calls) = (Heap::behind(None), Heap::new(arena));
        Self {
            tables,
            calls,
            arena: arena.range(),
            has_begun: Cell::new(false),
            files: Cell::new(None),
            tables_end: Cell::new(None),
        }
    }

    /// Begins a `load`, which says so before all else: the host has handed over its files, and what is asked for next is
    /// tables.
    pub fn begin(&self) {
        self.has_begun.set(true);
    }

    /// Ends a `load`: its tables stay as they are from now on, and what is asked for next is a call's.
    ///
    /// The tables end with a huge page of their own. A snapshot leaves out zeros at the beginning and at the end of the
    /// memory, and what does not begin with the memory cannot lie on huge pages: so there is a one at either end.
    pub fn settle(&self) {
        if self.is_settled() {
            return;
        }
        self.begin();
        let before = wasm32::memory_size(0);
        let end = (self.used_pages(before) + 1).next_multiple_of(HUGE_PAGE_BYTES / PAGE_BYTES);
        let more = end.saturating_sub(before);
        // A host that grants no more ends the load itself, or calls are as right without and only slower.
        let is_granted = end < PAGES_MAX && (more == 0 || wasm32::memory_grow(0, more) == before);
        if is_granted {
            mark(UNUSED_ADDRESS);
            mark(end * PAGE_BYTES - 1);
        }
        let tables_end = if is_granted { end } else { before };
        self.tables_end.set(Some(tables_end.saturating_mul(PAGE_BYTES)));
    }

    /// Pages up to the last table, of `all`: behind them there is nothing but zeros where the tables found room before
    /// the files and those have gone.
    fn used_pages(&self, all: usize) -> usize {
        match (self.files.get(), self.tables.pages().room.get()) {
            (Some(files), Some(Range(free, _))) if files.held == 0 && files.end == all * PAGE_BYTES => {
                free.addr() / PAGE_BYTES
            }
            _ => all,
        }
    }

    /// Pages of its own for a file, the first behind room for tables; none if this is a table, or where they would not
    /// lie beside each other.
    fn file(&self, layout: Layout) -> Option<*mut u8> {
        if self.has_begun.get() || layout.size() < WIPED_BYTES || layout.align() > PAGE_BYTES {
            return None;
        }
        let before = wasm32::memory_size(0);
        let pages = layout.size().div_ceil(PAGE_BYTES);
        let files = self.files.get();
        let room = match files {
            None => (pages * ROOM_FILES).min(ROOM_PAGES_MAX),
            Some(files) if files.end == before * PAGE_BYTES => 0,
            Some(_) => return None,
        };
        let end = before + room + pages;
        if end >= PAGES_MAX || wasm32::memory_grow(0, room + pages) != before {
            return None;
        }
        let start = (before + room) * PAGE_BYTES;
        if files.is_none() {
            let room = Range(ptr::with_exposed_provenance_mut(before * PAGE_BYTES), room * PAGE_BYTES);
            self.tables.pages().room.set(Some(room));
        }
        let files = files.unwrap_or(Files { start, end: start, held: 0 });
        self.files.set(Some(Files { end: end * PAGE_BYTES, held: files.held + 1, ..files }));
        Some(ptr::with_exposed_provenance_mut(start))
    }

    /// The files, if this is one of them; none once the tables are complete.
    fn files_with(&self, place: *const u8) -> Option<Files> {
        self.files
            .get()
            .filter(|files| !self.is_settled() && (files.start..files.end).contains(&place.addr()))
    }

    fn is_settled(&self) -> bool {
        self.tables_end.get().is_some()
    }

    /// The heap that new blocks come from.
    fn current(&self) -> &Heap {
        if self.is_settled() { &self.calls } else { &self.tables }
    }

    /// The heap that a block goes back to; none takes what is part of the tables.
    fn owner(&self, place: *const u8) -> Option<&Heap> {
        let Some(end) = self.tables_end.get() else { return Some(&self.tables) };
        let Range(arena, bytes) = self.arena;
        let is_of_calls = place.addr() >= end || (arena.addr()..arena.addr() + bytes).contains(&place.addr());
        is_of_calls.then_some(&self.calls)
    }
}

// SAFETY: what `Heap` promises; a block goes back to the one that it came from or to none.
#[allow(unsafe_code, reason = "an allocator speaks in raw pointers")]
unsafe impl GlobalAlloc for TableHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the layout is the caller's promise. The same below.
        self.file(layout).unwrap_or_else(|| unsafe { self.current().alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`; new pages are zero.
        self.file(layout).unwrap_or_else(|| unsafe { self.current().alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if let Some(files) = self.files_with(place) {
            // SAFETY: the file is as long as when it was asked for, and nobody else's.
            unsafe { ptr::write_bytes(place, 0, layout.size()) }
            self.files.set(Some(Files { held: files.held - 1, ..files }));
            return;
        }
        let Some(heap) = self.owner(place) else { return };
        // SAFETY: the place came from there with this layout.
        unsafe {
            if !self.is_settled() && layout.size() >= WIPED_BYTES {
                ptr::write_bytes(place, 0, layout.size());
            }
            heap.dealloc(place, layout);
        }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`; of a table or a file what fits is copied to a block that does not overlap it.
        unsafe {
            if self.files_with(place).is_none()
                && let Some(heap) = self.owner(place)
            {
                return heap.realloc(place, layout, size);
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                ptr::copy_nonoverlapping(place, moved, size.min(layout.size()));
                self.dealloc(place, layout);
            }
            moved
        }
    }
}

/// In the lowest page, where the linker puts nothing: it holds the far end of the stack, or nothing at all.
const UNUSED_ADDRESS: usize = 16;

#[allow(unsafe_code, reason = "the place is no object of the program")]
fn mark(address: usize) {
    // SAFETY: the address is within the memory and nothing else is there, see the callers.
    unsafe { ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(1) }
}

/// Where dlmalloc gets its memory from: of calls an arena first, of tables the room before the files, then by growing.
struct Pages {
    arena: Cell<Option<Range>>,
    room: Cell<Option<Range>>,
}

// SAFETY: every range is given out once, is ours alone, and is never taken back.
#[allow(unsafe_code, reason = "dlmalloc's interface")]
unsafe impl dlmalloc::Allocator for Pages {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if let Some(Range(arena, bytes)) = self.arena.get()
            && size <= bytes
        {
            self.arena.set(None);
            return (arena, bytes, 0);
        }
        let pages = size.div_ceil(PAGE_BYTES);
        let bytes = pages * PAGE_BYTES;
        if let Some(Range(free, left)) = self.room.get()
            && bytes <= left
        {
            self.room.set(Some(Range(free.wrapping_add(bytes), left - bytes)));
            return (free, bytes, 0);
        }
        let before = wasm32::memory_grow(0, pages);
        // The last page of the address space stays unused, so that no range ends at address 0.
        if before == usize::MAX || before + pages >= PAGES_MAX {
            return (ptr::null_mut(), 0, 0);
        }
        (ptr::with_exposed_provenance_mut(before * PAGE_BYTES), bytes, 0)
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
