"""Valid HTTP responses whose body is not JSON, not a JSON-RPC message, or not the response to the request."""

import contextlib
import json

from matrix import ACCEPTED, RESULT, Scripted, add_row, call_tool, row, run

from harness import STREAM, Cancel, answer, event, http

MEMBERS = b"".join(b'"member %d": %d, ' % (number, number) for number in range(100_000))
WAITED = "waiting for the server's response"
OK = "MCP_OK"
INVALID = "MCP_INVALID_MESSAGE"
NO_MESSAGE = "not a valid JSON-RPC message"
NO_JSON = ("MCP_INVALID_JSON", "not valid JSON")


def message_row(name, make, expected, words=(), **members):
    """Adds a response with the body `make(request)`: bytes, or a value that is sent as JSON. On HTTP+SSE it is the data
    of an event."""

    def fault(request):
        text = make(request)
        if not isinstance(text, bytes):
            text = json.dumps(text).encode()
        if request.fixture.transport != "sse":
            return http(200, text)
        request.fixture.stream.sendall(b"data: " + text + b"\n\n")
        return ACCEPTED

    row(name, fault, expected, words, **members)


def correct(request, **members):
    return answer(request, RESULT) | members


def correct_json(request, *changes):
    text = json.dumps(correct(request)).encode()
    for before, after in changes:
        assert before in text, text
        text = text.replace(before, after)
    return text


def skipped_on_sse(status, words):
    """HTTP+SSE skips data that is not a message, because other data may come on the event stream; the call times
    out."""
    return {"modern": status, "legacy": status, "sse": "MCP_TIMEOUT"}, {
        "modern": words,
        "legacy": words,
        "sse": "instead of a response",
    }


def ignored_on_sse(status, words):
    """HTTP+SSE ignores a message for another call, because one event stream carries all responses; the call times
    out."""
    return {"modern": status, "legacy": status, "sse": "MCP_TIMEOUT"}, {"modern": words, "legacy": words, "sse": WAITED}


# --- JSON -------------------------------------------------------------------------------------------------------------

message_row("truncated JSON", lambda r: correct_json(r)[:-1], *NO_JSON)
message_row("JSON followed by other data", lambda r: correct_json(r) + b"}", *NO_JSON)
message_row("two JSON documents", lambda r: correct_json(r) * 2, *NO_JSON)
message_row("JSON with a BOM", lambda r: b"\xef\xbb\xbf" + correct_json(r), OK)
message_row(
    "JSON in UTF-16",
    lambda r: correct_json(r).decode().encode("utf-16-be"),
    *skipped_on_sse(*NO_JSON),
    timeout={"sse": 300},
)
message_row(
    "JSON with invalid UTF-8", lambda r: correct_json(r, (b"done", b"d\xf6ne")), "MCP_INVALID_JSON", "invalid utf-8"
)
message_row("JSON with a lone surrogate", lambda r: correct_json(r, (b"done", rb"\ud800")), OK)
message_row("JSON with a NUL", lambda r: correct_json(r, (b"done", b"do\0ne")), *NO_JSON)
message_row("JSON with NaN", lambda r: correct_json(r, (b'"done"', b"NaN")), *NO_JSON)
message_row(
    "invalid JSON that contains the token", lambda r: b'{"jsonrpc":"2.0","' + r.authorization.encode() + b'"', *NO_JSON
)
message_row("1,000,000 opening brackets", lambda r: correct_json(r, (b'"done"', b"[" * 1_000_000)), *NO_JSON)
message_row(
    "300,000 nested objects that are not closed", lambda r: correct_json(r, (b'"done"', b'{"a":' * 300_000)), *NO_JSON
)
message_row(
    "deeply nested value",
    lambda r: correct_json(r, (b'"done"', b"[" * 200_000 + b"]" * 200_000)),
    OK,
    max_ms=1000,
    repeats=2,
)
message_row(
    "message inside deeply nested arrays",
    lambda r: b"[" * 100_000 + correct_json(r) + b"]" * 100_000,
    *skipped_on_sse(INVALID, NO_MESSAGE),
    timeout={"sse": 1000},
)
message_row(
    "100,000 members", lambda r: correct_json(r, (b'"jsonrpc"', MEMBERS + b'"jsonrpc"')), OK, max_ms=1000, repeats=2
)
message_row("number out of range", lambda r: correct_json(r, (b'"done"', b"1e999999")), OK)
message_row(
    "number with a million digits", lambda r: correct_json(r, (b'"done"', b"9" * 1_000_000)), OK, max_ms=1000, repeats=2
)

# --- Members ----------------------------------------------------------------------------------------------------------

