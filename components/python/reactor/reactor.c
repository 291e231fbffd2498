// CPython as a reactor: made ready once, then every run is a fresh process.
//
// `wasmsh_prepare` is run by the pre-initialiser at build time; what memory holds then is the image.
// `wasmsh_python_main` is a run. It reads its command line and environment as `python3` does, by CPython's
// own PyConfig_Read(), puts the result into the interpreter that is there already, and goes on where
// Py_RunMain() would.

#include <Python.h>
#include <internal/pycore_initconfig.h>
#include <internal/pycore_interp.h>
#include <internal/pycore_pathconfig.h>
#include <internal/pycore_pylifecycle.h>
#include <internal/pycore_pystate.h>
#include <internal/pycore_runtime.h>
#include <internal/pycore_sysmodule.h>
#include <internal/pycore_tracemalloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layer.h"
#include "reactor.h"
#include "wasmsh_python.h"

#define LIBRARY L"/usr/lib/python3.13"

// Imported before the image is taken: what most programs use. An import costs nothing afterwards.
static const char PREPARE[] = {
#embed "prepare.py"
    , 0};

// What a new process has to set right in modules that were imported before it began.
static const char BEGIN[] = {
#embed "begin.py"
    , 0};

extern char **__wasilibc_environ;

// Names of the modules in the image.
static PyObject *kept_modules;
// The function `begin` of begin.py.
static PyObject *begin_function;

static PyStatus set_paths(PyConfig *config, const wchar_t *executable)
{
    static const struct {
        size_t offset;
        const wchar_t *value;
    } paths[] = {
        {offsetof(PyConfig, prefix), L"/usr"},
        {offsetof(PyConfig, base_prefix), L"/usr"},
        {offsetof(PyConfig, exec_prefix), L"/usr"},
        {offsetof(PyConfig, base_exec_prefix), L"/usr"},
        {offsetof(PyConfig, base_executable), L"/usr/bin/python3"},
        {offsetof(PyConfig, stdlib_dir), LIBRARY},
        {offsetof(PyConfig, platlibdir), L"lib"},
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        wchar_t **to = (wchar_t **)((char *)config + paths[i].offset);
        PyStatus status = PyConfig_SetString(config, to, paths[i].value);
        if (PyStatus_Exception(status)) {
            return status;
        }
    }
    return PyConfig_SetString(config, &config->executable, executable);
}

// The entries of PYTHONPATH, then the library.
static PyStatus set_search_paths(PyConfig *config)
{
    const wchar_t *entry = config->pythonpath_env;
    while (entry != NULL) {
        const wchar_t *end = wcschr(entry, L':');
        PyStatus status;
        if (end == NULL) {
            status = PyWideStringList_Append(&config->module_search_paths, entry);
        }
        else {
            wchar_t *part = PyMem_RawCalloc((size_t)(end - entry) + 1, sizeof *part);
            if (part == NULL) {
                return PyStatus_NoMemory();
            }
            wmemcpy(part, entry, (size_t)(end - entry));
            status = PyWideStringList_Append(&config->module_search_paths, part);
            PyMem_RawFree(part);
        }
        if (PyStatus_Exception(status)) {
            return status;
        }
        entry = end ? end + 1 : NULL;
    }
    config->module_search_paths_set = 1;
    return PyWideStringList_Append(&config->module_search_paths, LIBRARY);
}

static PyStatus prepare(void)
{
    PyPreConfig before;
    PyPreConfig_InitPythonConfig(&before);
    PyStatus status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status)) {
        return status;
    }
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    // Strings are hashed already when a run begins: their hashes cannot depend on it.
    config.use_hash_seed = 1;
    config.hash_seed = 0;
    config.site_import = 0;
    config.pathconfig_warnings = 0;
    status = set_paths(&config, L"/usr/bin/python3");
    if (!PyStatus_Exception(status)) {
        status = set_search_paths(&config);
    }
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    return status;
}

// Runs code of ours in a namespace of its own.
static PyObject *run_code(const char *code)
{
    PyObject *names = PyDict_New();
    if (names == NULL) {
        return NULL;
    }
    PyObject *result = PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) < 0
        ? NULL : PyRun_String(code, Py_file_input, names, names);
    Py_XDECREF(result);
    if (result == NULL) {
        Py_CLEAR(names);
    }
    return names;
}

