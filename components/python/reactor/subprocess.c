// The module `_posixsubprocess`: `subprocess` starts a child by one call of the shell, not by fork and exec.

#include <Python.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layer.h"
#include "reactor.h"
#include "wasmsh_python.h"

// A sequence of bytes objects as a list of C strings that point into them.
static char **strings(PyObject *sequence)
{
    Py_ssize_t count = PySequence_Size(sequence);
    if (count < 0) {
        return NULL;
    }
    char **list = calloc((size_t)count + 1, sizeof *list);
    if (list == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PySequence_GetItem(sequence, i);
        PyObject *bytes = NULL;
        if (item != NULL && PyUnicode_FSConverter(item, &bytes)) {
            list[i] = strdup(PyBytes_AS_STRING(bytes));
            Py_DECREF(bytes);
        }
        Py_XDECREF(item);
        if (list[i] == NULL) {
            if (!PyErr_Occurred()) {
                PyErr_NoMemory();
            }
            for (Py_ssize_t j = 0; j < i; j++) {
                free(list[j]);
            }
            free(list);
            return NULL;
        }
    }
    return list;
}

static void release(char **list)
{
    for (char **at = list; at && *at; at++) {
        free(*at);
    }
    free(list);
}

// What the real function writes into a pipe between fork and exec for the parent to read.
static void report(int fd, int number, const char *where)
{
    char text[64];
    int length = snprintf(text, sizeof text, "OSError:%X:%s", (unsigned)_PyWasmsh_ErrnoToLinux(number), where);
    wasmsh_write(fd, text, (size_t)length);
}

