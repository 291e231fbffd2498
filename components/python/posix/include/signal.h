// What wasi-libc's <signal.h> leaves out and posix.c provides.
#ifndef WASMSH_SIGNAL_H
#define WASMSH_SIGNAL_H
#include_next <signal.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

int kill(pid_t, int);
int killpg(pid_t, int);

#ifdef __cplusplus
}
#endif
#endif
