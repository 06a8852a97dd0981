"""Runs a Python program whose library is watched by the address sanitizer.

    python3 preloaded.py RUNTIME PROGRAM ARGUMENT...

The interpreter itself is not watched, so the sanitizer's runtime is put before it. That is done here, for the real
interpreter: a wrapper in a shell would get it as well.
"""

import os
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).resolve()

# How much later than it should a call may end, in milliseconds: a watched library takes longer for everything.
GRACE = 5000


def begin(runtime: str) -> None:
    """Once more, with the sanitizer."""
    settings = {
        "LD_PRELOAD": runtime,
        # Python's stacks are deep, and every allocation is noted with its own.
        "ASAN_OPTIONS": "detect_stack_use_after_return=1:malloc_context_size=8",
        "LSAN_OPTIONS": f"suppressions={HERE.with_name('python.supp')}:print_suppressions=0",
    }
    os.execve(sys.executable, [sys.executable, str(HERE), *sys.argv[1:]], os.environ | settings)


def run(program: Path) -> None:
    # What the program starts is watched where it says so itself.
    del os.environ["LD_PRELOAD"]
    sys.argv = sys.argv[2:]
    sys.path[0] = str(program.parent)
    if program.with_name("harness.py").exists():
        import harness

        harness.GRACE = GRACE
    runpy.run_path(str(program), run_name="__main__")


if os.environ.get("LD_PRELOAD") != sys.argv[1]:
    begin(sys.argv[1])
run(Path(sys.argv[2]))
