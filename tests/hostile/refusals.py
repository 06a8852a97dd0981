"""What a refusal says: the server's own words, who refused, and what to do about it."""

import os
import socket
import threading
from ctypes import byref, c_char_p, c_int, c_void_p

from harness import (
    ERROR, LEGACY, STREAM, Client, Server, answer, call, case, declare, event, http, lib, must_not_show, result, run,
)  # fmt: skip

declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR])

TOKEN = "s3cr3t-token-0123456789"
# The environment is part of the cases.
PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
for name in PROXY_VARIABLES:
    os.environ.pop(name, None)


def refused(handler, *statuses, path="/mcp", says=(), not_says=(), pin=LEGACY):
    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}{path}", bearer=TOKEN, pin=pin) as client:
        outcome = client.ping(timeout=3000)
        print(f"    {outcome.status}: {outcome.message}")
        outcome.must_be(*statuses)
        must_not_show(outcome, client.lines, TOKEN)
        must_say(outcome, says, not_says)
        return outcome, server


def must_say(outcome, says=(), not_says=()):
    for words in says:
        assert words in outcome.message, f"no {words!r} in: {outcome.message}"
    for words in not_says:
        assert words not in outcome.message, f"{words!r} in: {outcome.message}"
    assert outcome.message.isprintable() and len(outcome.message) <= 2048, outcome.message


# --- The server's words -----------------------------------------------------------------------------------------------


@case
def the_text_of_a_refusal_without_a_content_type_is_quoted():
    for code, status in ((400, "MCP_HTTP_ERROR"), (403, "MCP_FORBIDDEN"), (404, "MCP_NOT_FOUND"), (421, "MCP_HTTP_ERROR"),
                         (500, "MCP_SERVER_ERROR"), (503, "MCP_UNAVAILABLE")):  # fmt: skip
        words = f"Invalid Host header {code}"
        refused(lambda *_: http(code, words, kind=None), status, says=(f"it says: {words}",))


@case
def what_is_quoted_without_a_content_type_is_text():
    refused(lambda *_: http(400, "<!doctype html><p>Hello", kind=None), "MCP_HTTP_ERROR", not_says=("Hello",))
    refused(lambda *_: http(400, b"\x00\x01\xffHello", kind=None), "MCP_HTTP_ERROR", not_says=("Hello",))
    refused(lambda *_: http(400, '{"detail":"Bad Hello"}', kind=None), "MCP_HTTP_ERROR", says=("it says: Bad Hello",))
    refused(lambda *_: http(400, "x" * 100_000, kind=None), "MCP_HTTP_ERROR", says=("it says: xxx",))
    # The server echoes the token.
    refused(lambda *_: http(400, f"bad {TOKEN}", kind=None), "MCP_HTTP_ERROR", says=("it says: bad [redacted]",))


@case
def problem_details_are_quoted():
    """RFC 9457."""
    problem = {"type": "about:blank", "title": "No", "detail": "Tenant is suspended"}
    refused(lambda *_: http(400, problem, kind="application/problem+json"), "MCP_HTTP_ERROR", says=("Tenant is suspended",))
    refused(lambda *_: http(400, {"title": "Bad Thing"}, kind="application/problem+json"), "MCP_HTTP_ERROR", says=("Bad Thing",))


@case
def a_misdirected_request_says_what_to_do():
    refused(lambda *_: http(421, "Invalid Host header", kind="text/plain"), "MCP_HTTP_ERROR",
            says=("HTTP 421", "host", "Invalid Host header"), not_says=("has no place here",))  # fmt: skip


@case
def the_refused_host_of_an_event_stream_is_reported():
    """The python-sdk's HTTP+SSE server: the POST that is tried next is 405, and says nothing."""

    def handler(_server, request):
        return http(421, "Invalid Host header", kind=None) if request.method == "GET" else http(405, "Method Not Allowed")

    refused(handler, "MCP_HTTP_ERROR", path="/sse", pin=None, says=("HTTP 421", "Invalid Host header"))


@case
def the_refused_host_of_a_fallback_is_reported():
    def handler(_server, request):
        return http(421, "Invalid Host header", kind=None) if request.method == "GET" else http(405, "Method Not Allowed")

    refused(handler, "MCP_HTTP_ERROR", pin=None, says=("HTTP 421", "Invalid Host header"))


@case
def a_plain_web_server_is_called_that():
    """Python's http.server, which knows GET and HEAD."""
    page = "<html><title>Error response</title>Unsupported method ('POST')</html>"
    for pin in (None, LEGACY):
        refused(lambda *_: http(501, page, kind="text/html;charset=utf-8"), "MCP_SERVER_ERROR", pin=pin,
                says=("HTTP 501", "does not implement POST", "check"))  # fmt: skip


