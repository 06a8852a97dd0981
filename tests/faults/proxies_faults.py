"""Proxies that refuse, want a password, say nothing or nonsense, or break off: for http, for https, and SOCKS5.

The behaviours are those of proxies/toy.py; a world that is healed has a decent one on the same port.
"""

import contextlib
import socket
import struct
import sys
from ctypes import c_char_p, c_int, c_void_p
from functools import partial
from pathlib import Path

from matrix import Scripted, add_row, run
from ports import Port
from secure import TlsServer, trust

from harness import ERROR, Client, call, declare, lib

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "proxies"))

import toy  # noqa: E402

declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR])

# How the proxy is asked: in absolute-form, by CONNECT, or by SOCKS5.
PLAIN, TUNNEL, SOCKS = "http", "tunnel", "socks"
USER, PASSWORD = "user", "pr0xy-pa55word"


class Unrecorded:
    """toy.py writes down what it gets; here nobody reads it."""

    def connection(self):
        return 0

    def bytes(self, *_):
        pass

    def request(self, **_):
        pass


# --- Worlds -----------------------------------------------------------------------------------------------------------


class Proxy(Port):
    """Behaves one way at a time."""

    def __init__(self, behaviour):
        self.behaviour = behaviour
        super().__init__(None)

    def serve(self, connection):
        with connection, contextlib.suppress(OSError, EOFError):
            self.behaviour(toy.Client("", connection, Unrecorded()))
        with self.changed:
            self.open.discard(connection)
            self.changed.notify_all()


class Proxied(Scripted):
    """A scripted server behind a proxy. While the world is broken, the proxy is as `behaviour` says; without one it is
    not there at all, or its queue is `full`."""

    def __init__(self, transport, way, behaviour=None, full=False):
        super().__init__(transport, self.normal_response, first_request=True)
        self.way, self.behaviour, self.full = way, behaviour, full
        self.secure = self.resources.enter_context(TlsServer(self.handle)) if way == TUNNEL else None
        self.good = toy.KINDS["SOCKS_LOGIN" if way == SOCKS else "A"]
        self.proxy = self.resources.enter_context(Proxy(self.good))

    def client(self, token):
        path = "/sse" if self.transport == "sse" else "/mcp"
        origin = f"https://localhost:{self.secure.port}" if self.secure else f"http://127.0.0.1:{self.server.port}"
        made = Client(origin + path, bearer=token)
        if self.secure:
            trust(made)
        scheme = "socks5h" if self.way == SOCKS else "http"
        url = f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{self.proxy.port}"
        call(lib.mcp_set_proxy, made.client, url.encode()).must_be("MCP_OK")
        return made

    def start_fault(self):
        super().start_fault()
        # What a proxy says may lead to another origin.
        self.proxy.behaviour = partial(self.behaviour, fixture=self) if self.behaviour is redirect else self.behaviour
        if self.full:
            self.proxy.stop_answering()
        elif self.behaviour is None:
            self.proxy.leave()

    def end_fault(self):
        super().end_fault()
        self.proxy.behaviour = self.good
        if self.behaviour is None:
            self.proxy.come()

    def call(self, client, timeout):
        outcome = super().call(client, timeout)
        shown = [outcome.message, *client.lines]
        assert not any(PASSWORD in text for text in shown), f"the proxy's password is shown: {shown}"
        return outcome


def redirect(client, fixture):
    answer = toy.reply(307, b"", f"Location: http://127.0.0.1:{fixture.other_origin.port}/")
    toy.http_says(client, answer=answer)


def reset(client):
    client.head()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def proxy_row(name, way, expected, words, timeout=None, **given):
    add_row(name, lambda transport: Proxied(transport, way, **given), expected, words, timeout=timeout)


# --- Over HTTP --------------------------------------------------------------------------------------------------------

