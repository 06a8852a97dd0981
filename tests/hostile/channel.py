"""HTTP+SSE servers that mean harm, or die: the endpoint, the event stream, and what comes on it."""

import os
import socket
import threading
from ctypes import c_int, c_int32, c_uint64, c_void_p

from harness import (ERROR, STREAM, Cancel, Client, Server, answer, call, case, declare, event, http, legacy, lib, must_not_show,
                     poll, run)

declare(c_int, mcp_set_limit=[c_void_p, c_int32, c_uint64, ERROR])

EVENT = 3
TOKEN = "s3cr3t-token"
ENDPOINT = b"event: endpoint\ndata: /messages?session_id=1\n\n"
ACCEPTED = http(202, "Accepted", kind="text/plain")


class Channel:
    """A handler that speaks HTTP+SSE. `on_ping(channel, request)` returns the answer to the POST; None is the usual one."""

    def __init__(self, on_ping=None, opening=ENDPOINT):
        self.on_ping, self.opening = on_ping, opening
        self.streams = []

    @property
    def stream(self):
        return self.streams[-1].socket

    def tell(self, message):
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
            self.tell(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}}))
        if request.rpc == "ping":
            reply = self.on_ping and self.on_ping(self, request)
            if reply:
                return reply
            self.tell(answer(request, {}))
        return ACCEPTED


def sse_client(server, path="/sse"):
    return Client(f"http://127.0.0.1:{server.port}{path}", bearer=TOKEN)


def works(handler, **limits):
    """One ping; how it ended, and what the server saw."""
    with Server(handler) as server, sse_client(server) as client:
        outcome = client.ping(**limits)
        must_not_show(outcome, client.lines, TOKEN)
        return outcome, server


def threads():
    return len(os.listdir("/proc/self/task"))


# --- The endpoint -----------------------------------------------------------------------------------------------------


@case
def endpoints_of_the_same_origin():
    with Server(Channel()) as server, sse_client(server) as client:
        here = f"http://127.0.0.1:{server.port}"
        for text in ("/messages?session_id=1", "messages", "?session_id=1", f"{here}/m", f"//127.0.0.1:{server.port}/m"):
            server.handler.opening = f"event: endpoint\ndata: {text}\n\n".encode()
            with sse_client(server) as other:
                other.ping(timeout=5000).must_be("MCP_OK")


@case
def an_endpoint_elsewhere_is_refused_at_once():
    with Server(lambda *_: None) as foreign:
        for where in (f"http://127.0.0.1:{foreign.port}/m", f"//127.0.0.1:{foreign.port}/m", "https://127.0.0.1/m"):
            outcome, _ = works(Channel(opening=f"event: endpoint\ndata: {where}\n\n".encode()), timeout=5000)
            outcome.must_be("MCP_REDIRECT_REFUSED").must_end(0)
            assert "another origin" in outcome.message, outcome
        assert not foreign.requests and not foreign.open


@case
def endpoints_that_are_none():
    for text, status in (("", "MCP_INVALID_MESSAGE"), ("mailto:x", "MCP_INVALID_MESSAGE"), ("/a b", "MCP_INVALID_MESSAGE")):
        outcome, _ = works(Channel(opening=f"event: endpoint\ndata: {text}\n\n".encode()), timeout=5000)
        outcome.must_be(status).must_end(0)


@case
def an_endpoint_that_never_comes():
    outcome, _ = works(Channel(opening=b": hello\n\n"), timeout=400)
    outcome.must_be("MCP_TIMEOUT").must_end(400, after=390)
    assert "endpoint" in outcome.message, outcome


@case
def a_second_endpoint_is_ignored():
    outcome, server = works(Channel(opening=ENDPOINT + b"event: endpoint\ndata: /other\n\n"), timeout=5000)
    outcome.must_be("MCP_OK")


@case
def a_stream_that_ends_before_the_endpoint():
    outcome, _ = works(lambda _server, request: http(200, kind="text/event-stream"), timeout=5000)
    outcome.must_be("MCP_TRUNCATED").must_end(0)


# --- Where the transport is found out ---------------------------------------------------------------------------------


