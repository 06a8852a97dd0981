"""Event streams that do not come to an end, or to the point, or are none; and the endpoint of HTTP+SSE."""

import json

from matrix import ACCEPTED, RESULT, ENDPOINT, PAUSE, close, row, run, then_close, then_hold

from harness import STREAM, answer, event, http

WAITED = {"modern": "reading the server's answer", "legacy": "reading the server's answer", "sse": "waiting for the server's answer"}
CUT = {"modern": "MCP_TRUNCATED", "legacy": "MCP_TRUNCATED", "sse": "MCP_DISCONNECTED"}
NO_ANSWER = "ended without the answer"
ENDED = {"modern": NO_ANSWER, "legacy": NO_ANSWER, "sse": "the server ended the event stream"}
NOTICE = event({"jsonrpc": "2.0", "method": "notifications/x"})
LETTER = event({"jsonrpc": "2.0", "method": "notifications/x", "params": {"text": "x" * 5000}})
ASKED = event({"jsonrpc": "2.0", "id": "theirs", "method": "ping"})
MIB = 1 << 20


def right(request):
    """The event with the right answer."""
    return event(answer(request, RESULT))


def hold(_connection):
    pass


def streamed(make, end=hold, spoils=False):
    """What `make` makes of a request comes on the event stream, and then its end; what is not a whole event spoils it for others."""

    def fault(request):
        connection = begin_stream(request)
        connection.sendall(make(request))
        if request.fixture.transport != "sse":
            end(connection)
            return request.hold()
        if spoils or end is not hold:
            end(connection)
            request.fixture.damaged_streams.append(connection)
        return ACCEPTED

    return fault


def begin_stream(request):
    """The connection that events go to."""
    if request.fixture.transport == "sse":
        return request.fixture.stream
    request.send(STREAM)
    return request.socket


def for_ever(make, pause=0, begin=b""):
    """The same again and again, until the client leaves or the world is healed."""

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


def never_taken(request):
    """The server asks for something, and then does not listen."""
    if request.rpc == "tools/call":
        request.send(STREAM + ASKED)
    return request.hold()


# --- Without an end ---------------------------------------------------------------------------------------------------

row("event stream, and then silence", streamed(lambda _: b""), "MCP_TIMEOUT", WAITED, timeout=300)
row("silence after the first event", streamed(lambda _: NOTICE), "MCP_TIMEOUT", WAITED, timeout=300)
row("silence in an event", streamed(lambda r: right(r)[:20], spoils=True), "MCP_TIMEOUT", WAITED, timeout=300)
row("answer without its blank line", streamed(lambda r: right(r)[:-1], spoils=True), "MCP_TIMEOUT", WAITED, timeout=300)
row("answer without a newline", streamed(lambda r: right(r)[:-2], spoils=True), "MCP_TIMEOUT", WAITED, timeout=300)
row("answer, and the stream stays open", streamed(right), "MCP_OK")
row("comments for ever", for_ever(lambda _: b": keep-alive\n\n", pause=0.02), "MCP_TIMEOUT", WAITED, timeout=300)
row("flood of comments", for_ever(lambda _: b": keep-alive\n\n" * 5000), "MCP_TIMEOUT", WAITED, timeout=300, repeats=2)
row("flood of blank lines", for_ever(lambda _: b"\n" * 50_000), "MCP_TIMEOUT", WAITED, timeout=300, repeats=2)
# Each has a line in the log, for which Python takes far longer than the library takes for the rest.
row("flood of notifications", for_ever(lambda _: LETTER * 100), "MCP_TIMEOUT", WAITED, timeout=300, repeats=2)
row("1000 notifications, and the answer", streamed(lambda r: NOTICE * 1000 + right(r)), "MCP_OK", max_ms=1000, repeats=2)
row("flood of requests", for_ever(lambda _: ASKED * 100), "MCP_TIMEOUT", "timeout of 300 ms", timeout=300, repeats=2,
    transports=("modern", "legacy"))  # fmt: skip
# The reader answers them all, and comes to nothing else before: not too many, then.
row("200 requests, and silence", streamed(lambda _: ASKED * 200), "MCP_TIMEOUT", WAITED, timeout=500, repeats=1)
row("request whose answer is not taken", never_taken, {"legacy": "MCP_TIMEOUT"}, "timeout of 300 ms", timeout=300,
    methods=("tools/call", "POST"))  # fmt: skip

# --- With an early end ------------------------------------------------------------------------------------------------

