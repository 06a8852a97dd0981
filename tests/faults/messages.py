"""Answers that are well as far as HTTP is concerned, and no JSON, no message, or not the one that was asked for."""

import contextlib
import json

from matrix import ACCEPTED, RESULT, Scripted, add_row, call_tool, row, run

from harness import STREAM, Cancel, answer, event, http

MEMBERS = b"".join(b'"member %d": %d, ' % (number, number) for number in range(100_000))
WAITED = "waiting for the server's answer"
OK = "MCP_OK"
INVALID = "MCP_INVALID_MESSAGE"
NO_MESSAGE = "no JSON-RPC message"
NO_JSON = ("MCP_INVALID_JSON", "no JSON")


def said(name, make, expected, words=(), **members):
    """`make` makes the text of an answer of the request; it may be a value, or bytes. On HTTP+SSE it is an event's data."""

    def fault(request):
        text = make(request)
        if not isinstance(text, bytes):
            text = json.dumps(text).encode()
        if request.fixture.transport != "sse":
            return http(200, text)
        request.fixture.stream.sendall(b"data: " + text + b"\n\n")
        return ACCEPTED

    row(name, fault, expected, words, **members)


def right(request, **members):
    return answer(request, RESULT) | members


def right_text(request, *changes):
    text = json.dumps(right(request)).encode()
    for before, after in changes:
        assert before in text, text
        text = text.replace(before, after)
    return text


def skipped(status, words):
    """What is no message at all is passed over where other things may come, too."""
    return {"modern": status, "legacy": status, "sse": "MCP_TIMEOUT"}, {"modern": words, "legacy": words, "sse": "instead of an answer"}


def on_stream(status, words):
    """On HTTP+SSE answers to many calls come on one stream: what is not this call's does not end it."""
    return {"modern": status, "legacy": status, "sse": "MCP_TIMEOUT"}, {"modern": words, "legacy": words, "sse": WAITED}


# --- JSON -------------------------------------------------------------------------------------------------------------

said("JSON that is cut", lambda r: right_text(r)[:-1], *NO_JSON)
said("JSON with something behind it", lambda r: right_text(r) + b"}", *NO_JSON)
said("JSON twice", lambda r: right_text(r) * 2, *NO_JSON)
said("JSON with a BOM", lambda r: b"\xef\xbb\xbf" + right_text(r), OK)
said("JSON in UTF-16", lambda r: right_text(r).decode().encode("utf-16-be"), *skipped(*NO_JSON), timeout={"sse": 300})
said("JSON that is not UTF-8", lambda r: right_text(r, (b"done", b"d\xf6ne")), "MCP_INVALID_JSON", "invalid utf-8")
said("JSON with a lone surrogate", lambda r: right_text(r, (b"done", rb"\ud800")), OK)
said("JSON with a NUL", lambda r: right_text(r, (b"done", b"do\0ne")), *NO_JSON)
said("JSON with a NaN", lambda r: right_text(r, (b'"done"', b"NaN")), *NO_JSON)
said("JSON that echoes the token where it breaks", lambda r: b'{"jsonrpc":"2.0","' + r.authorization.encode() + b'"', *NO_JSON)
said("bomb of brackets", lambda r: right_text(r, (b'"done"', b"[" * 1_000_000)), *NO_JSON)
said("bomb of objects", lambda r: right_text(r, (b'"done"', b'{"a":' * 300_000)), *NO_JSON)
said("deep nesting that is well-formed", lambda r: right_text(r, (b'"done"', b"[" * 200_000 + b"]" * 200_000)), OK, max_ms=1000,
    repeats=2)  # fmt: skip
said("deep nesting around the message", lambda r: b"[" * 100_000 + right_text(r) + b"]" * 100_000, *skipped(INVALID, NO_MESSAGE),
    timeout={"sse": 1000})  # fmt: skip
said("100,000 members", lambda r: right_text(r, (b'"jsonrpc"', MEMBERS + b'"jsonrpc"')), OK, max_ms=1000, repeats=2)
said("number that overflows", lambda r: right_text(r, (b'"done"', b"1e999999")), OK)
said("number of a million digits", lambda r: right_text(r, (b'"done"', b"9" * 1_000_000)), OK, max_ms=1000, repeats=2)

# --- Members ----------------------------------------------------------------------------------------------------------

