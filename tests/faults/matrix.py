"""The fault matrix: what each row is put through, on each transport that it applies to.

    python3 SUBJECT.py LIBRARY [WORD...] [--table FILE]    only the rows whose names hold one of the words

A row is a fault, and how a call that meets it has to end. Its `world` is where that happens: a server (or a network, or a process)
that can be broken and healed. Each time, a client with a token of its own makes a call in the broken world. The call has to

- end in time: at the row's timeout and at most 100 ms later, or at once where the fault is there to be seen;
- with exactly the row's status, and a message with the row's words, which name the cause;
- show the token neither in its error nor in the log;
- have sent nothing to another origin;

and then the same client has to work in the healed world. All rows are run once. Then each is run several times side by side, and must
leave neither a thread nor a descriptor behind; nor may the whole file leave memory.

A busy machine makes threads wait for a processor (measures.py). A bound allows for that, but never grows to more than twice its
size. A run that lost more than that proves nothing about the library, and is repeated a few times; it never passes.
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
    ERROR, LEGACY, STREAM, Client, Server, answer, call, chunk, declare, discovered, error, event, http, initialized, lib,
    must_not_show, options, poll, result,
)  # fmt: skip
from load import PAUSE, allowed  # noqa: E402
from measures import Watch, left, memory  # noqa: E402

JSON = ctypes.POINTER(ctypes.c_void_p)
TEXT = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
declare(ctypes.c_int, mcp_call_tool=[ctypes.c_void_p, *TEXT, ctypes.c_void_p, JSON, ERROR])
declare(ctypes.c_int, mcp_set_limit=[ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint64, ERROR])
declare(None, mcp_json_free=[ctypes.c_void_p])

# How much later than its timeout a call may end, in milliseconds.
LATE = 100

# How long a call may take whose fault is there to be seen, in milliseconds.
AT_ONCE = 250

# The timeout of such a call, and of all that have to succeed.
AMPLE = 5000

# How often a row is run beside itself to see whether it leaves something behind.
REPEATS = 5

# What a whole file may leave in memory, in MiB: what the allocator has given out, and what the process has, with what is only kept.
ALLOCATED = 0.5
RESIDENT = 12

# The most tries of a run, where the machine took so much time that the run proves nothing.
TRIES = 5

# The longest that a file may take, in seconds.
PATIENCE = 110

# MCP_LIMIT_EVENT
EVENT = 3

TRANSPORTS = ("modern", "legacy", "sse")
DONE = {"resultType": "complete", "content": [{"type": "text", "text": "done"}]}
ACCEPTED = http(202, "Accepted", kind="text/plain")
STREAM_IN_CHUNKS = http(200, kind="text/event-stream", Content_Length=None, Transfer_Encoding="chunked")
ENDPOINT = b"event: endpoint\ndata: /messages?session_id=1\n\n"


# --- Rows -------------------------------------------------------------------------------------------------------------

rows = []


@dataclass
class Row:
    """`expected` and `words` are by transport. With `waits`, a number or one by transport, the call's timeout is that, and it has to
    end there; `at_once` is how long it may take otherwise. With `started` the client has made a call before the world breaks. A row
    that may be run `together` with others has no effect beyond its world, and mostly waits."""

    name: str
    world: object  # world(transport) is a World
    expected: dict
    words: dict
    waits: int | dict | None = None
    at_once: int = AT_ONCE
    started: bool = True
    repeats: int = REPEATS
    together: bool = False
    seen: dict = field(default_factory=dict)
    wrong: list = field(default_factory=list)
    invalid: list = field(default_factory=list)

    def waited(self, transport):
        """The timeout that the call has to end at, if any."""
        return self.waits.get(transport) if isinstance(self.waits, dict) else self.waits


def add_row(name, world, expected, words=(), transports=TRANSPORTS, **members):
    """`expected` and `words` are the same on all transports, or by transport."""
    expected = expected if isinstance(expected, dict) else dict.fromkeys(transports, expected)
    words = words if isinstance(words, dict) else dict.fromkeys(expected, words)
    words = {transport: (told,) if isinstance(told, str) else tuple(told) for transport, told in words.items()}
    for transport, status in expected.items():
        assert status == "MCP_OK" or words.get(transport), f"{name}: what names the cause on {transport}?"
    rows.append(Row(name, world, expected, words, **members))


def call_tool(client, arguments="{}", **limits):
    """Calls a tool; what it says is the outcome's `value`, as the text of the JSON."""
    document, text = ctypes.c_void_p(), arguments.encode()
    with options(**limits) as given:
        outcome = call(lib.mcp_call_tool, client.client, b"t", text, len(text), given, ctypes.byref(document))
    outcome.value = None
    if document:
        length = ctypes.c_size_t()
        raw = lib.mcp_json_raw(document, ctypes.byref(length))
        outcome.value = ctypes.string_at(raw, length.value).decode()
    lib.mcp_json_free(document)
    assert (outcome.status == "MCP_OK") == (outcome.value is not None), outcome
    return outcome


