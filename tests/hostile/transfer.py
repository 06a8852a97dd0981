"""How bodies are coded and framed, and how a GET is redirected: what RFC 9110 and RFC 9112 allow is read, in any letter case."""

import gzip
import json
from ctypes import CFUNCTYPE, c_int, c_void_p

from harness import (
    ERROR, LEGACY, STREAM, Client, Server, answer, call, case, chunk, declare, event, http, legacy, lib, result, run,
)  # fmt: skip

HANDLER = CFUNCTYPE(None, c_void_p, c_void_p)
declare(c_int, mcp_set_roots=[c_void_p, HANDLER, c_void_p, c_void_p, ERROR])

ENDPOINT = b"event: endpoint\ndata: /messages?session_id=1\n\n"
ACCEPTED = http(202, "Accepted", kind="text/plain")


def pinging(reply):
    """A legacy server that answers pings in its own way."""
    return lambda _server, request: reply(request) if request.rpc == "ping" else legacy(request)


def pings(reply, *statuses, count=1):
    with Server(pinging(reply)) as server, Client(server.url, pin=LEGACY) as client:
        for _ in range(count):
            outcome = client.ping(timeout=2000)
            print(f"    {outcome.status}: {outcome.message[-160:]}")
            outcome.must_be(*statuses)
        return outcome, server


def text(request):
    return json.dumps(answer(request, {})).encode()


# --- Content codings --------------------------------------------------------------------------------------------------


@case
def content_codings_are_compared_without_case():
    for coding in ("gzip", "GZIP", "Gzip", "x-gzip", "X-GZip", "gzip, identity", " gzip ,"):
        print(f"    {coding!r}")
        pings(lambda request: http(200, gzip.compress(text(request)), Content_Encoding=coding), "MCP_OK", count=2)


@case
def codings_that_change_nothing_are_read():
    for coding in ("", "identity", "Identity", "none", "NONE", "identity, identity"):
        print(f"    {coding!r}")
        pings(lambda request: http(200, text(request), Content_Encoding=coding), "MCP_OK", count=2)


@case
def gzip_in_any_framing_and_case():
    def chunked(request):
        body = gzip.compress(text(request))
        head = http(200, Content_Length=None, Transfer_Encoding="Chunked", Content_Encoding="GZip")
        return head + chunk(body[:7]) + chunk(body[7:]) + b"0\r\n\r\n"

    def streamed(request):
        body = gzip.compress(event(answer(request, {})))
        return http(200, body, kind="text/event-stream", Content_Encoding="X-Gzip")

    def until_the_end(request):
        body = gzip.compress(text(request))
        request.send(http(200, body, Content_Length=None, Connection="close", Content_Encoding="GZIP"))

    for reply in (chunked, streamed, until_the_end):
        pings(reply, "MCP_OK", count=2)


@case
def the_connection_of_a_packed_answer_is_kept():
    ports = set()

    def reply(request):
        ports.add(request.socket.getpeername()[1])
        return http(200, gzip.compress(text(request)), Content_Encoding="GZIP")

    pings(reply, "MCP_OK", count=3)
    assert len(ports) == 1, ports


@case
def unknown_content_codings_are_named():
    for coding in ("br", "BR", "gzip, br", "gzip, gzip"):
        outcome, _ = pings(lambda request: http(200, text(request), Content_Encoding=coding), "MCP_UNEXPECTED_CONTENT")
        assert coding in outcome.message, outcome.message


# --- Transfer codings and chunks --------------------------------------------------------------------------------------


def chunked(request, coding="chunked", frame=chunk, end=b"0\r\n\r\n", **headers):
    return http(200, Content_Length=None, Transfer_Encoding=coding, **headers) + frame(text(request)) + end


@case
def transfer_codings_are_compared_without_case():
    for coding in ("chunked", "Chunked", "CHUNKED", "identity, Chunked"):
        print(f"    {coding!r}")
        pings(lambda request: chunked(request, coding), "MCP_OK", count=2)
    for coding in ("identity", "Identity"):
        pings(lambda request: http(200, text(request), Transfer_Encoding=coding), "MCP_OK", count=2)


@case
def unknown_transfer_codings_are_named():
    for coding in ("gzip, chunked", "Frobnicated", "chunked, chunked"):
        outcome, _ = pings(lambda request: chunked(request, coding), "MCP_HTTP_ERROR")
        assert coding in outcome.message, outcome.message


@case
def chunk_sizes_are_hexadecimal_digits_alone():
    def sized(form):
        return lambda data: form(len(data)).encode() + b"\r\n" + data + b"\r\n"

    for form in ("{:x}", "{:X}", "000{:x}", "{:x};name=value", '{:x} ; name="a; b"', "{:x}  ", "{:x};" + "x" * 500):
        pings(lambda request: chunked(request, frame=sized(form.format)), "MCP_OK", count=2)
    for form in ("+{:x}", "-{:x}", "0x{:x}", "{:x}_0", "+", "", ";x", "{:x} x", "1{:016x}"):
        print(f"    {form}")
        outcome, _ = pings(lambda request: chunked(request, frame=sized(form.format)), "MCP_HTTP_ERROR")
        assert "no valid HTTP" in outcome.message, outcome.message


@case
def the_connection_is_kept_behind_the_trailers():
    ports = set()

    def reply(request):
        ports.add(request.socket.getpeername()[1])
        return chunked(request, end=b"0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n")

    pings(reply, "MCP_OK", count=3)
    assert len(ports) == 1, ports


@case
def chunks_may_come_a_byte_at_a_time():
    def reply(request):
        for byte in chunked(request, end=b"0;last\r\nX: y\r\n\r\n"):
            request.send(bytes([byte]))
        return b""

    pings(reply, "MCP_OK", count=2)


# --- Beside -----------------------------------------------------------------------------------------------------------


@case
def empty_answers_without_a_body_are_not_chunks():
    """204 has no body, whatever its head says (RFC 9112, 6.3)."""

    def handler(_server, request):
        if request.rpc == "notifications/initialized":
            return http(204, kind=None, Content_Length=None, Transfer_Encoding="chunked")
        return legacy(request) if request.rpc != "ping" else result(request, {})

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        client.ping(timeout=2000).must_be("MCP_OK")


run()
