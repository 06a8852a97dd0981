"""agent.py STATE PROGRAM: the example agent, on a terminal, in front of server-everything.

STATE is the file that the server's fixture wrote. Each step waits for what the program shows, and types the next line.
"""

import json
import os
import pty
import re
import select
import sys
import time
from pathlib import Path

PATIENCE = 60

STEPS = [
    (r"echo: Echoes back the input string\r\n.*\r\n> $", 'echo {"message":"hello"}'),
    (r"Echo: hello\r\n> $", 'trigger-long-running-operation {"duration":0.3,"steps":3}'),
    (r"\.\.\. 1 of 3 .*\.\.\. 2 of 3 .*\.\.\. 3 of 3 .*completed.*> $", "trigger-elicitation-request"),
    (r"The server asks: .*name \(string\).*  > $", '{"name":"Ada"}'),
    (r"accept.*Ada.*\r\n> $", "no-such-tool"),
    (r"no-such-tool not found.*\r\n> $", ""),
]


def program_ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def read_until(terminal: int, pattern: str) -> str:
    """What is shown until it looks like the pattern."""
    shown, deadline = "", time.monotonic() + PATIENCE
    while not re.search(pattern, shown, re.S):
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            raise SystemExit(f"agent: nothing like {pattern!r} in {shown!r}")
        shown += os.read(terminal, 65536).decode()
    return shown


def main() -> None:
    url = json.loads(Path(sys.argv[1]).read_text())["url"]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.argv[2], [sys.argv[2], url])
    for pattern, answer in STEPS:
        print(read_until(terminal, pattern), end="")
        os.write(terminal, answer.encode() + b"\n")
    status = program_ended(child)
    if status != 0:
        raise SystemExit(f"agent: it ended with {status}")


main()
