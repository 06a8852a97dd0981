"""Checks the format of C and C++ files; `--fix` formats them.

    python3 tests/style/clang_format.py [--fix] [REPOSITORY]

Versions of clang-format differ slightly in their output, so the version is pinned. If the machine does not have this
version, it is installed from PyPI into the cache of the tests. `--prepare` does only that.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "servers"))
import cache  # noqa: E402

VERSION = "19.1.7"
FOLDERS = ("examples", "tests", "include", "bindings", "bench", "fuzz")
ENDINGS = (".c", ".h", ".hpp", ".cpp")
GENERATED = ("include/mcp.h",)


def is_right(program):
    try:
        text = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    except OSError:
        return False
    return f"version {VERSION}" in text


def make(folder):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"clang-format=={VERSION}"], check=True)


def clang_format():
    found = shutil.which("clang-format")
    if found and is_right(found):
        return found
    recipe = f"{sys.version} {VERSION}".encode()
    return str(cache.made(f"clang-format-{VERSION}", recipe, make) / "bin/clang-format")


def files(repository):
    for folder in FOLDERS:
        for root, folders, names in os.walk(os.path.join(repository, folder)):
            folders[:] = [name for name in folders if name not in ("target", "node_modules", ".build", "build")]
            for name in sorted(names):
                path = os.path.relpath(os.path.join(root, name), repository)
                if name.endswith(ENDINGS) and path not in GENERATED:
                    yield path


def main():
    arguments = sys.argv[1:]
    if arguments == ["--prepare"]:
        print(clang_format())
        return 0
    fix = "--fix" in arguments
    rest = [argument for argument in arguments if argument != "--fix"]
    repository = os.path.abspath(rest[0] if rest else os.path.join(os.path.dirname(__file__), "..", ".."))
    how = ["-i"] if fix else ["--dry-run", "--Werror"]
    command = [clang_format(), *how, "--style=file", *files(repository)]
    return subprocess.run(command, cwd=repository).returncode


sys.exit(main())
