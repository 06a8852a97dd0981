"""Runs staticcheck on the Go module in the current folder, with the pinned version in the tests' cache.

With --prepare, it only installs staticcheck there and prints the folder.
"""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "servers"))
import cache  # noqa: E402

PACKAGE = "honnef.co/go/tools/cmd/staticcheck@v0.8.2"


def install(folder: Path) -> None:
    folder.mkdir(parents=True)
    environment = os.environ | {"GOBIN": str(folder), "GOFLAGS": "", "CGO_ENABLED": "0"}
    subprocess.run(["go", "install", PACKAGE], check=True, env=environment)


def main() -> None:
    version = subprocess.run(["go", "env", "GOVERSION"], check=True, capture_output=True).stdout
    folder = cache.made("staticcheck", PACKAGE.encode() + version, install)
    if sys.argv[1:] == ["--prepare"]:
        return print(folder)
    sys.exit(subprocess.run([folder / "staticcheck", "-checks=all,-ST1000", "./..."]).returncode)


main()
