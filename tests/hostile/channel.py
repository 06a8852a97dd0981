"""HTTP+SSE servers that are malicious or fail: the endpoint, the event stream, and the messages on it."""

import os
import socket
import threading
from ctypes import c_int, c_int32, c_uint64, c_void_p

from harness import (
    ERROR, STREAM, Cancel, Client, Server, answer, call, case, declare, event, http, legacy, lib, must_not_show, poll,
    run,
)  # fmt: skip

declare(c_int, mcp_set_limit=[c_void_p, c_int32, c_uint64, ERROR])

MCP_LIMIT_EVENT = 3
TOKEN = "s3cr3t-token"
ENDPOINT = b"event: endpoint\ndata: /messages?session_id=1\n\n"
ACCEPTED = http(202, "Accepted", kind="text/plain")


class Sse:
    """A handler for HTTP+SSE. `on_ping(sse, request)` returns the response to the POST of a ping. If it returns None,
    the handler sends the result on the stream."""

    def __init__(self, on_ping=None, opening=ENDPOINT):
        self.on_ping, self.opening = on_ping, opening
        self.streams = []

    @property
    def stream(self):
        return self.streams[-1].socket

    def send(self, message):
        self.stream.sendall(event(message))

    def cut(self):
        self.stream.shutdown(2)

    def __call__(self, _server, request):
        assert request.authorization == f"Bearer {TOKEN}", request
        if request.method == "GET":
            self.streams.append(request)
            request.send(STREAM + self.opening)
            return request.hold()
        if request.rpc == "initialize":
            self.send(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}}))
        if request.rpc == "ping":
            reply = self.on_ping and self.on_ping(self, request)
            if reply:
                return reply
            self.send(answer(request, {}))
        return ACCEPTED


def sse_client(server, path="/sse"):
    return Client(f"http://127.0.0.1:{server.port}{path}", bearer=TOKEN)


def ping_once(handler, **limits):
    """Makes one ping; returns its outcome and the server."""
    with Server(handler) as server, sse_client(server) as client:
        outcome = client.ping(**limits)
        must_not_show(outcome, client.lines, TOKEN)
        return outcome, server


def thread_count():
    return len(os.listdir("/proc/self/task"))


# --- The endpoint -----------------------------------------------------------------------------------------------------


@case
def endpoints_of_the_same_origin_are_accepted():
    with Server(Sse()) as server, sse_client(server) as client:
        host = f"127.0.0.1:{server.port}"
        for text in ("/messages?session_id=1", "messages", "?session_id=1", f"http://{host}/m", f"//{host}/m"):
            server.handler.opening = f"event: endpoint\ndata: {text}\n\n".encode()
            with sse_client(server) as other:
                other.ping(timeout=5000).must_be("MCP_OK")


@case
def an_endpoint_of_another_origin_is_refused_at_once():
    with Server(lambda *_: None) as foreign:
        for where in (f"http://127.0.0.1:{foreign.port}/m", f"//127.0.0.1:{foreign.port}/m", "https://127.0.0.1/m"):
            outcome, _ = ping_once(Sse(opening=f"event: endpoint\ndata: {where}\n\n".encode()), timeout=5000)
            outcome.must_be("MCP_REDIRECT_REFUSED").must_end(0)
            assert "another origin" in outcome.message, outcome
        assert not foreign.requests and not foreign.open


@case
def invalid_endpoints_are_rejected_at_once():
    for text in ("", "mailto:x", "/a b"):
        outcome, _ = ping_once(Sse(opening=f"event: endpoint\ndata: {text}\n\n".encode()), timeout=5000)
        outcome.must_be("MCP_INVALID_MESSAGE").must_end(0)


@case
def a_missing_endpoint_ends_at_the_timeout():
    outcome, _ = ping_once(Sse(opening=b": hello\n\n"), timeout=400)
    outcome.must_be("MCP_TIMEOUT").must_end(400, after=390)
    assert "endpoint" in outcome.message, outcome


@case
def a_second_endpoint_is_ignored():
    outcome, server = ping_once(Sse(opening=ENDPOINT + b"event: endpoint\ndata: /other\n\n"), timeout=5000)
    outcome.must_be("MCP_OK")


@case
def a_stream_that_ends_before_the_endpoint_is_an_error():
    outcome, _ = ping_once(lambda _server, request: http(200, kind="text/event-stream"), timeout=5000)
    outcome.must_be("MCP_TRUNCATED").must_end(0)


