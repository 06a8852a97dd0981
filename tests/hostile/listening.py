"""mcp_listen with servers that grant less than requested, close the stream, lose the session or never respond."""

import ctypes
import threading
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p

from harness import (
    ERROR, LEGACY, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, declare, discovered,
    error, event, http, initialized, legacy, lib, options, poll, result, run,
)  # fmt: skip
from newer import elicits

CHANGE = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
declare(c_int, mcp_listen=[c_void_p, c_uint32, POINTER(c_char_p), CHANGE, c_void_p, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_list_tools=[c_void_p, c_void_p, POINTER(c_void_p), ERROR])
declare(c_int, mcp_set_cache=[c_void_p, ctypes.c_bool, ERROR])
declare(None, mcp_json_free=[c_void_p])

TOOLS, PROMPTS, RESOURCES = 1, 2, 4
CHANGED = "notifications/tools/list_changed"
UPDATED = "notifications/resources/updated"


class Listener:
    """Runs mcp_listen on a separate thread, for `changes` and `uris`. `heard` has the received notifications."""

    def __init__(self, client, changes=TOOLS, uris=(), **limits):
        self.heard, self.changed, self.limits = [], threading.Condition(), limits
        self.client, self.changes = client, changes
        self.uris = (c_char_p * (len(uris) + 1))(*(uri.encode() for uri in uris), None)
        self.function = CHANGE(self.take)
        self.background = client.begin(self.listen)

    def listen(self):
        with options(**self.limits) as opts:
            uris = ctypes.cast(self.uris, POINTER(c_char_p))
            return call(lib.mcp_listen, self.client.client, self.changes, uris, self.function, None, None, opts)

    def take(self, _data, method, params):
        length = c_size_t()
        raw = lib.mcp_json_raw(params, byref(length))
        with self.changed:
            self.heard.append((method.decode(), ctypes.string_at(raw, length.value).decode() if raw else None))
            self.changed.notify_all()

    def must_hear(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.heard) >= count, PATIENCE), self.heard

    def result(self):
        return self.background.result()


def notice(method, **params):
    return {"jsonrpc": "2.0", "method": method, "params": params}


def modern_server(subscription):
    """A modern server that handles `subscriptions/listen` with `subscription(server, request, number)`."""
    opened = []

    def handler(server, request):
        match request.rpc:
            case "server/discover":
                return discovered(request)
            case "subscriptions/listen":
                opened.append(request)
                return subscription(server, request, len(opened))
            case "tools/list":
                return result(request, {"resultType": "complete", "tools": [], "ttlMs": 60_000, "cacheScope": "public"})
            case _:
                return http(202, kind=None)

    return Server(handler)


def acknowledge(request, granted=None):
    """Sends the head of a subscription's response, and the acknowledgement."""
    granted = request.message["params"]["notifications"] if granted is None else granted
    request.send(STREAM + event(notice("notifications/subscriptions/acknowledged", notifications=granted)))




# --- Modern -----------------------------------------------------------------------------------------------------------


@case
def only_requested_notifications_are_delivered():
    def subscription(_server, request, _number):
        acknowledge(request)
        request.send(event(notice(CHANGED)) + event(notice("notifications/prompts/list_changed")))
        request.send(event(notice(UPDATED, uri="x://1/part")) + event(notice(UPDATED, uri="y://2")))
        request.send(event(answer(request, {"resultType": "complete"})))

    with modern_server(subscription) as server, Client(server.url) as client:
        listener = Listener(client, TOOLS, ["x://1"])
        listener.result().must_be("MCP_OK")
        # Notifications that were not requested are not delivered, even if the server sends them.
        assert [method for method, _ in listener.heard] == [CHANGED, UPDATED], listener.heard
        assert '"x://1/part"' in listener.heard[1][1]
        requested = server.requests[-1].message["params"]["notifications"]
        assert requested == {"toolsListChanged": True, "resourceSubscriptions": ["x://1"]}, requested


@case
def cancel_and_close_end_a_subscription():
    closed = []

    def subscription(_server, request, _number):
        acknowledge(request, {})  # grants less than was requested
        request.send(event(notice(CHANGED)))
        request.hold()
        closed.append(request)

    for how, status in (("cancel", "MCP_CANCELLED"), ("close", "MCP_CLOSED")):
        with modern_server(subscription) as server, Client(server.url) as client, Cancel() as cancel:
            listener = Listener(client, cancel=cancel, timeout=2000)  # the timeout applies until the acknowledgement
            listener.must_hear(1)
            if how == "cancel":
                cancel.trigger()
            else:
                client.close()
            listener.result().must_be(status)
            server.wait_for(lambda: not server.open)
    assert len(closed) == 2


