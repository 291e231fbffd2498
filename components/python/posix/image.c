// A fresh process for every run: linear memory is put back to what it was before the first one.
//
//   0        stack | read-only data | the library | data | heap, as the pre-initialiser left it | image | heap
//            ^ not restored          ^ not restored                                             ^ image_end
//
// The image is a copy of all that can change below `pristine_end`. It is made at build time, as data of the
// module, or at the first run. In the first case an engine that maps data copy-on-write shares it between all
// instances; the second makes a smaller module. A block that a run left as it was is compared, not written:
// that is faster, and its page stays shared. Above the image the heap goes on; its pages are filled with
// zeros before they are used again.

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <wasm_simd128.h>

#include "layer.h"

// Defined by the linker: where data begins, above the stack.
extern char __global_base;
extern const unsigned char wasmsh_rom[];
extern const size_t wasmsh_rom_size;

enum {
    PAGE = 65536,
    // What is compared at a time: the page of an engine's host.
    BLOCK = 4096,
};

static uintptr_t current_break;
static uintptr_t pristine_end;
static bool has_run;

static uintptr_t memory_end(void) { return (uintptr_t)__builtin_wasm_memory_size(0) * PAGE; }

// Makes sure that memory reaches `end`.
static int grow_to(uintptr_t end)
{
    uintptr_t now = memory_end();
    return end <= now || __builtin_wasm_memory_grow(0, (end - now + PAGE - 1) / PAGE) != (size_t)-1;
}

// The allocator of wasi-libc asks this one for memory. Its first answer is the end of memory as the module
// declares it.
void *sbrk(intptr_t increment)
{
    uintptr_t end = memory_end();
    if (current_break == 0) {
        current_break = end;
    }
    if (increment == 0) {
        return (void *)current_break;
    }
    uintptr_t old = current_break, new;
    if (increment < 0 || __builtin_add_overflow(old, (uintptr_t)increment, &new) || !grow_to(new)) {
        errno = ENOMEM;
        return (void *)-1;
    }
    if (old < end) {
        // Pages of an earlier run.
        memset((void *)old, 0, (new < end ? new : end) - old);
    }
    current_break = new;
    return (void *)old;
}

// The two parts that are restored: what lies below the library, and what lies above it. The compiler must
// not assume anything of objects that are overwritten behind its back.
struct part {
    uintptr_t start, length;
};

static void parts(struct part to[2])
{
    uintptr_t low = (uintptr_t)&__global_base;
    uintptr_t rom = (uintptr_t)wasmsh_rom, rom_end = rom + wasmsh_rom_size;
    to[0] = (struct part){low, rom - low};
    to[1] = (struct part){rom_end, pristine_end - rom_end};
}

static void copy(uintptr_t to, uintptr_t from, uintptr_t length)
{
    __asm__ volatile("" : "+r"(to), "+r"(from), "+r"(length) : : "memory");
    __builtin_memcpy((void *)to, (const void *)from, length);
    __asm__ volatile("" : : : "memory");
}

static bool differs(uintptr_t one, uintptr_t other)
{
    v128_t difference = wasm_i64x2_const(0, 0);
    for (uintptr_t at = 0; at < BLOCK; at += 64) {
        const v128_t *a = (const v128_t *)(one + at), *b = (const v128_t *)(other + at);
        for (int i = 0; i < 4; i++) {
            difference = wasm_v128_or(difference, wasm_v128_xor(wasm_v128_load(a + i), wasm_v128_load(b + i)));
        }
    }
    return wasm_v128_any_true(difference);
}

static void copy_what_differs(uintptr_t to, uintptr_t from, uintptr_t length)
{
    __asm__ volatile("" : "+r"(to), "+r"(from), "+r"(length) : : "memory");
    uintptr_t at = 0;
    // From the first whole block on, so that blocks are pages.
    uintptr_t head = -to % BLOCK;
    if (head <= length) {
        __builtin_memcpy((void *)to, (const void *)from, head);
        for (at = head; at + BLOCK <= length; at += BLOCK) {
            if (differs(to + at, from + at)) {
                __builtin_memcpy((void *)(to + at), (const void *)(from + at), BLOCK);
            }
        }
    }
    __builtin_memcpy((void *)(to + at), (const void *)(from + at), length - at);
    __asm__ volatile("" : : : "memory");
}

static void take(void)
{
    struct part both[2];
    pristine_end = memory_end();
    parts(both);
    uintptr_t size = (both[0].length + both[1].length + PAGE - 1) / PAGE * PAGE;
    if (!grow_to(pristine_end + size)) {
        // Without memory for the image there is none for Python.
        __builtin_trap();
    }
    // Memory that the allocator holds ends at `pristine_end`; it goes on above the image.
    current_break = pristine_end + size;
    copy(pristine_end, both[0].start, both[0].length);
    copy(pristine_end + both[0].length, both[1].start, both[1].length);
}

void wasmsh_image_share(void)
{
    take();
}

void wasmsh_image_reset(void)
{
    if (!has_run) {
        return;
    }
    struct part both[2];
    uintptr_t image = pristine_end;
    parts(both);
    for (int i = 0; i < 2; i++) {
        copy_what_differs(both[i].start, image, both[i].length);
        image += both[i].length;
    }
}

void wasmsh_image_begin(void)
{
    if (pristine_end == 0) {
        take();
    }
    else {
        wasmsh_image_reset();
    }
    has_run = true;
}
