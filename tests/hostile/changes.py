"""Subscriptions (mcp_listen) whose server grants less, sends too much, dies or is restarted. listening.py has the basic
cases; this file has timeouts, servers on stdio, and calls during a subscription."""

import json
import threading
import time
from ctypes import c_char_p, c_int, c_size_t, c_void_p

from auth_scheme import authorized
from harness import (
    ERROR, LEGACY, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, declare, discovered, error, event,
    http, initialized, lib, poll, result, run,
)  # fmt: skip
from newer import OUT, PROMPTS, RESOURCES, TOOLS, Listener, acknowledged, fetched, folder, listed, notice, process

declare(c_int, mcp_request=[c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, OUT, ERROR])

# A cancelled call ends within this many milliseconds.
SOON = 50


def modern(subscription):
    """A modern server; `subscription(server, request, number)` answers each subscriptions/listen, counted from 1."""
    opened = []

    def handler(server, request):
        if request.rpc == "subscriptions/listen":
            opened.append(request)
            return subscription(server, request, len(opened))
        if request.rpc == "tools/list":
            return result(request, {"resultType": "complete", "tools": [], "ttlMs": 0, "cacheScope": "public"})
        return discovered(request) if request.rpc == "server/discover" else http(202, kind=None)

    return Server(handler)


def ended(request):
    return event(answer(request, {"resultType": "complete"}))


def must_end_soon(listener, cancel):
    """Without the cancel, the listener would wait far longer than SOON and the grace for a busy machine."""
    begun = time.monotonic()
    cancel.trigger()
    outcome = listener.result().must_be("MCP_CANCELLED")
    outcome.ms = round((outcome.ended - begun) * 1000)
    outcome.must_end(SOON)


# --- HTTP -------------------------------------------------------------------------------------------------------------


@case
def cancel_ends_the_call_and_closes_the_stream():
    left = threading.Event()

    def subscription(_server, request, _number):
        request.send(STREAM + acknowledged(request, {}) + event(notice("tools/list_changed")))
        request.hold()
        left.set()

    with modern(subscription) as server, Client(server.url) as client, Cancel() as cancel:
        listener = Listener(client, cancel=cancel)
        listener.must_hear("tools/list_changed")
        must_end_soon(listener, cancel)
        assert left.wait(PATIENCE), "the stream stays open"
        listed(client).must_be("MCP_OK")
        # Nothing is sent twice, and over HTTP no notifications/cancelled is sent.
        assert server.saw().count("subscriptions/listen") == 1, server.saw()
        assert "notifications/cancelled" not in server.saw(), server.saw()
        Listener(client, cancel=cancel).result().must_be("MCP_CANCELLED")


@case
def cancel_and_close_end_the_pause_before_a_retry():
    with modern(lambda *_: None) as server, Client(server.url) as client, Cancel() as cancel:
        listener = Listener(client, cancel=cancel)
        poll(lambda: any("retrying in 1000 ms" in line for line in client.lines), "the listener does not pause")
        must_end_soon(listener, cancel)
    with modern(lambda *_: None) as server, Client(server.url) as client:
        listener = Listener(client)
        poll(lambda: any("retrying in 1000 ms" in line for line in client.lines), "the listener does not pause")
        client.close()
        listener.result().must_be("MCP_CLOSED")


@case
def retries_of_a_failing_subscription_back_off():
    with modern(lambda *_: http(503, kind=None)) as server, Client(server.url) as client, Cancel() as cancel:
        begun = time.monotonic()
        listener = Listener(client, cancel=cancel)
        server.must_see("subscriptions/listen", 3)
        took = time.monotonic() - begun
        must_end_soon(listener, cancel)
        assert 2.9 <= took < 4, took  # pauses of 1 s and 2 s
        ids = [request.message["id"] for request in server.requests if request.rpc == "subscriptions/listen"]
        assert len(set(ids)) == 3 and not any("last-event-id" in request.headers for request in server.requests)


@case
def the_timeout_includes_the_acknowledgement():
    def subscription(_server, request, _number):
        request.send(STREAM)
        request.hold()

    with modern(subscription) as server, Client(server.url) as client, Cancel() as cancel:
        listener = Listener(client, timeout=300, cancel=cancel)
        listener.thread.join(1)
        cancel.trigger()
        listener.result().must_be("MCP_TIMEOUT").must_end(300, after=300)