@case
def a_broken_subscription_is_reopened():
    def subscription(_server, request, number):
        acknowledge(request)
        request.send(event(notice(CHANGED)))
        if number == 2:
            request.send(event(answer(request, {"resultType": "complete"})))

    with modern_server(subscription) as server, Client(server.url) as client:
        listener = Listener(client)
        listener.result().must_be("MCP_OK")
        assert len(listener.heard) == 2 and server.saw().count("subscriptions/listen") == 2
        ids = [r.message["id"] for r in server.requests if r.rpc == "subscriptions/listen"]
        assert len(set(ids)) == 2, ids
        assert any("retrying in" in line for line in client.lines)


@case
def a_refused_subscription_is_not_retried():
    for reply, status in (
        (lambda r: error(r, -32601), "MCP_RPC_ERROR"),
        (lambda r: http(401, kind=None), "MCP_UNAUTHORIZED"),
        (lambda r: http(404, "no", kind="text/plain"), "MCP_NOT_FOUND"),
        (lambda r: http(200, "hi", kind="text/html"), "MCP_UNEXPECTED_CONTENT"),
        (lambda r: result(r, {"resultType": "complete"}), "MCP_OK"),
    ):
        with modern_server(lambda _s, request, _n, reply=reply: reply(request)) as server, Client(server.url) as client:
            outcome = Listener(client).result().must_be(status).must_end(500)
            print(f"    {outcome.message}")
            assert server.saw().count("subscriptions/listen") == 1


@case
def opening_a_subscription_has_a_timeout():
    with modern_server(lambda _s, request, _n: request.hold()) as server, Client(server.url) as client:
        Listener(client, timeout=300).result().must_be("MCP_TIMEOUT").must_end(300, after=300)


@case
def connection_retries_do_not_extend_the_timeout():
    # Connecting is retried until it succeeds, within the same timeout.
    with Server(legacy) as server:
        url = server.url
    with Client(url) as client:
        outcome = Listener(client, timeout=300).result().must_be("MCP_CONNECT_FAILED").must_end(300, after=300)
        assert "refused" in outcome.message, outcome.message


@case
def two_listeners_of_one_client_are_independent():
    def subscription(_server, request, number):
        acknowledge(request)
        request.send(event(notice(CHANGED if number == 1 else "notifications/prompts/list_changed")))
        request.hold()

    with modern_server(subscription) as server, Client(server.url) as client, Cancel() as cancel:
        first = Listener(client, TOOLS | PROMPTS, cancel=cancel)
        first.must_hear(1)
        second = Listener(client, TOOLS | PROMPTS)
        second.must_hear(1)
        cancel.trigger()
        first.result().must_be("MCP_CANCELLED")
        assert len(second.heard) == 1
        client.close()
        second.result().must_be("MCP_CLOSED")


@case
def a_change_notification_invalidates_the_cache():
    go = threading.Event()

    def subscription(_server, request, _number):
        acknowledge(request)
        go.wait(PATIENCE)
        request.send(event(notice(CHANGED)))
        request.hold()

    def list_tools(client):
        document = c_void_p()
        call(lib.mcp_list_tools, client.client, None, byref(document)).must_be("MCP_OK")
        lib.mcp_json_free(document)

    with modern_server(subscription) as server, Client(server.url) as client:
        call(lib.mcp_set_cache, client.client, True).must_be("MCP_OK")
        listener = Listener(client)
        list_tools(client)
        list_tools(client)
        assert server.saw().count("tools/list") == 1
        go.set()
        listener.must_hear(1)
        list_tools(client)
        assert server.saw().count("tools/list") == 2
        client.close()
        listener.result().must_be("MCP_CLOSED")


# --- Legacy -----------------------------------------------------------------------------------------------------------


def legacy_server(stream):
    """A legacy server whose server stream (the response to GET) is `stream(server, request)`."""

    def handler(server, request):
        match request.rpc:
            case "server/discover":
                return error(request, -32601, status=400)
            case "initialize":
                return initialized(request, session=f"session-{server.saw().count('initialize')}")
            case "GET":
                return stream(server, request)
            case "DELETE":
                return http(200, kind=None)
            case "resources/subscribe" | "resources/unsubscribe" | "ping":
                return result(request, {})
            case _:
                return http(202, kind=None)

    return Server(handler)