# --- Redirects --------------------------------------------------------------------------------------------------------


@case
def a_get_is_told_of_another_origin_truly():
    for status in (301, 307):
        refused(lambda _, request: http(status, kind=None, Location="http://elsewhere.invalid/sse"), "MCP_REDIRECT_REFUSED",
                path="/sse", pin=None, says=("another origin",), not_says=("would turn",))  # fmt: skip


# --- Endpoints that are not there -------------------------------------------------------------------------------------


@case
def the_endpoint_that_was_asked_is_named():
    """A reverse proxy strips /gateway, and the server behind it names /messages/."""
    streams = []

    def handler(_server, request):
        if request.method == "GET":
            streams.append(request)
            request.send(STREAM + b"event: endpoint\ndata: /messages/?session_id=0123456789abcdef\n\n")
            return request.hold()
        return http(404, "Not Found", kind="text/plain")

    refused(handler, "MCP_NOT_FOUND", path="/gateway/sse", pin=None, says=("/messages/", "HTTP 404", "/gateway/sse"),
            not_says=("0123456789abcdef",))  # fmt: skip


@case
def the_endpoint_that_is_gone_is_named():
    streams = []

    def handler(_server, request):
        if request.method == "GET":
            streams.append(request)
            request.send(STREAM + b"event: endpoint\ndata: /messages/?session_id=0123456789abcdef\n\n")
            return request.hold()
        if request.rpc == "initialize":
            value = {"protocolVersion": "2024-11-05", "capabilities": {}}
            streams[-1].send(event(answer(request, value)))
        return http(404, "Not Found", kind="text/plain") if request.rpc == "ping" else http(202, kind=None)

    refused(handler, "MCP_SESSION_LOST", "MCP_NOT_FOUND", path="/gateway/sse", pin=None, says=("/messages/", "HTTP 404"))


# --- Proxies ----------------------------------------------------------------------------------------------------------

HTML = "<html><h1>Access denied by the gateway</h1></html>"
PROXY = f"http://user:{TOKEN}@127.0.0.1"


def through(handler, url="http://mcp.invalid/mcp", variable=None, port=None, **limits):
    with Server(handler) as proxy:
        given = f"{PROXY}:{port or proxy.port}"
        if variable:
            os.environ[variable] = given
        try:
            with Client(url, pin=LEGACY) as client:
                if not variable:
                    call(lib.mcp_set_proxy, client.client, given.encode()).must_be("MCP_OK")
                outcome = client.ping(timeout=3000, **limits)
        finally:
            if variable:
                del os.environ[variable]
        print(f"    {outcome.status}: {outcome.message}")
        must_not_show(outcome, client.lines, TOKEN)
        return outcome, proxy


@case
def a_refusal_that_may_be_the_proxys_names_it():
    answers = {
        "MCP_UNAVAILABLE": [http(code, HTML, kind="text/html") for code in (502, 503, 504)] + [http(503, kind=None)],
        "MCP_FORBIDDEN": [http(403, HTML, kind="text/html"), http(403, "no", kind="text/plain")],
        "MCP_UNEXPECTED_CONTENT": [http(200, HTML, kind="text/html")],
        "MCP_NOT_FOUND": [http(404, HTML, kind="text/html")],
    }
    for status, replies in answers.items():
        for reply in replies:
            for variable in (None, "http_proxy", "all_proxy", "ALL_PROXY"):
                outcome, proxy = through(lambda *_: reply, variable=variable)
                outcome.must_be(status)
                must_say(outcome, (f"http://127.0.0.1:{proxy.port}", variable or "mcp_set_proxy"))


@case
def what_is_the_servers_is_not_said_of_the_proxy():
    def reply(_server, request):
        told = {"code": -32603, "message": "boom"}
        return http(403, {"jsonrpc": "2.0", "id": request.message["id"], "error": told})

    outcome, _ = through(reply)
    must_say(outcome, not_says=("proxy",))
    outcome, _ = through(lambda *_: http(401, kind=None))
    must_say(outcome.must_be("MCP_UNAUTHORIZED"), not_says=("proxy",))
    outcome, _ = refused(lambda *_: http(502, HTML, kind="text/html"), "MCP_UNAVAILABLE", not_says=("proxy",))


