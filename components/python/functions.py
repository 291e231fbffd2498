"""Checks that the functions in CPython's tables have the types by which they are called.

    python functions.py INCLUDE ARCHIVE...

A call by a pointer to a function of another type is a trap in WebAssembly. The compiler tells of casts between types of
functions, but neither of those that pass by `void *`, as the tables of slots do, nor by `void (*)(void)`, as those of
methods do. So this looks at the tables in the object files: what their pointers are is in the relocations.
"""

import pathlib
import re
import struct
import sys

# A word that a table holds: an address of data, and a function (the tool conventions for linking WebAssembly).
MEMORY_ADDRESS = 5
TABLE_INDEX_I32 = 2
WITH_ADDEND = {3, 4, 5, 8, 9, 11, 14, 15, 16, 17, 21, 22, 23, 25}

# METH_* flags (methodobject.h) without METH_CLASS, METH_STATIC and METH_COEXIST, and how many arguments they mean.
METHODS = {0x1: 2, 0x3: 3, 0x4: 2, 0x8: 2, 0x80: 3, 0x82: 4, 0x282: 5}
BINDINGS = 0x70
# Slots of modules that are functions, with their types, and the last slot (moduleobject.h).
MODULE_SLOTS = {1: (("i32", "i32"), ("i32",)), 2: (("i32",), ("i32",))}
LAST_MODULE_SLOT = 4


class Reader:
    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def bytes(self):
        size = self.number()
        self.at += size
        return self.data[self.at - size:self.at]

    def name(self):
        return self.bytes().decode()

    def part(self):
        """What follows its own size."""
        size = self.number()
        self.at += size
        return Reader(self.data, self.at - size, self.at)


class Object:
    """What is told of functions and data in an object file."""

    def __init__(self, data):
        self.types, self.functions, self.segments, self.symbols = [], [], [], []
        self.relocations = {}
        reader = Reader(data, 8)
        while reader.at < reader.end:
            kind, section = reader.byte(), reader.part()
            start = section.at
            if kind == 0:
                name = section.name()
                if name == "linking":
                    self.linking(section)
                elif name == "reloc.DATA":
                    self.relocate(section)
            elif kind == 1:
                self.types = [self.type(section) for _ in range(section.number())]
            elif kind == 2:
                for _ in range(section.number()):
                    self.imported(section)
            elif kind == 3:
                self.functions += [self.types[section.number()] for _ in range(section.number())]
            elif kind == 11:
                self.segments = [self.segment(section, start) for _ in range(section.number())]

    @staticmethod
    def type(reader):
        names = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64"}
        reader.byte()
        arguments, results = ([names.get(reader.byte(), "other") for _ in range(reader.number())] for _ in range(2))
        return tuple(arguments), tuple(results)

    def imported(self, reader):
        reader.bytes(), reader.bytes()
        kind = reader.byte()
        if kind == 0:
            self.functions.append(self.types[reader.number()])
        elif kind in (1, 2):
            if kind == 1:
                reader.byte()
            flags = reader.byte()
            for _ in range(1 + (flags & 1)):
                reader.number()
        else:
            reader.byte(), reader.number()

    @staticmethod
    def segment(reader, start):
        """Where in the section its bytes begin, and these."""
        if reader.number() != 0:
            raise ValueError("a segment of data that no object file has")
        # Its address: a constant, and the end of the expression.
        reader.byte(), reader.number(), reader.byte()
        data = reader.bytes()
        return reader.at - len(data) - start, data

    def linking(self, reader):
        reader.number()
        while reader.at < reader.end:
            kind, table = reader.byte(), reader.part()
            if kind == 8:
                self.symbols = [self.symbol(table) for _ in range(table.number())]

    @staticmethod
    def symbol(reader):
        """Kind, name, index, and for data where in its segment it is, and its size."""
        kind, flags = reader.byte(), reader.number()
        undefined, named = flags & 0x10, flags & 0x40
        if kind == 1:
            name = reader.name()
            return (kind, name, *((-1, 0, 0) if undefined else (reader.number() for _ in range(3))))
        index = reader.number()
        name = reader.name() if kind != 3 and (named or not undefined) else ""
        return kind, name, index, 0, 0

    def relocate(self, reader):
        reader.number()
        for _ in range(reader.number()):
            kind, offset, index = reader.byte(), reader.number(), reader.number()
            if kind in WITH_ADDEND:
                reader.number()
            self.relocations[offset] = kind, index

    def tables(self):
        """All data that has a name: its words, each a number or what relocation gives it."""
        for kind, name, index, at, size in self.symbols:
            if kind != 1 or index < 0 or size % 4:
                continue
            start, data = self.segments[index]
            words = []
            for word in range(at, at + size, 4):
                relocation = self.relocations.get(start + word)
                words.append(relocation or (0, struct.unpack_from("<i", data.ljust(word + 4, b"\0"), word)[0]))
            yield name, words

    def function(self, word):
        """Name and type of the function that a word is, or None."""
        kind, index = word
        if kind != TABLE_INDEX_I32:
            return None
        _, name, function, _, _ = self.symbols[index]
        return name, self.functions[function]


