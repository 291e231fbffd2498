# toolz
from toolz import curry, groupby, merge_with, partition_all, pipe
assert groupby(len, ["a", "bb", "c"]) == {1: ["a", "c"], 2: ["bb"]}
assert pipe(3, curry(pow)(2), str) == "8" and list(partition_all(2, "abc")) == [("a", "b"), ("c",)]
assert merge_with(sum, {"a": 1}, {"a": 2, "b": 3}) == {"a": 3, "b": 3}
