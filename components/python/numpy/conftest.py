"""For numpy's own tests, which are not where numpy is: they import each other from its packages."""

import importlib
import os
import pathlib
import sys
import types

import pytest

HERE = pathlib.Path(__file__).parent

for tests in HERE.glob("numpy/**/tests"):
    package = tests.parent
    try:
        module = importlib.import_module(".".join(package.relative_to(HERE).parts))
    except ImportError:
        # A part of numpy that is left out here.
        continue
    module.__path__.append(str(package))


class Absent(types.ModuleType):
    """There is no ctypes; files of tests import it for a few of them, which are skipped."""

    def __getattr__(self, name):
        if name.startswith("_") or name == "pythonapi":
            raise AttributeError(name)

        def skip(*arguments):
            pytest.skip("there is no ctypes")

        # A test that is running has come to what it needs; a file may only name it.
        return skip() if "PYTEST_CURRENT_TEST" in os.environ else type(name, (), {"__init__": skip})


sys.modules["ctypes"] = Absent("ctypes")
