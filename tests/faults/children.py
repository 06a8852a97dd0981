"""Worlds whose server is a process on standard streams: what goes wrong with it, and that nothing of it is left."""

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

ERAS = {"stdio, modern": MODERN, "stdio, legacy": LEGACY}

# The longest that mcp_client_free waits for a process, by its description, in seconds; and what a busy machine adds.
LONGEST_END, BUSY = 4, 1.5

# A process is started for each run.
REPEATS = 2

# A server. BEGIN runs where it starts in a broken world, FAULT where a tool is called in one.
SERVER = """
import json, os, signal, sys, time
FOLDER = sys.argv[1]
NOTIFICATION = '{"jsonrpc":"2.0","method":"notifications/x"}\\n'
DISCOVERED = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {}}
INITIALIZED = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
TOOL = {"name": "t", "inputSchema": {"type": "object", "properties": {}}}
def say(data):
    data = data if isinstance(data, bytes) else data.encode()
    while data: data = data[os.write(1, data):]
def send(message): say(json.dumps({"jsonrpc": "2.0"} | message) + "\\n")
def reply(request, result): send({"id": request["id"], "result": result})
def note(pid, file="pids"):
    with open(f"{FOLDER}/{file}", "a") as file: file.write(f"{pid}\\n")
def broken(): return os.path.exists(FOLDER + "/broken")
def ask():
    while True:
        line = sys.stdin.readline()
        if not line: sys.exit(0)
        message = json.loads(line)
        if "method" in message: return message
def well(request):
    match request["method"]:
        case "server/discover": reply(request, DISCOVERED)
        case "initialize": reply(request, INITIALIZED)
        case "tools/call": reply(request, {"resultType": "complete", "content": [{"type": "text", "text": "done"}]})
        case "tools/list": reply(request, {"resultType": "complete", "tools": [TOOL]})
        case "ping": reply(request, {})
def fault(request):
    FAULT
note(os.getpid())
if broken():
    BEGIN
while True:
    request = ask()
    if request["method"] == "tools/call" and broken(): fault(request)
    elif "id" in request: well(request)
"""


def indented(text):
    return "\n    ".join(text.strip().splitlines()) or "pass"


class Owner(Made):
    """A client whose end is timed."""

    def __init__(self, argv):
        words = (c_char_p * (len(argv) + 1))(*(os.fsencode(word) for word in argv), None)
        super().__init__(lib.mcp_client_new_stdio(cast(words, POINTER(c_char_p)), None))

    def __exit__(self, *failure):
        begun = time.monotonic()
        super().__exit__(*failure)
        took = time.monotonic() - begun
        assert took <= LONGEST_END + BUSY, f"mcp_client_free took {took:.1f} s"


class Child(Fixture):
    """A server that is a process, and does `fault` in a call, or `begin` where it starts, in a broken world. Where
    `program` is given, that makes something else of the link to the interpreter. A running server is `sent` a signal
    when the world breaks, and one when it is `healed`; or it `ends` by itself. The client has `limits` and `settings`,
    and makes so many other calls `before` the one that counts."""

    def __init__(
        self, transport, fault="", begin="", program=None, sent=None, healed=None, ends=False,
        limits=(), settings=(), arguments="{}", before=0,
    ):  # fmt: skip
        super().__init__(transport)
        self.folder = Path(self.resources.enter_context(tempfile.TemporaryDirectory(prefix="mcp-faults-")))
        self.first_request = bool(begin or program)
        self.program, self.sent, self.healed, self.ends = program, sent, healed, ends
        self.limits, self.settings, self.arguments, self.before = limits, settings, arguments, before
        self.link, script = self.folder / "server", self.folder / "server.py"
        self.link.symlink_to(sys.executable)
        script.write_text(SERVER.replace("FAULT", indented(fault), 1).replace("    BEGIN", "    " + indented(begin)))
        self.argv = [str(self.link), "-IS", str(script), str(self.folder)]

    def client(self, token):
        made = Owner(self.argv)
        self.end = StreamEnd(made, "the server's process")
        call(lib.mcp_set_environment, made.client, b"TOKEN", token.encode()).must_be("MCP_OK")
        call(lib.mcp_set_protocol_version, made.client, ERAS[self.transport].encode()).must_be("MCP_OK")
        for kind, size in self.limits:
            call(lib.mcp_set_limit, made.client, kind, size).must_be("MCP_OK")
        for function, value in self.settings:
            call(function, made.client, os.fsencode(value.format(self.folder))).must_be("MCP_OK")
        return made

    def pids(self, file="pids"):
        with contextlib.suppress(FileNotFoundError):
            return [int(line) for line in (self.folder / file).read_text().split()]
        return []

    def send(self, number):
        os.kill(self.pids()[-1], number)
        if number == signal.SIGKILL:
            self.end.wait()

    def start_fault(self):
        (self.folder / "broken").touch()
        if self.program:
            self.link.unlink()
            self.program(self.link)
        if self.sent:
            self.send(self.sent)

    def call(self, client, timeout):
        for _ in range(self.before):
            call_tool(client, timeout=LONG_TIMEOUT).must_be("MCP_OK")
        return call_tool(client, self.arguments, timeout=timeout)

    def end_fault(self):
        if self.program:
            self.link.unlink(missing_ok=True)
            self.link.symlink_to(sys.executable)
        (self.folder / "broken").unlink(missing_ok=True)
        if self.healed:
            self.send(self.healed)
        if self.ends:
            self.end.wait()

    def __exit__(self, *_):
        # What it has started ends with it; but nobody waits for that.
        poll(lambda: not any(map(is_running, self.pids())), f"some of the processes {self.pids()} are left")
        # What belongs to no running server is nobody's.
        for pid in self.pids("others"):
            os.kill(pid, signal.SIGKILL)
        super().__exit__()


def is_running(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def child_row(name, expected, words=(), **given):
    members = {key: given.pop(key) for key in ("timeout", "max_ms", "repeats") if key in given}
    members.setdefault("repeats", REPEATS)
    add_row(name, lambda transport: Child(transport, **given), expected, words, tuple(ERAS), **members)
