"""Event streams that never end, end early, are too large or invalid; resumption; and the endpoint event of HTTP+SSE."""

import contextlib
import json
import socket

from matrix import ACCEPTED, ENDPOINT, PAUSE, RESULT, close, row, run, then_close, then_hold

from harness import STREAM, answer, event, http

WAITED = {
    "modern": "reading the server's response",
    "legacy": "reading the server's response",
    "sse": "waiting for the server's response",
}
CUT = {"modern": "MCP_TRUNCATED", "legacy": "MCP_TRUNCATED", "sse": "MCP_DISCONNECTED"}
NO_RESPONSE = "ended without the response"
ENDED = {"modern": NO_RESPONSE, "legacy": NO_RESPONSE, "sse": "the server ended the event stream"}
NOTIFICATION = event({"jsonrpc": "2.0", "method": "notifications/x"})
LARGE_NOTIFICATION = event({"jsonrpc": "2.0", "method": "notifications/x", "params": {"text": "x" * 5000}})
PING_REQUEST = event({"jsonrpc": "2.0", "id": "theirs", "method": "ping"})
MIB = 1 << 20


def response_event(request):
    """The event with the correct response."""
    return event(answer(request, RESULT))


def do_nothing(_connection):
    pass


def streamed(make, end=do_nothing, incomplete=False):
    """Sends `make(request)` on the event stream, and then calls `end` on its connection. After an `incomplete` event,
    no other event can follow on this stream."""

    def fault(request):
        connection = begin_stream(request)
        if request.fixture.transport != "sse":
            connection.sendall(make(request))
            end(connection)
            return request.hold()
        if incomplete or end is not do_nothing:
            # Before the response is sent, because the call may then return before this thread continues.
            request.fixture.damaged_streams.append(connection)
        connection.sendall(make(request))
        # The end of the fault may have ended the stream already.
        with contextlib.suppress(OSError):
            end(connection)
        return ACCEPTED

    return fault


def end_output(connection):
    """Ends a stream. The connection stays open until the client has noticed that: the next call uses another one."""
    connection.shutdown(socket.SHUT_WR)


def begin_stream(request):
    """Begins an event stream if necessary, and returns its connection."""
    if request.fixture.transport == "sse":
        return request.fixture.stream
    request.send(STREAM)
    return request.socket


def repeated(make, pause=0, begin=b""):
    """Sends `begin`, and then `make(request)` repeatedly until the client disconnects or the fault ends."""

    def fault(request):
        connection = begin_stream(request)
        if connection is not request.socket:
            request.fixture.damaged_streams.append(connection)
            request.send(ACCEPTED)
        connection.sendall(begin)
        block = make(request)
        while True:
            connection.sendall(block)
            if pause:
                PAUSE.wait(pause)

    return fault


def never_read(request):
    """The server sends a request, and then reads nothing more."""
    if request.rpc == "tools/call":
        request.send(STREAM + PING_REQUEST)
    return request.hold()


# --- Endless streams --------------------------------------------------------------------------------------------------

