"""alive.py STATE PROGRAM [ARGS...]: runs the README's program, in any language, against a real server.

STATE is the state file of the server's fixture. The program gets the server's URL as its last argument, and a token in
MCP_BEARER_TOKEN: first the right one, then a wrong one.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

TIMEOUT_SECONDS = 60


def run(token: str, words: list[str]) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"MCP_BEARER_TOKEN": token}
    return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)


def main() -> None:
    state = json.loads(Path(sys.argv[1]).read_text())
    words = [*sys.argv[2:], state["url"]]
    right, wrong = (run(state["tokens"][which], words) for which in ("right", "wrong"))
    print(right, wrong, sep="\n")
    assert (right.returncode, right.stdout, right.stderr) == (0, "the server answers\n", "")
    assert wrong.returncode == 1 and wrong.stdout == "" and "401" in wrong.stderr
    assert state["tokens"]["wrong"] not in wrong.stderr


main()
