"""Fails where gofmt would change a file below the folders that it is given."""

import subprocess
import sys

changed = subprocess.run(["gofmt", "-l", *sys.argv[1:]], check=True, capture_output=True, text=True).stdout
print(changed, end="")
sys.exit("gofmt would change these" if changed else None)
