"""DNS lookups that fail or stall, and names with several addresses, of which some do not respond.

Runs with lookups.c and, after it, hostile/addresses.c preloaded. The tests set lookup results in lookups.c.
"""

import contextlib
import ctypes
import itertools
import socket
from ctypes import c_char_p, c_int, c_void_p

from matrix import Scripted, add_row, run
from ports import Port, fill
from stream_end import StreamEnd

from harness import ERROR, Client, call, declare, lib

declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR])

lookups = ctypes.CDLL(None)
assert hasattr(lookups, "set_lookup_result"), "lookups.c is not preloaded"
counter = itertools.count()

# Error numbers of netdb.h, and the number that makes lookups.c stall.
NONAME, AGAIN, FAIL, SYSTEM, STALLS = -2, -3, -4, -11, 1

# RFC 8305 recommends a delay of 250 ms before the next address is tried. HTTP+SSE makes two connections. The additional
# time is for a busy machine.
STAGGER = 250


def staggered(addresses):
    return 2 * STAGGER * addresses + 250


# Labels of addresses, in the form that hostile/addresses.c parses.
WORKING, BLACK_HOLE, OTHER_BLACK_HOLE, REFUSING = "127-0-0-1", "127-0-0-2", "127-0-0-3", "127-0-0-4"
NEW_ADDRESS = BLACK_HOLE


def ipv6_label():
    """The label of ::1, or of an IPv4-mapped address if this machine has no IPv6."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return "v6"
    return "::ffff:127-0-0-5"


IPV6 = ipv6_label()


def address_of(label):
    return "::1" if label == "v6" else label.replace("-", ".")


class Named(Scripted):
    """A scripted server on 127.0.0.1 with a unique name. While the fault is active, the lookup of the name fails with
    `failure`, or gives `addresses`; those in `black_holes` do not respond. With `reconnect`, the client was connected
    before and must connect again. With `moved`, the server then has another address."""

    def __init__(self, transport, failure=0, addresses=(WORKING,), black_holes=(), reconnect=False, moved=False):
        super().__init__(transport, self.normal_response, first_request=not reconnect)
        self.failure, self.addresses, self.black_holes = failure, addresses, black_holes
        self.reconnect, self.moved = reconnect, moved
        self.name = f"w{next(counter)}.lookup"
        self.set_lookup(0, WORKING)
        self.server = self.resources.enter_context(Port(self.handle))
        self.black_hole_sockets = self.resources.enter_context(contextlib.ExitStack())

    def set_lookup(self, failure, *labels):
        instead = ".".join([*labels, "test"])
        assert lookups.set_lookup_result(self.name.encode(), failure, instead.encode()), "lookups.c is full"

    def client(self, token):
        path = "/sse" if self.transport == "sse" else "/mcp"
        client = Client(f"http://{self.name}:{self.server.port}{path}", bearer=token)
        # Ignores a proxy that is set in the environment.
        call(lib.mcp_set_proxy, client.client, b"").must_be("MCP_OK")
        self.end = StreamEnd(client)
        return client

    def start_fault(self):
        super().start_fault()
        for label in self.black_holes:
            self.make_black_hole(address_of(label))
        self.set_lookup(self.failure, *self.addresses)
        if self.reconnect:
            self.server.stop_server()
            if self.transport == "sse":
                self.end.wait()
            if self.moved:
                self.server.listener.close()
                self.server.listener = socket.create_server((address_of(NEW_ADDRESS), self.server.port), backlog=128)
            self.server.start_server()

    def make_black_hole(self, address):
        """Makes connections to the address time out."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, self.server.port), family=family, backlog=0)
        fill(self.black_hole_sockets.enter_context(listener), self.black_hole_sockets)

    def end_fault(self):
        super().end_fault()
        self.set_lookup(0, NEW_ADDRESS if self.moved else WORKING)
        self.black_hole_sockets.close()


def name_row(name, expected, words=(), timeout=None, max_ms=None, **given):
    members = {"max_ms": max_ms} if max_ms else {}
    add_row(name, lambda transport: Named(transport, **given), expected, words, timeout=timeout, **members)


NO_ADDRESS = ("cannot resolve the host name", ".lookup", "check the host")
REFUSED_WORDS = ("connection refused", "is the server running")
CONNECTING = ("timeout of 300 ms", "while connecting")

name_row("DNS: the name does not exist", "MCP_RESOLVE_FAILED", NO_ADDRESS, failure=NONAME)
name_row("DNS: temporary failure", "MCP_RESOLVE_FAILED", NO_ADDRESS, failure=AGAIN)
name_row("DNS: the name server failed", "MCP_RESOLVE_FAILED", NO_ADDRESS, failure=FAIL)
# Not MCP_RESOLVE_FAILED: the name may well have an address.
name_row("DNS: no descriptor is left for the lookup", "MCP_SYSTEM_ERROR", "Too many open files", failure=SYSTEM)
name_row(
    "DNS: the lookup stalls",
    "MCP_TIMEOUT",
    ("timeout of 300 ms", "looking up the server's name"),
    timeout=300,
    failure=STALLS,
)
name_row("DNS: the lookup fails on reconnect", "MCP_OK", failure=NONAME, reconnect=True)
name_row("DNS: the lookup stalls on reconnect", "MCP_OK", failure=STALLS, reconnect=True)
moved_server = {"addresses": (NEW_ADDRESS,), "reconnect": True, "moved": True}
name_row("server and its name move to another address", "MCP_CONNECT_FAILED", REFUSED_WORDS, **moved_server)

one = {"black_holes": (IPV6,), "addresses": (IPV6, WORKING)}
two = {"black_holes": (BLACK_HOLE, OTHER_BLACK_HOLE), "addresses": (BLACK_HOLE, OTHER_BLACK_HOLE, WORKING)}
name_row("IPv6 does not respond, IPv4 works", "MCP_OK", max_ms=staggered(1), **one)
name_row("IPv6 refuses, IPv4 works", "MCP_OK", addresses=(IPV6, WORKING))
name_row("IPv4 works, IPv6 does not respond", "MCP_OK", black_holes=(IPV6,), addresses=(WORKING, IPV6))
name_row("two IPv4 addresses do not respond, the third works", "MCP_OK", max_ms=staggered(2), **two)
# After a call has timed out while connecting, the client does not cache its addresses: the next call must find the
# server at its new address.
both = {"black_holes": (IPV6, BLACK_HOLE), "addresses": (IPV6, BLACK_HOLE)}
mixed = {"black_holes": (IPV6,), "addresses": (IPV6, REFUSING)}
name_row("neither IPv6 nor IPv4 responds", "MCP_TIMEOUT", CONNECTING, timeout=300, **both)
name_row("IPv6 does not respond, IPv4 refuses", "MCP_TIMEOUT", CONNECTING, timeout=300, **mixed)
name_row("IPv6 and IPv4 refuse", "MCP_CONNECT_FAILED", REFUSED_WORDS, addresses=(IPV6, REFUSING))

if __name__ == "__main__":
    run()
