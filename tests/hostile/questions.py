"""Requests of a server while calls are in flight: which call handles them, how they are cancelled, and which messages
are only echoes of the client's own requests."""

import json
import threading
import time
from ctypes import c_char_p, c_int, c_size_t, c_void_p

from harness import (
    ERROR, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, declare, event, http, legacy, lib, poll, run,
)  # fmt: skip
from newer import ASKING, INPUT, call_tool, folder, process, value_of

declare(c_int, mcp_notify=[c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, ERROR])

CONTENT = {"content": [{"type": "text", "text": "done"}]}

SERVING = ASKING + """
def respond(request):
    if request["method"] in ("initialize", "server/discover"): begin(request)
    else: reply(request, {"content": []})
# Signals progress of the script; wait_for_signal waits for it.
def signal_client(): send({"method": "notifications/signal"})
"""


class Handler:
    """A handler that accepts elicitations. Those whose message is in `hold` wait until `go` is set. `asked` has all
    messages."""

    def __init__(self, client, hold=()):
        self.asked, self.hold, self.go = [], hold, threading.Event()
        self.function = INPUT(self.take)
        call(lib.mcp_set_elicitation, client.client, self.function, None, None).must_be("MCP_OK")

    def take(self, _data, input_request):
        message = value_of(lib.mcp_input_params(input_request))["message"]
        self.asked.append(message)
        if message in self.hold:
            assert self.go.wait(PATIENCE)
        # The call of a request may have ended.
        call(lib.mcp_input_accept, input_request, b"{}", 2).must_be("MCP_OK", "MCP_CANCELLED")


def wait_for_signal(client, why):
    poll(lambda: any("notifications/signal" in line for line in client.lines), why)


# --- Assignment to calls ----------------------------------------------------------------------------------------------


@case
def a_server_request_is_handled_by_a_free_call():
    """There are two calls and two requests of the server. The handler of the first request waits for the second one."""
    script = """
begin_legacy()
one, two = ask(), ask()
question(101); question(102)
assert listen()["id"] == 102
signal_client(); assert listen()["id"] == 101
respond(one); respond(two); ask()
"""
    with process(SERVING + script) as client:
        handler = Handler(client, hold=("101",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calls = [client.begin(lambda: call_tool(client, timeout=20_000)) for _ in range(2)]
        wait_for_signal(client, "the second request waits for the first handler")
        handler.go.set()
        for calling in calls:
            calling.result().must_be("MCP_OK")


@case
def excess_server_requests_wait_for_a_free_call():
    """A request waits until a handler returns, and is then handled by the first call that is free."""
    script = """
begin_legacy()
one, two = ask(), ask()
for number in range(1, 6): question(number)
answers = [listen()["id"] for _ in range(4)]
assert sorted(answers) == [2, 3, 4, 5], answers
signal_client(); assert listen()["id"] == 1
respond(one); respond(two); ask()
"""
    with process(SERVING + script) as client:
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calls = [client.begin(lambda: call_tool(client, timeout=20_000)) for _ in range(2)]
        wait_for_signal(client, "a request waits for the handler of another one")
        handler.go.set()
        for calling in calls:
            calling.result().must_be("MCP_OK")


@case
def server_requests_before_a_response_are_handled_before_it():
    """The server sends the response of the call without waiting for the responses to its own requests."""
    script = """
begin_legacy()
request = ask()
for number in range(101, 105): question(number)
respond(request)
print(*(listen()["id"] for _ in range(4)), file=open(sys.argv[1] + "/answered", "w")); ask()
"""
    for _ in range(5):
        with folder() as place, process(SERVING + script, place) as client:
            handler = Handler(client)
            client.connect(timeout=20_000).must_be("MCP_OK")
            call_tool(client, timeout=20_000).must_be("MCP_OK")
            assert handler.asked == ["101", "102", "103", "104"], handler.asked


@case
def a_waiting_server_request_is_handled_by_a_new_call():
    script = """
begin_legacy()
one = ask()
question(1); question(2)
two = ask()
assert listen()["id"] == 2
signal_client(); assert listen()["id"] == 1
respond(one); respond(two); ask()
"""
    with process(SERVING + script) as client:
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        one = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: handler.asked == ["1"], "the handler was not called")
        two = client.begin(lambda: call_tool(client, timeout=20_000))
        wait_for_signal(client, "the second request waits for the first handler")
        handler.go.set()
        one.result().must_be("MCP_OK")
        two.result().must_be("MCP_OK")


# --- Cancellation -----------------------------------------------------------------------------------------------------

CANCEL = """
def cancel(number): send({"method": "notifications/cancelled", "params": {"requestId": number, "reason": "no"}})
"""


def logged_cancellations(client):
    return sum("cancelled one of its requests" in line for line in client.lines)


@case
def a_cancelled_server_request_gets_no_response():
    """On stdout: the server cancels its request while the handler runs. The response of the call arrives meanwhile."""
    script = CANCEL + """
begin_legacy()
request = ask(); question(1); cancel(1.0); respond(request)
next = listen()
assert next.get("method") == "tools/call", next
respond(next); ask()
"""
    with process(SERVING + script) as client:
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: logged_cancellations(client), "the cancellation was not logged")
        handler.go.set()
        calling.result().must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")


