"""Servers that send log lines, heartbeats, invalid messages, unusual numbers and byte order marks in place of messages,
on stdout and on each kind of event stream."""

import contextlib
import json

from harness import (LEGACY, LOG, STREAM, Client, Server, answer, call, case, discovered, event, http, legacy, lib,
                     poll, run)
from newer import Listener, acknowledged, call_tool, folder, notice, process

WARNING = 2
TOKEN = "s3cr3t-token-of-the-client"
SECRET = "s3cr3t-of-the-server"
ENDPOINT = b"event: endpoint\ndata: /messages\n\n"
ACCEPTED = http(202, "Accepted", kind="text/plain")
CONTENT = {"content": [{"type": "text", "text": "done"}]}
BOM = b"\xef\xbb\xbf"

# Texts that are not JSON-RPC messages. Some look like JSON, some are valid JSON.
NOISE = [
    "ping", "{}", "[]", "5", "null", '"text"', '{"type":"heartbeat"}', "[INFO] started", "[WebSocket] Closed", "[1, 2]",
    "[{}]",
    '{"level":30,"time":1700000000000,"pid":1,"msg":"request"}', '{"level":30,"id":7,"method":"GET","url":"/"}',
    '{"level":50,"error":{"code":-1,"message":"x"},"msg":"no"}', "{ level: 30 }",
    '[DEBUG] got {"jsonrpc":"2.0","id":1,"result":{}}',
    '{"level":30,"request":{"jsonrpc":"2.0","id":1,"method":"x"}}',
    '{"level":30,"x":{"jsonrpc":"2.0","id":1},"ms":NaN}', "{", "}", "{'jsonrpc': '2.0'}", "Done.",
]  # fmt: skip

# Members that make a response with the right id invalid JSON-RPC.
INVALID = {
    "null result": '"result":null', "list for a result": '"result":[]', "text for a result": '"result":"x"',
    "text for a code": '"error":{"code":"E_BAD","message":"x"}',
    "fraction for a code": '"error":{"code":-32000.0,"message":"x"}',
    "null message": '"error":{"code":-32000,"message":null}', "text for an error": '"error":"x"',
    "neither result nor error": '"x":1',
}  # fmt: skip


def events_of(*texts, name=None):
    head = f"event: {name}\n" if name else ""
    return b"".join(f"{head}data: {text}\n\n".encode() for text in texts)


def response_stream_server(respond):
    """A Streamable HTTP server that responds to a tool call with the event stream `respond(request)`."""

    def handler(_server, request):
        if request.rpc != "tools/call":
            return legacy(request)
        return http(200, respond(request), kind="text/event-stream")

    return Server(handler), "/mcp"


def resumed_stream_server(respond):
    """A Streamable HTTP server that closes the response stream of a tool call at once. When the client resumes it, the
    server sends the event stream `respond(request)`."""
    calls = []

    def handler(_server, request):
        if request.rpc == "tools/call":
            calls.append(request)
            return http(200, b"retry: 100\nid: 1\ndata:\n\n", kind="text/event-stream")
        if request.method == "GET" and request.headers.get("last-event-id"):
            return http(200, respond(calls[-1]), kind="text/event-stream")
        return legacy(request)

    return Server(handler), "/mcp"


def http_sse_server(respond):
    """An HTTP+SSE server that responds to a tool call with the events `respond(request)`."""
    streams = []

    def handler(_server, request):
        if request.method == "GET":
            streams.append(request)
            request.send(STREAM + events_of("hello") + ENDPOINT)
            return request.hold()
        if request.rpc == "initialize":
            streams[-1].send(event(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}})))
        if request.rpc == "tools/call":
            streams[-1].send(respond(request))
        return ACCEPTED

    return Server(handler), "/sse"


STREAMS = {
    "response stream": response_stream_server, "resumed stream": resumed_stream_server, "HTTP+SSE": http_sse_server,
}  # fmt: skip


class ClientWithLevels(Client):
    """A client that records the levels of its log lines."""

    def __init__(self, *arguments, **members):
        self.levels = []
        super().__init__(*arguments, **members)

    def take_line(self, userdata, level, line):
        self.levels.append(level)
        super().take_line(userdata, level, line)

    def levels_of(self, word):
        return [level for level, line in zip(self.levels, self.lines) if word in line]


