"""Bodies of answers that are too short, too long, badly framed or badly packed."""

import gzip
import json
import os
import zlib

from matrix import ACCEPTED, RESULT, ENDPOINT, PAUSE, close, reset, row, run, then_hold

from harness import answer, chunk, event, http

HTTP = ("modern", "legacy")
WAITED = {"modern": "reading the server's answer", "legacy": "reading the server's answer", "sse": "waiting for the server's answer"}


def message(request):
    """The right answer, as the bytes that a body brings it in."""
    if request.fixture.transport == "sse":
        return event(answer(request, RESULT))
    return json.dumps(answer(request, RESULT)).encode()


def hold(_connection):
    pass


def body(head, frame, end):
    """The answer's bytes in a frame, and then the connection's end; on HTTP+SSE it is the event stream that this happens to."""

    def fault(request):
        if request.fixture.transport == "sse":
            request.fixture.stream.sendall(frame(message(request)))
            end(request.fixture.stream)
            request.fixture.damaged_streams.append(request.fixture.stream)
            return ACCEPTED
        request.send(head(request) + frame(message(request)))
        end(request.socket)
        return b""

    return fault


def plain(frame, end):
    return body(lambda r: http(200, kind="application/json", Content_Length=len(message(r))), frame, end)


def chunked(frame, end):
    return body(lambda _: http(200, kind="application/json", Content_Length=None, Transfer_Encoding="chunked"), frame, end)


# --- Cut --------------------------------------------------------------------------------------------------------------