said("empty object", lambda _: {}, *skipped(INVALID, NO_MESSAGE), timeout={"sse": 300})
said("null", lambda _: None, *skipped(INVALID, NO_MESSAGE), timeout={"sse": 300})
said("text", lambda _: "done", *skipped(INVALID, NO_MESSAGE), timeout={"sse": 300})
said("id twice", lambda r: right_text(r, (b'"id":', b'"id": 4711, "id":')), INVALID, "double")
said("result twice", lambda r: right_text(r, (b'"result":', b'"result": {}, "result":')), INVALID, "double")
said("member of the result twice", lambda r: right_text(r, (b'"content":', b'"content": [], "content":')), OK)
said("no jsonrpc", lambda r: {"id": r.message["id"], "result": RESULT}, OK)
said("another jsonrpc", lambda r: right(r, jsonrpc="1.0"), OK)
said("result and error", lambda r: right(r, error={"code": -32603, "message": "no"}), "MCP_RPC_ERROR", "-32603")
said("result, and a null for an error", lambda r: right(r, error=None), OK)
said("result that is null", lambda r: right(r, result=None), INVALID, "result is no object")
said("result that is a list", lambda r: right(r, result=[RESULT]), INVALID, "result is no object")
said("neither a result nor an error", lambda r: {"jsonrpc": "2.0", "id": r.message["id"]}, INVALID, NO_MESSAGE)
said("error without a code", lambda r: {"jsonrpc": "2.0", "id": r.message["id"], "error": {"message": "no"}}, INVALID, NO_MESSAGE)
said("error that is a text", lambda r: {"jsonrpc": "2.0", "id": r.message["id"], "error": r.authorization}, INVALID, NO_MESSAGE)
said("error whose code overflows", lambda r: b'{"jsonrpc":"2.0","id":%d,"error":{"code":1e30,"message":"no"}}' % r.message["id"],
    INVALID, NO_MESSAGE)  # fmt: skip


def echoing_error(request):
    told = request.authorization
    return {"jsonrpc": "2.0", "id": request.message["id"], "error": {"code": 1, "message": told, "data": {told: told}}}


said("error that echoes the token", echoing_error, "MCP_RPC_ERROR", "JSON-RPC error 1")

# --- Ids --------------------------------------------------------------------------------------------------------------

WRONG = ("MCP_WRONG_ID", "another request")

said("wrong id", lambda r: right(r, id=r.message["id"] + 1000), *on_stream(*WRONG), timeout={"sse": 300})
said("id of the request before", lambda r: right(r, id=r.message["id"] - 1), *on_stream(*WRONG), timeout={"sse": 300})
said("id with a fraction of zero", lambda r: right_text(r, (b'"id": %d' % r.message["id"], b'"id": %d.0' % r.message["id"])), OK)
said("id as a text", lambda r: right(r, id=str(r.message["id"])), OK)
said("id as a text that is no number", lambda r: right(r, id="x"), *on_stream(*WRONG), timeout={"sse": 300})
said("id that is a fraction", lambda r: right_text(r, (b'"id": %d' % r.message["id"], b'"id": %d.5' % r.message["id"])),
    *on_stream(*WRONG), timeout={"sse": 300})  # fmt: skip
said("id that overflows", lambda r: right(r, id=r.message["id"] + 2**64), *on_stream(*WRONG), timeout={"sse": 300})
said("id that is null", lambda r: right(r, id=None), INVALID, "has no id")
said("no id", lambda r: {"jsonrpc": "2.0", "result": RESULT}, INVALID, "has no id")
said("error without an id", lambda r: {"jsonrpc": "2.0", "error": {"code": -32700, "message": "what?"}}, "MCP_RPC_ERROR", "-32700")

# --- How many ---------------------------------------------------------------------------------------------------------

said("batch with the answer", lambda r: [right(r)], OK)
said("batch with the answer twice", lambda r: [right(r), right(r, result={})], OK)
said("empty batch", lambda r: [], *skipped(INVALID, "no answer to the request"), timeout={"sse": 300})
said("notification for an answer", lambda r: {"jsonrpc": "2.0", "method": "x"}, *on_stream(INVALID, "no answer to the request"),
    timeout={"sse": 300})  # fmt: skip
said("request for an answer", lambda r: {"jsonrpc": "2.0", "id": 1, "method": "x"}, *on_stream(INVALID, "no answer to the request"),
    timeout={"sse": 300})  # fmt: skip


def two_answers(request):
    both = event(right(request)) + event(right(request, result={"content": []}))
    if request.fixture.transport != "sse":
        return http(200, both, kind="text/event-stream")
    request.fixture.stream.sendall(both)
    return ACCEPTED


row("two answers", two_answers, OK)


class Late(Scripted):
    """The answer comes when the call is over, in front of the next one."""

    def __init__(self, transport):
        super().__init__(transport, self.keep, max_calls=1)
        self.waiting = []

    def keep(self, request):
        self.waiting.append(request)
        if self.transport == "sse":
            return ACCEPTED
        request.send(STREAM)
        return request.hold()

    def end_fault(self):
        super().end_fault()
        for request in self.waiting:
            late = event(right(request, result=RESULT | {"content": [{"type": "text", "text": "late"}]}))
            # A client that has left for good does not hear it.
            with contextlib.suppress(OSError):
                (self.stream if self.transport == "sse" else request.socket).sendall(late)


class Cancelled(Late):
    """The same for a call that is cancelled."""

    def call(self, client, timeout):
        with Cancel() as cancel:
            calling = client.begin(lambda: call_tool(client, timeout=timeout, cancel=cancel))
            self.server.must_see("tools/call", 2)
            cancel.trigger()
            return calling.result()


add_row("answer after the timeout", Late, "MCP_TIMEOUT", "timeout of 300 ms", timeout=300)
add_row("answer after cancelling", Cancelled, "MCP_CANCELLED", "cancelled")

run()
