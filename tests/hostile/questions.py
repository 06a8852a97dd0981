"""What servers ask of the program while calls are in flight: which call deals with it, what is cancelled, and what is only an
echo."""

import json
import threading
import time
from ctypes import c_char_p, c_int, c_size_t, c_void_p

from harness import ERROR, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, declare, event, http, legacy, lib, poll, run
from newer import ASKING, INPUT, call_tool, folder, process, value_of

declare(c_int, mcp_notify=[c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, ERROR])

CONTENT = {"content": [{"type": "text", "text": "done"}]}

SERVING = ASKING + """
def well(request): begin(request) if request["method"] in ("initialize", "server/discover") else reply(request, {"content": []})
# Says that it has gone on; must_tell waits for that.
def tell(): send({"method": "notifications/told"})
"""


class Handler:
    """Answers elicitations once it may; `asked` has their messages."""

    def __init__(self, client, hold=()):
        self.asked, self.hold, self.go = [], hold, threading.Event()
        self.function = INPUT(self.take)
        call(lib.mcp_set_elicitation, client.client, self.function, None, None).must_be("MCP_OK")

    def take(self, _data, given):
        message = value_of(lib.mcp_input_params(given))["message"]
        self.asked.append(message)
        if message in self.hold:
            assert self.go.wait(PATIENCE)
        call(lib.mcp_input_accept, given, b"{}", 2).must_be("MCP_OK")


def must_tell(client, otherwise):
    poll(lambda: any("notifications/told" in line for line in client.lines), otherwise)


# --- Which call -------------------------------------------------------------------------------------------------------


@case
def a_question_goes_to_a_call_that_is_free():
    """Two calls, a question for each, and the first handler waits for the second one."""
    script = """
begin_legacy()
one, two = ask(), ask()
question(101); question(102)
assert listen()["id"] == 102
tell(); assert listen()["id"] == 101
well(one); well(two); ask()
"""
    with process(SERVING + script) as client:
        handler = Handler(client, hold=("101",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calls = [client.begin(lambda: call_tool(client, timeout=20_000)) for _ in range(2)]
        must_tell(client, "the second question waits for the first handler")
        handler.go.set()
        for calling in calls:
            calling.result().must_be("MCP_OK")


@case
def more_questions_than_calls():
    """They wait until a handler is done, and go to the call that is free first."""
    script = """
begin_legacy()
one, two = ask(), ask()
for number in range(1, 6): question(number)
answers = [listen()["id"] for _ in range(4)]
assert sorted(answers) == [2, 3, 4, 5], answers
tell(); assert listen()["id"] == 1
well(one); well(two); ask()
"""
    with process(SERVING + script) as client:
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calls = [client.begin(lambda: call_tool(client, timeout=20_000)) for _ in range(2)]
        must_tell(client, "a question waits for a handler that is not its own")
        handler.go.set()
        for calling in calls:
            calling.result().must_be("MCP_OK")


@case
def questions_before_the_answer_are_asked_before_it():
    """The server waits for none of the responses."""
    script = """
begin_legacy()
request = ask()
for number in range(101, 105): question(number)
well(request)
print(*(listen()["id"] for _ in range(4)), file=open(sys.argv[1] + "/answered", "w")); ask()
"""
    for _ in range(5):
        with folder() as place, process(SERVING + script, place) as client:
            handler = Handler(client)
            client.connect(timeout=20_000).must_be("MCP_OK")
            call_tool(client, timeout=20_000).must_be("MCP_OK")
            assert handler.asked == ["101", "102", "103", "104"], handler.asked


@case
def a_question_that_waited_goes_to_a_new_call():
    script = """
begin_legacy()
one = ask()
question(1); question(2)
two = ask()
assert listen()["id"] == 2
tell(); assert listen()["id"] == 1
well(one); well(two); ask()
"""
    with process(SERVING + script) as client:
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        one = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: handler.asked == ["1"], "no question")
        two = client.begin(lambda: call_tool(client, timeout=20_000))
        must_tell(client, "the second question waits for the first handler")
        handler.go.set()
        one.result().must_be("MCP_OK")
        two.result().must_be("MCP_OK")


# --- Cancelled --------------------------------------------------------------------------------------------------------

CANCEL = """
def cancel(number): send({"method": "notifications/cancelled", "params": {"requestId": number, "reason": "no"}})
"""


@case
def a_cancelled_question_gets_no_response():
    """On stdout: cancelled while its handler runs. The answer of the call comes meanwhile."""
    script = CANCEL + """
begin_legacy()
request = ask(); question(1); cancel(1.0); well(request)
next = listen()
assert next.get("method") == "tools/call", next
well(next); ask()
"""
    with process(SERVING + script) as client:
        lines = client.lines
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: any("cancelled a request of its own" in line for line in lines), "it was not noticed")
        handler.go.set()
        calling.result().must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")


