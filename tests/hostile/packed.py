"""Responses with Content-Encoding: gzip: their contents, the limits of their decompressed size, and truncated ones."""

import json
import re
import zlib
from ctypes import c_int, c_int32, c_uint64, c_void_p
from pathlib import Path

from harness import (
    ERROR, LEGACY, STREAM, Client, Server, answer, call, case, chunk, declare, event, http, legacy, lib, run,
)  # fmt: skip

declare(c_int, mcp_set_limit=[c_void_p, c_int32, c_uint64, ERROR])

MESSAGE, EVENT = 1, 3
MIB = 1 << 20
GZIP = 16 + zlib.MAX_WBITS


def gzip_parts(*parts):
    """The parts, compressed with gzip one after another: the uncompressed whole is never in memory."""
    compressor = zlib.compressobj(1, zlib.DEFLATED, GZIP)
    return b"".join(compressor.compress(part) for part in parts) + compressor.flush()


def gzip_response(body, kind="application/json", status=200, **headers):
    return http(status, body, kind=kind, Content_Encoding="gzip", **headers)


def pinging(reply):
    """A handler that responds to pings with `reply(request)`, and to other requests as a correct legacy server."""
    return lambda server, request: reply(request) if request.rpc == "ping" else legacy(request)


def text(request, **members):
    return json.dumps(answer(request, members)).encode()


