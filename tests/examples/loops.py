"""loops.py glib|epoll PROGRAM STATE: runs an example with an event loop against server-everything."""

import json
import subprocess
import sys
from pathlib import Path

TIMEOUT_SECONDS = 60


def url(state: str) -> str:
    return json.loads(Path(state).read_text())["url"]


def run(program: str, *arguments: str, keys: str = "") -> subprocess.CompletedProcess:
    return subprocess.run(
        [program, *arguments], input=keys, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )


def glib(program: str, state: str) -> None:
    done = run(program, url(state), "get-tiny-image")
    assert done.returncode == 0 and "image" in done.stdout.lower(), done
    # Return cancels the call.
    done = run(program, url(state), "trigger-long-running-operation", keys="\n")
    assert done.returncode == 0 and "cancelled" in done.stdout, done


def epoll(program: str, state: str) -> None:
    done = run(program, url(state), "get-tiny-image", "40")
    assert done.returncode == 0, done
    numbers = sorted(int(line.split(":")[0]) for line in done.stdout.splitlines() if line.split(":")[0].isdigit())
    assert numbers == list(range(40)), done
    done = run(program, url(state), "no-such-tool", "3")
    assert done.returncode == 1, done


def main() -> None:
    name, program, state = sys.argv[1:]
    if not program:
        sys.exit(f"the example {name} was not built; see the warnings of cmake (Debian: libglib2.0-dev)")
    {"glib": glib, "epoll": epoll}[name](program, state)


if __name__ == "__main__":
    main()
