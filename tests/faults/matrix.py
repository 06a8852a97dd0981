"""The fault matrix: runs each row on each transport that it applies to.

    python3 SUBJECT.py LIBRARY [WORD...] [--table FILE]    runs only the rows whose names contain one of the words

A row describes a fault, and how a call must end while the fault is active. Its `fixture` is a server (or a network, or
a process) that can start and end the fault. In each run, a client with a unique token makes a call while the fault is
active. The call must

- end in time: at the row's timeout and at most 100 ms later, or promptly if the fault can be detected earlier;
- return exactly the row's status, and a message that contains the row's words, which name the cause;
- show the token neither in its error nor in the log;
- send nothing to another origin.

After the fault has ended, the same client must work. All rows run once. Then each row runs several times concurrently,
and must leave neither threads nor descriptors open. The whole file must not leak memory.

On a busy machine, threads wait for a processor (measures.py). A limit is extended by that time, but at most to twice
its value. If a run lost more time than that, its result says nothing about the library: the run is repeated a few
times, and never counts as passed.
"""

import argparse
import contextlib
import ctypes
import faulthandler
import fcntl
import secrets
import socket
import struct
import sys
import termios
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "hostile"))

from harness import (  # noqa: E402
    ERROR,
    LEGACY,
    STREAM,
    Client,
    Server,
    answer,
    call,
    chunk,
    declare,
    discovered,
    error,
    event,
    http,
    initialized,
    lib,
    must_not_show,
    options,
    poll,
    result,
)
from load import PAUSE, allowed  # noqa: E402
from measures import DelayMeter, memory, open_resources  # noqa: E402
from ports import OtherOrigin  # noqa: E402

JSON = ctypes.POINTER(ctypes.c_void_p)
TEXT = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
declare(ctypes.c_int, mcp_call_tool=[ctypes.c_void_p, *TEXT, ctypes.c_void_p, JSON, ERROR])
declare(ctypes.c_int, mcp_set_limit=[ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint64, ERROR])
declare(None, mcp_json_free=[ctypes.c_void_p])

# How long after its timeout a call may end, in milliseconds.
MAX_LATE_MS = 100

# How long a call may take if it need not wait for its timeout, in milliseconds.
MAX_MS = 250

# The timeout of such a call, and of all calls that must succeed.
LONG_TIMEOUT = 5000

# How many concurrent runs of a row check that it leaves nothing open.
REPEATS = 5

# By how much memory may grow over a whole file, in MiB: allocated blocks, and the resident set of the process.
MAX_ALLOCATED = 0.5
MAX_RESIDENT = 12

# How often a run is tried while the load of the machine makes its result inconclusive.
MAX_ATTEMPTS = 5

# How long a file may take, in seconds.
MAX_SECONDS = 110

# MCP_LIMIT_EVENT
EVENT_LIMIT = 3

TRANSPORTS = ("modern", "legacy", "sse")
RESULT = {"resultType": "complete", "content": [{"type": "text", "text": "done"}]}
ACCEPTED = http(202, "Accepted", kind="text/plain")
STREAM_IN_CHUNKS = http(200, kind="text/event-stream", Content_Length=None, Transfer_Encoding="chunked")
ENDPOINT = b"event: endpoint\ndata: /messages?session_id=1\n\n"


# --- Rows -------------------------------------------------------------------------------------------------------------

rows = []


@dataclass
class Row:
    """A fault, and the expected end of a call. `expected` (statuses) and `words` are keyed by transport.

    With `timeout` (a number, or numbers keyed by transport) the call gets this timeout and must end when it expires.
    Without one, the call may take `max_ms`. With `connect_first` the client makes a call before the fault starts. A
    `parallel` row may run at the same time as others: it affects nothing outside its fixture, and mostly waits."""

    name: str
    fixture: object  # fixture(transport) returns a Fixture
    expected: dict
    words: dict
    timeout: int | dict | None = None
    max_ms: int = MAX_MS
    connect_first: bool = True
    repeats: int = REPEATS
    parallel: bool = False
    results: dict = field(default_factory=dict)
    failures: list = field(default_factory=list)
    inconclusive: list = field(default_factory=list)

    def timeout_of(self, transport):
        """The timeout at which the call must end, if any."""
        return self.timeout.get(transport) if isinstance(self.timeout, dict) else self.timeout


