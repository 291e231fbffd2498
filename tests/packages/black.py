# black
import pathlib, subprocess, sys
import black
assert black.format_str("x = {  'a':1 }\n", mode=black.Mode()) == 'x = {"a": 1}\n'
pathlib.Path("f.py").write_text("def f( a ):\n  return a\n")
subprocess.run(["black", "-q", "f.py"], check=True)
assert pathlib.Path("f.py").read_text() == "def f(a):\n    return a\n"
