"""What `os` has for starting programs where there is fork(): posix_spawn(), spawn*(), exec*()."""

import posix
from _collections_abc import Mapping
from _posixsubprocess import spawn as _start

__all__ = ["P_WAIT", "P_NOWAIT", "P_NOWAITO", "POSIX_SPAWN_OPEN", "POSIX_SPAWN_CLOSE", "POSIX_SPAWN_DUP2",
           "posix_spawn", "posix_spawnp", "spawnv", "spawnve", "spawnvp", "spawnvpe", "execv", "execve"]

P_WAIT = 0
P_NOWAIT = P_NOWAITO = 1
POSIX_SPAWN_OPEN, POSIX_SPAWN_CLOSE, POSIX_SPAWN_DUP2 = range(3)

DESCRIPTORS = 1024


def _os():
    import os
    return os


def _inherited():
    """The descriptors that a child has: number there, number here."""
    found = {}
    for fd in range(DESCRIPTORS):
        try:
            if posix.get_inheritable(fd):
                found[fd] = fd
        except OSError:
            pass
    return found


def _arguments(name, argv):
    if not isinstance(argv, (tuple, list)):
        raise TypeError(f"{name}: argv must be a tuple or list")
    if not argv:
        raise ValueError(f"{name}: argv must not be empty")
    argv = [_os().fsencode(argument) for argument in argv]
    if any(b"\0" in argument for argument in argv):
        raise ValueError("embedded null byte")
    if not argv[0]:
        raise ValueError(f"{name}: argv first element cannot be empty")
    return argv


def _environment(name, env):
    if env is None:
        return None
    if not isinstance(env, Mapping):
        raise TypeError(f"{name}: environment must be a mapping object or None")
    entries = []
    for key, value in env.items():
        key, value = _os().fsencode(key), _os().fsencode(value)
        if b"\0" in key + value:
            raise ValueError("embedded null byte")
        if not key or b"=" in key:
            raise ValueError("illegal environment variable name")
        entries.append(key + b"=" + value)
    return entries


def _launch(programs, argv, env, descriptors, group=False):
    pairs = [number for pair in descriptors.items() for number in pair]
    error = None
    for program in programs:
        try:
            return _start(program, argv, env, pairs, group)
        except (FileNotFoundError, NotADirectoryError) as missing:
            error = error or missing
        except PermissionError as denied:
            error = denied
    raise error


def _here(path):
    """The file itself: a name without a slash would be looked for in PATH."""
    path = _os().fsencode(path)
    return [path if b"/" in path else b"./" + path]


def _in_path(file, env):
    os = _os()
    file = os.fsencode(file)
    if b"/" in file:
        return [file]
    return [os.path.join(os.fsencode(folder), file) for folder in os.get_exec_path(env)]


def _do(actions, descriptors, opened):
    """Carries out `file_actions`, here."""
    for action in actions:
        if not isinstance(action, tuple) or not action:
            raise TypeError("Each file_actions element must be a non-empty tuple")
        match action:
            case (0, int(fd), path, int(flags), int(mode)):
                opened.append(new := posix.open(path, flags, mode))
                descriptors[fd] = new
            case (1, int(fd)):
                descriptors.pop(fd, None)
            case (2, int(fd), int(to)):
                if fd not in descriptors:
                    posix.fstat(fd)
                    descriptors[to] = fd
                else:
                    descriptors[to] = descriptors[fd]
            case (0 | 1 | 2, *_):
                raise TypeError(f"A file_actions tuple of this kind cannot be {action!r}")
            case _:
                raise TypeError("Unknown file_actions identifier")