def add_row(name, fixture, expected, words=(), transports=TRANSPORTS, **members):
    """`expected` and `words` are one value for all transports, or keyed by transport."""
    expected = expected if isinstance(expected, dict) else dict.fromkeys(transports, expected)
    words = words if isinstance(words, dict) else dict.fromkeys(expected, words)
    words = {transport: (value,) if isinstance(value, str) else tuple(value) for transport, value in words.items()}
    for transport, status in expected.items():
        assert status == "MCP_OK" or words.get(transport), f"{name}: no words that name the cause on {transport}"
    rows.append(Row(name, fixture, expected, words, **members))


def call_tool(client, arguments="{}", **limits):
    """Calls a tool. The outcome's `value` is the result as JSON text."""
    document, text = ctypes.c_void_p(), arguments.encode()
    with options(**limits) as call_options:
        outcome = call(lib.mcp_call_tool, client.client, b"t", text, len(text), call_options, ctypes.byref(document))
    outcome.value = None
    if document:
        length = ctypes.c_size_t()
        raw = lib.mcp_json_raw(document, ctypes.byref(length))
        outcome.value = ctypes.string_at(raw, length.value).decode()
    lib.mcp_json_free(document)
    assert (outcome.status == "MCP_OK") == (outcome.value is not None), outcome
    return outcome


# --- Fixtures ---------------------------------------------------------------------------------------------------------


