// The module `_wasmsh`: what Python code of ours asks of the layer.

#include <Python.h>

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

static PyObject *trap(PyObject *module, PyObject *unused)
{
    (void)module, (void)unused;
    __builtin_trap();
}

static PyMethodDef methods[] = {
    {"is_ignored", is_ignored, METH_O, "Whether the process was started with this signal ignored."},
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