def call_on(kind, respond, timeout=20_000):
    """Makes one tool call on this kind of stream. Returns the outcome, with the log as `lines`."""
    server, path = STREAMS[kind](respond)
    with server, Client(f"http://127.0.0.1:{server.port}{path}", bearer=TOKEN) as client:
        outcome = call_tool(client, timeout=timeout)
        outcome.lines = client.lines
        assert not any(TOKEN in line for line in client.lines) and TOKEN not in outcome.message, outcome.message
        assert server.saw().count("tools/call") == 1, server.saw()
        return outcome


# --- Event streams ----------------------------------------------------------------------------------------------------


@case
def noise_on_a_stream_is_skipped():
    for kind in STREAMS:
        outcome = call_on(kind, lambda request: events_of(*NOISE, "token " + TOKEN) + event(answer(request, CONTENT)))
        outcome.must_be("MCP_OK")
        logged = [line for line in outcome.lines if "heartbeat" in line]
        assert logged and max(map(len, outcome.lines)) < 1000, outcome.lines


@case
def a_skipped_heartbeat_is_logged_as_a_warning():
    for make in STREAMS.values():
        server, path = make(lambda request: events_of('{"type":"heartbeat"}') + event(answer(request, CONTENT)))
        with server, ClientWithLevels(f"http://127.0.0.1:{server.port}{path}") as client:
            call_tool(client, timeout=20_000).must_be("MCP_OK")
            assert client.levels_of("heartbeat") == [WARNING], client.lines


@case
def an_error_quotes_the_text_that_was_received_instead():
    for kind in STREAMS:
        limits = {"timeout": 400} if kind == "HTTP+SSE" else {}
        outcome = call_on(kind, lambda _: events_of(f"upstream is busy {TOKEN}", "more"), **limits)
        outcome.must_be("MCP_TIMEOUT" if kind == "HTTP+SSE" else "MCP_TRUNCATED")
        assert "upstream is busy" in outcome.message and len(outcome.message) < 2100, outcome.message


@case
def an_error_quotes_the_event_before_a_missing_endpoint():
    for hold in (True, False):

        def handler(_server, request, hold=hold):
            if request.method != "GET":
                return http(405)
            request.send(STREAM + events_of(f"session limit reached for {TOKEN}", "more"))
            return request.hold() if hold else None

        with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse", bearer=TOKEN) as client:
            outcome = client.connect(timeout=800)
            outcome.must_be("MCP_TIMEOUT" if hold else "MCP_TRUNCATED")
            assert "the first event was: session limit reached for" in outcome.message, outcome.message
            assert TOKEN not in outcome.message, outcome.message


@case
def an_error_quotes_the_text_that_was_received_instead_of_a_response_to_the_post():
    def handler(server, request):
        if request.method == "GET":
            server.stream = request
            request.send(STREAM + b"event: endpoint\ndata: /messages\n\n")
            return request.hold()
        if request.rpc == "initialize":
            server.stream.send(event(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}})))
        if request.rpc == "tools/call":
            server.stream.send(events_of("upstream is busy"))
            return request.hold()  # the POST has no response
        return ACCEPTED

    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse") as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        outcome = call_tool(client, timeout=400).must_be("MCP_TIMEOUT")
        assert "upstream is busy" in outcome.message, outcome.message


@case
def messages_in_events_of_any_name_are_read():
    for name in ("error", "response", "result", "mcp", "Message"):
        for kind in STREAMS:
            response = {"jsonrpc": "2.0", "error": {"code": -32603, "message": "broken"}}
            failed = lambda r: events_of(json.dumps(response | {"id": r.message["id"]}), name=name)  # noqa: E731
            outcome = call_on(kind, failed).must_be("MCP_RPC_ERROR").must_end(1000)
            assert "broken" in outcome.message, outcome.message
            noise = events_of("x", "{}", name=name)
            valid = lambda r: events_of(json.dumps(answer(r, CONTENT)), name=name)  # noqa: E731
            call_on(kind, lambda request: noise + valid(request)).must_be("MCP_OK")


