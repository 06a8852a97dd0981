"""Answers in gzip: what they hold, what they may grow to, and where they break off."""

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


def pack(*parts):
    """In gzip, without ever having all of it in memory."""
    packer = zlib.compressobj(1, zlib.DEFLATED, GZIP)
    return b"".join(packer.compress(part) for part in parts) + packer.flush()


def packed(body, kind="application/json", status=200, **headers):
    return http(status, body, kind=kind, Content_Encoding="gzip", **headers)


def pinging(reply):
    """A decent server that answers pings in its own way."""
    return lambda server, request: reply(request) if request.rpc == "ping" else legacy(request)


def text(request, **members):
    return json.dumps(answer(request, members)).encode()


def forget_peak():
    """From now on the peak is measured anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak():
    """The most memory that this process has had, in bytes."""
    return int(re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024


def limited(client, limit, number):
    call(lib.mcp_set_limit, client.client, number, limit).must_be("MCP_OK")


def bomb(limit, size, frame, number, kind, status=200):
    """What unpacks to far more than the limit ends early, in little memory."""
    block = b"x" * MIB
    before, after = frame
    data = pack(before, *([block] * (size // MIB)), after)
    asked = []

    def reply(request):
        asked.append(request)
        return packed(data, kind=kind, status=status) if len(asked) == 1 else packed(pack(text(request)))

    with Server(pinging(reply)) as server, Client(server.url, pin=LEGACY) as client:
        limited(client, limit, number)
        client.connect().must_be("MCP_OK")
        forget_peak()
        floor = peak()
        outcome = client.ping(timeout=10_000)
        grown = peak() - floor
        print(f"    {len(data)} bytes for {size}, limit {limit}: {outcome.status}, {grown} bytes more memory")
        assert grown < 3 * limit + MIB, f"{grown} bytes more memory"
        client.ping().must_be("MCP_OK")
        return outcome


JSON_FRAME = (b'{"jsonrpc":"2.0","id":1,"result":{"x":"', b'"}}')
EVENT_FRAME = (b"data: ", b"\n\n")


@case
def a_bomb_of_json():
    bomb(MIB, 10 * MIB, JSON_FRAME, MESSAGE, "application/json").must_be("MCP_TOO_LARGE")
    bomb(8 * MIB, 256 * MIB, JSON_FRAME, MESSAGE, "application/json").must_be("MCP_TOO_LARGE")


@case
def a_bomb_in_an_event():
    bomb(MIB, 10 * MIB, EVENT_FRAME, EVENT, "text/event-stream").must_be("MCP_TOO_LARGE")
    bomb(8 * MIB, 256 * MIB, EVENT_FRAME, EVENT, "text/event-stream").must_be("MCP_TOO_LARGE")


@case
def a_bomb_in_an_error():
    # The status is known, so it is the error; the text behind it is not needed.
    bomb(MIB, 256 * MIB, JSON_FRAME, MESSAGE, "application/json", status=500).must_be("MCP_SERVER_ERROR")
    bomb(MIB, 256 * MIB, (b"", b""), MESSAGE, "text/plain", status=503).must_be("MCP_UNAVAILABLE")


@case
def a_json_answer():
    def reply(request):
        return packed(pack(text(request, text="täxt" * 1000)))

    with Server(pinging(reply)) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert "gzip" in server.requests[0].headers["accept-encoding"]


@case
def a_json_answer_in_chunks():
    def reply(request):
        data = pack(text(request, text="text" * 1000))
        pieces = b"".join(chunk(data[at : at + 1]) for at in range(len(data)))
        return packed(b"", Content_Length=None, Transfer_Encoding="chunked") + pieces + b"0\r\n\r\n"

    with Server(pinging(reply)) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert len({id(request.socket) for request in server.requests}) == 1, "the connection is not kept"


@case
def an_event_stream():
    def reply(request):
        return packed(pack(b": hello\n\n", event(answer(request, {}))), kind="text/event-stream")

    with Server(pinging(reply)) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")


@case
def an_event_stream_that_stays_open():
    # The event is complete and flushed: its answer does not wait for the stream's end.
    def reply(request):
        packer = zlib.compressobj(6, zlib.DEFLATED, GZIP)
        data = packer.compress(event(answer(request, {}))) + packer.flush(zlib.Z_SYNC_FLUSH)
        head = STREAM.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
        request.send(head + chunk(data))
        return request.hold()

    with Server(pinging(reply)) as server, Client(server.url) as client:
        client.ping(timeout=3000).must_be("MCP_OK").must_end(200)
        client.ping(timeout=3000).must_be("MCP_OK").must_end(200)


@case
def broken_in_every_way():
    def cut(request, keep):
        data = pack(text(request, text="text" * 100))
        return data[: int(len(data) * keep)]

    ways = {
        "cut, the length fits": lambda request: packed(cut(request, 0.5)),
        "cut, the connection ends": lambda request: packed(cut(request, 0.5), Content_Length=1000),
        "the checksum is missing": lambda request: packed(pack(text(request))[:-8]),
        "the checksum is wrong": lambda request: packed(pack(text(request))[:-8] + b"\0" * 8),
        "more behind the end": lambda request: packed(pack(text(request)) + b"rest"),
        "empty": lambda request: packed(b""),
        "garbage": lambda request: packed(b"\xff" * 500),
        "not packed at all": lambda request: packed(text(request)),
        "a stream of garbage": lambda request: packed(b"\xff" * 500, kind="text/event-stream"),
        "a cut stream": lambda request: packed(cut(request, 0.5), kind="text/event-stream"),
        "an unknown encoding": lambda request: http(200, b"\xff" * 50, Content_Encoding="zstd"),
    }
    for what, broken in ways.items():
        asked = []

        def reply(request, broken=broken, asked=asked):
            asked.append(request)
            if len(asked) > 1:
                return packed(pack(text(request)))
            request.send(broken(request))
            return b"" if b"Content-Length: 1000\r\n" not in broken(request) else None

        with Server(pinging(reply)) as server, Client(server.url, pin=LEGACY) as client:
            outcome = client.ping(timeout=5000)
            print(f"    {what}: {outcome.status} {outcome.message}")
            assert outcome.status in (
                "MCP_TRUNCATED", "MCP_INVALID_JSON", "MCP_HTTP_ERROR", "MCP_UNEXPECTED_CONTENT",
            ), f"{what}: {outcome.status}"  # fmt: skip
            outcome.must_end(1000)
            client.ping(timeout=5000).must_be("MCP_OK")


run()
