"""Finds out what the sources of a package contain besides safe Rust."""

import re
from pathlib import Path

# Tests, examples and benchmarks are not linked into the library.
NOT_LINKED = ("tests", "test", "examples", "benches", "benchmarks", "fuzz", "bench", "build.rs")
WITHOUT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"', re.S)
UNSAFE = re.compile(r"\bunsafe\s*(\{|fn\b|impl\b|extern\b)")
ASSEMBLY = (".S", ".s", ".asm", ".pl")
C = (".c", ".cc", ".cpp")


def files(package, *endings):
    folder = Path(package["manifest_path"]).parent
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix in endings and inside.parts[0] not in NOT_LINKED and "tests" not in inside.parts:
            yield path


def has_unsafe(package):
    return any(UNSAFE.search(WITHOUT.sub("", path.read_text(errors="replace"))) for path in files(package, ".rs"))


def described(package):
    """The description for the table: "unsafe", "C", "assembly", a combination of them, or "-"."""
    words = ["unsafe"] * has_unsafe(package)
    words += ["C"] * any(True for _ in files(package, *C))
    words += ["assembly"] * any(True for _ in files(package, *ASSEMBLY))
    return ", ".join(words) or "-"
