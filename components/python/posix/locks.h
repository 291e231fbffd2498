// Locks of byte ranges: locks.c.
#ifndef WASMSH_LOCKS_H
#define WASMSH_LOCKS_H
#include <fcntl.h>

// As fcntl(2). A negative answer is an errno.
int wasmsh_lock(int fd, int command, struct flock *what);
// Before a descriptor is closed.
void wasmsh_locks_close(int fd);
void wasmsh_locks_end(void);

#endif
