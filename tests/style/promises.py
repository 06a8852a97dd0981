"""Checks that the tests that the documents name exist.

    python3 promises.py REPO BUILD

A document names a test as `c.cancel`, or a single case of it as `c.cancel/CASE`.
"""

import re
import sys
from pathlib import Path

DOCUMENTS = ["docs/reliability.md", "SECURITY.md"]

# The folders that define the cases of tests, by the prefix of the test's name.
HOMES = {"hostile": "tests/hostile", "faults": "tests/faults", "oauth": "tests/oauth/scripted", "c": "tests/c"}

NAMED = re.compile(r"`((?:[a-z]+)\.[a-z0-9_-]+)(?:/([a-z0-9_]+))?`")
ADDED = re.compile(r"^add_test\((?:\[=*\[)?([\w.-]+)", re.MULTILINE)
DEFINITION = r"^(?:def|static void|static void \*) ?\*?{}\("


def main() -> None:
    repo = Path(sys.argv[1])
    # Do not run ctest here: it would overwrite the log of the ctest run of which this test is a part.
    files = Path(sys.argv[2]).rglob("CTestTestfile.cmake")
    tests = {name for file in files for name in ADDED.findall(file.read_text())}
    wrong, seen = [], 0
    for document in DOCUMENTS:
        for test, case in NAMED.findall((repo / document).read_text()):
            if test.split(".")[1] in ("h", "hpp", "c", "md", "py", "toml"):
                continue  # the name of a file, not of a test
            seen += 1
            if test not in tests:
                wrong.append(f"{document}: the test {test} does not exist")
            elif case and not has_case(repo, test, case):
                wrong.append(f"{document}: the test {test} has no case {case}")
    if not seen:
        wrong.append("no names of tests found in the documents: has the format of the names changed?")
    print("\n".join(wrong) or f"all {seen} tests that the documents name exist")
    sys.exit(1 if wrong else 0)


def has_case(repo: Path, test: str, case: str) -> bool:
    kind, subject = test.split(".", 1)
    home = repo / HOMES[kind]
    files = [home / f"{subject}.py", home / f"{subject}.c"]
    definition = re.compile(DEFINITION.format(re.escape(case)), re.MULTILINE)
    return any(file.is_file() and definition.search(file.read_text()) for file in files)


main()
