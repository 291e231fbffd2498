"""pip for an environment: it is part of the library, so that what is missing is its programs."""

import os
import sys
import sysconfig

__all__ = ["version", "bootstrap"]

_SCRIPT = """#!{}
import sys
from pip._internal.cli.main import main
if __name__ == "__main__":
    sys.exit(main())
"""


def version():
    """Returns a string specifying the bundled version of pip."""
    from importlib.metadata import version
    return version("pip")


def bootstrap(*, root=None, upgrade=False, user=False, altinstall=False, default_pip=False, verbosity=0):
    """Makes pip's programs in the current environment (or below the directory `root`)."""
    if altinstall and default_pip:
        raise ValueError("Cannot use altinstall and default_pip together")
    scheme = sysconfig.get_preferred_scheme("user" if user else "prefix")
    directory = sysconfig.get_path("scripts", scheme)
    if root:
        directory = os.path.join(root, directory.lstrip("/"))
    major, minor = sys.version_info[:2]
    names = [f"pip{major}.{minor}"]
    if not altinstall:
        names.append(f"pip{major}")
    if default_pip:
        names.append("pip")
    os.makedirs(directory, exist_ok=True)
    for name in names:
        path = os.path.join(directory, name)
        with open(path, "w") as file:
            file.write(_SCRIPT.format(sys.executable))
        os.chmod(path, 0o755)
        if verbosity > 0:
            print(f"Made {path}")


def _main(argv=None):
    import argparse

    parser = argparse.ArgumentParser(prog="python -m ensurepip")
    parser.add_argument("--version", action="version", version=f"pip {version()}",
                        help="Show the version of pip that is bundled with this Python.")
    parser.add_argument("-v", "--verbose", action="count", default=0, dest="verbosity",
                        help="Give more output. Option is additive, and can be used up to 3 times.")
    parser.add_argument("-U", "--upgrade", action="store_true", default=False,
                        help="Upgrade pip and dependencies, even if already installed.")
    parser.add_argument("--user", action="store_true", default=False, help="Install using the user scheme.")
    parser.add_argument("--root", default=None, help="Install everything relative to this alternate root directory.")
    parser.add_argument("--altinstall", action="store_true", default=False,
                        help="Make an alternate install, installing only the X.Y versioned scripts (Default: pipX, pipX.Y).")
    parser.add_argument("--default-pip", action="store_true", default=False,
                        help="Make a default pip install, installing the unqualified pip in addition to the versioned scripts.")
    options = parser.parse_args(argv)
    bootstrap(root=options.root, upgrade=options.upgrade, user=options.user, altinstall=options.altinstall,
              default_pip=options.default_pip, verbosity=options.verbosity)
