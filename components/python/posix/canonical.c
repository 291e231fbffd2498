// The canonical ABI asks here for memory for what a call returns.

#include <stdint.h>
#include <stdlib.h>

__attribute__((export_name("cabi_realloc"))) void *cabi_realloc(void *old, size_t old_size, size_t alignment,
                                                                size_t new_size)
{
    (void)old_size; // malloc() aligns to 16; the canonical ABI asks for 8 at most.
    if (new_size == 0) {
        return (void *)(uintptr_t)alignment;
    }
    void *new = realloc(old, new_size);
    if (new == NULL) {
        // There is no way to tell the caller.
        __builtin_trap();
    }
    return new;
}
