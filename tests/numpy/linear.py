import numpy as np

rng = np.random.default_rng(3)
for kind, near in ("f", 1e-3), ("d", 1e-10), ("F", 1e-3), ("D", 1e-10):
    a = rng.normal(size=(20, 20)).astype(kind)
    if kind in "FD":
        a = a + 1j * rng.normal(size=(20, 20)).astype(a.real.dtype)
    b = rng.normal(size=20).astype(kind)
    close = lambda x, y: np.allclose(x, y, atol=near, rtol=near) and x.dtype.itemsize <= 16
    assert close(a @ np.linalg.solve(a, b), b) and close(a @ np.linalg.inv(a), np.eye(20))
    u, s, v = np.linalg.svd(a)
    assert close((u * s) @ v, a) and (np.diff(s) <= 0).all()
    values, vectors = np.linalg.eig(a)
    assert close(a @ vectors, vectors * values)
    q, r = np.linalg.qr(a)
    assert close(q @ r, a) and close(np.tril(r, -1), np.zeros((20, 20)))
    h = a @ a.conj().T
    values, vectors = np.linalg.eigh(h)
    assert close((vectors * values) @ vectors.conj().T, h)
    l = np.linalg.cholesky(h)
    assert close(l @ l.conj().T, h) and close(np.linalg.pinv(a) @ a, np.eye(20))
    assert close(np.linalg.lstsq(a[:, :5], b)[0], np.linalg.pinv(a[:, :5]) @ b)
assert np.isclose(np.linalg.det([[1, 2], [3, 4]]), -2) and np.linalg.matrix_rank(np.ones((3, 3))) == 1
assert np.linalg.norm([3, 4]) == 5 and np.linalg.matrix_power([[1, 1], [1, 0]], 10).tolist() == [[89, 55], [55, 34]]
try:
    np.linalg.inv(np.zeros((2, 2)))
except np.linalg.LinAlgError as error:
    assert str(error) == "Singular matrix"
else:
    raise AssertionError
assert np.polyfit([0, 1, 2], [1, 3, 7], 2).round(9).tolist() == [1, 1, 1] and np.roots([1, -3, 2]).tolist() == [2, 1]

for n in 1, 2, 8, 12, 97, 1009, 1000:
    x = rng.normal(size=n) + 1j * rng.normal(size=n)
    slow = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n) @ x
    assert np.allclose(np.fft.fft(x), slow) and np.allclose(np.fft.ifft(slow), x)
    assert np.allclose(np.fft.irfft(np.fft.rfft(x.real), n), x.real)
image = rng.normal(size=(6, 10))
assert np.allclose(np.fft.ifft2(np.fft.fft2(image)), image) and np.fft.fft(np.float32([1, 2])).dtype == np.complex64
assert np.fft.fftfreq(4).tolist() == [0, 0.25, -0.5, -0.25]
try:
    np.fft.fft([])
except ValueError as error:
    assert "Invalid number of FFT data points" in str(error)
else:
    raise AssertionError
