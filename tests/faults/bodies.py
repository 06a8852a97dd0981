"""Response bodies that are too short, too long, or have invalid framing, compression or content."""

import gzip
import json
import os
import zlib

from matrix import ACCEPTED, ENDPOINT, PAUSE, RESULT, close, reset, row, run, then_hold

from harness import answer, chunk, event, http

POST_TRANSPORTS = ("modern", "legacy")
WAITED = {
    "modern": "reading the server's response",
    "legacy": "reading the server's response",
    "sse": "waiting for the server's response",
}


def correct_body(request):
    """The correct response, as body bytes (an event on HTTP+SSE)."""
    if request.fixture.transport == "sse":
        return event(answer(request, RESULT))
    return json.dumps(answer(request, RESULT)).encode()


def do_nothing(_connection):
    pass


def body(head, frame, end):
    """Sends the response body framed by `frame`, and then calls `end` on the connection (the event stream on
    HTTP+SSE)."""

    def fault(request):
        if request.fixture.transport == "sse":
            request.fixture.stream.sendall(frame(correct_body(request)))
            end(request.fixture.stream)
            request.fixture.damaged_streams.append(request.fixture.stream)
            return ACCEPTED
        request.send(head(request) + frame(correct_body(request)))
        end(request.socket)
        return b""

    return fault


def plain(frame, end):
    return body(lambda r: http(200, kind="application/json", Content_Length=len(correct_body(r))), frame, end)


def chunked(frame, end):
    return body(
        lambda _: http(200, kind="application/json", Content_Length=None, Transfer_Encoding="chunked"), frame, end
    )


# --- Incomplete bodies ------------------------------------------------------------------------------------------------

