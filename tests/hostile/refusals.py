"""Error messages for refused requests: they quote the server, name who refused the request, and tell what to do."""

import os
import socket
import threading
from ctypes import byref, c_char_p, c_int, c_void_p

from harness import (
    ERROR, LEGACY, STREAM, Client, Server, answer, call, case, declare, event, http, lib, must_not_show, result, run,
)  # fmt: skip

declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR])

TOKEN = "s3cr3t-token-0123456789"
# The cases set these variables themselves: remove those of the environment.
PROXY_VARIABLES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
for name in PROXY_VARIABLES:
    os.environ.pop(name, None)


def refused(handler, *statuses, path="/mcp", says=(), not_says=(), pin=LEGACY):
    """A ping has to fail with one of the statuses, and with a message that has all of `says` and none of `not_says`."""
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


# --- Quotations of the server -----------------------------------------------------------------------------------------


@case
def a_text_body_without_a_content_type_is_quoted():
    for code, status in (
        (400, "MCP_HTTP_ERROR"), (403, "MCP_FORBIDDEN"), (404, "MCP_NOT_FOUND"), (421, "MCP_HTTP_ERROR"),
        (500, "MCP_SERVER_ERROR"), (503, "MCP_UNAVAILABLE"),
    ):  # fmt: skip
        words = f"Invalid Host header {code}"
        refused(lambda *_: http(code, words, kind=None), status, says=(f"it says: {words}",))


@case
def a_body_without_a_content_type_is_quoted_only_if_it_is_text():
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
    refused(lambda *_: http(400, problem, kind="application/problem+json"), "MCP_HTTP_ERROR",
            says=("Tenant is suspended",))  # fmt: skip
    problem = {"title": "Bad Thing"}
    refused(lambda *_: http(400, problem, kind="application/problem+json"), "MCP_HTTP_ERROR", says=("Bad Thing",))


@case
def an_error_for_a_misdirected_request_tells_what_to_do():
    refused(lambda *_: http(421, "Invalid Host header", kind="text/plain"), "MCP_HTTP_ERROR",
            says=("HTTP 421", "host", "Invalid Host header"), not_says=("unexpected status",))  # fmt: skip


def refuse_host_of_get(_server, request):
    if request.method == "GET":
        return http(421, "Invalid Host header", kind=None)
    return http(405, "Method Not Allowed")


@case
def the_refused_host_of_an_event_stream_is_reported():
    """Of the HTTP+SSE server of the python-sdk: the client then tries a POST, whose 405 does not tell the reason."""
    refused(refuse_host_of_get, "MCP_HTTP_ERROR", path="/sse", pin=None, says=("HTTP 421", "Invalid Host header"))


@case
def the_refused_host_of_a_fallback_is_reported():
    refused(refuse_host_of_get, "MCP_HTTP_ERROR", pin=None, says=("HTTP 421", "Invalid Host header"))


@case
def the_error_tells_that_a_server_does_not_support_post():
    """Python's http.server, which supports only GET and HEAD."""
    page = "<html><title>Error response</title>Unsupported method ('POST')</html>"
    for pin in (None, LEGACY):
        refused(lambda *_: http(501, page, kind="text/html;charset=utf-8"), "MCP_SERVER_ERROR", pin=pin,
                says=("HTTP 501", "does not implement POST", "check"))  # fmt: skip


# --- Redirects --------------------------------------------------------------------------------------------------------


@case
def a_redirected_get_names_the_other_origin():
    for status in (301, 307):
        location = "http://elsewhere.invalid/sse"
        refused(lambda *_: http(status, kind=None, Location=location), "MCP_REDIRECT_REFUSED", path="/sse", pin=None,
                says=("another origin",), not_says=("would change",))  # fmt: skip


# --- Endpoints that do not exist --------------------------------------------------------------------------------------


@case
def a_missing_endpoint_is_named_in_the_error():
    """A reverse proxy removes the prefix /gateway. The server behind it sends the endpoint without it: /messages/."""
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
def an_endpoint_that_disappears_is_named_in_the_error():
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

    refused(handler, "MCP_SESSION_LOST", "MCP_NOT_FOUND", path="/gateway/sse", pin=None,
            says=("/messages/", "HTTP 404"))  # fmt: skip


# --- Proxies ----------------------------------------------------------------------------------------------------------

HTML = "<html><h1>Access denied by the gateway</h1></html>"
PROXY = f"http://user:{TOKEN}@127.0.0.1"


def via_proxy(handler, url="http://mcp.invalid/mcp", variable=None, port=None, **limits):
    """Pings through a proxy that is set by the environment variable, or by mcp_set_proxy."""
    with Server(handler) as proxy:
        proxy_url = f"{PROXY}:{port or proxy.port}"
        if variable:
            os.environ[variable] = proxy_url
        try:
            with Client(url, pin=LEGACY) as client:
                if not variable:
                    call(lib.mcp_set_proxy, client.client, proxy_url.encode()).must_be("MCP_OK")
                outcome = client.ping(timeout=3000, **limits)
        finally:
            if variable:
                del os.environ[variable]
        print(f"    {outcome.status}: {outcome.message}")
        must_not_show(outcome, client.lines, TOKEN)
        return outcome, proxy


@case
def an_error_that_may_come_from_the_proxy_names_the_proxy():
    responses = {
        "MCP_UNAVAILABLE": [http(code, HTML, kind="text/html") for code in (502, 503, 504)] + [http(503, kind=None)],
        "MCP_FORBIDDEN": [http(403, HTML, kind="text/html"), http(403, "no", kind="text/plain")],
        "MCP_UNEXPECTED_CONTENT": [http(200, HTML, kind="text/html")],
        "MCP_NOT_FOUND": [http(404, HTML, kind="text/html")],
    }
    for status, replies in responses.items():
        for reply in replies:
            for variable in (None, "http_proxy", "all_proxy", "ALL_PROXY"):
                outcome, proxy = via_proxy(lambda *_: reply, variable=variable)
                outcome.must_be(status)
                must_say(outcome, (f"http://127.0.0.1:{proxy.port}", variable or "mcp_set_proxy"))


