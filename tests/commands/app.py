"""A command for the tests of `component_command`, made a component by componentize-py."""

import os
import sys

from wit_world import exports


class Run(exports.Run):
    def run(self):
        what = sys.argv[1] if len(sys.argv) > 1 else ""
        if what == "fail":
            sys.exit(3)
        if what == "raise":
            raise ValueError("on purpose")
        with open("in.txt") as file:
            text = file.read().strip()
        with open("/tmp/out.txt", "w") as file:
            file.write(os.environ["WORD"])
        print(text, len(sys.stdin.read()), sorted(os.listdir(".")))