row("event stream without events", streamed(lambda _: b""), "MCP_TIMEOUT", WAITED, timeout=300)
row("stall after the first event", streamed(lambda _: NOTIFICATION), "MCP_TIMEOUT", WAITED, timeout=300)
row(
    "stall in an event", streamed(lambda r: response_event(r)[:20], incomplete=True), "MCP_TIMEOUT", WAITED, timeout=300
)
row(
    "response event without its blank line",
    streamed(lambda r: response_event(r)[:-1], incomplete=True),
    "MCP_TIMEOUT",
    WAITED,
    timeout=300,
)
row(
    "response event without a newline",
    streamed(lambda r: response_event(r)[:-2], incomplete=True),
    "MCP_TIMEOUT",
    WAITED,
    timeout=300,
)
row("response, and the stream stays open", streamed(response_event), "MCP_OK")
row(
    "endless comments, sent slowly",
    repeated(lambda _: b": keep-alive\n\n", pause=0.02),
    "MCP_TIMEOUT",
    WAITED,
    timeout=300,
)
row(
    "endless comments, sent fast",
    repeated(lambda _: b": keep-alive\n\n" * 5000),
    "MCP_TIMEOUT",
    WAITED,
    timeout=300,
    repeats=2,
)
row("endless blank lines", repeated(lambda _: b"\n" * 50_000), "MCP_TIMEOUT", WAITED, timeout=300, repeats=2)
# Each notification is logged, and the log callback in Python takes much longer than the library.
row(
    "endless notifications", repeated(lambda _: LARGE_NOTIFICATION * 100), "MCP_TIMEOUT", WAITED, timeout=300, repeats=2
)
row(
    "1,000 notifications, then the response",
    streamed(lambda r: NOTIFICATION * 1000 + response_event(r)),
    "MCP_OK",
    max_ms=1000,
    repeats=2,
)
row(
    "endless requests",
    repeated(lambda _: PING_REQUEST * 100),
    "MCP_TIMEOUT",
    "timeout of 300 ms",
    timeout=300,
    repeats=2,
    transports=("modern", "legacy"),
)
# Only 200: the client responds to all of them before it does anything else.
row(
    "200 requests, then no more data",
    streamed(lambda _: PING_REQUEST * 200),
    "MCP_TIMEOUT",
    WAITED,
    timeout=500,
    repeats=1,
)
row(
    "request whose response is not read",
    never_read,
    {"legacy": "MCP_TIMEOUT"},
    "timeout of 300 ms",
    timeout=300,
    methods=("tools/call", "POST"),
)

# --- Streams that end early -------------------------------------------------------------------------------------------

row("stream closed before any event", streamed(lambda _: b"", close), CUT, ENDED)
row("stream closed after a notification", streamed(lambda _: NOTIFICATION, close), CUT, ENDED)
row("stream closed in the response event", streamed(lambda r: response_event(r)[:30], close), CUT, ENDED)
# An event without its blank line is discarded.
row(
    "stream closed before the blank line of the response event",
    streamed(lambda r: response_event(r)[:-1], close),
    CUT,
    ENDED,
)
row("stream closed after the response", streamed(response_event, end_output), "MCP_OK")

# --- Too large --------------------------------------------------------------------------------------------------------

LARGE = "event of the server's stream is larger than 67108864 bytes"
SLOW = {"max_ms": 3000, "repeats": 1}

row("endless event in one line", repeated(lambda _: b"x" * MIB, begin=b"data: "), "MCP_TOO_LARGE", LARGE, **SLOW)
row(
    "endless event in many lines",
    repeated(lambda _: (b"data: " + b"x" * 1000 + b"\n") * 1000),
    "MCP_TOO_LARGE",
    LARGE,
    **SLOW,
)
SMALL_LIMIT = "event of the server's stream is larger than 1048576 bytes"
SMALL_EVENT = {"event_limit": MIB, "repeats": 2}

row("endless field name", repeated(lambda _: b"x" * MIB), "MCP_TOO_LARGE", SMALL_LIMIT, **SMALL_EVENT)
row("endless event name", repeated(lambda _: b"x" * MIB, begin=b"event: "), "MCP_TOO_LARGE", SMALL_LIMIT, **SMALL_EVENT)
row("endless id", repeated(lambda _: b"x" * MIB, begin=b"id: "), "MCP_TOO_LARGE", SMALL_LIMIT, **SMALL_EVENT)
row("endless comment", repeated(lambda _: b"x" * MIB, begin=b": "), "MCP_TOO_LARGE", SMALL_LIMIT, **SMALL_EVENT)
row(
    "endless lines with an unknown field",
    repeated(lambda _: b"x\n" * 50_000),
    "MCP_TIMEOUT",
    WAITED,
    timeout=300,
    repeats=2,
)

# --- Bytes ------------------------------------------------------------------------------------------------------------


def changed(edit):
    """The correct response event, changed by `edit`."""
    return streamed(lambda request: edit(response_event(request)))


