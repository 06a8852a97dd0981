"""Servers that send too much: cookies, data, notifications and requests. Calls still end in time, queues are limited,
and other calls on the same stream get their responses meanwhile."""

import json
import re
import threading
import time
from contextlib import contextmanager
from ctypes import byref, c_void_p
from pathlib import Path

from harness import (
    LOG, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, discovered, event, http, legacy, lib,
    must_be_soon, options, poll, run,
)  # fmt: skip
from newer import ASKING, INPUT, call_tool, fetched, listed, notice, process

TOKEN = "s3cr3t-token"
CONTENT = {"content": []}
LARGE = 12 << 20
# An array of many values.
FILLER = "[" + "1," * (LARGE // 2) + "1]"


def memory(which="VmRSS"):
    """The memory of this process, in MiB."""
    return int(re.search(rf"{which}:\s+(\d+)", Path("/proc/self/status").read_text())[1]) >> 10


def peak():
    """The peak of `memory` since the last call of `peak`."""
    value = memory("VmHWM")
    Path("/proc/self/clear_refs").write_text("5")
    return value


# --- Responses --------------------------------------------------------------------------------------------------------


@contextmanager
def cookies_of_many_parts(last):
    """A client to which five responses sent 13 cookies of 4 KB each, of short words. `last` answers later pings."""
    pings = []

    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        pings.append(request)
        if len(pings) > 5:
            return last(request)
        head, body = legacy(request).split(b"\r\n", 1)
        values = [" ".join(f"{len(pings):02}{cookie:02}{word:04}" for word in range(440)) for cookie in range(13)]
        cookies = [f"Set-Cookie: c{cookie}={value}".encode() for cookie, value in enumerate(values)]
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
def large_error_data_is_omitted_when_it_would_need_redaction():
    """Data with many values is slow to redact: the library omits it if it knows credentials or a session id."""
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
def a_call_makes_no_index_of_its_response():
    """A call reads few members of a response. An index of all values would take more than 20 bytes for each value."""
    filler = FILLER.encode()

    def handler(_server, request):
        if request.rpc == "server/discover":
            return legacy(request)
        known = json.dumps({"protocolVersion": "2025-11-25", "capabilities": {}, "tools": [], "content": []})[:-1]
        begin = b'{"jsonrpc":"2.0","id":%d,"result":%s,"x":' % (request.message.get("id", 0), known.encode())
        # Sent in pieces, because the memory of the server counts too: it runs in this process.
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
        # The response that opened the session, and two more with their buffers.
        assert grown < 5 * LARGE >> 20, f"{grown} MiB"


# --- Notifications ----------------------------------------------------------------------------------------------------


def long_notification_must_be_skipped(method):
    """A notification over the size limit comes before the response, on the same event stream."""
    long = '{"jsonrpc":"2.0","method":"notifications/%s","params":{"x":%s,"progressToken":1}}' % (method, FILLER)

    def handler(_server, request):
        if request.rpc != "tools/call":
            return legacy(request)
        request.send(STREAM + b"data: " + long.encode() + b"\n\n" + event(answer(request, CONTENT)))

    with Server(handler) as server, Client(server.url) as client:
        told = []
        call_tool_with_progress(client, told=told, timeout=20_000).must_be("MCP_OK")
        assert not told and any("longer than 1 MiB" in line for line in client.lines), client.lines[-3:]


def call_tool_with_progress(client, **limits):
    return fetched(lib.mcp_call_tool, client, b"t", None, 0, **limits)


@case
def a_notification_that_is_too_long_is_skipped():
    for method in ("progress", "tools/list_changed", "cancelled"):
        long_notification_must_be_skipped(method)


@case
def cancel_takes_effect_between_two_callbacks():
    """One read returns many notifications, and each callback takes some time. A cancel takes effect after the running
    callback."""
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

        class CancelThird(list):
            def append(self, item):
                told.append(item)
                if len(told) == 3:
                    cancel.trigger()
                pause.wait(0.02)

        call_tool_with_progress(client, told=CancelThird(), cancel=cancel, timeout=20_000).must_be("MCP_CANCELLED")
        assert len(told) == 3, len(told)


@case
def progress_before_a_too_large_event_is_reported():
    def handler(_server, request):
        if request.rpc != "tools/call":
            return legacy(request)
        token = request.message["params"]["_meta"]["progressToken"]
        first = b"".join(event(notice("progress", progressToken=token, progress=n)) for n in range(3))
        request.send(STREAM + first + b"data: " + b"x" * 5000 + b"\n\n")
        return request.hold()

    with Server(handler) as server, Client(server.url) as client:
        told = []
        call(lib.mcp_set_limit, client.client, 3, 1000).must_be("MCP_OK")
        call_tool_with_progress(client, told=told, timeout=20_000).must_be("MCP_TOO_LARGE")
        assert [step for step, _ in told] == [0, 1, 2], told


# The server takes a tool call with a progress token and sends an elicitation with id 7, which a WaitingHandler accepts.
ELICITING = """
begin_legacy()
one = ask()
token = one["params"]["_meta"]["progressToken"]
question(7)
"""


class WaitingHandler:
    """A handler of elicitations. The first time, it makes a ping and waits until `go` is set."""

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
def many_notifications_for_one_call_do_not_block_other_calls():
    """The handler of one call waits while the server sends notifications for this call as fast as it can. Other calls,
    also one of the handler, get their responses, and memory stays limited."""
    script = ELICITING + """
import queue
received = queue.SimpleQueue()
def read():
    for line in sys.stdin: received.put(json.loads(line))
    os._exit(0)
threading.Thread(target=read).start()
text, n, answered = "x" * 100_000, 0, False
while not answered:
    n += 1
    send({"method": "notifications/progress", "params": {"progressToken": token, "progress": n, "message": text}})
    send({"method": "notifications/message", "params": {"level": "info", "data": text}})
    while not received.empty():
        message = received.get()
        if message.get("method") == "ping": reply(message, {})
        else: answered = answered or message.get("id") == 7
reply(one, {"content": []})
while True:
    message = received.get()
    if "id" in message: begin(message)
"""
    with process(ASKING + script) as client:
        handler = WaitingHandler(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        told = []
        calling = client.begin(lambda: call_tool_with_progress(client, told=told, timeout=20_000))
        assert handler.is_asked.wait(PATIENCE)
        handler.ping.must_be("MCP_OK").must_end(within=1000)
        before = memory()
        # Far more notifications than the queue holds.
        while sum("notifications/message" in line for line in client.lines) < 500:
            pinged = client.ping(timeout=20_000).must_be("MCP_OK")
            must_be_soon(pinged.ended - pinged.ms / 1000, pinged.ended, within=1000)
        grown = memory() - before
        print(f"    {grown} MiB more")
        assert grown < 100, f"{grown} MiB"
        handler.go.set()
        calling.result().must_be("MCP_OK")
        # The queue keeps the newest, in their order.
        steps = [step for step, _ in told]
        assert 10 < len(steps) <= 257 and steps == sorted(steps), len(steps)
        assert any("arrived faster than they were handled" in line for line in client.lines), client.lines[-5:]


@case
def a_cancel_takes_effect_before_queued_notifications():
    """250 notifications are queued for a call, and each callback takes some time."""
    script = ELICITING + """
begin(listen())
for n in range(250): send({"method": "notifications/progress", "params": {"progressToken": token, "progress": n}})
serve()
"""
    with process(ASKING + script) as client, Cancel() as cancel:
        handler = WaitingHandler(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        told, pause = [], threading.Event()

        class CancelThird(list):
            def append(self, item):
                told.append(item)
                if len(told) == 3:
                    cancel.trigger()
                pause.wait(0.02)

        limits = {"cancel": cancel, "timeout": 20_000}
        calling = client.begin(lambda: call_tool_with_progress(client, told=CancelThird(), **limits))
        assert handler.is_asked.wait(PATIENCE)
        # After the response to this ping all notifications have arrived: the server sent them before.
        client.ping(timeout=20_000)
        handler.go.set()
        calling.result().must_be("MCP_CANCELLED")
        assert len(told) == 3, len(told)


@case
def cancel_and_close_take_effect_between_two_elicitations():
    script = """
begin_legacy(); ask()
for number in range(30): question(number)
serve()
"""
    for end, status in (("cancel", "MCP_CANCELLED"), ("close", "MCP_CLOSED")):
        with process(ASKING + script) as client, Cancel() as cancel:
            inputs, pause = [], threading.Event()

            def take(_data, given):
                inputs.append(given)
                if len(inputs) == 3:
                    cancel.trigger() if end == "cancel" else client.close(timeout=1)
                pause.wait(0.01)
                call(lib.mcp_input_accept, given, b"{}", 2).must_be("MCP_OK")

            function = INPUT(take)
            call(lib.mcp_set_elicitation, client.client, function, None, None).must_be("MCP_OK")
            client.connect(timeout=20_000).must_be("MCP_OK")
            call_tool(client, timeout=20_000, cancel=cancel).must_be(status)
            assert len(inputs) == 3, len(inputs)


@case
def many_requests_and_cancellations_take_linear_time():
    """The server sends them in one batch, and then the response to a call."""
    script = """
begin_legacy()
one = ask()
requests = [{"jsonrpc": "2.0", "id": f"p{n}", "method": "ping"} for n in range(20_000)]
cancelled = [
    {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": f"x{n}"}} for n in range(20_000)
]
threading.Thread(target=lambda: [None for _ in sys.stdin.buffer], daemon=True).start()
say(json.dumps(requests + cancelled) + "\\n"); reply(one, {})
threading.Event().wait()
"""
    with process(ASKING + script) as client:
        call(lib.mcp_set_log, client.client, LOG(), None, None).must_be("MCP_OK")
        client.connect(timeout=20_000).must_be("MCP_OK")
        client.ping(timeout=20_000).must_be("MCP_OK").must_end(within=5000)


@case
def requests_over_the_queue_limit_are_refused():
    """While a handler runs, the server sends 100 more requests: 64 are queued, the others are refused at once."""
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
        handler = WaitingHandler(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: any("notifications/message" in line for line in client.lines), "36 requests were not refused")
        handler.go.set()
        calling.result().must_be("MCP_OK")
        assert handler.count == 65, handler.count


@case
def queued_notifications_do_not_hold_their_large_batches():
    """Each queued notification came in a batch of 4 MB. The queue must not keep the batches in memory."""
    script = ELICITING + """
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
        handler = WaitingHandler(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        told = []
        calling = client.begin(lambda: call_tool_with_progress(client, told=told, timeout=20_000))
        assert handler.is_asked.wait(PATIENCE)
        before = memory()
        client.ping(timeout=20_000).must_be("MCP_OK")
        assert memory() - before < 60, f"{memory() - before} MiB"
        handler.go.set()
        calling.result().must_be("MCP_OK")
        assert [step for step, _ in told] == list(range(60)), told


run()
