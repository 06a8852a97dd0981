"""Names with several addresses, some of which lead nowhere: none of them costs the whole timeout.

Runs with addresses.c preloaded: by it, names tell their addresses.
"""

import contextlib
import socket
import time

from ctypes import c_bool, c_int, c_void_p

from harness import ERROR, LEGACY, PATIENCE, Cancel, Client, Server, call, case, declare, legacy, lib, must_be_soon, run

declare(c_int, mcp_set_require_https=[c_void_p, c_bool, ERROR])

# RFC 8305 recommends 250 ms before the next address is tried; whatever is chosen, a person hardly notices it.
STAGGER = 250

# Loopback addresses of their own, for one of each kind.
WORKS, HOLE, OTHER_HOLE, REFUSED = "127-0-0-1", "127-0-0-2", "127-0-0-3", "127-0-0-4"


def dotted(label):
    return label.replace("-", ".")


@contextlib.contextmanager
def black_hole(label, port):
    """An address that answers nothing: its backlog is full, so that the system drops what else comes."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.create_server((dotted(label), port), backlog=0))
        for _ in range(16):
            one = opened.enter_context(socket.socket())
            one.settimeout(0.2)
            try:
                one.connect((dotted(label), port))
            except TimeoutError:
                yield listener
                return
        raise AssertionError("the backlog does not fill up")


def decent(_server, request):
    return legacy(request)


def url(port, *labels):
    return f"http://{'.'.join(labels)}.test:{port}/mcp"


@contextlib.contextmanager
def neighbours(*labels, bearer=None):
    """A server on 127.0.0.1, holes beside it on its port, and a client that is given these addresses."""
    with Server(decent) as server, contextlib.ExitStack() as opened:
        for label in {HOLE, OTHER_HOLE} & set(labels):
            opened.enter_context(black_hole(label, server.port))
        yield server, opened.enter_context(Client(url(server.port, *labels), pin=LEGACY, bearer=bearer))


def finds_it(within, *labels, after=0):
    """In milliseconds. Without the grace of other tests: this is what it is about."""
    with neighbours(*labels) as (server, client):
        outcome = client.ping(timeout=PATIENCE * 1000).must_be("MCP_OK")
        print(f"    {' '.join(labels)}: {outcome.ms} ms")
        assert after <= outcome.ms < within, f"{outcome.ms} ms"
        assert server.saw() == ["initialize", "notifications/initialized", "ping"]
        # On the kept connection nothing is tried any more.
        assert client.ping().must_be("MCP_OK").ms < 100


@case
def the_names_are_ours():
    found = socket.getaddrinfo(f"{HOLE}.{WORKS}.test", 80, type=socket.SOCK_STREAM)
    assert [address[4][0] for address in found] == ["127.0.0.2", "127.0.0.1"], f"{found}; is addresses.c preloaded?"


@case
def the_first_leads_nowhere():
    finds_it(1000, HOLE, WORKS, after=STAGGER // 5)


@case
def two_lead_nowhere():
    finds_it(1500, HOLE, OTHER_HOLE, WORKS)


@case
def the_first_refuses():
    finds_it(100, REFUSED, WORKS)
    finds_it(100, REFUSED, "127-0-0-5", "127-0-0-6", WORKS)


@case
def one_leads_nowhere_and_one_refuses():
    finds_it(1000, HOLE, REFUSED, WORKS)
    finds_it(1000, REFUSED, HOLE, WORKS)


@case
def the_other_family_refuses_or_is_not_there():
    finds_it(100, "v6", WORKS)
    finds_it(1000, "v6", HOLE, WORKS)


@case
def the_first_works():
    finds_it(100, WORKS, HOLE)
    finds_it(100, WORKS, REFUSED)


@case
def only_one_of_two_is_used():
    with Server(decent) as server, socket.create_server((dotted(HOLE), server.port)) as other:
        other.setblocking(False)
        with Client(url(server.port, WORKS, HOLE), bearer="s3cr3t") as client:
            client.ping().must_be("MCP_OK")
        with contextlib.suppress(BlockingIOError):
            other.accept()
            raise AssertionError("the second address was connected to as well")


@case
def all_refuse():
    with neighbours(REFUSED, "127-0-0-5") as (server, client):
        outcome = client.ping(timeout=5000).must_be("MCP_CONNECT_FAILED").must_end(0)
        assert "refused" in outcome.message and str(server.port) in outcome.message, outcome.message


@case
def all_lead_nowhere():
    with neighbours(HOLE, OTHER_HOLE) as (server, client):
        client.ping(timeout=700).must_be("MCP_TIMEOUT").must_end(700, after=700)
        assert not server.requests
        with Cancel() as cancel:
            ping = client.begin_ping(timeout=5000, cancel=cancel)
            begun = time.monotonic()
            cancel.trigger()
            must_be_soon(begun, ping.result().must_be("MCP_CANCELLED").ended)


@case
def one_that_refuses_beside_one_that_leads_nowhere():
    # Which of the two it was in the end does not matter; that it ends does.
    with neighbours(HOLE, REFUSED) as (_server, client):
        client.ping(timeout=700).must_be("MCP_TIMEOUT", "MCP_CONNECT_FAILED").must_end(700)


@case
def the_hole_opens_later():
    # What is late is given up where another address was faster, and is not used.
    with neighbours(HOLE, WORKS) as (server, client):
        client.ping(timeout=5000).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_OK")
        assert len({id(request.socket) for request in server.requests}) == 1


# --- Names of this machine --------------------------------------------------------------------------------------------


@case
def no_resolver_is_asked_for_localhost():
    found = socket.getaddrinfo(f"{REFUSED}.localhost", 80, type=socket.SOCK_STREAM)
    assert [address[4][0] for address in found] == ["127.0.0.4"], f"{found}; is addresses.c preloaded?"
    # A token may go to such names over plain http, so they may lead nowhere else.
    for name in (f"{REFUSED}.localhost", "localhost", f"{REFUSED}.LOCALHOST"):
        with Server(decent) as server, Client(f"http://{name}:{server.port}/mcp", pin=LEGACY, bearer="token") as client:
            call(lib.mcp_set_require_https, client.client, True).must_be("MCP_OK")
            client.ping(timeout=5000).must_be("MCP_OK")
    with Server(decent) as server, Client(f"http://{WORKS}.test:{server.port}/mcp", pin=LEGACY, bearer="token") as client:
        call(lib.mcp_set_require_https, client.client, True).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_INSECURE")
        assert not server.requests


run()
