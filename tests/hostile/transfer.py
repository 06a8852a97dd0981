"""Content codings, transfer codings and redirects of a GET: everything that RFC 9110 and RFC 9112 allow is accepted, in
upper and lower case."""

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
    """A handler that responds to pings with `reply(request)`, and to other requests as a correct legacy server."""
    return lambda _server, request: reply(request) if request.rpc == "ping" else legacy(request)


def ping_each(reply, *statuses, count=1):
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
        ping_each(lambda request: http(200, gzip.compress(text(request)), Content_Encoding=coding), "MCP_OK", count=2)


@case
def codings_that_change_nothing_are_accepted():
    for coding in ("", "identity", "Identity", "none", "NONE", "identity, identity"):
        print(f"    {coding!r}")
        ping_each(lambda request: http(200, text(request), Content_Encoding=coding), "MCP_OK", count=2)


@case
def gzip_is_read_in_any_framing_and_case():
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
        ping_each(reply, "MCP_OK", count=2)


@case
def a_compressed_response_keeps_the_connection():
    ports = set()

    def reply(request):
        ports.add(request.socket.getpeername()[1])
        return http(200, gzip.compress(text(request)), Content_Encoding="GZIP")

    ping_each(reply, "MCP_OK", count=3)
    assert len(ports) == 1, ports


@case
def an_unknown_content_coding_is_named_in_the_error():
    for coding in ("br", "BR", "gzip, br", "gzip, gzip"):
        reply = lambda request: http(200, text(request), Content_Encoding=coding)  # noqa: E731
        outcome, _ = ping_each(reply, "MCP_UNEXPECTED_CONTENT")
        assert coding in outcome.message, outcome.message


# --- Transfer codings and chunks --------------------------------------------------------------------------------------


def chunked(request, coding="chunked", frame=chunk, end=b"0\r\n\r\n", **headers):
    return http(200, Content_Length=None, Transfer_Encoding=coding, **headers) + frame(text(request)) + end


@case
def transfer_codings_are_compared_without_case():
    for coding in ("chunked", "Chunked", "CHUNKED", "identity, Chunked"):
        print(f"    {coding!r}")
        ping_each(lambda request: chunked(request, coding), "MCP_OK", count=2)
    for coding in ("identity", "Identity"):
        ping_each(lambda request: http(200, text(request), Transfer_Encoding=coding), "MCP_OK", count=2)


@case
def an_unknown_transfer_coding_is_named_in_the_error():
    for coding in ("gzip, chunked", "Frobnicated", "chunked, chunked"):
        outcome, _ = ping_each(lambda request: chunked(request, coding), "MCP_HTTP_ERROR")
        assert coding in outcome.message, outcome.message


@case
def chunk_sizes_with_other_characters_than_hex_digits_are_rejected():
    def sized(form):
        return lambda data: form(len(data)).encode() + b"\r\n" + data + b"\r\n"

    for form in ("{:x}", "{:X}", "000{:x}", "{:x};name=value", '{:x} ; name="a; b"', "{:x}  ", "{:x};" + "x" * 500):
        ping_each(lambda request: chunked(request, frame=sized(form.format)), "MCP_OK", count=2)
    for form in ("+{:x}", "-{:x}", "0x{:x}", "{:x}_0", "+", "", ";x", "{:x} x", "1{:016x}"):
        print(f"    {form}")
        outcome, _ = ping_each(lambda request: chunked(request, frame=sized(form.format)), "MCP_HTTP_ERROR")
        assert "not valid HTTP" in outcome.message, outcome.message


@case
def a_response_with_trailers_keeps_the_connection():
    ports = set()

    def reply(request):
        ports.add(request.socket.getpeername()[1])
        return chunked(request, end=b"0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n")

    ping_each(reply, "MCP_OK", count=3)
    assert len(ports) == 1, ports


@case
def chunks_can_arrive_byte_by_byte():
    def reply(request):
        for byte in chunked(request, end=b"0;last\r\nX: y\r\n\r\n"):
            request.send(bytes([byte]))
        return b""

    ping_each(reply, "MCP_OK", count=2)


# --- Redirects of a GET -----------------------------------------------------------------------------------------------


class Redirected:
    """An HTTP+SSE server at /sse/ that redirects a GET of /sse. With `post`, it redirects the POST of a ping with this
    status."""

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


def ping_sse(handler, *statuses):
    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse", bearer="s3cr3t-token") as client:
        outcome = client.ping(timeout=2000)
        print(f"    {outcome.status}: {outcome.message[-300:]}")
        return outcome.must_be(*statuses), server


@case
def a_get_is_redirected_within_its_origin():
    for status in (301, 302, 303, 307, 308):
        handler = Redirected(status)
        _, server = ping_sse(handler, "MCP_OK")
        assert handler.paths == ["/sse", "/sse/"], handler.paths
        # The endpoint is resolved against the URL after the redirect.
        assert handler.stream.authorization == "Bearer s3cr3t-token"
        assert [request.path for request in server.requests if request.method == "POST"][0] == "/messages?session_id=1"


@case
def a_get_is_not_redirected_to_another_origin():
    for status in (301, 302, 303, 307, 308):
        with Server(Redirected(200)) as other:
            for location in (f"http://127.0.0.1:{other.port}/sse/", f"//localhost:{other.port}/sse/"):
                outcome, _ = ping_sse(Redirected(status, location), "MCP_REDIRECT_REFUSED")
                assert "another origin" in outcome.message, outcome.message
                assert "would change" not in outcome.message, outcome.message
            assert other.requests == []


@case
def the_number_of_redirects_of_a_get_is_limited():
    for status in (301, 302, 303, 307, 308):
        handler = Redirected(status, "/sse")
        outcome, _ = ping_sse(handler, "MCP_REDIRECT_REFUSED")
        assert "more than 5 redirects" in outcome.message, outcome.message
        assert len(handler.paths) == 6, handler.paths


@case
def a_post_never_becomes_a_get():
    for status in (301, 302, 303):
        handler = Redirected(200, post=status)
        with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse/") as client:
            client.connect().must_be("MCP_OK")
            outcome = client.ping(timeout=2000).must_be("MCP_REDIRECT_REFUSED")
            assert "would change the request method" in outcome.message, outcome.message
            assert server.saw().count("GET") == 1, server.saw()


@case
def a_redirect_of_the_server_stream_is_followed():
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
def redirects_do_not_extend_the_timeout():
    def handler(_server, request):
        if request.path == "/sse":
            return http(302, kind=None, Location="/silent")
        return request.hold()

    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse") as client:
        client.ping(timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=250)


# --- Responses without a body -----------------------------------------------------------------------------------------


@case
def a_204_response_is_not_read_as_chunks():
    """A 204 response has no body, even if its head says otherwise (RFC 9112, 6.3)."""

    def handler(_server, request):
        if request.rpc == "notifications/initialized":
            return http(204, kind=None, Content_Length=None, Transfer_Encoding="chunked")
        return legacy(request) if request.rpc != "ping" else result(request, {})

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        client.ping(timeout=2000).must_be("MCP_OK")


run()
