"""A tool call that may have been executed is not sent again. Also: which responses mean that the session is lost."""

import itertools
from ctypes import c_char_p, c_int, c_size_t, c_void_p

from auth_scheme import authorized
from harness import (
    ERROR, LEGACY, STREAM, Client, Server, answer, call, case, declare, discovered, error, event, events, http,
    initialized, legacy, lib, options, result, run,
)  # fmt: skip
from newer import call_tool, process

declare(c_int, mcp_notify=[c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, ERROR])

DONE = {"content": [{"type": "text", "text": "done"}]}


def plain_text(status, text, kind="text/plain"):
    return lambda request: http(status, text, kind=kind)


def rpc(status, code, message, id_="own"):
    """A response with a JSON-RPC error. Its id is the one of the request ("own"), null, or another one."""

    def make(request):
        head = {"jsonrpc": "2.0", "id": request.message.get("id") if id_ == "own" else id_}
        return http(status, head | {"error": {"code": code, "message": message}})

    return make


class Stateful:
    """A legacy server with numbered sessions. Once `lost` is set, `refuse(request)` answers the requests of the first
    session, or of all sessions if `endless`."""

    def __init__(self, refuse, endless=False):
        self.refuse, self.endless, self.lost = refuse, endless, False
        self.sessions = itertools.count(1)

    def __call__(self, server, request):
        match request.rpc:
            case "server/discover":
                return error(request, -32601, status=400)
            case "initialize":
                assert request.session is None, request.headers
                return initialized(request, session=f"session-number-{next(self.sessions)}")
            case "notifications/initialized":
                return http(202, kind=None)
            case "GET":
                return http(405, kind=None)
            case "DELETE":
                return http(200, kind=None)
        if self.lost and (self.endless or request.session == "session-number-1"):
            return self.refuse(request)
        if "id" not in request.message:
            return http(202, kind=None)
        return result(request, DONE if request.rpc == "tools/call" else {})


def call_refused_with(refuse, act, endless=False):
    """Calls `act(client)` in a session that the server refuses, and then a tool. Returns the outcome of the first call,
    its requests, and the outcome of the second call."""
    handler = Stateful(refuse, endless)
    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        client.connect().must_be("MCP_OK")
        handler.lost = True
        before = len(server.requests)
        outcome = act(client)
        seen = server.saw()[before:]
        return outcome, seen, call_tool(client, timeout=5000)


def tool(client):
    return call_tool(client, timeout=5000)


def notify(client):
    with options(timeout=5000) as given:
        return call(lib.mcp_notify, client.client, b"notifications/x", None, 0, given)


LOST_NOT_EXECUTED = {
    "404": plain_text(404, ""),
    "404 with a foreign id": rpc(404, -32600, "Session has expired", id_="server-error"),
    "404 without an id": rpc(404, -32001, "Session not found", id_=None),
    "410": plain_text(410, "Gone"),
    "422": plain_text(422, "Unexpected message, expect initialize request"),
    "400 of server-everything": rpc(400, -32000, "Bad Request: No valid session ID provided", id_=None),
    "400 of the TypeScript SDK": rpc(400, -32000, "Bad Request: Server not initialized", id_=None),
    "400 for the header": plain_text(400, "Mcp-Session-Id header is required"),
    "400 for the transport": plain_text(400, "No transport found for sessionId"),
    "401 of rmcp": plain_text(401, "Unauthorized: Session not found"),
}
LOST_MAYBE_EXECUTED = {
    "500": plain_text(500, "Session not found"),
    "200, -32002": rpc(200, -32002, "MCP session is unknown"),
    "200, -32005": rpc(200, -32005, "Server not initialized"),
    "200 with the session id in the text": rpc(200, -32000, "no such thing: session-number-1"),
    "400 with the id of the request": rpc(400, -32000, "Bad Request: Server not initialized"),
    "in an event stream": lambda request: events(
        {"jsonrpc": "2.0", "id": request.message["id"], "error": {"code": -32000, "message": "Server not initialized"}}
    ),
}
ERRORS_OF_THE_CALL = {
    "404, unknown tool": rpc(404, -32602, "Unknown tool: x"),
    "404, another thing": rpc(404, -32000, "Customer 42 not found"),
    "404, resource": rpc(404, -32002, "Resource not found"),
    "400, an argument": rpc(400, -32602, "the session id of the browser is missing"),
    "200, a session of the tool": rpc(200, -32603, "Session not found: abc"),
    "500, a session of the tool": rpc(500, -32603, "Session not found: abc"),
    "401, a session of the tool": rpc(401, -32603, "Session not found: abc"),
}