class Fixture:
    """An environment for a client, initially without the fault. Nothing may be sent to `other_origin`."""

    # Whether the fault affects the client's first request.
    first_request = False

    def __init__(self, transport):
        self.transport = transport
        self.fault_active = False
        self.resources = contextlib.ExitStack()
        self.other_origin = self.resources.enter_context(OtherOrigin())

    def client(self, token):
        """A client with the token, if the transport has one."""
        raise NotImplementedError

    def start_fault(self):
        self.fault_active = True

    def end_fault(self):
        self.fault_active = False

    def call(self, client, timeout):
        """The call that is affected by the fault."""
        return call_tool(client, timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.resources.close()


class Scripted(Fixture):
    """A server that responds with `fault` while the fault is active, and normally otherwise.

    The fault affects every request if `first_request` is set, otherwise the `methods`. `fault(request)` returns the
    same as a handler of the harness; `request.fixture` is this object. `chunked` applies to the event stream of
    HTTP+SSE. The server may receive tools/call at most `max_calls` times: the client must not resend it if it may have
    been executed. `event_limit` is a limit of the client."""

    def __init__(
        self,
        transport,
        fault,
        first_request=False,
        chunked=False,
        methods=("tools/call",),
        max_calls=None,
        event_limit=None,
    ):
        super().__init__(transport)
        self.fault, self.first_request, self.chunked, self.methods = fault, first_request, chunked, methods
        self.max_calls, self.event_limit = max_calls, event_limit
        # The event streams of HTTP+SSE, and those on which no valid event can follow.
        self.streams, self.damaged_streams = [], []
        self.server = self.resources.enter_context(Server(self.handle))

    def client(self, token):
        path = "/sse" if self.transport == "sse" else "/mcp"
        # The server cannot tell which version it should speak here, so the client selects it.
        pin = LEGACY if self.first_request and self.transport == "legacy" else None
        client = Client(f"http://127.0.0.1:{self.server.port}{path}", bearer=token, pin=pin)
        if self.event_limit:
            call(lib.mcp_set_limit, client.client, EVENT_LIMIT, self.event_limit).must_be("MCP_OK")
        return client

    def start_fault(self):
        super().start_fault()
        self.calls_before = self.server.saw().count("tools/call")

    def end_fault(self):
        super().end_fault()
        calls = self.server.saw().count("tools/call") - self.calls_before
        assert self.max_calls is None or calls <= self.max_calls, f"the tool was called {calls} times"
        for stream in self.damaged_streams:
            end_stream(self.server, stream)

    def handle(self, _server, request):
        request.fixture = self
        if self.fault_active and (self.first_request or request.rpc in self.methods):
            return self.fault(request)
        return self.normal_response(request)

    def normal_response(self, request):
        if self.transport == "sse":
            return self.normal_sse_response(request)
        if request.method == "GET":
            return http(405, kind=None)
        if "id" in request.message and (value := self.value(request)) is not None:
            return result(request, value)
        match request.rpc:
            case "server/discover" if self.transport == "modern":
                return discovered(request)
            case "server/discover":
                return error(request, -32601, status=400)
            case "initialize":
                return initialized(request)
            case "DELETE":
                return http(200, kind=None)
            case _:
                return http(202, kind=None)

    def normal_sse_response(self, request):
        if request.method == "GET":
            self.streams.append(request.socket)
            request.send(STREAM_IN_CHUNKS + chunk(ENDPOINT) if self.chunked else STREAM + ENDPOINT)
            return request.hold()
        value = {"protocolVersion": LEGACY, "capabilities": {}} if request.rpc == "initialize" else self.value(request)
        if value is not None:
            data = event(answer(request, value))
            self.stream.sendall(chunk(data) if self.chunked else data)
        return ACCEPTED

    @staticmethod
    def value(request):
        tool = {"name": "t", "inputSchema": {"type": "object", "properties": {}}}
        values = {"tools/call": RESULT, "tools/list": {"resultType": "complete", "tools": [tool]}, "ping": {}}
        return values.get(request.rpc)

    @property
    def stream(self):
        """The most recent event stream of HTTP+SSE."""
        return self.streams[-1]


def end_stream(server, stream):
    """Ends an event stream, and waits until the client has closed its side."""
    with contextlib.suppress(OSError):
        stream.shutdown(socket.SHUT_WR)
    assert server.wait_for(lambda: stream not in server.open), (
        "the client does not close an event stream that has ended"
    )


SCRIPTED_OPTIONS = ("chunked", "methods", "max_calls", "event_limit")


def row(name, fault, expected, words=(), *, first_request=(), transports=TRANSPORTS, **members):
    """Adds a fault of a scripted server. On the transports `first_request` (True: all) it affects the first request."""
    first_request = TRANSPORTS if first_request is True else first_request or ()
    members.setdefault("parallel", "timeout" in members and "repeats" not in members)
    members.setdefault("max_calls", 1)
    script = {key: members.pop(key) for key in SCRIPTED_OPTIONS if key in members}
    make = lambda transport: Scripted(transport, fault, transport in first_request, **script)  # noqa: E731
    add_row(name, make, expected, words, transports, **members)


# --- How a response may end -------------------------------------------------------------------------------------------


def then_hold(make):
    """Sends `make(request)`, then nothing more, and keeps the connection open."""
    return lambda request: request.send(make(request)) or request.hold()


def then_close(make):
    return lambda request: request.send(make(request)) or close(request.socket)


def then_reset(make):
    return lambda request: request.send(make(request)) or reset(request.socket)


def close(connection):
    """Shuts a connection down, which also ends a blocking call of its thread."""
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection):
    """Resets a connection after the peer has received everything that was sent."""
    poll(lambda: unacknowledged(connection) == 0, "sent data is not acknowledged")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Wakes its thread, which then closes it.
    connection.shutdown(socket.SHUT_RD)