@case
def an_invalid_response_ends_the_call():
    for kind in STREAMS:
        for name, member in INVALID.items():
            invalid = lambda r: events_of(f'{{"jsonrpc":"2.0","id":{r.message["id"]},{member}}}')  # noqa: E731
            outcome = call_on(kind, invalid).must_be("MCP_INVALID_MESSAGE")
            assert outcome.ms < 3000, (name, outcome)
        for text in (
            '{{"jsonrpc":"2.0","id":{},"result":{{"x":NaN}}}}', '{{"jsonrpc":"2.0","id":{},',
            '{{"id":{},"result":x,"jsonrpc":"2.0"}}',
        ):  # fmt: skip
            call_on(kind, lambda r: events_of(text.format(r.message["id"]))).must_be("MCP_INVALID_JSON")


@case
def an_invalid_member_of_a_batch_is_skipped():
    for kind in STREAMS:
        for bad in (
            '{"jsonrpc":"2.0","method":5}', "{}", "5", '{"level":30}', '{"jsonrpc":"2.0","id":"x","method":null}',
        ):  # fmt: skip
            for batch in ("[{bad},{good}]", "[{good},{bad}]"):
                text = lambda r: batch.format(bad=bad, good=json.dumps(answer(r, CONTENT)))  # noqa: E731
                call_on(kind, lambda r: events_of(text(r))).must_be("MCP_OK")
    # The same holds for a batch in a JSON body.
    for bad in ("{}", '{"jsonrpc":"2.0","id":"x","result":null}'):

        def handler(_server, request, bad=bad):
            body = f"[{bad},{json.dumps(answer(request, CONTENT))}]" if request.rpc == "tools/call" else None
            return http(200, body) if body else legacy(request)

        with Server(handler) as server, Client(server.url) as client:
            call_tool(client, timeout=20_000).must_be("MCP_OK")


@case
def a_body_that_is_not_a_message_is_rejected():
    for body in ("ping", "{}", "[]", "5"):

        def handler(_server, request, body=body):
            return http(200, body) if request.rpc == "tools/call" else legacy(request)

        with Server(handler) as server, Client(server.url) as client:
            call_tool(client, timeout=20_000).must_be("MCP_INVALID_JSON" if body == "ping" else "MCP_INVALID_MESSAGE")


@case
def noise_on_the_server_stream_is_skipped():
    def handler(server, request):
        if request.method != "GET":
            return legacy(request)
        request.send(STREAM + events_of(*NOISE) + events_of("x", "{}", name="other"))
        change = notice("tools/list_changed")
        request.send(event(change) + events_of(json.dumps(change), name="change"))
        return request.hold()

    with Server(handler) as server, ClientWithLevels(server.url) as client:
        listener = Listener(client)
        listener.must_hear("tools/list_changed", "tools/list_changed")
        client.close()
        listener.result().must_be("MCP_CLOSED")
        assert client.levels_of("heartbeat") == [WARNING], client.lines


@case
def noise_on_a_subscription_is_skipped():
    def handler(_server, request):
        if request.rpc == "server/discover":
            return discovered(request)
        request.send(STREAM + events_of(*NOISE) + acknowledged(request) + events_of(*NOISE))
        request.send(events_of(json.dumps(notice("tools/list_changed")), name="change") + events_of("x", name="other"))
        request.send(event(answer(request, {"resultType": "complete"})))
        return None

    with Server(handler) as server, Client(server.url) as client:
        listener = Listener(client)
        listener.result().must_be("MCP_OK")
        assert [method for method, _ in listener.heard] == ["tools/list_changed"], listener.heard
        assert any("heartbeat" in line for line in client.lines)


# --- Numbers and byte order marks -------------------------------------------------------------------------------------


def with_id(request, form):
    """The response, with its id written in another form."""
    number = request.message["id"]
    return event(answer(request, CONTENT)).replace(b'"id": %d' % number, b'"id": ' + form.format(number).encode())


@case
def equal_numbers_are_equal_ids():
    for form in ("{}.0", "{}.000", "{}e0", "{}E+0", "{}0e-1", "{}.0e0", '"{}"'):
        for kind in STREAMS:
            call_on(kind, lambda request, form=form: with_id(request, form)).must_be("MCP_OK")
    for form in ("{}.5", "{}e1", "-{}", '"{}.0"'):
        call_on("response stream", lambda request, form=form: with_id(request, form)).must_be("MCP_WRONG_ID")


