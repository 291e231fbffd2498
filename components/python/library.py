"""Packs the standard library for the component: run by the native build of the same CPython.

    python library.py LIBRARY OUTPUT

LIBRARY is CPython's `Lib` with the variables of `sysconfig` beside it. OUTPUT gets one file, laid out as wasi/src/rom.rs describes: every module as an unchecked-hash .pyc (PEP 552), which the import
system takes without looking for a source.
"""

import importlib.util
import pathlib
import struct
import sys
from importlib._bootstrap_external import _code_to_hash_pyc

MOUNT = "/usr/lib/python3.13"

# Tests, graphical programs, what carries wheels to install pip (which the filesystem holds), and the
# documentation of the language that `help()` shows.
LEFT_OUT = {"test", "idlelib", "tkinter", "turtledemo", "turtle.py", "ensurepip", "__pycache__", "pydoc_data"}


def pyc(source: bytes, name: str) -> bytes:
    code = compile(source, f"{MOUNT}/{name}", "exec", dont_inherit=True, optimize=0)
    return bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), False))


def modules(library: pathlib.Path):
    """All files of the library: path and contents."""
    for path in sorted(library.rglob("*")):
        name = path.relative_to(library)
        if LEFT_OUT.intersection(name.parts) or "tests" in name.parts or not path.is_file():
            continue
        if path.suffix == ".py":
            yield str(name) + "c", pyc(path.read_bytes(), str(name))
        elif path.suffix in {".txt", ".cfg", ".typed"} and "site-packages" not in name.parts:
            yield str(name), path.read_bytes()


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
    library, output = map(pathlib.Path, sys.argv[1:])
    output.write_bytes(pack(modules(library)))


main()