# --- Worlds -----------------------------------------------------------------------------------------------------------


class World:
    """Where a fault happens. It is made healthy; `foreign` is another origin, to which nothing may go."""

    # Whether the client's first request meets the fault.
    first = False

    def __init__(self, transport):
        self.transport = transport
        self.broken = False
        self.kept = contextlib.ExitStack()
        self.foreign = self.kept.enter_context(Foreign())

    def client(self, token):
        """A client with the token, where the transport has one."""
        raise NotImplementedError

    def fail(self):
        self.broken = True

    def heal(self):
        self.broken = False

    def call(self, client, timeout):
        """The call that meets the fault."""
        return call_tool(client, timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kept.close()


class Foreign:
    """Another origin."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]

    def must_be_unknown(self):
        with contextlib.suppress(BlockingIOError):
            self.listener.accept()
            raise AssertionError("a connection was made to another origin")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class Scripted(World):
    """A server that is decent, but that meets requests with `fault` while the world is broken: every request where the fault is to
    come `first`, otherwise the tool's call, or the methods that it `meets`. `fault(request)` returns what a handler of the harness
    does; `request.world` is this. The event stream of HTTP+SSE is sent `chunked`, or as it is. The tool's call may come so many
    `times`: it is never sent again where it may have been executed. `event_limit` is the client's."""

    def __init__(self, transport, fault, first=False, chunked=False, meets=("tools/call",), times=None, event_limit=None):
        super().__init__(transport)
        self.fault, self.first, self.chunked, self.meets = fault, first, chunked, meets
        self.times, self.event_limit = times, event_limit
        # The event streams of HTTP+SSE, and those that cannot be healed.
        self.streams, self.spoilt = [], []
        self.server = self.kept.enter_context(Server(self.handle))

    def client(self, token):
        path = "/sse" if self.transport == "sse" else "/mcp"
        # Where nothing tells the versions apart, the client has to.
        pin = LEGACY if self.first and self.transport == "legacy" else None
        client = Client(f"http://127.0.0.1:{self.server.port}{path}", bearer=token, pin=pin)
        if self.event_limit:
            call(lib.mcp_set_limit, client.client, EVENT, self.event_limit).must_be("MCP_OK")
        return client

    def fail(self):
        super().fail()
        self.before = self.server.saw().count("tools/call")

    def heal(self):
        super().heal()
        times = self.server.saw().count("tools/call") - self.before
        assert self.times is None or times <= self.times, f"the tool was called {times} times"
        for stream in self.spoilt:
            end_stream(self.server, stream)

    def handle(self, _server, request):
        request.world = self
        if self.broken and (self.first or request.rpc in self.meets):
            return self.fault(request)
        return self.decent(request)

    def decent(self, request):
        if self.transport == "sse":
            return self.decent_channel(request)
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

    def decent_channel(self, request):
        if request.method == "GET":
            self.streams.append(request.socket)
            request.send(STREAM_IN_CHUNKS + chunk(ENDPOINT) if self.chunked else STREAM + ENDPOINT)
            return request.hold()
        value = {"protocolVersion": LEGACY, "capabilities": {}} if request.rpc == "initialize" else self.value(request)
        if value is not None:
            told = event(answer(request, value))
            self.stream.sendall(chunk(told) if self.chunked else told)
        return ACCEPTED

    @staticmethod
    def value(request):
        tool = {"name": "t", "inputSchema": {"type": "object", "properties": {}}}
        values = {"tools/call": DONE, "tools/list": {"resultType": "complete", "tools": [tool]}, "ping": {}}
        return values.get(request.rpc)

    @property
    def stream(self):
        """The event stream of HTTP+SSE that was opened last."""
        return self.streams[-1]


def end_stream(server, stream):
    """Ends an event stream, and waits until the client has noticed."""
    with contextlib.suppress(OSError):
        stream.shutdown(socket.SHUT_WR)
    assert server.wait_for(lambda: stream not in server.open), "the client does not let go of a stream that has ended"


SCRIPT = ("chunked", "meets", "times", "event_limit")


def row(name, fault, expected, words=(), *, first=(), transports=TRANSPORTS, **members):
    """A fault of a scripted server; it comes `first` on these transports, or on all for True."""
    first = TRANSPORTS if first is True else first or ()
    members.setdefault("together", "waits" in members and "repeats" not in members)
    members.setdefault("times", 1)
    script = {key: members.pop(key) for key in SCRIPT if key in members}
    make = lambda transport: Scripted(transport, fault, transport in first, **script)  # noqa: E731
    add_row(name, make, expected, words, transports, **members)


# --- How an answer may end --------------------------------------------------------------------------------------------


def then_hold(make):
    """What `make` makes of a request is sent, and then nothing any more."""
    return lambda request: request.send(make(request)) or request.hold()


def then_close(make):
    return lambda request: request.send(make(request)) or close(request.socket)


def then_reset(make):
    return lambda request: request.send(make(request)) or reset(request.socket)


def close(connection):
    """Closes a connection, whatever its thread is doing."""
    connection.shutdown(socket.SHUT_RDWR)


def reset(connection):
    """The same with a reset, behind what was sent."""
    poll(lambda: unacknowledged(connection) == 0, "what was sent does not arrive")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Its thread wakes up and closes it.
    connection.shutdown(socket.SHUT_RD)


def unacknowledged(connection):
    """How many bytes have been sent and have not arrived."""
    return struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0]


