import math
import numpy as np

assert np.__version__.startswith("2.")
a = np.arange(10).reshape(2, 5)
assert a.sum(axis=0).tolist() == [5, 7, 9, 11, 13] and a.mean() == 4.5 and a[:, ::-2].tolist() == [[4, 2, 0], [9, 7, 5]]
assert (a @ a.T).tolist() == [[30, 80], [80, 255]] and a.T.flags.f_contiguous and a.strides == (5 * a.itemsize, a.itemsize)
# Products by rows, by columns, of every kind of number, and larger than what is kept at a time.
rng = np.random.default_rng(7)
for kind in "bBhHiIqQefdg":
    for shape in (1, 3, 2), (4, 5, 6), (7, 130, 67), (2, 9, 300):
        x = rng.integers(0, 3, shape[:2]).astype(kind)
        y = rng.integers(0, 3, shape[1:]).astype(kind)
        expected = [[sum(int(i) * int(j) for i, j in zip(row, column)) for column in y.T] for row in x]
        for right in y, np.asfortranarray(y), y[:, ::-1][:, ::-1]:
            got = x @ right
            assert got.dtype == x.dtype and (got == np.array(expected).astype(kind)).all(), (kind, shape)
        out = np.empty((shape[2], shape[0]), kind).T
        assert np.matmul(x, y, out=out) is out and (out == np.array(expected).astype(kind)).all(), (kind, shape)
z = np.array([[1 + 2j, 3], [0, -1j]])
assert (z @ z).tolist() == [[-3 + 4j, 3 + 3j], [0j, -1 + 0j]] and np.vdot(z, z) == 15
assert np.array([[True, False]]) @ np.array([[True], [True]])

# Both kinds of sum, along every axis.
b = np.arange(24, dtype="f4").reshape(2, 3, 4)
assert np.einsum("ijk->kj", b).tolist() == b.sum(0).T.tolist()
assert np.einsum("ij,jk", a, a.T).tolist() == (a @ a.T).tolist() and np.einsum("ii", np.eye(3)) == 3
assert np.cumsum(b[0], axis=1)[2].tolist() == [8, 17, 27, 38] and np.add.reduceat(np.arange(8), [0, 4]).tolist() == [6, 22]
assert np.sum(np.full(10, 0.1)) == 1 and math.isclose(np.sin(b).sum(), sum(map(math.sin, range(24))), rel_tol=1e-5)

# Broadcasting, masks, indices, views.
c = np.zeros((3, 4), int)
c[np.ix_([0, 2], [1, 3])] = [[1, 2], [3, 4]]
c[c > 2] *= 10
assert c.tolist() == [[0, 1, 0, 2], [0, 0, 0, 0], [0, 30, 0, 40]] and np.nonzero(c)[1].tolist() == [1, 3, 1, 3]
assert (np.arange(3)[:, None] * np.arange(3)).tolist() == [[0, 0, 0], [0, 1, 2], [0, 2, 4]]
assert np.lib.stride_tricks.sliding_window_view(np.arange(4), 2).tolist() == [[0, 1], [1, 2], [2, 3]]
np.add.at(c, ([1, 1], [0, 0]), 5)
assert c[1, 0] == 10 and np.where(c == 10, -1, c).min() == -1 and np.clip(c, 1, 5).max() == 5

# Order.
d = rng.random(10000)
for kind in "quicksort", "heapsort", "stable":
    assert np.sort(d, kind=kind).tolist() == sorted(d.tolist()) and (d[np.argsort(d, kind=kind)] == np.sort(d)).all()
for kind in "bBhHiIqQefdg":
    e = rng.integers(0, 100, 500).astype(kind)
    assert np.sort(e).tolist() == sorted(e.tolist()) and np.partition(e, 250)[250] == sorted(e.tolist())[250]
assert np.searchsorted([1, 3, 5], [0, 3, 9]).tolist() == [0, 1, 3] and np.lexsort([[1, 1, 0], [2, 1, 1]]).tolist() == [2, 1, 0]
assert [part.tolist() for part in np.unique(np.array([3, 1, 3, 2]), return_counts=True)] == [[1, 2, 3], [1, 1, 2]]

# What is not a number. Floating point has no flags here, so that nothing warns of it; integers do.
f = np.array([0.0, 1, -1]) / 0
assert np.isnan(f[0]) and f[1:].tolist() == [math.inf, -math.inf] and np.nanmax(f) == math.inf
assert (np.array([-7, 7]) // 2).tolist() == [-4, 3] and np.fmod(-7, 2) == -1
assert np.spacing(1.0) == np.finfo(float).eps and np.longdouble("0.1") * 10 == np.longdouble(1)
assert repr(np.array([1.5, 1e-20])) == "array([1.5e+00, 1.0e-20])" and str(np.float32(0.1)) == "0.1"
assert repr(np.longdouble(1) / 3).startswith("np.longdouble('0.333333333333333333")
try:
    with np.errstate(divide="raise"):
        np.array([1]) // 0
except FloatingPointError as error:
    assert "divide by zero" in str(error)
else:
    raise AssertionError
try:
    np.zeros((2, 3)) @ np.zeros((2, 3))
except ValueError as error:
    assert "mismatch in its core dimension" in str(error)
else:
    raise AssertionError
try:
    np.zeros(1 << 27)
except MemoryError:
    pass
else:
    raise AssertionError("a gigabyte is not there")
