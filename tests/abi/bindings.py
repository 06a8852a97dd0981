"""Holds the C API against each binding: every function that the library exports and every number of the header's enums is used
in the binding's code, or stands in bindings.txt with the reason why not.

    bindings.py --header mcp.h --symbols symbols.txt --exempt bindings.txt --root REPOSITORY
"""

import argparse
import re
import sys
from pathlib import Path

# Where the code of a binding is, and what of it are tests.
BINDINGS = {
    "cpp": ("include", ["mcp.hpp"], ""),
    "go": ("bindings/go", ["**/*.go", "**/*.c", "**/*.h"], "_test.go"),
    "swift": ("bindings/swift/Sources/MCP", ["**/*.swift"], ""),
}

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
# cgo takes the comment in front of `import "C"` for C code.
PREAMBLE = re.compile(r'(/\*(?:(?!\*/).)*\*/|(?://[^\n]*\n)+)\s*import "C"', re.S)


def code(text):
    """The text without its comments, but with the C code that cgo keeps in one."""
    preambles = [COMMENT.sub("", re.sub(r"^\s*(?://|/\*)|\*/", "", found, flags=re.M)) for found in PREAMBLE.findall(text)]
    return "\n".join([COMMENT.sub("", text), *preambles])


def used(root, folder, patterns, tests):
    """The names of the C API in a binding's code."""
    names = set()
    for pattern in patterns:
        for path in (root / folder).glob(pattern):
            if not (tests and path.name.endswith(tests)):
                names |= set(re.findall(r"\b(?:mcp|MCP)_\w+", code(path.read_text(encoding="utf-8"))))
    return names


def listed(path):
    """The lines of a list, without remarks, taken apart."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split(maxsplit=2) for line in lines if line.strip() and not line.startswith("#")]


def main():
    parser = argparse.ArgumentParser()
    for option in ("--header", "--symbols", "--exempt", "--root"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args()

    functions = [words[0] for words in listed(args.symbols)]
    numbers = re.findall(r"^\s+(MCP_\w+) = \d+,$", args.header.read_text(encoding="utf-8"), re.M)
    assert len(functions) > 60 and len(numbers) > 50, "the lists of the C API cannot be read"

    exempt = {binding: {} for binding in BINDINGS}
    problems = []
    for words in listed(args.exempt):
        if len(words) < 3:
            problems.append(f"bindings.txt: {' '.join(words)} has no reason")
            continue
        exempt[words[0]][words[1]] = words[2]

    for binding, where in BINDINGS.items():
        names = used(args.root, *where)
        for name in functions + numbers:
            if name not in names and name not in exempt[binding]:
                problems.append(f"{binding} does not use {name}")
        for name in exempt[binding]:
            if name in names:
                problems.append(f"bindings.txt: {binding} does use {name}")
            if name not in functions + numbers:
                problems.append(f"bindings.txt: there is no {name}")
        count = len([name for name in functions if name in names])
        print(f"{binding}: {count} of {len(functions)} functions, {len(exempt[binding])} exempt")
    sys.exit("\n".join(problems) or None)


main()