CUTS = {
    "after the head": lambda data: b"",
    "behind its first byte": lambda data: data[:1],
    "inside of JSON": lambda data: data[: len(data) // 2],
    "before its last byte": lambda data: data[:-1],
}
CUT = {"modern": "MCP_TRUNCATED", "legacy": "MCP_TRUNCATED", "sse": "MCP_DISCONNECTED"}
CLOSED = "the server closed the connection"
ENDED = {"modern": CLOSED, "legacy": CLOSED, "sse": "the server ended the event stream"}
RESET = "connection reset by the server"

for where, cut in CUTS.items():
    row(f"body cut {where}", plain(cut, close), CUT, ENDED)
for where, cut in CUTS.items():
    row(f"reset in the body, {where}", plain(cut, reset), CUT, RESET)


def unmeasured(frame, end):
    """A body that has no length, and ends with its connection."""
    return body(lambda _: http(200, kind="application/json", Content_Length=None), frame, end)


row("body without a length", unmeasured(lambda data: data, close), "MCP_OK", transports=HTTP)
# Nothing but the JSON tells that something is missing.
row("body without a length, cut", unmeasured(CUTS["inside of JSON"], close), "MCP_INVALID_JSON", "no JSON", transports=HTTP)
row("body without a length, empty", unmeasured(CUTS["after the head"], close), "MCP_UNEXPECTED_CONTENT", "empty", transports=HTTP)
row("body without a length, reset", unmeasured(CUTS["inside of JSON"], reset), "MCP_TRUNCATED", RESET, transports=HTTP)
row("body that stops", plain(CUTS["inside of JSON"], hold), "MCP_TIMEOUT", WAITED, timeout=300)

IN_CHUNKS = {
    "behind a chunk's size": lambda data: b"%x\r\n" % len(data),
    "in a chunk's data": lambda data: chunk(data)[: len(data) // 2],
}
IN_SIZE = lambda data: (b"%x" % len(data))[:1]  # noqa: E731
# The answer is there, and all of it: HTTP+SSE asks for no more.
BEHIND_DATA = {
    "behind a chunk's data": lambda data: chunk(data)[:-2],
    "behind a chunk": chunk,
}
for where, cut in IN_CHUNKS.items():
    row(f"chunked body cut {where}", chunked(cut, close), CUT, CLOSED, chunked=True)
for where, cut in BEHIND_DATA.items():
    row(f"chunked body cut {where}", chunked(cut, close), CUT | {"sse": "MCP_OK"}, {"modern": CLOSED, "legacy": CLOSED}, chunked=True)
row("chunked body cut in a chunk's size", chunked(IN_SIZE, close), CUT, CLOSED, chunked=True)
# The chunk of size zero is what ends a body; nothing is missing.
row("chunked body cut before the final line", chunked(lambda data: chunk(data) + b"0\r\n", close), "MCP_OK", chunked=True)
row("reset in a chunk's size", chunked(IN_SIZE, reset), CUT, RESET, chunked=True)
row("reset in a chunk's data", chunked(IN_CHUNKS["in a chunk's data"], reset), CUT, RESET, chunked=True)
row("chunk that stops", chunked(IN_CHUNKS["in a chunk's data"], hold), "MCP_TIMEOUT", WAITED, chunked=True, timeout=300)


def drip(request):
    connection = request.fixture.stream if request.fixture.transport == "sse" else request.socket
    if connection is request.socket:
        request.send(http(200, Content_Length=len(message(request))))
    else:
        request.send(ACCEPTED)
        request.fixture.damaged_streams.append(connection)
    for byte in message(request):
        connection.sendall(bytes([byte]))
        PAUSE.wait(0.05)


row("slow drip of the body", drip, "MCP_TIMEOUT", "timeout of 300 ms", timeout=300)


# --- Chunks -----------------------------------------------------------------------------------------------------------

NO_NUMBER = "chunk length cannot be read as a number"
NO_LINE = "chunk expected crlf"
FRAMES = {
    "chunk size that is a word": (lambda data: b"xyz\r\n" + data + b"\r\n", NO_NUMBER),
    "chunk size that is missing": (lambda data: b"\r\n" + data + b"\r\n", NO_NUMBER),
    "chunk size below zero": (lambda data: b"-5\r\n" + data + b"\r\n", NO_NUMBER),
    "chunk size of 2^64": (lambda data: b"10000000000000000\r\n" + data + b"\r\n", NO_NUMBER),
    "chunk size of 100 digits": (lambda data: b"f" * 100 + b"\r\n" + data + b"\r\n", NO_NUMBER),
    "chunk longer than its size": (lambda data: b"%x\r\n" % (len(data) - 5) + data + b"\r\n0\r\n\r\n", NO_LINE),
}
for name, (frame, words) in FRAMES.items():
    row(name, chunked(frame, hold), "MCP_HTTP_ERROR", words, chunked=True)
# It holds the whole answer: HTTP+SSE asks for no more.
row("chunk size of 2^63", chunked(lambda data: b"8000000000000000\r\n" + data, hold),
    {"modern": "MCP_TIMEOUT", "legacy": "MCP_TIMEOUT", "sse": "MCP_OK"},  # fmt: skip
    WAITED, chunked=True, timeout={"modern": 300, "legacy": 300})  # fmt: skip


def flooded(head, block):
    """A chunked body whose framing does not come to an end."""

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


row("chunk extension without end", flooded(b"5;", b"x" * 10_000), "MCP_HTTP_ERROR", "chunk", chunked=True)
row("chunk size without end", flooded(b"", b"0" * 10_000), "MCP_HTTP_ERROR", "chunk", chunked=True)
row("trailers without end", flooded(b"0\r\n", b"X-Trailer: x\r\n" * 1000), "MCP_TIMEOUT", WAITED, chunked=True, timeout=300)


# --- Lengths ----------------------------------------------------------------------------------------------------------


def lengths(name, *values, chunks=False, coding=None, end=hold, **expected):
    """A length that the head tells; on HTTP+SSE it is that of the event stream, when it is opened."""
    # By name, and what it says; a number is what it is longer than it should be.
    members = {key: expected.pop(key) for key in ("timeout", "first_request") if key in expected}
    status, words = expected.pop("status"), expected.pop("words", ())

    def fault(request):
        is_sse = request.fixture.transport == "sse"
        data = ENDPOINT if is_sse else message(request)
        fields = [f"Content-Length: {len(data) + value if isinstance(value, int) else value}" for value in values]
        if chunks or coding:
            fields.append(f"Transfer-Encoding: {coding or 'chunked'}")
        kind = "text/event-stream" if is_sse else "application/json"
        head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Type: {kind}", *fields, "", ""]).encode()
        request.send(head + (chunk(data) + b"0\r\n\r\n" if chunks else data))
        end(request.socket)
        return b""

    row(name, fault, status, words, first_request=("sse",), **members)


NO_HTTP = {"status": "MCP_HTTP_ERROR", "words": "no valid HTTP"}

lengths("Content-Length too long, then the end", 5, end=close, status=CUT, words=CLOSED)
lengths("Content-Length too long, then silence", 5, status="MCP_TIMEOUT", words="timeout of 300 ms", timeout=300)
lengths("Content-Length too short", -5, status={"modern": "MCP_INVALID_JSON", "legacy": "MCP_INVALID_JSON", "sse": "MCP_TRUNCATED"},
        words={"modern": "no JSON", "legacy": "no JSON", "sse": "ended before it named its endpoint"})  # fmt: skip
lengths("two different Content-Lengths", 0, 5, **NO_HTTP)
lengths("two different Content-Lengths, the long one first", 5, 0, **NO_HTTP)
lengths("negative Content-Length", "-1", **NO_HTTP)
lengths("Content-Length that is a word", "many", **NO_HTTP)
lengths("empty Content-Length", "", **NO_HTTP)
lengths("Content-Length with a sign", "+5", **NO_HTTP)
lengths("Content-Length in hexadecimal", "0x20", **NO_HTTP)
lengths("list of Content-Lengths", "5, 6", **NO_HTTP)
lengths("Content-Length of 2^64", str(2**64), **NO_HTTP)
# The chunks count (RFC 9112, 6.3), and they end the event stream of HTTP+SSE behind its first event.
lengths("chunked and a Content-Length", 5, chunks=True, status={"modern": "MCP_OK", "legacy": "MCP_OK", "sse": "MCP_DISCONNECTED"},
    words=ENDED)  # fmt: skip
lengths("unknown Transfer-Encoding", 5, coding="frobnicated", status="MCP_HTTP_ERROR", words="frobnicated")
for name, length in (("2^63", 2**63), ("200 MB", 200_000_000), ("64 MiB and 1", (64 << 20) + 1)):
    fault = then_hold(lambda r, length=length: http(200, Content_Length=length) + message(r))
    row(f"Content-Length of {name}", fault, "MCP_TOO_LARGE", "larger than 67108864 bytes", transports=HTTP)


# --- Packed -----------------------------------------------------------------------------------------------------------


def packed(name, pack, status, words, encoding="gzip", **members):
    """What `pack` makes of the answer, as a body with a Content-Encoding; HTTP+SSE has it in answer to its GET."""

    def fault(request):
        is_sse = request.fixture.transport == "sse"
        data = pack(ENDPOINT if is_sse else message(request))
        request.send(http(200, data, kind="text/event-stream" if is_sse else "application/json", Content_Encoding=encoding))
        return b""

    row(name, fault, status, words, first_request=("sse",), **members)


def endless_gzip(text):
    """A stream that unpacks to `text` and then to the letter a, for as long as somebody reads."""

    def fault(request):
        is_sse = request.fixture.transport == "sse"
        kind = "text/event-stream" if is_sse else "application/json"
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        request.send(http(200, kind=kind, Content_Length=None, Content_Encoding="gzip"))
        request.send(packer.compress(text) + packer.compress(b"a" * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH))
        # Behind a full flush, the same bytes mean the same again.
        block = packer.compress(b"a" * 10_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
        while True:
            request.send(block)

    return fault


row("gzip bomb", endless_gzip(b'data: {"jsonrpc":"'), "MCP_TOO_LARGE", "larger than 67108864 bytes", first_request=("sse",), max_ms=3000,
    repeats=1)  # fmt: skip

# What names the endpoint has come by then.
packed("gzip cut", lambda data: gzip.compress(data)[:-6], CUT, "gzip decompression failed: unexpected end")
packed("gzip with a bad checksum", lambda data: gzip.compress(data)[:-8] + b"12345678", "MCP_HTTP_ERROR", "cannot be unpacked: gzip decompression failed: corrupt")
packed("gzip that is none", lambda data: data, "MCP_HTTP_ERROR", "cannot be unpacked: gzip decompression failed: invalid gzip header")
packed("unknown Content-Encoding", lambda data: b"\x0b\x02\x80" + data, "MCP_UNEXPECTED_CONTENT", "content coding br", encoding="br")


# --- Nothing, and the wrong thing -------------------------------------------------------------------------------------


def content(name, data, kind, status, words):
    row(name, lambda _: http(200, data, kind=kind), status, words, first_request=("sse",))


UNEXPECTED = "MCP_UNEXPECTED_CONTENT"
content("empty 200", b"", "application/json", UNEXPECTED, "the server's answer is empty")
content("empty 200 without a Content-Type", b"", None, UNEXPECTED, "has no content type")
content("HTML instead of JSON", "<html>Welcome!</html>", "text/html; charset=utf-8", UNEXPECTED, "HTML page")
content("text instead of JSON", "hello", "text/plain", UNEXPECTED, "text/plain")
content("image instead of JSON", b"\x89PNG\r\n\x1a\n" + os.urandom(1000), "image/png", UNEXPECTED, "image/png")

run()
