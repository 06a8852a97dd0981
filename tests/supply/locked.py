"""locked.py: checks that all calls of cargo use --locked, so that only the versions of the lock file are built.

Checks the CMake files, the CI script, and the Python programs of the tests, the fuzzers and the benchmark.
"""

import ast
import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
SKIPPED = {".cache", ".git", "target", "node_modules", "build"}

# cargo commands that do not use dependencies.
HARMLESS = ("fmt", "--version", "-V", "locate-project")
VERB = r"(build|test|check|clippy|run|bench|doc|metadata|tree|install|rustc|update|fetch)\b"


def files(*patterns):
    for pattern in patterns:
        for path in sorted(REPO.rglob(pattern)):
            if not SKIPPED & set(path.relative_to(REPO).parts):
                yield path


def in_text(text):
    """The lines of a CMake file or shell script that call cargo. Calls must be on one line."""
    call = re.compile(r'(?:CARGO\}"?|mcp_cargo_test\(\S+ \S+|^\s*(?:exec )?cargo(?: \+\S+)?)\s+' + VERB)
    for number, line in enumerate(text.splitlines(), 1):
        if not line.lstrip().startswith("#") and call.search(line):
            yield number, line.strip(), "--locked" in line


def is_cargo(node):
    name = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
    return name == "cargo" or getattr(node, "attr", None) == "cargo" or getattr(node, "id", None) in ("cargo", "CARGO")


def in_python(text):
    """The commands in a Python program that call cargo: lists whose first element is cargo."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.List) and node.elts and is_cargo(node.elts[0]):
            words = [word.value for word in node.elts if isinstance(word, ast.Constant)]
            if not any(word in HARMLESS for word in words):
                yield node.lineno, " ".join(map(str, words)), "--locked" in words


def found():
    for path in [*files("CMakeLists.txt", "*.cmake", "*.sh"), REPO / ".ci" / "run"]:
        for number, line, good in in_text(path.read_text()):
            yield path, number, line, good
    for path in files("*.py"):
        if path != Path(__file__).resolve():
            for number, line, good in in_python(path.read_text()):
                yield path, number, line, good


def test_parsers():
    assert [good for *_, good in in_text('execute_process(COMMAND "${CARGO}" build --lib)')] == [False]
    assert [good for *_, good in in_text("mcp_cargo_test(rust.test rust test --locked)")] == [True]
    assert [good for *_, good in in_text("cargo test --workspace")] == [False]
    assert [good for *_, good in in_python('run(["cargo", "build", "-j", n])')] == [False]
    assert [good for *_, good in in_python('[given.cargo, *words, "--locked"]')] == [True]
    assert not list(in_python('["cargo", "fmt"]'))


def main():
    test_parsers()
    calls = list(found())
    wrong = [call for call in calls if not call[3]]
    for path, number, line, _ in wrong:
        print(f"{path.relative_to(REPO)}:{number}: without --locked: {line}")
    for manifest in ["Cargo.toml", "fuzz/Cargo.toml", "bench/pure/Cargo.toml", "bench/server/Cargo.toml"]:
        lock = (REPO / manifest).with_name("Cargo.lock")
        if (REPO / manifest).exists() and not lock.exists():
            wrong.append(lock)
            print(f"{lock.relative_to(REPO)} is missing")
    print(f"{len(calls)} calls of cargo")
    assert len(calls) > 6, "too few calls found: has the form of the calls changed?"
    return 1 if wrong else 0


sys.exit(main())