@case
def a_handler_sees_that_its_request_was_cancelled():
    """mcp_input_is_over becomes true when the server cancels its request, and when the caller cancels the call."""
    script = CANCEL + """
begin_legacy()
request = ask(); question(1); listen(); cancel(1); respond(request)
request = ask(); question(2); ask()
"""
    with process(SERVING + script) as client, Cancel() as token:
        asked, learned = [], []

        def take(_data, input_request):
            asked.append(lib.mcp_input_is_over(input_request))
            if len(asked) == 1:
                # The server waits for this notification, and cancels its request then.
                call(lib.mcp_notify, client.client, b"notifications/asked", None, 0, None)
            else:
                token.trigger()
            poll(lambda: lib.mcp_input_is_over(input_request), "mcp_input_is_over does not become true")
            learned.append(True)

        function = INPUT(take)
        call(lib.mcp_set_elicitation, client.client, function, None, None).must_be("MCP_OK")
        client.connect(timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000, cancel=token).must_be("MCP_CANCELLED")
        poll(lambda: len(learned) == 2, "mcp_input_is_over does not become true")
        assert asked == [False, False], asked


@case
def a_waiting_server_request_that_is_cancelled_is_not_handled():
    script = CANCEL + """
begin_legacy()
request = ask(); question(1); question(2); question("x"); cancel(2); cancel("x"); question(3)
assert [listen()["id"] for _ in range(2)] == [1, 3]
respond(request); ask()
"""
    with process(SERVING + script) as client:
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: logged_cancellations(client) == 2, "the cancellations were not logged")
        handler.go.set()
        calling.result().must_be("MCP_OK")
        assert handler.asked == ["1", "3"], handler.asked


