"""Checks the format of C and C++ files; `--fix` mends it.

    python3 tests/style/clang_format.py [--fix] [REPOSITORY]

Every version of clang-format formats a little differently, so it must be this one. Where the machine has another or none,
it is installed from PyPI into .cache (or $LIBMCP_CACHE).
"""

import os
import shutil
import subprocess
import sys

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


def clang_format(repository):
    found = shutil.which("clang-format")
    if found and is_right(found):
        return found
    cache = os.environ.get("LIBMCP_CACHE") or os.path.join(repository, ".cache")
    venv = os.path.join(cache, f"clang-format-{VERSION}")
    program = os.path.join(venv, "bin", "clang-format")
    if not is_right(program):
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        subprocess.run([os.path.join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check",
                        f"clang-format=={VERSION}"], check=True)
    return program


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
    fix = "--fix" in arguments
    rest = [argument for argument in arguments if argument != "--fix"]
    repository = os.path.abspath(rest[0] if rest else os.path.join(os.path.dirname(__file__), "..", ".."))
    how = ["-i"] if fix else ["--dry-run", "--Werror"]
    command = [clang_format(repository), *how, "--style=file", *files(repository)]
    return subprocess.run(command, cwd=repository).returncode


sys.exit(main())