def open_stream(request):
    request.send(STREAM + b": here\n\n")


@case
def legacy_subscriptions_end_with_their_last_listener():
    def stream(server, request):
        open_stream(request)
        server.must_see("resources/subscribe")
        request.send(event(notice(UPDATED, uri="x://1")) + event(notice(CHANGED)))
        request.hold()

    with legacy_server(stream) as server, Client(server.url, pin=LEGACY) as client, Cancel() as one, Cancel() as two:
        first = Listener(client, TOOLS, ["x://1"], cancel=one)
        first.must_hear(2)
        second = Listener(client, 0, ["x://1"], cancel=two)
        server.must_see("resources/subscribe", 2)
        one.trigger()
        first.result().must_be("MCP_CANCELLED")
        client.ping().must_be("MCP_OK")
        assert "resources/unsubscribe" not in server.saw()  # the second listener needs the subscription
        two.trigger()
        second.result().must_be("MCP_CANCELLED")
        server.must_see("resources/unsubscribe")
        assert server.saw().count("GET") == 1


@case
def a_notification_before_a_too_large_event_is_delivered_once():
    def stream(_server, request):
        gets.append(request.headers.get("last-event-id"))
        first = b"retry: 100\nid: 1\n" + event(notice(CHANGED)) + b"data: " + b"x" * 5000 + b"\n\n"
        request.send(STREAM + (first if gets[-1] is None else event(notice(UPDATED, uri="x://1"))))
        request.hold()

    gets = []
    with legacy_server(stream) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        call(lib.mcp_set_limit, client.client, 3, 1000).must_be("MCP_OK")
        listener = Listener(client, TOOLS, ["x://1"], cancel=cancel)
        listener.must_hear(2)
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")
    assert gets == [None, "1"], gets


@case
def listening_fails_if_the_server_has_no_server_stream():
    with legacy_server(lambda *_: http(405, kind=None)) as server, Client(server.url, pin=LEGACY) as client:
        outcome = Listener(client).result().must_end(1500)
        print(f"    {outcome.status}: {outcome.message}")
        assert outcome.status not in ("MCP_OK", "MCP_INTERNAL")
        client.ping().must_be("MCP_OK")


@case
def a_silent_server_stream_does_not_delay_calls():
    """The server does not respond to GET. A call waits at most briefly for it, at any timeout."""
    declare(c_int, mcp_set_roots=[c_void_p, c_void_p, c_void_p, c_void_p, ERROR])
    for timeout in (300, 5000):
        with legacy_server(lambda _server, request: request.hold()) as server, Client(server.url, pin=LEGACY) as client:
            handler = CFUNCTYPE(None, c_void_p, c_void_p)(lambda _data, _input: None)
            call(lib.mcp_set_roots, client.client, handler, None, None).must_be("MCP_OK")
            client.ping(timeout=timeout).must_be("MCP_OK").must_end(1000)
            client.ping(timeout=timeout).must_be("MCP_OK").must_end(100)


@case
def a_lost_session_is_re_established_with_its_subscriptions():
    def stream(server, request):
        if request.session == "session-1":
            if server.saw().count("GET") > 1:
                return http(404, kind=None)
            open_stream(request)
            server.must_see("resources/subscribe")
            return None  # closes the stream
        open_stream(request)
        server.must_see("resources/subscribe", 2)
        request.send(event(notice(UPDATED, uri="x://1")))
        request.hold()
        return None

    with legacy_server(stream) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        listener = Listener(client, 0, ["x://1"], cancel=cancel)
        listener.must_hear(1)
        sessions = [r.session for r in server.requests if r.rpc == "resources/subscribe"]
        assert sessions == ["session-1", "session-2"], sessions
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