@case
def equal_numbers_are_equal_progress_tokens():
    for kind in STREAMS:
        progress = []

        def respond(request):
            token = request.message["params"]["_meta"]["progressToken"]
            step = (
                '{{"jsonrpc":"2.0","method":"notifications/progress",'
                '"params":{{"progressToken":{},"progress":0.5}}}}'
            )
            return events_of(step.format(f"{token}.0"), step.format(f"{token}e0")) + event(answer(request, CONTENT))

        server, path = STREAMS[kind](respond)
        with server, Client(f"http://127.0.0.1:{server.port}{path}") as client:
            call_tool(client, timeout=20_000, told=progress).must_be("MCP_OK")
        assert len(progress) == 2, progress


@case
def a_byte_order_mark_before_a_message_is_skipped():
    mark = BOM.decode()
    for kind in STREAMS:
        call_on(kind, lambda request: events_of(mark + json.dumps(answer(request, CONTENT)))).must_be("MCP_OK")

    def handler(_server, request):
        reply = legacy(request)
        if request.rpc in ("initialize", "ping"):
            value = {} if request.rpc == "ping" else {"protocolVersion": LEGACY, "capabilities": {}}
            return http(200, BOM + json.dumps(answer(request, value)).encode())
        if request.rpc == "server/discover":
            return http(400, BOM + b'{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"unknown"}}')
        return reply

    with Server(handler) as server, Client(server.url) as client:
        client.ping(timeout=20_000).must_be("MCP_OK").must_end(500)


# --- Standard output --------------------------------------------------------------------------------------------------

# In the errors that quote what a server has printed on stdout.
ONLY_MESSAGES = "which is only for messages"

SERVING = """
import threading
def respond(request):
    if request["method"] in ("initialize", "server/discover"): begin(request)
    else: reply(request, {"content": []})
def serve():
    while True: respond(ask())
"""


@contextlib.contextmanager
def client_of(script, *arguments, environment=None):
    """A client of a stdio server that runs the script. It records the levels of its log lines."""
    with process(SERVING + script, *arguments) as client:
        client.levels = []
        take = client.take_line

        def take_line(userdata, level, line):
            client.levels.append(level)
            take(userdata, level, line)

        client.log = LOG(take_line)
        client.levels_of = lambda word: [level for level, line in zip(client.levels, client.lines) if word in line]
        call(lib.mcp_set_log, client.client, client.log, None, None).must_be("MCP_OK")
        for name, value in (environment or {}).items():
            call(lib.mcp_set_environment, client.client, name.encode(), value.encode()).must_be("MCP_OK")
        yield client


@case
def noise_on_stdout_is_skipped():
    script = f"""
noise = {NOISE!r}
for line in noise: say(line + "\\n")
request = ask()
for line in noise: say(line + "\\n")
begin(request)
while True:
    request = ask()
    for line in noise: say("  " + line + "\\r\\n")
    respond(request)
"""
    with client_of(script) as client:
        client.connect(timeout=20_000).must_be("MCP_OK").must_end(1000)
        call_tool(client, timeout=20_000).must_be("MCP_OK").must_end(500)
        assert set(client.levels_of("[WebSocket]")) == {WARNING}, client.lines


@case
def a_timeout_quotes_the_output_of_the_process():
    script = """
say("before\\n"); begin(); request = ask()
say("[ERROR] no \\x1b[31m database at " + os.environ["TOKEN"] + "\\n" + "second\\n" * 100); time.sleep(100)
"""
    with client_of(script, environment={"TOKEN": SECRET}) as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        outcome = call_tool(client, timeout=1500).must_be("MCP_TIMEOUT")
        print(f"    {outcome.message}")
        assert "[ERROR] no" in outcome.message and "before" not in outcome.message, outcome.message
        assert len(outcome.message) < 1000 and outcome.message.isprintable(), outcome.message
        assert "instead of a response" in outcome.message and ONLY_MESSAGES in outcome.message, outcome.message
        assert SECRET not in outcome.message, outcome.message
        assert not any(SECRET in line for line in client.lines)
        # The error of the next call quotes the first output, not the output that belongs to the first call.
        outcome = call_tool(client, timeout=300).must_be("MCP_TIMEOUT")
        assert "[ERROR]" not in outcome.message, outcome.message
        assert f"before this call, the server printed this on stdout, {ONLY_MESSAGES}: before" in outcome.message


