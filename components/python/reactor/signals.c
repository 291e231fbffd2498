// signal(), raise() and alarm() of C, in the place of wasi-libc's emulation, and how signals reach Python.
//
// Nothing interrupts a wasm instance. CPython's eval loop counts its checks and calls in here now and then
// (the hooks are those that it has for Emscripten), and so does C code that works for long (patches/08-interrupts.patch);
// blocking calls end with EINTR, which leads here too.

#include <Python.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "layer.h"
#include "reactor.h"
#include "wasmsh_python.h"

typedef void (*handler)(int);

// Units between two looks: about a millisecond. And where it could not be told what was found.
enum { INTERVAL = 1 << 18, SOON = 1 << 12 };

static handler handlers[_NSIG];
// When SIGALRM is due, on the monotonic clock; 0: never.
static uint64_t alarm_at;

int _Py_emscripten_signal_clock = INTERVAL;

void __SIG_IGN(int number) { (void)number; }
void __SIG_ERR(int number) { (void)number; }

static int disposition(handler what) { return what == SIG_DFL ? 0 : what == SIG_IGN ? 1 : 2; }

handler signal(int number, handler what)
{
    if (number <= 0 || number >= _NSIG || number == SIGKILL || number == SIGSTOP) {
        errno = EINVAL;
        return SIG_ERR;
    }
    handler old = handlers[number];
    handlers[number] = what;
    wasmsh_set_disposition(number, disposition(what));
    return old;
}

void wasmsh_signals_begin(void)
{
    for (int number = 1; number < _NSIG; number++) {
        if (wasmsh_is_ignored(number)) {
            handlers[number] = SIG_IGN;
        }
        else if (handlers[number] != SIG_DFL) {
            wasmsh_set_disposition(number, disposition(handlers[number]));
        }
    }
}

static void deliver(int number)
{
    handler what = number == SIGKILL ? SIG_DFL : handlers[number];
    if (what == SIG_IGN) {
        return;
    }
    if (what != SIG_DFL) {
        what(number);
        return;
    }
    switch (number) {
    case SIGCHLD: case SIGCONT: case SIGURG: case SIGWINCH:
    case SIGSTOP: case SIGTSTP: case SIGTTIN: case SIGTTOU:
        return;
    default:
        wasmsh_end_process(256 + number);
    }
}

int raise(int number)
{
    if (number <= 0 || number >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    deliver(number);
    return 0;
}

char *strsignal(int number)
{
    static const struct {
        int number;
        const char *text;
    } texts[] = {
        {SIGHUP, "Hangup"}, {SIGINT, "Interrupt"}, {SIGQUIT, "Quit"}, {SIGILL, "Illegal instruction"},
        {SIGTRAP, "Trace/breakpoint trap"}, {SIGABRT, "Aborted"}, {SIGBUS, "Bus error"},
        {SIGFPE, "Floating point exception"}, {SIGKILL, "Killed"}, {SIGUSR1, "User defined signal 1"},
        {SIGSEGV, "Segmentation fault"}, {SIGUSR2, "User defined signal 2"}, {SIGPIPE, "Broken pipe"},
        {SIGALRM, "Alarm clock"}, {SIGTERM, "Terminated"}, {SIGCHLD, "Child exited"}, {SIGCONT, "Continued"},
        {SIGSTOP, "Stopped (signal)"}, {SIGTSTP, "Stopped"}, {SIGTTIN, "Stopped (tty input)"},
        {SIGTTOU, "Stopped (tty output)"}, {SIGURG, "Urgent I/O condition"},
        {SIGXCPU, "CPU time limit exceeded"}, {SIGXFSZ, "File size limit exceeded"},
        {SIGVTALRM, "Virtual timer expired"}, {SIGPROF, "Profiling timer expired"},
        {SIGWINCH, "Window changed"}, {SIGIO, "I/O possible"}, {SIGPWR, "Power failure"},
        {SIGSYS, "Bad system call"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].number == number) {
            return (char *)texts[i].text;
        }
    }
    return NULL;
}

// Seconds until the alarm that this one takes the place of.
unsigned alarm(unsigned seconds)
{
    uint64_t now = wasmsh_clock(1);
    uint64_t left = alarm_at > now ? (alarm_at - now + 999999999) / 1000000000 : 0;
    alarm_at = seconds ? now + seconds * 1000000000ull : 0;
    return (unsigned)left;
}

int64_t wasmsh_until_alarm(int64_t timeout)
{
    if (alarm_at == 0) {
        return timeout;
    }
    uint64_t now = wasmsh_clock(1);
    int64_t left = alarm_at > now ? (int64_t)(alarm_at - now) : 0;
    return timeout < 0 || left < timeout ? left : timeout;
}

bool wasmsh_alarm_is_due(void) { return alarm_at != 0 && wasmsh_clock(1) >= alarm_at; }

// Whether there was one.
static bool look(void)
{
    bool found = false;
    int number;
    // Who is over asks too: the host may answer by ending the instance.
    while ((number = wasmsh_take_signal()) > 0 && !wasmsh_has_ended()) {
        found = true;
        deliver(number);
    }
    if (wasmsh_alarm_is_due() && !wasmsh_has_ended()) {
        found = true;
        alarm_at = 0;
        deliver(SIGALRM);
    }
    return found;
}

void wasmsh_look_for_signals(void) { (void)look(); }

void wasmsh_look_soon(void) { _Py_emscripten_signal_clock = 0; }

void _PyWasmsh_Glance(void)
{
    bool found = look();
    if (wasmsh_has_ended()) {
        wasmsh_raise_end_soon();
        found = true;
    }
    _Py_emscripten_signal_clock = found ? SOON : INTERVAL;
}

void _Py_CheckEmscriptenSignals(void)
{
    _PyWasmsh_Glance();
    _Py_emscripten_signal_clock = INTERVAL;
}

int _PyWasmsh_Look(void)
{
    PyThreadState *tstate = PyThreadState_GetUnchecked();
    // Only the main interpreter has handlers, and none may run while an exception is under way.
    if (tstate == NULL || tstate->current_exception != NULL || tstate->interp != PyInterpreterState_Main()) {
        _PyWasmsh_Glance();
        return 0;
    }
    return PyErr_CheckSignals();
}
