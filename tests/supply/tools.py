"""Installs the tools of these checks into the cache, with pip and at pinned versions: tools.py NAME..."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "servers"))

import cache  # noqa: E402


def venv(name):
    """Returns the folder with the programs of requirements/NAME.txt; installs them if necessary."""
    lock = HERE / "requirements" / f"{name}.txt"

    def make(folder):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "-r", lock], check=True)

    return cache.made(f"supply-{name}", sys.version.encode() + lock.read_bytes(), make) / "bin"


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print(venv(each))