@case
def a_conflict_with_the_old_stream_is_retried():
    """The server may notice late that the old stream has ended, and refuse the new one until then."""
    conflicts = (
        http(409, "Conflict: Only one SSE stream is allowed per session", kind="text/plain"),
        http(400, "one stream per session", kind="text/plain"),
        http(409, {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Conflict"}}),
    )
    for conflict in conflicts:

        def stream(server, request, conflict=conflict):
            gets = server.saw().count("GET")
            if gets == 1:
                request.send(STREAM + b"retry: 100\n\n: here\n\n")
                return None  # closes the stream
            if gets < 5:
                return conflict
            request.send(STREAM + event(notice(CHANGED)))
            return request.hold()

        with legacy_server(stream) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
            listener = Listener(client, cancel=cancel)
            listener.must_hear(1)
            assert server.saw().count("initialize") == 1, server.saw()
            cancel.trigger()
            listener.result().must_be("MCP_CANCELLED")


@case
def an_opened_stream_is_not_counted_as_a_failed_attempt():
    def stream(server, request):
        request.send(STREAM + b"retry: 1\n\n")
        if server.saw().count("GET") < 6:
            return None  # closes the stream
        request.send(event(notice(CHANGED)))
        return request.hold()

    with legacy_server(stream) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        # The pause before each retry doubles: 100 ms to 1.6 s.
        listener = Listener(client, cancel=cancel)
        listener.must_hear(1)
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


@case
def a_refused_server_stream_does_not_delay_calls():
    declare(c_int, mcp_set_roots=[c_void_p, c_void_p, c_void_p, c_void_p, ERROR])
    refusals = [lambda *_, code=code: http(code, kind=None) for code in (301, 401, 403, 404, 405, 500, 501)]
    for refuse in (*refusals, lambda *_: None):
        with legacy_server(refuse) as server, Client(server.url, pin=LEGACY) as client:
            handler = CFUNCTYPE(None, c_void_p, c_void_p)(lambda _data, _input: None)
            call(lib.mcp_set_roots, client.client, handler, None, None).must_be("MCP_OK")
            outcome = client.ping(timeout=5000).must_be("MCP_OK")
            assert outcome.ms < 900, f"the ping took {outcome.ms} ms: {server.saw()}"


@case
def listening_for_nothing_is_rejected():
    with modern_server(lambda *_: None) as server, Client(server.url) as client:
        for changes, uris in ((0, []), (8, []), (1 << 31, ["x://1"])):
            Listener(client, changes, uris).result().must_be("MCP_INVALID_ARGUMENT")
        assert not server.requests


@case
def a_lost_session_is_recognized_if_the_error_mentions_a_stream():
    """The error mentions a stream, but the session is lost: it is re-established at once. (Only a conflict with an
    older stream is retried for two minutes.)"""

    def handler(server, request):
        match request.rpc:
            case "initialize":
                return initialized(request, session=f"session-{server.saw().count('initialize')}")
            case "GET" if request.session == "session-2":
                request.send(STREAM + event(notice(CHANGED)))
                return request.hold()
            case "GET" if server.saw().count("GET") == 1:
                request.send(STREAM + event(notice(CHANGED)))
                return None  # closes the stream
            case "GET":
                return http(400, "Invalid session ID for this event stream", kind="text/plain")
            case _:
                return http(202, kind=None)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        listener = Listener(client, cancel=cancel)
        listener.must_hear(2)
        assert server.saw().count("initialize") == 2, server.saw()
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


def listener_reopens_stream(is_accepted, refusal, repair, bearer=None):
    """The server refuses the server stream (GET) until the client stops trying. Then `repair(client)` makes
    `is_accepted` return True for the next request, and a new listener has to reopen the stream."""

    def handler(_server, request):
        if request.method != "GET":
            return legacy(request)
        if not is_accepted(request):
            return http(refusal, kind=None)
        request.send(STREAM + event(notice(CHANGED)))
        return request.hold()

    with Server(handler) as server, Client(server.url, bearer=bearer) as client, Cancel() as cancel:
        elicits(client, {})
        client.ping().must_be("MCP_OK")
        assert server.wait_for(lambda: server.saw().count("GET") == 5, 40), server.saw()
        given_up = "no server event stream"
        poll(lambda: any(given_up in line for line in client.lines), "the client does not stop opening the stream")
        repair(client)
        listener = Listener(client, cancel=cancel)
        listener.must_hear(1)
        assert server.saw().count("initialize") == 1, server.saw()
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


@case
def a_new_listener_reopens_an_abandoned_server_stream():
    repaired = threading.Event()
    listener_reopens_stream(lambda _request: repaired.is_set(), 500, lambda _client: repaired.set())


@case
def a_new_token_reopens_a_refused_server_stream():
    def is_accepted(request):
        return request.authorization == "Bearer good-token-2"

    def replace_token(client):
        client.set_bearer("good-token-2").must_be("MCP_OK")

    listener_reopens_stream(is_accepted, 401, replace_token, bearer="bad-token-1")


run(side_by_side=True)