@case
def a_refusal_that_names_the_session_opens_a_new_one():
    for name, refuse in LOST_NOT_EXECUTED.items():
        outcome, seen, after = call_refused_with(refuse, tool)
        assert outcome.status == "MCP_OK", f"{name}: {outcome}"
        assert seen == ["tools/call", "initialize", "notifications/initialized", "tools/call"], f"{name}: {seen}"
        after.must_be("MCP_OK")


@case
def a_tool_that_may_have_run_is_not_called_again():
    for name, refuse in LOST_MAYBE_EXECUTED.items():
        outcome, seen, after = call_refused_with(refuse, tool)
        assert outcome.status == "MCP_SESSION_LOST", f"{name}: {outcome}"
        assert "may have been executed" in outcome.message, outcome.message
        assert seen == ["tools/call"], f"{name}: {seen}"
        after.must_be("MCP_OK")


@case
def a_ping_is_sent_again_in_a_new_session():
    for name, refuse in (LOST_NOT_EXECUTED | LOST_MAYBE_EXECUTED).items():
        outcome, seen, _ = call_refused_with(refuse, lambda client: client.ping(timeout=5000))
        assert outcome.status == "MCP_OK", f"{name}: {outcome}"
        assert seen == ["ping", "initialize", "notifications/initialized", "ping"], f"{name}: {seen}"


@case
def a_notification_is_not_sent_again():
    for name, refuse in LOST_NOT_EXECUTED.items():
        outcome, seen, after = call_refused_with(refuse, notify)
        assert (outcome.status, seen) == ("MCP_SESSION_LOST", ["notifications/x"]), f"{name}: {outcome}, {seen}"
        after.must_be("MCP_OK")


@case
def an_error_of_the_call_keeps_the_session():
    for name, refuse in ERRORS_OF_THE_CALL.items():
        outcome, seen, _ = call_refused_with(refuse, tool, endless=True)
        expected = "MCP_UNAUTHORIZED" if name.startswith("401") else "MCP_RPC_ERROR"
        assert outcome.status == expected, f"{name}: {outcome}"
        assert seen == ["tools/call"], f"{name}: {seen}"


@case
def an_auth_callback_does_not_turn_an_error_of_the_call_into_a_lost_session():
    """With an auth callback, the library reads the error before it decides whether to ask for other credentials. The
    error has the id of the call there too."""
    for status, words, most in ((401, "Session not found: abc", 3), (403, "Server not initialized", 1)):

        def handler(_server, request, status=status, words=words):
            if request.rpc == "tools/call":
                return error(request, -32603, words, status=status)
            return legacy(request)

        with Server(handler) as server:
            with authorized(server.url, lambda asked: asked.bearer("good"), pin=LEGACY) as (client, _):
                outcome = call_tool(client, timeout=5000)
                assert outcome.status in ("MCP_UNAUTHORIZED", "MCP_FORBIDDEN"), outcome
                assert server.saw().count("initialize") == 1, server.saw()
                assert server.saw().count("tools/call") <= most, server.saw()


@case
def an_endless_refusal_ends_after_one_new_session():
    for name, refuse in LOST_NOT_EXECUTED.items():
        outcome, seen, _ = call_refused_with(refuse, tool, endless=True)
        assert outcome.status == "MCP_SESSION_LOST", f"{name}: {outcome}"
        assert seen.count("initialize") == 1 and seen.count("tools/call") == 2, f"{name}: {seen}"


class Breaking(Stateful):
    """Answers the first tool call with a stream that breaks off. `resumed` answers the GET that resumes the stream."""

    def __init__(self, resumed):
        super().__init__(None)
        self.resumed, self.called = resumed, []

    def __call__(self, server, request):
        if request.rpc == "tools/call":
            self.called.append(request)
            if len(self.called) == 1:
                request.send(STREAM + b"id: 1\nretry: 100\ndata: \n\n")
                return None
        if request.method == "GET" and self.called:
            return self.resumed(request)
        return super().__call__(server, request)


