"""Names that cannot be looked up, stall, or have several addresses of which some lead nowhere.

Runs with lookups.c and, behind it, hostile/addresses.c preloaded: what becomes of a name is told to the first of them.
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
numbers = itertools.count()

# Of netdb.h, and what stands for a lookup that does not end.
NONAME, AGAIN, FAIL, SYSTEM, STALLS = -2, -3, -4, -11, 1

# RFC 8305 recommends 250 ms before the next address is tried. HTTP+SSE makes two connections; the rest is for a busy
# machine.
STAGGER = 250


def staggered(addresses):
    return 2 * STAGGER * addresses + 250


WORKS, HOLE, OTHER_HOLE, REFUSED = "127-0-0-1", "127-0-0-2", "127-0-0-3", "127-0-0-4"


def ipv6():
    """This machine's own address; where it has none, that of an IPv4 address in IPv6."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return "v6"
    return "::ffff:127-0-0-5"


IPV6 = ipv6()


def spelt(label):
    return "::1" if label == "v6" else label.replace("-", ".")


class Named(Scripted):
    """A scripted server on 127.0.0.1, and a name of its own for it. While the world is broken, the lookup of the name
    fails, or gives `addresses`; those among `holes` lead nowhere. With `anew`, the client was connected before; when the
    server is `gone`, it is at another address then."""

    def __init__(self, transport, failure=0, addresses=(WORKS,), holes=(), anew=False, gone=False):
        super().__init__(transport, self.normal_response, first_request=not anew)
        self.failure, self.addresses, self.holes, self.anew, self.gone = failure, addresses, holes, anew, gone
        self.name = f"w{next(numbers)}.lookup"
        self.says(0, WORKS)
        self.server = self.resources.enter_context(Port(self.handle))
        self.filled = self.resources.enter_context(contextlib.ExitStack())

    def says(self, failure, *labels):
        instead = ".".join([*labels, "test"])
        assert lookups.lookup_says(self.name.encode(), failure, instead.encode()), "is lookups.c preloaded?"

    def client(self, token):
        path = "/sse" if self.transport == "sse" else "/mcp"
        made = Client(f"http://{self.name}:{self.server.port}{path}", bearer=token)
        # None, whatever the environment says.
        call(lib.mcp_set_proxy, made.client, b"").must_be("MCP_OK")
        self.end = StreamEnd(made)
        return made

    def start_fault(self):
        super().start_fault()
        for label in self.holes:
            self.dig(spelt(label))
        self.says(self.failure, *self.addresses)
        if self.anew:
            self.server.leave()
            if self.transport == "sse":
                self.end.wait()
            if self.gone:
                self.server.listener.close()
                self.server.listener = socket.create_server((spelt(HOLE), self.server.port), backlog=128)
            self.server.come()

    def dig(self, address):
        """An address that does not answer."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = socket.create_server((address, self.server.port), family=family, backlog=0)
        fill(self.filled.enter_context(listener), self.filled)

    def end_fault(self):
        super().end_fault()
        self.says(0, HOLE if self.gone else WORKS)
        self.filled.close()


def name_row(name, expected, words=(), timeout=None, max_ms=None, **given):
    members = {"max_ms": max_ms} if max_ms else {}
    add_row(name, lambda transport: Named(transport, **given), expected, words, timeout=timeout, **members)


NO_ADDRESS = (".lookup has no address", "check the host")
NOBODY = ("connection refused", "is the server running")
CONNECTING = ("timeout of 300 ms", "while connecting")

name_row("DNS: there is no such name", "MCP_RESOLVE_FAILED", NO_ADDRESS, failure=NONAME)
name_row("DNS: no answer at the moment", "MCP_RESOLVE_FAILED", NO_ADDRESS, failure=AGAIN)
name_row("DNS: the name server failed", "MCP_RESOLVE_FAILED", NO_ADDRESS, failure=FAIL)
# Not MCP_RESOLVE_FAILED: the name may well have an address.
name_row("DNS: no descriptor for the lookup", "MCP_SYSTEM_ERROR", "Too many open files", failure=SYSTEM)
name_row("DNS stalls", "MCP_TIMEOUT", ("timeout of 300 ms", "looking up the server's name"), timeout=300, failure=STALLS)
name_row("DNS fails when connected anew", "MCP_OK", failure=NONAME, anew=True)
name_row("DNS stalls when connected anew", "MCP_OK", failure=STALLS, anew=True)
moved = {"addresses": (HOLE,), "anew": True, "gone": True}
name_row("server moved to another address, name too", "MCP_CONNECT_FAILED", NOBODY, **moved)

one = {"holes": (IPV6,), "addresses": (IPV6, WORKS)}
two = {"holes": (HOLE, OTHER_HOLE), "addresses": (HOLE, OTHER_HOLE, WORKS)}
name_row("IPv6 black hole, IPv4 works", "MCP_OK", max_ms=staggered(1), **one)
name_row("IPv6 refuses, IPv4 works", "MCP_OK", addresses=(IPV6, WORKS))
name_row("IPv4 works, IPv6 black hole", "MCP_OK", holes=(IPV6,), addresses=(WORKS, IPV6))
name_row("two IPv4 black holes, the third works", "MCP_OK", max_ms=staggered(2), **two)
# A call that timed out while connecting does not leave its addresses in the client's memory: the next one has to find the
# server at its new one.
both, mixed = {"holes": (IPV6, HOLE), "addresses": (IPV6, HOLE)}, {"holes": (IPV6,), "addresses": (IPV6, REFUSED)}
name_row("IPv6 and IPv4 black holes", "MCP_TIMEOUT", CONNECTING, timeout=300, **both)
name_row("IPv6 black hole, IPv4 refuses", "MCP_TIMEOUT", CONNECTING, timeout=300, **mixed)
name_row("IPv6 and IPv4 refuse", "MCP_CONNECT_FAILED", NOBODY, addresses=(IPV6, REFUSED))

if __name__ == "__main__":
    run()
