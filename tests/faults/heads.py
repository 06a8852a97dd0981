"""Response heads that are missing, endless or invalid, interim responses, and faults while a request is sent."""

import contextlib
import json
import socket

from matrix import (
    PAUSE,
    RESULT,
    Scripted,
    add_row,
    call_tool,
    dripped,
    endless,
    reset,
    row,
    run,
    then_close,
    then_hold,
    then_reset,
)

from harness import Server, answer, http, result

NOTHING = lambda _request: b""  # noqa: E731
HALF_A_STATUS_LINE = lambda _request: b"HTTP/1.1 20"  # noqa: E731
HALF_A_HEADER = lambda _request: b"HTTP/1.1 200 OK\r\nContent-Le"  # noqa: E731
NO_BLANK_LINE = lambda _request: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"  # noqa: E731

WAITED = ("timeout of 300 ms", "waiting for the server's response")
ENDED = "the server closed the connection"
RESET = "connection reset by the server"


def correct_response(request):
    """The response without the fault."""
    if request.fixture.transport == "sse":
        return request.fixture.normal_response(request)
    return result(request, RESULT)


# --- Missing and incomplete heads -------------------------------------------------------------------------------------

row("no response", then_hold(NOTHING), "MCP_TIMEOUT", WAITED, timeout=300)
row("no response (first request)", then_hold(NOTHING), "MCP_TIMEOUT", WAITED, timeout=300, first_request=True)
row("incomplete status line", then_hold(HALF_A_STATUS_LINE), "MCP_TIMEOUT", WAITED, timeout=300)
row("incomplete header", then_hold(HALF_A_HEADER), "MCP_TIMEOUT", WAITED, timeout=300)
row(
    "incomplete header (first request)",
    then_hold(HALF_A_HEADER),
    "MCP_TIMEOUT",
    WAITED,
    timeout=300,
    first_request=True,
)
row("head without its final blank line", then_hold(NO_BLANK_LINE), "MCP_TIMEOUT", WAITED, timeout=300)
row("head sent byte by byte", dripped(lambda r: http(200, answer(r, RESULT))), "MCP_TIMEOUT", WAITED, timeout=300)

row("closed without a response", then_close(NOTHING), "MCP_DISCONNECTED", ENDED)
row("closed without a response (first request)", then_close(NOTHING), "MCP_DISCONNECTED", ENDED, first_request=True)
row("closed in the status line", then_close(HALF_A_STATUS_LINE), "MCP_DISCONNECTED", ENDED)
row("closed in a header", then_close(HALF_A_HEADER), "MCP_DISCONNECTED", ENDED)
row("closed before the final blank line", then_close(NO_BLANK_LINE), "MCP_DISCONNECTED", ENDED)

row("reset before the response", then_reset(NOTHING), "MCP_DISCONNECTED", RESET)
row("reset before the response (first request)", then_reset(NOTHING), "MCP_DISCONNECTED", RESET, first_request=True)
row("reset in the status line", then_reset(HALF_A_STATUS_LINE), "MCP_DISCONNECTED", RESET)
row("reset in a header", then_reset(HALF_A_HEADER), "MCP_DISCONNECTED", RESET)


# --- Heads that are too large -----------------------------------------------------------------------------------------

LARGE = "larger than 65536 bytes"

