"""Fails if a program depends on a shared library whose name starts with the argument of --without."""

import argparse
import re
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--without", required=True)
parser.add_argument("program")
args = parser.parse_args()
dynamic = subprocess.run(["readelf", "--dynamic", args.program], check=True, capture_output=True, text=True).stdout
needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
print("depends on", ", ".join(needed))
sys.exit(any(name.startswith(args.without) for name in needed))
