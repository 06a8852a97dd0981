"""Connections that cannot be made, connections that are closed, reset or stalled at each kind of byte, and idle
connections that are no longer usable.

Runs with resets.c preloaded.
"""

import ctypes
import json

from matrix import ACCEPTED, TRANSPORTS, Scripted, add_row, call_tool, run
from ports import Port
from stream_end import StreamEnd
from tcp_proxy import (
    ACCEPT,
    CLOSE,
    DELAY,
    REQUEST,
    RESET,
    RESPONSE,
    SPLIT,
    STALL,
    Fault,
    TcpProxy,
    after_bytes,
    at,
    in_body,
)

from harness import http

ENDED, WAS_RESET = "the server closed the connection", "connection reset by the server"
WAITED = "timeout of 300 ms"
ENDED_EARLY = "the connection ended before the server responded"
INCOMPLETE = "ended before it was complete"
resets = ctypes.CDLL(None)
assert hasattr(resets, "expect_reset"), "resets.c is not preloaded"
LARGE = json.dumps({"x": "y" * (1 << 20)})
POST_TRANSPORTS = ("modern", "legacy")


# --- Fixtures ---------------------------------------------------------------------------------------------------------


class BehindProxy(Scripted):
    """A scripted server behind a TCP proxy that applies the fault. `reconnect` drops all connections when the fault
    starts, `drop_at_end` when it ends. On HTTP+SSE an `unanswered` request gets no response on the event stream."""

    def __init__(self, transport, fault, reconnect=False, unanswered=False, large=False, ping=False, drop_at_end=False):
        unanswered = unanswered and transport == "sse"
        super().__init__(transport, lambda request: ACCEPTED if unanswered else self.normal_response(request))
        self.network_fault, self.reconnect, self.drop_at_end = fault, reconnect, drop_at_end
        self.large, self.use_ping = large, ping
        self.proxy = self.resources.enter_context(TcpProxy(self.server.port))

    def client(self, token):
        self.server.port = self.proxy.port
        client = super().client(token)
        self.end = StreamEnd(client)
        return client

    def start_fault(self):
        super().start_fault()
        if self.reconnect:
            self.proxy.drop()
            if self.transport == "sse":
                self.end.wait()
        self.proxy.arm(self.network_fault)

    def end_fault(self):
        super().end_fault()
        self.proxy.arm(None)
        if self.drop_at_end:
            self.proxy.drop()
            if self.transport == "sse":
                self.end.wait()

    def call(self, client, timeout):
        if self.use_ping:
            return client.ping(timeout=timeout)
        return call_tool(client, LARGE if self.large else "{}", timeout=timeout)


def network_row(name, fault, expected, words=(), transports=TRANSPORTS, **members):
    faults = fault if isinstance(fault, dict) else dict.fromkeys(transports, fault)
    fixture = lambda transport: BehindProxy(transport, faults[transport], **members)  # noqa: E731
    add_row(name, fixture, expected, words, transports, timeout=300 if words == WAITED else None)


class ResetBeforeUse(BehindProxy):
    """Each connection is reset before the client uses it."""

    # MCP_CONNECT_FAILED would be wrong: the connection was accepted.

    def __init__(self, transport):
        super().__init__(transport, Fault(ACCEPT, after_bytes(0), RESET, 99), reconnect=True)

    def start_fault(self):
        super().start_fault()
        resets.expect_reset(self.proxy.port, 1)

    def end_fault(self):
        resets.expect_reset(self.proxy.port, 0)
        super().end_fault()


# --- While connecting -------------------------------------------------------------------------------------------------


class StoppedServer(Scripted):
    """A scripted server that stops while the fault is active. Its port then refuses connections (`refuse`), does not
    accept them (`ignore`), or belongs to a new server (`restart`)."""

    def __init__(self, transport, mode):
        super().__init__(transport, self.respond_as_new_server)
        self.server = self.resources.enter_context(Port(self.handle))
        self.mode = mode

    def client(self, token):
        client = super().client(token)
        self.end = StreamEnd(client)
        return client

    def respond_as_new_server(self, request):
        """The new server does not know the sessions of the old one."""
        if self.transport == "legacy" and request.session:
            return http(404, "no such session", kind="text/plain")
        return self.normal_response(request)

    def handle(self, server, request):
        if request.rpc == "initialize":
            self.fault_active = False
        return super().handle(server, request)

    def start_fault(self):
        super().start_fault()
        if self.mode == "ignore":
            self.server.stop_accepting()
        else:
            self.server.stop_server()
        if self.transport == "sse":
            self.end.wait()
        if self.mode == "restart":
            self.server.start_server()

    def end_fault(self):
        super().end_fault()
        if self.mode != "restart":
            self.server.start_server()


def port_row(name, mode, expected, words=(), **members):
    add_row(name, lambda transport: StoppedServer(transport, mode), expected, words, **members)


port_row("connection refused", "refuse", "MCP_CONNECT_FAILED", ("connection refused", "is the server running"))
port_row("connecting times out", "ignore", "MCP_TIMEOUT", ("timeout of 300 ms", "while connecting"), timeout=300)
port_row("server restart between calls, same port", "restart", "MCP_OK")
network_row("closed after accept", Fault(ACCEPT, after_bytes(0), CLOSE, 99), "MCP_DISCONNECTED", ENDED, reconnect=True)
network_row(
    "reset after accept", Fault(ACCEPT, after_bytes(0), RESET, 99), "MCP_DISCONNECTED", ENDED_EARLY, reconnect=True
)
add_row("reset after accept, before the client uses the connection", ResetBeforeUse, "MCP_DISCONNECTED", ENDED_EARLY)
network_row("no response after accept", Fault(ACCEPT, after_bytes(0), STALL, 99), "MCP_TIMEOUT", WAITED, reconnect=True)