row(
    "too many headers",
    then_hold(lambda _: b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 5000 + b"\r\n"),
    "MCP_TOO_LARGE",
    "too many headers",
)
row(
    "header too long",
    then_hold(lambda _: b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
    "MCP_TOO_LARGE",
    LARGE,
)
row(
    "endless headers",
    endless(b"HTTP/1.1 200 OK\r\n", b"X-Filling: xxxxxxxxxxxxxxxxx\r\n" * 100),
    "MCP_TOO_LARGE",
    "too many headers",
)
row("endless header line", endless(b"HTTP/1.1 200 OK\r\nX-Filling: ", b"x" * 10_000), "MCP_TOO_LARGE", LARGE)
row("endless status line", endless(b"HTTP/1.1 200 ", b"OK " * 4000), "MCP_TOO_LARGE", LARGE)
row("endless blank lines", endless(b"", b"\r\n" * 5000), "MCP_TOO_LARGE", LARGE)


# --- Invalid heads ----------------------------------------------------------------------------------------------------

NOT_HTTP = "not valid HTTP"


def invalid_head(name, data, status="MCP_HTTP_ERROR", words=NOT_HTTP):
    row(name, then_hold(lambda request: data(request) if callable(data) else data), status, words)


def echoing(frame):
    """Makes a response that contains the request's credentials."""
    return lambda request: frame % request.authorization.encode()


invalid_head("another protocol (SSH)", b"SSH-2.0-OpenSSH_9.6\r\n")
invalid_head("another protocol (TLS alert)", b"\x15\x03\x03\x00\x02\x02\x28" + b"\0" * 20)
invalid_head("HTTP/2 response to HTTP/1.1", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x10\0\0\0\x06\0\0\x20\0")
invalid_head("HTTP/0.9 response", b"<html>hello</html>\r\n\r\n")
invalid_head("four-digit status", b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n")
invalid_head("status that is not a number", echoing(b"HTTP/1.1 %s OK\r\nContent-Length: 0\r\n\r\n"))
invalid_head("status 000", b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n")
invalid_head("header without a colon", echoing(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n"))
invalid_head("NUL in a header", b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n")
invalid_head("bare CR in a header", b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n")
invalid_head("folded header", echoing(b"HTTP/1.1 200 OK\r\nX: a\r\n %s\r\nContent-Length: 0\r\n\r\n"))


# --- Interim responses ------------------------------------------------------------------------------------------------


def preceded(prefix):
    """The correct response, with other data before it."""
    return lambda request: prefix + correct_response(request)


def repeated_slowly(block):
    def fault(request):
        while True:
            request.send(block)
            PAUSE.wait(0.05)

    return fault


row("100 before the response", preceded(b"HTTP/1.1 100 Continue\r\n\r\n"), "MCP_OK")
row("102 before the response", preceded(b"HTTP/1.1 102 Processing\r\n\r\n" * 3), "MCP_OK")
row("103 before the response", preceded(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"), "MCP_OK")
row(
    "100 without a final response",
    then_hold(lambda _: b"HTTP/1.1 100 Continue\r\n\r\n"),
    "MCP_TIMEOUT",
    WAITED,
    timeout=300,
)
row("endless 1xx responses, sent fast", endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 100), "MCP_TOO_LARGE", LARGE)
row(
    "endless 1xx responses, sent slowly",
    repeated_slowly(b"HTTP/1.1 102 Processing\r\n\r\n"),
    "MCP_TIMEOUT",
    WAITED,
    timeout=300,
)
row(
    "101 Switching Protocols",
    then_hold(lambda _: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "MCP_HTTP_ERROR",
    "101",
)


# --- While the request is sent ----------------------------------------------------------------------------------------


class PartialReader(Scripted):
    """A server that reads only the beginning of a large request, and then calls `then(connection)`."""

    def __init__(self, transport, then):
        super().__init__(transport, None, max_calls=1)
        self.then = then
        self.server.serve = self.serve

    def serve(self, connection):
        if self.fault_active:
            with connection:
                connection.recv(1000)
                return self.then(connection)
        return Server.serve(self.server, connection)

    def start_fault(self):
        super().start_fault()
        # Ends the open connections, so that the client makes a new one, with the fault.
        for request in self.server.requests:
            if request.socket not in self.streams:
                with contextlib.suppress(OSError):
                    request.socket.shutdown(socket.SHUT_RDWR)

    def call(self, client, timeout):
        return call_tool(client, json.dumps({"text": "x" * 8_000_000}), timeout=timeout)


def partial_read_row(name, then, *expected, **members):
    add_row(name, lambda transport: PartialReader(transport, then), *expected, repeats=2, **members)


def respond_early(connection):
    connection.sendall(http(413, "too much", kind="text/plain", Connection="close"))
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def never_read(connection):
    PAUSE.wait(0.6)


partial_read_row("reset while the request body is sent", reset, "MCP_DISCONNECTED", RESET)
partial_read_row("response before the request is complete", respond_early, "MCP_HTTP_ERROR", ("HTTP 413", "too much"))
partial_read_row("request that is never read", never_read, "MCP_TIMEOUT", ("timeout of 300 ms", "sending"), timeout=300)

run()
