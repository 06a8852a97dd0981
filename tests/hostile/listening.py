"""mcp_listen in front of servers that grant less than was asked, break off, forget, or never answer."""

import ctypes
import threading
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_size_t, c_uint32, c_void_p

from harness import (
    ERROR, LEGACY, MODERN, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, declare, discovered,
    error, event, http, initialized, legacy as decent, lib, options, poll, result, run,
)  # fmt: skip
from newer import elicits

CHANGE = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
declare(c_int, mcp_listen=[c_void_p, c_uint32, POINTER(c_char_p), CHANGE, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_list_tools=[c_void_p, c_void_p, POINTER(c_void_p), ERROR], mcp_set_cache=[c_void_p, ctypes.c_bool, ERROR])
declare(None, mcp_json_free=[c_void_p])

TOOLS, PROMPTS, RESOURCES = 1, 2, 4
CHANGED = "notifications/tools/list_changed"
UPDATED = "notifications/resources/updated"


class Listener:
    """Listens on a thread of its own, for `changes` and `uris`; what it is told is in `heard`."""

    def __init__(self, client, changes=TOOLS, uris=(), **limits):
        self.heard, self.told, self.limits = [], threading.Condition(), limits
        self.client, self.changes = client, changes
        self.uris = (c_char_p * (len(uris) + 1))(*(uri.encode() for uri in uris), None)
        self.function = CHANGE(self.take)
        self.background = client.begin(self.listen)

    def listen(self):
        with options(**self.limits) as given:
            uris = ctypes.cast(self.uris, POINTER(c_char_p))
            return call(lib.mcp_listen, self.client.client, self.changes, uris, self.function, None, given)

    def take(self, _data, method, params):
        length = c_size_t()
        raw = lib.mcp_json_raw(params, byref(length))
        with self.told:
            self.heard.append((method.decode(), ctypes.string_at(raw, length.value).decode() if raw else None))
            self.told.notify_all()

    def must_hear(self, count):
        with self.told:
            assert self.told.wait_for(lambda: len(self.heard) >= count, PATIENCE), self.heard

    def result(self):
        return self.background.result()


def notice(method, **params):
    return {"jsonrpc": "2.0", "method": method, "params": params}


def modern(subscription):
    """A modern server whose subscriptions are what the function says; it gets their number, too."""
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


def begun(request, granted=None):
    """The head of a subscription, and its acknowledgement."""
    granted = request.message["params"]["notifications"] if granted is None else granted
    request.send(STREAM + event(notice("notifications/subscriptions/acknowledged", notifications=granted)))


def left(request):
    """Until the client has closed the stream."""
    request.hold()


# --- Modern -----------------------------------------------------------------------------------------------------------


@case
def it_ends_in_good_order():
    def subscription(_server, request, _number):
        begun(request)
        request.send(event(notice(CHANGED)) + event(notice("notifications/prompts/list_changed")))
        request.send(event(notice(UPDATED, uri="x://1/part")) + event(notice(UPDATED, uri="y://2")))
        request.send(event(answer(request, {"resultType": "complete"})))

    with modern(subscription) as server, Client(server.url) as client:
        listener = Listener(client, TOOLS, ["x://1"])
        listener.result().must_be("MCP_OK")
        # What was not asked for is not told, even where the server sends it.
        assert [method for method, _ in listener.heard] == [CHANGED, UPDATED], listener.heard
        assert '"x://1/part"' in listener.heard[1][1]
        wanted = server.requests[-1].message["params"]["notifications"]
        assert wanted == {"toolsListChanged": True, "resourceSubscriptions": ["x://1"]}, wanted


@case
def cancel_and_close_end_it():
    closed = []

    def subscription(_server, request, _number):
        begun(request, {})  # less than was asked
        request.send(event(notice(CHANGED)))
        left(request)
        closed.append(request)

    for how, status in (("cancel", "MCP_CANCELLED"), ("close", "MCP_CLOSED")):
        with modern(subscription) as server, Client(server.url) as client, Cancel() as cancel:
            listener = Listener(client, cancel=cancel, timeout=2000)  # the timeout is for the opening
            listener.must_hear(1)
            if how == "cancel":
                cancel.trigger()
            else:
                client.close()
            listener.result().must_be(status)
            server.wait_for(lambda: not server.open)
    assert len(closed) == 2


@case
def what_breaks_is_opened_again():
    def subscription(_server, request, number):
        begun(request)
        request.send(event(notice(CHANGED)))
        if number == 2:
            request.send(event(answer(request, {"resultType": "complete"})))

    with modern(subscription) as server, Client(server.url) as client:
        listener = Listener(client)
        listener.result().must_be("MCP_OK")
        assert len(listener.heard) == 2 and server.saw().count("subscriptions/listen") == 2
        ids = [r.message["id"] for r in server.requests if r.rpc == "subscriptions/listen"]
        assert len(set(ids)) == 2, ids
        assert any("again in" in line for line in client.lines)


@case
def what_is_refused_is_not_asked_again():
    for reply, status in (
        (lambda r: error(r, -32601), "MCP_RPC_ERROR"),
        (lambda r: http(401, kind=None), "MCP_UNAUTHORIZED"),
        (lambda r: http(404, "no", kind="text/plain"), "MCP_NOT_FOUND"),
        (lambda r: http(200, "hi", kind="text/html"), "MCP_UNEXPECTED_CONTENT"),
        (lambda r: result(r, {"resultType": "complete"}), "MCP_OK"),
    ):
        with modern(lambda _s, request, _n, reply=reply: reply(request)) as server, Client(server.url) as client:
            outcome = Listener(client).result().must_be(status).must_end(500)
            print(f"    {outcome.message}")
            assert server.saw().count("subscriptions/listen") == 1


@case
def the_opening_has_a_timeout():
    with modern(lambda _s, request, _n: request.hold()) as server, Client(server.url) as client:
        Listener(client, timeout=300).result().must_be("MCP_TIMEOUT").must_end(300, after=300)


@case
def a_server_that_is_down_does_not_gain_time():
    # What is tried again until it works has the same timeout.
    with Server(legacy) as server:
        url = server.url
    with Client(url) as client:
        outcome = Listener(client, timeout=300).result().must_be("MCP_CONNECT_FAILED").must_end(300, after=300)
        assert "refused" in outcome.message, outcome.message


@case
def two_of_one_client():
    def subscription(_server, request, number):
        begun(request)
        request.send(event(notice(CHANGED if number == 1 else "notifications/prompts/list_changed")))
        left(request)

    with modern(subscription) as server, Client(server.url) as client, Cancel() as cancel:
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
def a_change_makes_what_is_kept_stale():
    go = threading.Event()

    def subscription(_server, request, _number):
        begun(request)
        go.wait(PATIENCE)
        request.send(event(notice(CHANGED)))
        left(request)

    def list_tools(client):
        document = c_void_p()
        call(lib.mcp_list_tools, client.client, None, byref(document)).must_be("MCP_OK")
        lib.mcp_json_free(document)

    with modern(subscription) as server, Client(server.url) as client:
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


def legacy(stream):
    """A legacy server; `stream` makes the standing event stream of what it gets."""

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


def standing(request):
    request.send(STREAM + b": here\n\n")


@case
def subscriptions_of_a_legacy_server_are_counted():
    def stream(server, request):
        standing(request)
        server.must_see("resources/subscribe")
        request.send(event(notice(UPDATED, uri="x://1")) + event(notice(CHANGED)))
        left(request)

    with legacy(stream) as server, Client(server.url, pin=LEGACY) as client, Cancel() as one, Cancel() as two:
        first = Listener(client, TOOLS, ["x://1"], cancel=one)
        first.must_hear(2)
        second = Listener(client, 0, ["x://1"], cancel=two)
        server.must_see("resources/subscribe", 2)
        one.trigger()
        first.result().must_be("MCP_CANCELLED")
        client.ping().must_be("MCP_OK")
        assert "resources/unsubscribe" not in server.saw()  # the other one still listens
        two.trigger()
        second.result().must_be("MCP_CANCELLED")
        server.must_see("resources/unsubscribe")
        assert server.saw().count("GET") == 1


@case
def a_legacy_server_without_a_stream():
    with legacy(lambda *_: http(405, kind=None)) as server, Client(server.url, pin=LEGACY) as client:
        outcome = Listener(client).result().must_end(1500)
        print(f"    {outcome.status}: {outcome.message}")
        assert outcome.status not in ("MCP_OK", "MCP_INTERNAL")
        client.ping().must_be("MCP_OK")


@case
def a_stream_that_never_begins():
    """Neither a short call nor a longer one waits for it long."""
    declare(c_int, mcp_set_roots=[c_void_p, c_void_p, c_void_p, c_void_p, ERROR])
    for timeout in (300, 5000):
        with legacy(lambda _server, request: request.hold()) as server, Client(server.url, pin=LEGACY) as client:
            handler = CFUNCTYPE(None, c_void_p, c_void_p)(lambda _data, _input: None)
            call(lib.mcp_set_roots, client.client, handler, None, None).must_be("MCP_OK")
            client.ping(timeout=timeout).must_be("MCP_OK").must_end(1000)
            client.ping(timeout=timeout).must_be("MCP_OK").must_end(100)


@case
def a_session_that_is_lost_is_opened_anew():
    def stream(server, request):
        if request.session == "session-1":
            if server.saw().count("GET") > 1:
                return http(404, kind=None)
            standing(request)
            server.must_see("resources/subscribe")
            return None  # it breaks
        standing(request)
        server.must_see("resources/subscribe", 2)
        request.send(event(notice(UPDATED, uri="x://1")))
        left(request)
        return None

    with legacy(stream) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        listener = Listener(client, 0, ["x://1"], cancel=cancel)
        listener.must_hear(1)
        sessions = [r.session for r in server.requests if r.rpc == "resources/subscribe"]
        assert sessions == ["session-1", "session-2"], sessions
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


@case
def a_refusal_because_of_the_old_stream_is_waited_out():
    """After a break the server may not have noticed the end of the old stream."""
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
                return None  # it breaks
            if gets < 5:
                return conflict
            request.send(STREAM + event(notice(CHANGED)))
            return left(request)

        with legacy(stream) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
            listener = Listener(client, cancel=cancel)
            listener.must_hear(1)
            assert server.saw().count("initialize") == 1, server.saw()
            cancel.trigger()
            listener.result().must_be("MCP_CANCELLED")


@case
def a_stream_that_was_opened_is_not_counted_as_in_vain():
    def stream(server, request):
        request.send(STREAM + b"retry: 1\n\n")
        if server.saw().count("GET") < 6:
            return None  # it breaks
        request.send(event(notice(CHANGED)))
        return left(request)

    with legacy(stream) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        # The pauses double: 100 ms to 1.6 s.
        listener = Listener(client, cancel=cancel)
        listener.must_hear(1)
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


@case
def a_refused_stream_delays_no_call():
    declare(c_int, mcp_set_roots=[c_void_p, c_void_p, c_void_p, c_void_p, ERROR])
    refusals = [lambda *_, code=code: http(code, kind=None) for code in (301, 401, 403, 404, 405, 500, 501)]
    for refuse in (*refusals, lambda *_: None):
        with legacy(refuse) as server, Client(server.url, pin=LEGACY) as client:
            handler = CFUNCTYPE(None, c_void_p, c_void_p)(lambda _data, _input: None)
            call(lib.mcp_set_roots, client.client, handler, None, None).must_be("MCP_OK")
            outcome = client.ping(timeout=5000).must_be("MCP_OK")
            assert outcome.ms < 900, f"{outcome.ms} ms, {server.saw()}"


@case
def there_has_to_be_something_to_listen_for():
    with modern(lambda *_: None) as server, Client(server.url) as client:
        for changes, uris in ((0, []), (8, []), (1 << 31, ["x://1"])):
            Listener(client, changes, uris).result().must_be("MCP_INVALID_ARGUMENT")
        assert not server.requests


@case
def a_lost_session_that_is_refused_with_words_about_a_stream():
    """It is no conflict with an older stream, which is waited out for two minutes: the session is opened anew."""

    def handler(server, request):
        match request.rpc:
            case "initialize":
                return initialized(request, session=f"session-{server.saw().count('initialize')}")
            case "GET" if request.session == "session-2":
                request.send(STREAM + event(notice(CHANGED)))
                return request.hold()
            case "GET" if server.saw().count("GET") == 1:
                request.send(STREAM + event(notice(CHANGED)))
                return None  # it breaks
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


def opened_again(is_well, refusal, mend, bearer=None):
    """The server's standing stream is refused until it is given up; then `mend` makes a request fulfil `is_well`, and there is a listener."""

    def handler(_server, request):
        if request.method != "GET":
            return decent(request)
        if not is_well(request):
            return http(refusal, kind=None)
        request.send(STREAM + event(notice(CHANGED)))
        return request.hold()

    with Server(handler) as server, Client(server.url, bearer=bearer) as client, Cancel() as cancel:
        elicits(client, {})
        client.ping().must_be("MCP_OK")
        assert server.wait_for(lambda: server.saw().count("GET") == 5, 40), server.saw()
        poll(lambda: any("no standing event stream" in line for line in client.lines), "it is not given up")
        mend(client)
        listener = Listener(client, cancel=cancel)
        listener.must_hear(1)
        assert server.saw().count("initialize") == 1, server.saw()
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


@case
def a_stream_that_was_given_up_is_opened_again_for_a_listener():
    is_well = threading.Event()
    opened_again(lambda _request: is_well.is_set(), 500, lambda _client: is_well.set())


@case
def a_stream_that_was_refused_is_opened_again_with_another_token():
    def is_well(request):
        return request.authorization == "Bearer good-token-2"

    opened_again(is_well, 401, lambda client: client.set_bearer("good-token-2").must_be("MCP_OK"), bearer="bad-token-1")


run(side_by_side=True)
