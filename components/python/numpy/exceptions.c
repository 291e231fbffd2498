// What C++ code that throws is compiled to call. Nothing can be unwound here: the one exception that numpy's Fourier
// transforms can throw, that there is no memory, ends the instance.

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

void *__cxa_allocate_exception(size_t size)
{
    static _Alignas(max_align_t) char exception[256];
    return size <= sizeof exception ? exception : NULL;
}

_Noreturn void __cxa_throw(void *exception, void *type, void *destructor)
{
    (void)exception, (void)type, (void)destructor;
    fputs("numpy: no memory for a Fourier transform\n", stderr);
    abort();
}
