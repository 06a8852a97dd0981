"""Event streams of legacy servers that end before the response and are resumed with Last-Event-ID."""

import time

from harness import (
    LEGACY, MODERN, STREAM, Cancel, Client, Server, answer, case, discovered, event, http, legacy, poll, run,
)  # fmt: skip

TOKEN = "s3cr3t-token"


class Resumable:
    """A legacy server whose response stream for `ping` ends after the bytes `first`. It responds to the n-th GET with
    `resume(n, request)`."""

    def __init__(self, first, resume):
        self.first, self.resume = first, resume
        self.gets, self.ping = [], None
        self.ended = None

    def __call__(self, _server, request):
        if request.method == "GET":
            self.gets.append((time.monotonic(), request))
            return self.resume(len(self.gets), request)
        if request.rpc != "ping":
            return legacy(request)
        self.ping = request
        request.send(STREAM + self.first)
        self.ended = time.monotonic()
        return None

    def result(self):
        return answer(self.ping, {})


def stream_of(data):
    """A complete event stream."""
    return http(200, data, kind="text/event-stream")


def ping_of(handler, **limits):
    with Server(handler) as server, Client(server.url, bearer=TOKEN, pin=LEGACY) as client:
        client.connect().must_be("MCP_OK")
        return client.ping(**limits)


PRIMING = b"id: a1\nretry: 200\ndata: \n\n"


@case
def a_stream_is_resumed_after_the_retry_time_of_the_server():
    handler = Resumable(PRIMING, lambda _n, _request: stream_of(b"id: a2\n" + event(handler.result())))
    ping_of(handler, timeout=5000).must_be("MCP_OK").must_end(200, after=195)
    (received, get), = handler.gets
    assert received - handler.ended >= 0.195, received - handler.ended
    assert get.headers["last-event-id"] == "a1", get.headers
    assert get.authorization == f"Bearer {TOKEN}" and get.session == handler.ping.session, get.headers
    assert get.headers["mcp-protocol-version"] == LEGACY and get.headers["accept"] == "text/event-stream", get.headers
    assert "content-type" not in get.headers, get.headers


@case
def a_stream_is_resumed_as_long_as_it_makes_progress():
    notification = {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}

    def resume(number, request):
        assert request.headers["last-event-id"] == ("a1" if number == 1 else f"b{number - 1}"), request.headers
        message = handler.result() if number == 8 else notification
        return stream_of(b"id: b%d\nretry: 1\n" % number + event(message))

    handler = Resumable(PRIMING, resume)
    ping_of(handler, timeout=9000).must_be("MCP_OK")
    assert len(handler.gets) == 8


@case
def a_stream_without_progress_is_resumed_at_most_five_times():
    handler = Resumable(PRIMING.replace(b"200", b"1"), lambda *_: stream_of(b": nothing\n\n"))
    outcome = ping_of(handler, timeout=9000).must_be("MCP_TRUNCATED")
    assert len(handler.gets) == 5, len(handler.gets)
    assert "resumed" in outcome.message, outcome


@case
def resuming_slows_down_if_the_server_sends_only_ids():
    empty = b"id: %d\nretry: 0\ndata: \n\n"
    handler = Resumable(empty % 0, lambda n, _request: stream_of(empty % n))
    ping_of(handler, timeout=1500).must_be("MCP_TIMEOUT").must_end(1500)
    print(f"    {len(handler.gets)} GETs in 1.5 s")
    assert len(handler.gets) <= 16, len(handler.gets)


@case
def a_refused_resumption_ends_the_call():
    for reply in (http(405, "no", kind="text/plain"), http(200, {}), http(400, "no", kind="text/plain")):
        handler = Resumable(PRIMING.replace(b"200", b"1"), lambda *_, reply=reply: reply)
        outcome = ping_of(handler, timeout=5000).must_be("MCP_TRUNCATED")
        assert "resumed" in outcome.message and len(handler.gets) == 1, outcome


@case
def the_id_of_an_incomplete_event_is_ignored():
    for first, expected in ((PRIMING + b"id: a2\ndata: {", "a1"), (PRIMING + b"id: a2\ndata: \n\n", "a2")):
        handler = Resumable(first, lambda *_: stream_of(event(handler.result())))
        ping_of(handler, timeout=5000).must_be("MCP_OK")
        assert handler.gets[0][1].headers["last-event-id"] == expected, handler.gets[0][1].headers


@case
def a_stream_without_an_event_id_is_not_resumed():
    for first in (b": hello\n\n", b"id\ndata: \n\n", PRIMING + b"id\ndata: \n\n"):
        handler = Resumable(first, lambda *_: http(500))
        ping_of(handler, timeout=5000).must_be("MCP_TRUNCATED").must_end(0)
        assert not handler.gets, handler.gets


@case
def a_lost_session_is_re_established():
    def resume(_number, _request):
        handler.first = event({"jsonrpc": "2.0", "id": 0, "error": {"code": 1, "message": "again"}})
        return http(404, "gone", kind="text/plain")

    handler = Resumable(PRIMING.replace(b"200", b"1"), resume)
    # Any JSON-RPC response to a ping, also an error, shows that the server is alive.
    ping_of(handler, timeout=5000).must_be("MCP_OK")
    assert len(handler.gets) == 1, handler.gets


@case
def timeouts_and_cancel_end_the_wait_before_a_resumption():
    handler = Resumable(b"id: 1\nretry: 60000\ndata: \n\n", lambda *_: http(500))
    ping_of(handler, timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=290)
    ping_of(handler, idle=300, timeout=0).must_be("MCP_TIMEOUT").must_end(300, after=290)
    with Server(handler) as server, Client(server.url, bearer=TOKEN, pin=LEGACY) as client, Cancel() as cancel:
        client.connect().must_be("MCP_OK")
        ping = client.begin_ping(cancel=cancel)
        poll(lambda: any("resuming" in line for line in client.lines), "the client does not resume the stream")
        cancel.trigger()
        ping.result().must_be("MCP_CANCELLED")


@case
def a_retry_time_that_is_too_long_ends_the_call():
    for retry in (b"400000", b"9" * 30):
        handler = Resumable(b"id: 1\nretry: " + retry + b"\ndata: \n\n", lambda *_: http(500))
        ping_of(handler, timeout=0).must_be("MCP_TRUNCATED").must_end(0)


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
