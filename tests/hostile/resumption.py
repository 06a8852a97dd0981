"""Event streams of legacy servers that end before the answer, and are resumed with Last-Event-ID."""

import time

from harness import (LEGACY, MODERN, STREAM, Cancel, Client, Server, answer, case, discovered, event, http, legacy, poll, run)

TOKEN = "s3cr3t-token"


class Resumable:
    """A legacy server whose answers to `ping` end with `first`; `again(n, request)` is what the n-th GET is answered with."""

    def __init__(self, first, again):
        self.first, self.again = first, again
        self.gets, self.ping = [], None
        self.ended = None

    def __call__(self, _server, request):
        if request.method == "GET":
            self.gets.append((time.monotonic(), request))
            return self.again(len(self.gets), request)
        if request.rpc != "ping":
            return legacy(request)
        self.ping = request
        request.send(STREAM + self.first)
        self.ended = time.monotonic()
        return None

    def result(self):
        return answer(self.ping, {})


def ends_with(tail):
    """A response that ends with the connection."""
    return http(200, tail, kind="text/event-stream")


def pinged(handler, **limits):
    with Server(handler) as server, Client(server.url, bearer=TOKEN, pin=LEGACY) as client:
        client.connect().must_be("MCP_OK")
        return client.ping(**limits)


PRIMING = b"id: a1\nretry: 200\ndata: \n\n"


@case
def resumed_after_the_time_that_the_server_wants():
    handler = Resumable(PRIMING, lambda _n, _request: ends_with(b"id: a2\n" + event(handler.result())))
    pinged(handler, timeout=5000).must_be("MCP_OK").must_end(200, after=195)
    (at, get), = handler.gets
    assert at - handler.ended >= 0.195, at - handler.ended
    assert get.headers["last-event-id"] == "a1", get.headers
    assert get.authorization == f"Bearer {TOKEN}" and get.session == handler.ping.session, get.headers
    assert get.headers["mcp-protocol-version"] == LEGACY and get.headers["accept"] == "text/event-stream", get.headers
    assert "content-type" not in get.headers, get.headers


@case
def resumed_as_often_as_there_is_progress():
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}

    def again(number, request):
        assert request.headers["last-event-id"] == ("a1" if number == 1 else f"b{number - 1}"), request.headers
        message = handler.result() if number == 8 else note
        return ends_with(b"id: b%d\nretry: 1\n" % number + event(message))

    handler = Resumable(PRIMING, again)
    pinged(handler, timeout=9000).must_be("MCP_OK")
    assert len(handler.gets) == 8


@case
def no_more_than_five_times_in_vain():
    handler = Resumable(PRIMING.replace(b"200", b"1"), lambda *_: ends_with(b": nothing\n\n"))
    outcome = pinged(handler, timeout=9000).must_be("MCP_TRUNCATED")
    assert len(handler.gets) == 5, len(handler.gets)
    assert "resumed" in outcome.message, outcome


@case
def a_flood_of_new_ids_is_slow():
    handler = Resumable(b"id: 0\nretry: 0\ndata: \n\n", lambda n, _request: ends_with(b"id: %d\nretry: 0\ndata: \n\n" % n))
    pinged(handler, timeout=1500).must_be("MCP_TIMEOUT").must_end(1500)
    print(f"    {len(handler.gets)} GETs in 1.5 s")
    assert len(handler.gets) <= 16, len(handler.gets)


@case
def servers_that_do_not_resume():
    for reply in (http(405, "no", kind="text/plain"), http(200, {}), http(400, "no", kind="text/plain")):
        handler = Resumable(PRIMING.replace(b"200", b"1"), lambda *_, reply=reply: reply)
        outcome = pinged(handler, timeout=5000).must_be("MCP_TRUNCATED")
        assert "resumed" in outcome.message and len(handler.gets) == 1, outcome


@case
def an_id_counts_when_its_event_is_complete():
    for first, expected in ((PRIMING + b"id: a2\ndata: {", "a1"), (PRIMING + b"id: a2\ndata: \n\n", "a2")):
        handler = Resumable(first, lambda *_: ends_with(event(handler.result())))
        pinged(handler, timeout=5000).must_be("MCP_OK")
        assert handler.gets[0][1].headers["last-event-id"] == expected, handler.gets[0][1].headers


@case
def without_an_id_there_is_nothing_to_resume():
    for first in (b": hello\n\n", b"id\ndata: \n\n", PRIMING + b"id\ndata: \n\n"):
        handler = Resumable(first, lambda *_: http(500))
        pinged(handler, timeout=5000).must_be("MCP_TRUNCATED").must_end(0)
        assert not handler.gets, handler.gets


@case
def a_lost_session_is_opened_anew():
    def again(_number, _request):
        handler.first = event({"jsonrpc": "2.0", "id": 0, "error": {"code": 1, "message": "again"}})
        return http(404, "gone", kind="text/plain")

    handler = Resumable(PRIMING.replace(b"200", b"1"), again)
    # Any JSON-RPC answer to a ping means that the server is alive.
    pinged(handler, timeout=5000).must_be("MCP_OK")
    assert len(handler.gets) == 1, handler.gets


@case
def waits_that_the_caller_ends():
    handler = Resumable(b"id: 1\nretry: 60000\ndata: \n\n", lambda *_: http(500))
    pinged(handler, timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=290)
    pinged(handler, idle=300, timeout=0).must_be("MCP_TIMEOUT").must_end(300, after=290)
    with Server(handler) as server, Client(server.url, bearer=TOKEN, pin=LEGACY) as client, Cancel() as cancel:
        client.connect().must_be("MCP_OK")
        ping = client.begin_ping(cancel=cancel)
        poll(lambda: any("resuming" in line for line in client.lines), "the stream has not ended")
        cancel.trigger()
        ping.result().must_be("MCP_CANCELLED")


@case
def waits_that_are_too_long():
    for retry in (b"400000", b"9" * 30):
        handler = Resumable(b"id: 1\nretry: " + retry + b"\ndata: \n\n", lambda *_: http(500))
        pinged(handler, timeout=0).must_be("MCP_TRUNCATED").must_end(0)


@case
def modern_streams_are_not_resumed():
    gets = []

    def handler(server, request):
        if request.method == "GET":
            gets.append(request)
            return http(405)
        if server.saw().count("server/discover") == 1:
            return discovered(request)
        request.send(STREAM + PRIMING)
        return None

    with Server(handler) as server, Client(server.url, pin=MODERN) as client:
        client.connect().must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_TRUNCATED")
        assert not gets, gets


run()
