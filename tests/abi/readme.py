"""Compile and link the first C program of the README, as somebody would who copies it from there."""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("readme", type=Path)
parser.add_argument("--cc", required=True)
parser.add_argument("--include", required=True)
parser.add_argument("--library", required=True)
options = parser.parse_args()

program = re.search(r"^```c\n(.*?)^```$", options.readme.read_text(), re.MULTILINE | re.DOTALL)
if not program:
    sys.exit("the README holds no C program")
with tempfile.TemporaryDirectory() as folder:
    source = Path(folder, "readme.c")
    source.write_text(program[1])
    strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    link = [f"-I{options.include}", f"-L{options.library}", "-lmcp", "-o", str(Path(folder, "readme"))]
    sys.exit(subprocess.run([options.cc, *strict, str(source), *link]).returncode)
