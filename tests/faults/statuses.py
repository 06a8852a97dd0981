"""HTTP responses without a JSON-RPC response: success statuses, redirects, client and server errors, restarted
servers."""

from email.utils import formatdate

from matrix import ACCEPTED, RESULT, Scripted, add_row, close, end_stream, row, run, then_close

from harness import answer, error, http, initialized

HTML = "<html><body><h1>{}</h1><p>{}</p></body></html>"


def status_row(name, code, expected, words, first_request=False, kind="text/html", body=None, max_calls=1, **headers):
    """The response to tools/call (or to the first request) has this status, and a page that contains the
    credentials."""

    def fault(request):
        values = {key: value(request) if callable(value) else value for key, value in headers.items()}
        return http(code, HTML.format(code, request.authorization) if body is None else body, kind=kind, **values)

    row(name, fault, expected, words, first_request=first_request, max_calls=max_calls)


# --- Success without a JSON-RPC response ------------------------------------------------------------------------------

# HTTP+SSE requires only a success status for a POST. The JSON-RPC response, which is missing here, comes on the event
# stream.
row("202", lambda _: ACCEPTED, {"modern": "MCP_UNEXPECTED_CONTENT", "legacy": "MCP_UNEXPECTED_CONTENT"}, "HTTP 202")
row(
    "204",
    lambda _: http(204, kind=None, Content_Length=None),
    {"modern": "MCP_UNEXPECTED_CONTENT", "legacy": "MCP_UNEXPECTED_CONTENT"},
    "HTTP 204",
)
row(
    "205",
    lambda _: http(205, kind=None),
    {"modern": "MCP_UNEXPECTED_CONTENT", "legacy": "MCP_UNEXPECTED_CONTENT"},
    "HTTP 205",
)
row(
    "204 with a body",
    lambda r: http(204, answer(r, RESULT)),
    {"modern": "MCP_UNEXPECTED_CONTENT", "legacy": "MCP_UNEXPECTED_CONTENT"},
    "empty",
)
row(
    "206 with half a response",
    lambda r: http(206, '{"jsonrpc":"2.0","id":', Content_Range="bytes 0-21/100"),
    {"modern": "MCP_INVALID_JSON", "legacy": "MCP_INVALID_JSON"},
    "not valid JSON",
)
row(
    "202 and no response on the event stream",
    lambda _: ACCEPTED,
    {"sse": "MCP_TIMEOUT"},
    "waiting for the server's response",
    timeout=300,
)

# --- Redirects --------------------------------------------------------------------------------------------------------

REFUSED = "MCP_REDIRECT_REFUSED"


def redirect(name, code, location, expected, words, **members):
    status_row(name, code, expected, words, Location=location, **members)


same_url = lambda request: request.fixture.server.url  # noqa: E731
other_origin_url = lambda request: (
    f"http://127.0.0.1:{request.fixture.other_origin.port}/mcp?{request.authorization[-8:]}"
)  # noqa: E731

redirect("304", 304, None, "MCP_HTTP_ERROR", "HTTP 304")
redirect("300", 300, same_url, "MCP_HTTP_ERROR", "HTTP 300")
redirect("endless 307 to the same URL", 307, "", REFUSED, "more than 5 redirects", max_calls=6)
redirect("endless 307 to the same URL (first request)", 307, "", REFUSED, "more than 5 redirects", first_request=True)
redirect("endless 308 to another path", 308, "/other", REFUSED, "more than 5 redirects", max_calls=6)
redirect("307 without a Location", 307, None, "MCP_HTTP_ERROR", "HTTP 307")
redirect("307 to a URL without a host", 307, "http://", REFUSED, "cannot be used")
redirect("307 to a file URL", 307, "file:///etc/passwd", REFUSED, "cannot be used")
redirect("307 to another origin", 307, other_origin_url, REFUSED, "another origin")
redirect("307 to another origin (first request)", 307, other_origin_url, REFUSED, "another origin", first_request=True)
redirect("308 to another origin", 308, other_origin_url, REFUSED, "another origin")
redirect("302 for a POST", 302, same_url, REFUSED, "would change the request method")
redirect("301 for a POST, to another origin", 301, other_origin_url, REFUSED, "would change the request method")
redirect("303", 303, "/elsewhere", REFUSED, "would change the request method")

# --- Client errors ----------------------------------------------------------------------------------------------------

challenge_with_token = lambda request: (
    f'Bearer error="invalid_token", error_description="{request.authorization} is bad"'
)  # noqa: E731

