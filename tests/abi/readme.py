"""Fails unless the README contains exactly the given example programs, which the tests build and run."""

import argparse
import re
import sys
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("readme", type=Path)
parser.add_argument("examples", nargs="+", metavar="LANGUAGE=FILE")
options = parser.parse_args()

shown = dict(re.findall(r"^```(c|cpp|go|swift)\n(.*?)^```$", options.readme.read_text(), re.M | re.S))
problems = []
for example in options.examples:
    language, _, file = example.partition("=")
    if shown.pop(language, None) != Path(file).read_text():
        problems.append(f"the README does not show {file} under ```{language}")
problems += [f"the README shows a program under ```{language} that is not a tested example" for language in shown]
sys.exit("\n".join(problems) or None)