static void fail(const char *what)
{
    if (PyErr_Occurred()) {
        PyErr_Print();
    }
    fprintf(stderr, "python3: %s\n", what);
    abort();
}

// What is in `__main__`, which is there no more.
static PyObject *take_main(void)
{
    PyObject *modules = PyImport_GetModuleDict(), *module = PyDict_GetItemString(modules, "__main__");
    PyObject *contents = module ? PyDict_Copy(PyModule_GetDict(module)) : NULL;
    return contents && PyDict_DelItemString(modules, "__main__") == 0 ? contents : NULL;
}

// A `__main__` that becomes garbage at the end of a run, so that its files are written and what is in cycles with its
// functions is finalised: what was frozen never does.
static int new_main(PyObject *contents)
{
    PyObject *module = PyImport_AddModule("__main__"), *annotations = PyDict_New();
    if (module == NULL || annotations == NULL || PyDict_Update(PyModule_GetDict(module), contents) < 0
        || PyDict_SetItemString(PyModule_GetDict(module), "__annotations__", annotations) < 0) {
        return -1;
    }
    Py_DECREF(annotations);
    return 0;
}

__attribute__((export_name("wasmsh-prepare"))) void wasmsh_prepare(void)
{
    static char *no_environment[] = {NULL};
    __wasilibc_environ = no_environment;
    PyImport_AppendInittab("_wasmsh", PyInit__wasmsh);
    PyImport_AppendInittab("_posixsubprocess", PyInit__posixsubprocess);
    PyStatus status = prepare();
    if (PyStatus_Exception(status)) {
        fail(status.err_msg ? status.err_msg : "cannot be initialised");
    }
    PyObject *names = run_code(BEGIN);
    begin_function = names ? Py_XNewRef(PyDict_GetItemString(names, "begin")) : NULL;
    Py_XDECREF(names);
    if (begin_function == NULL || (names = run_code(PREPARE)) == NULL) {
        fail("the image cannot be prepared");
    }
    Py_DECREF(names);
    // `__main__` belongs to the run.
    PyObject *main_contents = take_main();
    kept_modules = PySet_New(PyImport_GetModuleDict());
    if (main_contents == NULL || kept_modules == NULL) {
        fail("the image cannot be prepared");
    }
    // What is in the image now never becomes garbage: a collection need not look at it.
    PyGC_Collect();
    PyObject *gc = PyImport_ImportModule("gc");
    PyObject *done = gc ? PyObject_CallMethod(gc, "freeze", NULL) : NULL;
    if (done == NULL || new_main(main_contents) < 0) {
        fail("the image cannot be prepared");
    }
    Py_DECREF(done);
    Py_DECREF(gc);
}

// As wasmsh_prepare(), and with the image in the module: see posix/image.c.
__attribute__((export_name("wasmsh-prepare-with-image"))) void wasmsh_prepare_with_image(void)
{
    wasmsh_prepare();
    wasmsh_image_share();
}

// The command line that PyConfig_Read() understood, put in force.
static int configure(PyConfig *config)
{
    PyThreadState *tstate = _PyThreadState_GET();
    PyInterpreterState *interp = tstate->interp;
    // Options that are given twice are counted; CPython makes truth values of them while it computes paths.
    int *const flags[] = {&config->parser_debug, &config->inspect, &config->interactive, &config->quiet};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        *flags[i] = *flags[i] != 0;
    }
    PyStatus status = _PyConfig_Copy(&interp->config, config);
    if (!PyStatus_Exception(status)) {
        status = _PyConfig_Write(&interp->config, interp->runtime);
    }
    if (!PyStatus_Exception(status)) {
        status = _PyPathConfig_UpdateGlobal(&interp->config);
    }
    if (PyStatus_Exception(status)) {
        _PyErr_SetFromPyStatus(status);
        return -1;
    }
    interp->long_state.max_str_digits = interp->config.int_max_str_digits;
    return _PySys_UpdateConfig(tstate);
}

