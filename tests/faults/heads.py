"""Heads of answers that never come, never end, or are none; and what comes before a head."""

import contextlib
import json
import socket

from matrix import RESULT, PAUSE, Scripted, add_row, call_tool, dripped, endless, reset, row, run, then_close, then_hold, then_reset

from harness import Server, answer, http, result

NOTHING = lambda _request: b""  # noqa: E731
HALF_A_STATUS_LINE = lambda _request: b"HTTP/1.1 20"  # noqa: E731
HALF_A_HEADER = lambda _request: b"HTTP/1.1 200 OK\r\nContent-Le"  # noqa: E731
NO_BLANK_LINE = lambda _request: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"  # noqa: E731

WAITED = ("timeout of 300 ms", "waiting for the server's answer")
ENDED = "the server closed the connection"
RESET = "connection reset by the server"


def right(request):
    """What a decent server answers."""
    if request.fixture.transport == "sse":
        return request.fixture.normal_response(request)
    return result(request, RESULT)


# --- Heads that do not come -------------------------------------------------------------------------------------------

row("accept and silence", then_hold(NOTHING), "MCP_TIMEOUT", WAITED, timeout=300)
row("accept and silence, first", then_hold(NOTHING), "MCP_TIMEOUT", WAITED, timeout=300, first_request=True)
row("half a status line", then_hold(HALF_A_STATUS_LINE), "MCP_TIMEOUT", WAITED, timeout=300)
row("half a header", then_hold(HALF_A_HEADER), "MCP_TIMEOUT", WAITED, timeout=300)
row("half a header, first", then_hold(HALF_A_HEADER), "MCP_TIMEOUT", WAITED, timeout=300, first_request=True)
row("head without its blank line", then_hold(NO_BLANK_LINE), "MCP_TIMEOUT", WAITED, timeout=300)
row("slow drip of the head", dripped(lambda r: http(200, answer(r, RESULT))), "MCP_TIMEOUT", WAITED, timeout=300)

row("closed without an answer", then_close(NOTHING), "MCP_DISCONNECTED", ENDED)
row("closed without an answer, first", then_close(NOTHING), "MCP_DISCONNECTED", ENDED, first_request=True)
row("closed in the status line", then_close(HALF_A_STATUS_LINE), "MCP_DISCONNECTED", ENDED)
row("closed in a header", then_close(HALF_A_HEADER), "MCP_DISCONNECTED", ENDED)
row("closed before the blank line", then_close(NO_BLANK_LINE), "MCP_DISCONNECTED", ENDED)

row("reset before the answer", then_reset(NOTHING), "MCP_DISCONNECTED", RESET)
row("reset before the answer, first", then_reset(NOTHING), "MCP_DISCONNECTED", RESET, first_request=True)
row("reset in the status line", then_reset(HALF_A_STATUS_LINE), "MCP_DISCONNECTED", RESET)
row("reset in the head", then_reset(HALF_A_HEADER), "MCP_DISCONNECTED", RESET)


# --- Heads that are too large -----------------------------------------------------------------------------------------

LARGE = "larger than 65536 bytes"

row("header flood, too many", then_hold(lambda _: b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 5000 + b"\r\n"), "MCP_TOO_LARGE",
    "too many headers")  # fmt: skip