CUTS = {
    "after the head": lambda data: b"",
    "after its first byte": lambda data: data[:1],
    "inside the JSON": lambda data: data[: len(data) // 2],
    "before its last byte": lambda data: data[:-1],
}
CUT = {"modern": "MCP_TRUNCATED", "legacy": "MCP_TRUNCATED", "sse": "MCP_DISCONNECTED"}
CLOSED = "the server closed the connection"
ENDED = {"modern": CLOSED, "legacy": CLOSED, "sse": "the server ended the event stream"}
RESET = "connection reset by the server"

for where, cut in CUTS.items():
    row(f"closed in the body, {where}", plain(cut, close), CUT, ENDED)
for where, cut in CUTS.items():
    row(f"reset in the body, {where}", plain(cut, reset), CUT, RESET)


def close_delimited(frame, end):
    """A body without a length, which ends when the connection is closed."""
    return body(lambda _: http(200, kind="application/json", Content_Length=None), frame, end)


row("body without a length", close_delimited(lambda data: data, close), "MCP_OK", transports=POST_TRANSPORTS)
# Only the JSON parser can detect that the body is incomplete.
row(
    "body without a length, truncated",
    close_delimited(CUTS["inside the JSON"], close),
    "MCP_INVALID_JSON",
    "not valid JSON",
    transports=POST_TRANSPORTS,
)
row(
    "body without a length, empty",
    close_delimited(CUTS["after the head"], close),
    "MCP_UNEXPECTED_CONTENT",
    "empty",
    transports=POST_TRANSPORTS,
)
row(
    "body without a length, reset",
    close_delimited(CUTS["inside the JSON"], reset),
    "MCP_TRUNCATED",
    RESET,
    transports=POST_TRANSPORTS,
)
row("body stalls", plain(CUTS["inside the JSON"], do_nothing), "MCP_TIMEOUT", WAITED, timeout=300)

IN_CHUNKS = {
    "after a chunk size": lambda data: b"%x\r\n" % len(data),
    "in the data of a chunk": lambda data: chunk(data)[: len(data) // 2],
}
IN_SIZE = lambda data: (b"%x" % len(data))[:1]  # noqa: E731
# On HTTP+SSE the response is complete, and the client needs nothing after it.
AFTER_DATA = {
    "after the data of a chunk": lambda data: chunk(data)[:-2],
    "after a chunk": chunk,
}
for where, cut in IN_CHUNKS.items():
    row(f"closed {where}", chunked(cut, close), CUT, CLOSED, chunked=True)
for where, cut in AFTER_DATA.items():
    row(
        f"closed {where}",
        chunked(cut, close),
        CUT | {"sse": "MCP_OK"},
        {"modern": CLOSED, "legacy": CLOSED},
        chunked=True,
    )
row("closed in a chunk size", chunked(IN_SIZE, close), CUT, CLOSED, chunked=True)
# The chunk of size zero ends a body: nothing is missing.
row(
    "closed before the last line of a chunked body",
    chunked(lambda data: chunk(data) + b"0\r\n", close),
    "MCP_OK",
    chunked=True,
)
row("reset in a chunk size", chunked(IN_SIZE, reset), CUT, RESET, chunked=True)
row("reset in the data of a chunk", chunked(IN_CHUNKS["in the data of a chunk"], reset), CUT, RESET, chunked=True)
row(
    "chunk stalls",
    chunked(IN_CHUNKS["in the data of a chunk"], do_nothing),
    "MCP_TIMEOUT",
    WAITED,
    chunked=True,
    timeout=300,
)


def drip(request):
    connection = request.fixture.stream if request.fixture.transport == "sse" else request.socket
    if connection is request.socket:
        request.send(http(200, Content_Length=len(correct_body(request))))
    else:
        request.send(ACCEPTED)
        request.fixture.damaged_streams.append(connection)
    for byte in correct_body(request):
        connection.sendall(bytes([byte]))
        PAUSE.wait(0.05)


row("body sent byte by byte", drip, "MCP_TIMEOUT", "timeout of 300 ms", timeout=300)


# --- Chunks -----------------------------------------------------------------------------------------------------------

BAD_SIZE = "a chunk size is not a hexadecimal number"
BAD_END = "line end (CRLF) is missing"
FRAMES = {
    "chunk size that is not a number": (lambda data: b"xyz\r\n" + data + b"\r\n", BAD_SIZE),
    "missing chunk size": (lambda data: b"\r\n" + data + b"\r\n", BAD_SIZE),
    "negative chunk size": (lambda data: b"-5\r\n" + data + b"\r\n", BAD_SIZE),
    "chunk size of 2^64": (lambda data: b"10000000000000000\r\n" + data + b"\r\n", BAD_SIZE),
    "chunk size of 100 digits": (lambda data: b"f" * 100 + b"\r\n" + data + b"\r\n", BAD_SIZE),
    "chunk longer than its size": (lambda data: b"%x\r\n" % (len(data) - 5) + data + b"\r\n0\r\n\r\n", BAD_END),
}
for name, (frame, words) in FRAMES.items():
    row(name, chunked(frame, do_nothing), "MCP_HTTP_ERROR", words, chunked=True)
# The chunk contains the whole response, and HTTP+SSE needs nothing after it.
row(
    "chunk size of 2^63",
    chunked(lambda data: b"8000000000000000\r\n" + data, do_nothing),
    {"modern": "MCP_TIMEOUT", "legacy": "MCP_TIMEOUT", "sse": "MCP_OK"},
    WAITED,
    chunked=True,
    timeout={"modern": 300, "legacy": 300},
)


def endless_framing(head, block):
    """Sends a chunked body whose framing never ends."""

    def fault(request):
        if request.fixture.transport == "sse":
            request.send(ACCEPTED)
            connection = request.fixture.stream
            request.fixture.damaged_streams.append(connection)
        else:
            request.send(http(200, Content_Length=None, Transfer_Encoding="chunked"))
            connection = request.socket
        connection.sendall(head)
        while True:
            connection.sendall(block)

    return fault


row("endless chunk extension", endless_framing(b"5;", b"x" * 10_000), "MCP_HTTP_ERROR", "chunk", chunked=True)
row("endless chunk size", endless_framing(b"", b"0" * 10_000), "MCP_HTTP_ERROR", "chunk", chunked=True)
row(
    "endless trailers",
    endless_framing(b"0\r\n", b"X-Trailer: x\r\n" * 1000),
    "MCP_TIMEOUT",
    WAITED,
    chunked=True,
    timeout=300,
)


# --- Lengths ----------------------------------------------------------------------------------------------------------


def lengths(name, *values, chunks=False, coding=None, end=do_nothing, **expected):
    """Adds a fault of the Content-Length (on HTTP+SSE, that of the event stream): one header for each of `values`. A
    number is added to the correct length, a string is sent unchanged."""
    members = {key: expected.pop(key) for key in ("timeout", "first_request") if key in expected}
    status, words = expected.pop("status"), expected.pop("words", ())

    def fault(request):
        is_sse = request.fixture.transport == "sse"
        data = ENDPOINT if is_sse else correct_body(request)
        fields = [f"Content-Length: {len(data) + value if isinstance(value, int) else value}" for value in values]
        if chunks or coding:
            fields.append(f"Transfer-Encoding: {coding or 'chunked'}")
        kind = "text/event-stream" if is_sse else "application/json"
        head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {kind}", *fields, "", ""]).encode()
        request.send(head + (chunk(data) + b"0\r\n\r\n" if chunks else data))
        end(request.socket)
        return b""

    row(name, fault, status, words, first_request=("sse",), **members)


NOT_HTTP = {"status": "MCP_HTTP_ERROR", "words": "not valid HTTP"}

lengths("Content-Length too large, then close", 5, end=close, status=CUT, words=CLOSED)
lengths("Content-Length too large, then no more data", 5, status="MCP_TIMEOUT", words="timeout of 300 ms", timeout=300)
lengths(
    "Content-Length too small",
    -5,
    status={"modern": "MCP_INVALID_JSON", "legacy": "MCP_INVALID_JSON", "sse": "MCP_TRUNCATED"},
    words={"modern": "not valid JSON", "legacy": "not valid JSON", "sse": "ended before its endpoint event"},
)
lengths("two different Content-Lengths", 0, 5, **NOT_HTTP)
lengths("two different Content-Lengths, the larger one first", 5, 0, **NOT_HTTP)
lengths("negative Content-Length", "-1", **NOT_HTTP)
lengths("Content-Length that is not a number", "many", **NOT_HTTP)
lengths("empty Content-Length", "", **NOT_HTTP)
lengths("Content-Length with a sign", "+5", **NOT_HTTP)
lengths("Content-Length in hexadecimal", "0x20", **NOT_HTTP)
lengths("list of numbers in Content-Length", "5, 6", **NOT_HTTP)
lengths("Content-Length of 2^64", str(2**64), **NOT_HTTP)
# The chunked encoding takes precedence (RFC 9112, 6.3), and ends the event stream of HTTP+SSE after its first event.
lengths(
    "Transfer-Encoding: chunked and Content-Length",
    5,
    chunks=True,
    status={"modern": "MCP_OK", "legacy": "MCP_OK", "sse": "MCP_DISCONNECTED"},
    words=ENDED,
)
lengths("unknown Transfer-Encoding", 5, coding="frobnicated", status="MCP_HTTP_ERROR", words="frobnicated")
for name, length in (("2^63", 2**63), ("200 MB", 200_000_000), ("64 MiB + 1", (64 << 20) + 1)):
    fault = then_hold(lambda r, length=length: http(200, Content_Length=length) + correct_body(r))
    row(f"Content-Length of {name}", fault, "MCP_TOO_LARGE", "larger than 67108864 bytes", transports=POST_TRANSPORTS)


# --- Content-Encoding -------------------------------------------------------------------------------------------------


def encoded(name, encode, status, words, encoding="gzip", **members):
    """Adds a body with a Content-Encoding, encoded by `encode`; on HTTP+SSE it is the response to the GET."""

    def fault(request):
        is_sse = request.fixture.transport == "sse"
        data = encode(ENDPOINT if is_sse else correct_body(request))
        request.send(
            http(200, data, kind="text/event-stream" if is_sse else "application/json", Content_Encoding=encoding)
        )
        return b""

    row(name, fault, status, words, first_request=("sse",), **members)


def endless_gzip(text):
    """Sends gzip data that decompresses to `text` and then to an endless sequence of the character a."""

    def fault(request):
        is_sse = request.fixture.transport == "sse"
        kind = "text/event-stream" if is_sse else "application/json"
        compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
        request.send(http(200, kind=kind, Content_Length=None, Content_Encoding="gzip"))
        request.send(
            compressor.compress(text) + compressor.compress(b"a" * 1_000_000) + compressor.flush(zlib.Z_FULL_FLUSH)
        )
        # After a full flush, a compressed block can be repeated: it does not refer to earlier data.
        block = compressor.compress(b"a" * 10_000_000) + compressor.flush(zlib.Z_FULL_FLUSH)
        while True:
            request.send(block)

    return fault


row(
    "gzip bomb",
    endless_gzip(b'data: {"jsonrpc":"'),
    "MCP_TOO_LARGE",
    "larger than 67108864 bytes",
    first_request=("sse",),
    max_ms=3000,
    repeats=1,
)

# On HTTP+SSE the endpoint event has been decompressed before the error.
encoded("truncated gzip", lambda data: gzip.compress(data)[:-6], CUT, "gzip decompression failed: unexpected end")
encoded(
    "gzip with a wrong checksum",
    lambda data: gzip.compress(data)[:-8] + b"12345678",
    "MCP_HTTP_ERROR",
    "cannot be decompressed: gzip decompression failed: corrupt",
)
encoded(
    "uncompressed body declared as gzip",
    lambda data: data,
    "MCP_HTTP_ERROR",
    "cannot be decompressed: gzip decompression failed: invalid gzip header",
)
encoded(
    "unknown Content-Encoding",
    lambda data: b"\x0b\x02\x80" + data,
    "MCP_UNEXPECTED_CONTENT",
    "content coding br",
    encoding="br",
)


# --- Empty bodies, and wrong content types ----------------------------------------------------------------------------


def content(name, data, kind, status, words):
    row(name, lambda _: http(200, data, kind=kind), status, words, first_request=("sse",))


UNEXPECTED = "MCP_UNEXPECTED_CONTENT"
content("empty 200 response", b"", "application/json", UNEXPECTED, "the server's response is empty")
content("empty 200 response without a Content-Type", b"", None, UNEXPECTED, "has no content type")
content("HTML instead of JSON", "<html>Welcome!</html>", "text/html; charset=utf-8", UNEXPECTED, "HTML page")
content("text instead of JSON", "hello", "text/plain", UNEXPECTED, "text/plain")
content("image instead of JSON", b"\x89PNG\r\n\x1a\n" + os.urandom(1000), "image/png", UNEXPECTED, "image/png")

run()
