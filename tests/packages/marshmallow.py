# marshmallow
from marshmallow import Schema, ValidationError, fields, validate
class User(Schema):
    name = fields.Str(required=True)
    age = fields.Int(validate=validate.Range(min=0))
    at = fields.DateTime()
assert User().load({"name": "a", "age": "3", "at": "2024-01-02T03:04:05"})["at"].hour == 3
try: User().load({"age": -1})
except ValidationError as error: assert set(error.messages) == {"name", "age"}
