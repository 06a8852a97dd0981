"""Connections that cannot be made, that are cut, reset or stalled at each kind of byte, and kept ones that have died.

Runs with resets.c preloaded.
"""

import ctypes
import json

from matrix import ACCEPTED, TRANSPORTS, Scripted, add_row, call_tool, run
from ports import Port
from stream_end import StreamEnd
from tcp_proxy import (
    ACCEPT, ANSWER, DELAY, END, REQUEST, RESET, SPLIT, STALL, Fault, TcpProxy, at, behind, in_body,
)  # fmt: skip

from harness import http

ENDED, WAS_RESET = "the server closed the connection", "connection reset by the server"
WAITED = "timeout of 300 ms"
GONE = "the connection ended before the server answered"
INCOMPLETE = "ended before it was complete"
preloaded = ctypes.CDLL(None)
assert hasattr(preloaded, "resets_come"), "is resets.c preloaded?"
LARGE = json.dumps({"x": "y" * (1 << 20)})
WITH_POST = ("modern", "legacy")


# --- On the way -------------------------------------------------------------------------------------------------------


class Behind(Scripted):
    """A scripted server behind a proxy that has the fault. With `anew`, the connections that there were are gone; where
    it `drops` them, that is when the world is healed. On HTTP+SSE an `unanswered` request gets nothing on the stream."""

    def __init__(self, transport, fault, anew=False, unanswered=False, large=False, ping=False, drops=False):
        unanswered = unanswered and transport == "sse"
        super().__init__(transport, lambda request: ACCEPTED if unanswered else self.normal_response(request))
        self.network_fault, self.anew, self.drops, self.large, self.uses_ping = fault, anew, drops, large, ping
        self.proxy = self.resources.enter_context(TcpProxy(self.server.port))

    def client(self, token):
        self.server.port = self.proxy.port
        made = super().client(token)
        self.end = StreamEnd(made)
        return made

    def start_fault(self):
        super().start_fault()
        if self.anew:
            self.proxy.drop()
            if self.transport == "sse":
                self.end.wait()
        self.proxy.arm(self.network_fault)

    def end_fault(self):
        super().end_fault()
        self.proxy.arm(None)
        if self.drops:
            self.proxy.drop()
            if self.transport == "sse":
                self.end.wait()

    def call(self, client, timeout):
        if self.uses_ping:
            return client.ping(timeout=timeout)
        return call_tool(client, LARGE if self.large else "{}", timeout=timeout)


def network_row(name, fault, expected, words=(), transports=TRANSPORTS, **members):
    faults = fault if isinstance(fault, dict) else dict.fromkeys(transports, fault)
    fixture = lambda transport: Behind(transport, faults[transport], **members)  # noqa: E731
    add_row(name, fixture, expected, words, transports, timeout=300 if words == WAITED else None)


class SlowReset(Behind):
    """Each connection has been reset before the client does anything with it."""

    # That it cannot connect, MCP_CONNECT_FAILED, would be wrong, for somebody has accepted.

    def __init__(self, transport):
        super().__init__(transport, Fault(ACCEPT, behind(0), RESET, 99), anew=True)

    def start_fault(self):
        super().start_fault()
        preloaded.resets_come(self.proxy.port, 1)

    def end_fault(self):
        preloaded.resets_come(self.proxy.port, 0)
        super().end_fault()


# --- At the beginning -------------------------------------------------------------------------------------------------


class Leaving(Scripted):
    """A scripted server that leaves its port while the world is broken: to nobody, to a queue that nobody serves, or to
    its successor."""

    def __init__(self, transport, then):
        super().__init__(transport, self.successor)
        self.server = self.resources.enter_context(Port(self.handle))
        self.then = then

    def client(self, token):
        made = super().client(token)
        self.end = StreamEnd(made)
        return made

    def successor(self, request):
        """It does not know the sessions of the one before it."""
        if self.transport == "legacy" and request.session:
            return http(404, "no such session", kind="text/plain")
        return self.normal_response(request)

    def handle(self, server, request):
        if request.rpc == "initialize":
            self.fault_active = False
        return super().handle(server, request)

    def start_fault(self):
        super().start_fault()
        if self.then == "queue":
            self.server.stop_answering()
        else:
            self.server.leave()
        if self.transport == "sse":
            self.end.wait()
        if self.then == "successor":
            self.server.come()

    def end_fault(self):
        super().end_fault()
        if self.then != "successor":
            self.server.come()


def port_row(name, then, expected, words=(), **members):
    add_row(name, lambda transport: Leaving(transport, then), expected, words, **members)


port_row("connect refused", "nobody", "MCP_CONNECT_FAILED", ("connection refused", "is the server running"))
port_row("connect black hole", "queue", "MCP_TIMEOUT", ("timeout of 300 ms", "while connecting"), timeout=300)
port_row("server restart between calls, same port", "successor", "MCP_OK")
network_row("closed at accept", Fault(ACCEPT, behind(0), END, 99), "MCP_DISCONNECTED", ENDED, anew=True)
network_row("reset at accept", Fault(ACCEPT, behind(0), RESET, 99), "MCP_DISCONNECTED", GONE, anew=True)
add_row("reset at accept, before the client looks", SlowReset, "MCP_DISCONNECTED", GONE)
network_row("accepted, then nothing", Fault(ACCEPT, behind(0), STALL, 99), "MCP_TIMEOUT", WAITED, anew=True)


