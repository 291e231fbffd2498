"""Packs the standard library for the component: run by the native build of the same CPython.

    python library.py LIBRARY OWN ZONES OUTPUT

LIBRARY is CPython's `Lib` with the variables of `sysconfig` beside it, and pip's wheel in `ensurepip`. OWN holds modules of
ours, in the place of some of those; ZONES the time zone database. OUTPUT gets one file, laid out as wasi/src/rom.rs
describes: every module as an unchecked-hash .pyc (PEP 552), which the import system takes without looking for a source.
"""

import importlib.util
import pathlib
import struct
import sys
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc

MOUNT = "/usr/lib/python3.13"
# The last entry of sys.path, in virtual environments too: what is installed goes before it.
PACKAGES = "bundled"
ZONES = "time-zones"

# Tests, graphical programs, what carries wheels to install pip (see OWN), and the documentation of the language that
# `help()` shows.
LEFT_OUT = {"test", "idlelib", "tkinter", "turtledemo", "turtle.py", "ensurepip", "__pycache__", "pydoc_data"}

PIP_CHANGES = {
    # A new pip is installed beside this one, which lies in what cannot be written: as with the library's own modules.
    "pip/_internal/req/req_uninstall.py": (
        'if p\n        }:',
        'if p\n        } | {"%s/%s"}:' % (MOUNT, PACKAGES),
    ),
    # A session without a network would wait for an answer at every installation.
    "pip/_internal/cli/cmdoptions.py": (
        'dest="disable_pip_version_check",\n    action="store_true",\n    default=False',
        'dest="disable_pip_version_check",\n    action="store_true",\n    default=True',
    ),
    # Why an index cannot be asked is worth a line: mostly it is how to allow it.
    "pip/_internal/index/collector.py": (
        'f"connection error: {exc}")',
        'f"connection error: {exc}", meth=logger.warning)',
    ),
    # What the host's policy does not allow is not allowed a second later.
    "pip/_vendor/urllib3/util/retry.py": (
        "if self.total is False and error:",
        "if error and (self.total is False or any(isinstance(part, PermissionError) for part in error.args)):",
    ),
}
# What pip starts as a program, by its path.
PIP_SCRIPTS = {"pip/__main__.py", "pip/__pip-runner__.py", "pip/_vendor/pyproject_hooks/_in_process/_in_process.py"}


def pyc(source: bytes, name: str) -> bytes:
    code = compile(source, f"{MOUNT}/{name}", "exec", dont_inherit=True, optimize=0)
    return bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), False))


def entry(name: str, contents: bytes):
    """A file as it is packed: path and contents."""
    return (name + "c", pyc(contents, name)) if name.endswith(".py") else (name, contents)


def modules(library: pathlib.Path, own: dict):
    """All files of the library."""
    for path in sorted(library.rglob("*")):
        name = path.relative_to(library)
        if LEFT_OUT.intersection(name.parts) or "tests" in name.parts or not path.is_file() or str(name) in own:
            continue
        wanted = path.suffix == ".py" or path.suffix in {".txt", ".cfg", ".typed"} and "site-packages" not in name.parts
        if wanted or name.parts[:2] == ("venv", "scripts") and "nt" not in name.parts:
            yield entry(str(name), path.read_bytes())
    for name, path in own.items():
        yield entry(name, path.read_bytes())


def pip(library: pathlib.Path):
    """pip, unpacked, without what is for Windows."""
    [wheel] = (library / "ensurepip/_bundled").glob("pip-*.whl")
    changed = set()
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith((".exe", "/")) or "/licenses/" in name:
                continue
            contents = archive.read(name)
            if change := PIP_CHANGES.get(name):
                old, new = (text.encode() for text in change)
                if contents.count(old) != 1:
                    sys.exit(f"{name} of pip is not what the change to it was made for")
                contents = contents.replace(old, new)
                changed.add(name)
            if name.endswith(".dist-info/RECORD"):
                # Of files that nobody removes.
                contents = b""
            if name in PIP_SCRIPTS:
                yield f"{PACKAGES}/{name}", contents
            yield entry(f"{PACKAGES}/{name}", contents)
            if name.endswith(".dist-info/METADATA"):
                yield f"{PACKAGES}/{name.rpartition('/')[0]}/INSTALLER", b"pip\n"
    if changed != set(PIP_CHANGES):
        sys.exit("a file of pip that is to be changed is not there")


def files(root: pathlib.Path):
    return {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file()}


def pack(files) -> bytes:
    root: dict = {}
    for name, contents in files:
        *parents, last = name.split("/")
        directory = root
        for parent in parents:
            directory = directory.setdefault(parent, {})
        directory[last] = contents

    names = bytearray()
    data = bytearray()
    nodes = [("", root)]
    records = []
    # Breadth first, so that the children of a directory follow each other.
    at = 0
    while at < len(nodes):
        name, node = nodes[at]
        at += 1
        encoded = name.encode()
        offset = len(names)
        names += encoded
        if isinstance(node, dict):
            children = sorted(node.items(), key=lambda item: item[0].encode())
            records.append(struct.pack("<IHHII", offset, len(encoded), 1, len(nodes), len(children)))
            nodes.extend(children)
        else:
            data += bytes(-len(data) % 8)
            records.append(struct.pack("<IHHII", offset, len(encoded), 0, len(data), len(node)))
            data += node
    start = 20 + 16 * len(records)
    names += bytes(-(start + len(names)) % 8)
    header = b"wasmshR1" + struct.pack("<III", len(records), start, start + len(names))
    return header + b"".join(records) + names + data


def main() -> None:
    library, own, zones, output = map(pathlib.Path, sys.argv[1:])
    contents = [*modules(library, files(own)), *pip(library)]
    contents += [(f"{ZONES}/{name}", path.read_bytes()) for name, path in files(zones).items()]
    output.write_bytes(pack(contents))


main()
