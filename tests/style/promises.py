"""Documents name tests: those have to be there.

    python3 promises.py REPO BUILD

A document says `hostile.kept`, or `hostile.kept/behind_the_head` where it means one case of that test.
"""

import re
import sys
from pathlib import Path

DOCUMENTS = ["docs/reliability.md", "SECURITY.md"]

# Where the cases of a test are defined, by what its name begins with.
HOMES = {"hostile": "tests/hostile", "faults": "tests/faults", "c": "tests/c"}

NAMED = re.compile(r"`((?:[a-z]+)\.[a-z0-9_-]+)(?:/([a-z0-9_]+))?`")
ADDED = re.compile(r"^add_test\((?:\[=*\[)?([\w.-]+)", re.MULTILINE)
DEFINITION = r"^(?:def|static void|static void \*) ?\*?{}\("


def main() -> None:
    repo = Path(sys.argv[1])
    # Not by ctest itself, which would write over the log of the run that this is a part of.
    files = Path(sys.argv[2]).rglob("CTestTestfile.cmake")
    tests = {name for file in files for name in ADDED.findall(file.read_text())}
    wrong, seen = [], 0
    for document in DOCUMENTS:
        for test, case in NAMED.findall((repo / document).read_text()):
            if test.split(".")[1] in ("h", "hpp", "c", "md", "py", "toml"):
                continue  # a file
            seen += 1
            if test not in tests:
                wrong.append(f"{document}: there is no test {test}")
            elif case and not has_case(repo, test, case):
                wrong.append(f"{document}: {test} has no case {case}")
    if not seen:
        wrong.append("no test is named anywhere: has the form of the names changed?")
    print("\n".join(wrong) or f"{seen} names of tests, and all are there")
    sys.exit(1 if wrong else 0)


def has_case(repo: Path, test: str, case: str) -> bool:
    kind, subject = test.split(".", 1)
    home = repo / HOMES[kind]
    files = [home / f"{subject}.py", home / f"{subject}.c"]
    definition = re.compile(DEFINITION.format(re.escape(case)), re.MULTILINE)
    return any(file.is_file() and definition.search(file.read_text()) for file in files)


main()