# --- Detection of the transport ---------------------------------------------------------------------------------------


@case
def an_error_status_of_the_get_is_reported():
    cases = {
        401: "MCP_UNAUTHORIZED", 403: "MCP_FORBIDDEN", 429: "MCP_RATE_LIMITED", 500: "MCP_SERVER_ERROR",
        503: "MCP_UNAVAILABLE",
    }  # fmt: skip
    for status, name in cases.items():

        def handler(_server, _request, status=status):
            return http(status, "no", kind="text/plain")

        outcome, server = ping_once(handler, timeout=5000)
        outcome.must_be(name)
        assert [request.method for request in server.requests] == ["GET"], server.requests


@case
def a_url_that_ends_in_sse_may_be_streamable_http():
    def handler(_server, request):
        return http(405, "no", kind="text/plain") if request.method == "GET" else legacy(request)

    outcome, _ = ping_once(handler, timeout=5000)
    outcome.must_be("MCP_OK")


@case
def a_refused_initialize_does_not_count_as_a_missing_stream():
    def handler(_server, request):
        if request.method == "GET":
            request.send(STREAM + ENDPOINT)
            return request.hold()
        return http(404, "unknown tenant", kind="text/plain")

    outcome, server = ping_once(handler, timeout=5000)
    outcome.must_be("MCP_NOT_FOUND")
    assert server.saw() == ["GET", "initialize"], server.saw()


@case
def a_refused_post_falls_back_to_http_sse():
    for status in (400, 404, 405):
        sse = Sse()

        def handler(server, request, sse=sse, status=status):
            if request.method == "POST" and not sse.streams:
                return http(status, "no", kind="text/plain")
            return sse(server, request)

        with Server(handler) as server, sse_client(server, "/events") as client:
            client.ping(timeout=5000).must_be("MCP_OK")


@case
def a_server_that_changes_to_streamable_http_is_detected():
    sse, is_streamable = Sse(), threading.Event()

    def handler(server, request):
        if is_streamable.is_set():
            if request.method == "POST":
                return legacy(request)
            request.send(STREAM)
            return request.hold()
        if request.method == "POST" and not sse.streams:
            return http(405, "no", kind="text/plain")
        return sse(server, request)

    with Server(handler) as server, sse_client(server, "/events") as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        is_streamable.set()
        sse.cut()
        poll(lambda: reader_thread_count() == 0, "the reader has not ended")
        client.ping(timeout=1500).must_be("MCP_OK")


def reader_thread_count():
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            names.append(open(f"/proc/self/task/{task}/comm").read().strip())
        except OSError:
            pass  # the thread has ended
    return names.count("mcp-reader")


# --- Streams that end -------------------------------------------------------------------------------------------------


@case
def a_call_fails_when_its_stream_ends_before_the_response():
    for rest in (b"", b'data: {"jsonrpc"', b"data: {}\n"):
        cut = []

        def on_ping(sse, _request, rest=rest, cut=cut):
            if not cut:
                cut.append(True)
                sse.stream.sendall(rest)
                sse.cut()
                return ACCEPTED
            return None

        sse = Sse(on_ping)
        with Server(sse) as server, sse_client(server) as client:
            client.connect().must_be("MCP_OK")
            client.ping(timeout=5000).must_be("MCP_DISCONNECTED").must_end(0)
            client.ping(timeout=5000).must_be("MCP_OK")
            assert len(sse.streams) == 2, sse.streams


@case
def a_call_fails_when_its_stream_ends_while_its_post_is_pending():
    def on_ping(sse, request):
        sse.cut()
        return request.hold()

    with Server(Sse(on_ping)) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_DISCONNECTED").must_end(50)


@case
def a_call_ends_with_its_response_while_its_post_is_pending():
    def on_ping(sse, request):
        sse.send(answer(request, {}))
        return request.hold()

    with Server(Sse(on_ping)) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_OK").must_end(50)


@case
def a_stream_that_ended_between_calls_is_reopened():
    sse = Sse()
    with Server(sse) as server, sse_client(server) as client:
        for round_ in range(1, 5):
            client.ping(timeout=5000).must_be("MCP_OK")
            assert len(sse.streams) == round_, sse.streams
            sse.cut()
            poll(lambda: reader_thread_count() == 0, "the reader has not ended")


