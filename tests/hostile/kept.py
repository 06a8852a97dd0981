"""Pooled connections that the server closes or resets, at each moment of a request. The client sends the request again
if no byte of a response arrived; otherwise the call fails."""

import contextlib
import os
import socket
import struct
import threading

from harness import (
    LEGACY, PATIENCE, STREAM, Client, Server, answer, case, event, http, legacy, read_request, run, wait_until_read,
)  # fmt: skip

# How a server ends a connection: FIN, or RST.
CLOSE, RESET = "close", "reset"

# Moments before a response: between two requests, after the head of a request, and after the whole request.
IDLE, HEAD, WHOLE = "idle", "head", "whole"


class DisconnectingServer(Server):
    """A valid legacy server that ends `disconnects` of its connections at `moment`: one of the constants above, or a
    function that returns the part of the response that is sent first.
    """

    def __init__(self, moment, how, disconnects=1):
        self.moment, self.how, self.disconnects = moment, how, disconnects
        self.disconnected = threading.Semaphore(0)
        super().__init__(lambda _server, request: legacy(request))

    def must_disconnect(self, rpc, _connection):
        last = "notifications/initialized" if self.moment == IDLE else "ping"
        with self.changed:
            if rpc != last or self.disconnects == 0:
                return False
            self.disconnects -= 1
            return True

    def serve(self, connection):
        with contextlib.suppress(OSError, EOFError), connection:
            try:
                while self.serve_one(connection):
                    pass
            finally:
                with self.changed:
                    self.open.discard(connection)
                    self.changed.notify_all()

    def serve_one(self, connection):
        """Serves one request. Returns false after ending the connection."""
        if self.moment == HEAD:
            # The client sends head and body together: look for the ping before reading the head.
            seen = connection.recv(65536, socket.MSG_PEEK)
            if b'"ping"' in seen and self.must_disconnect("ping", connection):
                connection.recv(seen.index(b"\r\n\r\n") + 4, socket.MSG_WAITALL)
                return self.disconnect(connection)
        request, _ = read_request(connection, b"")
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        if not self.must_disconnect(request.rpc, connection):
            request.send(legacy(request))
            return True
        if self.moment == IDLE:
            request.send(legacy(request))
            wait_until_read(request)
        elif self.moment != WHOLE:
            request.send(self.moment(request))
            wait_until_read(request)
        return self.disconnect(connection)

    def disconnect(self, connection):
        if self.how == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        else:
            connection.shutdown(socket.SHUT_WR)
        self.disconnected.release()
        while self.how == CLOSE and connection.recv(65536):
            pass
        return False

    def pings(self):
        return self.saw().count("ping")


def ping_during_disconnect(moment, how, expected, pings):
    """The ping ends with the status `expected`; until then the server has read `pings` pings. The next one succeeds."""
    with DisconnectingServer(moment, how) as server, Client(server.url, pin=LEGACY) as client:
        client.connect().must_be("MCP_OK")
        if moment == IDLE:
            assert server.disconnected.acquire(timeout=PATIENCE), "the server did not end the connection"
        outcome = client.ping(timeout=5000)
        print(f"    {how}: {outcome.status} {outcome.message}")
        outcome.must_be(expected).must_end(0)
        assert server.disconnects == 0 and server.pings() == pings, server.saw()
        ids = [request.message["id"] for request in server.requests if request.rpc == "ping"]
        assert len(set(ids)) == len(ids), "a request was sent again with the same id"
        client.ping(timeout=5000).must_be("MCP_OK").must_end(0)
        # The session is still valid: only the connection was lost.
        assert server.saw().count("initialize") == 1, server.saw()


def ping_during_close_and_reset(moment, expected, pings=1):
    ping_during_disconnect(moment, CLOSE, expected, pings)
    ping_during_disconnect(moment, RESET, expected, pings)


@case
def a_connection_lost_before_the_request_is_replaced():
    ping_during_close_and_reset(IDLE, "MCP_OK")


@case
def a_connection_lost_after_the_request_head_is_retried():
    ping_during_close_and_reset(HEAD, "MCP_OK")


@case
def a_connection_lost_after_the_request_is_retried():
    # The server may have executed the first one. Repeating a ping is harmless.
    ping_during_close_and_reset(WHOLE, "MCP_OK", pings=2)


@case
def a_connection_lost_after_the_first_byte_of_the_response_is_an_error():
    ping_during_close_and_reset(lambda request: b"H", "MCP_DISCONNECTED")


