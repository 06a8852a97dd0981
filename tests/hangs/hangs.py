"""Two HTTP+SSE servers on which FastMCP's client hangs, and libmcp's behavior on the same servers.

hangs.py PROGRAM: the silent server opens its event stream but never sends an endpoint event; the foreign one sends an
endpoint of another origin. FastMCP's client (fastmcp_ping.py) is watched for a while, and its result is reported only.
PROGRAM is the executable of hang.c; the test fails if it does not return the expected status in time.
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

from install import installed  # noqa: E402: needs the path set above

HOST = "127.0.0.1"
TIMEOUT_MS = 2000
# A call may end this much later than its timeout on a busy machine, and this much earlier because of rounding.
SLACK_MS, ROUNDING_MS = 1000, 10
# An endpoint is refused at once, without waiting for a timeout.
AT_ONCE_MS = 1000
# How long FastMCP's client, with a timeout of 2 s, is watched.
WATCH_SECONDS = 6
START_SECONDS = 60
END_SECONDS = 20
# What the servers send on the event stream.
OPENINGS = {
    "silent": "",
    "foreign": "event: endpoint\ndata: {foreign}/messages?session_id=1\n\n",
}


class Server(ThreadingHTTPServer):
    """Opens event streams, sends `opening` on each, and then nothing until the client disconnects."""

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
        # Recorded before the response: the client may end, and be checked, right after it.
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


def count_connections(listener: socket.socket) -> int:
    """How many clients have connected. Call it after the client has ended: then all connections are in the queue."""
    count = 0
    while select.select([listener], [], [], 0)[0]:
        listener.accept()[0].close()
        count += 1
    return count


@dataclass
class Outcome:
    """The result of one client: a summary, its output, and the failure of the test, if any."""

    text: str
    output: str = ""
    failure: str = ""


def watch_fastmcp(server: Server, python: Path) -> Outcome:
    with tempfile.TemporaryFile("w+") as log:
        command = [python, HERE / "fastmcp_ping.py", server.url]
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            if reached := await_request(server, child):
                child.wait(WATCH_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            code = child.poll()
            child.kill()
            child.wait()
        log.seek(0)
        output = log.read()
    if not reached:
        return Outcome("could not be run", output, "it sent no request")
    if code is None:
        return Outcome(f"still running after {WATCH_SECONDS} s; killed", output)
    return Outcome(f"ended with {code}", output)


def await_request(server: Server, child: subprocess.Popen) -> bool:
    """Whether the child sends its request; starting takes it a second or two."""
    deadline = time.monotonic() + START_SECONDS
    while not server.reached.wait(0.05):
        if time.monotonic() > deadline or child.poll() is not None:
            return server.reached.is_set()
    return True


def watch_libmcp(server: Server, program: str, check: Callable[[str, int, str], str]) -> Outcome:
    command = [program, server.url, str(TIMEOUT_MS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        return Outcome(f"still running after {END_SECONDS} s; killed", failure="it hangs")
    if done.returncode:
        return Outcome("could not be run", done.stderr, f"its exit code is {done.returncode}")
    status, took, message = done.stdout.splitlines()
    failure = check(status, int(took), message)
    if server.requests != ["GET /sse Bearer right-token"]:
        failure = failure or f"the requests were {server.requests}"
    return Outcome(f"{status} after {took} ms", message, failure)


def check_silent(status: str, took: int, _message: str) -> str:
    if status != "MCP_TIMEOUT":
        return "the status is not MCP_TIMEOUT"
    if not TIMEOUT_MS - ROUNDING_MS <= took <= TIMEOUT_MS + SLACK_MS:
        return f"it did not end at its timeout of {TIMEOUT_MS} ms"
    return ""


def check_foreign(status: str, took: int, message: str, foreign: str) -> str:
    if status in ("MCP_OK", "MCP_TIMEOUT"):
        return "the endpoint was not refused"
    if took > AT_ONCE_MS:
        return "it was not refused at once"
    if foreign not in message:
        return f"the message does not name {foreign}"
    return ""


def compare(name: str, program: str, python: Path) -> tuple[Outcome, Outcome]:
    """Runs both clients, each on a new server of one kind."""
    with socket.create_server((HOST, 0)) as listener:
        foreign = f"http://{HOST}:{listener.getsockname()[1]}"
        opening = OPENINGS[name].format(foreign=foreign)
        check = check_silent if name == "silent" else partial(check_foreign, foreign=foreign)
        with serving(opening) as server:
            theirs = watch_fastmcp(server, python)
        if count := count_connections(listener):
            theirs.text += f"; {count} connections to the foreign origin"
        with serving(opening) as server:
            ours = watch_libmcp(server, program, check)
        if count := count_connections(listener):
            ours.failure = f"{count} connections reached the foreign origin"
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
            output = outcome.output.strip().replace("\n", "\n    ")
            print(f"\n{name}, output of {who}:\n    {output}")
            if outcome.failure:
                print(f"FAILED: {outcome.failure}")
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