# A BOM is ignored only at the start of a stream, and the stream of HTTP+SSE has started earlier. Elsewhere the BOM is
# part of the field name, which is then unknown.
row("BOM before the response", changed(lambda data: b"\xef\xbb\xbf" + data), "MCP_OK", transports=("modern", "legacy"))
row(
    "BOM in the middle of the stream",
    changed(lambda data: NOTIFICATION + b"\xef\xbb\xbf" + data),
    "MCP_TIMEOUT",
    WAITED,
    timeout=300,
)
row("CR line endings", changed(lambda data: data.replace(b"\n", b"\r")), "MCP_OK")
row("CR LF line endings", changed(lambda data: data.replace(b"\n", b"\r\n")), "MCP_OK")
row("NUL in a comment", changed(lambda data: b": a\0b\n\n" + data), "MCP_OK")
row("NUL in an id", changed(lambda data: b"id: a\0b\n" + data), "MCP_OK")
row("NUL in the data", changed(lambda data: data.replace(b'"done"', b'"do\0ne"')), "MCP_INVALID_JSON", "not valid JSON")
row("invalid UTF-8 in a comment", changed(lambda data: b": \xff\xfe\n\n" + data), "MCP_OK")
row(
    "invalid UTF-8 in the data",
    changed(lambda data: data.replace(b"done", b"do\xffne")),
    "MCP_INVALID_JSON",
    "invalid utf-8",
)
row(
    "surrogates in the data",
    changed(lambda data: data.replace(b"done", b"\xed\xa0\x80")),
    "MCP_INVALID_JSON",
    "invalid utf-8",
)
row("event with another name", changed(lambda data: b"event: other\n" + data), "MCP_OK")
row("response in many data lines", changed(lambda data: data.replace(b", ", b",\ndata: ")), "MCP_OK")
row(
    "event with HTML instead of JSON",
    streamed(lambda r: b"data: <html>" + r.authorization.encode() + b"\n\n"),
    "MCP_TIMEOUT",
    "event stream: <html>",
    timeout=300,
)
row(
    "event with HTML before the response",
    streamed(lambda r: b"data: <html>" + r.authorization.encode() + b"\n\n" + response_event(r)),
    "MCP_OK",
)
row("event with empty data", streamed(lambda r: b"data:\n\n" + response_event(r)), "MCP_OK")

# --- Resumption -------------------------------------------------------------------------------------------------------


def resumed_stream(begin):
    """A stream that ends before the response, like every stream that resumes it."""
    return lambda request: request.send(STREAM + begin) or close(request.socket)


TRUNCATED = {"legacy": "MCP_TRUNCATED"}
WITH_RESUMPTION = {"methods": ("tools/call", "GET")}
row(
    "retry: 0, and every stream ends early",
    resumed_stream(b"retry: 0\nid: 1\ndata:\n\n"),
    TRUNCATED,
    NO_RESPONSE,
    max_ms=1500,
    **WITH_RESUMPTION,
)
row(
    "retry: number out of range",
    resumed_stream(b"retry: 99999999999999999999\nid: 1\ndata:\n\n"),
    TRUNCATED,
    "which is too long",
    **WITH_RESUMPTION,
)
row(
    "retry: five minutes",
    resumed_stream(b"retry: 300000\nid: 1\ndata:\n\n"),
    {"legacy": "MCP_TIMEOUT"},
    "before the stream was resumed",
    timeout=300,
    **WITH_RESUMPTION,
)
row(
    "retry: -1",
    resumed_stream(b"retry: -1\nid: 1\ndata:\n\n"),
    {"legacy": "MCP_TIMEOUT"},
    "before the stream was resumed",
    timeout=300,
    **WITH_RESUMPTION,
)
row("stream that cannot be resumed", resumed_stream(b"retry: 0\nid: 1\ndata:\n\n"), TRUNCATED, NO_RESPONSE, max_ms=500)
row(
    "id that is not a valid header value",
    resumed_stream(b"retry: 0\nid: \x01\x02\ndata:\n\n"),
    TRUNCATED,
    NO_RESPONSE,
    **WITH_RESUMPTION,
)
row("retry: 0 before the response", changed(lambda data: b"retry: 0\n\n" + data), "MCP_OK")
row(
    "retry: number out of range, before the response",
    changed(lambda data: b"retry: 99999999999999999999\n\n" + data),
    "MCP_OK",
)