row("stream that ends at once", streamed(lambda _: b"", close), CUT, ENDED)
row("stream that ends behind a notification", streamed(lambda _: NOTICE, close), CUT, ENDED)
row("stream that ends in the answer", streamed(lambda r: right(r)[:30], close), CUT, ENDED)
# An event counts with its blank line only.
row("stream that ends before the blank line", streamed(lambda r: right(r)[:-1], close), CUT, ENDED)
row("stream that ends behind the answer", streamed(right, close), "MCP_OK")

# --- Too much ---------------------------------------------------------------------------------------------------------

LARGE = "event of the server's stream is larger than 67108864 bytes"
SLOW = {"max_ms": 3000, "repeats": 1}

row("event of a gigabyte, in one line", for_ever(lambda _: b"x" * MIB, begin=b"data: "), "MCP_TOO_LARGE", LARGE, **SLOW)
row("event of a gigabyte, in many lines", for_ever(lambda _: (b"data: " + b"x" * 1000 + b"\n") * 1000), "MCP_TOO_LARGE", LARGE, **SLOW)
SMALL = "event of the server's stream is larger than 1048576 bytes"
LESS = {"event_limit": MIB, "repeats": 2}

row("field name without end", for_ever(lambda _: b"x" * MIB), "MCP_TOO_LARGE", SMALL, **LESS)
row("event name without end", for_ever(lambda _: b"x" * MIB, begin=b"event: "), "MCP_TOO_LARGE", SMALL, **LESS)
row("id without end", for_ever(lambda _: b"x" * MIB, begin=b"id: "), "MCP_TOO_LARGE", SMALL, **LESS)
row("comment without end", for_ever(lambda _: b"x" * MIB, begin=b": "), "MCP_TOO_LARGE", SMALL, **LESS)
row("lines of no field, without end", for_ever(lambda _: b"x\n" * 50_000), "MCP_TIMEOUT", WAITED, timeout=300, repeats=2)

# --- Bytes ------------------------------------------------------------------------------------------------------------


def around(change):
    """The right answer with something done to its bytes."""
    return streamed(lambda request: change(right(request)))


# HTTP+SSE is past the beginning, where alone a BOM is one; the line is then no "data", and nothing has come.
row("BOM before the answer", around(lambda data: b"\xef\xbb\xbf" + data), "MCP_OK", transports=("modern", "legacy"))
row("BOM in the midst", around(lambda data: NOTICE + b"\xef\xbb\xbf" + data), "MCP_TIMEOUT", WAITED, timeout=300)
row("CR only", around(lambda data: data.replace(b"\n", b"\r")), "MCP_OK")
row("CR LF", around(lambda data: data.replace(b"\n", b"\r\n")), "MCP_OK")
row("NUL in a comment", around(lambda data: b": a\0b\n\n" + data), "MCP_OK")
row("NUL in an id", around(lambda data: b"id: a\0b\n" + data), "MCP_OK")
row("NUL in the data", around(lambda data: data.replace(b'"done"', b'"do\0ne"')), "MCP_INVALID_JSON", "no JSON")
row("invalid UTF-8 in a comment", around(lambda data: b": \xff\xfe\n\n" + data), "MCP_OK")
row("invalid UTF-8 in the data", around(lambda data: data.replace(b"done", b"do\xffne")), "MCP_INVALID_JSON", "invalid utf-8")
row("surrogates in the data", around(lambda data: data.replace(b"done", b"\xed\xa0\x80")), "MCP_INVALID_JSON", "invalid utf-8")
row("event of another name", around(lambda data: b"event: other\n" + data), "MCP_OK")
row("answer in many data lines", around(lambda data: data.replace(b", ", b",\ndata: ")), "MCP_OK")
row("text in the data", streamed(lambda r: b"data: <html>" + r.authorization.encode() + b"\n\n"), "MCP_TIMEOUT", "event stream: <html>",
    timeout=300)  # fmt: skip
row("text before the answer", streamed(lambda r: b"data: <html>" + r.authorization.encode() + b"\n\n" + right(r)), "MCP_OK")
row("empty data", streamed(lambda r: b"data:\n\n" + right(r)), "MCP_OK")

# --- What it says of resuming -----------------------------------------------------------------------------------------


def resumed(begin):
    """The stream ends before the answer, and so does every one that resumes it."""
    return lambda request: request.send(STREAM + begin) or close(request.socket)


ENDLESS = {"legacy": "MCP_TRUNCATED"}
BOTH = {"methods": ("tools/call", "GET")}
row("retry: 0, and the stream ends again and again", resumed(b"retry: 0\nid: 1\ndata:\n\n"), ENDLESS, NO_ANSWER, max_ms=1500, **BOTH)
row("retry: huge", resumed(b"retry: 99999999999999999999\nid: 1\ndata:\n\n"), ENDLESS, "which is too long", **BOTH)
row("retry: five minutes", resumed(b"retry: 300000\nid: 1\ndata:\n\n"), {"legacy": "MCP_TIMEOUT"}, "before the stream was resumed",
    timeout=300, **BOTH)  # fmt: skip
