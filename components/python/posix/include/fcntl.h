// What wasi-libc's <fcntl.h> leaves out and posix.c provides.
#ifndef WASMSH_FCNTL_H
#define WASMSH_FCNTL_H
#include_next <fcntl.h>

#define F_DUPFD 0
#define F_DUPFD_CLOEXEC 1030

#endif