def dripped(make, at_once=0):
    """A byte every 50 ms, after so many at once."""

    def fault(request):
        data = make(request)
        request.send(data[:at_once])
        for byte in data[at_once:]:
            PAUSE.wait(0.05)
            request.send(bytes([byte]))
        return request.hold()

    return fault


def endless(begin, block):
    """`begin`, and then the block until the client leaves."""

    def fault(request):
        request.send(begin)
        while True:
            request.send(block)

    return fault


# --- One run of a row -------------------------------------------------------------------------------------------------


def examine(row, transport):
    """Runs the row, and returns how late it was: after its timeout where it waits, else after its beginning."""
    token = secrets.token_hex(16)
    with row.world(transport) as world, world.client(token) as client:
        if row.started and not world.first:
            call_tool(client, timeout=AMPLE).must_be("MCP_OK")
        world.fail()
        waits = row.waited(transport)
        watch = Watch()
        outcome = world.call(client, waits or AMPLE)
        late, excuse = must_be_in_time(outcome, watch, waits, row.at_once)
        wrong = mistake(row, transport, outcome)
        if wrong and waits and (lost := watch.lost(outcome.ended - outcome.ms / 1000, outcome.ended)) > LATE:
            # The timeout may have passed before the call reached the fault.
            raise Invalid(f"the machine took {lost:.0f} of {outcome.ms} ms: {wrong}")
        assert not wrong, wrong
        world.heal()
        for again in (client.ping(timeout=AMPLE), healed := call_tool(client, timeout=AMPLE)):
            assert again.status == "MCP_OK", f"{again.status} in the healed world: {again.message}"
        assert '"done"' in healed.value, f"another answer in the healed world: {healed.value[:500]}"
        must_not_show(outcome, client.lines, token)
        world.foreign.must_be_unknown()
    if excuse:
        raise Invalid(excuse)
    return outcome, late


class Invalid(Exception):
    """A run from which the machine took so much time that it proves nothing about the library."""


def mistake(row, transport, outcome):
    """What is wrong with the status and the message of a call; nothing where they are the row's."""
    if outcome.status != row.expected[transport]:
        return f"{outcome.status} instead of {row.expected[transport]}: {outcome.message[:500]}"
    missing = [word for word in row.words.get(transport, ()) if word not in outcome.message]
    return f"no {missing[0]!r} in: {outcome.message}" if missing and outcome.status != "MCP_OK" else ""


def must_be_in_time(outcome, watch, waits, at_once):
    """How late it was; and a message where that is more than is allowed, but the machine took as much."""
    begun = outcome.ended - outcome.ms / 1000
    due = begun + (waits or 0) / 1000
    late = (outcome.ended - due) * 1000
    bound = LATE if waits else at_once
    # A timeout is not too early, either; a millisecond is lost by rounding.
    assert not waits or late >= -1, f"{-late:.0f} ms before its timeout: {outcome.status}: {outcome.message}"
    excuse = None
    if late > bound:
        lost = watch.lost(due, outcome.ended)
        most = allowed(bound, lost)
        told = f"{late:.0f} ms, where {most:.0f} are allowed, and the machine took {lost:.0f}: {outcome.status}: {outcome.message}"
        assert late <= bound + lost, told
        excuse = told if late > most else None
    return max(0, round(late)), excuse