def objects(archive):
    """Name and contents of each member of a static library."""
    data, at, long_names = archive.read_bytes(), 8, b""
    while at < len(data):
        name, size = data[at:at + 16].decode().strip(), int(data[at + 48:at + 58])
        body = data[at + 60:at + 60 + size]
        at += 60 + size + size % 2
        if name == "//":
            long_names = body
        elif body.startswith(b"\0asm"):
            if name[1:].isdigit():
                start = int(name[1:])
                name = long_names[start:long_names.index(b"/", start)].decode()
            yield name.rstrip("/"), body


def slots(include):
    """The type of the function in each slot of a type, by the slot's number, from CPython's headers."""
    text = "".join((include / name).read_text() for name in ("object.h", "cpython/object.h", "pybuffer.h"))
    prototypes = {
        name: (("i32",) * len(arguments.split(",")), () if result.strip() == "void" else ("i32",))
        for result, name, arguments in re.findall(r"typedef (\w+ ?\*?) ?\(\*(\w+)\) ?\(([^)]*)\);", text)
    }
    fields = {slot: kind for kind, slot in re.findall(r"^\s+(\w+) ((?:tp|nb|sq|mp|am|bf)_\w+);", text, re.MULTILINE)}
    numbers = re.findall(r"#define Py_(\w+) (\d+)", (include / "typeslots.h").read_text())
    return {int(number): prototypes[fields[slot]] for slot, number in numbers if fields.get(slot) in prototypes}


def is_slots(words):
    """Whether these are pairs of a small number and a value, with two zeros behind them."""
    numbers = words[0:-2:2]
    return (
        len(words) >= 4 and len(words) % 2 == 0 and words[-2:] == [(0, 0)] * 2
        and all(kind == 0 and 0 < number < 100 for kind, number in numbers)
    )


def functions(item, of_types):
    """Each function of a table: the table, the function, the type that it has, and that by which it is called."""
    for table, words in item.tables():
        if is_slots(words):
            expected = of_types if max(number for _, number in words[::2]) > LAST_MODULE_SLOT else MODULE_SLOTS
            for (_, slot), value in zip(words[::2], words[1::2]):
                if (found := item.function(value)) and slot in expected:
                    yield table, *found, expected[slot]
        else:
            # A method: a name, a function, flags, a text or none.
            for name, function, (kind, flags), text in zip(words, words[1:], words[2:], words[3:]):
                count = METHODS.get(flags & ~BINDINGS) if kind == 0 else None
                is_method = name[0] == MEMORY_ADDRESS and count and (text[0] == MEMORY_ADDRESS or text == (0, 0))
                if is_method and (found := item.function(function)):
                    yield table, *found, (("i32",) * count, ("i32",))


def main():
    include, *archives = map(pathlib.Path, sys.argv[1:])
    of_types = slots(include)
    checked, failures = 0, []
    for archive in archives:
        for member, data in objects(archive):
            for table, function, found, expected in functions(Object(data), of_types):
                checked += 1
                if found != expected:
                    failures.append(f"{member}: `{function}` in `{table}` is {found}, and is called as {expected}")
    if failures:
        sys.exit("\n".join(failures))
    if checked < 1000:
        sys.exit(f"only {checked} functions were found in tables: these are not laid out as expected")


main()
