// Ends that are no exceptions: os._exit(), os.abort(), signals that kill.
//
// A trap would take the whole instance with it, and C cannot jump over CPython's frames here. So the process
// is declared dead first: every later call on files, descriptors and children fails without an effect. Then
// an exception unwinds the stack, again and again for code that catches everything.

#include <Python.h>
#include <signal.h>

#include "layer.h"
#include "reactor.h"
#include "wasmsh_python.h"

static bool ended;
static int end_status;

// How often the stack is unwound before code that catches everything in an endless loop is given up.
enum { PATIENCE = 10000 };

static int raise_end(void *unused)
{
    (void)unused;
    static int raised;
    if (++raised > PATIENCE) {
        // Nothing else ends it. The host drops the instance.
        __builtin_trap();
    }
    wasmsh_raise_end_soon();
    PyErr_SetNone(PyExc_SystemExit);
    return -1;
}

void wasmsh_end_process(int status)
{
    if (!ended) {
        ended = true;
        end_status = status;
        wasmsh_die();
    }
}

bool wasmsh_has_ended(void) { return ended; }
int _PyWasmsh_IsOver(void) { return ended; }
int wasmsh_end_status(void) { return end_status; }

void wasmsh_raise_end_soon(void)
{
    // A full queue of pending calls holds this one already.
    (void)Py_AddPendingCall(raise_end, NULL);
}

PyObject *_PyWasmsh_Exit(int status)
{
    wasmsh_end_process(status & 0xff);
    wasmsh_raise_end_soon();
    PyErr_SetNone(PyExc_SystemExit);
    return NULL;
}

PyObject *_PyWasmsh_Abort(void)
{
    wasmsh_end_process(256 + SIGABRT);
    wasmsh_raise_end_soon();
    PyErr_SetNone(PyExc_SystemExit);
    return NULL;
}