@case
def a_cancelled_server_request_does_not_occupy_its_call():
    """The server cancels a request before the call has seen it. The next request is still handled."""
    script = CANCEL + """
begin_legacy()
request = ask()
for number in range(1, 21):
    params = {"message": str(number), "requestedSchema": {"type": "object", "properties": {}}}
    elicitation = {"method": "elicitation/create", "params": params}
    cancelled = {"method": "notifications/cancelled", "params": {"requestId": number}}
    say(json.dumps([{"jsonrpc": "2.0", "id": number} | elicitation, {"jsonrpc": "2.0"} | cancelled]) + "\\n")
    question(100 + number)
    while listen().get("id") != 100 + number: pass
respond(request); ask()
"""
    with process(SERVING + script) as client:
        Handler(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")


@case
def server_requests_are_refused_when_their_call_ends():
    """No other call is in flight that could handle the requests."""
    script = CANCEL + """
begin_legacy()
request = ask()
params = {"message": "1", "requestedSchema": {"type": "object", "properties": {}}}
elicitation = {"jsonrpc": "2.0", "method": "elicitation/create", "params": params}
say(json.dumps([elicitation | {"id": number} for number in (1, 2, 3)]) + "\\n")
refused = [listen() for _ in range(4)]
errors = [message["id"] for message in refused if message.get("error", {}).get("code") == -32603]
assert sorted(errors) == [1, 2, 3], refused
assert ask()["method"] == "tools/call"
open(sys.argv[1] + "/refused", "w"); respond(request); ask()
"""
    with folder() as place, process(SERVING + script, place) as client, Cancel() as token:
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000, cancel=token))
        poll(lambda: handler.asked, "the handler was not called")
        token.trigger()
        calling.result().must_be("MCP_CANCELLED")
        # The call does not wait for its handler.
        handler.go.set()
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: (place / "refused").exists(), "the waiting requests were not refused")
        assert handler.asked == ["1"], handler.asked
        client.close(timeout=1000)
        calling.result()


@case
def a_server_request_can_be_cancelled_on_a_response_stream():
    """The cancellation arrives together with the request: the handler is not called."""

    def handler(_server, request):
        if request.rpc == "tools/call":
            params = {"message": "5", "requestedSchema": {}}
            question = {"jsonrpc": "2.0", "id": 5, "method": "elicitation/create", "params": params}
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5.0}}
            request.send(STREAM + event(question) + event(cancel) + event(answer(request, CONTENT)))
            return None
        return legacy(request)

    with Server(handler) as server, Client(server.url) as client:
        asking = Handler(client)
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        assert not asking.asked and "POST" not in server.saw(), server.saw()


@case
def a_server_request_can_be_cancelled_on_the_server_stream():
    """The cancellation arrives on another stream than the request, while the handler runs."""
    streams = []

    def handler(_server, request):
        if request.method == "GET":
            streams.append(request)
            request.send(STREAM)
            return request.hold()
        if request.rpc == "tools/call":
            params = {"message": "q", "requestedSchema": {}}
            question = {"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": params}
            request.send(STREAM + event(question))
            handler_called.wait(PATIENCE)
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "q"}}
            streams[-1].send(event(cancel))
            request.send(event(answer(request, CONTENT)))
            return None
        return legacy(request)

    handler_called = threading.Event()
    with Server(handler) as server, Client(server.url) as client:
        asking = Handler(client, hold=("q",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: asking.asked, "the handler was not called")
        handler_called.set()
        poll(lambda: logged_cancellations(client), "the cancellation was not logged")
        asking.go.set()
        calling.result().must_be("MCP_OK")
        assert [request.message for request in server.requests if "result" in request.message] == [], server.requests


# --- Echoes -----------------------------------------------------------------------------------------------------------


@case
def an_echoed_request_gets_no_response():
    """A terminal sends back everything that is written to it, before the server has read it."""
    script = """
lines = []
def read():
    for line in sys.stdin:
        say(line.replace("\\n", "\\r\\n"))
        lines.append(line)
        message = json.loads(line)
        if message.get("method") == "tools/call": question(message["id"]); send({"id": 4711, "method": "ping"})
        elif "method" in message and "id" in message: respond(message)
        elif message.get("id") == 4711: ponged.set()
        if "result" in message and message["id"] != 4711: asked.append(message["id"])
        if ponged.is_set() and asked:
            reply({"id": asked.pop()}, {"content": [{"type": "text", "text": str(len(lines))}]})
ponged, asked = threading.Event(), []
read()
open(sys.argv[1] + "/lines", "w").write("".join(lines))
"""
    with folder() as place:
        with process(SERVING + script, place) as client:
            client.connect(timeout=20_000).must_be("MCP_OK").must_end(1000)
            client.ping(timeout=20_000).must_be("MCP_OK")
            logged = [line for line in client.lines if "echo" in line]
            assert len(logged) == 1 and "docker run -i" in logged[0], client.lines
        sent = [json.loads(line) for line in (place / "lines").read_text().splitlines()]
        assert all("method" in message for message in sent), sent


@case
def a_server_may_use_the_same_ids_as_the_client():
    """The ids of the two sides are independent: a ping of the server gets a response even if the client uses the same
    id."""
    script = """
begin_legacy()
request = ask(); send({"id": request["id"], "method": "ping"})
pong = listen()
assert pong == {"jsonrpc": "2.0", "id": request["id"], "result": {}}, pong
respond(request)
request = ask(); question(request["id"])
assert listen()["result"]["action"] == "accept"
respond(request); ask()
"""
    with process(SERVING + script) as client:
        Handler(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        assert not any("echo" in line for line in client.lines), client.lines


# --- On a reader's thread ---------------------------------------------------------------------------------------------

REQUEST_OUTSIDE_OF_CALLS = {
    "jsonrpc": "2.0", "id": 77, "method": "elicitation/create",
    "params": {"message": "77", "requestedSchema": {"type": "object", "properties": {}}},
}  # fmt: skip


def server_that_asks_outside_of_calls(path):
    """A legacy server that sends a request outside of any call, on the server stream (/mcp) or the HTTP+SSE stream
    (/sse)."""
    streams = []

    def handler(_server, request):
        if request.method == "GET":
            # Appended first: the responses to the client's POSTs are sent on this stream.
            streams.append(request)
            first = b"event: endpoint\ndata: /messages\n\n" if path == "/sse" else event(REQUEST_OUTSIDE_OF_CALLS)
            request.send(STREAM + first)
            return request.hold()
        if path == "/mcp":
            return legacy(request)
        if request.rpc == "initialize":
            streams[0].send(event(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}})))
        elif request.rpc == "notifications/initialized":
            streams[0].send(event(REQUEST_OUTSIDE_OF_CALLS))
        return http(202, kind=None)

    return Server(handler)


