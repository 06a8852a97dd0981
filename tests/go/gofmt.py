"""gofmt.py FOLDER...: fails if gofmt would change a file in these folders."""

import subprocess
import sys

changed = subprocess.run(["gofmt", "-l", *sys.argv[1:]], check=True, capture_output=True, text=True).stdout
print(changed, end="")
sys.exit("gofmt would change these files" if changed else None)
