// The module `_wasmsh`: what Python code of ours asks of the layer.

#include <Python.h>
#include <errno.h>

#include "layer.h"
#include "reactor.h"

static PyObject *is_ignored(PyObject *module, PyObject *argument)
{
    (void)module;
    int number = PyLong_AsInt(argument);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    return PyBool_FromLong(wasmsh_is_ignored(number));
}

// fetch(descriptor, method, url, headers, body, timeout): the headers are bytes, names and values in turn; the timeout
// is in milliseconds, 0 for none.
static PyObject *fetch(PyObject *module, PyObject *args)
{
    (void)module;
    int descriptor;
    PyObject *headers;
    Py_buffer body;
    wasmsh_exchange what = {0};
    unsigned timeout;
    if (!PyArg_ParseTuple(args, "issO!y*I:fetch", &descriptor, &what.method, &what.url, &PyTuple_Type, &headers, &body,
                          &timeout)) {
        return NULL;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(headers);
    const char **list = PyMem_Calloc((size_t)count + 1, sizeof *list);
    PyObject *result = NULL;
    if (list == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        char *text;
        // Without a length: a NUL inside is an error.
        if (PyBytes_AsStringAndSize(PyTuple_GET_ITEM(headers, i), &text, NULL) < 0) {
            goto done;
        }
        list[i] = text;
    }
    what.headers = list;
    what.header_count = (size_t)count;
    what.body = body.buf ? body.buf : "";
    what.body_length = (size_t)body.len;
    what.timeout = timeout;
    int answer = wasmsh_fetch(&what, descriptor);
    if (answer < 0) {
        errno = -answer;
        PyErr_SetFromErrno(PyExc_OSError);
        goto done;
    }
    result = Py_NewRef(Py_None);
done:
    PyMem_Free(list);
    PyBuffer_Release(&body);
    return result;
}

static PyObject *trap(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    __builtin_trap();
}

static PyMethodDef methods[] = {
    {"fetch", fetch, METH_VARARGS, "Begins an HTTP exchange whose response is written to a pipe."},
    {"is_ignored", is_ignored, METH_O, "Whether the process was started with this signal ignored."},
    {"set_threads", wasmsh_set_threads, METH_VARARGS, "Says what to do where the one thread would wait for another."},
    {"trap", trap, METH_NOARGS, "Executes an unreachable instruction, so that a host can be tested."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_wasmsh",
    .m_size = 0,
    .m_methods = methods,
};

PyObject *PyInit__wasmsh(void) { return PyModuleDef_Init(&definition); }
