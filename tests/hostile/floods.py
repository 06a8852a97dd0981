"""Servers that send much: cookies, data, notifications and requests. Calls end in time all the same, what waits is bounded, and
other calls on the same stream are answered meanwhile."""

import json
import re
import threading
import time
from contextlib import contextmanager
from ctypes import byref, c_void_p
from pathlib import Path

from harness import (
    LOG, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, discovered, event, http, legacy, lib, must_be_soon,
    options, poll, run,
)  # fmt: skip
from newer import ASKING, INPUT, call_tool, fetched, listed, notice, process

TOKEN = "s3cr3t-token"
CONTENT = {"content": []}
LARGE = 12 << 20
# An array of many values.
FILLER = "[" + "1," * (LARGE // 2) + "1]"


def memory(which="VmRSS"):
    """What this process has in memory, in MiB."""
    return int(re.search(rf"{which}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) >> 10


def peak():
    """The most that it has had; begins anew with what it has now."""
    value = memory("VmHWM")
    Path("/proc/self/clear_refs").write_text("5")
    return value


# --- Redaction --------------------------------------------------------------------------------------------------------


@contextmanager
def cookies_of_many_parts(last):
    """A client to which five answers have set 13 cookies of 4 KB each, of many short parts; `last` answers what comes then."""
    answers = []

    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        answers.append(request)
        if len(answers) > 5:
            return last(request)
        head, body = legacy(request).split(b"\r\n", 1)
        parts = [" ".join(f"{len(answers):02}{cookie:02}{part:04}" for part in range(440)) for cookie in range(13)]
        cookies = [f"Set-Cookie: c{cookie}={value}".encode() for cookie, value in enumerate(parts)]
        return b"\r\n".join([head, *cookies, body])

    with Server(handler) as server, Client(server.url, bearer=TOKEN) as client:
        for _ in range(5):
            client.ping(timeout=10_000).must_be("MCP_OK")
        yield client


@case
def many_cookies_do_not_delay_an_error():
    with cookies_of_many_parts(lambda _request: http(500, "it broke " * 2000, kind="text/plain")) as client:
        client.ping(timeout=1500).must_be("MCP_SERVER_ERROR").must_end(within=0)


@case
def many_cookies_do_not_delay_a_cancel():
    asked = threading.Event()

    def last(request):
        asked.set()
        return request.hold()

    with cookies_of_many_parts(last) as client, Cancel() as cancel:
        calling = client.begin_ping(cancel=cancel, timeout=10_000)
        assert asked.wait(PATIENCE)
        begun = time.monotonic()
        cancel.trigger()
        must_be_soon(begun, calling.result().must_be("MCP_CANCELLED").ended)


@case
def large_data_of_an_error_is_not_searched_for_long():
    """Of values that an index has much work with; beside credentials, or in a session, it is left out."""
    data = '["\\n",' + FILLER + "]"

    def handler(_server, request):
        if request.rpc == "server/discover" and request.authorization is None:
            return discovered(request)
        if request.rpc != "tools/list":
            return legacy(request)
        body = '{"jsonrpc":"2.0","id":%d,"error":{"code":-32000,"message":"no","data":%s}}'
        return http(200, body % (request.message["id"], data))

    with Server(handler) as server:
        with Client(server.url, bearer=TOKEN) as client:
            client.connect().must_be("MCP_OK")
            outcome = listed(client, timeout=20_000).must_be("MCP_RPC_ERROR")
            assert not outcome.data, len(outcome.data)
        with Client(server.url) as client:
            client.connect().must_be("MCP_OK")
            outcome = listed(client, timeout=20_000).must_be("MCP_RPC_ERROR")
            assert len(outcome.data) == len(data), len(outcome.data)


@case
def a_call_makes_no_index_of_what_it_gets():
    """What it wants to know of an answer is little; an index would take 20 bytes and more a value."""
    filler = FILLER.encode()

    def handler(_server, request):
        if request.rpc == "server/discover":
            return legacy(request)
        known = json.dumps({"protocolVersion": "2025-11-25", "capabilities": {}, "tools": [], "content": []})[:-1]
        begin = b'{"jsonrpc":"2.0","id":%d,"result":%s,"x":' % (request.message.get("id", 0), known.encode())
        # Piece by piece: the server's memory is this process's, too.
        request.send(http(200, Content_Length=len(begin) + len(filler) + 2) + begin)
        request.send(filler)
        return b"}}"

    with Server(handler) as server, Client(server.url) as client:
        peak()
        before = memory()
        client.connect(timeout=20_000).must_be("MCP_OK")
        document = c_void_p()
        with options(timeout=20_000) as given:
            for function, arguments in ((lib.mcp_list_tools, ()), (lib.mcp_call_tool, (b"t", None, 0))):
                call(function, client.client, *arguments, given, byref(document)).must_be("MCP_OK")
                lib.mcp_json_free(document)
        grown = peak() - before
        print(f"    {grown} MiB more")
        # The session's answer, and two more with their buffers.
        assert grown < 5 * LARGE >> 20, f"{grown} MiB"


# --- Notifications ----------------------------------------------------------------------------------------------------


def too_long_a_notification(method):
    """A large notification in front of an answer, on the answer to the request."""
    long = '{"jsonrpc":"2.0","method":"notifications/%s","params":{"x":%s,"progressToken":1}}' % (method, FILLER)

    def handler(_server, request):
        if request.rpc != "tools/call":
            return legacy(request)
        request.send(STREAM + b"data: " + long.encode() + b"\n\n" + event(answer(request, CONTENT)))

    with Server(handler) as server, Client(server.url) as client:
        told = []
        fetched_tool(client, told=told, timeout=20_000).must_be("MCP_OK")
        assert not told and any("longer than 1 MiB" in line for line in client.lines), client.lines[-3:]


def fetched_tool(client, **limits):
    return fetched(lib.mcp_call_tool, client, b"t", None, 0, **limits)


@case
def a_notification_that_is_too_long_is_skipped():
    for method in ("progress", "tools/list_changed", "cancelled"):
        too_long_a_notification(method)


@case
def what_ends_a_call_is_looked_at_between_two_callbacks():
    """One read brings many notifications, and the callback for each takes a while, which does not count. A cancel is seen behind
    the callback that runs."""
    told = []

    def handler(_server, request):
        if request.rpc != "tools/call":
            return legacy(request)
        token = request.message["params"]["_meta"]["progressToken"]
        flood = b"".join(event(notice("progress", progressToken=token, progress=n)) for n in range(300))
        request.send(STREAM + flood)
        return request.hold()

    with Server(handler) as server, Client(server.url) as client, Cancel() as cancel:
        pause = threading.Event()

        class Told(list):
            def append(self, item):
                told.append(item)
                if len(told) == 3:
                    cancel.trigger()
                pause.wait(0.02)

        fetched_tool(client, told=Told(), cancel=cancel, timeout=20_000).must_be("MCP_CANCELLED")
        assert len(told) == 3, len(told)


# A call with a progress token, and a question that its handler waits with. The handler's ping tells that it runs.
ASKED = """
begin_legacy()
one = ask()
token = one["params"]["_meta"]["progressToken"]
question(7)
"""


class Waiting:
    """A handler of elicitations that makes a ping, and then waits until it may go on."""

    def __init__(self, client):
        self.is_asked, self.go, self.client = threading.Event(), threading.Event(), client
        self.count, self.ping = 0, None
        self.function = INPUT(self.take)
        call(lib.mcp_set_elicitation, client.client, self.function, None, None).must_be("MCP_OK")

    def take(self, _data, given):
        self.count += 1
        if self.count == 1:
            self.ping = self.client.ping(timeout=20_000)
            self.is_asked.set()
            assert self.go.wait(PATIENCE)
        call(lib.mcp_input_accept, given, b"{}", 2).must_be("MCP_OK")


@case
def a_flood_for_one_call_leaves_the_others_alone():
    """The handler of one call waits while notifications for that call come as fast as the server can write; another call is answered,
    the handler makes one itself, and the memory is bounded."""
    script = ASKED + """
import queue
came = queue.SimpleQueue()
def read():
    for line in sys.stdin: came.put(json.loads(line))
    os._exit(0)
threading.Thread(target=read).start()
text, n, answered = "x" * 100_000, 0, False
while not answered:
    n += 1
    send({"method": "notifications/progress", "params": {"progressToken": token, "progress": n, "message": text}})
    send({"method": "notifications/message", "params": {"level": "info", "data": text}})
    while not came.empty():
        message = came.get()
        if message.get("method") == "ping": reply(message, {})
        else: answered = answered or message.get("id") == 7
reply(one, {"content": []})
while True:
    message = came.get()
    if "id" in message: begin(message)
"""
    with process(ASKING + script) as client:
        handler = Waiting(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        told = []
        calling = client.begin(lambda: fetched_tool(client, told=told, timeout=20_000))
        assert handler.is_asked.wait(PATIENCE)
        handler.ping.must_be("MCP_OK").must_end(within=1000)
        before = memory()
        # Far more than is kept.
        while sum("notifications/message" in line for line in client.lines) < 500:
            pinged = client.ping(timeout=20_000).must_be("MCP_OK")
            must_be_soon(pinged.ended - pinged.ms / 1000, pinged.ended, within=1000)
        grown = memory() - before
        print(f"    {grown} MiB more")
        assert grown < 100, f"{grown} MiB"
        handler.go.set()
        calling.result().must_be("MCP_OK")
        # The newest are kept, in their order.
        steps = [step for step, _ in told]
        assert 10 < len(steps) <= 257 and steps == sorted(steps), len(steps)
        assert any("came faster than the program took them" in line for line in client.lines), client.lines[-5:]


@case
def a_cancel_is_seen_before_what_waits():
    """256 notifications wait for a call; each callback takes a while."""
    script = ASKED + """
begin(listen())
for n in range(250): send({"method": "notifications/progress", "params": {"progressToken": token, "progress": n}})
serve()
"""
    with process(ASKING + script) as client, Cancel() as cancel:
        handler = Waiting(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        told, pause = [], threading.Event()

        class Told(list):
            def append(self, item):
                told.append(item)
                if len(told) == 3:
                    cancel.trigger()
                pause.wait(0.02)

        calling = client.begin(lambda: fetched_tool(client, told=Told(), cancel=cancel, timeout=20_000))
        assert handler.is_asked.wait(PATIENCE)
        # Everything has come when an answer has that was written behind it.
        client.ping(timeout=20_000)
        handler.go.set()
        calling.result().must_be("MCP_CANCELLED")
        assert len(told) == 3, len(told)


@case
def what_ends_a_call_is_looked_at_between_two_questions():
    script = """
begin_legacy(); ask()
for number in range(30): question(number)
serve()
"""
    for ends in ("cancel", "close"):
        with process(ASKING + script) as client, Cancel() as cancel:
            asked, pause = [], threading.Event()

            def take(_data, given):
                asked.append(given)
                if len(asked) == 3:
                    cancel.trigger() if ends == "cancel" else client.close(timeout=1)
                pause.wait(0.01)
                call(lib.mcp_input_accept, given, b"{}", 2).must_be("MCP_OK")

            function = INPUT(take)
            call(lib.mcp_set_elicitation, client.client, function, None, None).must_be("MCP_OK")
            client.connect(timeout=20_000).must_be("MCP_OK")
            call_tool(client, timeout=20_000, cancel=cancel).must_be("MCP_CANCELLED" if ends == "cancel" else "MCP_CLOSED")
            assert len(asked) == 3, len(asked)


@case
def many_requests_and_cancellations_are_linear():
    """In one batch, with the answer to a call behind it."""
    script = """
begin_legacy()
one = ask()
requests = [{"jsonrpc": "2.0", "id": f"p{n}", "method": "ping"} for n in range(20_000)]
cancelled = [{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": f"x{n}"}} for n in range(20_000)]
threading.Thread(target=lambda: [None for _ in sys.stdin.buffer], daemon=True).start()
say(json.dumps(requests + cancelled) + "\\n"); reply(one, {})
threading.Event().wait()
"""
    with process(ASKING + script) as client:
        call(lib.mcp_set_log, client.client, LOG(), None, None).must_be("MCP_OK")
        client.connect(timeout=20_000).must_be("MCP_OK")
        client.ping(timeout=20_000).must_be("MCP_OK").must_end(within=5000)


@case
def more_requests_than_can_wait_are_refused():
    """One call, whose handler waits; of 100 more questions 64 wait, and the others are refused at once."""
    script = """
begin_legacy()
one = ask()
question(0); begin(listen())
for number in range(1, 101): question(number)
refused = [listen() for _ in range(36)]
assert all(message["error"]["code"] == -32603 for message in refused), refused
assert [message["id"] for message in refused] == list(range(65, 101)), refused
send({"method": "notifications/message", "params": {"level": "info", "data": "refused"}})
served = [listen()["id"] for _ in range(65)]
assert served == list(range(65)), served
reply(one, {"content": []})
serve()
"""
    with process(ASKING + script) as client:
        handler = Waiting(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: any("notifications/message" in line for line in client.lines), "not refused")
        handler.go.set()
        calling.result().must_be("MCP_OK")
        assert handler.count == 65, handler.count


@case
def a_part_of_a_large_batch_is_small():
    """Each notification that waits was one of a batch of 4 MB: what waits does not hold the batches."""
    script = ASKED + """
filler = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 4_000_000}}
for n in range(60):
    note = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": n}}
    say(json.dumps([note, filler]) + "\\n")
while True:
    message = listen()
    if message.get("method") == "ping": reply(message, {})
    elif message.get("id") == 7: break
reply(one, {"content": []})
serve()
"""
    with process(ASKING + script) as client:
        handler = Waiting(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        told = []
        calling = client.begin(lambda: fetched_tool(client, told=told, timeout=20_000))
        assert handler.is_asked.wait(PATIENCE)
        before = memory()
        client.ping(timeout=20_000).must_be("MCP_OK")
        assert memory() - before < 60, f"{memory() - before} MiB"
        handler.go.set()
        calling.result().must_be("MCP_OK")
        assert [step for step, _ in told] == list(range(60)), told


run()
