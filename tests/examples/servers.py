"""servers.py PROGRAM STATE: checks an example that uses all servers of a configuration file.

The file has server-everything twice, under names of which one begins with the other, a server that
cannot be reached, and a disabled one.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

TIMEOUT_SECONDS = 60

# Runs the example with some arguments; returns its exit status, and what it printed to stdout and stderr.
Run = Callable[..., tuple[int, str]]


def check(run: Run, file: Path, name: str, url: str) -> None:
    """`name` is the path of the file for the example."""
    configured = {
        "every": {"url": url},
        "every_thing": {"url": url},
        "dead": {"url": "http://127.0.0.1:9/mcp"},
        "off": {"url": url, "disabled": True},
    }
    file.write_text(json.dumps({"mcpServers": configured}))
    status, output = run(name)
    lines = output.splitlines()
    others = [line for line in lines if not line.startswith("every_")]
    assert status == 0 and "every_echo" in lines and "every_thing_echo" in lines, output
    assert len(others) == 1 and others[0].startswith("dead: ") and "connection refused" in others[0], output
    status, output = run(name, "every_thing_echo", '{"message":"hello"}')
    assert status == 0 and "hello" in output, output
    for tool in ("other_echo", "off_echo"):
        status, output = run(name, tool)
        assert status == 1 and f"no server has a tool {tool}" in output, output

    file.write_text('{"mcpServers": {"twice": {"url": "http://127.0.0.1:9/a"}, "twice": {"command": "false"}}}')
    status, output = run(name)
    assert status == 1 and "two servers have the name" in output and len(output.splitlines()) == 1, output


def main() -> None:
    program, state = sys.argv[1:]
    if not program:
        sys.exit("the example servers was not built")

    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "servers.json"
        check(run, file, str(file), json.loads(Path(state).read_text())["url"])


if __name__ == "__main__":
    main()
