import io
import json
import pickle
import tempfile
import numpy as np

# Types.
point = np.dtype([("name", "U4"), ("at", "<i4", 2), ("when", "M8[D]")])
points = np.array([("a", (1, 2), "2024-02-29"), ("b", (3, 4), "1969-12-31")], point)
assert points["at"].sum() == 10 and points[1]["when"] == np.datetime64("1969-12-31") and point.itemsize == 32
assert np.dtype("intp") == np.dtype(int) and np.dtype(">u2").newbyteorder() == np.dtype("<u2")
assert np.result_type("i1", "u1") == np.int16 and np.can_cast("f4", "f8") and np.promote_types("i8", "u8") == np.float64
assert np.array([1.5, -1.5]).astype(int).tolist() == [1, -1] and np.frombuffer(b"\1\0\0\2", ">u2").tolist() == [256, 2]
assert np.array(["7", "8"]).astype("f8").tolist() == [7, 8] and np.array([10 ** 30])[0] == 10 ** 30

# Text.
words = np.array(["wasm", "Ünïcode", ""])
assert np.strings.upper(words).tolist() == ["WASM", "ÜNÏCODE", ""] and np.strings.str_len(words).tolist() == [4, 7, 0]
assert np.char.add(words, "!").tolist() == ["wasm!", "Ünïcode!", "!"] and (words == "wasm").tolist() == [True, False, False]
free = np.array(["short", "long" * 30], dtype=np.dtypes.StringDType())
assert np.strings.find(free, "g").tolist() == [-1, 3] and sorted(free.tolist())[0] == "long" * 30

# Time.
days = np.arange("2024-02-27", "2024-03-02", dtype="M8[D]")
assert days.astype(str).tolist() == ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01"]
assert np.busday_count("2024-01-01", "2024-02-01") == 23 and np.timedelta64(90, "m") / np.timedelta64(1, "h") == 1.5
assert (np.datetime64("2024-01-01T12") - np.datetime64("2024-01-01")).astype("m8[s]").astype(int) == 43200
assert abs(np.datetime64("now") - np.datetime64("today")) <= np.timedelta64(1, "D") and np.isnat(np.datetime64("NaT"))

# Files.
with tempfile.TemporaryDirectory() as folder:
    np.save(f"{folder}/a.npy", points)
    assert (np.load(f"{folder}/a.npy") == points).all()
    np.savez_compressed(f"{folder}/b.npz", x=np.eye(3), y=words)
    with np.load(f"{folder}/b.npz") as both:
        assert sorted(both) == ["x", "y"] and both["x"].trace() == 3 and both["y"].tolist() == words.tolist()
    np.arange(5, dtype="u2").tofile(f"{folder}/c")
    assert np.fromfile(f"{folder}/c", "u2", offset=2).tolist() == [1, 2, 3, 4]
    np.savetxt(f"{folder}/d", [[1, 2.5], [3, 4]], fmt="%g", delimiter=",", header="x,y")
    with open(f"{folder}/d") as file:
        assert file.read() == "# x,y\n1,2.5\n3,4\n"
    assert np.loadtxt(f"{folder}/d", delimiter=",").tolist() == [[1, 2.5], [3, 4]]
    assert np.genfromtxt(f"{folder}/d", delimiter=",", names=True)["y"].tolist() == [2.5, 4]
assert np.loadtxt(io.StringIO("1 a\n2 b"), dtype="i4,U1")["f1"].tolist() == ["a", "b"]
assert np.fromstring("1, 2", sep=",").tolist() == [1, 2] and (pickle.loads(pickle.dumps(points, 5)) == points).all()
assert bytes(memoryview(np.arange(3, dtype="u1"))) == b"\0\1\2" and json.dumps(np.eye(2).tolist()) == "[[1.0, 0.0], [0.0, 1.0]]"

# What is written in Python above all that.
masked = np.ma.masked_less([1, -1, 3], 0)
assert masked.mean() == 2 and str(masked) == "[1 -- 3]"
assert np.polynomial.Polynomial([1, 2, 3])(2) == 17 and np.polynomial.chebyshev.chebval(0.5, [1, 2, 3]) == 0.5
assert np.histogram([1, 2, 2, 5], bins=[0, 2, 4, 6])[0].tolist() == [1, 2, 1] and np.interp(1.5, [1, 2], [10, 20]) == 15
assert np.gradient([1, 4, 9]).tolist() == [3, 4, 5] and np.percentile([1, 2, 3, 4], 50) == 2.5
assert np.vectorize(lambda x: x + 1)([1, 2]).tolist() == [2, 3] and np.convolve([1, 2], [1, 3]).tolist() == [1, 5, 6]
assert np.array2string(np.arange(2000), threshold=5) == "[   0    1    2 ... 1997 1998 1999]"
np.testing.assert_allclose([1.0], [1 + 1e-9])
import importlib.metadata
import inspect
assert len(inspect.getmembers(np)) > 500
assert importlib.metadata.version("numpy") == np.__version__