@case
def a_stream_that_ends_after_any_event_is_reopened():
    # initialize and pings: the stream ends after the server's event number `last`.
    for last in range(5):
        sent, ended = [], []

        class Counted(Sse):
            def send(self, message, sent=sent, ended=ended, last=last):
                super().send(message)
                sent.append(message)
                if len(sent) == last:
                    # Closes only the sending side, to see the client close its side.
                    self.stream.shutdown(socket.SHUT_WR)
                    ended.append(self.stream)

        sse = Counted()
        with Server(sse) as server, sse_client(server) as client:
            outcomes = [client.ping(timeout=5000).status for _ in range(4)]
            print(f"    after event {last}: {outcomes}, {len(sse.streams)} streams")
            assert set(outcomes) <= {"MCP_OK", "MCP_DISCONNECTED"}, outcomes
            # On a busy machine the reader thread may notice the end late; until then, calls use the old stream.
            assert server.wait_for(lambda ended=ended, server=server: not server.open.intersection(ended))
            client.ping(timeout=5000).must_be("MCP_OK")


@case
def an_unknown_session_is_re_established():
    lost = []

    def on_ping(_channel, _request):
        if not lost:
            lost.append(True)
            return http(404, "Could not find session", kind="text/plain")
        return None

    sse = Sse(on_ping)
    with Server(sse) as server, sse_client(server) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        assert len(sse.streams) == 2, sse.streams


# --- Messages on the stream -------------------------------------------------------------------------------------------


@case
def unusual_events_are_accepted_skipped_or_reported():
    def ping_answered_with(make_events):
        def on_ping(sse, request):
            sse.stream.sendall(make_events(request))
            return ACCEPTED

        with Server(Sse(on_ping)) as server, sse_client(server) as client:
            client.connect().must_be("MCP_OK")
            return client.ping(timeout=600)

    def with_id(request, id_):
        return answer(request, {}) | {"id": id_}

    right = lambda request: event(answer(request, {}))  # noqa: E731
    other = {"jsonrpc": "2.0", "id": 999, "result": {}}
    no_id = {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}}
    ping_answered_with(lambda request: event(with_id(request, str(request.message["id"])))).must_be("MCP_OK")
    ping_answered_with(lambda request: b": keep\n\nevent: other\ndata: x\n\n" + right(request)).must_be("MCP_OK")
    ping_answered_with(lambda request: event(other) + right(request)).must_be("MCP_OK")
    ping_answered_with(lambda request: event(other)).must_be("MCP_TIMEOUT")
    ping_answered_with(lambda request: event(no_id)).must_be("MCP_OK")
    ping_answered_with(lambda request: b"data: <html>\n\n" + right(request)).must_be("MCP_OK")
    ping_answered_with(lambda request: b"data: \xff\n\n" + right(request)).must_be("MCP_OK")
    ping_answered_with(lambda request: b'data: {"jsonrpc":\n\n').must_be("MCP_INVALID_JSON")
    ping_answered_with(lambda request: b'data: {"jsonrpc":"2.0","x":"\xff"}\n\n').must_be("MCP_INVALID_JSON")
    ping_answered_with(lambda request: right(request).replace(b"\n", b"\r")).must_be("MCP_OK")
    ping_answered_with(lambda request: right(request) + right(request)).must_be("MCP_OK")


@case
def an_event_over_the_limit_is_refused():
    def on_ping(sse, _request):
        sse.stream.sendall(b"data: " + b"x" * 5000)
        return ACCEPTED

    with Server(Sse(on_ping)) as server, sse_client(server) as client:
        call(lib.mcp_set_limit, client.client, MCP_LIMIT_EVENT, 1000).must_be("MCP_OK")
        client.connect().must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_TOO_LARGE").must_end(0)


@case
def requests_of_the_server_are_answered():
    sse = Sse()
    with Server(sse) as server, sse_client(server) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        for method in ("ping", "roots/list"):
            sse.send({"jsonrpc": "2.0", "id": f"srv-{method}", "method": method})
            assert server.wait_for(lambda: server.requests[-1].message.get("id") == f"srv-{method}"), server.saw()
            message = server.requests[-1].message
            assert ("result" in message) == (method == "ping"), message


