// What the patches to CPython (../patches) and the reactor share.
#ifndef WASMSH_PYTHON_H
#define WASMSH_PYTHON_H

typedef struct _object PyObject;

// pythonrun.c: a SystemExit that nothing caught.
extern int _PyWasmsh_exit_requested;
extern int _PyWasmsh_exit_status;

// main.c: what Py_RunMain() does before it ends the interpreter. The exit status.
int _PyWasmsh_RunPython(void);

// main.c: the interactive prompt reads lines; the one that edits them needs termios.
#define _PyWasmsh_BASIC_REPL 1

// pylifecycle.c: sys.stdin, sys.stdout and sys.stderr from descriptors 0, 1 and 2.
int _PyWasmsh_InitSysStreams(void);
// pylifecycle.c: ends a run. Modules whose names are in the set `kept` are left as they are. -1: output
// could not be written.
int _PyWasmsh_EndRun(PyObject *kept);

// ending.c: os._exit() and os.abort(). Both raise, and return NULL.
PyObject *_PyWasmsh_Exit(int status);
PyObject *_PyWasmsh_Abort(void);

// What may still be computed before signals are looked for: units of some nanoseconds, 16 for a check of the eval loop.
extern int _Py_emscripten_signal_clock;
// signals.c: looks for signals. -1: an exception is set; a handler has raised it, or the process is over.
int _PyWasmsh_Look(void);
// signals.c: the same where no exception can be raised: the next that can will look again.
void _PyWasmsh_Glance(void);
// ending.c: whether the process is over, and only unwinds.
int _PyWasmsh_IsOver(void);

// `units` of computing are done (or are to be done). True: an exception is set.
#define _PyWasmsh_SPEND(units) ((_Py_emscripten_signal_clock -= (int)(units)) <= 0 && _PyWasmsh_Look() < 0)
// The same where no exception can be raised.
#define _PyWasmsh_PASS(units) ((_Py_emscripten_signal_clock -= (int)(units)) <= 0 ? _PyWasmsh_Glance() : (void)0)

// threads.c: in the place of waiting for a condition, with no other thread that could make it hold: `until` that time,
// or (NULL) for ever. 0: look again; or ETIMEDOUT.
struct timespec;
int _PyWasmsh_WaitForLock(const struct timespec *until);

// numbers.c: Python programs see the error numbers of Linux.
int _PyWasmsh_ErrnoToLinux(int number);
int _PyWasmsh_ErrnoFromLinux(int number);

#endif
