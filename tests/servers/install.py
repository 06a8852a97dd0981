"""Install real MCP servers into the cache: install.py NAME...

Names: a file of requirements/ (a Python venv), or `everything` (npm). What is already there is
left alone.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import cache

HERE = Path(__file__).resolve().parent


def run(*words: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(words, check=True, cwd=cwd, stdin=subprocess.DEVNULL)


def venv(name: str) -> Path:
    lock = HERE / "requirements" / f"{name}.txt"

    def make(folder: Path) -> None:
        run(sys.executable, "-m", "venv", folder)
        python = folder / "bin/python"
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", lock)
        run(python, "-m", "pip", "check")

    return cache.made(name, sys.version.encode() + lock.read_bytes(), make)


def npm(name: str) -> Path:
    files = [HERE / name / "package.json", HERE / name / "package-lock.json"]

    def make(folder: Path) -> None:
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)

    return cache.made(name, b"".join(file.read_bytes() for file in files), make)


def installed(name: str) -> Path:
    """The folder of the installed server `name`."""
    return npm(name) if (HERE / name).is_dir() else venv(name)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(installed(name))
