"""Servers that send without end, far too much, or nothing: the call ends at its timeout in each case."""

import gzip
import threading
import time

from harness import LEGACY, MODERN, PATIENCE, STREAM, Cancel, Client, Server, case, event, http, run


def endless_server(block):
    """A server that begins an event stream and sends the block until the client disconnects, for 5 s at most."""

    def handler(server, request):
        request.send(STREAM)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            request.send(block)
            server.is_sending.set()

    server = Server(handler)
    server.is_sending = threading.Event()
    return server


def ends_at_its_timeout(block):
    with endless_server(block) as server, Client(server.url, pin=MODERN) as client:
        client.ping(timeout=500).must_be("MCP_TIMEOUT").must_end(500, after=500)


@case
def endless_notifications_end_at_the_timeout():
    ends_at_its_timeout(event({"jsonrpc": "2.0", "method": "notifications/x"}) * 4000)


@case
def endless_comments_end_at_the_timeout():
    ends_at_its_timeout(b": x\n" * 60_000)


@case
def endless_blank_lines_end_at_the_timeout():
    ends_at_its_timeout(b"\n" * 200_000)


@case
def an_endless_stream_can_be_cancelled():
    with endless_server(b"\n" * 200_000) as server, Client(server.url, pin=MODERN) as client, Cancel() as cancel:
        ping = client.begin_ping(timeout=5000, cancel=cancel)
        assert server.is_sending.wait(PATIENCE)
        cancel.trigger()
        ping.result().must_be("MCP_CANCELLED").must_end(500)


@case
def a_compressed_body_of_60_megabytes_does_not_delay_the_timeout():
    body = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":{"a":"' + b"a" * 60_000_000 + b'"}}')
    print(f"    {len(body)} bytes compressed")
    answer = http(200, body, Content_Encoding="gzip")
    with Server(lambda _server, _request: answer) as server, Client(server.url, pin=LEGACY) as client:
        client.ping(timeout=20).must_be("MCP_TIMEOUT", "MCP_TOO_LARGE").must_end(20)


@case
def silence_ends_at_the_idle_timeout():
    with Server(lambda _server, request: request.hold()) as server, Client(server.url) as client:
        client.ping(idle=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
        assert server.saw() == ["server/discover"], server.saw()


run()
