// What wasi-libc's <sys/stat.h> leaves out and posix.c provides.
#ifndef WASMSH_SYS_STAT_H
#define WASMSH_SYS_STAT_H
#include_next <sys/stat.h>

#ifdef __cplusplus
extern "C" {
#endif

mode_t umask(mode_t);
int mkfifo(const char *, mode_t);
int mkfifoat(int, const char *, mode_t);

#ifdef __cplusplus
}
#endif
#endif
