"""HTTP statuses that are no answer: those of success that bring none, redirects, refusals, and servers that have started anew."""

from email.utils import formatdate

from matrix import ACCEPTED, RESULT, Scripted, add_row, close, end_stream, row, run, then_close

from harness import answer, error, http, initialized

HTML = "<html><body><h1>{}</h1><p>{}</p></body></html>"


def status(name, code, expected, words, first_request=False, kind="text/html", body=None, max_calls=1, **headers):
    """The tool's call (or the first request) is answered with a status, and a page that echoes the credentials."""

    def fault(request):
        told = {key: value(request) if callable(value) else value for key, value in headers.items()}
        return http(code, HTML.format(code, request.authorization) if body is None else body, kind=kind, **told)

    row(name, fault, expected, words, first_request=first_request, max_calls=max_calls)


# --- Success without an answer ----------------------------------------------------------------------------------------

# HTTP+SSE wants nothing but success of its POST, and the answer comes on the event stream: here it does not.
row("202", lambda _: ACCEPTED, {"modern": "MCP_UNEXPECTED_CONTENT", "legacy": "MCP_UNEXPECTED_CONTENT"}, "HTTP 202")
row("204", lambda _: http(204, kind=None, Content_Length=None),
    {"modern": "MCP_UNEXPECTED_CONTENT", "legacy": "MCP_UNEXPECTED_CONTENT"}, "HTTP 204")  # fmt: skip
row("205", lambda _: http(205, kind=None), {"modern": "MCP_UNEXPECTED_CONTENT", "legacy": "MCP_UNEXPECTED_CONTENT"}, "HTTP 205")
row("204 with a body", lambda r: http(204, answer(r, RESULT)),
    {"modern": "MCP_UNEXPECTED_CONTENT", "legacy": "MCP_UNEXPECTED_CONTENT"}, "empty")  # fmt: skip
row("206 with half an answer", lambda r: http(206, '{"jsonrpc":"2.0","id":', Content_Range="bytes 0-21/100"),
    {"modern": "MCP_INVALID_JSON", "legacy": "MCP_INVALID_JSON"}, "no JSON")  # fmt: skip
row("accepted, and no answer on the stream", lambda _: ACCEPTED, {"sse": "MCP_TIMEOUT"}, "waiting for the server's answer", timeout=300)

# --- Redirects --------------------------------------------------------------------------------------------------------

REFUSED = "MCP_REDIRECT_REFUSED"


def redirect(name, code, location, expected, words, **members):
    status(name, code, expected, words, Location=location, **members)


here = lambda request: request.fixture.server.url  # noqa: E731
there = lambda request: f"http://127.0.0.1:{request.fixture.other_origin.port}/mcp?{request.authorization[-8:]}"  # noqa: E731

redirect("304", 304, None, "MCP_HTTP_ERROR", "HTTP 304")
redirect("300", 300, here, "MCP_HTTP_ERROR", "HTTP 300")
redirect("307 to itself, for ever", 307, "", REFUSED, "more than 5 redirects", max_calls=6)
redirect("307 to itself, for ever, first", 307, "", REFUSED, "more than 5 redirects", first_request=True)
redirect("308 to another path, for ever", 308, "/other", REFUSED, "more than 5 redirects", max_calls=6)
redirect("307 without a Location", 307, None, "MCP_HTTP_ERROR", "HTTP 307")
redirect("307 to nowhere", 307, "http://", REFUSED, "cannot be used")
redirect("307 to a file", 307, "file:///etc/passwd", REFUSED, "cannot be used")
redirect("307 to another origin", 307, there, REFUSED, "another origin")
redirect("307 to another origin, first", 307, there, REFUSED, "another origin", first_request=True)
redirect("308 to another origin", 308, there, REFUSED, "another origin")
redirect("302 of a POST", 302, here, REFUSED, "would turn the request into another one")
redirect("301 of a POST to another origin", 301, there, REFUSED, "would turn the request into another one")
redirect("303", 303, "/elsewhere", REFUSED, "would turn the request into another one")

# --- Refusals ---------------------------------------------------------------------------------------------------------

echoed = lambda request: f'Bearer error="invalid_token", error_description="{request.authorization} is bad"'  # noqa: E731

