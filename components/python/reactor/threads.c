// Waiting for a lock, in an instance with one thread: another one runs meanwhile (library/_wasmsh_threads.py).

#include <Python.h>
#include <errno.h>
#include <time.h>

#include "layer.h"
#include "reactor.h"
#include "wasmsh_python.h"

// Runs a thread that waits, and says whether there was one.
static PyObject *run_one;
// Raises, since what is waited for cannot come.
static PyObject *stranded;

PyObject *wasmsh_set_threads(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *first, *second;
    if (!PyArg_ParseTuple(args, "OO:set_threads", &first, &second)) {
        return NULL;
    }
    Py_XSETREF(run_one, Py_NewRef(first));
    Py_XSETREF(stranded, Py_NewRef(second));
    return Py_NewRef(Py_None);
}

static int raise_stranded(void *unused)
{
    (void)unused;
    PyObject *result = stranded ? PyObject_CallNoArgs(stranded) : NULL;
    Py_XDECREF(result);
    return result ? 0 : -1;
}

// The nanoseconds until `when`, which is on either clock: only the wall clock has so large a number.
static int64_t until(const struct timespec *when)
{
    uint64_t now = wasmsh_clock(when->tv_sec > 1000000000 ? 0 : 1);
    int64_t left = (int64_t)((uint64_t)when->tv_sec * 1000000000 + (uint64_t)when->tv_nsec - now);
    return left > 0 ? left : 0;
}

int _PyWasmsh_WaitForLock(const struct timespec *when)
{
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *ran = run_one ? PyObject_CallNoArgs(run_one) : Py_NewRef(Py_False);
    if (ran == NULL) {
        PyErr_WriteUnraisable(run_one);
    }
    Py_XDECREF(ran);
    PyGILState_Release(state);
    if (ran != Py_False) {
        return 0;
    }
    int64_t left = wasmsh_until_alarm(when ? until(when) : -1);
    if (left >= 0) {
        // A signal ends the sleep; whoever waits looks at both.
        return wasmsh_sleep((uint64_t)left) == 0 && when && until(when) == 0 ? ETIMEDOUT : 0;
    }
    (void)Py_AddPendingCall(raise_stranded, NULL);
    return 0;
}
