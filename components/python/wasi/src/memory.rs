//! Allocation through the C library, and what happens to a panic.
//!
//! One allocator for C and Rust: what the canonical ABI allocates can be freed by either.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;

unsafe extern "C" {
    fn malloc(size: usize) -> *mut c_void;
    fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void;
    fn realloc(old: *mut c_void, size: usize) -> *mut c_void;
    fn free(block: *mut c_void);
}

/// What `malloc` aligns to: `max_align_t`.
const MALLOC_ALIGNMENT: usize = 16;

struct Libc;

// SAFETY: malloc, realloc and free of one C library, with the alignment that is asked for.
unsafe impl GlobalAlloc for Libc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= MALLOC_ALIGNMENT {
            unsafe { malloc(layout.size()).cast() }
        } else {
            let size = layout.size().next_multiple_of(layout.align());
            unsafe { aligned_alloc(layout.align(), size).cast() }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        unsafe { free(block.cast()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= MALLOC_ALIGNMENT {
            return unsafe { realloc(block.cast(), size).cast() };
        }
        // SAFETY: the size is not larger than what `Layout` allows; alloc and dealloc take the same layout.
        unsafe {
            let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !new.is_null() {
                core::ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                self.dealloc(block, layout);
            }
            new
        }
    }
}

#[global_allocator]
static ALLOCATOR: Libc = Libc;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