@case
def the_answer_to_the_get_is_reported():
    cases = {401: "MCP_UNAUTHORIZED", 403: "MCP_FORBIDDEN", 429: "MCP_RATE_LIMITED", 500: "MCP_SERVER_ERROR", 503: "MCP_UNAVAILABLE"}
    for status, name in cases.items():
        outcome, server = works(lambda _server, _request, status=status: http(status, "no", kind="text/plain"), timeout=5000)
        outcome.must_be(name)
        assert [request.method for request in server.requests] == ["GET"], server.requests


@case
def no_stream_behind_a_path_of_sse():
    def handler(_server, request):
        return http(405, "no", kind="text/plain") if request.method == "GET" else legacy(request)

    outcome, _ = works(handler, timeout=5000)
    outcome.must_be("MCP_OK")


@case
def a_refused_handshake_is_not_taken_for_a_missing_stream():
    def handler(_server, request):
        if request.method == "GET":
            request.send(STREAM + ENDPOINT)
            return request.hold()
        return http(404, "unknown tenant", kind="text/plain")

    outcome, server = works(handler, timeout=5000)
    outcome.must_be("MCP_NOT_FOUND")
    assert server.saw() == ["GET", "initialize"], server.saw()


@case
def a_fall_back():
    for status in (400, 404, 405):
        channel = Channel()

        def handler(server, request, channel=channel, status=status):
            if request.method == "POST" and not channel.streams:
                return http(status, "no", kind="text/plain")
            return channel(server, request)

        with Server(handler) as server, sse_client(server, "/events") as client:
            client.ping(timeout=5000).must_be("MCP_OK")


@case
def a_server_that_has_become_streamable_http():
    channel, turned = Channel(), threading.Event()

    def handler(server, request):
        if turned.is_set():
            if request.method == "POST":
                return legacy(request)
            request.send(STREAM)
            return request.hold()
        if request.method == "POST" and not channel.streams:
            return http(405, "no", kind="text/plain")
        return channel(server, request)

    with Server(handler) as server, sse_client(server, "/events") as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        turned.set()
        channel.cut()
        poll(lambda: threads_of_readers() == 0, "the reader has not ended")
        client.ping(timeout=1500).must_be("MCP_OK")


def threads_of_readers():
    names = []
    for task in os.listdir("/proc/self/task"):
        try:
            names.append(open(f"/proc/self/task/{task}/comm").read().strip())
        except OSError:
            pass  # it is gone
    return names.count("mcp-reader")


# --- Streams that end -------------------------------------------------------------------------------------------------


@case
def cut_instead_of_the_answer():
    for rest in (b"", b'data: {"jsonrpc"', b"data: {}\n"):
        cut = []

        def on_ping(channel, _request, rest=rest, cut=cut):
            if not cut:
                cut.append(True)
                channel.stream.sendall(rest)
                channel.cut()
                return ACCEPTED
            return None

        channel = Channel(on_ping)
        with Server(channel) as server, sse_client(server) as client:
            client.connect().must_be("MCP_OK")
            client.ping(timeout=5000).must_be("MCP_DISCONNECTED").must_end(0)
            client.ping(timeout=5000).must_be("MCP_OK")
            assert len(channel.streams) == 2, channel.streams


@case
def cut_while_the_post_is_held():
    def on_ping(channel, request):
        channel.cut()
        return request.hold()

    with Server(Channel(on_ping)) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_DISCONNECTED").must_end(50)


@case
def answered_while_the_post_is_held():
    def on_ping(channel, request):
        channel.tell(answer(request, {}))
        return request.hold()

    with Server(Channel(on_ping)) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_OK").must_end(50)


@case
def cut_while_nobody_waits():
    channel = Channel()
    with Server(channel) as server, sse_client(server) as client:
        for round_ in range(1, 5):
            client.ping(timeout=5000).must_be("MCP_OK")
            assert len(channel.streams) == round_, channel.streams
            channel.cut()
            poll(lambda: threads_of_readers() == 0, "the reader has not ended")


