"""TCP keep-alive is enabled on each connection with a pending response, to detect a peer that has vanished."""

import contextlib
import os
import socket
from ctypes import c_char_p, c_int, c_void_p
from pathlib import Path

from harness import (
    ERROR, LEGACY, STREAM, Client, Server, answer, call, case, declare, event, http, legacy, lib, poll, run,
)  # fmt: skip

declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR])

# Seconds of silence before the first probe, seconds between two probes, and the number of probes.
IDLE, INTERVAL, COUNT = 30, 10, 3
# The code of the keep-alive timer in /proc/net/tcp.
KEEP_ALIVE_TIMER = "02"


def client_socket(request):
    """The client's socket of the connection that the request came on. Both ends are in this process."""
    address = request.socket.getpeername()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            end = socket.socket(fileno=os.dup(int(name)))
            if end.family == socket.AF_INET and end.getsockname() == address:
                return end
    raise AssertionError("no socket of this process belongs to the connection")


def must_keep_alive(request):
    with client_socket(request) as end:
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        tcp = [end.getsockopt(socket.IPPROTO_TCP, option) for option in options]
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert tcp == [IDLE, INTERVAL, COUNT], tcp
    poll(lambda: timer_of(request)[0] == KEEP_ALIVE_TIMER, "no keep-alive timer is running")
    seconds = timer_of(request)[1] / os.sysconf("SC_CLK_TCK")
    print(f"    the first probe is due in {seconds} s")
    assert IDLE / 2 < seconds <= IDLE + 1, seconds


def timer_of(request):
    """The timer of the client's socket and the ticks until it expires, from /proc/net/tcp (proc(5))."""
    client, server = request.socket.getpeername()[1], request.socket.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, _, timer, *_ = line.split()
        if local.endswith(f":{client:04X}") and remote.endswith(f":{server:04X}"):
            kind, ticks = timer.split(":")
            return kind, int(ticks, 16)
    raise AssertionError("the connection is closed")


@case
def the_response_stream_of_a_call_uses_keep_alive():
    pings = []

    def handler(_server, request):
        if request.rpc == "ping":
            pings.append(request)
            request.send(STREAM)
            return request.hold()
        return legacy(request)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        ping = client.begin_ping(timeout=5000)
        assert server.wait_for(lambda: pings)
        must_keep_alive(pings[0])
        pings[0].send(event(answer(pings[0], {})))
        ping.result().must_be("MCP_OK")


@case
def a_pending_response_uses_keep_alive():
    """Keep-alive begins before the response does: it may become a stream."""
    pings = []

    def handler(_server, request):
        if request.rpc == "ping":
            pings.append(request)
            return request.hold()
        return legacy(request)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        ping = client.begin_ping(timeout=5000)
        assert server.wait_for(lambda: pings)
        must_keep_alive(pings[0])
        pings[0].send(http(200, answer(pings[0], {})))
        ping.result().must_be("MCP_OK")


class Sse:
    """A handler for HTTP+SSE."""

    def __init__(self):
        self.streams = []

    def __call__(self, _server, request):
        if request.method == "GET":
            self.streams.append(request)
            request.send(STREAM + b"event: endpoint\ndata: /messages\n\n")
            return request.hold()
        if "id" in request.message:
            value = {"protocolVersion": "2024-11-05", "capabilities": {}} if request.rpc == "initialize" else {}
            self.streams[-1].send(event(answer(request, value)))
        return http(202, kind=None)


@case
def the_stream_of_http_sse_uses_keep_alive():
    sse = Sse()
    with Server(sse) as server, Client(f"http://127.0.0.1:{server.port}/sse") as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        must_keep_alive(sse.streams[0])


@case
def the_connection_to_a_proxy_uses_keep_alive():
    sse = Sse()
    with Server(sse) as proxy, Client("http://mcp.invalid/sse") as client:
        call(lib.mcp_set_proxy, client.client, f"127.0.0.1:{proxy.port}".encode()).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_OK")
        must_keep_alive(sse.streams[0])


run()