class CancellationHandler:
    """A handler that waits until mcp_input_is_over is true."""

    def __init__(self, client):
        self.is_asked, self.has_seen, self.is_done = threading.Event(), False, threading.Event()
        self.function = INPUT(self.take)
        call(lib.mcp_set_elicitation, client.client, self.function, None, None).must_be("MCP_OK")

    def take(self, _data, input_request):
        self.is_asked.set()
        pause, deadline = threading.Event(), time.monotonic() + PATIENCE
        while not self.has_seen and time.monotonic() < deadline:
            self.has_seen = lib.mcp_input_is_over(input_request)
            pause.wait(0.005)
        call(lib.mcp_input_accept, input_request, b"{}", 2).must_be("MCP_CLOSED", "MCP_DISCONNECTED")
        self.is_done.set()


def handler_must_see_the_end(client, end):
    handler = CancellationHandler(client)
    client.connect(timeout=20_000).must_be("MCP_OK")
    assert handler.is_asked.wait(PATIENCE)
    end(client)
    assert handler.is_done.wait(PATIENCE) and handler.has_seen, "mcp_input_is_over did not become true"


def free(client):
    lib.mcp_client_free(client.client)
    client.client = None


def close(client):
    client.close(timeout=20_000).must_be("MCP_OK")


@case
def a_handler_outside_of_calls_sees_the_end_of_its_client():
    """Freeing and closing the client do not wait for the handler, and its response is not sent."""
    for end in (free, close):
        for path in ("/mcp", "/sse"):
            with server_that_asks_outside_of_calls(path) as server:
                with Client(f"http://127.0.0.1:{server.port}{path}") as client:
                    handler_must_see_the_end(client, end)
                    responses = [request for request in server.requests if request.message.get("id") == 77]
                    assert not responses, responses
        with process(SERVING + "begin_legacy(); question(77)\nwhile True: listen()") as client:
            handler_must_see_the_end(client, end)


run()