// os.environ keeps the dictionary that the module `posix` made; only its contents are new.
static int set_environment(char **environment)
{
    PyObject *posix = PyImport_ImportModule("posix");
    PyObject *names = posix ? PyObject_GetAttrString(posix, "environ") : NULL;
    Py_XDECREF(posix);
    if (names == NULL) {
        return -1;
    }
    for (; *environment != NULL; environment++) {
        const char *end = strchr(*environment, '=');
        if (end == NULL) {
            continue;
        }
        PyObject *name = PyBytes_FromStringAndSize(*environment, end - *environment);
        PyObject *value = PyBytes_FromString(end + 1);
        int result = name && value ? PyDict_SetItem(names, name, value) : -1;
        Py_XDECREF(name);
        Py_XDECREF(value);
        if (result < 0) {
            Py_DECREF(names);
            return -1;
        }
    }
    Py_DECREF(names);
    return 0;
}

// The first program of this name in PATH, if it is not the system's.
static char *in_path(const char *name)
{
    const char *entry = getenv("PATH");
    while (entry != NULL && *name != 0) {
        size_t length = strcspn(entry, ":");
        char *path = malloc(length + strlen(name) + 2);
        if (path == NULL) {
            return NULL;
        }
        snprintf(path, length + strlen(name) + 2, "%.*s/%s", (int)length, entry, name);
        if (access(path, X_OK) == 0) {
            if (strncmp(path, "/usr/bin/", 9) != 0 && strncmp(path, "/bin/", 5) != 0) {
                return path;
            }
            free(path);
            return NULL;
        }
        free(path);
        entry = entry[length] ? entry + length + 1 : NULL;
    }
    return NULL;
}

// The path that a program was named by, or found by, is its executable: a virtual environment finds itself by that.
static wchar_t *executable(const char *name)
{
    if (name == NULL) {
        return NULL;
    }
    if (strchr(name, '/') == NULL) {
        char *found = in_path(name);
        wchar_t *wide = found ? Py_DecodeLocale(found, NULL) : NULL;
        free(found);
        return wide;
    }
    char *cwd = name[0] == '/' ? NULL : getcwd(NULL, 0);
    size_t size = strlen(name) + (cwd ? strlen(cwd) : 0) + 2;
    char *path = malloc(size);
    if (path == NULL) {
        free(cwd);
        return NULL;
    }
    snprintf(path, size, "%s%s%s", cwd ? cwd : "", cwd ? "/" : "", name);
    wchar_t *wide = Py_DecodeLocale(path, NULL);
    free(path);
    free(cwd);
    return wide;
}

// PEP 540. All is UTF-8 anyway: this is what a program is told of it.
static int utf8_mode(const PyConfig *config)
{
    const wchar_t *option = _Py_get_xoption(&config->xoptions, L"utf8");
    if (option != NULL) {
        return wcscmp(option, L"utf8=0") != 0;
    }
    const char *variable = config->use_environment ? getenv("PYTHONUTF8") : NULL;
    return variable != NULL && strcmp(variable, "1") == 0;
}

static PyStatus read_command_line(PyConfig *config, int argc, char **argv)
{
    config->use_hash_seed = 1;
    config->hash_seed = 0;
    config->pathconfig_warnings = 0;
    // The import system stands already.
    config->_install_importlib = 0;
    // What is asked before the command line is read was asked when the image was made: here it is undecided again.
    _PyRuntime.preconfig.dev_mode = -1;
    PyStatus status = PyConfig_SetBytesArgv(config, argc, argv);
    if (PyStatus_Exception(status)) {
        return status;
    }
    status = PyConfig_SetBytesString(config, &config->program_name, argc > 0 ? argv[0] : "python3");
    if (PyStatus_Exception(status)) {
        return status;
    }
    wchar_t *own = executable(argc > 0 ? argv[0] : NULL);
    status = set_paths(config, own ? own : L"/usr/bin/python3");
    PyMem_RawFree(own);
    if (!PyStatus_Exception(status)) {
        status = PyConfig_Read(config);
    }
    config->_install_importlib = 1;
    if (PyStatus_Exception(status)) {
        return status;
    }
    _PyRuntime.preconfig.dev_mode = config->dev_mode;
    _PyRuntime.preconfig.utf8_mode = utf8_mode(config);
    return set_search_paths(config);
}

