# more-itertools
from more_itertools import chunked, flatten, peekable, unique_everseen, windowed
assert list(chunked(range(5), 2)) == [[0, 1], [2, 3], [4]] and list(windowed("abc", 2)) == [("a", "b"), ("b", "c")]
assert list(unique_everseen("aba")) == ["a", "b"] and peekable([1]).peek() == 1 and list(flatten([[1], [2]])) == [1, 2]
