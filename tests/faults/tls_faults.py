"""TLS that proves nothing, breaks off in the handshake or behind it, or is none at all."""

import contextlib
import socket

import certificates
from matrix import ACCEPTED, MAX_MS, RESULT, TRANSPORTS, Scripted, add_row, run
from secure import TlsServer, context, trust
from stream_end import StreamEnd
from tcp_proxy import ANSWER, END, REQUEST, RESET, SPOIL, STALL, Fault, TcpProxy, behind, in_record

from harness import Client, Server, answer, event, http

# --- Servers ----------------------------------------------------------------------------------------------------------


class Peer(Server):
    """Something that reads a ClientHello to its end, and then says what it likes."""

    def __init__(self, says):
        self.says = says
        super().__init__(None)

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            head = connection.recv(5, socket.MSG_WAITALL)
            connection.recv(int.from_bytes(head[3:5], "big"), socket.MSG_WAITALL)
            connection.sendall(self.says)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        with self.changed:
            self.open.discard(connection)
            self.changed.notify_all()


# --- Worlds -----------------------------------------------------------------------------------------------------------


class Secure(Scripted):
    """A scripted server over TLS behind a proxy. While the world is broken, the proxy has the `fault`, or leads to what
    `other` makes; or the server meets the call with `answers`. With `anew`, the client was connected before."""

    def __init__(self, transport, other=None, fault=None, answers=None, anew=False):
        super().__init__(transport, answers or self.normal_response)
        self.network_fault, self.anew = fault, anew
        self.first_request = not (anew or answers)
        self.secure = self.resources.enter_context(TlsServer(self.handle))
        self.other = self.resources.enter_context(other(self)) if other else self.secure
        self.proxy = self.resources.enter_context(TcpProxy(self.secure.port))

    def client(self, token):
        path = "/sse" if self.transport == "sse" else "/mcp"
        made = Client(f"https://localhost:{self.proxy.port}{path}", bearer=token)
        trust(made)
        self.end = StreamEnd(made)
        return made

    def handle(self, server, request):
        # A handshake that fails comes before any request.
        self.first_request = False
        return super().handle(server, request)

    def start_fault(self):
        super().start_fault()
        self.proxy.target = self.other.port
        self.proxy.arm(self.network_fault)
        if self.anew:
            self.proxy.drop()
            if self.transport == "sse":
                self.end.wait()

    def end_fault(self):
        super().end_fault()
        self.proxy.target = self.secure.port
        self.proxy.arm(None)


def tls_row(name, expected, words, transports=TRANSPORTS, timeout=None, max_ms=MAX_MS, **given):
    for anew in (False, True) if given.pop("both", False) else (False,):
        fixture = lambda transport, anew=anew: Secure(transport, anew=anew, **given)  # noqa: E731
        label = f"{name}, when connected anew" if anew else name
        add_row(label, fixture, expected, words, transports, timeout=timeout, max_ms=max_ms)


# --- Certificates -----------------------------------------------------------------------------------------------------


def certified_row(name, words, **given):
    made = context(name, **given)
    other = lambda fixture: TlsServer(fixture.handle, made)  # noqa: E731
    tls_row(name, "MCP_TLS_FAILED", ("no trusted TLS connection", words), other=other, both=True)


certified_row("expired certificate", "expired", years=certificates.EXPIRED)
certified_row("certificate that is not valid yet", "not valid yet", years=certificates.NOT_YET)
certified_row("certificate of another host", "localhost", host="elsewhere.invalid")
certified_row("certificate of an unknown authority", "UnknownIssuer", issuer=certificates.STRANGER)
certified_row("self-signed certificate", "UnknownIssuer", subject="mcp-test self-signed", issuer="mcp-test self-signed")
certified_row("certificate of a client", "extended key usage", purpose=certificates.CLIENT_AUTH)


# --- No TLS -----------------------------------------------------------------------------------------------------------


def peer_row(name, says, words):
    tls_row(name, "MCP_TLS_FAILED", words, other=lambda _: Peer(says))


ENDED, WAS_RESET = "the server closed the connection", "connection reset by the server"
ALERT = b"\x15\x03\x03\x00\x02\x02"

peer_row("plain HTTP behind an https URL", http(400, "this is HTTP", kind="text/plain"), "no trusted TLS connection")
peer_row("another protocol (SSH)", b"SSH-2.0-toy\r\n", "no trusted TLS connection")
peer_row("closed behind the ClientHello", b"", ENDED)
for number, name in {40: "HandshakeFailure", 70: "ProtocolVersion", 80: "InternalError", 112: "UnrecognisedName"}.items():
    peer_row(f"TLS alert: {name}", ALERT + bytes([number]), name)
peer_row("a record of 64 KB in the handshake", b"\x16\x03\x03\xff\xff" + b"x" * 0xFFFF, "no trusted TLS connection")
peer_row("records of nothing without end", b"\x16\x03\x03\x00\x00" * 5000, "no trusted TLS connection")


# --- A handshake that is cut ------------------------------------------------------------------------------------------

