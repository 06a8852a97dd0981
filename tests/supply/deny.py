"""deny.py: runs cargo-deny with the rules of deny.toml, for the library, its tests, the fuzzers and the benchmarks.

Licenses, duplicate versions and sources are always checked. Known vulnerabilities are checked only if the database was
downloaded before (`cargo deny fetch`, which needs a network); otherwise a message says that they were not checked.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tools import REPO, venv

# The workspaces with a separate lock file. The fuzzers and benchmarks are not distributed: only the sources of their
# dependencies are checked, not the licenses.
WORKSPACES = [
    ("Cargo.toml", ["licenses", "bans", "sources"]),
    ("fuzz/Cargo.toml", ["sources"]),
    ("bench/pure/Cargo.toml", ["sources"]),
]


# The oldest version that supports the format of deny.toml.
OLDEST = (0, 18)


def version(deny):
    return subprocess.run([deny, "--version"], check=True, capture_output=True, text=True).stdout.strip()


def program():
    found = shutil.which("cargo-deny")
    if found and tuple(map(int, re.findall(r"\d+", version(found))[:2])) >= OLDEST:
        return found
    return str(venv("deny") / "cargo-deny")


def database():
    """Whether the database of advisories has been downloaded."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    return any(home.glob("advisory-db*/*"))


def main():
    deny = program()
    print(f"{version(deny)}: {deny}")
    failed = False
    for manifest, checks in WORKSPACES:
        if not (REPO / manifest).exists():
            continue
        # --locked: an outdated lock file is a failure, too.
        options = ["--locked", "--manifest-path", REPO / manifest, "--config", REPO / "deny.toml"]
        if manifest == "Cargo.toml" and database():
            checks = [*checks, "advisories"]
            options.append("--offline")
        command = [deny, *options, "check", "--hide-inclusion-graph", *checks]
        outcome = subprocess.run(command)
        print(f"{manifest}: {', '.join(checks)}: {'ok' if outcome.returncode == 0 else 'FAILED'}", flush=True)
        failed |= outcome.returncode != 0
    if not database():
        print("advisories: NOT CHECKED, because the database is not installed; run `cargo deny check advisories`")
    return failed


sys.exit(main())