@case
def cut_behind_each_event():
    # initialize, and three pings: behind the k-th event of the server, its stream ends.
    for last in range(5):
        sent, ended = [], []

        class Counted(Channel):
            def tell(self, message, sent=sent, ended=ended, last=last):
                super().tell(message)
                sent.append(message)
                if len(sent) == last:
                    # Only this side, so that the client's can be seen to follow.
                    self.stream.shutdown(socket.SHUT_WR)
                    ended.append(self.stream)

        channel = Counted()
        with Server(channel) as server, sse_client(server) as client:
            outcomes = [client.ping(timeout=5000).status for _ in range(4)]
            print(f"    behind event {last}: {outcomes}, {len(channel.streams)} streams")
            assert set(outcomes) <= {"MCP_OK", "MCP_DISCONNECTED"}, outcomes
            # On a busy machine the thread that reads may be late; what is sent until then meets the old stream.
            assert server.wait_for(lambda ended=ended, server=server: not server.open.intersection(ended))
            client.ping(timeout=5000).must_be("MCP_OK")


@case
def a_session_that_is_not_known_any_more():
    lost = []

    def on_ping(_channel, _request):
        if not lost:
            lost.append(True)
            return http(404, "Could not find session", kind="text/plain")
        return None

    channel = Channel(on_ping)
    with Server(channel) as server, sse_client(server) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        assert len(channel.streams) == 2, channel.streams


# --- What comes on a stream -------------------------------------------------------------------------------------------


