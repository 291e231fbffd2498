"""Memory-mapped files, where memory cannot be mapped: a copy of the file, written back by `flush` and `close`.

Two maps of one file see each other's changes after `flush` only.
"""

import operator
import os
import sys

ACCESS_DEFAULT, ACCESS_READ, ACCESS_WRITE, ACCESS_COPY = range(4)
MAP_SHARED, MAP_PRIVATE, MAP_ANON = 1, 2, 32
MAP_ANONYMOUS = MAP_ANON
MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED = range(4)
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4
PAGESIZE = ALLOCATIONGRANULARITY = 65536

error = OSError

__all__ = ["ACCESS_COPY", "ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ALLOCATIONGRANULARITY", "MADV_NORMAL",
           "MADV_RANDOM", "MADV_SEQUENTIAL", "MADV_WILLNEED", "MAP_ANON", "MAP_ANONYMOUS", "MAP_PRIVATE", "MAP_SHARED", "PAGESIZE", "PROT_EXEC",
           "PROT_READ", "PROT_WRITE", "error", "mmap"]


def _index(number):
    return number if number is None else operator.index(number)


class mmap:
    """mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])

    Maps length bytes from the file specified by the file descriptor fileno, and returns a mmap object.
    """

    def __new__(cls, fileno, length, flags=MAP_SHARED, prot=PROT_WRITE | PROT_READ, access=ACCESS_DEFAULT, offset=0,
                *, trackfd=True):
        if length < 0:
            raise OverflowError("memory mapped length must be positive")
        if length > sys.maxsize:
            raise OverflowError("cannot fit 'int' into an index-sized integer")
        if offset < 0:
            raise OverflowError("memory mapped offset must be positive")
        if access != ACCESS_DEFAULT and (flags, prot) != (MAP_SHARED, PROT_WRITE | PROT_READ):
            raise ValueError("mmap can't specify both access and flags, prot.")
        if access not in range(4):
            raise ValueError("mmap invalid access parameter.")
        self = super().__new__(cls)
        self._asked = access
        if access == ACCESS_DEFAULT:
            writable = prot & PROT_WRITE
            access = ACCESS_READ if not writable else ACCESS_COPY if flags & MAP_PRIVATE else ACCESS_WRITE
        if offset % ALLOCATIONGRANULARITY:
            raise OSError(22, "Invalid argument")
        self._access = access
        self._offset = offset
        self._position = 0
        self._fd = -1
        self._tracked = trackfd
        if fileno == -1:
            if length == 0:
                raise OSError(22, "Invalid argument")
            self._data = bytearray(length)
            return self
        size = os.fstat(fileno).st_size
        if length == 0:
            if size == 0:
                raise ValueError("cannot mmap an empty file")
            if offset >= size:
                raise ValueError("mmap offset is greater than file size")
            length = size - offset
            if length > sys.maxsize:
                raise ValueError("mmap length is too large")
        elif offset > size or size - offset < length:
            raise ValueError("mmap length is greater than file size")
        # The map outlives the descriptor that it was made by.
        self._fd = os.dup(fileno)
        self._data = bytearray(length)
        self._load()
        return self

    def _load(self):
        at, view = 0, memoryview(self._data)
        while at < len(view):
            piece = os.pread(self._fd, min(len(view) - at, 1 << 20), self._offset + at)
            if not piece:
                break
            view[at:at + len(piece)] = piece
            at += len(piece)

    def _open(self):
        if self._data is None:
            raise ValueError("mmap closed or invalid")
        return self._data

    def _changeable(self):
        data = self._open()
        if self._access == ACCESS_READ:
            raise TypeError("mmap can't modify a readonly memory map.")
        return data

    closed = property(lambda self: self._data is None)

    def __buffer__(self, flags):
        view = memoryview(self._open())
        return view.toreadonly() if self._access == ACCESS_READ else view

    def __release_buffer__(self, view):
        view.release()

    def __len__(self):
        return len(self._open())

    def _key(self, key):
        """A key whose numbers are plain, so that nothing of the program's own runs while it is used."""
        self._open()
        if isinstance(key, slice):
            return slice(_index(key.start), _index(key.stop), _index(key.step))
        key = operator.index(key)
        if not -len(self) <= key < len(self):
            raise IndexError("mmap index out of range")
        return key

    def __getitem__(self, key):
        key = self._key(key)
        data = self._open()
        return bytes(data[key]) if isinstance(key, slice) else data[key]

    def __setitem__(self, key, value):
        self._changeable()
        key = self._key(key)
        if not isinstance(key, slice):
            value = operator.index(value)
            self._changeable()[key] = value
            return
        data = self._changeable()
        value = memoryview(value)
        if len(range(*key.indices(len(data)))) != value.nbytes:
            raise IndexError("mmap slice assignment is wrong size")
        data[key] = value

    def __contains__(self, what):
        return what in self._open()

    def __enter__(self):
        self._open()
        return self

    def __exit__(self, *exception):
        self.close()

    def __del__(self):
        self.close()

    def __repr__(self):
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        if self._data is None:
            return f"<{name} closed=True>"
        access = ("ACCESS_DEFAULT", "ACCESS_READ", "ACCESS_WRITE", "ACCESS_COPY")[self._asked]
        return (f"<{name} closed=False, access={access}, length={len(self._data)}, pos={self._position}, "
                f"offset={self._offset}>")

    def close(self):
        if getattr(self, "_data", None) is None:
            return
        self.flush()
        self._data = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def flush(self, offset=0, size=None):
        data = self._open()
        size = len(data) - offset if size is None else size
        if offset < 0 or size < 0 or offset + size > len(data):
            raise ValueError("flush values out of range")
        if self._access != ACCESS_WRITE or self._fd < 0:
            return
        view = memoryview(data)[offset:offset + size]
        at = 0
        while at < len(view):
            at += os.pwrite(self._fd, view[at:], self._offset + offset + at)

    def find(self, sub, start=None, end=None):
        start, end, data = _index(start), _index(end), self._open()
        return data.find(sub, self._position if start is None else start, len(data) if end is None else end)

    def rfind(self, sub, start=None, end=None):
        start, end, data = _index(start), _index(end), self._open()
        return data.rfind(sub, self._position if start is None else start, len(data) if end is None else end)

    def madvise(self, option, start=0, length=None):
        size = len(self)
        if not 0 <= start < size:
            raise ValueError("madvise start out of bounds")
        if length is not None and length < 0:
            raise ValueError("madvise length invalid")
        if length is not None and start + length > sys.maxsize:
            raise OverflowError("madvise length too large")

    def move(self, dest, src, count):
        dest, src, count = operator.index(dest), operator.index(src), operator.index(count)
        data = self._changeable()
        if min(dest, src, count) < 0 or max(dest, src) + count > len(data):
            raise ValueError("source, destination, or count out of range")
        data[dest:dest + count] = data[src:src + count]

    def read(self, n=None):
        n, data = _index(n), self._open()
        end = len(data) if n is None or n < 0 else min(self._position + n, len(data))
        got = bytes(data[self._position:end])
        self._position += len(got)
        return got

    def read_byte(self):
        if self._position >= len(self._open()):
            raise ValueError("read byte out of range")
        self._position += 1
        return self._data[self._position - 1]

    def readline(self):
        data = self._open()
        end = data.find(b"\n", self._position)
        return self.read(-1 if end < 0 else end + 1 - self._position)

    def resize(self, newsize):
        data = self._changeable()
        if self._access == ACCESS_COPY:
            raise TypeError("mmap can't resize a readonly or copy-on-write memory map.")
        if not self._tracked:
            raise ValueError("mmap can't resize with trackfd=False.")
        if self._fd >= 0:
            os.ftruncate(self._fd, self._offset + newsize)
        del data[newsize:]
        data.extend(bytes(newsize - len(data)))

    def seek(self, pos, whence=0):
        base = {0: 0, 1: self._position, 2: len(self._open())}.get(whence)
        if base is None:
            raise ValueError("unknown seek type")
        if not 0 <= base + pos <= len(self._open()):
            raise ValueError("seek out of range")
        self._position = base + pos
        return self._position

    def seekable(self):
        return True

    def size(self):
        self._open()
        if not self._tracked:
            raise OSError(9, "Bad file descriptor")
        return len(self._data) if self._fd < 0 else os.fstat(self._fd).st_size

    def tell(self):
        self._open()
        return self._position

    def write(self, data):
        into, data = self._changeable(), memoryview(data).cast("B")
        if self._position + len(data) > len(into):
            raise ValueError("data out of range")
        into[self._position:self._position + len(data)] = data
        self._position += len(data)
        return len(data)

    def write_byte(self, byte):
        byte = operator.index(byte)
        into = self._changeable()
        if self._position >= len(into):
            raise ValueError("write byte out of range")
        into[self._position] = byte
        self._position += 1
