# Run at the beginning of every process, in modules that were imported before the image was taken.
import sys
import warnings


def begin(import_site):
    modules = sys.modules
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
