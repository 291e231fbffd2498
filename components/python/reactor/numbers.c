// Error numbers: wasi-libc's are those of WASI, Python programs expect Linux's.
//
// `[Errno 2] No such file or directory` is what every program, test and reader of a traceback knows. The C
// code of CPython compares `errno` with the constants of wasi-libc; only where a number becomes a Python
// object, or comes from one, is it translated.

#include <errno.h>

#include "wasmsh_python.h"

// Every name of wasi-libc's <errno.h> with Linux's number for it.
#define NUMBERS(X)                                                                                            \
    X(EPERM, 1) X(ENOENT, 2) X(ESRCH, 3) X(EINTR, 4) X(EIO, 5) X(ENXIO, 6) X(E2BIG, 7) X(ENOEXEC, 8)          \
    X(EBADF, 9) X(ECHILD, 10) X(EAGAIN, 11) X(ENOMEM, 12) X(EACCES, 13) X(EFAULT, 14) X(EBUSY, 16)            \
    X(EEXIST, 17) X(EXDEV, 18) X(ENODEV, 19) X(ENOTDIR, 20) X(EISDIR, 21) X(EINVAL, 22) X(ENFILE, 23)         \
    X(EMFILE, 24) X(ENOTTY, 25) X(ETXTBSY, 26) X(EFBIG, 27) X(ENOSPC, 28) X(ESPIPE, 29) X(EROFS, 30)          \
    X(EMLINK, 31) X(EPIPE, 32) X(EDOM, 33) X(ERANGE, 34) X(EDEADLK, 35) X(ENAMETOOLONG, 36) X(ENOLCK, 37)     \
    X(ENOSYS, 38) X(ENOTEMPTY, 39) X(ELOOP, 40) X(ENOMSG, 42) X(EIDRM, 43) X(ENOLINK, 67) X(EPROTO, 71)       \
    X(EMULTIHOP, 72) X(EBADMSG, 74) X(EOVERFLOW, 75) X(EILSEQ, 84) X(ENOTSOCK, 88) X(EDESTADDRREQ, 89)        \
    X(EMSGSIZE, 90) X(EPROTOTYPE, 91) X(ENOPROTOOPT, 92) X(EPROTONOSUPPORT, 93) X(ENOTSUP, 95)                \
    X(EAFNOSUPPORT, 97) X(EADDRINUSE, 98) X(EADDRNOTAVAIL, 99) X(ENETDOWN, 100) X(ENETUNREACH, 101)           \
    X(ENETRESET, 102) X(ECONNABORTED, 103) X(ECONNRESET, 104) X(ENOBUFS, 105) X(EISCONN, 106)                 \
    X(ENOTCONN, 107) X(ETIMEDOUT, 110) X(ECONNREFUSED, 111) X(EHOSTUNREACH, 113) X(EALREADY, 114)             \
    X(EINPROGRESS, 115) X(ESTALE, 116) X(EDQUOT, 122) X(ECANCELED, 125) X(EOWNERDEAD, 130)                    \
    X(ENOTRECOVERABLE, 131)

int _PyWasmsh_ErrnoToLinux(int number)
{
    switch (number) {
#define TO(name, linux_number) case name: return linux_number;
        NUMBERS(TO)
    // WASI's own: a capability is missing. Linux says EPERM of what nobody may do.
    case ENOTCAPABLE: return 1;
    default: return number;
    }
}

int _PyWasmsh_ErrnoFromLinux(int number)
{
    switch (number) {
#define FROM(name, linux_number) case linux_number: return name;
        NUMBERS(FROM)
    default: return number;
    }
}