def reset_peak():
    """Resets the peak memory that the kernel records (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak():
    """The peak memory of this process, in bytes."""
    return int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024


def set_limit(client, limit, number):
    call(lib.mcp_set_limit, client.client, number, limit).must_be("MCP_OK")


def bomb(limit, size, frame, number, kind, status=200):
    """A response that decompresses to much more than the limit ends the call early and uses little memory."""
    block = b"x" * MIB
    before, after = frame
    data = gzip_parts(before, *([block] * (size // MIB)), after)
    pings = []

    def reply(request):
        pings.append(request)
        is_first = len(pings) == 1
        return gzip_response(data, kind=kind, status=status) if is_first else gzip_response(gzip_parts(text(request)))

    with Server(pinging(reply)) as server, Client(server.url, pin=LEGACY) as client:
        set_limit(client, limit, number)
        client.connect().must_be("MCP_OK")
        reset_peak()
        before_ping = peak()
        outcome = client.ping(timeout=10_000)
        grown = peak() - before_ping
        print(f"    {len(data)} bytes for {size}, limit {limit}: {outcome.status}, memory grew by {grown} bytes")
        assert grown < 3 * limit + MIB, f"memory grew by {grown} bytes"
        client.ping().must_be("MCP_OK")
        return outcome


JSON_FRAME = (b'{"jsonrpc":"2.0","id":1,"result":{"x":"', b'"}}')
EVENT_FRAME = (b"data: ", b"\n\n")


@case
def a_json_decompression_bomb_is_stopped_at_the_limit():
    bomb(MIB, 10 * MIB, JSON_FRAME, MESSAGE, "application/json").must_be("MCP_TOO_LARGE")
    bomb(8 * MIB, 256 * MIB, JSON_FRAME, MESSAGE, "application/json").must_be("MCP_TOO_LARGE")


@case
def an_event_decompression_bomb_is_stopped_at_the_limit():
    bomb(MIB, 10 * MIB, EVENT_FRAME, EVENT, "text/event-stream").must_be("MCP_TOO_LARGE")
    bomb(8 * MIB, 256 * MIB, EVENT_FRAME, EVENT, "text/event-stream").must_be("MCP_TOO_LARGE")


@case
def a_decompression_bomb_in_an_error_reports_the_http_status():
    # The HTTP status determines the error. The body is only quoted, so its size does not matter.
    bomb(MIB, 256 * MIB, JSON_FRAME, MESSAGE, "application/json", status=500).must_be("MCP_SERVER_ERROR")
    bomb(MIB, 256 * MIB, (b"", b""), MESSAGE, "text/plain", status=503).must_be("MCP_UNAVAILABLE")


@case
def a_compressed_json_response_is_read():
    def reply(request):
        return gzip_response(gzip_parts(text(request, text="täxt" * 1000)))

    with Server(pinging(reply)) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert "gzip" in server.requests[0].headers["accept-encoding"]


@case
def a_compressed_chunked_response_keeps_the_connection():
    def reply(request):
        data = gzip_parts(text(request, text="text" * 1000))
        pieces = b"".join(chunk(data[at : at + 1]) for at in range(len(data)))
        return gzip_response(b"", Content_Length=None, Transfer_Encoding="chunked") + pieces + b"0\r\n\r\n"

    with Server(pinging(reply)) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert len({id(request.socket) for request in server.requests}) == 1, "the connection was not reused"


@case
def a_compressed_event_stream_is_read():
    def reply(request):
        return gzip_response(gzip_parts(b": hello\n\n", event(answer(request, {}))), kind="text/event-stream")

    with Server(pinging(reply)) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")


@case
def a_flushed_event_is_read_before_a_compressed_stream_ends():
    # The event is complete and flushed, so the call does not wait for the end of the stream.
    def reply(request):
        compressor = zlib.compressobj(6, zlib.DEFLATED, GZIP)
        data = compressor.compress(event(answer(request, {}))) + compressor.flush(zlib.Z_SYNC_FLUSH)
        head = STREAM.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
        request.send(head + chunk(data))
        return request.hold()

    with Server(pinging(reply)) as server, Client(server.url) as client:
        client.ping(timeout=3000).must_be("MCP_OK").must_end(200)
        client.ping(timeout=3000).must_be("MCP_OK").must_end(200)


@case
def invalid_compressed_responses_are_rejected():
    def truncated(request, keep):
        data = gzip_parts(text(request, text="text" * 100))
        return data[: int(len(data) * keep)]

    faults = {
        "truncated, Content-Length fits": lambda request: gzip_response(truncated(request, 0.5)),
        "truncated, the connection ends": lambda request: gzip_response(truncated(request, 0.5), Content_Length=1000),
        "the checksum is missing": lambda request: gzip_response(gzip_parts(text(request))[:-8]),
        "the checksum is wrong": lambda request: gzip_response(gzip_parts(text(request))[:-8] + b"\0" * 8),
        "data after the end": lambda request: gzip_response(gzip_parts(text(request)) + b"rest"),
        "empty": lambda request: gzip_response(b""),
        "garbage": lambda request: gzip_response(b"\xff" * 500),
        "not compressed": lambda request: gzip_response(text(request)),
        "an event stream of garbage": lambda request: gzip_response(b"\xff" * 500, kind="text/event-stream"),
        "a truncated event stream": lambda request: gzip_response(truncated(request, 0.5), kind="text/event-stream"),
        "an unknown encoding": lambda request: http(200, b"\xff" * 50, Content_Encoding="zstd"),
    }
    for fault, respond in faults.items():
        pings = []

        def reply(request, respond=respond, pings=pings):
            pings.append(request)
            if len(pings) > 1:
                return gzip_response(gzip_parts(text(request)))
            request.send(respond(request))
            return b"" if b"Content-Length: 1000\r\n" not in respond(request) else None

        with Server(pinging(reply)) as server, Client(server.url, pin=LEGACY) as client:
            outcome = client.ping(timeout=5000)
            print(f"    {fault}: {outcome.status} {outcome.message}")
            assert outcome.status in (
                "MCP_TRUNCATED", "MCP_INVALID_JSON", "MCP_HTTP_ERROR", "MCP_UNEXPECTED_CONTENT",
            ), f"{fault}: {outcome.status}"  # fmt: skip
            outcome.must_end(1000)
            client.ping(timeout=5000).must_be("MCP_OK")


run()
