"""deny.py: cargo-deny by the rules of deny.toml, for the library and what it is tested with.

Licences, duplicate versions and sources are checked always. Known vulnerabilities only where somebody has put the
database there before (`cargo deny fetch`, with a network): it is not downloaded here, and it is said that nobody looked.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools import REPO, venv

# The workspaces, each with a lock file of its own. What fuzzes and measures is linked by nobody: its licences do not
# matter, and where it comes from does.
WORKSPACES = [
    ("Cargo.toml", ["licenses", "bans", "sources"]),
    ("fuzz/Cargo.toml", ["sources"]),
    ("bench/pure/Cargo.toml", ["sources"]),
]


# The oldest that reads deny.toml as it is written.
OLDEST = (0, 18)


def version(deny):
    return subprocess.run([deny, "--version"], check=True, capture_output=True, text=True).stdout.strip()


def program():
    found = shutil.which("cargo-deny")
    if found and tuple(map(int, re.findall(r"\d+", version(found))[:2])) >= OLDEST:
        return found
    return str(venv("deny") / "cargo-deny")


def database():
    """Whether there is a copy of the advisories."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return any(home.glob("advisory-db*/*"))


def main():
    deny = program()
    print(f"{version(deny)}: {deny}")
    failed = False
    for manifest, checks in WORKSPACES:
        if not (REPO / manifest).exists():
            continue
        # A lock file that does not fit is a failure as well.
        options = ["--locked", "--manifest-path", REPO / manifest, "--config", REPO / "deny.toml"]
        if manifest == "Cargo.toml" and database():
            checks = [*checks, "advisories"]
            options.append("--offline")
        command = [deny, *options, "check", "--hide-inclusion-graph", *checks]
        outcome = subprocess.run(command)
        print(f"{manifest}: {', '.join(checks)}: {'well' if outcome.returncode == 0 else 'FAILED'}", flush=True)
        failed |= outcome.returncode != 0
    if not database():
        print("advisories: NOT CHECKED, for there is no database here; by hand: cargo deny check advisories")
    return failed


sys.exit(main())
