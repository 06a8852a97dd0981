"""Checks that docs/side_by_side.md shows the functions of the examples `basics` as they are, in all languages.

    python3 tests/style/side_by_side.py [--update] [REPOSITORY]

With --update, writes the page.
"""

import re
import sys
from pathlib import Path

PAGE = "docs/side_by_side.md"

# The language, its name for Markdown, the file, the first line of a function `{}`, and the last one.
C, CPP, GO, SWIFT, PYTHON = "C", "C++", "Go", "Swift", "FastMCP"
LANGUAGES = {
    PYTHON: ("python", "examples/basics.py", r"async def {}\(", None),
    C: ("c", "examples/basics.c", r"static \w+ {}\(", "}"),
    CPP: ("cpp", "examples/basics.cpp", r"void {}\(", "}"),
    GO: ("go", "examples/go/basics/main.go", r"func {}\(", "}"),
    SWIFT: ("swift", "examples/swift/basics/Sources/basics/main.swift", r"func {}\(", "}"),
}

# A title, and the functions in the spelling of C. A language may not need the first of two.
TASKS = (
    ("Ping the server", "ping"),
    ("Show the name and version of the server", "show_server"),
    ("List the tools", "list_tools"),
    ("Call a tool, and read its structured content", "call_tool"),
    ("Call a tool that fails", "see_tool_fail"),
    ("Read a resource", "read_resource"),
    ("Get a prompt", "get_prompt"),
    ("Show the progress of a call", "show", "watch_progress"),
    ("Answer an elicitation", "answer", "give_input"),
    ("Limit the time of a call", "limit_time"),
)

INTRODUCTION = """\
# Ten tasks in five languages

The functions of the examples `basics`: with FastMCP's client in [Python](../examples/basics.py), and with libmcp in
[C](../examples/basics.c), [C++](../examples/basics.cpp), [Go](../examples/go/basics/main.go) and
[Swift](../examples/swift/basics/Sources/basics/main.swift). All programs print the same lines: the tests
`*example.basics` and `swift.basics` run them against a FastMCP server, and compare their output with that of the Python
program. FastMCP's program uses the older protocol versions (`mode="legacy"`), because its `ping` needs them.

The longer programs are those in languages without exceptions. In C, `report` prints an error and frees it, `text` reads
a string that may be missing, and `print_result` prints the text of a result.

This page is generated from the programs: `python3 tests/style/side_by_side.py --update`.
"""


def spelled(name, language):
    """`call_tool`, or `callTool` in Go and Swift."""
    first, *others = name.split("_")
    return first + "".join(map(str.title, others)) if language in (GO, SWIFT) else name


def function(lines, start, end):
    """The lines of a function; none if there is no such function."""
    first = next((number for number, line in enumerate(lines) if re.match(start, line)), None)
    if first is None:
        return []
    if end is None:
        is_last = re.compile(r"\S").match
        after = next(number for number in range(first + 1, len(lines)) if is_last(lines[number]))
        return "\n".join(lines[first:after]).rstrip().split("\n")
    return lines[first : lines.index(end, first) + 1]


def code_of(repository):
    """{(title, language): the functions of the task, separated by an empty line}"""
    code = {}
    for language, (_, path, start, end) in LANGUAGES.items():
        lines = (repository / path).read_text().split("\n")
        for title, *names in TASKS:
            parts = [function(lines, start.format(spelled(name, language)), end) for name in names]
            if not parts[-1]:
                raise SystemExit(f"{path} has no function {spelled(names[-1], language)}")
            code[title, language] = "\n\n".join("\n".join(part) for part in parts if part)
    return code


def count(text):
    return sum(1 for line in text.split("\n") if line)


def page(repository):
    code = code_of(repository)
    rows = [[title, *(count(code[title, language]) for language in LANGUAGES)] for title, *_ in TASKS]
    rows.append(["Together", *(sum(row[column] for row in rows) for column in range(1, len(LANGUAGES) + 1))])
    table = [["Lines", *LANGUAGES], ["---", *["---:"] * len(LANGUAGES)], *rows]
    text = [INTRODUCTION, *(f"| {' | '.join(map(str, row))} |" for row in table)]
    for title, *_ in TASKS:
        text += ["", f"## {title}"]
        for language, (markdown, *_) in LANGUAGES.items():
            text += ["", f"{language}:", "", f"```{markdown}", code[title, language], "```"]
    return "\n".join(text) + "\n"


def main(arguments):
    update = arguments[:1] == ["--update"]
    rest = arguments[update:]
    repository = Path(rest[0]) if rest else Path(__file__).resolve().parents[2]
    expected, file = page(repository), repository / PAGE
    if update:
        file.write_text(expected)
    elif not file.exists() or file.read_text() != expected:
        print(f"{PAGE} is not up to date: run python3 tests/style/side_by_side.py --update")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