@case
def an_open_subscription_has_no_timeout():
    go = threading.Event()

    def subscription(_server, request, _number):
        request.send(STREAM + acknowledged(request))
        go.wait(PATIENCE)
        request.send(event(notice("tools/list_changed")) + ended(request))

    with modern(subscription) as server, Client(server.url) as client:
        listener = Listener(client, timeout=200)
        listener.thread.join(0.4)
        go.set()
        listener.result().must_be("MCP_OK")
        listener.must_hear("tools/list_changed")


@case
def malformed_and_unrelated_notifications_are_ignored():
    notifications = [
        notice("resources/updated"), notice("resources/updated", uri=5), notice("resources/updated", uri=None),
        notice("resources/updated", uri="x://10"), notice("resources/updated", uri="y://x://1"),
        notice("tools/list_changed"), notice("progress", progressToken=1, progress=1),
        notice("message", level="info", data="x"), notice("x/unknown"),
        # The only one that the listener gets. Its parameters are optional.
        {"jsonrpc": "2.0", "method": "notifications/prompts/list_changed"},
    ]  # fmt: skip

    def subscription(_server, request, _number):
        request.send(STREAM + b"id: 1\ndata:\n\n" + b": x\n\n" + acknowledged(request))
        request.send(b"".join(map(event, notifications)) + b"event: other\ndata: no\n\n" + ended(request))

    with modern(subscription) as server, Client(server.url) as client:
        listener = Listener(client, PROMPTS, ["x://1/"])
        listener.result().must_be("MCP_OK")
        assert listener.heard == [("prompts/list_changed", None)], listener.heard


@case
def a_uri_matches_itself_and_its_parts_only():
    def subscription(_server, request, _number):
        request.send(STREAM + acknowledged(request))
        for uri in ("x://10", "x://1", "x://1/part", "x://1#part"):
            request.send(event(notice("resources/updated", uri=uri)))
        request.send(ended(request))

    with modern(subscription) as server, Client(server.url) as client:
        listener = Listener(client, 0, ["x://1"])
        listener.result().must_be("MCP_OK")
        assert [params["uri"] for _, params in listener.heard] == ["x://1", "x://1/part", "x://1#part"], listener.heard


@case
def invalid_and_too_large_events_end_the_call():
    for bad, status in (
        (b'data: {"jsonrpc":\n\n', "MCP_INVALID_JSON"), (b'data: {"jsonrpc":"2.0"}\n\n', "MCP_INVALID_MESSAGE"),
        (b"data: " + b"x" * 5000, "MCP_TOO_LARGE"),
    ):  # fmt: skip

        def subscription(_server, request, _number, bad=bad):
            request.send(STREAM + acknowledged(request) + bad)
            request.hold()

        with modern(subscription) as server, Client(server.url) as client, Cancel() as cancel:
            call(lib.mcp_set_limit, client.client, 3, 4096).must_be("MCP_OK")
            listener = Listener(client, cancel=cancel)
            listener.thread.join(2)
            cancel.trigger()
            listener.result().must_be(status)
            listed(client).must_be("MCP_OK")


@case
def many_changes_are_delivered_in_order():
    count = 5000

    def subscription(_server, request, _number):
        request.send(STREAM + acknowledged(request))
        for number in range(count):
            request.send(event(notice("resources/updated", uri=f"x://{number}")))
        request.send(ended(request))

    with modern(subscription) as server, Client(server.url) as client:
        listener = Listener(client, 0, ["x://"])
        listener.result().must_be("MCP_OK")
        assert [params["uri"] for _, params in listener.heard] == [f"x://{number}" for number in range(count)]


@case
def the_callback_may_make_calls_and_end_the_subscription():
    def subscription(_server, request, _number):
        request.send(STREAM + acknowledged(request) + event(notice("tools/list_changed")))
        request.hold()

    for end in ("cancel", "close"):
        with modern(subscription) as server, Client(server.url) as client, Cancel() as cancel:
            statuses = []

            class CallingListener(Listener):
                def take(self, *change):
                    statuses.append(listed(client).status)
                    (cancel.trigger if end == "cancel" else client.close)()
                    super().take(*change)

            outcome = CallingListener(client, cancel=cancel).result()
            outcome.must_be("MCP_CANCELLED" if end == "cancel" else "MCP_CLOSED")
            assert statuses == ["MCP_OK"], statuses