@case
def answers_in_many_forms():
    def told(make):
        def on_ping(channel, request):
            channel.stream.sendall(make(request))
            return ACCEPTED

        with Server(Channel(on_ping)) as server, sse_client(server) as client:
            client.connect().must_be("MCP_OK")
            return client.ping(timeout=600)

    def with_id(request, id_):
        return answer(request, {}) | {"id": id_}

    right = lambda request: event(answer(request, {}))  # noqa: E731
    told(lambda request: event(with_id(request, str(request.message["id"])))).must_be("MCP_OK")
    told(lambda request: b": keep\n\nevent: other\ndata: x\n\n" + right(request)).must_be("MCP_OK")
    told(lambda request: event({"jsonrpc": "2.0", "id": 999, "result": {}}) + right(request)).must_be("MCP_OK")
    told(lambda request: event({"jsonrpc": "2.0", "id": 999, "result": {}})).must_be("MCP_TIMEOUT")
    told(lambda request: event({"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}})).must_be("MCP_OK")
    told(lambda request: b"data: <html>\n\n" + right(request)).must_be("MCP_OK")
    told(lambda request: b"data: \xff\n\n" + right(request)).must_be("MCP_OK")
    told(lambda request: b'data: {"jsonrpc":\n\n').must_be("MCP_INVALID_JSON")
    told(lambda request: b'data: {"jsonrpc":"2.0","x":"\xff"}\n\n').must_be("MCP_INVALID_JSON")
    told(lambda request: right(request).replace(b"\n", b"\r")).must_be("MCP_OK")
    told(lambda request: right(request) + right(request)).must_be("MCP_OK")


@case
def an_event_over_the_limit():
    def on_ping(channel, _request):
        channel.stream.sendall(b"data: " + b"x" * 5000)
        return ACCEPTED

    with Server(Channel(on_ping)) as server, sse_client(server) as client:
        call(lib.mcp_set_limit, client.client, EVENT, 1000).must_be("MCP_OK")
        client.connect().must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_TOO_LARGE").must_end(0)


@case
def the_servers_own_requests_are_answered():
    channel = Channel()
    with Server(channel) as server, sse_client(server) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        for method in ("ping", "roots/list"):
            channel.tell({"jsonrpc": "2.0", "id": f"srv-{method}", "method": method})
            assert server.wait_for(lambda: server.requests[-1].message.get("id") == f"srv-{method}"), server.saw()
            message = server.requests[-1].message
            assert ("result" in message) == (method == "ping"), message


@case
def a_held_reply_keeps_no_call_for_long():
    # What the server asks us is answered by the reader, which waits for that as long as it has to, and no longer.
    def on_ping(channel, request):
        channel.tell({"jsonrpc": "2.0", "id": "srv", "method": "ping"})
        server.wait_for(lambda: any(r.message.get("id") == "srv" for r in server.requests))
        channel.tell(answer(request, {}))
        return ACCEPTED

    channel = Channel(on_ping)

    def handler(server, request):
        return request.hold() if request.message.get("id") == "srv" else channel(server, request)

    with Server(handler) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        client.ping(timeout=8000).must_be("MCP_OK").must_end(2100)


@case
def what_is_logged_shows_no_token_of_before():
    channel = Channel(lambda channel, request: channel.tell({"jsonrpc": "2.0", "method": f"seen/{TOKEN}"}))
    with Server(channel) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        outcome = client.ping(timeout=5000).must_be("MCP_OK")
        must_not_show(outcome, client.lines, TOKEN)
        lines = len(client.lines)
        client.set_bearer("another-token").must_be("MCP_OK")
        channel.tell({"jsonrpc": "2.0", "method": f"again/{TOKEN}"})
        poll(lambda: len(client.lines) > lines, "the reader logged nothing")
        must_not_show(outcome, client.lines, TOKEN)


# --- Threads ----------------------------------------------------------------------------------------------------------


@case
def many_callers_and_answers_in_reverse():
    count, kept = 32, []

    def on_ping(channel, request):
        with lock:
            kept.append(answer(request, {}))
            if len(kept) == count:
                for message in reversed(kept):
                    channel.tell(message)
        return ACCEPTED

    lock = threading.Lock()
    with Server(Channel(on_ping)) as server, sse_client(server) as client:
        client.connect().must_be("MCP_OK")
        for ping in [client.begin_ping(timeout=10_000) for _ in range(count)]:
            ping.result().must_be("MCP_OK")


@case
def cancel_and_close_and_free():
    before = threads()
    channel = Channel(lambda channel, request: ACCEPTED)
    with Server(channel) as server, sse_client(server) as client:
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
    assert threads_of_readers() == 0
    poll(lambda: threads() <= before, f"{threads()} threads, {before} before")


@case
def nothing_is_left_behind():
    descriptors = lambda: len(os.listdir("/proc/self/fd"))  # noqa: E731
    with Server(Channel()) as server:
        for round_ in range(30):
            with sse_client(server) as client:
                client.ping(timeout=5000).must_be("MCP_OK")
                if round_ % 2:
                    client.close().must_be("MCP_OK")
            assert threads_of_readers() == 0, "a reader outlives its client"
        poll(lambda: not server.open, "connections stay open")
        print(f"    {descriptors()} descriptors at the end")
        assert descriptors() < 20


@case
def a_call_from_the_log_on_the_readers_thread():
    outcomes = []

    class Talkative(Client):
        def take_line(self, *arguments):
            super().take_line(*arguments)
            if "nobody waits for" in self.lines[-1]:
                outcomes.append(self.ping(timeout=3000))

    channel = Channel()
    with Server(channel) as server, Talkative(f"http://127.0.0.1:{server.port}/sse", bearer=TOKEN) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        channel.tell({"jsonrpc": "2.0", "method": "notifications/x"})
        poll(lambda: outcomes, "the log callback did not run")
        outcomes[0].must_be("MCP_MISUSE").must_end(0)
        client.ping(timeout=5000).must_be("MCP_OK")


@case
def a_free_from_the_log_on_the_readers_thread():
    freed = threading.Event()

    class Gone(Client):
        """Freed once by its own log; never again."""

        def take_line(self, *arguments):
            super().take_line(*arguments)
            if "nobody waits for" in self.lines[-1]:
                lib.mcp_client_free(self.client)
                self.client = None
                freed.set()

    channel = Channel()
    with Server(channel) as server, Gone(f"http://127.0.0.1:{server.port}/sse", bearer=TOKEN) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        channel.tell({"jsonrpc": "2.0", "method": "notifications/x"})
        assert freed.wait(10), "the log callback did not run"
        poll(lambda: threads_of_readers() == 0, "the reader has not ended")
        poll(lambda: not server.open, "connections stay open")


run()
