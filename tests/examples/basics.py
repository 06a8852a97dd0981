"""basics.py STATE PROGRAM: compares an example of ten things that a client does with the same example in FastMCP.

STATE is the state file of features-fastmcp4. Both programs must print the same lines. With a wrong token, both must
fail, and PROGRAM must say why without the token.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
sys.path.insert(0, str(REPO / "tests/servers"))

from install import installed  # noqa: E402

TIMEOUT_SECONDS = 60
# Something that each of the ten functions prints.
LINES = (
    "the server answers",
    "server: libmcp-features 1.2.3",
    "tool: echo",
    "person: Ada, 36, 2 tags",
    "the tool failed: no luck",
    "memo: Dear diary",
    "user: Explain Rust.",
    "progress: 3 of 3, step 3",
    "the server asks: Who are you?",
    "Hello, Ada!",
    "the call took too long",
)

# Runs a program with a token and the URL of the server; returns its exit status, and what it printed to stdout and
# stderr.
Run = Callable[[str, str], tuple[int, str]]


def start(words: list[str], token: str, errors: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        env=os.environ | {"MCP_BEARER_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def fastmcp(token: str, url: str) -> subprocess.CompletedProcess[str]:
    """FastMCP may log an error on stderr when it closes: the result of the call that timed out is too late."""
    words = [str(installed("fastmcp4") / "bin/python"), str(REPO / "examples/basics.py"), url]
    return start(words, token, subprocess.PIPE)


def check(run: Run, state: Path) -> None:
    server = json.loads(state.read_text())
    url, right, wrong = server["url"], server["tokens"]["right"], server["tokens"]["wrong"]
    model = fastmcp(right, url)
    lines = model.stdout.splitlines()
    assert model.returncode == 0 and all(line in lines for line in LINES), model
    status, output = run(right, url)
    assert (status, output) == (0, model.stdout), f"{output}\nFastMCP prints:\n{model.stdout}"

    assert fastmcp(wrong, url).returncode == 1
    status, output = run(wrong, url)
    assert status == 1 and "401" in output and len(output.splitlines()) == 1 and wrong not in output, output


def main() -> None:
    state, program = sys.argv[1:]
    if not program:
        sys.exit("the example basics was not built")

    def run(token: str, url: str) -> tuple[int, str]:
        done = start([program, url], token, subprocess.STDOUT)
        return done.returncode, done.stdout

    check(run, Path(state))


if __name__ == "__main__":
    main()
