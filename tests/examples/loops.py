"""loops.py glib|epoll|servers PROGRAM STATE...: runs an example with an event loop against server-everything."""

import json
import subprocess
import sys
import tempfile
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


def servers(program: str, first: str, second: str) -> None:
    """Two servers, a longer name with the same beginning, a dead one and a disabled one."""
    configured = {
        "every": {"url": url(first)},
        "every_thing": {"url": url(second)},
        "dead": {"url": "http://127.0.0.1:9/mcp"},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "servers.json"
        file.write_text(json.dumps({"mcpServers": configured}))
        done = run(program, str(file))
        lines = done.stdout.splitlines()
        assert done.returncode == 0 and "every_echo" in lines and "every_thing_echo" in lines, done
        assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["dead"], done
        done = run(program, str(file), "every_thing_echo", '{"message":"hello"}')
        assert done.returncode == 0 and "hello" in done.stdout, done
        done = run(program, str(file), "other_echo")
        assert done.returncode == 1 and "no server has a tool" in done.stderr, done


def main() -> None:
    name, program, *states = sys.argv[1:]
    if not program:
        sys.exit(f"the example {name} was not built; see the warnings of cmake (Debian: libglib2.0-dev)")
    {"glib": glib, "epoll": epoll, "servers": servers}[name](program, *states)


if __name__ == "__main__":
    main()