# --- The endpoint of HTTP+SSE -----------------------------------------------------------------------------------------


def endpoint(name, value, status, words=(), before=b"", after=b"", **members):
    """Adds a fault of the endpoint event, whose data is `value` (None: no such event). `value` and `after` may be
    functions of the fixture. The client's POSTs get normal responses."""

    def fault(request):
        if request.method != "GET":
            return request.fixture.normal_response(request)
        location = value(request.fixture) if callable(value) else value
        endpoint_event = b"" if location is None else b"event: endpoint\ndata: " + location.encode() + b"\n\n"
        following = after(request.fixture) if callable(after) else after
        request.fixture.streams.append(request.socket)
        request.send(STREAM + before + endpoint_event + following)
        return request.hold()

    row(name, fault, {"sse": status}, words, first_request=True, **members)


REFUSED = ("MCP_REDIRECT_REFUSED", "another origin")
other_origin = lambda form: lambda fixture: form.format(fixture.other_origin.port)  # noqa: E731

endpoint("endpoint on another port", other_origin("http://127.0.0.1:{}/m"), *REFUSED)
endpoint("endpoint on another port, without a scheme", other_origin("//127.0.0.1:{}/m"), *REFUSED)
endpoint("endpoint on another host", lambda fixture: f"http://localhost:{fixture.server.port}/m", *REFUSED)
endpoint("endpoint with another scheme", lambda fixture: f"https://127.0.0.1:{fixture.server.port}/m", *REFUSED)
endpoint(
    "endpoint with user information",
    lambda fixture: f"http://127.0.0.1:{fixture.server.port}@127.0.0.1:{fixture.other_origin.port}/m",
    "MCP_INVALID_MESSAGE",
    "endpoint that cannot be used",
)
# A browser would treat the backslashes as slashes, and use another origin.
endpoint("endpoint that starts with backslashes", other_origin("\\\\127.0.0.1:{}/m"), "MCP_OK")
endpoint("missing endpoint", None, "MCP_TIMEOUT", "sent no endpoint event", timeout=300)
endpoint(
    "other events instead of an endpoint",
    None,
    "MCP_TIMEOUT",
    "sent no endpoint event",
    timeout=300,
    before=NOTIFICATION * 10,
)
endpoint("relative endpoint", "messages?session_id=1", "MCP_OK")
endpoint("endpoint with only a query", "?session_id=1", "MCP_OK")
endpoint("two endpoint events", "/messages", "MCP_OK", after=ENDPOINT)
endpoint(
    "two endpoint events, the second on another port",
    "/messages",
    "MCP_OK",
    after=lambda fixture: f"event: endpoint\ndata: http://127.0.0.1:{fixture.other_origin.port}/m\n\n".encode(),
)
endpoint("empty endpoint", "", "MCP_INVALID_MESSAGE", "it is empty")
endpoint("endpoint that is not an HTTP URL", "mailto:user", "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("endpoint with a space", "/a b", "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("endpoint with a control character", "/a\x01b", "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("endpoint as JSON", json.dumps({"uri": "/messages"}), "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("endpoint of 1 MiB", "/" + "x" * MIB, "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("BOM before the endpoint", "/messages", "MCP_OK", before=b"\xef\xbb\xbf")
row(
    "stream closed before the endpoint",
    then_close(lambda _: STREAM),
    {"sse": "MCP_TRUNCATED"},
    "before its endpoint event",
    first_request=True,
)
row(
    "response to GET that is not an event stream",
    then_hold(lambda _: http(200, "<html>", kind="text/html")),
    {"sse": "MCP_UNEXPECTED_CONTENT"},
    "HTML page",
    first_request=True,
)

run()