@case
def a_reopened_subscription_gets_a_refreshed_token():
    def subscription(_server, request, number):
        if number == 1:
            request.send(STREAM + acknowledged(request))
            return None  # closes the connection
        if request.authorization != "Bearer new":
            return http(401, kind=None, WWW_Authenticate="Bearer")
        request.send(STREAM + acknowledged(request) + ended(request))
        return None

    with modern(subscription) as server:

        def respond(asked):
            asked.bearer("new" if asked.attempt > 1 else "old")

        with authorized(server.url, respond) as (client, auth):
            Listener(client).result().must_be("MCP_OK")
            sent = [request.authorization for request in server.requests if request.rpc == "subscriptions/listen"]
            assert sent == ["Bearer old", "Bearer old", "Bearer new"], sent


@case
def a_refused_resource_fails_the_call_and_the_others_are_unsubscribed():
    def handler(_server, request):
        match request.rpc:
            case "server/discover":
                return error(request, -32601, status=400)
            case "initialize":
                return initialized(request)
            case "resources/subscribe" if request.message["params"]["uri"] == "x://2":
                return error(request, -32002, "no such resource")
            case "GET":
                request.send(STREAM + b": here\n\n")
                return request.hold()
            case "ping" | "resources/subscribe" | "resources/unsubscribe":
                return result(request, {})
        return http(202, kind=None)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        outcome = Listener(client, 0, ["x://1", "x://2"]).result().must_be("MCP_RPC_ERROR")
        assert "no such resource" in outcome.message
        # The resource that was granted before is unsubscribed.
        server.must_see("resources/unsubscribe")
        client.ping(timeout=5000).must_be("MCP_OK")


# --- stdio ------------------------------------------------------------------------------------------------------------

# What the scripts of servers begin with: `ask()` also records all messages in a file, `notify` sends a notification,
# `acknowledge` accepts a subscription.
RECORDING = """
record = open(sys.argv[1] + "/record", "a")
def ask():
    for line in sys.stdin:
        record.write(line); record.flush()
        message = json.loads(line)
        if "id" in message and "method" in message: return message
    sys.exit(0)
def notify(method, to=None, **params):
    if to: params["_meta"] = {"io.modelcontextprotocol/subscriptionId": to["id"]}
    send({"method": "notifications/" + method, "params": params})
def acknowledge(to): notify("subscriptions/acknowledged", to, notifications=to["params"]["notifications"])
"""


def recorded(place, method):
    return [m for m in map(json.loads, (place / "record").read_text().splitlines()) if m.get("method") == method]


@case
def subscriptions_of_a_process_are_kept_apart():
    script = RECORDING + """
begin()
one = ask(); acknowledge(one)
two = ask(); acknowledge(two)
notify("tools/list_changed", one); notify("tools/list_changed", two); notify("tools/list_changed", one)
while True:
    request = ask()
    if request["method"] == "server/discover": begin(request); reply(two, {"resultType": "complete"})
"""
    with folder() as place, process(script, place) as client, Cancel() as cancel:
        first = Listener(client, cancel=cancel)
        poll(lambda: any("subscribed" in line for line in client.lines), "the first subscription is not open")
        second = Listener(client)
        first.must_hear("tools/list_changed", "tools/list_changed")
        second.must_hear("tools/list_changed")
        client.ping(timeout=5000).must_be("MCP_OK")
        second.result().must_be("MCP_OK")
        must_end_soon(first, cancel)
        client.ping(timeout=5000).must_be("MCP_OK")
        opened = [message["id"] for message in recorded(place, "subscriptions/listen")]
        assert [message["params"]["requestId"] for message in recorded(place, "notifications/cancelled")] == opened[:1]


@case
def a_process_that_dies_is_restarted_and_subscribed_to_again():
    script = RECORDING + """
begin()
request = ask(); acknowledge(request); notify("tools/list_changed", request)
if len(open(sys.argv[1] + "/record").read().splitlines()) < 4: sys.exit(3)
reply(request, {"resultType": "complete"}); serve()
"""
    with folder() as place, process(script, place) as client:
        listener = Listener(client)
        listener.result().must_be("MCP_OK").must_end(2000, after=1000)
        listener.must_hear("tools/list_changed", "tools/list_changed")
        client.ping(timeout=5000).must_be("MCP_OK")