status_row("repeated 401", 401, "MCP_UNAUTHORIZED", "HTTP 401", WWW_Authenticate=challenge_with_token)
status_row(
    "repeated 401 (first request)",
    401,
    "MCP_UNAUTHORIZED",
    "HTTP 401",
    first_request=True,
    WWW_Authenticate=challenge_with_token,
)
status_row("401 without a challenge", 401, "MCP_UNAUTHORIZED", "HTTP 401")
status_row(
    "401 with a challenge of 60,000 characters",
    401,
    "MCP_UNAUTHORIZED",
    "HTTP 401",
    WWW_Authenticate="Bearer realm=" + "x" * 60_000,
)
status_row("403", 403, "MCP_FORBIDDEN", "HTTP 403", WWW_Authenticate=challenge_with_token)
status_row("404 (first request)", 404, "MCP_NOT_FOUND", "HTTP 404", first_request=True)
status_row("405 (first request)", 405, "MCP_HTTP_ERROR", "HTTP 405", first_request=True)
status_row("407", 407, "MCP_PROXY_AUTH_REQUIRED", "HTTP 407", Proxy_Authenticate="Basic")
status_row("408", 408, "MCP_HTTP_ERROR", "HTTP 408")
status_row("418", 418, "MCP_HTTP_ERROR", "HTTP 418")
status_row("429 with Retry-After in seconds", 429, "MCP_RATE_LIMITED", "HTTP 429", Retry_After="3600")
status_row("429 with a date in Retry-After", 429, "MCP_RATE_LIMITED", "HTTP 429", Retry_After=formatdate(usegmt=True))
status_row("429 with an invalid Retry-After", 429, "MCP_RATE_LIMITED", "HTTP 429", Retry_After="soon " * 100)
status_row("429 (first request)", 429, "MCP_RATE_LIMITED", "HTTP 429", first_request=True, Retry_After="0")
status_row("431", 431, "MCP_HTTP_ERROR", "HTTP 431")

# --- Server errors ----------------------------------------------------------------------------------------------------

for code in (500, 501, 505, 599):
    status_row(f"{code} with an HTML page", code, "MCP_SERVER_ERROR", f"HTTP {code}")
for code in (502, 503, 504):
    status_row(f"{code} with an HTML page", code, "MCP_UNAVAILABLE", f"HTTP {code}")
for code in (500, 502):
    name = {500: "MCP_SERVER_ERROR", 502: "MCP_UNAVAILABLE"}[code]
    status_row(f"{code} with an HTML page (first request)", code, name, f"HTTP {code}", first_request=True)
status_row("500 with text that contains the token", 500, "MCP_SERVER_ERROR", "HTTP 500", kind="text/plain")
status_row("600", 600, "MCP_HTTP_ERROR", "HTTP 600")
row(
    "500 with a JSON-RPC error",
    lambda r: error(r, -32603, f"failed with {r.authorization}", data={"sent": r.authorization}, status=500),
    "MCP_RPC_ERROR",
    ("-32603", "HTTP 500"),
)
# The status is known: the client waits at most one second for the body.
row(
    "503 whose body never arrives",
    lambda r: r.send(http(503, kind="text/html", Content_Length=1000)) or r.hold(),
    "MCP_UNAVAILABLE",
    "HTTP 503",
    max_ms=1250,
    repeats=2,
)
row(
    "503 whose body never arrives, short timeout",
    lambda r: r.send(http(503, kind="text/html", Content_Length=1000)) or r.hold(),
    "MCP_UNAVAILABLE",
    "HTTP 503",
    timeout=300,
)
row(
    "503 with an incomplete body",
    then_close(lambda _: http(503, kind="text/html", Content_Length=1000) + b"<html>"),
    "MCP_UNAVAILABLE",
    "HTTP 503",
)

# --- Restarted servers ------------------------------------------------------------------------------------------------


class RestartedServer(Scripted):
    """A server that has restarted before the call: it has closed its connections, lost its sessions, or both."""

    def __init__(self, transport, lose_sessions, close_connections):
        super().__init__(transport, None, max_calls=2)
        self.lose_sessions, self.close_connections = lose_sessions, close_connections
        self.lost_sessions, self.session_count = set(), 0

    def start_fault(self):
        super().start_fault()
        # The restart is the fault: all requests get normal responses.
        self.fault_active = False
        if self.lose_sessions:
            self.lost_sessions.update(request.session for request in self.server.requests if request.session)
        if self.close_connections:
            self.end_connections()

    def end_connections(self):
        for stream in self.streams:
            end_stream(self.server, stream)
        with self.server.changed:
            connections = list(self.server.open)
        for connection in connections:
            close(connection)

    def normal_response(self, request):
        if request.session in self.lost_sessions and request.session:
            return http(404, "unknown session", kind="text/plain")
        if request.rpc == "initialize" and self.transport == "legacy":
            self.session_count += 1
            return initialized(request, session=f"session-{self.session_count}")
        return super().normal_response(request)


def restart_row(name, expected, words=(), lose_sessions=False, close_connections=True, **members):
    add_row(
        name, lambda transport: RestartedServer(transport, lose_sessions, close_connections), expected, words, **members
    )


restart_row("restart: connections are closed", "MCP_OK")
restart_row("restart: the session is lost", {"legacy": "MCP_OK"}, lose_sessions=True, close_connections=False)
restart_row("restart: connections are closed and the session is lost", {"legacy": "MCP_OK"}, lose_sessions=True)
row(
    "session that is lost repeatedly",
    lambda r: http(404, "unknown session", kind="text/plain"),
    {"legacy": "MCP_SESSION_LOST", "sse": "MCP_SESSION_LOST"},
    "no longer knows the session",
    max_calls=2,
)
row(
    "404 for a modern call",
    lambda r: http(404, "nothing here", kind="text/plain"),
    {"modern": "MCP_NOT_FOUND"},
    ("HTTP 404", "nothing here"),
)

run()
