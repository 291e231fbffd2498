"""Threads in a WebAssembly instance, which has one: they run one after the other.

A thread that was started waits. It runs, to its end, when another one waits for it: by `join`, for a lock, a queue, an
event or a future that nobody else can give, or at the end of the process (but for daemons). A thread that waits in turn
for what only those below it on the stack can give cannot go on: it is ended by `SystemExit`, as a worker is that waits
for more work. In the main thread this is a `RuntimeError`.
"""

import _thread
import _wasmsh
import sys

_numbers = iter(range(_thread.get_ident() + 1, 1 << 62))
# Those that were started and have not begun, the oldest first.
_waiting = []
# Of those that have begun and not ended; each waits for the next one.
_running = [_thread.get_ident()]


class Handle:
    """What the module `threading` knows of a thread."""

    def __init__(self, ident=0):
        self.ident = ident
        self.function = None
        self.daemon = True
        self._done = False

    def is_done(self):
        return self._done

    def _set_done(self):
        self._done = True

    def join(self, timeout=None):
        if self in _waiting:
            _waiting.remove(self)
            _run(self)
        elif not self._done and timeout is None:
            stranded()
        elif not self._done:
            import time
            time.sleep(timeout)


def get_ident():
    """Return a non-zero integer that uniquely identifies the current thread."""
    return _running[-1]


def start(function, handle=None, daemon=True):
    handle = Handle() if handle is None else handle
    handle.ident, handle.function, handle.daemon = next(_numbers), function, daemon
    _waiting.append(handle)
    return handle


def start_new_thread(function, args, kwargs={}, /):
    """Start a new thread and return its identifier."""
    return start(lambda: function(*args, **kwargs)).ident


def _run(handle):
    _running.append(handle.ident)
    try:
        handle.function()
    except SystemExit:
        pass
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        _running.pop()
        handle.function = None
        handle._done = True


def run_one(daemons=True):
    """Runs a thread that waits. Whether there was one."""
    chosen = next((handle for handle in _waiting if not handle.daemon), None)
    if chosen is None and daemons and _waiting:
        chosen = _waiting[0]
    if chosen is None:
        return False
    _waiting.remove(chosen)
    _run(chosen)
    return True


def stranded():
    """Ends a wait that would be for ever."""
    if len(_running) > 1:
        raise SystemExit
    raise RuntimeError("deadlock: the threads of this Python run one after the other, and none is left that could go on")


def shutdown():
    """Runs all but the daemons to their end."""
    while run_one(daemons=False):
        pass


class _End:
    """An end of a pipe, with the methods of a socket that an event loop's own needs."""

    def __init__(self, descriptor):
        import os
        self._os, self._descriptor = os, descriptor
        os.set_blocking(descriptor, False)

    def fileno(self):
        return self._descriptor

    def recv(self, size):
        return self._os.read(self._descriptor, size)

    def send(self, data):
        return self._os.write(self._descriptor, data)

    def close(self):
        self._os.close(self._descriptor)


def self_pipe():
    """What wakes an event loop when a signal comes: an end to read from, and one that is written to."""
    import os
    return tuple(map(_End, os.pipe()))


_thread.start_new_thread = _thread.start_new = start_new_thread
_wasmsh.set_threads(run_one, stranded)
