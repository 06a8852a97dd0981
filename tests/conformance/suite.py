"""suite.py: installs the official conformance suite into the cache, and a Node that can run it.

The suite needs Node 22; the one that is installed with it is used, not the machine's. Both are pinned by
package-lock.json.
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
    """The suite's command line program with `words`."""
    modules = installed() / "node_modules"
    nodes = sorted(modules.glob("node-linux-*/bin/node"))
    if not nodes:
        raise SystemExit("no Node 22 for this kind of machine: add its package to tests/conformance/package.json")
    return [str(nodes[0]), str(modules / "@modelcontextprotocol/conformance/dist/index.js"), *words]


def ours() -> dict[str, tuple[str, set[str]]]:
    """scenarios.txt: what becomes of each scenario, and the revisions."""
    table = {}
    for line in SCENARIOS.read_text().splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        fate, name, revisions = words[0], words[1], words[2:]
        if fate not in ("run", "later", "never") or not revisions or name in table:
            raise SystemExit(f"{SCENARIOS.name}: cannot be read: {line}")
        table[name] = (fate, set(revisions))
    return table


if __name__ == "__main__":
    print(installed())
