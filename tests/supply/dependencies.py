"""dependencies.py [--fix]: holds the tables of docs/dependencies.md against what cargo builds.

Every package that is in the library has a row, and no other one; versions, licences, and what there is besides safe
Rust are right. `--fix` writes those three columns; why a package is there, people have to say.
"""

import re
import sys
import tomllib

from graph import REPO, Graph, licence
from inside import described

DOCUMENT = REPO / "docs" / "dependencies.md"
ROW = re.compile(r"^\| ([\w-]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$")


def tables(text):
    """The rows by section: the name, and the line's number."""
    sections, title = {}, ""
    for number, line in enumerate(text.splitlines()):
        if line.startswith("## "):
            title = line[3:]
        elif (row := ROW.match(line)) and row[1] != "Package":
            sections.setdefault(title, {})[row[1]] = number
    return sections


def fixed(line, package):
    name, *_, why, trusted = ROW.match(line).groups()
    return f"| {name} | {package['version']} | {licence(package)} | {described(package)} | {why} | {trusted} |"


def main():
    graph = Graph()
    # Of two versions, the one that the library needs.
    packages = {package["name"]: package for package in graph.packages.values()}
    packages |= {graph.packages[id]["name"]: graph.packages[id] for id in graph.needed()}
    manifest = tomllib.loads((REPO / "Cargo.toml").read_text())
    linked = {graph.packages[id]["name"] for id in graph.linked() - {graph.root}}
    macros = {graph.packages[id]["name"] for id in graph.needed() - graph.linked()}
    direct = set(manifest["dependencies"])
    tools = set(manifest["build-dependencies"]) | set(manifest["dev-dependencies"])
    expected = [
        ("What the library asks for itself", direct),
        ("What comes with those", linked - direct),
        ("What builds and tests it", macros | tools),
    ]

    lines = DOCUMENT.read_text().splitlines()
    sections = tables("\n".join(lines))
    problems = []
    for title, names in expected:
        rows = sections.get(title, {})
        problems += [f'{name} has no row under "{title}"' for name in sorted(names - set(rows))]
        problems += [f'{name} does not belong under "{title}"' for name in sorted(set(rows) - names)]
        for name in sorted(names & set(rows)):
            line, right = lines[rows[name]], fixed(lines[rows[name]], packages[name])
            if line != right and "--fix" not in sys.argv:
                problems.append(f"it says  {line}\n  not       {right}")
            lines[rows[name]] = right
            *_, why, trusted = ROW.match(right).groups()
            if not why.strip() or not trusted.strip():
                problems.append(f"{name}: nobody says why it is there, or what it is trusted with")
    if "--fix" in sys.argv:
        DOCUMENT.write_text("\n".join(lines) + "\n")
    for problem in problems:
        print(problem)
    print(f"{len(linked)} packages in the library, {len(direct)} of them direct; {graph.target}")
    return 1 if problems else 0


sys.exit(main())
