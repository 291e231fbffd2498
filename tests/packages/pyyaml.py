# pyyaml
import yaml
text = yaml.safe_dump({"a": [1, 2.5, None], "b": {"c": "x: y"}}, sort_keys=True)
assert yaml.safe_load(text) == {"a": [1, 2.5, None], "b": {"c": "x: y"}}
assert yaml.safe_load("- &x {k: 1}\n- *x\n- 2024-01-02\n")[1] == {"k": 1}
try: yaml.safe_load("a: [")
except yaml.YAMLError as error: assert error.problem_mark.line == 1 or error.problem_mark.line == 0