@case
def a_timeout_quotes_a_line_without_a_line_break():
    """A program that asks for a password prints no line break. A server may also forget the one after a message."""
    prompt = "begin(); ask(); say('Password for ' + os.environ['TOKEN'][:10]); sys.stdin.read()"
    with client_of(prompt, environment={"TOKEN": SECRET}) as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        for _ in range(2):
            outcome = call_tool(client, timeout=500).must_be("MCP_TIMEOUT")
            assert f"{ONLY_MESSAGES}: Password for" in outcome.message, outcome.message
            assert SECRET[:10] not in outcome.message, outcome.message
    with client_of("print('Token: ', end='', flush=True); sys.stdin.read()") as client:
        outcome = client.connect(timeout=800).must_be("MCP_TIMEOUT")
        assert f"{ONLY_MESSAGES}: Token:" in outcome.message, outcome.message
    message = "json.dumps({'jsonrpc': '2.0', 'id': request['id'], 'result': {'content': ['x' * 100_000]}})"
    script = f"begin(); request = ask(); say({message}); respond(ask()); serve()"
    with client_of(script) as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        outcome = call_tool(client, timeout=1500).must_be("MCP_TIMEOUT")
        assert 'without the line break that ends it: {"jsonrpc"' in outcome.message, outcome.message
        assert len(outcome.message) < 1000, outcome.message


@case
def an_exit_quotes_the_output_of_the_process():
    """Python's stdout is a pipe here, so what it prints is received only when it exits."""
    for text, is_line in (("config.json is missing", True), ("config.json is missing", False), ("tru", False)):
        script = f"begin(); ask(); print({text!r}, end={chr(10) if is_line else ''!r}); sys.exit(3)"
        with client_of(script) as client:
            client.connect(timeout=20_000).must_be("MCP_OK")
            outcome = call_tool(client, timeout=20_000).must_be("MCP_PROCESS_FAILED")
            assert f"{ONLY_MESSAGES}: {text}" in outcome.message and "status 3" in outcome.message, outcome.message


@case
def an_exit_does_not_quote_output_before_the_call():
    with client_of("say('Welcome!\\n'); begin(); ask(); sys.exit(3)") as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        outcome = call_tool(client, timeout=20_000).must_be("MCP_PROCESS_FAILED")
        assert "Welcome" not in outcome.message, outcome.message


@case
def the_log_about_the_end_of_a_subscription_quotes_the_output_of_the_process():
    """The client starts the server again, and logs why the subscription has ended."""
    script = """
request = ask(); begin(request)
while True:
    request = ask()
    if request["method"] == "subscriptions/listen": say("no database\\n"); sys.exit(3)
"""
    with process(script) as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        listener = Listener(client)
        poll(lambda: any(f"{ONLY_MESSAGES}: no database" in line for line in client.lines), "the log has no quotation")
        client.close()
        listener.result().must_be("MCP_CLOSED", "MCP_PROCESS_FAILED")


@case
def errors_of_a_listener_do_not_quote_secrets():
    """The session is already open, so the call that listens has not itself passed the environment to the process."""
    script = """
request = ask(); begin(request)
while True:
    request = ask()
    if request["method"] == "subscriptions/listen": say("starting with " + os.environ["TOKEN"] + "\\n")
"""
    with process(script) as client:
        call(lib.mcp_set_environment, client.client, b"TOKEN", SECRET.encode()).must_be("MCP_OK")
        client.connect(timeout=20_000).must_be("MCP_OK")
        outcome = Listener(client, timeout=500).result().must_be("MCP_TIMEOUT")
        assert "starting with" in outcome.message and SECRET not in outcome.message, outcome.message
        assert not any(SECRET in line for line in client.lines)


@case
def the_output_of_a_program_that_is_not_a_server_is_quoted():
    with process("print('usage: tool [--serve]', flush=True); time.sleep(100)") as client:
        outcome = client.connect(timeout=2500).must_be("MCP_TIMEOUT")
        assert "usage: tool" in outcome.message, outcome.message
    with process("ask(); print('usage: tool [--serve]', flush=True); sys.exit(2)") as client:
        outcome = client.connect(timeout=20_000).must_be("MCP_PROCESS_FAILED")
        assert "usage: tool" in outcome.message and "status 2" in outcome.message, outcome.message