@case
def a_tool_whose_stream_broke_is_not_called_again():
    unknown_session = rpc(400, -32000, "Bad Request: Server not initialized", id_=None)
    resumptions = {
        "the session is gone": (plain_text(404, ""), "MCP_SESSION_LOST"),
        "the session is unknown": (unknown_session, "MCP_SESSION_LOST"),
        "the method is not allowed": (plain_text(405, ""), "MCP_TRUNCATED"),
        "the server fails": (plain_text(500, "oops"), "MCP_TRUNCATED"),
        "another version": (rpc(400, -32022, "unsupported", id_=None), "MCP_TRUNCATED"),
        "other headers": (rpc(400, -32020, "mismatch", id_=None), "MCP_TRUNCATED"),
    }
    for name, (resumed, expected) in resumptions.items():
        handler = Breaking(resumed)
        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            outcome = call_tool(client, timeout=5000)
            assert outcome.status == expected, f"{name}: {outcome}"
            assert "the tool may have been executed" in outcome.message, outcome.message
            assert len(handler.called) == 1, f"{name}: {server.saw()}"
            call_tool(client, timeout=5000).must_be("MCP_OK")


@case
def an_error_on_a_resumed_stream_does_not_repeat_the_call():
    """Errors about the version or the headers, on the resumed stream: the server accepted the request before that."""
    for code in (-32020, -32022, -32000):

        def resumed(request, code=code):
            id_ = handler.called[0].message["id"]
            message = {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": "x"}}
            return http(200, b"id: 2\n" + event(message), kind="text/event-stream")

        handler = Breaking(resumed)
        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            call_tool(client, timeout=5000).must_be("MCP_RPC_ERROR")
            assert len(handler.called) == 1, server.saw()


@case
def a_modern_tool_whose_stream_broke_is_not_called_again():
    def handler(_server, request):
        if request.rpc == "server/discover":
            return discovered(request)
        if request.rpc == "tools/list":
            return result(request, {"resultType": "complete", "tools": []})
        request.send(STREAM + b": begun\n\n")
        return None

    with Server(handler) as server, Client(server.url) as client:
        outcome = call_tool(client, timeout=5000).must_be("MCP_TRUNCATED", "MCP_DISCONNECTED")
        assert "the tool may have been executed" in outcome.message, outcome.message
        assert server.saw().count("tools/call") == 1, server.saw()


@case
def a_tool_on_a_lost_stream_of_http_sse_is_not_called_again():
    """The server accepts the POST, then ends the stream. The next stream belongs to a new session."""

    def handler(server, request):
        if request.method == "GET":
            streams.append(request.socket)
            request.send(STREAM + b"event: endpoint\ndata: /messages?session_id=%d\n\n" % len(streams))
            return request.hold()
        if request.rpc == "initialize":
            streams[-1].sendall(event(answer(request, {"protocolVersion": LEGACY, "capabilities": {}})))
        elif request.rpc == "tools/call":
            called.append(request)
            if len(called) == 1:
                streams[-1].shutdown(2)
            else:
                streams[-1].sendall(event(answer(request, DONE)))
        return http(202, "Accepted", kind="text/plain")

    streams, called = [], []
    with Server(handler) as server, Client(server.url.replace("/mcp", "/sse")) as client:
        outcome = call_tool(client, timeout=5000).must_be("MCP_DISCONNECTED")
        assert "the tool may have been executed" in outcome.message, outcome.message
        assert len(called) == 1, server.saw()
        call_tool(client, timeout=5000).must_be("MCP_OK")
        assert len(called) == 2 and len(streams) == 2, server.saw()


@case
def a_tool_of_a_process_that_ended_may_have_run():
    with process("begin(ask())\nask()\nsys.exit(3)") as client:
        client.connect(timeout=5000).must_be("MCP_OK")
        outcome = call_tool(client, timeout=5000).must_be("MCP_PROCESS_FAILED")
        assert "the tool may have been executed" in outcome.message, outcome.message


@case
def a_request_without_a_body_has_no_content_headers():
    """Fastify refuses a DELETE with a Content-Type and no body."""
    handler = Stateful(None)
    with Server(handler) as server:
        with Client(server.url, pin=LEGACY) as client:
            call_tool(client, timeout=5000).must_be("MCP_OK")
            client.close(timeout=5000).must_be("MCP_OK")
        without_body = [request for request in server.requests if request.method != "POST"]
        assert [request.method for request in without_body] == ["DELETE"], server.saw()
        for request in without_body:
            assert not {"content-type", "content-encoding", "transfer-encoding"} & set(request.headers), request.headers
            assert request.headers.get("content-length", "0") == "0", request.headers
        assert all(request.headers["content-type"] == "application/json" for request in server.requests if request.body)


run()
