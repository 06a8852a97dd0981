"""Host names with several addresses, some of them unreachable: no single address may use up the whole timeout.

Runs with addresses.c preloaded, which reads the addresses from the host name.
"""

import contextlib
import socket
import time

from ctypes import c_bool, c_int, c_void_p

from harness import ERROR, LEGACY, PATIENCE, Cancel, Client, Server, call, case, declare, legacy, lib, must_be_soon, run

declare(c_int, mcp_set_require_https=[c_void_p, c_bool, ERROR])

# RFC 8305 recommends 250 ms before the next address is tried. The tests accept other short delays.
STAGGER = 250

# Loopback addresses: the server, two on which connection attempts time out, and one that refuses connections.
WORKS, BLACK_HOLE, OTHER_BLACK_HOLE, REFUSED = "127-0-0-1", "127-0-0-2", "127-0-0-3", "127-0-0-4"


def dotted(label):
    return label.replace("-", ".")


@contextlib.contextmanager
def black_hole(label, port):
    """An address on which connection attempts time out: its backlog is full, so the kernel drops further attempts."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.create_server((dotted(label), port), backlog=0))
        for _ in range(16):
            filler = opened.enter_context(socket.socket())
            filler.settimeout(0.2)
            try:
                filler.connect((dotted(label), port))
            except TimeoutError:
                yield listener
                return
        raise AssertionError("the backlog does not become full")


def serve_legacy(_server, request):
    return legacy(request)


def url(port, *labels):
    return f"http://{'.'.join(labels)}.test:{port}/mcp"


@contextlib.contextmanager
def server_and_client(*labels, bearer=None):
    """A server on 127.0.0.1, the black holes of `labels` on the same port, and a client whose URL has `labels`."""
    with Server(serve_legacy) as server, contextlib.ExitStack() as opened:
        for label in {BLACK_HOLE, OTHER_BLACK_HOLE} & set(labels):
            opened.enter_context(black_hole(label, server.port))
        yield server, opened.enter_context(Client(url(server.port, *labels), pin=LEGACY, bearer=bearer))


def must_connect(within, *labels, after=0):
    """Times are in milliseconds, without the grace of other tests: the time to connect is what is tested."""
    with server_and_client(*labels) as (server, client):
        outcome = client.ping(timeout=PATIENCE * 1000).must_be("MCP_OK")
        print(f"    {' '.join(labels)}: {outcome.ms} ms")
        assert after <= outcome.ms < within, f"{outcome.ms} ms"
        assert server.saw() == ["initialize", "notifications/initialized", "ping"]
        # The pooled connection is reused: no address is tried again.
        assert client.ping().must_be("MCP_OK").ms < 100


@case
def the_preloaded_resolver_is_used():
    found = socket.getaddrinfo(f"{BLACK_HOLE}.{WORKS}.test", 80, type=socket.SOCK_STREAM)
    assert [address[4][0] for address in found] == ["127.0.0.2", "127.0.0.1"], f"{found}; is addresses.c preloaded?"


@case
def an_unreachable_first_address_is_skipped():
    must_connect(1000, BLACK_HOLE, WORKS, after=STAGGER // 5)


@case
def two_unreachable_addresses_are_skipped():
    must_connect(1500, BLACK_HOLE, OTHER_BLACK_HOLE, WORKS)


@case
def refusing_addresses_are_skipped_at_once():
    must_connect(100, REFUSED, WORKS)
    must_connect(100, REFUSED, "127-0-0-5", "127-0-0-6", WORKS)


@case
def an_unreachable_and_a_refusing_address_are_skipped():
    must_connect(1000, BLACK_HOLE, REFUSED, WORKS)
    must_connect(1000, REFUSED, BLACK_HOLE, WORKS)


@case
def an_ipv6_address_without_a_server_is_skipped():
    must_connect(100, "v6", WORKS)
    must_connect(1000, "v6", BLACK_HOLE, WORKS)


@case
def a_working_first_address_is_used_at_once():
    must_connect(100, WORKS, BLACK_HOLE)
    must_connect(100, WORKS, REFUSED)


@case
def only_one_of_two_working_addresses_is_connected_to():
    with Server(serve_legacy) as server, socket.create_server((dotted(BLACK_HOLE), server.port)) as other:
        other.setblocking(False)
        with Client(url(server.port, WORKS, BLACK_HOLE), bearer="s3cr3t") as client:
            client.ping().must_be("MCP_OK")
        with contextlib.suppress(BlockingIOError):
            other.accept()
            raise AssertionError("the client connected to the second address too")


@case
def connecting_fails_when_all_addresses_refuse():
    with server_and_client(REFUSED, "127-0-0-5") as (server, client):
        outcome = client.ping(timeout=5000).must_be("MCP_CONNECT_FAILED").must_end(0)
        assert "refused" in outcome.message and str(server.port) in outcome.message, outcome.message


@case
def timeout_and_cancel_work_when_all_addresses_are_unreachable():
    with server_and_client(BLACK_HOLE, OTHER_BLACK_HOLE) as (server, client):
        client.ping(timeout=700).must_be("MCP_TIMEOUT").must_end(700, after=700)
        assert not server.requests
        with Cancel() as cancel:
            ping = client.begin_ping(timeout=5000, cancel=cancel)
            begun = time.monotonic()
            cancel.trigger()
            must_be_soon(begun, ping.result().must_be("MCP_CANCELLED").ended)


@case
def the_call_ends_in_time_when_one_address_refuses_and_one_is_unreachable():
    # Either error is correct. The call must end in time.
    with server_and_client(BLACK_HOLE, REFUSED) as (_server, client):
        client.ping(timeout=700).must_be("MCP_TIMEOUT", "MCP_CONNECT_FAILED").must_end(700)


@case
def all_requests_use_the_address_that_connected_first():
    # Slower connection attempts are dropped when another address has connected.
    with server_and_client(BLACK_HOLE, WORKS) as (server, client):
        client.ping(timeout=5000).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_OK")
        assert len({id(request.socket) for request in server.requests}) == 1


# --- localhost names --------------------------------------------------------------------------------------------------


@case
def localhost_names_are_not_sent_to_the_resolver():
    found = socket.getaddrinfo(f"{REFUSED}.localhost", 80, type=socket.SOCK_STREAM)
    assert [address[4][0] for address in found] == ["127.0.0.4"], f"{found}; is addresses.c preloaded?"
    # The client sends tokens to localhost names over plain http, so these names must mean this machine only.
    for name in (f"{REFUSED}.localhost", "localhost", f"{REFUSED}.LOCALHOST"):
        with Server(serve_legacy) as server:
            with Client(f"http://{name}:{server.port}/mcp", pin=LEGACY, bearer="token") as client:
                call(lib.mcp_set_require_https, client.client, True).must_be("MCP_OK")
                client.ping(timeout=5000).must_be("MCP_OK")
    with Server(serve_legacy) as server, Client(url(server.port, WORKS), pin=LEGACY, bearer="token") as client:
        call(lib.mcp_set_require_https, client.client, True).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_INSECURE")
        assert not server.requests


run()