@case
def the_handler_learns_that_its_answer_is_not_wanted():
    """The server cancels its request; and the caller its call."""
    script = CANCEL + """
begin_legacy()
request = ask(); question(1); listen(); cancel(1); well(request)
request = ask(); question(2); ask()
"""
    with process(SERVING + script) as client, Cancel() as token:
        asked, learned = [], []

        def take(_data, given):
            asked.append(lib.mcp_input_is_cancelled(given))
            # The server goes on when this has come.
            call(lib.mcp_notify, client.client, b"notifications/asked", None, 0, None) if len(asked) == 1 else token.trigger()
            poll(lambda: lib.mcp_input_is_cancelled(given), "the handler does not learn of it")
            learned.append(True)

        function = INPUT(take)
        call(lib.mcp_set_elicitation, client.client, function, None, None).must_be("MCP_OK")
        client.connect(timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000, cancel=token).must_be("MCP_CANCELLED")
        assert asked == [False, False] and learned == [True, True], (asked, learned)


@case
def a_cancelled_question_that_waits_is_not_asked():
    script = CANCEL + """
begin_legacy()
request = ask(); question(1); question(2); question("x"); cancel(2); cancel("x"); question(3)
assert [listen()["id"] for _ in range(2)] == [1, 3]
well(request); ask()
"""
    with process(SERVING + script) as client:
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: sum("cancelled a request of its own" in line for line in client.lines) == 2, "it was not noticed")
        handler.go.set()
        calling.result().must_be("MCP_OK")
        assert handler.asked == ["1", "3"], handler.asked


@case
def a_cancelled_question_leaves_its_call_free():
    """The server cancels before the call has looked at the question: the next one is asked all the same."""
    script = CANCEL + """
begin_legacy()
request = ask()
for number in range(1, 21):
    asked = {"method": "elicitation/create", "params": {"message": str(number), "requestedSchema": {"type": "object", "properties": {}}}}
    cancelled = {"method": "notifications/cancelled", "params": {"requestId": number}}
    say(json.dumps([{"jsonrpc": "2.0", "id": number} | asked, {"jsonrpc": "2.0"} | cancelled]) + "\\n")
    question(100 + number)
    while listen().get("id") != 100 + number: pass
well(request); ask()
"""
    with process(SERVING + script) as client:
        Handler(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")


@case
def questions_of_a_call_that_ends_are_refused():
    """There is no other call that could deal with them."""
    script = CANCEL + """
begin_legacy()
request = ask()
params = {"message": "1", "requestedSchema": {"type": "object", "properties": {}}}
say(json.dumps([{"jsonrpc": "2.0", "id": n, "method": "elicitation/create", "params": params} for n in (1, 2, 3)]) + "\\n")
refused = [listen() for _ in range(4)]
assert sorted(message["id"] for message in refused if message.get("error", {}).get("code") == -32603) == [2, 3], refused
assert ask()["method"] == "tools/call"
open(sys.argv[1] + "/refused", "w"); well(request); ask()
"""
    with folder() as place, process(SERVING + script, place) as client, Cancel() as token:
        handler = Handler(client, hold=("1",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000, cancel=token))
        poll(lambda: handler.asked, "nothing was asked")
        token.trigger()
        handler.go.set()
        calling.result().must_be("MCP_CANCELLED")
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: (place / "refused").exists(), "they are not refused")
        assert handler.asked == ["1"], handler.asked
        client.close(timeout=1000)
        calling.result()


@case
def cancelled_on_an_answer_stream():
    """It comes with the question: the handler is not even asked."""

    def handler(_server, request):
        if request.rpc == "tools/call":
            question = {"jsonrpc": "2.0", "id": 5, "method": "elicitation/create", "params": {"message": "5", "requestedSchema": {}}}
            cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5.0}}
            request.send(STREAM + event(question) + event(cancel) + event(answer(request, CONTENT)))
            return None
        return legacy(request)

    with Server(handler) as server, Client(server.url) as client:
        asking = Handler(client)
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        assert not asking.asked and "POST" not in server.saw(), server.saw()


@case
def cancelled_on_the_standing_stream():
    """It comes on another stream than the question, while the handler runs."""
    streams = []

    def handler(_server, request):
        if request.method == "GET":
            streams.append(request)
            request.send(STREAM)
            return request.hold()
        if request.rpc == "tools/call":
            question = {"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {"message": "q", "requestedSchema": {}}}
            request.send(STREAM + event(question))
            asked.wait(PATIENCE)
            streams[-1].send(event({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "q"}}))
            request.send(event(answer(request, CONTENT)))
            return None
        return legacy(request)

    asked = threading.Event()
    with Server(handler) as server, Client(server.url) as client:
        asking = Handler(client, hold=("q",))
        client.connect(timeout=20_000).must_be("MCP_OK")
        calling = client.begin(lambda: call_tool(client, timeout=20_000))
        poll(lambda: asking.asked, "nothing was asked")
        asked.set()
        poll(lambda: any("cancelled a request of its own" in line for line in client.lines), "it was not noticed")
        asking.go.set()
        calling.result().must_be("MCP_OK")
        assert [request.message for request in server.requests if "result" in request.message] == [], server.requests