@case
def a_connection_lost_after_the_status_line_is_an_error():
    ping_during_close_and_reset(lambda request: b"HTTP/1.1 200 OK\r\n", "MCP_DISCONNECTED")


@case
def a_connection_lost_after_an_informational_response_is_an_error():
    ping_during_close_and_reset(lambda request: b"HTTP/1.1 100 Continue\r\n\r\n", "MCP_DISCONNECTED")


@case
def a_connection_lost_after_the_response_head_is_an_error():
    ping_during_close_and_reset(lambda request: http(200, answer(request, {})).split(b"{")[0], "MCP_TRUNCATED")


@case
def a_connection_lost_within_the_body_is_an_error():
    ping_during_close_and_reset(lambda request: http(200, answer(request, {}))[:-5], "MCP_TRUNCATED")


@case
def a_connection_lost_within_a_body_without_length_is_an_error():
    # After a close, the body counts as complete. After a reset, it is known to be truncated.
    def without_length(request):
        return http(200, answer(request, {}), Content_Length=None)[:-5]

    ping_during_disconnect(without_length, CLOSE, "MCP_INVALID_JSON", pings=1)
    ping_during_disconnect(without_length, RESET, "MCP_TRUNCATED", pings=1)


@case
def a_connection_lost_within_a_chunk_is_an_error():
    chunked = http(200, Content_Length=None, Transfer_Encoding="chunked")
    ping_during_close_and_reset(lambda request: chunked + b'100\r\n{"jsonrpc"', "MCP_TRUNCATED")


@case
def a_connection_lost_within_an_event_is_an_error():
    ping_during_close_and_reset(lambda request: STREAM + event(answer(request, {}))[:-5], "MCP_TRUNCATED")


@case
def a_connection_lost_after_the_response_does_not_matter():
    ping_during_close_and_reset(lambda request: http(200, answer(request, {})), "MCP_OK")


@case
def a_connection_lost_within_an_error_body_reports_the_http_status():
    # The status has arrived. It matters more to the caller than the truncated body.
    truncated = http(503, "try", kind="text/plain", Content_Length=100)
    ping_during_close_and_reset(lambda request: truncated, "MCP_UNAVAILABLE")


@case
def a_request_is_retried_only_once():
    for moment, pings in ((WHOLE, 2), (HEAD, 0)):
        for how in (CLOSE, RESET):
            with DisconnectingServer(moment, how, disconnects=2) as server, Client(server.url, pin=LEGACY) as client:
                client.connect().must_be("MCP_OK")
                client.ping(timeout=5000).must_be("MCP_DISCONNECTED").must_end(0)
                assert server.disconnects == 0 and server.pings() == pings, server.saw()
                client.ping(timeout=5000).must_be("MCP_OK")


class Gateway(DisconnectingServer):
    """Answers `count` pings together, each on another connection. Later, a ping ends each connection in `stale`."""

    def __init__(self, how, count):
        self.together = threading.Barrier(count)
        self.stale = None
        super().__init__(WHOLE, how)

    def must_disconnect(self, rpc, connection):
        if self.stale is None and rpc == "ping":
            self.together.wait(PATIENCE)
        return self.stale is not None and connection in self.stale


@case
def one_stale_connection_discards_all_pooled_connections():
    # A gateway was restarted and resets all old connections. The client must not try them one after another, but must
    # open a new connection.
    count = 4
    for how in (CLOSE, RESET):
        with Gateway(how, count) as server, Client(server.url, pin=LEGACY) as client:
            client.connect().must_be("MCP_OK")
            for ping in [client.begin_ping(timeout=5000) for _ in range(count)]:
                ping.result().must_be("MCP_OK")
            with server.changed:
                server.stale = set(server.open)
            assert len(server.stale) == count, len(server.stale)
            client.ping(timeout=5000).must_be("MCP_OK").must_end(0)


@case
def a_refused_server_stream_uses_no_descriptor():
    """An idle client uses two descriptors: its connection, and the one that signals its closing."""

    def handler(_server, request):
        return http(405, kind=None) if request.method == "GET" else legacy(request)

    with Server(handler) as server:
        before = len(os.listdir("/proc/self/fd"))
        with Client(server.url) as client:
            client.ping().must_be("MCP_OK")
            # Minus the server's end of the connection, which is in this process too.
            opened = len(os.listdir("/proc/self/fd")) - before - 1
        assert opened <= 2, opened


run()