def attempt(row, transport):
    """Runs the row and keeps what is to be told of it."""
    for _ in range(TRIES):
        try:
            outcome, late = examine(row, transport)
        except Invalid as why:
            row.invalid.append(f"{row.name} @ {transport}: {why}")
        except Exception:
            row.wrong.append(f"{row.name} @ {transport}: {traceback.format_exc()}")
            return
        else:
            before = row.seen.get(transport)
            row.seen[transport] = (outcome.status, max(late, before[1]) if before else late, outcome.message)
            return
    row.wrong.append(f"{row.name} @ {transport}: the machine took too much of {TRIES} runs, and of the last: {row.invalid[-1]}")


# --- What is left behind ----------------------------------------------------------------------------------------------


def run_beside_itself(row, before):
    with ThreadPoolExecutor(REPEATS * len(TRANSPORTS)) as pool:
        for transport in row.expected:
            for _ in range(row.repeats):
                pool.submit(attempt, row, transport)
    try:
        poll(lambda: left() == before, "")
    except AssertionError:
        row.wrong.append(f"{row.name}: {before} before, {left()} after")


# --- Running ----------------------------------------------------------------------------------------------------------


def run():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--table", type=Path, help="a file that the rows are appended to, as Markdown")
    given = parser.parse_args()
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    begun, idle = time.monotonic(), left()
    chosen = [row for row in rows if not given.words or any(word in row.name for word in given.words)]
    assert chosen, "no such row"

    run_once([row for row in chosen if row.together], at_a_time=8)
    run_once([row for row in chosen if not row.together], at_a_time=1)
    # What the library opens once may stay open; its threads end.
    poll(lambda: left()["threads"] == idle["threads"], f"{idle} before, {left()} after all rows")
    before, idle = memory(), left()
    for row in chosen:
        if not row.wrong:
            run_beside_itself(row, idle)
    wrong = [text for row in chosen for text in row.wrong]
    allocated, resident = (after - of_before for after, of_before in zip(memory(), before, strict=True))
    grown = f"{allocated:+.2f} MiB allocated, {resident:+.1f} MiB resident"
    if allocated > ALLOCATED or resident > RESIDENT:
        wrong.append(f"it has grown: {grown}")

    show(chosen)
    invalid = [text for row in chosen for text in row.invalid]
    for text in invalid:
        print(f"made again: {text}")
    for text in wrong:
        print(f"FAILED: {text}")
    runs = sum(len(row.expected) * (1 + row.repeats) for row in chosen)
    counts = f"{len(chosen)} faults, {runs} runs, {len(invalid)} made again"
    print(f"{counts}, {grown}, {time.monotonic() - begun:.1f} s, {len(wrong)} failures")
    if given.table:
        with given.table.open("a") as file:
            file.writelines(f"{line}\n" for line in table(chosen))
    sys.stdout.flush()
    sys.exit(1 if wrong else 0)


def run_once(chosen, at_a_time):
    for begin in range(0, len(chosen), at_a_time):
        with ThreadPoolExecutor(at_a_time * len(TRANSPORTS)) as pool:
            for row in chosen[begin : begin + at_a_time]:
                for transport in row.expected:
                    pool.submit(attempt, row, transport)


def show(chosen):
    for row in chosen:
        for transport, (status, _, message) in row.seen.items():
            print(f"{row.name} @ {transport}: {status}: {message}")
    print()
    for line in table(chosen):
        print(line)
    print()


def table(chosen):
    """`+12` is over the timeout, `12` is since the call."""
    # Rows of other subjects may have transports of their own.
    used = dict.fromkeys(transport for row in chosen for transport in row.expected)
    columns = [transport for transport in dict.fromkeys((*TRANSPORTS, *used)) if transport in used]
    yield f"| fault | {' | '.join(columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    for row in chosen:
        cells = []
        for transport in columns:
            status, late, _ = row.seen.get(transport, ("FAILED" if transport in row.expected else "", 0, ""))
            sign = "+" if row.waited(transport) else ""
            cells.append(f"{status.removeprefix('MCP_')} {sign}{late} ms" if status.startswith("MCP_") else status)
        yield f"| {row.name} | {' | '.join(cells)} |"