status("401, always", 401, "MCP_UNAUTHORIZED", "HTTP 401", WWW_Authenticate=echoed)
status("401, always, first", 401, "MCP_UNAUTHORIZED", "HTTP 401", first_request=True, WWW_Authenticate=echoed)
status("401 without a challenge", 401, "MCP_UNAUTHORIZED", "HTTP 401")
status("401 with a challenge of 60,000 letters", 401, "MCP_UNAUTHORIZED", "HTTP 401", WWW_Authenticate="Bearer realm=" + "x" * 60_000)
status("403", 403, "MCP_FORBIDDEN", "HTTP 403", WWW_Authenticate=echoed)
status("404, first", 404, "MCP_NOT_FOUND", "HTTP 404", first_request=True)
status("405, first", 405, "MCP_HTTP_ERROR", "HTTP 405", first_request=True)
status("407", 407, "MCP_PROXY_AUTH_REQUIRED", "HTTP 407", Proxy_Authenticate="Basic")
status("408", 408, "MCP_HTTP_ERROR", "HTTP 408")
status("418", 418, "MCP_HTTP_ERROR", "HTTP 418")
status("429, later by seconds", 429, "MCP_RATE_LIMITED", "HTTP 429", Retry_After="3600")
status("429, later by a date", 429, "MCP_RATE_LIMITED", "HTTP 429", Retry_After=formatdate(usegmt=True))
status("429, later by garbage", 429, "MCP_RATE_LIMITED", "HTTP 429", Retry_After="soon " * 100)
status("429, first", 429, "MCP_RATE_LIMITED", "HTTP 429", first_request=True, Retry_After="0")
status("431", 431, "MCP_HTTP_ERROR", "HTTP 431")

# --- Failures ---------------------------------------------------------------------------------------------------------

for code in (500, 501, 505, 599):
    status(f"{code} with a page", code, "MCP_SERVER_ERROR", f"HTTP {code}")
for code in (502, 503, 504):
    status(f"{code} with a page", code, "MCP_UNAVAILABLE", f"HTTP {code}")
for code in (500, 502):
    name = {500: "MCP_SERVER_ERROR", 502: "MCP_UNAVAILABLE"}[code]
    status(f"{code} with a page, first", code, name, f"HTTP {code}", first_request=True)
status("500 with text that echoes the token", 500, "MCP_SERVER_ERROR", "HTTP 500", kind="text/plain")
status("600", 600, "MCP_HTTP_ERROR", "HTTP 600")
row("500 with a JSON-RPC error",
    lambda r: error(r, -32603, f"failed with {r.authorization}", data={"sent": r.authorization}, status=500),  # fmt: skip
    "MCP_RPC_ERROR", ("-32603", "HTTP 500"))  # fmt: skip
# The status is known, and the page is not waited for longer than a second.
row("503 with a page that does not come", lambda r: r.send(http(503, kind="text/html", Content_Length=1000)) or r.hold(),
    "MCP_UNAVAILABLE",  # fmt: skip
    "HTTP 503", max_ms=1250, repeats=2)  # fmt: skip
row("503 with a page that does not come, in little time",
    lambda r: r.send(http(503, kind="text/html", Content_Length=1000)) or r.hold(),  # fmt: skip
    "MCP_UNAVAILABLE", "HTTP 503", timeout=300)  # fmt: skip
row("503 with half a page", then_close(lambda _: http(503, kind="text/html", Content_Length=1000) + b"<html>"), "MCP_UNAVAILABLE",
    "HTTP 503")  # fmt: skip

# --- Servers that have started anew -----------------------------------------------------------------------------------


class Restarted(Scripted):
    """A server that ends and comes back before the call: its connections are closed, its sessions forgotten, or both."""

    def __init__(self, transport, forgets, closes):
        super().__init__(transport, None, max_calls=2)
        self.forgets, self.closes = forgets, closes
        self.forgotten, self.opened = set(), 0

    def start_fault(self):
        super().start_fault()
        # Nothing fails from now on: it has happened already.
        self.fault_active = False
        if self.forgets:
            self.forgotten.update(request.session for request in self.server.requests if request.session)
        if self.closes:
            self.end_connections()

    def end_connections(self):
        for stream in self.streams:
            end_stream(self.server, stream)
        with self.server.changed:
            connections = list(self.server.open)
        for connection in connections:
            close(connection)

    def normal_response(self, request):
        if request.session in self.forgotten and request.session:
            return http(404, "unknown session", kind="text/plain")
        if request.rpc == "initialize" and self.transport == "legacy":
            self.opened += 1
            return initialized(request, session=f"session-{self.opened}")
        return super().normal_response(request)


def restarted(name, expected, words=(), forgets=False, closes=True, **members):
    add_row(name, lambda transport: Restarted(transport, forgets, closes), expected, words, **members)


restarted("restart: connections are closed", "MCP_OK")
restarted("restart: the session is forgotten", {"legacy": "MCP_OK"}, forgets=True, closes=False)
restarted("restart: both", {"legacy": "MCP_OK"}, forgets=True)
row("session that is forgotten again and again", lambda r: http(404, "unknown session", kind="text/plain"),
    {"legacy": "MCP_SESSION_LOST", "sse": "MCP_SESSION_LOST"}, "does not know the session", max_calls=2)  # fmt: skip
row("404 to a modern call", lambda r: http(404, "nothing here", kind="text/plain"), {"modern": "MCP_NOT_FOUND"},
    ("HTTP 404", "nothing here"))  # fmt: skip

run()
