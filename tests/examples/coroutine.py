"""coroutine.py STATE PROGRAM: runs the example coroutine with a real server, and with one that cannot be reached.

STATE is the state file of the server's fixture.
"""

import json
import subprocess
import sys
from pathlib import Path

TIMEOUT_SECONDS = 60
UNREACHABLE = "http://127.0.0.1:1/mcp"


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    print(result)
    return result


def main() -> None:
    url = json.loads(Path(sys.argv[1]).read_text())["url"]
    good = run([sys.argv[2], url, url, url])
    assert (good.returncode, good.stderr) == (0, "")
    lines = good.stdout.splitlines()
    assert lines.count("    echo") == 3 and sum(line.endswith(":") for line in lines) == 3

    mixed = run([sys.argv[2], url, UNREACHABLE])
    assert mixed.returncode == 1 and "127.0.0.1:1" in mixed.stderr
    assert mixed.stdout.splitlines().count("    echo") == 1


main()
