# cachetools
from cachetools import LRUCache, TTLCache, cached
cache = LRUCache(2)
cache["a"] = 1; cache["b"] = 2; cache["a"]; cache["c"] = 3
assert sorted(cache) == ["a", "c"]
calls = []
@cached(TTLCache(10, ttl=60))
def square(n): calls.append(n); return n * n
assert square(3) + square(3) == 18 and calls == [3]
