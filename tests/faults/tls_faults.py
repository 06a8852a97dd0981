"""TLS with untrusted certificates, connections that end during or after the handshake, and peers that do not speak
TLS."""

import contextlib
import socket
from functools import partial

import certificates
from matrix import ACCEPTED, MAX_MS, RESULT, TRANSPORTS, Scripted, add_row, run
from secure import TlsServer, context, trust
from stream_end import StreamEnd
from tcp_proxy import CLOSE, CORRUPT, REQUEST, RESET, RESPONSE, STALL, Fault, TcpProxy, after_bytes, in_record

from harness import Client, Server, answer, event, http

# --- Servers ----------------------------------------------------------------------------------------------------------


class InvalidPeer(Server):
    """A server that reads the whole ClientHello, and then sends arbitrary data."""

    def __init__(self, data):
        self.data = data
        super().__init__(None)

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            head = connection.recv(5, socket.MSG_WAITALL)
            connection.recv(int.from_bytes(head[3:5], "big"), socket.MSG_WAITALL)
            connection.sendall(self.data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        with self.changed:
            self.open.discard(connection)
            self.changed.notify_all()


# --- Fixtures ---------------------------------------------------------------------------------------------------------


class Secure(Scripted):
    """A scripted server over TLS behind a TCP proxy. While the fault is active, the proxy applies `fault`, or forwards
    to the server that `other_server` creates, or the server responds with `respond`. With `reconnect`, the client was
    connected before."""

    def __init__(self, transport, other_server=None, fault=None, respond=None, reconnect=False):
        super().__init__(transport, respond or self.normal_response)
        self.network_fault, self.reconnect = fault, reconnect
        self.first_request = not (reconnect or respond)
        self.tls_server = self.resources.enter_context(TlsServer(self.handle))
        self.other_server = self.resources.enter_context(other_server(self)) if other_server else self.tls_server
        self.proxy = self.resources.enter_context(TcpProxy(self.tls_server.port))

    def client(self, token):
        path = "/sse" if self.transport == "sse" else "/mcp"
        client = Client(f"https://localhost:{self.proxy.port}{path}", bearer=token)
        trust(client)
        self.end = StreamEnd(client)
        return client

    def handle(self, server, request):
        # The server gets a request only after a successful handshake.
        self.first_request = False
        return super().handle(server, request)

    def start_fault(self):
        super().start_fault()
        self.proxy.target = self.other_server.port
        self.proxy.arm(self.network_fault)
        if self.reconnect:
            self.proxy.drop()
            if self.transport == "sse":
                self.end.wait()

    def end_fault(self):
        super().end_fault()
        self.proxy.target = self.tls_server.port
        self.proxy.arm(None)


def tls_row(name, expected, words, transports=TRANSPORTS, timeout=None, max_ms=MAX_MS, **arguments):
    for reconnect in (False, True) if arguments.pop("with_reconnect", False) else (False,):
        fixture = partial(Secure, reconnect=reconnect, **arguments)
        label = f"{name} on reconnect" if reconnect else name
        add_row(label, fixture, expected, words, transports, timeout=timeout, max_ms=max_ms)


# --- Certificates -----------------------------------------------------------------------------------------------------


def certified_row(name, words, **arguments):
    tls_context = context(name, **arguments)
    other_server = lambda fixture: TlsServer(fixture.handle, tls_context)  # noqa: E731
    tls_row(
        name, "MCP_TLS_FAILED", ("TLS connection failed", words), other_server=other_server, with_reconnect=True
    )


certified_row("expired certificate", "expired", years=certificates.EXPIRED)
certified_row("certificate that is not valid yet", "not valid yet", years=certificates.NOT_YET)
certified_row("certificate for another host", "localhost", host="elsewhere.invalid")
certified_row("certificate from an unknown authority", "UnknownIssuer", issuer=certificates.UNKNOWN_AUTHORITY)
certified_row("self-signed certificate", "UnknownIssuer", subject="mcp-test self-signed", issuer="mcp-test self-signed")
certified_row("certificate for client authentication", "extended key usage", purpose=certificates.CLIENT_AUTH)


# --- Peers that do not speak TLS --------------------------------------------------------------------------------------


def peer_row(name, data, words):
    tls_row(name, "MCP_TLS_FAILED", words, other_server=lambda _: InvalidPeer(data))


ENDED, WAS_RESET = "the server closed the connection", "connection reset by the server"
ALERT = b"\x15\x03\x03\x00\x02\x02"

peer_row("plain HTTP server at an https URL", http(400, "this is HTTP", kind="text/plain"), "TLS connection failed")
peer_row("another protocol (SSH)", b"SSH-2.0-test\r\n", "TLS connection failed")
peer_row("closed after the ClientHello", b"", ENDED)
for number, name in {
    40: "HandshakeFailure",
    70: "ProtocolVersion",
    80: "InternalError",
    112: "UnrecognisedName",
}.items():
    peer_row(f"TLS alert: {name}", ALERT + bytes([number]), name)
peer_row("64 KB record in the handshake", b"\x16\x03\x03\xff\xff" + b"x" * 0xFFFF, "TLS connection failed")
peer_row("endless empty records", b"\x16\x03\x03\x00\x00" * 5000, "TLS connection failed")


# --- Interrupted handshakes -------------------------------------------------------------------------------------------

POSITIONS = {
    "in the ClientHello": (REQUEST, after_bytes(50)),
    "after the ClientHello": (RESPONSE, after_bytes(0)),
    "in the record header of the ServerHello": (RESPONSE, after_bytes(3)),
    "in the ServerHello": (RESPONSE, in_record(0, 40)),
    "after the ServerHello": (RESPONSE, in_record(1, 0)),
    "in the encrypted handshake": (RESPONSE, in_record(2, 10)),
}
for position, (direction, where) in POSITIONS.items():
    for how, words in ((CLOSE, ENDED), (RESET, WAS_RESET)):
        tls_row(f"handshake {how} {position}", "MCP_TLS_FAILED", words, fault=Fault(direction, where, how, 99))
for position in ("in the ClientHello", "after the ClientHello", "in the encrypted handshake"):
    words = ("timeout of 300 ms", "during the TLS handshake")
    tls_row(f"stall {position}", "MCP_TIMEOUT", words, fault=Fault(*POSITIONS[position], STALL, 99), timeout=300)
for position in ("in the ServerHello", "in the encrypted handshake"):
    words = "TLS connection failed"
    tls_row(f"byte changed {position}", "MCP_TLS_FAILED", words, fault=Fault(*POSITIONS[position], CORRUPT, 99))


# --- After the handshake ----------------------------------------------------------------------------------------------

BODY = {"modern": "MCP_TRUNCATED", "legacy": "MCP_TRUNCATED"}
POST_TRANSPORTS = ("modern", "legacy")


def close_after(make, close_notify=False):
    """Sends `make(request)`, and ends the connection with or without close_notify."""

    def fault(request):
        request.send(make(request))
        if close_notify:
            with contextlib.suppress(OSError):
                request.socket.unwrap()
        else:
            request.socket.shutdown(socket.SHUT_RDWR)

    return fault


def half_response(request, **headers):
    return http(200, answer(request, RESULT), **headers)[:-20]


def without_length(request):
    return half_response(request, Content_Length=None)


def whole_response(request):
    return http(200, answer(request, RESULT), Content_Length=None, Connection="close")


half_head = close_after(lambda _: b"HTTP/1.1 200 OK\r\nCont")
tls_row("closed without close_notify in the head", "MCP_DISCONNECTED", ENDED, POST_TRANSPORTS, respond=half_head)
tls_row(
    "closed without close_notify in the body", BODY, "ended before it was complete", respond=close_after(half_response)
)
tls_row(
    "closed with close_notify in the body",
    BODY,
    "ended before it was complete",
    respond=close_after(half_response, close_notify=True),
)
tls_row(
    "closed without close_notify in a body without a length",
    "MCP_INVALID_JSON",
    "JSON",
    POST_TRANSPORTS,
    respond=close_after(without_length),
)
tls_row(
    "closed without close_notify after a body without a length",
    "MCP_OK",
    (),
    POST_TRANSPORTS,
    respond=close_after(whole_response),
)


def cut_stream(request):
    stream = request.fixture.stream
    stream.sendall(event(answer(request, RESULT))[:-20])
    stream.shutdown(socket.SHUT_RDWR)
    return ACCEPTED


tls_row("closed without close_notify in an event", "MCP_DISCONNECTED", "event stream", ("sse",), respond=cut_stream)


def in_two_records(request):
    data = http(200, answer(request, RESULT))
    request.send(data[:-20])
    request.send(data[-20:])
    return b""


RECORD_FAULTS = (
    ("closed in the record of the response head", in_record(0, 50), CLOSE, "MCP_DISCONNECTED", ENDED),
    ("reset in the record of the response head", in_record(0, 50), RESET, "MCP_DISCONNECTED", WAS_RESET),
    ("byte changed in the response head", in_record(0, 50), CORRUPT, "MCP_TLS_FAILED", "decrypt"),
    (
        "closed in the record of the response body",
        in_record(1, 10),
        CLOSE,
        "MCP_TRUNCATED",
        "ended before it was complete",
    ),
    ("reset in the record of the response body", in_record(1, 10), RESET, "MCP_TRUNCATED", WAS_RESET),
)
for name, where, how, expected, words in RECORD_FAULTS:
    tls_row(name, expected, words, POST_TRANSPORTS, fault=Fault(RESPONSE, where, how), respond=in_two_records)
stall = {"fault": Fault(RESPONSE, in_record(1, 10), STALL), "respond": in_two_records}
tls_row("stall in the record of the response body", "MCP_TIMEOUT", "timeout of 300 ms", POST_TRANSPORTS, 300, **stall)


def in_one_segment(make):
    """Sends two records in one TCP segment."""

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


def response_and_garbage(request):
    return http(200, answer(request, RESULT)), b"HTTP/1.1 400 X\r\n\r\n"


# Decrypted data is used even if a later record in the same read cannot be decrypted: the result does not depend on how
# many bytes a read returns.
words = ("ended before it was complete", "decrypt")
same_read = {"fault": Fault(RESPONSE, in_record(1, 10), CORRUPT)}
body, response_then_garbage = in_one_segment(head_and_body), in_one_segment(response_and_garbage)
tls_row(
    "byte changed in the response body, head in the same read",
    "MCP_TRUNCATED",
    words,
    POST_TRANSPORTS,
    respond=body,
    **same_read,
)
tls_row(
    "byte changed after the response, in the same read",
    "MCP_OK",
    (),
    POST_TRANSPORTS,
    respond=response_then_garbage,
    **same_read,
)
# Detecting that the client has read the head is slow when many rows do it at the same time.
separate = {"fault": Fault(RESPONSE, in_record(1, 10), CORRUPT, separate=True), "respond": in_two_records}
tls_row("byte changed in the response body", "MCP_TRUNCATED", words, POST_TRANSPORTS, max_ms=2000, **separate)

if __name__ == "__main__":
    run()
