"""The paths of the benchmark."""

import os
from pathlib import Path

BENCH = Path(__file__).resolve().parent.parent
REPO = BENCH.parent
CLIENTS = BENCH / "clients"
# The folder for everything that is built or downloaded, as for the tests: <repo>/.cache, or $LIBMCP_CACHE.
CACHE = Path(os.environ.get("LIBMCP_CACHE") or REPO / ".cache").resolve()
BUILT = CACHE / "bench"
RESULTS = BENCH / "RESULTS.md"
PLOT = BENCH / "results.svg"
