//! What a component without `std` needs of its runtime: the canonical ABI's way to its allocator, and a panic handler.
//!
//! `std` would bring the imports of its panic messages, environment and exit with it; a component that
//! links this crate instead (`use guest as _;`) imports nothing but what its world says. Where `std`
//! is linked by any dependency the build fails over two panic handlers: that is the guard.
#![no_std]
#![cfg(target_family = "wasm")]
extern crate alloc;

use alloc::alloc::{Layout, alloc, realloc};
use core::arch::wasm32::unreachable;
use core::cell::OnceCell;
use core::panic::PanicInfo;

// `memcmp` and its kin: the compiler calls them, and on this target they are the C library's. Only the
// members used are linked; none of them imports anything.
#[allow(unsafe_code, reason = "a block of foreign functions, with none in it")]
#[link(name = "c")]
unsafe extern "C" {}

/// A panic is a bug: the host sees a trap and drops the instance.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unreachable()
}

/// The function by which a caller places arguments in our memory; with `std` it would come from there.
///
/// # Safety
/// As the canonical ABI says: `old_len` bytes of alignment `align` were given out at `old` before, or
/// `old_len` is 0.
#[allow(unsafe_code, reason = "the canonical ABI speaks in raw pointers")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cabi_realloc(old: *mut u8, old_len: usize, align: usize, new_len: usize) -> *mut u8 {
    if new_len == 0 {
        // Nothing is ever read or written here; it only has to be aligned.
        return core::ptr::without_provenance_mut(align);
    }
    let size = if old_len == 0 { new_len } else { old_len };
    let Ok(layout) = Layout::from_size_align(size, align) else { unreachable() };
    // SAFETY: the layout has a size above 0, and an old place is one of the caller's promise.
    let new = unsafe { if old_len == 0 { alloc(layout) } else { realloc(old, layout, new_len) } };
    // Out of memory: the host's limit was reached, and a trap is how it wants to hear of it.
    if new.is_null() { unreachable() } else { new }
}

/// What initialisation leaves in a static, for every invocation that starts from the snapshot.
pub struct Once<T>(OnceCell<T>);

// SAFETY: an instance of a component has one thread, and the host never enters it twice at a time.
#[allow(unsafe_code, reason = "a static must be Sync, and without std there is no lock")]
unsafe impl<T> Sync for Once<T> {}

impl<T> Once<T> {
    /// Holds nothing yet.
    pub const fn new() -> Self {
        Self(OnceCell::new())
    }

    /// Keeps a value; only the first one counts.
    pub fn keep(&self, value: T) -> &T {
        self.0.get_or_init(|| value)
    }

    /// What was kept.
    pub fn get(&self) -> Option<&T> {
        self.0.get()
    }
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self::new()
    }
}