def unacknowledged(connection):
    """How many sent bytes are not acknowledged yet."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0]


def dripped(make, prefix=0):
    """Sends one byte every 50 ms, after the first `prefix` bytes at once."""

    def fault(request):
        data = make(request)
        request.send(data[:prefix])
        for byte in data[prefix:]:
            PAUSE.wait(0.05)
            request.send(bytes([byte]))
        return request.hold()

    return fault


def endless(begin, block):
    """Sends `begin`, and then `block` repeatedly until the client disconnects."""

    def fault(request):
        request.send(begin)
        while True:
            request.send(block)

    return fault


# --- One run of a row -------------------------------------------------------------------------------------------------


def run_row(row, transport):
    """Runs the row once. Returns the outcome, and its delay after the timeout (or after the start, if there is
    none)."""
    token = secrets.token_hex(16)
    with row.fixture(transport) as fixture, fixture.client(token) as client:
        if row.connect_first and not fixture.first_request:
            call_tool(client, timeout=LONG_TIMEOUT).must_be("MCP_OK")
        fixture.start_fault()
        timeout = row.timeout_of(transport)
        meter = DelayMeter()
        outcome = fixture.call(client, timeout or LONG_TIMEOUT)
        delay, inconclusive_reason = check_time(outcome, meter, timeout, row.max_ms)
        mismatch = result_mismatch(row, transport, outcome)
        if (
            mismatch
            and timeout
            and (lost := meter.lost(outcome.ended - outcome.ms / 1000, outcome.ended)) > MAX_LATE_MS
        ):
            # The timeout may have expired before the call reached the fault.
            raise Inconclusive(f"{lost:.0f} of {outcome.ms} ms were lost to other load: {mismatch}")
        assert not mismatch, mismatch
        fixture.end_fault()
        for later in (client.ping(timeout=LONG_TIMEOUT), tool := call_tool(client, timeout=LONG_TIMEOUT)):
            assert later.status == "MCP_OK", f"{later.status} after the fault has ended: {later.message}"
        assert '"done"' in tool.value, f"wrong result after the fault has ended: {tool.value[:500]}"
        must_not_show(outcome, client.lines, token)
        fixture.other_origin.must_have_no_connection()
    if inconclusive_reason:
        raise Inconclusive(inconclusive_reason)
    return outcome, delay


class Inconclusive(Exception):
    """A run that lost so much time to other load that its result says nothing about the library."""


def result_mismatch(row, transport, outcome):
    """How the status and the message of a call differ from the row's; empty if they match."""
    if outcome.status != row.expected[transport]:
        return f"{outcome.status} instead of {row.expected[transport]}: {outcome.message[:500]}"
    missing = [word for word in row.words.get(transport, ()) if word not in outcome.message]
    return f"no {missing[0]!r} in: {outcome.message}" if missing and outcome.status != "MCP_OK" else ""


def check_time(outcome, meter, timeout, max_ms):
    """Returns the delay, and a reason if the delay is too long but other load may explain it."""
    begun = outcome.ended - outcome.ms / 1000
    due = begun + (timeout or 0) / 1000
    delay = (outcome.ended - due) * 1000
    bound = MAX_LATE_MS if timeout else max_ms
    # A call must not end before its timeout; one millisecond is lost by rounding.
    assert not timeout or delay >= -1, f"{-delay:.0f} ms before its timeout: {outcome.status}: {outcome.message}"
    inconclusive_reason = None
    if delay > bound:
        lost = meter.lost(due, outcome.ended)
        most = allowed(bound, lost)
        delayed = f"{delay:.0f} ms, but the limit is {most:.0f} ms, with {lost:.0f} ms lost to other load"
        reason = f"{delayed}: {outcome.status}: {outcome.message}"
        assert delay <= bound + lost, reason
        inconclusive_reason = reason if delay > most else None
    return max(0, round(delay)), inconclusive_reason


def run_with_retries(row, transport):
    """Runs the row, again while the result is inconclusive, and stores the result in it."""
    for _ in range(MAX_ATTEMPTS):
        try:
            outcome, delay = run_row(row, transport)
        except Inconclusive as why:
            row.inconclusive.append(f"{row.name} @ {transport}: {why}")
        except Exception:
            row.failures.append(f"{row.name} @ {transport}: {traceback.format_exc()}")
            return
        else:
            before = row.results.get(transport)
            row.results[transport] = (outcome.status, max(delay, before[1]) if before else delay, outcome.message)
            return
    row.failures.append(f"{row.name} @ {transport}: {MAX_ATTEMPTS} inconclusive runs; the last: {row.inconclusive[-1]}")