PLACES = {
    "in the ClientHello": (REQUEST, behind(50)),
    "behind the ClientHello": (ANSWER, behind(0)),
    "in the ServerHello's record header": (ANSWER, behind(3)),
    "in the ServerHello": (ANSWER, in_record(0, 40)),
    "behind the ServerHello": (ANSWER, in_record(1, 0)),
    "in the encrypted handshake": (ANSWER, in_record(2, 10)),
}
for place, (direction, where) in PLACES.items():
    for how, words in ((END, ENDED), (RESET, WAS_RESET)):
        tls_row(f"handshake {how} {place}", "MCP_TLS_FAILED", words, fault=Fault(direction, where, how, 99))
for place in ("in the ClientHello", "behind the ClientHello", "in the encrypted handshake"):
    words = ("timeout of 300 ms", "during the TLS handshake")
    tls_row(f"silence {place}", "MCP_TIMEOUT", words, fault=Fault(*PLACES[place], STALL, 99), timeout=300)
for place in ("in the ServerHello", "in the encrypted handshake"):
    words = "no trusted TLS connection"
    tls_row(f"a byte changed {place}", "MCP_TLS_FAILED", words, fault=Fault(*PLACES[place], SPOIL, 99))


# --- Behind the handshake ---------------------------------------------------------------------------------------------

BODY = {"modern": "MCP_TRUNCATED", "legacy": "MCP_TRUNCATED"}
POSTED = ("modern", "legacy")


def cut(make, notify=False):
    """Sends that, and ends the connection, with a close_notify or without."""

    def fault(request):
        request.send(make(request))
        if notify:
            with contextlib.suppress(OSError):
                request.socket.unwrap()
        else:
            request.socket.shutdown(socket.SHUT_RDWR)

    return fault


def half(request, **headers):
    return http(200, answer(request, RESULT), **headers)[:-20]


def endless(request):
    return half(request, Content_Length=None)


def whole(request):
    return http(200, answer(request, RESULT), Content_Length=None, Connection="close")


half_a_head = cut(lambda _: b"HTTP/1.1 200 OK\r\nCont")
tls_row("no close_notify in the head", "MCP_DISCONNECTED", ENDED, POSTED, answers=half_a_head)
tls_row("no close_notify in the body", BODY, "ended before it was complete", answers=cut(half))
tls_row("close_notify in the body", BODY, "ended before it was complete", answers=cut(half, notify=True))
tls_row("no close_notify in a body without a length", "MCP_INVALID_JSON", "JSON", POSTED, answers=cut(endless))
tls_row("no close_notify behind a body without a length", "MCP_OK", (), POSTED, answers=cut(whole))


def cut_stream(request):
    stream = request.fixture.stream
    stream.sendall(event(answer(request, RESULT))[:-20])
    stream.shutdown(socket.SHUT_RDWR)
    return ACCEPTED


tls_row("no close_notify in an event", "MCP_DISCONNECTED", "event stream", ("sse",), answers=cut_stream)


def in_two_records(request):
    data = http(200, answer(request, RESULT))
    request.send(data[:-20])
    request.send(data[-20:])
    return b""


LATE_ROWS = (
    ("record of the answer's head cut", in_record(0, 50), END, "MCP_DISCONNECTED", ENDED),
    ("record of the answer's head reset", in_record(0, 50), RESET, "MCP_DISCONNECTED", WAS_RESET),
    ("a byte of the answer's head changed", in_record(0, 50), SPOIL, "MCP_TLS_FAILED", "decrypt"),
    ("record of the answer's body cut", in_record(1, 10), END, "MCP_TRUNCATED", "ended before it was complete"),
    ("record of the answer's body reset", in_record(1, 10), RESET, "MCP_TRUNCATED", WAS_RESET),
)
for name, where, how, expected, words in LATE_ROWS:
    tls_row(name, expected, words, POSTED, fault=Fault(ANSWER, where, how), answers=in_two_records)
stall = {"fault": Fault(ANSWER, in_record(1, 10), STALL), "answers": in_two_records}
tls_row("record of the answer's body stalls", "MCP_TIMEOUT", "timeout of 300 ms", POSTED, 300, **stall)


def in_one_segment(make):
    """Two records that come together."""

    def fault(request):
        request.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        for part in make(request):
            request.send(part)
        request.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        return b""

    return fault


def head_and_body(request):
    head, blank, body = http(200, answer(request, RESULT)).partition(b"\r\n\r\n")
    return head + blank, body


def answer_and_more(request):
    return http(200, answer(request, RESULT)), b"HTTP/1.1 400 X\r\n\r\n"


# What has been decrypted of one read counts, although what follows in the same read cannot be: how the pieces come makes no
# difference.
words = ("ended before it was complete", "decrypt")
parallel = {"fault": Fault(ANSWER, in_record(1, 10), SPOIL)}
body, more = in_one_segment(head_and_body), in_one_segment(answer_and_more)
tls_row("a byte of the body changed, head in the same read", "MCP_TRUNCATED", words, POSTED, answers=body, **parallel)
tls_row("a byte behind the answer changed, in the same read", "MCP_OK", (), POSTED, answers=more, **parallel)
# To see that the head was read takes this program long where many do it at a time.
damaged_streams = {"fault": Fault(ANSWER, in_record(1, 10), SPOIL, apart=True), "answers": in_two_records}
tls_row("a byte of the answer's body changed", "MCP_TRUNCATED", words, POSTED, max_ms=2000, **damaged_streams)

if __name__ == "__main__":
    run()