message_row("empty object", lambda _: {}, *skipped_on_sse(INVALID, NO_MESSAGE), timeout={"sse": 300})
message_row("null", lambda _: None, *skipped_on_sse(INVALID, NO_MESSAGE), timeout={"sse": 300})
message_row("string", lambda _: "done", *skipped_on_sse(INVALID, NO_MESSAGE), timeout={"sse": 300})
message_row("duplicate id", lambda r: correct_json(r, (b'"id":', b'"id": 4711, "id":')), INVALID, "duplicated")
message_row(
    "duplicate result", lambda r: correct_json(r, (b'"result":', b'"result": {}, "result":')), INVALID, "duplicated"
)
message_row(
    "duplicate member in the result", lambda r: correct_json(r, (b'"content":', b'"content": [], "content":')), OK
)
message_row("missing jsonrpc", lambda r: {"id": r.message["id"], "result": RESULT}, OK)
message_row("wrong value of jsonrpc", lambda r: correct(r, jsonrpc="1.0"), OK)
message_row(
    "result and error", lambda r: correct(r, error={"code": -32603, "message": "no"}), "MCP_RPC_ERROR", "-32603"
)
message_row("result and null error", lambda r: correct(r, error=None), OK)
message_row("null result", lambda r: correct(r, result=None), INVALID, "result is not an object")
message_row("array as result", lambda r: correct(r, result=[RESULT]), INVALID, "result is not an object")
message_row("neither result nor error", lambda r: {"jsonrpc": "2.0", "id": r.message["id"]}, INVALID, NO_MESSAGE)
message_row(
    "error without a code",
    lambda r: {"jsonrpc": "2.0", "id": r.message["id"], "error": {"message": "no"}},
    INVALID,
    NO_MESSAGE,
)
message_row(
    "string as error",
    lambda r: {"jsonrpc": "2.0", "id": r.message["id"], "error": r.authorization},
    INVALID,
    NO_MESSAGE,
)
message_row(
    "error code out of range",
    lambda r: b'{"jsonrpc":"2.0","id":%d,"error":{"code":1e30,"message":"no"}}' % r.message["id"],
    INVALID,
    NO_MESSAGE,
)


def error_with_token(request):
    token = request.authorization
    return {
        "jsonrpc": "2.0",
        "id": request.message["id"],
        "error": {"code": 1, "message": token, "data": {token: token}},
    }


message_row("error that contains the token", error_with_token, "MCP_RPC_ERROR", "JSON-RPC error 1")

# --- Ids --------------------------------------------------------------------------------------------------------------

WRONG = ("MCP_WRONG_ID", "another request")

message_row("wrong id", lambda r: correct(r, id=r.message["id"] + 1000), *ignored_on_sse(*WRONG), timeout={"sse": 300})
message_row(
    "id of the previous request",
    lambda r: correct(r, id=r.message["id"] - 1),
    *ignored_on_sse(*WRONG),
    timeout={"sse": 300},
)
message_row(
    "integer id with a fraction of zero",
    lambda r: correct_json(r, (b'"id": %d' % r.message["id"], b'"id": %d.0' % r.message["id"])),
    OK,
)
message_row("id as a string", lambda r: correct(r, id=str(r.message["id"])), OK)
message_row(
    "id as a string that is not a number", lambda r: correct(r, id="x"), *ignored_on_sse(*WRONG), timeout={"sse": 300}
)
message_row(
    "fractional id",
    lambda r: correct_json(r, (b'"id": %d' % r.message["id"], b'"id": %d.5' % r.message["id"])),
    *ignored_on_sse(*WRONG),
    timeout={"sse": 300},
)
message_row(
    "id out of range", lambda r: correct(r, id=r.message["id"] + 2**64), *ignored_on_sse(*WRONG), timeout={"sse": 300}
)
message_row("null id", lambda r: correct(r, id=None), INVALID, "has no id")
message_row("missing id", lambda r: {"jsonrpc": "2.0", "result": RESULT}, INVALID, "has no id")
message_row(
    "error without an id",
    lambda r: {"jsonrpc": "2.0", "error": {"code": -32700, "message": "what?"}},
    "MCP_RPC_ERROR",
    "-32700",
)

# --- Batches, and other messages --------------------------------------------------------------------------------------

message_row("batch with the response", lambda r: [correct(r)], OK)
message_row("batch with two responses", lambda r: [correct(r), correct(r, result={})], OK)
message_row("empty batch", lambda r: [], *skipped_on_sse(INVALID, "no response to the request"), timeout={"sse": 300})
message_row(
    "notification instead of a response",
    lambda r: {"jsonrpc": "2.0", "method": "x"},
    *ignored_on_sse(INVALID, "no response to the request"),
    timeout={"sse": 300},
)
message_row(
    "request instead of a response",
    lambda r: {"jsonrpc": "2.0", "id": 1, "method": "x"},
    *ignored_on_sse(INVALID, "no response to the request"),
    timeout={"sse": 300},
)


def two_responses(request):
    both = event(correct(request)) + event(correct(request, result={"content": []}))
    if request.fixture.transport != "sse":
        return http(200, both, kind="text/event-stream")
    request.fixture.stream.sendall(both)
    return ACCEPTED


row("two responses", two_responses, OK)


class LateResponse(Scripted):
    """The response arrives after the call has ended, before the next response."""

    def __init__(self, transport):
        super().__init__(transport, self.hold_request, max_calls=1)
        self.held = []

    def hold_request(self, request):
        self.held.append(request)
        if self.transport == "sse":
            return ACCEPTED
        request.send(STREAM)
        return request.hold()

    def end_fault(self):
        super().end_fault()
        for request in self.held:
            response = event(correct(request, result=RESULT | {"content": [{"type": "text", "text": "late"}]}))
            # Fails if the client has closed the connection.
            with contextlib.suppress(OSError):
                (self.stream if self.transport == "sse" else request.socket).sendall(response)


class LateAfterCancel(LateResponse):
    """The response arrives after the call was cancelled."""

    def call(self, client, timeout):
        with Cancel() as cancel:
            calling = client.begin(lambda: call_tool(client, timeout=timeout, cancel=cancel))
            self.server.must_see("tools/call", 2)
            cancel.trigger()
            return calling.result()


add_row("response after the timeout", LateResponse, "MCP_TIMEOUT", "timeout of 300 ms", timeout=300)
add_row("response after cancellation", LateAfterCancel, "MCP_CANCELLED", "cancelled")

run()