# --- While the request is sent ----------------------------------------------------------------------------------------

half = after_bytes(1 << 18)
network_row("closed in the request head", Fault(REQUEST, after_bytes(20), CLOSE), "MCP_DISCONNECTED", ENDED)
network_row("reset in the request head", Fault(REQUEST, after_bytes(20), RESET), "MCP_DISCONNECTED", WAS_RESET)
network_row("closed in the request body", Fault(REQUEST, half, CLOSE), "MCP_DISCONNECTED", ENDED, large=True)
reset_in_body = Fault(REQUEST, half, RESET)
network_row("reset in the request body", reset_in_body, "MCP_DISCONNECTED", "connection", large=True)
network_row("stall in the request body", Fault(REQUEST, half, STALL), "MCP_TIMEOUT", WAITED, large=True)


# --- Idle connections -------------------------------------------------------------------------------------------------

close_at_request = Fault(REQUEST, after_bytes(0), CLOSE)
network_row("idle connection closed when a tool is called", close_at_request, "MCP_DISCONNECTED", ENDED)
network_row("idle connection closed when a ping is sent", close_at_request, "MCP_OK", ping=True)
reset_at_request = Fault(REQUEST, after_bytes(0), RESET)
network_row("idle connection reset when a tool is called", reset_at_request, "MCP_DISCONNECTED", WAS_RESET)
network_row("idle connection reset when a ping is sent", reset_at_request, "MCP_OK", ping=True)
close_twice = Fault(REQUEST, after_bytes(0), CLOSE, 2)
network_row("two idle connections closed when a ping is sent", close_twice, "MCP_DISCONNECTED", ENDED, ping=True)
network_row("half-open idle connection", Fault(REQUEST, after_bytes(0), STALL), "MCP_TIMEOUT", WAITED)
stall_before_event = Fault(RESPONSE, at(b"data: {"), STALL)
network_row("half-open event stream", stall_before_event, "MCP_TIMEOUT", WAITED, ("sse",), drop_at_end=True)
network_row("idle connection closed between calls", None, "MCP_OK", reconnect=True)


# --- At each kind of byte of a response -------------------------------------------------------------------------------

HEAD = {
    "before the first response byte": after_bytes(0),
    "after the first response byte": after_bytes(1),
    "in the status line": after_bytes(6),
    "after the status line": at(b"\r\n", 2),
    "in a response header name": at(b"\r\nContent-", 7),
    "in a response header value": at(b"application/json", 6),
    "before the final blank line": at(b"\r\n\r\n", 2),
    "in the final blank line": at(b"\r\n\r\n", 3),
}
BODY = {
    "after the response head": in_body(0),
    "in the response body": in_body(5),
    "before the last response byte": in_body(-1),
}
IN_202_TYPE = at(b"text/plain", 6)  # the content type of a 202

for position, where in HEAD.items():
    of_sse = IN_202_TYPE if "value" in position else where
    for how, words in ((CLOSE, ENDED), (RESET, WAS_RESET)):
        faults = {transport: Fault(RESPONSE, of_sse if transport == "sse" else where, how) for transport in TRANSPORTS}
        network_row(f"{how} {position}", faults, "MCP_DISCONNECTED", words, unanswered=True)

for position, where in BODY.items():
    # The client ignores an incomplete 202: the response comes on the event stream.
    expected = dict.fromkeys(POST_TRANSPORTS, "MCP_TRUNCATED") | {"sse": "MCP_OK"}
    for how in (CLOSE, RESET):
        words = dict.fromkeys(POST_TRANSPORTS, INCOMPLETE) | {"sse": ()}
        network_row(f"{how} {position}", Fault(RESPONSE, where, how), expected, words)

EVENT = {
    "before the event": at(b"data: {"),
    "in an event field name": at(b"data: {", 2),
    "in the event data": at(b"data: {", 20),
    "before the blank line of the event": at(b"}\n\n", 2),
}
for position, where in EVENT.items():
    for how, words in ((CLOSE, "ended the event stream"), (RESET, ("the event stream was interrupted", WAS_RESET))):
        fault = Fault(RESPONSE, where, how)
        network_row(f"{how} {position}", fault, "MCP_DISCONNECTED", words, transports=("sse",))

IN_RESPONSE = {"modern": in_body(5), "legacy": in_body(5), "sse": at(b"data: {", 20)}


def in_response(how):
    return {transport: Fault(RESPONSE, where, how) for transport, where in IN_RESPONSE.items()}


network_row("stall in the status line", Fault(RESPONSE, after_bytes(6), STALL), "MCP_TIMEOUT", WAITED, POST_TRANSPORTS)
network_row("stall in the response", in_response(STALL), "MCP_TIMEOUT", WAITED, POST_TRANSPORTS)
network_row("delay in the response", in_response(DELAY), "MCP_OK")
network_row("response sent byte by byte", Fault(RESPONSE, after_bytes(0), SPLIT, 99), "MCP_OK")

if __name__ == "__main__":
    run()
