"""TCP keep-alive: a peer that is gone without a word is noticed on every connection that an answer is awaited on."""

import contextlib
import os
import socket
from ctypes import c_char_p, c_int, c_void_p
from pathlib import Path

from harness import (
    ERROR, LEGACY, STREAM, Client, Server, answer, call, case, declare, event, http, legacy, lib, poll, run,
)  # fmt: skip

declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR])

# Seconds of silence, seconds between two probes, and probes.
IDLE, INTERVAL, COUNT = 30, 10, 3
KEEP_ALIVE_TIMER = "02"


def of_this_process(request):
    """The client's end of the connection that a request came on: it is in this process, too."""
    address = request.socket.getpeername()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            end = socket.socket(fileno=os.dup(int(name)))
            if end.family == socket.AF_INET and end.getsockname() == address:
                return end
    raise AssertionError("the connection is not there")


def must_keep_alive(request):
    with of_this_process(request) as end:
        tcp = [end.getsockopt(socket.IPPROTO_TCP, option) for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)]
        assert end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert tcp == [IDLE, INTERVAL, COUNT], tcp
    poll(lambda: timer_of(request)[0] == KEEP_ALIVE_TIMER, "no keep-alive timer runs")
    ticks = timer_of(request)[1] / os.sysconf("SC_CLK_TCK")
    print(f"    the first probe is due in {ticks} s")
    assert IDLE / 2 < ticks <= IDLE + 1, ticks


def timer_of(request):
    """Which timer runs on the client's end, and for how long (proc(5), /proc/net/tcp)."""
    client, server = request.socket.getpeername()[1], request.socket.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, _, timer, *_ = line.split()
        if local.endswith(f":{client:04X}") and remote.endswith(f":{server:04X}"):
            kind, ticks = timer.split(":")
            return kind, int(ticks, 16)
    raise AssertionError("the connection is gone")


@case
def the_stream_of_a_call_is_kept_alive():
    asked = []

    def handler(_server, request):
        if request.rpc == "ping":
            asked.append(request)
            request.send(STREAM)
            return request.hold()
        return legacy(request)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        ping = client.begin_ping(timeout=5000)
        assert server.wait_for(lambda: asked)
        must_keep_alive(asked[0])
        asked[0].send(event(answer(asked[0], {})))
        ping.result().must_be("MCP_OK")


@case
def an_answer_that_is_awaited_is_kept_alive():
    """Whether it is a stream is known when it begins."""
    asked = []

    def handler(_server, request):
        if request.rpc == "ping":
            asked.append(request)
            return request.hold()
        return legacy(request)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        ping = client.begin_ping(timeout=5000)
        assert server.wait_for(lambda: asked)
        must_keep_alive(asked[0])
        asked[0].send(http(200, answer(asked[0], {})))
        ping.result().must_be("MCP_OK")


class Channel:
    def __init__(self):
        self.streams = []

    def __call__(self, _server, request):
        if request.method == "GET":
            request.send(STREAM + b"event: endpoint\ndata: /messages\n\n")
            self.streams.append(request)
            return request.hold()
        if "id" in request.message:
            value = {"protocolVersion": "2024-11-05", "capabilities": {}} if request.rpc == "initialize" else {}
            self.streams[-1].send(event(answer(request, value)))
        return http(202, kind=None)


@case
def the_stream_of_http_sse_is_kept_alive():
    channel = Channel()
    with Server(channel) as server, Client(f"http://127.0.0.1:{server.port}/sse") as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        must_keep_alive(channel.streams[0])


@case
def the_connection_to_a_proxy_is_kept_alive():
    channel = Channel()
    with Server(channel) as proxy, Client("http://mcp.invalid/sse") as client:
        call(lib.mcp_set_proxy, client.client, f"127.0.0.1:{proxy.port}".encode()).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_OK")
        must_keep_alive(channel.streams[0])


run()
