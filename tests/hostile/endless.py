"""Servers that send for ever, far too much, or nothing at all: a call ends at its timeout whatever they do."""

import gzip
import threading
import time

from harness import LEGACY, MODERN, PATIENCE, STREAM, Cancel, Client, Server, case, event, http, run


def flooded(block):
    """A server that begins an event stream and sends the block until the client leaves, or has been far too patient."""

    def handler(server, request):
        request.send(STREAM)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            request.send(block)
            server.flows.set()

    server = Server(handler)
    server.flows = threading.Event()
    return server


def ends_at_its_timeout(block):
    with flooded(block) as server, Client(server.url, pin=MODERN) as client:
        client.ping(timeout=500).must_be("MCP_TIMEOUT").must_end(500, after=500)


@case
def notifications_without_end():
    ends_at_its_timeout(event({"jsonrpc": "2.0", "method": "notifications/x"}) * 4000)


@case
def comments_without_end():
    ends_at_its_timeout(b": x\n" * 60_000)


@case
def blank_lines_without_end():
    ends_at_its_timeout(b"\n" * 200_000)


@case
def a_flood_can_be_cancelled():
    with flooded(b"\n" * 200_000) as server, Client(server.url, pin=MODERN) as client, Cancel() as cancel:
        ping = client.begin_ping(timeout=5000, cancel=cancel)
        assert server.flows.wait(PATIENCE)
        cancel.trigger()
        ping.result().must_be("MCP_CANCELLED").must_end(500)


@case
def a_body_that_inflates_a_thousandfold():
    body = gzip.compress(b'{"jsonrpc":"2.0","id":1,"result":{"a":"' + b"a" * 60_000_000 + b'"}}')
    print(f"    {len(body)} bytes are sent")
    answer = http(200, body, Content_Encoding="gzip")
    with Server(lambda _server, _request: answer) as server, Client(server.url, pin=LEGACY) as client:
        client.ping(timeout=20).must_be("MCP_TIMEOUT", "MCP_TOO_LARGE").must_end(20)


@case
def silence_ends_at_the_idle_limit():
    with Server(lambda _server, request: request.hold()) as server, Client(server.url) as client:
        client.ping(idle=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
        assert server.saw() == ["server/discover"], server.saw()


run()
