"""Limits of the process, which are those of its session and cannot be changed from within, and what it has used."""

import errno
import os
import time
from collections import namedtuple

error = OSError

RLIM_INFINITY = -1
(RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK,
 RLIMIT_AS) = range(10)
RLIMIT_OFILE = RLIMIT_NOFILE
RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD = 0, -1, 1

# The soft limit and the hard one.
_LIMITS = {number: (RLIM_INFINITY, RLIM_INFINITY) for number in range(10)} | {
    RLIMIT_STACK: (8 << 20, 8 << 20), RLIMIT_CORE: (0, 0), RLIMIT_NPROC: (4096, 4096), RLIMIT_MEMLOCK: (0, 0),
    RLIMIT_NOFILE: (os.sysconf("SC_OPEN_MAX"), os.sysconf("SC_OPEN_MAX")),
}


class struct_rusage(namedtuple("struct_rusage", [
        "ru_utime", "ru_stime", "ru_maxrss", "ru_ixrss", "ru_idrss", "ru_isrss", "ru_minflt", "ru_majflt", "ru_nswap",
        "ru_inblock", "ru_oublock", "ru_msgsnd", "ru_msgrcv", "ru_nsignals", "ru_nvcsw", "ru_nivcsw"])):
    """What a process has used. Only times are counted."""

    __slots__ = ()


def _limit(resource):
    if resource not in _LIMITS:
        raise ValueError("invalid resource specified")
    return _LIMITS[resource]


def getrlimit(resource, /):
    """The soft limit and the hard one."""
    return _limit(resource)


def setrlimit(resource, limits, /):
    """Succeeds where it changes nothing."""
    soft, hard = (int(limit) for limit in limits)
    known = _limit(resource)
    if hard != RLIM_INFINITY and (soft > hard or soft == RLIM_INFINITY):
        raise ValueError("current limit exceeds maximum limit")
    if (soft, hard) != known:
        raise PermissionError(errno.EPERM, "limits are those of the session")


def prlimit(pid, resource, limits=None, /):
    """As getrlimit() and setrlimit(), of this process."""
    if pid not in (0, os.getpid()):
        raise ProcessLookupError(errno.ESRCH, "No such process")
    if limits is not None:
        setrlimit(resource, limits)
    return _limit(resource)


def getrusage(who, /):
    """What this process has used; nothing is known of its children."""
    if who not in (RUSAGE_SELF, RUSAGE_CHILDREN, RUSAGE_THREAD):
        raise ValueError("invalid who parameter")
    used = 0.0 if who == RUSAGE_CHILDREN else time.process_time()
    return struct_rusage(used, 0.0, *[0] * 14)


def getpagesize():
    """Bytes of a page."""
    return os.sysconf("SC_PAGESIZE")
