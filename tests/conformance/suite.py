"""suite.py: installs the official conformance suite into the cache, together with a Node.js that can run it.

The suite needs Node.js 22, so it does not use the machine's Node.js. package-lock.json pins the versions of both.
"""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))

import cache  # noqa: E402

SCENARIOS = HERE / "scenarios.txt"


def installed() -> Path:
    files = [HERE / "package.json", HERE / "package-lock.json"]

    def make(folder: Path) -> None:
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(words, check=True, cwd=folder, stdin=subprocess.DEVNULL)

    return cache.made("conformance", b"".join(file.read_bytes() for file in files), make)


def command(*words: str) -> list[str]:
    """The command that runs the suite with the arguments `words`."""
    modules = installed() / "node_modules"
    nodes = sorted(modules.glob("node-linux-*/bin/node"))
    if not nodes:
        raise SystemExit("no Node.js 22 for this architecture: add its package to tests/conformance/package.json")
    return [str(nodes[0]), str(modules / "@modelcontextprotocol/conformance/dist/index.js"), *words]


def planned() -> dict[str, tuple[str, set[str]]]:
    """Reads scenarios.txt: for each scenario its plan (run, later or never) and its revisions."""
    table = {}
    for line in SCENARIOS.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        plan, name, revisions = words[0], words[1], words[2:]
        if plan not in ("run", "later", "never") or not revisions or name in table:
            raise SystemExit(f"{SCENARIOS.name}: invalid or duplicate entry: {line}")
        table[name] = (plan, set(revisions))
    return table


if __name__ == "__main__":
    print(installed())