row("header flood, too long", then_hold(lambda _: b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"), "MCP_TOO_LARGE", LARGE)
row("header flood, endless lines", endless(b"HTTP/1.1 200 OK\r\n", b"X-Filling: xxxxxxxxxxxxxxxxx\r\n" * 100), "MCP_TOO_LARGE",
    "too many headers")  # fmt: skip
row("header flood, one endless line", endless(b"HTTP/1.1 200 OK\r\nX-Filling: ", b"x" * 10_000), "MCP_TOO_LARGE", LARGE)
row("status line without end", endless(b"HTTP/1.1 200 ", b"OK " * 4000), "MCP_TOO_LARGE", LARGE)
row("blank lines for ever", endless(b"", b"\r\n" * 5000), "MCP_TOO_LARGE", LARGE)


# --- Heads that are none ----------------------------------------------------------------------------------------------

NO_HTTP = "no valid HTTP"


def no_head(name, data, status="MCP_HTTP_ERROR", words=NO_HTTP):
    row(name, then_hold(lambda request: data(request) if callable(data) else data), status, words)


def echoing(frame):
    """The frame with the credentials in it."""
    return lambda request: frame % request.authorization.encode()


no_head("another protocol (SSH)", b"SSH-2.0-OpenSSH_9.6\r\n")
no_head("another protocol (a TLS alert)", b"\x15\x03\x03\x00\x02\x02\x28" + b"\0" * 20)
no_head("HTTP/2 in answer to HTTP/1.1", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x10\0\0\0\x06\0\0\x20\0")
no_head("HTTP/0.9", b"<html>hello</html>\r\n\r\n")
no_head("status of four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n")
no_head("status that is a word", echoing(b"HTTP/1.1 %s OK\r\nContent-Length: 0\r\n\r\n"))
no_head("status of 0", b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n")
no_head("header without a colon", echoing(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n"))
no_head("header with a NUL", b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n")
no_head("header with a bare CR", b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n")
no_head("folded header", echoing(b"HTTP/1.1 200 OK\r\nX: a\r\n %s\r\nContent-Length: 0\r\n\r\n"))


# --- What comes before a head -----------------------------------------------------------------------------------------


def after(before):
    """The right answer, behind something."""
    return lambda request: before + right(request)


def now_and_then(block):
    def fault(request):
        while True:
            request.send(block)
            PAUSE.wait(0.05)

    return fault


row("100 before the answer", after(b"HTTP/1.1 100 Continue\r\n\r\n"), "MCP_OK")
row("102 before the answer", after(b"HTTP/1.1 102 Processing\r\n\r\n" * 3), "MCP_OK")
row("103 before the answer", after(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"), "MCP_OK")
row("100 and nothing else", then_hold(lambda _: b"HTTP/1.1 100 Continue\r\n\r\n"), "MCP_TIMEOUT", WAITED, timeout=300)
row("1xx for ever", endless(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 100), "MCP_TOO_LARGE", LARGE)
row("1xx for ever, now and then", now_and_then(b"HTTP/1.1 102 Processing\r\n\r\n"), "MCP_TIMEOUT", WAITED, timeout=300)
row("101", then_hold(lambda _: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "MCP_HTTP_ERROR",
    "101")  # fmt: skip


# --- While the request is sent ----------------------------------------------------------------------------------------


class Unread(Scripted):
    """A server that does not read a large request to its end: `ended(connection)` does what it does instead."""

    def __init__(self, transport, ended):
        super().__init__(transport, None, max_calls=1)
        self.ended = ended
        self.server.serve = self.serve

    def serve(self, connection):
        if self.fault_active:
            with connection:
                connection.recv(1000)
                return self.ended(connection)
        return Server.serve(self.server, connection)

    def start_fault(self):
        super().start_fault()
        # The connections that are open are those of before.
        for request in self.server.requests:
            if request.socket not in self.streams:
                with contextlib.suppress(OSError):
                    request.socket.shutdown(socket.SHUT_RDWR)

    def call(self, client, timeout):
        return call_tool(client, json.dumps({"text": "x" * 8_000_000}), timeout=timeout)


def unread(name, ended, *expected, **members):
    add_row(name, lambda transport: Unread(transport, ended), *expected, repeats=2, **members)


def refuse(connection):
    connection.sendall(http(413, "too much", kind="text/plain", Connection="close"))
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def never_read(connection):
    PAUSE.wait(0.6)


unread("reset in the request's body", reset, "MCP_DISCONNECTED", RESET)
unread("answered before the request's end", refuse, "MCP_HTTP_ERROR", ("HTTP 413", "too much"))
unread("request never read", never_read, "MCP_TIMEOUT", ("timeout of 300 ms", "sending"), timeout=300)

run()