static int start(const PyConfig *config)
{
    if (_PyWasmsh_InitSysStreams() < 0) {
        return -1;
    }
    PyObject *program = config->run_filename ? PyUnicode_FromWideChar(config->run_filename, -1) : Py_NewRef(Py_None);
    PyObject *result = program
        ? PyObject_CallFunction(begin_function, "iiO", config->site_import, config->safe_path, program) : NULL;
    Py_XDECREF(program);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

// What CPython starts by its configuration while it initialises.
static int enable(const PyConfig *config)
{
    if (config->tracemalloc != 0 && _PyTraceMalloc_Start(config->tracemalloc) < 0) {
        return -1;
    }
    if (config->faulthandler <= 0) {
        return 0;
    }
    PyObject *module = PyImport_ImportModule("faulthandler");
    PyObject *result = module ? PyObject_CallMethod(module, "enable", NULL) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(result);
    return result ? 0 : -1;
}

static int run(int argc, char **argv)
{
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    PyStatus status = read_command_line(&config, argc, argv);
    if (PyStatus_Exception(status)) {
        PyConfig_Clear(&config);
        if (PyStatus_IsExit(status)) {
            return status.exitcode;
        }
        fprintf(stderr, "Fatal Python error: %s: %s\n", status.func ? status.func : "python3",
                status.err_msg ? status.err_msg : "unknown error");
        return 1;
    }
    wasmsh_signals_begin();
    int code = 1;
    if (set_environment(__wasilibc_environ) == 0 && configure(&config) == 0 && start(&config) == 0
        && enable(&config) == 0) {
        code = _PyWasmsh_RunPython();
    }
    else {
        PyErr_Print();
    }
    PyConfig_Clear(&config);
    if (_PyWasmsh_exit_requested) {
        code = _PyWasmsh_exit_status;
    }
    if (!wasmsh_has_ended()) {
        bool interrupted = _PyRuntime.signals.unhandled_keyboard_interrupt;
        if (_PyWasmsh_EndRun(kept_modules) < 0) {
            code = 120;
        }
        if (interrupted && !wasmsh_has_ended()) {
            code = 256 + SIGINT;
        }
    }
    return code;
}

// Levels of C recursion that the process may still enter. Blocking calls are made without the GIL: the thread has no
// current state then.
int wasmsh_recursion_left(void)
{
    const PyThreadState *tstate = PyGILState_GetThisThreadState();
    return tstate ? tstate->c_recursion_remaining : 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// The command line of Python that runs the program `name`, one of pip's names, with the same arguments.
static char **module_arguments(const char *name, int *argc, char **argv)
{
    static const char code[] =
        "import sys; from pip._internal.cli.main import main; sys.argv[0] = '%s'; sys.exit(main())";
    size_t size = sizeof code + strlen(name);
    char *text = malloc(size);
    char **arguments = calloc((size_t)*argc + 3, sizeof *arguments);
    if (text == NULL || arguments == NULL) {
        return NULL;
    }
    snprintf(text, size, code, name);
    arguments[0] = "/usr/bin/python3";
    arguments[1] = "-c";
    arguments[2] = text;
    memcpy(arguments + 3, argv + 1, (size_t)(*argc - 1) * sizeof *arguments);
    *argc += 2;
    return arguments;
}

int wasmsh_python_main(int argc, char **argv, char **environment, int recursion)
{
    __wasilibc_environ = environment;
    const char *name = argc > 0 ? base_name(argv[0]) : "";
    if (strcmp(name, "sqlite3") == 0) {
        int code = wasmsh_sqlite3_main(argc, argv);
        return wasmsh_has_ended() ? wasmsh_end_status() : code;
    }
    PyThreadState *tstate = _PyThreadState_GET();
    if (recursion < tstate->c_recursion_remaining) {
        // Others wait below this one, on the same native stack.
        tstate->c_recursion_remaining = recursion;
    }
    char **arguments = strncmp(name, "pip", 3) == 0 ? module_arguments(name, &argc, argv) : argv;
    int code = arguments ? run(argc, arguments) : 1;
    fflush(stdout);
    fflush(stderr);
    if (wasmsh_has_ended()) {
        return wasmsh_end_status();
    }
    // The low byte, as a process hands it to its parent.
    return code >= 256 && code == 256 + SIGINT ? code : code & 0xff;
}