@case
def a_process_that_does_not_acknowledge_ends_at_the_timeout():
    with folder() as place, process(RECORDING + "begin(); ask(); serve()", place) as client:
        client.connect().must_be("MCP_OK")
        Listener(client, timeout=300).result().must_be("MCP_TIMEOUT").must_end(300, after=300)
        client.ping(timeout=5000).must_be("MCP_OK")
        assert len(recorded(place, "notifications/cancelled")) == 1


@case
def a_legacy_process_is_subscribed_to_and_unsubscribed_from():
    script = RECORDING + """
begin()
while True:
    request = ask()
    reply(request, {})
    if request["method"] == "resources/subscribe":
        notify("resources/updated", uri="x://1"); notify("tools/list_changed"); notify("prompts/list_changed")
"""
    with folder() as place, process(script, place) as client, Cancel() as cancel:
        call(lib.mcp_set_protocol_version, client.client, LEGACY.encode()).must_be("MCP_OK")
        listener = Listener(client, PROMPTS, ["x://1"], cancel=cancel, timeout=5000)
        listener.must_hear("resources/updated", "prompts/list_changed")
        must_end_soon(listener, cancel)
        client.ping(timeout=5000).must_be("MCP_OK")
        assert len(recorded(place, "resources/unsubscribe")) == 1


class BusyListener(Listener):
    """A listener whose first callback waits until `go` is set."""

    def __init__(self, client, **limits):
        self.inside, self.go = threading.Event(), threading.Event()
        super().__init__(client, changes=TOOLS | RESOURCES, uris=["a:b"], **limits)

    def take(self, data, method, params):
        super().take(data, method, params)
        if not self.inside.is_set():
            self.inside.set()
            assert self.go.wait(PATIENCE)


# Each request x/change changes the tools. The server first sends notifications/tools/list_changed, then as many other
# notifications as its argument says.
CHANGING = """
version = 1
begin()
while True:
    request = ask()
    if request["method"] == "tools/list":
        tools = [{"name": f"v{version}", "inputSchema": {"type": "object"}}]
        reply(request, {"resultType": "complete", "tools": tools, "ttlMs": 600000, "cacheScope": "public"})
    elif request["method"] == "subscriptions/listen":
        def notify(method, **params):
            params["_meta"] = {"io.modelcontextprotocol/subscriptionId": subscription}
            send({"method": "notifications/" + method, "params": params})
        subscription = request["id"]
        notify("subscriptions/acknowledged", notifications={}); notify("tools/list_changed")
    elif request["method"] == "x/change":
        version += 1
        notify("tools/list_changed")
        for number in range(int(sys.argv[1])): notify("resources/updated", uri="a:b", number=number)
        reply(request, {"resultType": "complete"})
    else: begin(request)
"""


def change_while_the_listener_is_busy(flood, is_cancelled):
    with process(CHANGING, flood) as client, Cancel() as cancel:
        call(lib.mcp_set_cache, client.client, True).must_be("MCP_OK")
        client.connect(timeout=20_000).must_be("MCP_OK")
        listener = BusyListener(client, cancel=cancel)
        assert listener.inside.wait(PATIENCE)

        def names():
            return [tool["name"] for tool in listed(client, timeout=20_000).must_be("MCP_OK").value["tools"]]

        assert names() == ["v1"]
        fetched(lib.mcp_request, client, b"x/change", None, 0, timeout=20_000).must_be("MCP_OK")
        assert names() == ["v2"], "the client used the stale cached list while the listener was busy"
        if is_cancelled:
            cancel.trigger()
        listener.go.set()
        if not is_cancelled:

            def change_is_heard():
                return sum(method == "tools/list_changed" for method, _ in listener.heard) == 2

            poll(change_is_heard, "the listener does not get the second change")
            cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")
        assert names() == ["v2"]


@case
def a_change_that_is_not_delivered_yet_invalidates_the_cache():
    change_while_the_listener_is_busy(1, True)


@case
def a_change_of_a_list_is_not_lost_among_many_notifications():
    change_while_the_listener_is_busy(400, False)


run()
