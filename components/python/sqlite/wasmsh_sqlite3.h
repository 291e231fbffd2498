// What SQLite's shell gets in the place of ending its process (01-process.patch).
#ifndef WASMSH_SQLITE3_H
#define WASMSH_SQLITE3_H
#include <stdbool.h>

// reactor/sqlite.c: the process is over, and the shell returns to its caller as soon as it can: what it still does has
// no effect.
void wasmsh_sqlite3_exit(int status);
// reactor/ending.c
bool wasmsh_has_ended(void);
// reactor/sqlite.c: a progress handler of SQLite's that looks for signals. Not 0: stop.
int wasmsh_sqlite3_look(void *unused);

// Instructions of SQLite's machine between two looks: about a tenth of a millisecond.
enum { WASMSH_STEPS = 2000 };

// The header of SQLite defines it for every WASI, where there are no popen() and no users; here there are.
#undef SQLITE_WASI

#define exit(status) wasmsh_sqlite3_exit(status)

#endif