# --- Echoes -----------------------------------------------------------------------------------------------------------


@case
def an_echo_is_not_answered():
    """A terminal sends back what is written to it, before the server has read it."""
    script = """
lines = []
def read():
    for line in sys.stdin:
        say(line.replace("\\n", "\\r\\n"))
        lines.append(line)
        message = json.loads(line)
        if message.get("method") == "tools/call": question(message["id"]); send({"id": 4711, "method": "ping"})
        elif "method" in message and "id" in message: well(message)
        elif message.get("id") == 4711: ponged.set()
        if "result" in message and message["id"] != 4711: asked.append(message["id"])
        if ponged.is_set() and asked: reply({"id": asked.pop()}, {"content": [{"type": "text", "text": str(len(lines))}]})
ponged, asked = threading.Event(), []
read()
open(sys.argv[1] + "/lines", "w").write("".join(lines))
"""
    with folder() as place:
        with process(SERVING + script, place) as client:
            client.connect(timeout=20_000).must_be("MCP_OK").must_end(1000)
            client.ping(timeout=20_000).must_be("MCP_OK")
            told = [line for line in client.lines if "echo" in line]
            assert len(told) == 1 and "docker run -i" in told[0], client.lines
        sent = [json.loads(line) for line in (place / "lines").read_text().splitlines()]
        assert all("method" in message for message in sent), sent


@case
def a_server_may_ask_under_a_number_of_ours():
    """Ids of both sides are independent: a ping is answered, whatever its id is."""
    script = """
begin_legacy()
request = ask(); send({"id": request["id"], "method": "ping"})
pong = listen()
assert pong == {"jsonrpc": "2.0", "id": request["id"], "result": {}}, pong
well(request)
request = ask(); question(request["id"])
assert listen()["result"]["action"] == "accept"
well(request); ask()
"""
    with process(SERVING + script) as client:
        Handler(client)
        client.connect(timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        assert not any("echo" in line for line in client.lines), client.lines


# --- On a reader's thread ---------------------------------------------------------------------------------------------

ASKED_BY_ITSELF = {
    "jsonrpc": "2.0", "id": 77, "method": "elicitation/create",
    "params": {"message": "77", "requestedSchema": {"type": "object", "properties": {}}},
}  # fmt: skip


def asks_on_its_stream(path):
    """A legacy server that asks something that belongs to no call, on the stream of either HTTP transport."""
    streams = []

    def handler(_server, request):
        if request.method == "GET":
            # First: what the client posts to the endpoint is answered here.
            streams.append(request)
            request.send(STREAM + (b"event: endpoint\ndata: /messages\n\n" if path == "/sse" else event(ASKED_BY_ITSELF)))
            return request.hold()
        if path == "/mcp":
            return legacy(request)
        if request.rpc == "initialize":
            streams[0].send(event(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}})))
        elif request.rpc == "notifications/initialized":
            streams[0].send(event(ASKED_BY_ITSELF))
        return http(202, kind=None)

    return Server(handler)


class Polls:
    """A handler that waits until its answer is not wanted any more."""

    def __init__(self, client):
        self.is_asked, self.has_seen, self.is_done = threading.Event(), False, threading.Event()
        self.function = INPUT(self.take)
        call(lib.mcp_set_elicitation, client.client, self.function, None, None).must_be("MCP_OK")

    def take(self, _data, given):
        self.is_asked.set()
        pause, ends = threading.Event(), time.monotonic() + PATIENCE
        while not self.has_seen and time.monotonic() < ends:
            self.has_seen = lib.mcp_input_is_cancelled(given)
            pause.wait(0.005)
        call(lib.mcp_input_accept, given, b"{}", 2).must_be("MCP_OK")
        self.is_done.set()


def must_learn_of_the_end(client, end):
    handler = Polls(client)
    client.connect(timeout=20_000).must_be("MCP_OK")
    assert handler.is_asked.wait(PATIENCE)
    end(client)
    assert handler.is_done.wait(PATIENCE) and handler.has_seen, "the handler did not learn of the end"


def free(client):
    lib.mcp_client_free(client.client)
    client.client = None


def close(client):
    client.close(timeout=20_000).must_be("MCP_OK")


@case
def a_handler_that_belongs_to_no_call_learns_of_the_end_of_its_client():
    """Freeing and closing do not wait for it, and its answer goes nowhere."""
    for end in (free, close):
        for path in ("/mcp", "/sse"):
            with asks_on_its_stream(path) as server, Client(f"http://127.0.0.1:{server.port}{path}") as client:
                must_learn_of_the_end(client, end)
                answers = [request for request in server.requests if request.message.get("id") == 77]
                assert not answers, answers
        with process(SERVING + "begin_legacy(); question(77)\nwhile True: listen()") as client:
            must_learn_of_the_end(client, end)


run()