GONE = "the connection ended before the server answered"
# What the proxy does, and how that ends for http and for https.
HTTP = {
    "403": (("MCP_FORBIDDEN", "HTTP 403"), ("MCP_PROXY_FAILED", "403")),
    "407": (("MCP_PROXY_AUTH_REQUIRED", "407"), ("MCP_PROXY_AUTH_REQUIRED", "407")),
    "502": (("MCP_UNAVAILABLE", "HTTP 502"), ("MCP_PROXY_FAILED", "502")),
    "GARBAGE": (("MCP_HTTP_ERROR", "no valid HTTP"), ("MCP_PROXY_FAILED", "proxy")),
    "CLOSE": (("MCP_DISCONNECTED", GONE), ("MCP_PROXY_FAILED", "ended before it answered")),
    "CUT": (("MCP_DISCONNECTED", GONE), ("MCP_PROXY_FAILED", "ended before it answered")),
    "ENDLESS": (("MCP_TOO_LARGE", "head of the server's answer"), ("MCP_PROXY_FAILED", "proxy")),
}
LABELS = {
    "403": "says 403", "407": "says 407", "502": "says 502", "GARBAGE": "says what is no HTTP", "CLOSE": "closes",
    "CUT": "is cut", "ENDLESS": "sends headers for ever",
}  # fmt: skip
OTHERS = {
    "redirects to another origin": (redirect, ("MCP_REDIRECT_REFUSED", "another origin"), ("MCP_PROXY_FAILED", "307")),
    "resets": (reset, ("MCP_DISCONNECTED", "connection reset"), ("MCP_PROXY_FAILED", "connection reset")),
}
WAITED = {PLAIN: ("timeout of 300 ms", "while waiting"), TUNNEL: ("timeout of 300 ms", "while waiting for the proxy")}

for kind, ends in HTTP.items():
    for way, (status, words) in zip((PLAIN, TUNNEL), ends, strict=True):
        proxy_row(f"{way}: proxy {LABELS[kind]}", way, status, words, behaviour=toy.KINDS[kind])
for name, (behaviour, *ends) in OTHERS.items():
    for way, (status, words) in zip((PLAIN, TUNNEL), ends, strict=True):
        proxy_row(f"{way}: proxy {name}", way, status, words, behaviour=behaviour)
for way in (PLAIN, TUNNEL):
    for kind, label in (("SILENT", "says nothing"), ("HALF", "says half a head")):
        proxy_row(f"{way}: proxy {label}", way, "MCP_TIMEOUT", WAITED[way], 300, behaviour=toy.KINDS[kind])
proxy_row("tunnel: proxy says more than it may", TUNNEL, "MCP_PROXY_FAILED", "proxy", behaviour=toy.KINDS["EXTRA"])


# --- SOCKS5 -----------------------------------------------------------------------------------------------------------

REPLIES = ("general failure", "rules", "network", "host", "refused", "too long", "kind", "kind", "reply 9")
for number, words in enumerate(REPLIES, start=1):
    # It takes the password first.
    refuses = partial(toy.socks, reply=number, login=0)
    proxy_row(f"SOCKS5: reply {number}", SOCKS, "MCP_PROXY_FAILED", words, behaviour=refuses)
FAILED, UNKNOWN = "MCP_PROXY_FAILED", "does not speak SOCKS5"
for kind, label, status, words in (
    ("VERSION", "another version", FAILED, UNKNOWN),
    ("GARBAGE", "what is no SOCKS", FAILED, UNKNOWN),
    ("CLOSE", "the end", FAILED, "ended before it answered"),
    ("CUT", "half a reply", FAILED, "ended before it answered"),
    ("KIND", "an unknown kind of address", FAILED, "an address of an unknown kind"),
    ("METHOD", "a method that was not offered", FAILED, "a way to log in that it was not offered"),
    ("NO_METHOD", "no method will do", FAILED, "neither a user name and password"),
    ("REFUSED", "password refused", "MCP_PROXY_AUTH_REQUIRED", "user name or password"),
):
    proxy_row(f"SOCKS5: {label}", SOCKS, status, words, behaviour=toy.KINDS[f"SOCKS_{kind}"])
proxy_row("SOCKS5: silence", SOCKS, "MCP_TIMEOUT", WAITED[TUNNEL], 300, behaviour=toy.KINDS["SOCKS_SILENT"])


# --- Not there --------------------------------------------------------------------------------------------------------

NOBODY, CONNECTING = ("cannot connect to the proxy", "connection refused"), ("timeout of 300 ms", "while connecting")
for way in (PLAIN, TUNNEL, SOCKS):
    proxy_row(f"{way}: no proxy listens", way, FAILED, NOBODY)
    proxy_row(f"{way}: black hole for a proxy", way, "MCP_TIMEOUT", CONNECTING, 300, full=True)

if __name__ == "__main__":
    run()
