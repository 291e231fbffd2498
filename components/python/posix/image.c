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
    // What memory grows by unasked, once the image is there: a part of it, and at most so much (components/heap).
    PART = 16,
    STEP = 4 << 20,
};

static uintptr_t current_break;
static uintptr_t pristine_end;
static bool has_run;

static uintptr_t memory_end(void) { return (uintptr_t)__builtin_wasm_memory_size(0) * PAGE; }

static bool grow(uintptr_t by)
{
    return __builtin_wasm_memory_grow(0, (by + PAGE - 1) / PAGE) != (size_t)-1;
}

// Makes sure that memory reaches `end`. The heap grows by more than is asked for where it can: to an engine of
// JavaScript each growth is a new buffer of the whole size, and soon a reason to collect garbage.
static int grow_to(uintptr_t end)
{
    uintptr_t now = memory_end();
    if (end <= now) {
        return 1;
    }
    uintptr_t needed = end - now, step = now / PART < STEP ? now / PART : STEP;
    return (pristine_end != 0 && needed < step && grow(step)) || grow(needed);
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

// Something to do with a block of memory, `length` bytes at `at`, that the image holds at `image`.
typedef void visit(uintptr_t at, uintptr_t image, uintptr_t length, void *with);

// Visits the blocks that differ from the image, and the two ends that are no whole blocks.
__attribute__((always_inline)) static inline void each_that_differs(visit *do_it, void *with)
{
    struct part both[2];
    uintptr_t image = pristine_end;
    parts(both);
    for (int i = 0; i < 2; i++) {
        uintptr_t start = both[i].start, length = both[i].length, at = 0;
        __asm__ volatile("" : "+r"(start), "+r"(image), "+r"(length) : : "memory");
        // From the first whole block on, so that blocks are pages.
        uintptr_t head = -start % BLOCK;
        if (head <= length) {
            do_it(start, image, head, with);
            for (at = head; at + BLOCK <= length; at += BLOCK) {
                if (differs(start + at, image + at)) {
                    do_it(start + at, image + at, BLOCK, with);
                }
            }
        }
        do_it(start + at, image + at, length - at, with);
        image += length;
    }
    __asm__ volatile("" : : : "memory");
}

static void put_back(uintptr_t at, uintptr_t image, uintptr_t length, void *with)
{
    (void)with;
    __builtin_memcpy((void *)at, (const void *)image, length);
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
    each_that_differs(put_back, NULL);
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

// A process that waits for another one in the same interpreter. What of it differs from the image is put aside, above
// its heap: a header, where each piece belongs, and the pieces. The heap of the other one begins behind that.

struct piece {
    uintptr_t at, length;
};

struct aside {
    size_t count;
    struct piece pieces[];
};

struct sizes {
    size_t count;
    uintptr_t bytes;
};

static void measure(uintptr_t at, uintptr_t image, uintptr_t length, void *with)
{
    (void)at, (void)image;
    struct sizes *sizes = with;
    sizes->count++;
    sizes->bytes += length;
}

struct filling {
    struct aside *aside;
    uintptr_t end;
};

static void put_aside(uintptr_t at, uintptr_t image, uintptr_t length, void *with)
{
    (void)image;
    struct filling *filling = with;
    filling->aside->pieces[filling->aside->count++] = (struct piece){at, length};
    __builtin_memcpy((void *)filling->end, (const void *)at, length);
    filling->end += length;
}

// Puts the present process aside; memory is as before the first run then. 0: there is not enough of it.
uintptr_t wasmsh_image_push(void)
{
    struct sizes sizes = {0};
    each_that_differs(measure, &sizes);
    uintptr_t start = (current_break + BLOCK - 1) / BLOCK * BLOCK;
    uintptr_t contents = start + sizeof(struct aside) + sizes.count * sizeof(struct piece);
    uintptr_t end = (contents + sizes.bytes + BLOCK - 1) / BLOCK * BLOCK;
    if (end < start || !grow_to(end)) {
        return 0;
    }
    struct filling filling = {(struct aside *)start, contents};
    filling.aside->count = 0;
    each_that_differs(put_aside, &filling);
    each_that_differs(put_back, NULL);
    current_break = end;
    has_run = true;
    return start;
}

// Brings back the process that was put aside at `start`; nothing is left of the one that ran since.
void wasmsh_image_pop(uintptr_t start)
{
    each_that_differs(put_back, NULL);
    __asm__ volatile("" : "+r"(start) : : "memory");
    const struct aside *aside = (const struct aside *)start;
    uintptr_t from = start + sizeof(struct aside) + aside->count * sizeof(struct piece);
    for (size_t i = 0; i < aside->count; i++) {
        copy(aside->pieces[i].at, from, aside->pieces[i].length);
        from += aside->pieces[i].length;
    }
}
