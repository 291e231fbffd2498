//! The heap of a component: the standard one, which grows in steps.
//!
//! By itself it asks for 64 KiB of memory at a time. To an engine of JavaScript each growth is a new buffer of the whole size, and soon
//! a reason to collect garbage: a millisecond, and 5,000 of them on the way to 300 MB.

use std::alloc::{GlobalAlloc, Layout, System};

/// The most that memory grows by unasked.
const STEP: usize = 4 << 20;
/// The part of memory that it grows by unasked. Hosts see a run end when no more than that is left below their limit: what is
/// taken unasked must not meet it.
const PART: usize = 16;

/// For `#[global_allocator]`.
#[derive(Clone, Copy, Debug)]
pub struct Heap;

impl Heap {
    /// Does `work`, and if memory has grown by it, has it grow by a whole step: what is allocated and freed at once stays
    /// in the heap, next to what was asked for.
    fn step(work: impl FnOnce() -> *mut u8) -> *mut u8 {
        let before = size();
        let block = work();
        let now = size();
        let step = (now / PART).min(STEP);
        if now > before
            && now - before < step
            && let Ok(layout) = Layout::from_size_align(step, 1)
        {
            // SAFETY: the size is not 0, since memory has grown by less; the block is freed with its layout.
            unsafe {
                let spare = System.alloc(layout);
                if !spare.is_null() {
                    System.dealloc(spare, layout);
                }
            }
        }
        block
    }
}

// SAFETY: all blocks are those of `System`, with the layouts that are asked for.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        Self::step(|| unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        Self::step(|| unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        Self::step(|| unsafe { System.realloc(block, layout, size) })
    }
}

/// Bytes of linear memory.
#[cfg(target_arch = "wasm32")]
fn size() -> usize {
    core::arch::wasm32::memory_size(0) << 16
}

/// Elsewhere memory is the system's.
#[cfg(not(target_arch = "wasm32"))]
fn size() -> usize {
    0
}
