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


def start(words: list[str], token: str) -> tuple[int, str]:
    done = subprocess.run(
        words,
        env=os.environ | {"MCP_BEARER_TOKEN": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


def fastmcp(token: str, url: str) -> tuple[int, str]:
    return start([str(installed("fastmcp4") / "bin/python"), str(REPO / "examples/basics.py"), url], token)


def check(run: Run, state: Path) -> None:
    server = json.loads(state.read_text())
    url, right, wrong = server["url"], server["tokens"]["right"], server["tokens"]["wrong"]
    expected = fastmcp(right, url)
    lines = expected[1].splitlines()
    assert expected[0] == 0 and all(line in lines for line in LINES), expected
    outcome = run(right, url)
    assert outcome == expected, f"{outcome[1]}\nFastMCP prints:\n{expected[1]}"

    assert fastmcp(wrong, url)[0] == 1
    status, output = run(wrong, url)
    assert status == 1 and "401" in output and len(output.splitlines()) == 1 and wrong not in output, output


def main() -> None:
    state, program = sys.argv[1:]
    if not program:
        sys.exit("the example basics was not built")
    check(lambda token, url: start([program, url], token), Path(state))


if __name__ == "__main__":
    main()
