"""Runs a Python program that loads a library with the address sanitizer.

    python3 preloaded.py RUNTIME PROGRAM ARGUMENT...

The interpreter itself is not instrumented, so RUNTIME, the sanitizer's runtime, must be preloaded. This program does
that, because it knows the real interpreter: `python3` may be a shell script, which would preload the runtime too.
"""

import os
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve()

# The additional time in which a call may end, in milliseconds: an instrumented library is slower.
GRACE = 5000


def begin(runtime: str) -> None:
    """Starts this program again with the sanitizer's runtime."""
    settings = {
        "LD_PRELOAD": runtime,
        # The sanitizer stores a stack for each allocation, and Python's stacks are deep: limit their size.
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:malloc_context_size=8",
        "LSAN_OPTIONS": f"suppressions={HERE.with_name('python.supp')}:print_suppressions=0",
    }
    os.execve(sys.executable, [sys.executable, str(HERE), *sys.argv[1:]], os.environ | settings)


def run(program: Path) -> None:
    # Processes that the program starts do not inherit the runtime.
    del os.environ["LD_PRELOAD"]
    sys.argv = sys.argv[2:]
    sys.path[0] = str(program.parent)
    if program.parent.name in ("hostile", "scripted"):
        sys.path.insert(1, str(HERE.parents[1] / "hostile"))
        import harness

        harness.GRACE = GRACE
    runpy.run_path(str(program), run_name="__main__")


if os.environ.get("LD_PRELOAD") != sys.argv[1]:
    begin(sys.argv[1])
run(Path(sys.argv[2]))
