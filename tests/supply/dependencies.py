"""dependencies.py [--fix]: compares the tables of docs/dependencies.md with the packages that cargo builds.

Each package in the library must have a row, and no others. The columns version, license, and code besides safe Rust
must be correct; `--fix` updates these three. The reason for each package must be written by hand.
"""

import re
import sys
import tomllib

from graph import REPO, Graph, license_of
from inside import described

DOCUMENT = REPO / "docs" / "dependencies.md"
ROW = re.compile(r"^\| ([\w-]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$")


def tables(text):
    """The rows by section: {title: {package: line number}}."""
    sections, title = {}, ""
    for number, line in enumerate(text.splitlines()):
        if line.startswith("## "):
            title = line[3:]
        elif (row := ROW.match(line)) and row[1] != "Package":
            sections.setdefault(title, {})[row[1]] = number
    return sections


def fixed(line, package):
    name, *_, why, trusted = ROW.match(line).groups()
    return f"| {name} | {package['version']} | {license_of(package)} | {described(package)} | {why} | {trusted} |"


def main():
    graph = Graph()
    # If there are two versions of a package, use the version that the library needs.
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
        problems += [f'{name} has no row in "{title}"' for name in sorted(names - set(rows))]
        problems += [f'{name} does not belong in "{title}"' for name in sorted(set(rows) - names)]
        for name in sorted(names & set(rows)):
            line, expected = lines[rows[name]], fixed(lines[rows[name]], packages[name])
            if line != expected and "--fix" not in sys.argv:
                problems.append(f"found     {line}\n  expected  {expected}")
            lines[rows[name]] = expected
            *_, why, trusted = ROW.match(expected).groups()
            if not why.strip() or not trusted.strip():
                problems.append(f"{name}: its row must say why it is needed, and what it is trusted with")
    if "--fix" in sys.argv:
        DOCUMENT.write_text("\n".join(lines) + "\n")
    for problem in problems:
        print(problem)
    print(f"{len(linked)} packages in the library, {len(direct)} of them direct; {graph.target}")
    return 1 if problems else 0


sys.exit(main())