def _posix_spawn(name, programs, path, argv, env, file_actions=(), setpgroup=None, resetids=False, setsid=False,
                 setsigmask=(), setsigdef=(), scheduler=None):
    argv, entries = _arguments(name, argv), _environment(name, env)
    if scheduler is not None:
        raise NotImplementedError(f"{name}: scheduler is not available on this platform")
    import signal
    for number in (*setsigmask, *setsigdef):
        if not 0 < number < signal.NSIG:
            raise ValueError(f"signal number {number} out of range [1; {signal.NSIG - 1}]")
    if setpgroup is not None and setpgroup < 0:
        raise PermissionError(1, "Operation not permitted")
    descriptors, opened = _inherited(), []
    try:
        _do(file_actions or (), descriptors, opened)
        return _launch(programs(path, env), argv, entries, descriptors, setsid or setpgroup is not None)
    except OSError as error:
        error.filename = path
        raise
    finally:
        for fd in opened:
            posix.close(fd)


def posix_spawn(path, argv, env, /, **options):
    """Execute the program specified by path in a new process."""
    path = _os().fspath(path)
    return _posix_spawn("posix_spawn", lambda path, env: _here(path), path, argv, env, **options)


def posix_spawnp(path, argv, env, /, **options):
    """Execute the program specified by path, which is looked for in PATH, in a new process."""
    return _posix_spawn("posix_spawnp", lambda path, env: _in_path(path, None), _os().fspath(path), argv, env, **options)


def _spawn(mode, programs, args, env):
    if not isinstance(args, (tuple, list)):
        raise TypeError("argv must be a tuple or a list")
    if not args or not args[0]:
        raise ValueError("argv first element cannot be empty")
    try:
        pid = _launch(programs, _arguments("spawn", args), _environment("spawn", env), _inherited())
    except (OSError, ValueError) as error:
        # A child is there before it fails, where there is fork().
        if mode == P_NOWAIT:
            raise
        return 127
    if mode == P_NOWAIT:
        return pid
    return _os().waitstatus_to_exitcode(posix.waitpid(pid, 0)[1])


def spawnv(mode, file, args):
    """spawnv(mode, file, args) -> integer

    Execute file with arguments from args in a subprocess. If mode == P_NOWAIT return the pid of the process; if it is
    P_WAIT its exit code, or -SIG, where SIG is the signal that killed it.
    """
    return _spawn(mode, _here(file), args, None)


def spawnve(mode, file, args, env):
    """spawnve(mode, file, args, env) -> integer

    As spawnv(), with the specified environment.
    """
    return _spawn(mode, _here(file), args, env)


def spawnvp(mode, file, args):
    """spawnvp(mode, file, args) -> integer

    As spawnv(); file is looked for along $PATH.
    """
    return _spawn(mode, _in_path(file, None), args, None)


def spawnvpe(mode, file, args, env):
    """spawnvpe(mode, file, args, env) -> integer

    As spawnve(); file is looked for along $PATH.
    """
    return _spawn(mode, _in_path(file, env), args, env)


def _replace(name, path, argv, env):
    """The program runs in a child, whose end is that of this process."""
    descriptors = _inherited()
    pid = _launch(_here(path), _arguments(name, argv), _environment(name, env), descriptors)
    posix.closerange(0, DESCRIPTORS)
    while True:
        try:
            code = _os().waitstatus_to_exitcode(posix.waitpid(pid, 0)[1])
            break
        except BaseException:
            # A signal is for the program; this one only waits.
            pass
    if code < 0:
        import signal
        signal.signal(-code, signal.SIG_DFL)
        posix.kill(posix.getpid(), -code)
    posix._exit(code if code >= 0 else 128 - code)


def execv(path, argv, /):
    """Execute an executable path with arguments, replacing current process."""
    _replace("execv", path, argv, None)


def execve(path, argv, env):
    """Execute an executable path with arguments and environment, replacing current process."""
    if env is None:
        raise TypeError("execve: environment must be a mapping object")
    _replace("execve", path, argv, env)


# `os` has these from `posix` elsewhere, where they are built in: as attributes of a class they are no methods.
for _function in posix_spawn, posix_spawnp, execv, execve:
    setattr(posix, _function.__name__, staticmethod(_function))