row("retry: -1", resumed(b"retry: -1\nid: 1\ndata:\n\n"), {"legacy": "MCP_TIMEOUT"}, "before the stream was resumed", timeout=300,
    **BOTH)  # fmt: skip
row("stream that cannot be resumed", resumed(b"retry: 0\nid: 1\ndata:\n\n"), ENDLESS, NO_ANSWER, max_ms=500)
row("id that is no header", resumed(b"retry: 0\nid: \x01\x02\ndata:\n\n"), ENDLESS, NO_ANSWER, **BOTH)
row("retry: 0 before the answer", around(lambda data: b"retry: 0\n\n" + data), "MCP_OK")
row("retry: huge before the answer", around(lambda data: b"retry: 99999999999999999999\n\n" + data), "MCP_OK")

# --- The endpoint of HTTP+SSE -----------------------------------------------------------------------------------------


def endpoint(name, where, status, words=(), opening=b"", rest=b"", **members):
    """What names the endpoint, as text or made of the world; None names none. What the client posts is answered decently."""

    def fault(request):
        if request.method != "GET":
            return request.fixture.normal_response(request)
        text = where(request.fixture) if callable(where) else where
        named = b"" if text is None else b"event: endpoint\ndata: " + text.encode() + b"\n\n"
        more = rest(request.fixture) if callable(rest) else rest
        request.fixture.streams.append(request.socket)
        request.send(STREAM + opening + named + more)
        return request.hold()

    row(name, fault, {"sse": status}, words, first_request=True, **members)


REFUSED = ("MCP_REDIRECT_REFUSED", "another origin")
other_origin = lambda form: lambda fixture: form.format(fixture.other_origin.port)  # noqa: E731

endpoint("endpoint of another port", other_origin("http://127.0.0.1:{}/m"), *REFUSED)
endpoint("endpoint of another port, without a scheme", other_origin("//127.0.0.1:{}/m"), *REFUSED)
endpoint("endpoint of another host", lambda fixture: f"http://localhost:{fixture.server.port}/m", *REFUSED)
endpoint("endpoint of another scheme", lambda fixture: f"https://127.0.0.1:{fixture.server.port}/m", *REFUSED)
endpoint("endpoint with a user", lambda fixture: f"http://127.0.0.1:{fixture.server.port}@127.0.0.1:{fixture.other_origin.port}/m",
    "MCP_INVALID_MESSAGE", "endpoint that cannot be used")  # fmt: skip
# Where browsers would go elsewhere.
endpoint("endpoint behind backslashes", other_origin("\\\\127.0.0.1:{}/m"), "MCP_OK")
endpoint("endpoint that is missing", None, "MCP_TIMEOUT", "has not named its endpoint", timeout=300)
endpoint("other events instead of an endpoint", None, "MCP_TIMEOUT", "has not named its endpoint", timeout=300, opening=NOTICE * 10)
endpoint("relative endpoint", "messages?session_id=1", "MCP_OK")
endpoint("endpoint that is a query", "?session_id=1", "MCP_OK")
endpoint("endpoint twice", "/messages", "MCP_OK", rest=ENDPOINT)
endpoint("endpoint twice, the second of another port", "/messages", "MCP_OK",
         rest=lambda fixture: f"event: endpoint\ndata: http://127.0.0.1:{fixture.other_origin.port}/m\n\n".encode())  # fmt: skip
endpoint("empty endpoint", "", "MCP_INVALID_MESSAGE", "it is empty")
endpoint("endpoint of another kind", "mailto:somebody", "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("endpoint with a blank", "/a b", "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("endpoint with a control character", "/a\x01b", "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("endpoint that is JSON", json.dumps({"uri": "/messages"}), "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("endpoint of a megabyte", "/" + "x" * MIB, "MCP_INVALID_MESSAGE", "endpoint that cannot be used")
endpoint("BOM before the endpoint", "/messages", "MCP_OK", opening=b"\xef\xbb\xbf")
row("stream that ends before the endpoint", then_close(lambda _: STREAM), {"sse": "MCP_TRUNCATED"}, "before it named its endpoint",
    first_request=True)  # fmt: skip
row("answer to a GET that is no stream", then_hold(lambda _: http(200, "<html>", kind="text/html")),
    {"sse": "MCP_UNEXPECTED_CONTENT"}, "HTML page", first_request=True)  # fmt: skip

run()
