"""The cache folder for everything that the tests download: <repo>/.cache, or $LIBMCP_CACHE.

Each entry is created once, under a file lock, and stored with the hash of its recipe. It is created again if the recipe
changed or if the creation was interrupted. The build target `prepare` does that; a test run (LIBMCP_PREPARED=1 in the
environment) only uses existing entries.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("LIBMCP_CACHE") or REPO / ".cache").resolve()


def made(name: str, recipe: bytes, make: Callable[[Path], None]) -> Path:
    """Returns the folder `name`. `make(folder)` creates it unless it exists with this recipe."""
    folder, stamp = CACHE / name, CACHE / f"{name}.stamp"
    CACHE.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(recipe).hexdigest()
    with open(CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == digest and folder.is_dir():
            return folder
        if os.environ.get("LIBMCP_PREPARED") == "1":
            raise SystemExit(f"{name} is missing or out of date: run `cmake --build --preset prepare`")
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        started = time.monotonic()
        make(folder)
        stamp.write_text(digest)
        print(f"{name}: prepared in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return folder
