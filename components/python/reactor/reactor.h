// What the parts of the reactor share.
#ifndef WASMSH_REACTOR_H
#define WASMSH_REACTOR_H

#include <stdbool.h>
#include <stdint.h>

// signals.c: tells the shell what this process does with signals, and learns what it must ignore.
void wasmsh_signals_begin(void);
// signals.c: a timeout in nanoseconds (negative: none) that ends when an alarm is due.
int64_t wasmsh_until_alarm(int64_t timeout);
bool wasmsh_alarm_is_due(void);

// signals.c: delivers the signals that wait for this process, and the alarm.
void wasmsh_look_for_signals(void);
// signals.c: the eval loop does so at its next check.
void wasmsh_look_soon(void);

// sqlite.c: a run as SQLite's shell.
int wasmsh_sqlite3_main(int argc, char **argv);

// ending.c: the process is over: from now on nothing that it does can be seen. The status is that of
// wasmsh_python_main().
void wasmsh_end_process(int status);
bool wasmsh_has_ended(void);
int wasmsh_end_status(void);
// ending.c: makes the eval loop raise, to unwind what still runs.
void wasmsh_raise_end_soon(void);

// threads.c: `_wasmsh.set_threads`.
struct _object;
struct _object *wasmsh_set_threads(struct _object *module, struct _object *args);

// Modules of our own.
struct _object *PyInit__wasmsh(void);
struct _object *PyInit__posixsubprocess(void);

#endif
