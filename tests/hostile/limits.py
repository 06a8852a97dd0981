"""What a server may send at most: at the limit it passes, one byte more ends the call."""

import json
from ctypes import c_int, c_int32, c_uint64, c_void_p

from harness import (
    ERROR, LEGACY, STREAM, Client, Server, answer, call, case, chunk, declare, error, http, legacy, lib, run,
)  # fmt: skip

declare(c_int, mcp_set_limit=[c_void_p, c_int32, c_uint64, ERROR])

MESSAGE, HEAD, EVENT = 1, 2, 3
MIB = 1 << 20
DEFAULTS = {MESSAGE: 64 * MIB, HEAD: 64 * 1024, EVENT: 64 * MIB}


def set_limit(client, limit, size):
    return call(lib.mcp_set_limit, client.client, limit, size)


def of_size(size, make):
    """What `make` makes of a filling, so many bytes long."""
    made = make(b"x" * (size - len(make(b""))))
    assert len(made) == size
    return made


def message(request, size):
    frame = json.dumps(answer(request, {"x": "-"})).encode().split(b"-")
    return of_size(size, lambda filling: filling.join(frame))


def body_of(request, size):
    return http(200, message(request, size))


def body_in_chunks(request, size):
    data = message(request, size)
    head = http(200, Content_Length=None, Transfer_Encoding="chunked")
    return head + b"".join(chunk(data[at : at + 50_000]) for at in range(0, size, 50_000)) + b"0\r\n\r\n"


def error_of(request, size):
    frame = error(request, -32603, "-").split(b"\r\n\r\n")[1].split(b"-32603")
    tail = frame[1].split(b"-")
    return http(200, of_size(size, lambda filling: frame[0] + b"-32603" + filling.join(tail)))


def event_of(request, size):
    """An event whose one line is as long as that."""
    line = b"data: " + message(request, size - 6)
    return http(200, b": comment\n\n" + line + b"\n\n", kind="text/event-stream")


def endless_line(_request, size):
    return STREAM + b"data: " + b"x" * (size - 6)


def head_of(request, size):
    """A head of this size, with its blank line."""
    head, body = http(200, answer(request, {})).split(b"\r\n\r\n")
    head = of_size(size, lambda filling: head + b"\r\nX-Filling: " + filling + b"\r\n\r\n")
    return head + body


def both_sides(limit, make, size, sets=True):
    """A ping is answered by what `make` makes of a size: of that size, and then of one byte more."""
    for extra, expected in ((0, "MCP_OK"), (1, "MCP_TOO_LARGE")):

        def handler(_server, request, extra=extra):
            if request.rpc != "ping" or "x-small" in request.headers:
                return legacy(request)
            return make(request, size + extra)

        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            if sets:
                set_limit(client, limit, size).must_be("MCP_OK")
            outcome = client.ping(timeout=20_000).must_be(expected)
            if outcome.status == "MCP_TOO_LARGE":
                print(f"    {outcome.message}")
                assert str(size) in outcome.message, "the limit is not named"
            client.set_header("X-Small", "1").must_be("MCP_OK")
            client.ping(timeout=5000).must_be("MCP_OK")


@case
def a_message():
    both_sides(MESSAGE, body_of, 1000)
    both_sides(MESSAGE, body_of, 300_000)


@case
def a_message_without_a_length():
    both_sides(MESSAGE, body_in_chunks, 1000)
    both_sides(MESSAGE, body_in_chunks, 300_000)


@case
def an_error_is_a_message():
    # An error that can be read is a sign of life.
    both_sides(MESSAGE, error_of, 1000)


@case
def an_event():
    both_sides(EVENT, event_of, 1000)
    both_sides(EVENT, event_of, 300_000)


@case
def a_head():
    both_sides(HEAD, head_of, 1000)
    both_sides(HEAD, head_of, 20_000)


@case
def a_head_larger_than_any_buffer():
    both_sides(HEAD, head_of, 100_000)
    both_sides(HEAD, head_of, 1_000_000)


@case
def the_defaults():
    both_sides(HEAD, head_of, DEFAULTS[HEAD], sets=False)
    both_sides(MESSAGE, body_of, DEFAULTS[MESSAGE], sets=False)
    both_sides(EVENT, event_of, DEFAULTS[EVENT], sets=False)


@case
def zero_stands_for_the_default():
    for limit, make in ((MESSAGE, body_of), (HEAD, head_of), (EVENT, event_of)):

        def handler(_server, request, make=make):
            return make(request, 5000) if request.rpc == "ping" else legacy(request)

        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            set_limit(client, limit, 1000).must_be("MCP_OK")
            set_limit(client, limit, 0).must_be("MCP_OK")
            client.ping().must_be("MCP_OK")


@case
def each_for_itself():
    # A small limit for one thing does not touch the others.
    for limit, make in ((MESSAGE, head_of), (MESSAGE, event_of), (HEAD, body_of), (EVENT, body_of), (EVENT, head_of)):

        def handler(_server, request, make=make):
            return make(request, 5000) if request.rpc == "ping" else legacy(request)

        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            set_limit(client, limit, 1000).must_be("MCP_OK")
            outcome = client.ping()
            assert outcome.status == "MCP_OK", f"limit {limit}, {make.__name__}: {outcome.message}"


@case
def an_event_that_never_ends():
    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        request.send(endless_line(request, 5000))
        return request.hold()

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        set_limit(client, EVENT, 1000).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_TOO_LARGE").must_end(0)


@case
def an_event_of_many_lines():
    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        request.send(STREAM + b"data: 12345\n" * 200)
        return request.hold()

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        set_limit(client, EVENT, 1000).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_TOO_LARGE").must_end(0)


@case
def numbers_that_cannot_be():
    with Server(lambda _server, request: legacy(request)) as server, Client(server.url) as client:
        for number in (0, 4, -1, 2**31 - 1):
            set_limit(client, number, 1000).must_be("MCP_INVALID_ARGUMENT")
        set_limit(client, MESSAGE, 2**64 - 1).must_be("MCP_OK")
        set_limit(client, EVENT, 2**64 - 1).must_be("MCP_OK")
        set_limit(client, HEAD, 2**64 - 1).must_be("MCP_INVALID_ARGUMENT")
        set_limit(client, HEAD, 2**24).must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        for limit in DEFAULTS:
            set_limit(client, limit, 1000).must_be("MCP_MISUSE")
        client.ping().must_be("MCP_OK")
        assert call(lib.mcp_set_limit, None, MESSAGE, 1000).status == "MCP_INVALID_ARGUMENT"


run()