# --- Leaks ------------------------------------------------------------------------------------------------------------


def run_concurrently(row, before):
    with ThreadPoolExecutor(REPEATS * len(TRANSPORTS)) as pool:
        for transport in row.expected:
            for _ in range(row.repeats):
                pool.submit(run_with_retries, row, transport)
    try:
        poll(lambda: open_resources() == before, "")
    except AssertionError:
        row.failures.append(f"{row.name}: {before} were open before, {open_resources()} after")


# --- Running ----------------------------------------------------------------------------------------------------------


def run():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--table", type=Path, help="appends the results to this file as a Markdown table")
    arguments = parser.parse_args()
    faulthandler.dump_traceback_later(MAX_SECONDS, exit=True)
    begun, idle = time.monotonic(), open_resources()
    words = arguments.words
    chosen = [row for row in rows if not words or any(word in row.name for word in words)]
    assert chosen, "no row has such a name"

    run_once([row for row in chosen if row.parallel], at_a_time=8)
    run_once([row for row in chosen if not row.parallel], at_a_time=1)
    # Descriptors that the library opens once may stay open; its threads must end.
    poll(lambda: open_resources()["threads"] == idle["threads"], f"{idle} before, {open_resources()} after all rows")
    before, idle = memory(), open_resources()
    for row in chosen:
        if not row.failures:
            run_concurrently(row, idle)
    failures = [text for row in chosen for text in row.failures]
    allocated, resident = (after - earlier for after, earlier in zip(memory(), before, strict=True))
    growth = f"{allocated:+.2f} MiB allocated, {resident:+.1f} MiB resident"
    if allocated > MAX_ALLOCATED or resident > MAX_RESIDENT:
        failures.append(f"memory has grown: {growth}")

    show(chosen)
    inconclusive = [text for row in chosen for text in row.inconclusive]
    for text in inconclusive:
        print(f"repeated: {text}")
    for text in failures:
        print(f"FAILED: {text}")
    runs = sum(len(row.expected) * (1 + row.repeats) for row in chosen)
    counts = f"{len(chosen)} faults, {runs} runs, {len(inconclusive)} repeated"
    print(f"{counts}, {growth}, {time.monotonic() - begun:.1f} s, {len(failures)} failures")
    if arguments.table:
        with arguments.table.open("a") as file:
            file.writelines(f"{line}\n" for line in table(chosen))
    sys.stdout.flush()
    sys.exit(1 if failures else 0)


def run_once(chosen, at_a_time):
    for begin in range(0, len(chosen), at_a_time):
        with ThreadPoolExecutor(at_a_time * len(TRANSPORTS)) as pool:
            for row in chosen[begin : begin + at_a_time]:
                for transport in row.expected:
                    pool.submit(run_with_retries, row, transport)


def show(chosen):
    for row in chosen:
        for transport, (status, _, message) in row.results.items():
            print(f"{row.name} @ {transport}: {status}: {message}")
    print()
    for line in table(chosen):
        print(line)
    print()


def table(chosen):
    """Lines of a Markdown table. `+12 ms` counts from the timeout, `12 ms` from the start of the call."""
    # Some subjects use additional transports.
    used = dict.fromkeys(transport for row in chosen for transport in row.expected)
    columns = [transport for transport in dict.fromkeys((*TRANSPORTS, *used)) if transport in used]
    yield f"| fault | {' | '.join(columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for row in chosen:
        cells = []
        for transport in columns:
            status, delay, _ = row.results.get(transport, ("FAILED" if transport in row.expected else "", 0, ""))
            sign = "+" if row.timeout_of(transport) else ""
            cells.append(f"{status.removeprefix('MCP_')} {sign}{delay} ms" if status.startswith("MCP_") else status)
        yield f"| {row.name} | {' | '.join(cells)} |"
