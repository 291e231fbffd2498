// numpy's modules, linked in: each under its full name, which is how the import system looks for a built-in module.

#include <Python.h>
#include <stdlib.h>

#define MODULES(each) \
    each(_core, _multiarray_umath) \
    each(_core, _multiarray_tests) \
    each(_core, _operand_flag_tests) \
    each(_core, _rational_tests) \
    each(_core, _struct_ufunc_tests) \
    each(_core, _umath_tests) \
    each(linalg, _umath_linalg) \
    each(linalg, lapack_lite) \
    each(fft, _pocketfft_umath) \
    each(random, _bounded_integers) \
    each(random, _common) \
    each(random, _generator) \
    each(random, _mt19937) \
    each(random, _pcg64) \
    each(random, _philox) \
    each(random, _sfc64) \
    each(random, bit_generator) \
    each(random, mtrand)

#define DECLARE(package, name) PyMODINIT_FUNC PyInit_##name(void);
#define ENTRY(package, name) {"numpy." #package "." #name, PyInit_##name},

MODULES(DECLARE)

// Before the interpreter is initialised. What is called from outside runs the constructors, too, once a process: by then
// the modules are in the image.
__attribute__((constructor)) static void add_modules(void)
{
    static struct _inittab modules[] = {MODULES(ENTRY){NULL, NULL}};
    static bool done;
    if (!done && PyImport_ExtendInittab(modules) < 0) {
        abort();
    }
    done = true;
}