static PyObject *fork_exec(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *arguments, *executables, *pass, *cwd_object, *environment;
    PyObject *group, *gid, *extra, *uid, *preexec;
    int close_fds, in_read, in_write, out_read, out_write, err_read, err_write, report_read, report_write;
    int restore, session, mask, vfork;
    if (!PyArg_ParseTuple(args, "OOpOOOiiiiiiiippOOOOiOp:fork_exec", &arguments, &executables, &close_fds, &pass,
                          &cwd_object, &environment, &in_read, &in_write, &out_read, &out_write, &err_read,
                          &err_write, &report_read, &report_write, &restore, &session, &group, &gid, &extra,
                          &uid, &mask, &preexec, &vfork)) {
        return NULL;
    }
    if (preexec != Py_None) {
        PyErr_SetString(PyExc_RuntimeError, "preexec_fn is not supported: a child is not a copy of this process");
        return NULL;
    }
    PyObject *cwd = NULL;
    char **argv = NULL, **programs = NULL, **names = NULL;
    int (*descriptors)[2] = NULL;
    PyObject *result = NULL;
    Py_ssize_t passed = PySequence_Size(pass);
    if (passed < 0 || (cwd_object != Py_None && !PyUnicode_FSConverter(cwd_object, &cwd))
        || (argv = strings(arguments)) == NULL || (programs = strings(executables)) == NULL
        || (environment != Py_None && (names = strings(environment)) == NULL)) {
        goto done;
    }
    // Without `close_fds` a child has all that can be inherited.
    int most = close_fds ? 0 : (int)sysconf(_SC_OPEN_MAX);
    descriptors = calloc((size_t)passed + (size_t)most + 3, sizeof *descriptors);
    if (descriptors == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    size_t count = 0;
    int standard[3] = {in_read, out_write, err_write};
    for (int fd = 0; fd < 3; fd++) {
        int from = standard[fd] >= 0 ? standard[fd] : fd;
        wasmsh_stat_t ignored;
        if (wasmsh_fstat(from, &ignored) == 0) {
            descriptors[count][0] = fd;
            descriptors[count++][1] = from;
        }
    }
    for (Py_ssize_t i = 0; i < passed; i++) {
        PyObject *item = PySequence_GetItem(pass, i);
        int fd = item ? PyLong_AsInt(item) : -1;
        Py_XDECREF(item);
        if (fd < 0) {
            if (!PyErr_Occurred()) {
                PyErr_SetString(PyExc_ValueError, "bad value(s) in fds_to_keep");
            }
            goto done;
        }
        if (fd > 2 && fd != report_write) {
            descriptors[count][0] = fd;
            descriptors[count++][1] = fd;
        }
    }
    for (int fd = 3; fd < most; fd++) {
        int flags = wasmsh_fcntl(fd, F_GETFD, 0);
        if (flags >= 0 && !(flags & FD_CLOEXEC)) {
            descriptors[count][0] = fd;
            descriptors[count++][1] = fd;
        }
    }
    wasmsh_spawn_request request = {
        .arguments = argv,
        // Without one of its own a child gets what execv() would give it, os.environ's changes included.
        .environment = names ? names : environ,
        .cwd = cwd ? PyBytes_AS_STRING(cwd) : NULL,
        .descriptors = (const int (*)[2])descriptors,
        .descriptor_count = count,
        .new_group = session || (group != Py_None && PyLong_Check(group) && PyLong_AsLong(group) >= 0),
        .umask = mask,
    };
    wasmsh_stat_t directory;
    int entered = request.cwd ? wasmsh_stat(AT_FDCWD, request.cwd, true, &directory) : 0;
    if (request.cwd && entered == 0) {
        entered = (directory.mode & S_IFMT) != S_IFDIR ? -ENOTDIR : wasmsh_access(AT_FDCWD, request.cwd, X_OK);
    }
    // A missing program in one directory of PATH is looked for in the next.
    int pid = entered < 0 ? entered : -ENOENT;
    for (char **program = programs; entered == 0 && *program; program++) {
        request.program = *program;
        int tried = wasmsh_spawn(&request);
        if (tried > 0) {
            pid = tried;
            break;
        }
        if ((tried != -ENOENT && tried != -ENOTDIR) || pid == -ENOENT) {
            pid = tried;
        }
        if (tried != -ENOENT && tried != -ENOTDIR && tried != -EACCES) {
            break;
        }
    }
    if (pid <= 0) {
        // `subprocess` waits for a child that failed to begin, and takes a missing one for collected.
        report(report_write, -pid, entered < 0 ? "noexec:chdir" : "");
        pid = 0x7fffffff;
    }
    result = PyLong_FromLong(pid);
done:
    Py_XDECREF(cwd);
    release(argv);
    release(programs);
    release(names);
    free(descriptors);
    return result;
}

// spawn(program, arguments, environment or None, [number in the child, number here]..., new group): the child's number.
static PyObject *spawn(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *program, *arguments, *environment, *pairs;
    int group;
    if (!PyArg_ParseTuple(args, "SOOO!p:spawn", &program, &arguments, &environment, &PyList_Type, &pairs, &group)) {
        return NULL;
    }
    Py_ssize_t count = PyList_GET_SIZE(pairs) / 2;
    char **argv = strings(arguments), **names = NULL;
    int (*descriptors)[2] = calloc((size_t)count + 1, sizeof *descriptors);
    PyObject *result = NULL;
    if (descriptors == NULL) {
        PyErr_NoMemory();
    }
    if (argv == NULL || descriptors == NULL || (environment != Py_None && (names = strings(environment)) == NULL)) {
        goto done;
    }
    for (Py_ssize_t i = 0; i < 2 * count; i++) {
        descriptors[i / 2][i % 2] = PyLong_AsInt(PyList_GET_ITEM(pairs, i));
    }
    if (PyErr_Occurred()) {
        goto done;
    }
    wasmsh_spawn_request request = {
        .program = PyBytes_AS_STRING(program),
        .arguments = argv,
        .environment = names ? names : environ,
        .descriptors = (const int (*)[2])descriptors,
        .descriptor_count = (size_t)count,
        .new_group = group,
        .umask = -1,
    };
    int pid = wasmsh_spawn(&request);
    if (pid < 0) {
        errno = -pid;
        result = PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, program);
    }
    else {
        result = PyLong_FromLong(pid);
    }
done:
    release(argv);
    release(names);
    free(descriptors);
    return result;
}

static PyMethodDef methods[] = {
    {"fork_exec", fork_exec, METH_VARARGS, "Starts a child process."},
    {"spawn", spawn, METH_VARARGS, "Starts a child process, with the descriptors that are named."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_posixsubprocess",
    .m_size = 0,
    .m_methods = methods,
};

PyObject *PyInit__posixsubprocess(void) { return PyModuleDef_Init(&definition); }
