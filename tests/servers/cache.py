"""The cache folder for everything that the tests download: <repo>/.cache, or $LIBMCP_CACHE.

Each thing in it is made once, under a file lock, and carries the hash of its recipe: a changed
recipe or an interrupted making makes it anew. That is the work of the build target `prepare`: a test
run (LIBMCP_PREPARED=1 in the environment) only uses what is there.
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
    """The folder `name`, made by `make(folder)` unless it is already there for this recipe."""
    folder, stamp = CACHE / name, CACHE / f"{name}.stamp"
    CACHE.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(recipe).hexdigest()
    with open(CACHE / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == digest and folder.is_dir():
            return folder
        if os.environ.get("LIBMCP_PREPARED") == "1":
            raise SystemExit(f"{name} is missing or out of date: cmake --build --preset prepare makes it")
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        started = time.monotonic()
        make(folder)
        stamp.write_text(digest)
        print(f"{name}: made in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return folder