# --- While the request is sent ----------------------------------------------------------------------------------------

half = behind(1 << 18)
network_row("closed in the head of the request", Fault(REQUEST, behind(20), END), "MCP_DISCONNECTED", ENDED)
network_row("reset in the head of the request", Fault(REQUEST, behind(20), RESET), "MCP_DISCONNECTED", WAS_RESET)
network_row("closed in the body of the request", Fault(REQUEST, half, END), "MCP_DISCONNECTED", ENDED, large=True)
fault_active = Fault(REQUEST, half, RESET)
network_row("reset in the body of the request", fault_active, "MCP_DISCONNECTED", "connection", large=True)
network_row("stall in the body of the request", Fault(REQUEST, half, STALL), "MCP_TIMEOUT", WAITED, large=True)


# --- Kept connections -------------------------------------------------------------------------------------------------

gone = Fault(REQUEST, behind(0), END)
network_row("kept connection closed under a tool's call", gone, "MCP_DISCONNECTED", ENDED)
network_row("kept connection closed under a ping", gone, "MCP_OK", ping=True)
dead = Fault(REQUEST, behind(0), RESET)
network_row("kept connection reset under a tool's call", dead, "MCP_DISCONNECTED", WAS_RESET)
network_row("kept connection reset under a ping", dead, "MCP_OK", ping=True)
both = Fault(REQUEST, behind(0), END, 2)
network_row("two kept connections closed under a ping", both, "MCP_DISCONNECTED", ENDED, ping=True)
network_row("kept connection that is half open", Fault(REQUEST, behind(0), STALL), "MCP_TIMEOUT", WAITED)
lost = Fault(ANSWER, at(b"data: {"), STALL)
network_row("event stream that is half open", lost, "MCP_TIMEOUT", WAITED, ("sse",), drops=True)
network_row("kept connection closed between calls", None, "MCP_OK", anew=True)


# --- At each kind of byte of an answer --------------------------------------------------------------------------------

HEAD = {
    "before the first byte": behind(0),
    "behind the first byte": behind(1),
    "in the status line": behind(6),
    "behind the status line": at(b"\r\n", 2),
    "in a header's name": at(b"\r\nContent-", 7),
    "in a header's value": at(b"application/json", 6),
    "before the blank line": at(b"\r\n\r\n", 2),
    "in the blank line": at(b"\r\n\r\n", 3),
}
BODY = {"behind the head": in_body(0), "in the body": in_body(5), "before the last byte": in_body(-1)}
TEXT = at(b"text/plain", 6)  # what a 202 says

for place, where in HEAD.items():
    of_sse = TEXT if "value" in place else where
    for how, words in ((END, ENDED), (RESET, WAS_RESET)):
        faults = {transport: Fault(ANSWER, of_sse if transport == "sse" else where, how) for transport in TRANSPORTS}
        network_row(f"{how} {place}", faults, "MCP_DISCONNECTED", words, unanswered=True)

for place, where in BODY.items():
    # What becomes of the rest of a 202 is of no interest: the answer comes on the stream.
    expected = dict.fromkeys(WITH_POST, "MCP_TRUNCATED") | {"sse": "MCP_OK"}
    for how in (END, RESET):
        words = dict.fromkeys(WITH_POST, INCOMPLETE) | {"sse": ()}
        network_row(f"{how} {place}", Fault(ANSWER, where, how), expected, words)

EVENT = {
    "before the event": at(b"data: {"),
    "in a field's name": at(b"data: {", 2),
    "in the event's data": at(b"data: {", 20),
    "before the event's blank line": at(b"}\n\n", 2),
}
for place, where in EVENT.items():
    for how, words in ((END, "ended the event stream"), (RESET, ("the event stream broke off", WAS_RESET))):
        fault = Fault(ANSWER, where, how)
        network_row(f"{how} {place}", fault, "MCP_DISCONNECTED", words, transports=("sse",))

slow = {"modern": in_body(5), "legacy": in_body(5), "sse": at(b"data: {", 20)}


def anywhere(how):
    return {transport: Fault(ANSWER, where, how) for transport, where in slow.items()}


network_row("stall in the status line", Fault(ANSWER, behind(6), STALL), "MCP_TIMEOUT", WAITED, WITH_POST)
network_row("stall in the answer", anywhere(STALL), "MCP_TIMEOUT", WAITED, WITH_POST)
network_row("delay in the answer", anywhere(DELAY), "MCP_OK")
network_row("each byte of the answer by itself", Fault(ANSWER, behind(0), SPLIT, 99), "MCP_OK")

if __name__ == "__main__":
    run()
