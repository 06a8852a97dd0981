"""Shared by the hostile tests: libmcp through ctypes, a raw server that sends arbitrary bytes, and a runner.

    python3 SUBJECT.py LIBRARY [WORD...]    run only the cases whose names contain one of the words
"""

import contextlib
import ctypes
import faulthandler
import json
import platform
import re
import socket
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_int32, c_size_t, c_uint64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from load import allowed, clock

LEGACY = "2025-11-25"
MODERN = "2026-07-28"

# The delay that is allowed when a call ends late on a busy machine, in milliseconds.
GRACE = 500

# The longest time that a test waits for an expected event, in seconds.
PATIENCE = 10

# --- The library ------------------------------------------------------------------------------------------------------

LOG = CFUNCTYPE(None, c_void_p, c_int32, c_char_p)
lib = ctypes.CDLL(str(Path(sys.argv[1]).resolve()))


def declare(result, **functions):
    for name, arguments in functions.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments


ERROR = POINTER(c_void_p)
declare(None, mcp_client_free=[c_void_p], mcp_options_free=[c_void_p], mcp_cancel_free=[c_void_p])
declare(None, mcp_cancel_trigger=[c_void_p], mcp_error_free=[c_void_p])
declare(c_void_p, mcp_client_new=[c_char_p, ERROR], mcp_options_new=[], mcp_cancel_new=[])
declare(c_void_p, mcp_error_rpc_data=[c_void_p], mcp_json_raw=[c_void_p, POINTER(c_size_t)])
declare(c_char_p, mcp_status_name=[c_int32], mcp_error_message=[c_void_p], mcp_error_challenge=[c_void_p])
declare(c_int, mcp_connect=[c_void_p, c_void_p, ERROR], mcp_ping=[c_void_p, c_void_p, ERROR])
declare(c_int, mcp_client_close=[c_void_p, c_void_p, ERROR], mcp_set_log=[c_void_p, LOG, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_set_bearer=[c_void_p, c_char_p, ERROR], mcp_set_header=[c_void_p, c_char_p, c_char_p, ERROR])
declare(c_int, mcp_set_protocol_version=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_options_set_timeout=[c_void_p, c_uint64, ERROR])
declare(c_int, mcp_options_set_idle_timeout=[c_void_p, c_uint64, ERROR])
declare(c_int, mcp_options_set_cancel=[c_void_p, c_void_p, ERROR])


# Further texts of an error: an attribute of Outcome, and the function that returns its text.
error_texts = {}


@dataclass
class Outcome:
    """How a call ended. `ended` is a time.monotonic() value."""

    status: str
    ms: int
    ended: float
    message: str
    challenge: str
    data: str

    def must_be(self, *statuses):
        assert self.status in statuses, f"{self.status} instead of {' or '.join(statuses)}: {self.message[:500]}"
        return self

    def must_end(self, within, after=0):
        """Checks the duration, in milliseconds. GRACE is added to `within`."""
        print(f"    {self.status} after {self.ms} ms (allowed: {after or 0} to {within} + {GRACE} ms)")
        assert after <= self.ms, f"ended too early, after {self.ms} ms"
        must_be_soon(self.ended - self.ms / 1000, self.ended, within=within)
        return self


def must_be_soon(begun, ended, bound=None, within=0):
    """Checks that `ended` is at most `within` + `bound` after `begun`. Without a bound, it is GRACE.

    The bound is raised by the time that a busy machine took from this process. `begun` and `ended` are time.monotonic()
    values, the others are milliseconds.
    """
    bound = GRACE if bound is None else bound
    late = (ended - begun) * 1000 - within
    if late > bound:
        limit = allowed(bound, clock.lost(begun, ended))
        assert late <= limit, f"ended {late:.0f} ms late, {limit:.0f} ms are allowed"


def call(function, *arguments):
    error = c_void_p()
    begun = time.monotonic()
    status = function(*arguments, byref(error))
    ended = time.monotonic()
    message, challenge = lib.mcp_error_message(error), lib.mcp_error_challenge(error)
    data = ""
    if value := lib.mcp_error_rpc_data(error):
        length = c_size_t()
        raw = lib.mcp_json_raw(value, byref(length))
        data = ctypes.string_at(raw, length.value).decode()
    texts = {name: (function(error) or b"").decode() for name, function in error_texts.items()}
    lib.mcp_error_free(error)
    name = lib.mcp_status_name(status).decode()
    outcome = Outcome(name, round((ended - begun) * 1000), ended, message.decode(), (challenge or b"").decode(), data)
    for name, text in texts.items():
        setattr(outcome, name, text)
    return outcome


class Cancel:
    """A cancel token."""

    def __init__(self):
        self.token = lib.mcp_cancel_new()

    def trigger(self):
        lib.mcp_cancel_trigger(self.token)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        lib.mcp_cancel_free(self.token)


@contextlib.contextmanager
def options(timeout=None, idle=None, cancel=None):
    handle = lib.mcp_options_new()
    if timeout is not None:
        call(lib.mcp_options_set_timeout, handle, timeout).must_be("MCP_OK")
    if idle is not None:
        call(lib.mcp_options_set_idle_timeout, handle, idle).must_be("MCP_OK")
    if cancel is not None:
        call(lib.mcp_options_set_cancel, handle, cancel.token).must_be("MCP_OK")
    try:
        yield handle
    finally:
        lib.mcp_options_free(handle)


class Background:
    """A call on a separate thread."""

    def __init__(self, function):
        self.outcome = None
        self.function = function
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        self.outcome = self.function()

    def result(self, within=PATIENCE):
        self.thread.join(within)
        assert self.outcome, "the call did not end"
        return self.outcome


class Client:
    """A client. Its log lines are collected in `lines`, and each one is passed to `on_line`."""

    def __init__(self, url, bearer=None, headers=None, pin=None):
        self.lines = []
        self.on_line = None
        self.begun = []
        self.log = LOG(self.take_line)
        self.client = lib.mcp_client_new(url.encode(), None)
        assert self.client, f"mcp_client_new failed for {url}"
        call(lib.mcp_set_log, self.client, self.log, None, None).must_be("MCP_OK")
        if bearer:
            self.set_bearer(bearer).must_be("MCP_OK")
        for name, value in (headers or {}).items():
            self.set_header(name, value).must_be("MCP_OK")
        if pin:
            call(lib.mcp_set_protocol_version, self.client, pin.encode()).must_be("MCP_OK")

    def take_line(self, _userdata, _level, line):
        line = line.decode()
        self.lines.append(line)
        if self.on_line:
            self.on_line(line)

    def set_bearer(self, token):
        return call(lib.mcp_set_bearer, self.client, token.encode())

    def set_header(self, name, value):
        return call(lib.mcp_set_header, self.client, name.encode(), value.encode())

    def remove_header(self, name):
        return call(lib.mcp_set_header, self.client, name.encode(), None)

    def connect(self, **limits):
        with options(**limits) as opts:
            return call(lib.mcp_connect, self.client, opts)

    def ping(self, **limits):
        with options(**limits) as opts:
            return call(lib.mcp_ping, self.client, opts)

    def begin_ping(self, before=None, **limits):
        """Starts a thread that calls `before`, if given, and then pings."""

        def ping():
            if before:
                before()
            return self.ping(**limits)

        return self.begin(ping)

    def begin(self, function):
        """Runs `function` on another thread. The client is freed after that thread ended, also if the case fails."""
        background = Background(function)
        self.begun.append(background)
        return background

    def close(self, **limits):
        with options(**limits) as opts:
            return call(lib.mcp_client_close, self.client, opts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        threads = [background.thread for background in self.begun]
        if any(thread.is_alive() for thread in threads):
            # The case failed. Close first: the client must not be freed during a call.
            self.close(timeout=1000)
        for thread in threads:
            thread.join(3 * PATIENCE)
        if not any(thread.is_alive() for thread in threads):
            lib.mcp_client_free(self.client)


# --- The server -------------------------------------------------------------------------------------------------------


@dataclass
class Request:
    """A received HTTP request, and the socket of its connection."""

    method: str
    headers: dict
    body: bytes
    socket: socket.socket
    message: dict = field(default_factory=dict)
    path: str = "/"

    @property
    def rpc(self):
        """The JSON-RPC method; without one, the HTTP method."""
        return self.message.get("method") or self.method

    @property
    def session(self):
        return self.headers.get("mcp-session-id")

    @property
    def authorization(self):
        return self.headers.get("authorization")

    def send(self, data):
        self.socket.sendall(data)

    def hold(self):
        """Sends nothing until the client closes the connection or the server ends."""
        while self.socket.recv(65536):
            pass


class Server:
    """`handler(server, request)` returns the bytes to send; None closes the connection."""

    def __init__(self, handler):
        self.handler = handler
        self.requests = []
        self.open = set()
        self.changed = threading.Condition()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self.changed:
                    self.open.add(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, EOFError), connection:
            try:
                buffer = b""
                while True:
                    request, buffer = read_request(connection, buffer)
                    with self.changed:
                        self.requests.append(request)
                        self.changed.notify_all()
                    reply = self.handler(self, request)
                    if reply is None:
                        return
                    connection.sendall(reply)
            finally:
                with self.changed:
                    self.open.discard(connection)
                    self.changed.notify_all()

    def wait_for(self, condition, seconds=PATIENCE):
        """Waits until the condition is true; it is checked after each request and each closed connection."""
        with self.changed:
            return self.changed.wait_for(condition, seconds)

    def must_see(self, rpc, count=1):
        seen = self.wait_for(lambda: self.saw().count(rpc) >= count)
        assert seen, f"expected {count} x {rpc}, received {self.saw()}"

    def saw(self):
        return [request.rpc for request in self.requests]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # close() alone does not wake the thread that is in accept().
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.changed:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def read_request(connection, buffer):
    def more():
        data = connection.recv(65536)
        if not data:
            raise EOFError
        return data

    while b"\r\n\r\n" not in buffer:
        buffer += more()
    head, buffer = buffer.split(b"\r\n\r\n", 1)
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    length = int(headers.get("content-length", 0))
    while len(buffer) < length:
        buffer += more()
    body, buffer = buffer[:length], buffer[length:]
    method, path, *_ = first.split()
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    message = {} if is_form else json.loads(body or b"{}")
    return Request(method, headers, body, connection, message, path), buffer


def poll(condition, why):
    """Checks repeatedly until the condition is true, where no notification is available. Fails with `why`."""
    pause = threading.Event()
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, why
        pause.wait(0.002)


def wait_until_read(request):
    """Waits until the client has read everything that was sent to its socket."""
    client, server = request.socket.getpeername()[1], request.socket.getsockname()[1]

    def is_read():
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, local, remote, _, queues, *_ = line.split()
            if local.endswith(f":{client:04X}") and remote.endswith(f":{server:04X}"):
                return int(queues.split(":")[1], 16) == 0
        return False

    poll(is_read, "the client did not read what was sent")


def wait_until_waiting(calls):
    """Waits until this many threads are in poll or ppoll. Only the library uses these system calls here."""
    numbers = {"x86_64": ("7", "271"), "aarch64": ("73",)}[platform.machine()]

    def waiting():
        count = 0
        for task in Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):  # the thread has ended
                count += (task / "syscall").read_text().split()[0] in numbers
        return count

    poll(lambda: waiting() >= calls, f"fewer than {calls} threads wait in poll")


# --- Responses --------------------------------------------------------------------------------------------------------


def http(status, body=b"", kind="application/json", **headers):
    """An HTTP response. `Some_Header=value` adds a header; the value None omits a default header."""
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    headers = {"Content_Type": kind, "Content_Length": len(body), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value is not None]
    return "\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode() + body


def answer(request, value):
    """The JSON-RPC response to a request, as an object. `result` returns it as an HTTP response."""
    return {"jsonrpc": "2.0", "id": request.message["id"], "result": value}


def result(request, value, **headers):
    return http(200, answer(request, value), **headers)


def error(request, code, message="no", data=None, status=200):
    value = {"code": code, "message": message}
    if data is not None:
        value["data"] = data
    return http(status, {"jsonrpc": "2.0", "id": request.message.get("id"), "error": value})


STREAM = http(200, kind="text/event-stream", Content_Length=None)


def event(message):
    return b"data: " + json.dumps(message).encode() + b"\n\n"


def events(*messages):
    return http(200, b"".join(event(message) for message in messages), kind="text/event-stream")


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def discovered(request, headers=None, **members):
    value = {"resultType": "complete", "supportedVersions": [MODERN], "capabilities": {}}
    return result(request, value | members, **(headers or {}))


def initialized(request, session="session-1", **members):
    return result(request, {"protocolVersion": LEGACY, "capabilities": {}} | members, Mcp_Session_Id=session)


def refuse_legacy(request):
    """The error of a server that supports only the modern version."""
    return error(request, -32022, "unsupported", {"supported": [MODERN], "requested": LEGACY}, status=400)


def legacy(request):
    """The responses of a correct legacy server."""
    match request.rpc:
        case "server/discover":
            return error(request, -32601, status=400)
        case "initialize":
            return initialized(request)
        case "ping":
            return result(request, {})
        case "DELETE":
            return http(200, kind=None)
        case _:
            return http(202, kind=None)


# --- Checks on texts --------------------------------------------------------------------------------------------------


def plain(text):
    """The text in lower case, with percent and JSON escapes decoded: they could hide a secret."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), unquote(text))
    return text.replace("\\/", "/").lower()


def must_not_show(outcome, lines, *secrets):
    """Checks that neither the error nor the log shows a secret, escaped or not."""
    shown = {"message": outcome.message, "challenge": outcome.challenge, "data": outcome.data}
    shown |= {f"log line {number}": line for number, line in enumerate(lines)}
    for where, text in shown.items():
        for secret in secrets:
            assert secret.lower() not in plain(text), f"the {where} shows {secret}: {text[:500]}"


# --- Running ----------------------------------------------------------------------------------------------------------

cases = []


def case(function):
    cases.append(function)
    return function


def run(limit=150, side_by_side=False):
    """Runs the cases, one after another or in parallel threads, and exits; after `limit` seconds at the latest."""
    faulthandler.dump_traceback_later(limit, exit=True)
    words = sys.argv[2:]
    chosen = [function for function in cases if not words or any(word in function.__name__ for word in words)]
    if side_by_side:
        with ThreadPoolExecutor(max(len(chosen), 1)) as threads:
            passed = list(threads.map(passes, chosen))
    else:
        passed = [passes(function) for function in chosen]
    sys.exit(0 if all(passed) else 1)


def passes(function):
    begun = time.monotonic()
    try:
        function()
        verdict, why = "ok", ""
    except Exception:
        verdict, why = "FAILED", traceback.format_exc()
    print(f"{why}{verdict}: {function.__name__} ({(time.monotonic() - begun) * 1000:.0f} ms)", flush=True)
    return verdict == "ok"
