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


# --- Redirects of a GET -----------------------------------------------------------------------------------------------


class Redirected:
    """An HTTP+SSE server at /sse/ that redirects the GET of /sse so."""

    def __init__(self, status, location="/sse/", post=None):
        self.status, self.location, self.post = status, location, post
        self.paths, self.stream = [], None

    def __call__(self, _server, request):
        if request.method == "GET" and not request.path.endswith("/sse/"):
            self.paths.append(request.path)
            return http(self.status, "moved", kind="text/plain", Location=self.location)
        if request.method == "GET":
            self.paths.append(request.path)
            self.stream = request
            request.send(STREAM + ENDPOINT)
            return request.hold()
        if self.post and request.rpc == "ping":
            return http(self.post, Location="/messages/")
        if "id" in request.message:
            value = {"protocolVersion": "2024-11-05", "capabilities": {}} if request.rpc == "initialize" else {}
            self.stream.send(event(answer(request, value)))
        return ACCEPTED


def visit(handler, *statuses):
    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse", bearer="s3cr3t-token") as client:
        outcome = client.ping(timeout=2000)
        print(f"    {outcome.status}: {outcome.message[-300:]}")
        return outcome.must_be(*statuses), server


@case
def a_get_is_redirected_within_its_origin():
    for status in (301, 302, 303, 307, 308):
        handler = Redirected(status)
        _, server = visit(handler, "MCP_OK")
        assert handler.paths == ["/sse", "/sse/"], handler.paths
        # What the server names counts from where the stream was found.
        assert handler.stream.authorization == "Bearer s3cr3t-token"
        assert [request.path for request in server.requests if request.method == "POST"][0] == "/messages?session_id=1"


@case
def a_get_is_not_redirected_to_another_origin():
    for status in (301, 302, 303, 307, 308):
        with Server(Redirected(200)) as other:
            for location in (f"http://127.0.0.1:{other.port}/sse/", f"//localhost:{other.port}/sse/"):
                outcome, _ = visit(Redirected(status, location), "MCP_REDIRECT_REFUSED")
                assert "another origin" in outcome.message, outcome.message
                assert "would turn" not in outcome.message, outcome.message
            assert other.requests == []


@case
def redirects_of_a_get_end():
    for status in (301, 302, 303, 307, 308):
        handler = Redirected(status, "/sse")
        outcome, _ = visit(handler, "MCP_REDIRECT_REFUSED")
        assert "more than 5 redirects" in outcome.message, outcome.message
        assert len(handler.paths) == 6, handler.paths


@case
def a_post_never_becomes_a_get():
    for status in (301, 302, 303):
        handler = Redirected(200, post=status)
        with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse/") as client:
            client.connect().must_be("MCP_OK")
            outcome = client.ping(timeout=2000).must_be("MCP_REDIRECT_REFUSED")
            assert "would turn the request into another one" in outcome.message, outcome.message
            assert server.saw().count("GET") == 1, server.saw()


@case
def the_redirect_of_a_standing_stream_is_followed():
    opened = []

    def handler(_server, request):
        if request.method == "GET" and request.path == "/mcp":
            return http(301, kind=None, Location="/mcp/")
        if request.method == "GET":
            opened.append(request)
            request.send(STREAM)
            return request.hold()
        return legacy(request)

    roots = HANDLER(lambda *_: None)
    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        call(lib.mcp_set_roots, client.client, roots, None, None).must_be("MCP_OK")
        client.connect().must_be("MCP_OK")
        assert server.wait_for(lambda: opened), server.saw()
        assert opened[0].session == "session-1"


@case
def a_redirect_stays_within_the_timeout():
    def handler(_server, request):
        if request.path == "/sse":
            return http(302, kind=None, Location="/silent")
        return request.hold()

    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse") as client:
        client.ping(timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=250)


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
