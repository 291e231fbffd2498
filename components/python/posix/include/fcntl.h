// What wasi-libc's <fcntl.h> leaves out and posix.c provides.
#ifndef WASMSH_FCNTL_H
#define WASMSH_FCNTL_H
#include_next <fcntl.h>

#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030

// A bit that no other flag has: wasi-libc has none, since there is no exec.
#undef O_CLOEXEC
#define O_CLOEXEC 0x20000000

#ifndef F_RDLCK
#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2
#define F_GETLK 12
#define F_SETLK 13
#define F_SETLKW 14
#endif

#endif
