# isort
import isort
assert isort.code("import sys\nimport os\nfrom a import c, b\n") == "import os\nimport sys\n\nfrom a import b, c\n"
