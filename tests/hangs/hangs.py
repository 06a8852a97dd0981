"""Two HTTP+SSE servers on which FastMCP's client hangs, and what libmcp makes of them.

hangs.py PROGRAM: the silent server opens its event stream and never names its endpoint there; the
foreign one names an endpoint of another origin. FastMCP's client (fastmcp_ping.py) is watched for a
while and reported. PROGRAM is hang.c; the test fails when that does not end as it should.
"""

import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))

from install import installed  # noqa: E402: it lies in the folder above

HOST = "127.0.0.1"
TIMEOUT_MS = 2000
# A call may end this much later than its timeout says, on a busy machine; and earlier, by rounding.
SLACK_MS, GRAIN_MS = 1000, 10
# No time limit is involved when an endpoint is refused.
AT_ONCE_MS = 1000
# How long FastMCP's client, with a timeout of 2 s, is watched.
WATCH_SECONDS = 6
START_SECONDS = 60
END_SECONDS = 20
# What the servers say on the event stream.
OPENINGS = {
    "silent": "",
    "foreign": "event: endpoint\ndata: {foreign}/messages?session_id=1\n\n",
}


class Server(ThreadingHTTPServer):
    """Opens event streams, says `opening` on each, and then nothing until the client leaves."""

    daemon_threads = True

    def __init__(self, opening: str) -> None:
        super().__init__((HOST, 0), Handler)
        self.opening = opening
        self.requests: list[str] = []
        self.reached = threading.Event()
        self.url = f"http://{HOST}:{self.server_port}/sse"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        # Before the answer: the client may have ended, and be judged, right after it.
        self.server.requests.append(f"GET {self.path} {self.headers['Authorization']}")
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(self.server.opening.encode())
        self.server.reached.set()
        try:
            self.rfile.read(1)
        except ConnectionError:
            pass
        self.close_connection = True

    def do_POST(self) -> None:
        self.server.requests.append(f"POST {self.path}")
        self.send_error(405)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(opening: str) -> Iterator[Server]:
    server = Server(opening)
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def visitors(listener: socket.socket) -> int:
    """How many have connected. Asked after a client's end: by then, the queue has all that came."""
    count = 0
    while select.select([listener], [], [], 0)[0]:
        listener.accept()[0].close()
        count += 1
    return count


@dataclass
class Outcome:
    """What became of one client: in short, what it said, and what is wrong with that."""

    text: str
    said: str = ""
    wrong: str = ""


def watch_fastmcp(server: Server, python: Path) -> Outcome:
    with tempfile.TemporaryFile("w+") as log:
        words = [python, HERE / "fastmcp_ping.py", server.url]
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            if reached := await_visit(server, child):
                child.wait(WATCH_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            code = child.poll()
            child.kill()
            child.wait()
        log.seek(0)
        said = log.read()
    if not reached:
        return Outcome("could not be run", said, "no request came")
    if code is None:
        return Outcome(f"still running after {WATCH_SECONDS} s; killed", said)
    return Outcome(f"ended with {code}", said)


def await_visit(server: Server, child: subprocess.Popen) -> bool:
    """Whether the child's request came, which takes it a second or two."""
    deadline = time.monotonic() + START_SECONDS
    while not server.reached.wait(0.05):
        if time.monotonic() > deadline or child.poll() is not None:
            return server.reached.is_set()
    return True


def watch_libmcp(server: Server, program: str, judge: Callable[[str, int, str], str]) -> Outcome:
    words = [program, server.url, str(TIMEOUT_MS)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome(f"still running after {END_SECONDS} s; killed", wrong="it hangs")
    if done.returncode:
        return Outcome("could not be run", done.stderr, f"its exit code is {done.returncode}")
    status, took, message = done.stdout.splitlines()
    wrong = judge(status, int(took), message)
    if server.requests != ["GET /sse Bearer right-token"]:
        wrong = wrong or f"the requests were {server.requests}"
    return Outcome(f"{status} after {took} ms", message, wrong)


def judge_silent(status: str, took: int, _message: str) -> str:
    if status != "MCP_TIMEOUT":
        return "the status is not MCP_TIMEOUT"
    if not TIMEOUT_MS - GRAIN_MS <= took <= TIMEOUT_MS + SLACK_MS:
        return f"it did not end at its timeout of {TIMEOUT_MS} ms"
    return ""


def judge_foreign(status: str, took: int, message: str, foreign: str) -> str:
    if status in ("MCP_OK", "MCP_TIMEOUT"):
        return "the endpoint was not refused"
    if took > AT_ONCE_MS:
        return "it was not refused at once"
    if foreign not in message:
        return f"the message does not name {foreign}"
    return ""


def compare(name: str, program: str, python: Path) -> tuple[Outcome, Outcome]:
    """Both clients, each on a fresh server of one kind."""
    with socket.create_server((HOST, 0)) as listener:
        foreign = f"http://{HOST}:{listener.getsockname()[1]}"
        opening = OPENINGS[name].format(foreign=foreign)
        judge = judge_silent if name == "silent" else partial(judge_foreign, foreign=foreign)
        with serving(opening) as server:
            theirs = watch_fastmcp(server, python)
        if count := visitors(listener):
            theirs.text += f"; {count} connections to the foreign origin"
        with serving(opening) as server:
            ours = watch_libmcp(server, program, judge)
        if count := visitors(listener):
            ours.wrong = f"{count} connections reached the foreign origin"
    return theirs, ours


def main() -> None:
    [program] = sys.argv[1:]
    python = installed("fastmcp4") / "bin/python"
    outcomes = {name: compare(name, program, python) for name in OPENINGS}

    print(f"{'endpoint':10}{'FastMCP, timeout 2 s':34}libmcp, timeout {TIMEOUT_MS} ms")
    for name, (theirs, ours) in outcomes.items():
        print(f"{name:10}{theirs.text:34}{ours.text}")
    failed = False
    for name, both in outcomes.items():
        for who, outcome in zip(("FastMCP", "libmcp"), both, strict=True):
            said = outcome.said.strip().replace("\n", "\n    ")
            print(f"\n{name}, {who} said:\n    {said}")
            if outcome.wrong:
                print(f"FAILED: {outcome.wrong}")
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