@case
def a_truncated_secret_is_not_quoted():
    """A secret can cross the position at which a long line is truncated."""
    script = """
begin(); request = ask()
secret = os.environ["TOKEN"]
for length in (190, 380, 8170, 8185): say("y" * (length - 7) + " token=" + secret + " " + "z" * 9000 + "\\n")
say(secret * 2000 + "\\n"); time.sleep(100)
"""
    with client_of(script, environment={"TOKEN": SECRET}) as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        outcome = call_tool(client, timeout=1500).must_be("MCP_TIMEOUT")
        for text in [outcome.message, *client.lines]:
            assert SECRET[:6] not in text, text


@case
def an_invalid_response_ends_only_its_own_call():
    script = """
begin()
first, second = ask(), ask()
say(open(sys.argv[1] + "/text").read() % second["id"] + "\\n")
third = ask(); respond(third); respond(first); serve()
"""
    texts = [f'{{"jsonrpc":"2.0","id":%d,{member}}}' for member in INVALID.values()]
    texts += [
        '{"id":%d,"result":null}', '{"id":%d,"jsonrpc":"2.0","result":NaN}', '{"jsonrpc":"2.0","id":%d,"result":{}}}',
        '[{"jsonrpc":"2.0","id":%d,"result":null}]', '{"id":%d,"error":"x"}',
    ]  # fmt: skip
    for text in texts:
        with folder() as place, client_of(script, place) as client:
            (place / "text").write_text(text)
            client.connect(timeout=20_000).must_be("MCP_OK")
            one = client.begin(lambda: call_tool(client, timeout=20_000))
            two = client.begin(lambda: call_tool(client, timeout=20_000))
            poll(lambda: one.outcome or two.outcome, "no call ended")
            ended = one if one.outcome else two
            is_json = "NaN" not in text and not text.endswith("}}}")
            ended.outcome.must_be("MCP_INVALID_MESSAGE" if is_json else "MCP_INVALID_JSON")
            assert ended.outcome.ms < 3000, ended.outcome
            call_tool(client, timeout=20_000).must_be("MCP_OK")
            (two if ended is one else one).result().must_be("MCP_OK")


@case
def an_invalid_notification_does_not_end_a_call():
    script = """
begin()
while True:
    request = ask()
    for text in ('{"jsonrpc":"2.0","method":5}', '{"jsonrpc":"2.0","method":"x","params":NaN}',
                 '{"jsonrpc":"2.0","id":99,"result":null}', '{"jsonrpc":"2.0","id":%d,"method":7}' % request["id"],
                 '{"id":%d}' % request["id"]): say(text + "\\n")
    respond(request)
"""
    with client_of(script) as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=2000).must_be("MCP_OK")
        assert client.levels.count(WARNING) == 5, client.lines


@case
def an_invalid_member_of_a_batch_on_stdout_ends_only_its_own_call():
    script = """
begin()
one, two, three = ask(), ask(), ask()
member = lambda request, rest: '{"jsonrpc":"2.0","id":%d,%s}' % (request["id"], rest)
good = '"result":{"content":[]}'
say("[%s,%s,{},%s]\\n" % (member(one, good), member(two, '"result":null'), member(three, good)))
serve()
"""
    with client_of(script) as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        calls = [client.begin(lambda: call_tool(client, timeout=3000)) for _ in range(3)]
        statuses = sorted(calling.result().status for calling in calls)
        assert statuses == ["MCP_INVALID_MESSAGE", "MCP_OK", "MCP_OK"], statuses


@case
def fractional_ids_and_byte_order_marks_on_stdout_are_accepted():
    script = """
def say_message(message): say("\\ufeff" + json.dumps({"jsonrpc": "2.0"} | message) + "\\n")
def reply(request, result): say_message({"id": float(request["id"]), "result": result})
begin()
while True:
    request = ask()
    token = (request.get("params") or {}).get("_meta", {}).get("progressToken")
    if token:
        params = {"progressToken": float(token), "progress": 1}
        say_message({"method": "notifications/progress", "params": params})
    respond(request)
"""
    progress = []
    with client_of(script) as client:
        client.connect(timeout=20_000).must_be("MCP_OK").must_end(500)
        call_tool(client, timeout=2000, told=progress).must_be("MCP_OK")
        assert len(progress) == 1, progress


run()