@case
def a_tunnel_that_is_refused_names_the_variable():
    for code in (403, 407, 502, 500):
        for variable in (None, "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            outcome, proxy = through(lambda *_: http(code, HTML, kind="text/html"), "https://mcp.invalid/mcp", variable)
            outcome.must_be("MCP_PROXY_FAILED", "MCP_PROXY_AUTH_REQUIRED")
            must_say(outcome, (f"http://127.0.0.1:{proxy.port}", variable or "mcp_set_proxy", str(code)))


@case
def a_proxy_that_is_not_there_is_named_with_its_variable():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url, variable in (("http://mcp.invalid/", "http_proxy"), ("https://mcp.invalid/", "HTTPS_PROXY"), ("http://mcp.invalid/", None)):
        outcome, _ = through(None, url, variable, port=port)
        must_say(outcome.must_be("MCP_PROXY_FAILED"), (f"127.0.0.1:{port}", variable or "mcp_set_proxy"))


@case
def a_tunnel_may_open_behind_informational_answers():
    """RFC 9110, 15.2: any number of 1xx may come before the answer."""
    reached = []

    def tunnelled(before):
        def handler(_server, request):
            request.send(before + b"HTTP/1.1 200 Connection established\r\n\r\n")
            reached.append(request.socket.recv(1))  # the first byte of a ClientHello
            return None

        return handler

    for before in (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n" * 3, b"HTTP/1.1 103 X\r\n\r\n"):
        outcome, _ = through(tunnelled(before), "https://mcp.invalid/mcp")
        outcome.must_be("MCP_TLS_FAILED")
    assert reached == [b"\x16"] * 3, reached


@case
def informational_answers_of_a_proxy_without_end():
    def handler(_server, request):
        while True:
            request.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)

    outcome, _ = through(handler, "https://mcp.invalid/mcp")
    outcome.must_be("MCP_PROXY_FAILED").must_end(1000)
    outcome, _ = through(lambda *_: b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "https://mcp.invalid/mcp")
    outcome.must_be("MCP_PROXY_FAILED")


# --- URLs -------------------------------------------------------------------------------------------------------------


def made(url):
    """What `mcp_client_new` says of a URL: nothing of one that is good."""
    error = c_void_p()
    client = lib.mcp_client_new(url.encode(), byref(error))
    message = lib.mcp_error_message(error).decode()
    lib.mcp_error_free(error)
    lib.mcp_client_free(client)
    print(f"    {url}: {message}")
    return "" if client else message


@case
def an_empty_port_is_the_default_one():
    """RFC 3986, 3.2.3, and RFC 9110, 4.2.3."""
    for url in ("http://localhost:/mcp", "https://localhost:/mcp", "http://[::1]:/mcp", "http://localhost:"):
        assert made(url) == "", url
    with Server(lambda _server, request: result(request, {})) as proxy:
        with Client("http://mcp.invalid:/mcp", pin=LEGACY) as client:
            call(lib.mcp_set_proxy, client.client, f"127.0.0.1:{proxy.port}".encode()).must_be("MCP_OK")
            client.ping(timeout=2000)
        assert proxy.requests[0].path == "http://mcp.invalid/mcp", proxy.requests[0].path
        assert proxy.requests[0].headers["host"] == "mcp.invalid", proxy.requests[0].headers


@case
def ports_are_digits_alone():
    for port in ("+80", "-80", "0", "00", "65536", "8 0", "0x50", "80a", "٨٠", "099999"):
        assert made(f"http://localhost:{port}/mcp"), port
        error = call(lib.mcp_set_proxy, None, f"localhost:{port}".encode())
        assert error.status != "MCP_OK"
    for port in ("80", "080", "00080"):
        assert made(f"http://localhost:{port}/mcp") == "", port


@case
def a_host_in_other_letters_is_to_be_written_in_its_ascii_form():
    for url in ("http://bücher.example", "https://bücher.example:8443/mcp", "http://例え.jp/mcp"):
        why = made(url)
        assert "xn--" in why and "percent-encode" not in why, why
        assert "bücher" not in why, why
    for url in ("http://localhost/bücher", "http://localhost/m cp"):
        assert "percent-encode" in made(url), url


# --- TLS --------------------------------------------------------------------------------------------------------------


@case
def https_to_a_plain_port_is_called_that():
    def serve(connection):
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=lambda: serve(listener.accept()[0]))
        thread.start()
        with Client(f"https://127.0.0.1:{port}/mcp", pin=LEGACY) as client:
            outcome = client.ping(timeout=3000).must_be("MCP_TLS_FAILED")
        thread.join()
    print(f"    {outcome.message}")
    must_say(outcome, ("does not speak TLS", "http://"), ("InvalidContentType",))


run()
