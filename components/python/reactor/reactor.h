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

// ending.c: the process is over: from now on nothing that it does can be seen. The status is that of
// wasmsh_python_main().
void wasmsh_end_process(int status);
bool wasmsh_has_ended(void);
int wasmsh_end_status(void);
// ending.c: makes the eval loop raise, to unwind what still runs.
void wasmsh_raise_end_soon(void);

// Modules of our own.
struct _object;
struct _object *PyInit__wasmsh(void);
struct _object *PyInit__posixsubprocess(void);

#endif
