# jsonschema<4.18
import jsonschema
schema = {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer", "minimum": 1}, "b": {"$ref": "#/definitions/s"}}, "definitions": {"s": {"type": "string", "pattern": "^x"}}}
jsonschema.validate({"a": 1, "b": "xy"}, schema)
errors = list(jsonschema.Draft7Validator(schema).iter_errors({"a": 0, "b": "y"}))
assert sorted(error.validator for error in errors) == ["minimum", "pattern"]