@case
def a_pending_reply_to_the_server_delays_a_call_only_briefly():
    # The reader thread posts the reply to the server's ping and waits at most 2 s for the response to this POST.
    def on_ping(sse, request):
        sse.send({"jsonrpc": "2.0", "id": "srv", "method": "ping"})
        server.wait_for(lambda: any(r.message.get("id") == "srv" for r in server.requests))
        sse.send(answer(request, {}))
        return ACCEPTED

    sse = Sse(on_ping)

    def handler(server, request):
        return request.hold() if request.message.get("id") == "srv" else sse(server, request)

    with Server(handler) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        client.ping(timeout=8000).must_be("MCP_OK").must_end(2100)


@case
def the_log_does_not_show_a_replaced_token():
    sse = Sse(lambda sse, request: sse.send({"jsonrpc": "2.0", "method": f"seen/{TOKEN}"}))
    with Server(sse) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        outcome = client.ping(timeout=5000).must_be("MCP_OK")
        must_not_show(outcome, client.lines, TOKEN)
        lines = len(client.lines)
        client.set_bearer("another-token").must_be("MCP_OK")
        sse.send({"jsonrpc": "2.0", "method": f"again/{TOKEN}"})
        poll(lambda: len(client.lines) > lines, "the reader logged nothing")
        must_not_show(outcome, client.lines, TOKEN)


# --- Threads ----------------------------------------------------------------------------------------------------------


@case
def concurrent_calls_accept_responses_in_reverse_order():
    count, responses = 32, []

    def on_ping(sse, request):
        with lock:
            responses.append(answer(request, {}))
            if len(responses) == count:
                for message in reversed(responses):
                    sse.send(message)
        return ACCEPTED

    lock = threading.Lock()
    with Server(Sse(on_ping)) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        for ping in [client.begin_ping(timeout=10_000) for _ in range(count)]:
            ping.result().must_be("MCP_OK")


@case
def cancel_close_and_free_leave_no_thread():
    before = thread_count()
    sse = Sse(lambda sse, request: ACCEPTED)
    with Server(sse) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        with Cancel() as cancel:
            ping = client.begin_ping(cancel=cancel)
            server.must_see("ping")
            cancel.trigger()
            ping.result().must_be("MCP_CANCELLED")
            server.must_see("notifications/cancelled")
        ping = client.begin_ping()
        server.must_see("ping", count=2)
        client.close().must_be("MCP_OK")
        ping.result().must_be("MCP_CLOSED")
    assert reader_thread_count() == 0
    poll(lambda: thread_count() <= before, f"{thread_count()} threads, {before} before")


@case
def no_thread_connection_or_descriptor_is_leaked():
    descriptors = lambda: len(os.listdir("/proc/self/fd"))  # noqa: E731
    with Server(Sse()) as server:
        for round_ in range(30):
            with sse_client(server) as client:
                client.ping(timeout=5000).must_be("MCP_OK")
                if round_ % 2:
                    client.close().must_be("MCP_OK")
            assert reader_thread_count() == 0, "a reader outlives its client"
        poll(lambda: not server.open, "connections stay open")
        print(f"    {descriptors()} descriptors at the end")
        assert descriptors() < 20


@case
def a_call_in_the_log_callback_of_the_reader_thread_is_refused():
    outcomes = []

    class PingingClient(Client):
        def take_line(self, *arguments):
            super().take_line(*arguments)
            if "for which no handler is set" in self.lines[-1]:
                outcomes.append(self.ping(timeout=3000))

    sse = Sse()
    with Server(sse) as server, PingingClient(f"http://127.0.0.1:{server.port}/sse", bearer=TOKEN) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        sse.send({"jsonrpc": "2.0", "method": "notifications/x"})
        poll(lambda: outcomes, "the log callback did not run")
        outcomes[0].must_be("MCP_MISUSE").must_end(0)
        client.ping(timeout=5000).must_be("MCP_OK")


@case
def free_works_in_the_log_callback_of_the_reader_thread():
    freed = threading.Event()

    class SelfFreeingClient(Client):
        """Its log callback frees the client, once."""

        def take_line(self, *arguments):
            super().take_line(*arguments)
            if "for which no handler is set" in self.lines[-1]:
                lib.mcp_client_free(self.client)
                self.client = None
                freed.set()

    sse = Sse()
    with Server(sse) as server, SelfFreeingClient(f"http://127.0.0.1:{server.port}/sse", bearer=TOKEN) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        sse.send({"jsonrpc": "2.0", "method": "notifications/x"})
        assert freed.wait(10), "the log callback did not run"
        poll(lambda: reader_thread_count() == 0, "the reader has not ended")
        poll(lambda: not server.open, "connections stay open")


run()
