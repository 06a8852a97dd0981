"""Fixtures whose server is a child process on stdio. They check that no process is left running."""

import contextlib
import os
import signal
import sys
import tempfile
import time
from ctypes import POINTER, c_char_p, cast
from pathlib import Path

from matrix import LONG_TIMEOUT, Fixture, add_row, call_tool
from stream_end import StreamEnd

from harness import LEGACY, MODERN, call, lib, poll
from newer import Made

VERSIONS = {"stdio, modern": MODERN, "stdio, legacy": LEGACY}

# How long mcp_client_free may wait for a process, according to its documentation, and an allowance for a busy machine,
# in seconds.
MAX_FREE_SECONDS, LOAD_ALLOWANCE = 4, 1.5

# Few: each run starts a process.
REPEATS = 2

# The script of a server. While the fault is active, AT_START runs when the server starts, and FAULT when a tool is
# called.
SERVER = """
import json, os, signal, sys, time
FOLDER = sys.argv[1]
NOTIFICATION = '{"jsonrpc":"2.0","method":"notifications/x"}\\n'
DISCOVERED = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {}}
INITIALIZED = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
TOOL = {"name": "t", "inputSchema": {"type": "object", "properties": {}}}
def write(data):
    data = data if isinstance(data, bytes) else data.encode()
    while data: data = data[os.write(1, data):]
def send(message): write(json.dumps({"jsonrpc": "2.0"} | message) + "\\n")
def reply(request, result): send({"id": request["id"], "result": result})
def record_pid(pid, file="pids"):
    with open(f"{FOLDER}/{file}", "a") as file: file.write(f"{pid}\\n")
def fault_active(): return os.path.exists(FOLDER + "/fault-active")
def read_request():
    while True:
        line = sys.stdin.readline()
        if not line: sys.exit(0)
        message = json.loads(line)
        if "method" in message: return message
def respond(request):
    match request["method"]:
        case "server/discover": reply(request, DISCOVERED)
        case "initialize": reply(request, INITIALIZED)
        case "tools/call": reply(request, {"resultType": "complete", "content": [{"type": "text", "text": "done"}]})
        case "tools/list": reply(request, {"resultType": "complete", "tools": [TOOL]})
        case "ping": reply(request, {})
def fault(request):
    FAULT
record_pid(os.getpid())
if fault_active():
    AT_START
while True:
    request = read_request()
    if request["method"] == "tools/call" and fault_active(): fault(request)
    elif "id" in request: respond(request)
"""


def indented(text):
    return "\n    ".join(text.strip().splitlines()) or "pass"


class TimedClient(Made):
    """A client that checks the duration of mcp_client_free."""

    def __init__(self, argv):
        argv_array = (c_char_p * (len(argv) + 1))(*(os.fsencode(word) for word in argv), None)
        super().__init__(lib.mcp_client_new_stdio(cast(argv_array, POINTER(c_char_p)), None))

    def __exit__(self, *failure):
        begun = time.monotonic()
        super().__exit__(*failure)
        took = time.monotonic() - begun
        assert took <= MAX_FREE_SECONDS + LOAD_ALLOWANCE, f"mcp_client_free took {took:.1f} s"


class Child(Fixture):
    """A server in a child process. While the fault is active, it runs `fault` when a tool is called, or `at_start` when
    it starts, or `replace_program` replaces its executable. When the fault starts and ends, the running server gets
    `start_signal` and `end_signal`. `exits` means that the server exits during the fault. The client has `limits` and
    `settings`, and makes `calls_before` calls before the call that is checked."""

    def __init__(
        self,
        transport,
        fault="",
        at_start="",
        replace_program=None,
        start_signal=None,
        end_signal=None,
        exits=False,
        limits=(),
        settings=(),
        arguments="{}",
        calls_before=0,
    ):
        super().__init__(transport)
        self.folder = Path(self.resources.enter_context(tempfile.TemporaryDirectory(prefix="mcp-faults-")))
        self.first_request = bool(at_start or replace_program)
        self.replace_program, self.exits = replace_program, exits
        self.start_signal, self.end_signal = start_signal, end_signal
        self.limits, self.settings, self.arguments, self.calls_before = limits, settings, arguments, calls_before
        self.executable, script = self.folder / "server", self.folder / "server.py"
        self.executable.symlink_to(sys.executable)
        script.write_text(
            SERVER.replace("FAULT", indented(fault), 1).replace("    AT_START", "    " + indented(at_start))
        )
        self.argv = [str(self.executable), "-IS", str(script), str(self.folder)]

    def client(self, token):
        client = TimedClient(self.argv)
        self.end = StreamEnd(client, "the server's process")
        call(lib.mcp_set_environment, client.client, b"TOKEN", token.encode()).must_be("MCP_OK")
        call(lib.mcp_set_protocol_version, client.client, VERSIONS[self.transport].encode()).must_be("MCP_OK")
        for kind, size in self.limits:
            call(lib.mcp_set_limit, client.client, kind, size).must_be("MCP_OK")
        for function, value in self.settings:
            call(function, client.client, os.fsencode(value.format(self.folder))).must_be("MCP_OK")
        return client

    def pids(self, file="pids"):
        with contextlib.suppress(FileNotFoundError):
            return [int(line) for line in (self.folder / file).read_text().split()]
        return []

    def send_signal(self, signal_number):
        os.kill(self.pids()[-1], signal_number)
        if signal_number == signal.SIGKILL:
            self.end.wait()

    def start_fault(self):
        (self.folder / "fault-active").touch()
        if self.replace_program:
            self.executable.unlink()
            self.replace_program(self.executable)
        if self.start_signal:
            self.send_signal(self.start_signal)

    def call(self, client, timeout):
        for _ in range(self.calls_before):
            call_tool(client, timeout=LONG_TIMEOUT).must_be("MCP_OK")
        return call_tool(client, self.arguments, timeout=timeout)

    def end_fault(self):
        if self.replace_program:
            self.executable.unlink(missing_ok=True)
            self.executable.symlink_to(sys.executable)
        (self.folder / "fault-active").unlink(missing_ok=True)
        if self.end_signal:
            self.send_signal(self.end_signal)
        if self.exits:
            self.end.wait()

    def __exit__(self, *_):
        # The server's children are terminated with it, but the library does not wait for them.
        poll(lambda: not any(map(is_running, self.pids())), f"some of the processes {self.pids()} are still running")
        # Processes that the server deliberately left behind.
        for pid in self.pids("others"):
            os.kill(pid, signal.SIGKILL)
        super().__exit__()


def is_running(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def child_row(name, expected, words=(), **arguments):
    members = {key: arguments.pop(key) for key in ("timeout", "max_ms", "repeats") if key in arguments}
    members.setdefault("repeats", REPEATS)
    add_row(name, lambda transport: Child(transport, **arguments), expected, words, tuple(VERSIONS), **members)
