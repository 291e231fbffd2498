"""Writes MODULES.md: run by the Python that it tells of.

    wasmsh -c 'python3 -' < components/python/modules.py > components/python/MODULES.md

What imports is found out here; why a module works in part is written down below.
"""

import importlib
import sys

PARTLY = {
    "_ssl": "settings only, see `ssl`",
    "asyncio": "one loop; threads and subprocesses work, servers and TLS do not",
    "concurrent": "`ThreadPoolExecutor` runs its work when a result is waited for; processes: see `multiprocessing`",
    "ctypes": None,
    "fcntl": "locks keep other processes out, one has a file at a time; no device controls",
    "http": "clients through the host's network policy; servers have nothing to listen on",
    "mmap": "a copy of the file, written back by `flush` and `close`",
    "multiprocessing": "imports; starting a process fails: there is no `fork`",
    "os": "no `fork`; `posix_spawn`, `spawn*` and `subprocess` start processes of the session, `exec*` a child whose end is one's own",
    "resource": "limits are those of the session and can be read; only times are counted",
    "signal": "signals of the session; C code that never looks is ended by the host",
    "socket": "carries HTTP requests that the host makes; names are resolved by the host",
    "socketserver": "imports; nothing can be listened on",
    "ssl": "TLS is made and checked by the host; contexts keep settings, servers and `SSLObject` refuse",
    "subprocess": "all but `preexec_fn`",
    "_thread": "see `threading`",
    "threading": "a thread runs, to its end, when another one waits for it, or at the end of the process",
    "turtle": None,
    "urllib": "`http` and `https` through the host's network policy",
}
REASONS = {
    "_ctypes": "no native libraries can be loaded", "ctypes": "no native libraries can be loaded",
    "idlelib": "a graphical program", "tkinter": "a graphical toolkit", "_tkinter": "a graphical toolkit",
    "turtle": "a graphical toolkit", "turtledemo": "a graphical toolkit",
    "readline": "the prompt reads plain lines", "termios": "terminals have no settings", "tty": "needs `termios`",
    "pty": "needs `termios`", "curses": "terminals have no settings", "_curses": "terminals have no settings",
    "_curses_panel": "terminals have no settings",
    "syslog": "there is no log to write to",
    "dbm": "`dbm.sqlite3` and `dbm.dumb` work", "_dbm": "a library that is not linked",
    "_gdbm": "a library that is not linked", "_hashlib": "`hashlib` has its own code for every algorithm",
    "_multiprocessing": "there is no `fork`", "_posixshmem": "no memory is shared",
}
OTHER_SYSTEMS = {"_msi", "_osx_support", "_overlapped", "_scproxy", "_winapi", "_wmi", "msvcrt", "nt", "ntpath", "nturl2path",
                 "winreg", "winsound", "_ios_support", "_android_support", "_pyrepl", "this", "antigravity"}


def main():
    rows = []
    for name in sorted(sys.stdlib_module_names):
        if name in OTHER_SYSTEMS:
            continue
        try:
            importlib.import_module(name)
        except Exception as error:
            if not name.startswith("_"):
                rows.append((name, "no", REASONS.get(name, str(error))))
            continue
        if not name.startswith("_"):
            rows.append((name, "in part" if PARTLY.get(name) else "yes", PARTLY.get(name) or ""))
    whole = [f"`{name}`" for name, state, _ in rows if state == "yes"]
    print("# Modules of the standard library\n")
    print(f"Written by [`modules.py`](modules.py), run inside CPython {sys.version.split()[0]} of the component.\n")
    print(f"These {len(whole)} work: {', '.join(whole)}.\n")
    print("| module | works | |\n|---|---|---|")
    for name, state, why in rows:
        if state != "yes":
            print(f"| `{name}` | {state} | {why} |")


main()
