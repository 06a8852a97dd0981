"""Kept connections that die, at each moment: resent where nothing of an answer came, an error where something did."""

import contextlib
import os
import socket
import struct
import threading

from harness import (
    LEGACY, PATIENCE, STREAM, Client, Server, answer, case, event, http, legacy, read_request, run, wait_until_read,
)  # fmt: skip

# The two ways in which a connection dies: FIN, and RST.
END, RESET = "end", "reset"

# Moments before anything of an answer: between two requests, behind the head of one, behind all of it.
IDLE, HEAD, WHOLE = "idle", "head", "whole"


class Deadly(Server):
    """A decent legacy server, `deaths` of whose connections die at a moment of a ping, or right before it.

    The moment is one of those above, or makes a part of an answer from the request.
    """

    def __init__(self, moment, how, deaths=1):
        self.moment, self.how, self.deaths = moment, how, deaths
        self.dead = threading.Semaphore(0)
        super().__init__(lambda _server, request: legacy(request))

    def strikes(self, rpc, _connection):
        at = "notifications/initialized" if self.moment == IDLE else "ping"
        with self.changed:
            if rpc != at or self.deaths == 0:
                return False
            self.deaths -= 1
            return True

    def serve(self, connection):
        with contextlib.suppress(OSError, EOFError), connection:
            try:
                while self.answers(connection):
                    pass
            finally:
                with self.changed:
                    self.open.discard(connection)
                    self.changed.notify_all()

    def answers(self, connection):
        """Serves one request; false where the connection has died."""
        if self.moment == HEAD:
            # The client sends head and body in one piece.
            seen = connection.recv(65536, socket.MSG_PEEK)
            if b'"ping"' in seen and self.strikes("ping", connection):
                connection.recv(seen.index(b"\r\n\r\n") + 4, socket.MSG_WAITALL)
                return self.die(connection)
        request, _ = read_request(connection, b"")
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()
        if not self.strikes(request.rpc, connection):
            request.send(legacy(request))
            return True
        if self.moment == IDLE:
            request.send(legacy(request))
            wait_until_read(request)
        elif self.moment != WHOLE:
            request.send(self.moment(request))
            wait_until_read(request)
        return self.die(connection)

    def die(self, connection):
        if self.how == RESET:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        else:
            connection.shutdown(socket.SHUT_WR)
        self.dead.release()
        while self.how == END and connection.recv(65536):
            pass
        return False

    def pings(self):
        return self.saw().count("ping")


def dies(moment, how, expected, pings):
    """The ping on the kept connection ends like that, the server has read so many, and the next one is well."""
    with Deadly(moment, how) as server, Client(server.url, pin=LEGACY) as client:
        client.connect().must_be("MCP_OK")
        if moment == IDLE:
            assert server.dead.acquire(timeout=PATIENCE), "the connection did not die"
        outcome = client.ping(timeout=5000)
        print(f"    {how}: {outcome.status} {outcome.message}")
        outcome.must_be(expected).must_end(0)
        assert server.deaths == 0 and server.pings() == pings, server.saw()
        ids = [request.message["id"] for request in server.requests if request.rpc == "ping"]
        assert len(set(ids)) == len(ids), "a request was sent again under its old id"
        client.ping(timeout=5000).must_be("MCP_OK").must_end(0)
        # It was the connection, and not the session.
        assert server.saw().count("initialize") == 1, server.saw()


def dies_either_way(moment, expected, pings=1):
    dies(moment, END, expected, pings)
    dies(moment, RESET, expected, pings)



@case
def before_the_request():
    dies_either_way(IDLE, "MCP_OK")


@case
def behind_the_head_of_the_request():
    dies_either_way(HEAD, "MCP_OK")


@case
def behind_the_request():
    # Sent twice: the server may have seen the first one, and a ping does no harm.
    dies_either_way(WHOLE, "MCP_OK", pings=2)


@case
def behind_the_first_byte():
    dies_either_way(lambda request: b"H", "MCP_DISCONNECTED")


