import os
import pickle
import subprocess
import sys
import numpy as np

# The streams are the same on every machine.
near = lambda got, expected: np.allclose(got, expected, rtol=1e-12, atol=0)
assert near(np.random.default_rng(1).normal(size=5), [
    0.345584192064786, 0.8216181435011584, 0.33043707618338714, -1.303157231604361, 0.9053558666731177])
np.random.seed(1)
assert np.random.randint(0, 100, 5).tolist() == [37, 12, 72, 9, 75]
assert np.random.Generator(np.random.MT19937(5)).integers(0, 1000, 5).tolist() == [340, 497, 473, 851, 862]
assert near(np.random.Generator(np.random.Philox(5)).random(2), [0.8575790745355746, 0.9250921171973682])
assert near(np.random.Generator(np.random.SFC64(5)).random(2), [0.6838394925444887, 0.04047995370571389])

rng = np.random.default_rng(2)
for name, arguments, mean in [
    ("exponential", (2,), 2), ("gamma", (3, 2), 6), ("beta", (2, 2), 0.5), ("poisson", (4,), 4), ("binomial", (10, 0.3), 3),
    ("chisquare", (3,), 3), ("geometric", (0.5,), 2), ("laplace", (1, 1), 1), ("hypergeometric", (5, 5, 4), 2),
    ("negative_binomial", (3, 0.5), 3), ("uniform", (0, 4), 2), ("vonmises", (0, 4), 0), ("triangular", (0, 1, 2), 1),
]:
    sample = getattr(rng, name)(*arguments, size=40000)
    assert abs(sample.mean() - mean) < 0.1, (name, sample.mean())
old = np.random.RandomState(2)
for name, arguments, mean in [
    ("binomial", (10, 0.3), 3), ("poisson", (4,), 4), ("geometric", (0.5,), 2), ("negative_binomial", (3, 0.5), 3),
    ("hypergeometric", (5, 5, 4), 2), ("logseries", (0.5,), 1.4427), ("standard_normal", (), 0), ("gamma", (3, 2), 6),
]:
    sample = getattr(old, name)(*arguments, size=40000)
    assert abs(sample.mean() - mean) < 0.1, (name, sample.mean())
assert old.multinomial(20, [0.5, 0.5], size=3).sum(axis=1).tolist() == [20, 20, 20] and old.zipf(3, 5).min() >= 1
assert old.binomial([5, 5], 1).tolist() == [5, 5] and old.poisson([0, 0]).tolist() == [0, 0]
assert sorted(rng.permutation(10)) == list(range(10)) and len(set(rng.choice(10, 5, replace=False).tolist())) == 5
assert rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 5).shape == (5, 2)
assert rng.integers(0, 1 << 63, dtype="u8", size=3).dtype == np.uint64 and len(rng.bytes(9)) == 9
again = pickle.loads(pickle.dumps(rng))
assert again.random() == rng.random() and rng.spawn(2)[0].random() != rng.random()

# Every process begins with another seed.
code = "import numpy as np; print(np.random.rand(), np.random.default_rng().random())"
if len(sys.argv) == 1:
    seen = {subprocess.check_output([sys.executable, "-c", code]) for _ in range(3)}
    assert len(seen) == 3, seen
