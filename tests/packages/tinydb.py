# tinydb
from tinydb import Query, TinyDB
db = TinyDB("t.json")
db.insert_multiple([{"n": 1, "k": "a"}, {"n": 2, "k": "b"}])
assert db.search(Query().n > 1) == [{"n": 2, "k": "b"}] and TinyDB("t.json").count(Query().k.exists()) == 2