@case
def behind_the_status_line():
    dies_either_way(lambda request: b"HTTP/1.1 200 OK\r\n", "MCP_DISCONNECTED")


@case
def behind_an_informational_answer():
    dies_either_way(lambda request: b"HTTP/1.1 100 Continue\r\n\r\n", "MCP_DISCONNECTED")


@case
def behind_the_head():
    dies_either_way(lambda request: http(200, answer(request, {})).split(b"{")[0], "MCP_TRUNCATED")


@case
def in_the_middle_of_the_body():
    dies_either_way(lambda request: http(200, answer(request, {}))[:-5], "MCP_TRUNCATED")


@case
def in_the_middle_of_a_body_without_a_length():
    # Only the reset tells that something is missing.
    def endless(request):
        return http(200, answer(request, {}), Content_Length=None)[:-5]

    dies(endless, END, "MCP_INVALID_JSON", pings=1)
    dies(endless, RESET, "MCP_TRUNCATED", pings=1)


@case
def in_the_middle_of_a_chunk():
    chunked = http(200, Content_Length=None, Transfer_Encoding="chunked")
    dies_either_way(lambda request: chunked + b'100\r\n{"jsonrpc"', "MCP_TRUNCATED")


@case
def in_the_middle_of_an_event():
    dies_either_way(lambda request: STREAM + event(answer(request, {}))[:-5], "MCP_TRUNCATED")


@case
def behind_the_answer():
    dies_either_way(lambda request: http(200, answer(request, {})), "MCP_OK")


@case
def in_the_middle_of_an_error():
    # The status has come, and that is what the caller has to know.
    dies_either_way(lambda request: http(503, "try", kind="text/plain", Content_Length=100), "MCP_UNAVAILABLE")


@case
def the_new_connection_dies_as_well():
    # Sent again once, and no more.
    for moment, pings in ((WHOLE, 2), (HEAD, 0)):
        for how in (END, RESET):
            with Deadly(moment, how, deaths=2) as server, Client(server.url, pin=LEGACY) as client:
                client.connect().must_be("MCP_OK")
                client.ping(timeout=5000).must_be("MCP_DISCONNECTED").must_end(0)
                assert server.deaths == 0 and server.pings() == pings, server.saw()
                client.ping(timeout=5000).must_be("MCP_OK")


class Gateway(Deadly):
    """Answers so many pings together, each on a connection of its own. Those that are doomed later die by a ping."""

    def __init__(self, how, count):
        self.together = threading.Barrier(count)
        self.doomed = None
        super().__init__(WHOLE, how)

    def strikes(self, rpc, connection):
        if self.doomed is None and rpc == "ping":
            self.together.wait(PATIENCE)
        return self.doomed is not None and connection in self.doomed


@case
def all_kept_connections_are_dead():
    # A gateway on the way was restarted: whatever is sent on an old connection is answered by a reset. To try them one
    # after the other is no use; a new one works.
    count = 4
    for how in (END, RESET):
        with Gateway(how, count) as server, Client(server.url, pin=LEGACY) as client:
            client.connect().must_be("MCP_OK")
            for ping in [client.begin_ping(timeout=5000) for _ in range(count)]:
                ping.result().must_be("MCP_OK")
            with server.changed:
                server.doomed = set(server.open)
            assert len(server.doomed) == count, len(server.doomed)
            client.ping(timeout=5000).must_be("MCP_OK").must_end(0)


@case
def no_descriptor_for_a_stream_that_is_not_open():
    """An idle client has its connection, and what its closing is told by."""

    def handler(_server, request):
        return http(405, kind=None) if request.method == "GET" else legacy(request)

    with Server(handler) as server:
        before = len(os.listdir("/proc/self/fd"))
        with Client(server.url) as client:
            client.ping().must_be("MCP_OK")
            # The other end is the server's, in this process, too.
            opened = len(os.listdir("/proc/self/fd")) - before - 1
        assert opened <= 2, opened



run()
