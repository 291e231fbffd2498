# Run at the beginning of every process, in modules that were imported before the image was taken.
import posix
import sys
import warnings

# What is there before the first import of a program. Everything else that the image has yields to a file of the
# program's own with the same name.
FIRST = {
    "sys", "builtins", "_frozen_importlib", "_imp", "_thread", "_warnings", "_weakref", "_io", "marshal", "posix",
    "_frozen_importlib_external", "time", "zipimport", "_codecs", "codecs", "encodings", "_signal", "_abc", "abc", "io",
    "__main__", "_stat", "stat", "_collections_abc", "errno", "genericpath", "posixpath", "os", "_sitebuiltins", "site",
    "_wasmsh",
}


def shadow(folder):
    modules = sys.modules
    try:
        names = posix.listdir(folder)
    except OSError:
        return
    for name in names:
        stem = name.removesuffix(".py")
        if stem not in modules or stem in FIRST:
            continue
        if stem == name:
            try:
                posix.stat(f"{folder}/{name}/__init__.py")
            except OSError:
                continue
        for known in [known for known in modules if known == stem or known.startswith(stem + ".")]:
            del modules[known]


def shadow_all(safe_path, program):
    if not safe_path:
        if program is None:
            shadow(".")
        else:
            from os.path import dirname, isdir, realpath
            shadow(program if isdir(program) else dirname(realpath(program)))
    for folder in sys.path:
        # Those of PYTHONPATH come before the library.
        if folder.startswith("/usr/lib/python3"):
            break
        shadow(folder or ".")


def begin(import_site, safe_path, program):
    modules = sys.modules
    shadow_all(safe_path, program)
    if sys.warnoptions:
        warnings._processoptions(sys.warnoptions)
    if random := modules.get("random"):
        random.seed()
    if logging := modules.get("logging"):
        logging._startTime = modules["time"].time_ns()
    if "TZ" in modules["os"].environ and hasattr(modules["time"], "tzset"):
        modules["time"].tzset()
    if signal := modules.get("signal"):
        import _wasmsh
        if _wasmsh.is_ignored(signal.SIGINT):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.flags.dev_mode or "faulthandler" in sys._xoptions:
        import faulthandler
        faulthandler.enable()
    if import_site:
        import site
        site.main()
