"""Proxies that refuse requests, require a password, do not respond, send invalid data, or close the connection: for
http URLs, for https URLs (CONNECT), and SOCKS5.

The behaviors are defined in proxies/scripted.py. Without the fault, a working proxy uses the same port.
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

import scripted  # noqa: E402

declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR])

# How the client uses the proxy: with an absolute-form request target, with CONNECT, or with SOCKS5.
PLAIN, TUNNEL, SOCKS = "HTTP", "CONNECT", "SOCKS5"
USER, PASSWORD = "user", "pr0xy-pa55word"


class NoRecord:
    """Discards what scripted.py records."""

    def connection(self):
        return 0

    def bytes(self, *_):
        pass

    def request(self, **_):
        pass


# --- Fixtures ---------------------------------------------------------------------------------------------------------


class Proxy(Port):
    """A proxy whose behavior can be changed."""

    def __init__(self, behavior):
        self.behavior = behavior
        super().__init__(None)

    def serve(self, connection):
        with connection, contextlib.suppress(OSError, EOFError):
            self.behavior(scripted.Client("", connection, NoRecord()))
        with self.changed:
            self.open.discard(connection)
            self.changed.notify_all()


class Proxied(Scripted):
    """A scripted server behind a proxy. While the fault is active, the proxy has the given behavior. Without a
    behavior, it refuses connections, or ignores them (`ignore_connections`)."""

    def __init__(self, transport, mode, behavior=None, ignore_connections=False):
        super().__init__(transport, self.normal_response, first_request=True)
        self.mode, self.behavior, self.ignore_connections = mode, behavior, ignore_connections
        self.tls_server = self.resources.enter_context(TlsServer(self.handle)) if mode == TUNNEL else None
        self.working_behavior = scripted.KINDS["SOCKS_LOGIN" if mode == SOCKS else "A"]
        self.proxy = self.resources.enter_context(Proxy(self.working_behavior))

    def client(self, token):
        path = "/sse" if self.transport == "sse" else "/mcp"
        origin = (
            f"https://localhost:{self.tls_server.port}" if self.tls_server else f"http://127.0.0.1:{self.server.port}"
        )
        client = Client(origin + path, bearer=token)
        if self.tls_server:
            trust(client)
        scheme = "socks5h" if self.mode == SOCKS else "http"
        url = f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{self.proxy.port}"
        call(lib.mcp_set_proxy, client.client, url.encode()).must_be("MCP_OK")
        return client

    def start_fault(self):
        super().start_fault()
        # A redirect needs the URL of the other origin.
        self.proxy.behavior = partial(self.behavior, fixture=self) if self.behavior is redirect else self.behavior
        if self.ignore_connections:
            self.proxy.stop_accepting()
        elif self.behavior is None:
            self.proxy.stop_server()

    def end_fault(self):
        super().end_fault()
        self.proxy.behavior = self.working_behavior
        if self.behavior is None:
            self.proxy.start_server()

    def call(self, client, timeout):
        outcome = super().call(client, timeout)
        texts = [outcome.message, *client.lines]
        assert not any(PASSWORD in text for text in texts), f"the proxy's password is in the error or the log: {texts}"
        return outcome


def redirect(client, fixture):
    response = scripted.reply(307, b"", f"Location: http://127.0.0.1:{fixture.other_origin.port}/")
    scripted.respond_http(client, answer=response)


def reset(client):
    client.head()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def proxy_row(name, mode, expected, words, timeout=None, **arguments):
    add_row(name, lambda transport: Proxied(transport, mode, **arguments), expected, words, timeout=timeout)


# --- Over HTTP --------------------------------------------------------------------------------------------------------

ENDED_EARLY = "the connection ended before the server responded"
# The behavior of the proxy, and the expected end of the call for http and for https.
RESPONSES = {
    "403": (("MCP_FORBIDDEN", "HTTP 403"), ("MCP_PROXY_FAILED", "403")),
    "407": (("MCP_PROXY_AUTH_REQUIRED", "407"), ("MCP_PROXY_AUTH_REQUIRED", "407")),
    "502": (("MCP_UNAVAILABLE", "HTTP 502"), ("MCP_PROXY_FAILED", "502")),
    "GARBAGE": (("MCP_HTTP_ERROR", "not valid HTTP"), ("MCP_PROXY_FAILED", "proxy")),
    "CLOSE": (("MCP_DISCONNECTED", ENDED_EARLY), ("MCP_PROXY_FAILED", "ended before it responded")),
    "CUT": (("MCP_DISCONNECTED", ENDED_EARLY), ("MCP_PROXY_FAILED", "ended before it responded")),
    "ENDLESS": (("MCP_TOO_LARGE", "head of the server's response"), ("MCP_PROXY_FAILED", "proxy")),
}
LABELS = {
    "403": "responds with 403",
    "407": "responds with 407",
    "502": "responds with 502",
    "GARBAGE": "responds with invalid HTTP",
    "CLOSE": "closes the connection",
    "CUT": "closes in its response head",
    "ENDLESS": "sends endless headers",
}
OTHER_FAULTS = {
    "redirects to another origin": (redirect, ("MCP_REDIRECT_REFUSED", "another origin"), ("MCP_PROXY_FAILED", "307")),
    "resets the connection": (
        reset,
        ("MCP_DISCONNECTED", "connection reset"),
        ("MCP_PROXY_FAILED", "connection reset"),
    ),
}
WAITED = {PLAIN: ("timeout of 300 ms", "while waiting"), TUNNEL: ("timeout of 300 ms", "while waiting for the proxy")}

for kind, ends in RESPONSES.items():
    for mode, (status, words) in zip((PLAIN, TUNNEL), ends, strict=True):
        proxy_row(f"{mode}: proxy {LABELS[kind]}", mode, status, words, behavior=scripted.KINDS[kind])
for name, (behavior, *ends) in OTHER_FAULTS.items():
    for mode, (status, words) in zip((PLAIN, TUNNEL), ends, strict=True):
        proxy_row(f"{mode}: proxy {name}", mode, status, words, behavior=behavior)
for mode in (PLAIN, TUNNEL):
    for kind, label in (("SILENT", "sends nothing"), ("HALF", "sends half a response head")):
        proxy_row(f"{mode}: proxy {label}", mode, "MCP_TIMEOUT", WAITED[mode], 300, behavior=scripted.KINDS[kind])
proxy_row(
    "CONNECT: proxy sends unexpected data after its response",
    TUNNEL,
    "MCP_PROXY_FAILED",
    "proxy",
    behavior=scripted.KINDS["EXTRA"],
)


# --- SOCKS5 -----------------------------------------------------------------------------------------------------------

REPLY_WORDS = (
    "general failure",
    "rules",
    "network",
    "host",
    "refused",
    "TTL expired",
    "command not supported",
    "address type not supported",
    "reply 9",
)
for number, words in enumerate(REPLY_WORDS, start=1):
    # login=0: it accepts the password before that.
    rejects = partial(scripted.socks, reply=number, login=0)
    proxy_row(f"SOCKS5: error reply {number}", SOCKS, "MCP_PROXY_FAILED", words, behavior=rejects)
FAILED, NOT_SOCKS = "MCP_PROXY_FAILED", "does not speak SOCKS5"
for kind, label, status, words in (
    ("VERSION", "proxy speaks another version", FAILED, NOT_SOCKS),
    ("GARBAGE", "proxy does not speak SOCKS", FAILED, NOT_SOCKS),
    ("CLOSE", "proxy closes the connection", FAILED, "ended before it responded"),
    ("CUT", "incomplete reply", FAILED, "ended before it responded"),
    ("KIND", "unknown address type", FAILED, "unknown address type"),
    ("METHOD", "authentication method that was not offered", FAILED, "authentication method that was not offered"),
    ("NO_METHOD", "no acceptable authentication method", FAILED, "neither password authentication"),
    ("REFUSED", "password is rejected", "MCP_PROXY_AUTH_REQUIRED", "user name or password"),
):
    proxy_row(f"SOCKS5: {label}", SOCKS, status, words, behavior=scripted.KINDS[f"SOCKS_{kind}"])
proxy_row("SOCKS5: no reply", SOCKS, "MCP_TIMEOUT", WAITED[TUNNEL], 300, behavior=scripted.KINDS["SOCKS_SILENT"])


# --- No proxy ---------------------------------------------------------------------------------------------------------

NO_PROXY, CONNECTING = ("cannot connect to the proxy", "connection refused"), ("timeout of 300 ms", "while connecting")
for mode in (PLAIN, TUNNEL, SOCKS):
    proxy_row(f"{mode}: connection to the proxy refused", mode, FAILED, NO_PROXY)
    proxy_row(
        f"{mode}: connecting to the proxy times out", mode, "MCP_TIMEOUT", CONNECTING, 300, ignore_connections=True
    )

if __name__ == "__main__":
    run()
