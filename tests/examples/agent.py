"""agent.py STATE PROGRAM: runs the example agent on a pseudoterminal against server-everything.

STATE is the state file of the server's fixture. Each step waits for a prompt of the program and types the next input.
"""

import json
import os
import pty
import re
import select
import sys
import time
from pathlib import Path

TIMEOUT_SECONDS = 60

STEPS = [
    (r"echo: Echoes back the input string\r\n.*\r\n> $", 'echo {"message":"hello"}'),
    (r"Echo: hello\r\n> $", 'trigger-long-running-operation {"duration":0.3,"steps":3}'),
    (r"\.\.\. 1 of 3 .*\.\.\. 2 of 3 .*\.\.\. 3 of 3 .*completed.*> $", "trigger-elicitation-request"),
    (r"The server asks: .*name \(string\).*  > $", "name=Ada"),
    (r"  > $", "check=true"),
    (r"  > $", ""),
    (r"accept.*Ada.*\r\n> $", "no-such-tool"),
    (r"no-such-tool not found.*\r\n> $", ""),
]


def exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def read_until(terminal: int, pattern: str) -> str:
    """Reads the output until it matches the pattern, and returns it."""
    output, deadline = "", time.monotonic() + TIMEOUT_SECONDS
    while not re.search(pattern, output, re.S):
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            raise SystemExit(f"agent: no match for {pattern!r} in {output!r}")
        output += os.read(terminal, 65536).decode()
    return output


def main() -> None:
    url = json.loads(Path(sys.argv[1]).read_text())["url"]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.argv[2], [sys.argv[2], url])
    for pattern, text in STEPS:
        print(read_until(terminal, pattern), end="")
        os.write(terminal, text.encode() + b"\n")
    status = exit_code(child)
    if status != 0:
        raise SystemExit(f"agent: the program exited with {status}")


main()
