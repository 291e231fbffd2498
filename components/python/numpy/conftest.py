"""For numpy's own tests, which are not where numpy is: they import each other from its packages."""

import importlib
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
    """There is no ctypes; files of tests import it for a few of them."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        pytest.skip("there is no ctypes")


sys.modules["ctypes"] = Absent("ctypes")
