"""Checks that each binding covers the C API.

The binding's code must use each exported function and each enumerator of the header, or bindings.txt must list it with
a reason.

    bindings.py --header mcp.h --symbols symbols.txt --exempt bindings.txt --root REPOSITORY
"""

import argparse
import re
import sys
from pathlib import Path

# The folder of a binding's code, its file patterns, and the suffix of its test files.
BINDINGS = {
    "cpp": ("include", ["*.hpp"], ""),
    "go": ("bindings/go", ["**/*.go", "**/*.c", "**/*.h"], "_test.go"),
    "swift": ("bindings/swift/Sources/LibMCP", ["**/*.swift"], ""),
}

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
# cgo compiles the comment before `import "C"` as C code.
PREAMBLE = re.compile(r'(/\*(?:(?!\*/).)*\*/|(?://[^\n]*\n)+)\s*import "C"', re.S)


def code(text):
    """The text without comments, but with the C code that cgo reads from a comment."""
    preambles = [re.sub(r"^\s*(?://|/\*)|\*/", "", found, flags=re.M) for found in PREAMBLE.findall(text)]
    preambles = [COMMENT.sub("", preamble) for preamble in preambles]
    return "\n".join([COMMENT.sub("", text), *preambles])


def used(root, folder, patterns, tests):
    """The names of the C API that occur in a binding's code."""
    names = set()
    for pattern in patterns:
        for path in (root / folder).glob(pattern):
            if not (tests and path.name.endswith(tests)):
                names |= set(re.findall(r"\b(?:mcp|MCP)_\w+", code(path.read_text(encoding="utf-8"))))
    return names


def listed(path):
    """The lines of a list without comments, split into words."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split(maxsplit=2) for line in lines if line.strip() and not line.startswith("#")]


def main():
    parser = argparse.ArgumentParser()
    for option in ("--header", "--symbols", "--exempt", "--root"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args()

    functions = [words[0] for words in listed(args.symbols)]
    numbers = re.findall(r"^\s+(MCP_\w+) = \d+,$", args.header.read_text(encoding="utf-8"), re.M)
    assert len(functions) > 60 and len(numbers) > 50, "the header or symbols.txt has a new format"

    exempt = {binding: {} for binding in BINDINGS}
    problems = []
    for words in listed(args.exempt):
        if len(words) < 3:
            problems.append(f"bindings.txt: {' '.join(words)} lacks a reason")
            continue
        exempt[words[0]][words[1]] = words[2]

    for binding, where in BINDINGS.items():
        names = used(args.root, *where)
        for name in functions + numbers:
            if name not in names and name not in exempt[binding]:
                problems.append(f"{binding} does not use {name}")
        for name in exempt[binding]:
            if name in names:
                problems.append(f"bindings.txt lists {name}, but {binding} uses it")
            if name not in functions + numbers:
                problems.append(f"bindings.txt lists {name}, which is not in the C API")
        count = len([name for name in functions if name in names])
        print(f"{binding}: {count} of {len(functions)} functions, {len(exempt[binding])} exempt")
    sys.exit("\n".join(problems) or None)


main()
