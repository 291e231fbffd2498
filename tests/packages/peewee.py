# peewee
import peewee
db = peewee.SqliteDatabase("p.db")
class Note(peewee.Model):
    text = peewee.TextField()
    class Meta: database = db
db.create_tables([Note])
with db.atomic(): Note.insert_many([{"text": t} for t in "abc"]).execute()
assert [n.text for n in Note.select().where(Note.text > "a").order_by(Note.text.desc())] == ["c", "b"]