@case
def an_error_of_the_server_does_not_name_the_proxy():
    def reply(_server, request):
        value = {"code": -32603, "message": "boom"}
        return http(403, {"jsonrpc": "2.0", "id": request.message["id"], "error": value})

    outcome, _ = via_proxy(reply)
    must_say(outcome, not_says=("proxy",))
    outcome, _ = via_proxy(lambda *_: http(401, kind=None))
    must_say(outcome.must_be("MCP_UNAUTHORIZED"), not_says=("proxy",))
    outcome, _ = refused(lambda *_: http(502, HTML, kind="text/html"), "MCP_UNAVAILABLE", not_says=("proxy",))


@case
def a_refused_tunnel_names_the_proxy_variable():
    for code in (403, 407, 502, 500):
        for variable in (None, "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            refuse = lambda *_: http(code, HTML, kind="text/html")  # noqa: E731
            outcome, proxy = via_proxy(refuse, "https://mcp.invalid/mcp", variable)
            outcome.must_be("MCP_PROXY_FAILED", "MCP_PROXY_AUTH_REQUIRED")
            must_say(outcome, (f"http://127.0.0.1:{proxy.port}", variable or "mcp_set_proxy", str(code)))


@case
def an_unreachable_proxy_is_named_with_its_variable():
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    for url, variable in (
        ("http://mcp.invalid/", "http_proxy"), ("https://mcp.invalid/", "HTTPS_PROXY"), ("http://mcp.invalid/", None),
    ):  # fmt: skip
        outcome, _ = via_proxy(None, url, variable, port=port)
        must_say(outcome.must_be("MCP_PROXY_FAILED"), (f"127.0.0.1:{port}", variable or "mcp_set_proxy"))


@case
def a_tunnel_can_open_after_informational_responses():
    """RFC 9110, 15.2: a server can send any number of 1xx responses before the final response."""
    first_bytes = []

    def tunnelled(informational):
        def handler(_server, request):
            request.send(informational + b"HTTP/1.1 200 Connection established\r\n\r\n")
            first_bytes.append(request.socket.recv(1))  # of a ClientHello
            return None

        return handler

    for informational in (
        b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n" * 3, b"HTTP/1.1 103 X\r\n\r\n",
    ):  # fmt: skip
        outcome, _ = via_proxy(tunnelled(informational), "https://mcp.invalid/mcp")
        outcome.must_be("MCP_TLS_FAILED")
    assert first_bytes == [b"\x16"] * 3, first_bytes


@case
def endless_informational_responses_of_a_proxy_are_rejected():
    def handler(_server, request):
        while True:
            request.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)

    outcome, _ = via_proxy(handler, "https://mcp.invalid/mcp")
    outcome.must_be("MCP_PROXY_FAILED").must_end(1000)
    outcome, _ = via_proxy(lambda *_: b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "https://mcp.invalid/mcp")
    outcome.must_be("MCP_PROXY_FAILED")


# --- URLs -------------------------------------------------------------------------------------------------------------


def error_of_url(url):
    """The error message of `mcp_client_new` for the URL; empty if it succeeds."""
    error = c_void_p()
    client = lib.mcp_client_new(url.encode(), byref(error))
    message = lib.mcp_error_message(error).decode()
    lib.mcp_error_free(error)
    lib.mcp_client_free(client)
    print(f"    {url}: {message}")
    return "" if client else message


@case
def an_empty_port_is_the_default_port():
    """RFC 3986, 3.2.3, and RFC 9110, 4.2.3."""
    for url in ("http://localhost:/mcp", "https://localhost:/mcp", "http://[::1]:/mcp", "http://localhost:"):
        assert error_of_url(url) == "", url
    with Server(lambda _server, request: result(request, {})) as proxy:
        with Client("http://mcp.invalid:/mcp", pin=LEGACY) as client:
            call(lib.mcp_set_proxy, client.client, f"127.0.0.1:{proxy.port}".encode()).must_be("MCP_OK")
            client.ping(timeout=2000)
        assert proxy.requests[0].path == "http://mcp.invalid/mcp", proxy.requests[0].path
        assert proxy.requests[0].headers["host"] == "mcp.invalid", proxy.requests[0].headers


@case
def ports_with_other_characters_than_digits_are_rejected():
    for port in ("+80", "-80", "0", "00", "65536", "8 0", "0x50", "80a", "٨٠", "099999"):
        assert error_of_url(f"http://localhost:{port}/mcp"), port
        error = call(lib.mcp_set_proxy, None, f"localhost:{port}".encode())
        assert error.status != "MCP_OK"
    for port in ("80", "080", "00080"):
        assert error_of_url(f"http://localhost:{port}/mcp") == "", port


@case
def a_host_that_is_not_ascii_is_rejected_with_advice():
    for url in ("http://bücher.example", "https://bücher.example:8443/mcp", "http://例え.jp/mcp"):
        message = error_of_url(url)
        assert "xn--" in message and "percent-encode" not in message, message
        assert "bücher" not in message, message
    for url in ("http://localhost/bücher", "http://localhost/m cp"):
        assert "percent-encode" in error_of_url(url), url


# --- TLS --------------------------------------------------------------------------------------------------------------


@case
def the_error_tells_that_a_port_does_not_speak_tls():
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
