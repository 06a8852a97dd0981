"""Size limits of responses: a response at the limit is accepted, one byte more ends the call."""

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


def pad_to(size, make):
    """`make(padding)`, with so much padding that the result has `size` bytes."""
    data = make(b"x" * (size - len(make(b""))))
    assert len(data) == size
    return data


def message(request, size):
    frame = json.dumps(answer(request, {"x": "-"})).encode().split(b"-")
    return pad_to(size, lambda padding: padding.join(frame))


def sized_body(request, size):
    return http(200, message(request, size))


def sized_chunked_body(request, size):
    data = message(request, size)
    head = http(200, Content_Length=None, Transfer_Encoding="chunked")
    return head + b"".join(chunk(data[at : at + 50_000]) for at in range(0, size, 50_000)) + b"0\r\n\r\n"


def sized_error(request, size):
    frame = error(request, -32603, "-").split(b"\r\n\r\n")[1].split(b"-32603")
    tail = frame[1].split(b"-")
    return http(200, pad_to(size, lambda padding: frame[0] + b"-32603" + padding.join(tail)))


def sized_event(request, size):
    """An event that is a single line of `size` bytes."""
    line = b"data: " + message(request, size - 6)
    return http(200, b": comment\n\n" + line + b"\n\n", kind="text/event-stream")


def endless_line(_request, size):
    return STREAM + b"data: " + b"x" * (size - 6)


def sized_head(request, size):
    """A response whose head has `size` bytes, including the blank line."""
    head, body = http(200, answer(request, {})).split(b"\r\n\r\n")
    head = pad_to(size, lambda padding: head + b"\r\nX-Padding: " + padding + b"\r\n\r\n")
    return head + body


def at_and_above_limit(limit, make, size, sets=True):
    """A ping whose response `make(request, size)` has the size of the limit succeeds. With one byte more, it fails."""
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
                assert str(size) in outcome.message, f"the message does not name the limit: {outcome.message}"
            client.set_header("X-Small", "1").must_be("MCP_OK")
            client.ping(timeout=5000).must_be("MCP_OK")


@case
def bodies_up_to_the_message_limit_are_accepted():
    at_and_above_limit(MESSAGE, sized_body, 1000)
    at_and_above_limit(MESSAGE, sized_body, 300_000)


@case
def chunked_bodies_up_to_the_message_limit_are_accepted():
    at_and_above_limit(MESSAGE, sized_chunked_body, 1000)
    at_and_above_limit(MESSAGE, sized_chunked_body, 300_000)


@case
def errors_up_to_the_message_limit_are_accepted():
    # A ping succeeds if the client can read the error: any JSON-RPC response shows that the server is alive.
    at_and_above_limit(MESSAGE, sized_error, 1000)


@case
def events_up_to_the_event_limit_are_accepted():
    at_and_above_limit(EVENT, sized_event, 1000)
    at_and_above_limit(EVENT, sized_event, 300_000)


@case
def heads_up_to_the_head_limit_are_accepted():
    at_and_above_limit(HEAD, sized_head, 1000)
    at_and_above_limit(HEAD, sized_head, 20_000)


@case
def head_limits_above_the_buffer_size_are_respected():
    at_and_above_limit(HEAD, sized_head, 100_000)
    at_and_above_limit(HEAD, sized_head, 1_000_000)


@case
def the_default_limits_apply():
    at_and_above_limit(HEAD, sized_head, DEFAULTS[HEAD], sets=False)
    at_and_above_limit(MESSAGE, sized_body, DEFAULTS[MESSAGE], sets=False)
    at_and_above_limit(EVENT, sized_event, DEFAULTS[EVENT], sets=False)


@case
def zero_restores_the_default_limit():
    for limit, make in ((MESSAGE, sized_body), (HEAD, sized_head), (EVENT, sized_event)):

        def handler(_server, request, make=make):
            return make(request, 5000) if request.rpc == "ping" else legacy(request)

        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            set_limit(client, limit, 1000).must_be("MCP_OK")
            set_limit(client, limit, 0).must_be("MCP_OK")
            client.ping().must_be("MCP_OK")


@case
def limits_are_independent_of_each_other():
    for limit, make in (
        (MESSAGE, sized_head), (MESSAGE, sized_event), (HEAD, sized_body), (EVENT, sized_body), (EVENT, sized_head),
    ):  # fmt: skip

        def handler(_server, request, make=make):
            return make(request, 5000) if request.rpc == "ping" else legacy(request)

        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            set_limit(client, limit, 1000).must_be("MCP_OK")
            outcome = client.ping()
            assert outcome.status == "MCP_OK", f"limit {limit}, {make.__name__}: {outcome.message}"


@case
def an_endless_line_is_stopped_by_the_event_limit():
    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        request.send(endless_line(request, 5000))
        return request.hold()

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        set_limit(client, EVENT, 1000).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_TOO_LARGE").must_end(0)


@case
def an_event_of_many_lines_is_stopped_by_the_event_limit():
    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        request.send(STREAM + b"data: 12345\n" * 200)
        return request.hold()

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        set_limit(client, EVENT, 1000).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_TOO_LARGE").must_end(0)


@case
def invalid_limits_are_rejected():
    with Server(lambda _server, request: legacy(request)) as server, Client(server.url) as client:
        for unknown in (0, 4, -1, 2**31 - 1):
            set_limit(client, unknown, 1000).must_be("MCP_INVALID_ARGUMENT")
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
