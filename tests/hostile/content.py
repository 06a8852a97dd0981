"""Results with an invalid part: the library returns all other parts, unchanged, and in linear time."""

import ctypes
import json
import time
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_void_p

from harness import (
    ERROR, LEGACY, MODERN, STREAM, Client, Server, answer, call, case, chunk, declare, discovered, error, event, http,
    initialized, lib, options, result, run,
)  # fmt: skip

JSON = POINTER(c_void_p)
declare(c_int, mcp_call_tool=[c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, JSON, ERROR])
declare(c_int, mcp_list_tools=[c_void_p, c_void_p, JSON, ERROR])
declare(c_int, mcp_json_copy_string=[c_void_p, c_void_p, c_size_t, POINTER(c_size_t), ERROR])
declare(c_char_p, mcp_tool_result_text=[c_void_p], mcp_json_string=[c_void_p], mcp_json_key=[c_void_p])
declare(c_void_p, mcp_json_pointer=[c_void_p, c_char_p], mcp_json_first=[c_void_p])
declare(c_bool, mcp_tool_result_is_error=[c_void_p])
declare(None, mcp_json_free=[c_void_p])

TOOL = {"name": "t", "inputSchema": {"type": "object", "properties": {}}}

# Texts with lone surrogates, and the texts that the library returns for them. json.dumps writes surrogates as escapes.
LONE_SURROGATES = {
    "cut \ud83d": "cut \ufffd",
    "\ude00 low": "\ufffd low",
    "\ud83d\ud83d\ude00": "\ufffd\U0001f600",
    "\ud83dA\n": "\ufffdA\n",
    "\ude00\ud83d": "\ufffd\ufffd",
    "x" * 50_000 + "\ud83d": "x" * 50_000 + "\ufffd",
}


class CallResult:
    """Makes a call; its result is read with the library's functions."""

    def __init__(self, client, function=lib.mcp_call_tool, arguments=(b"t", None, 0), timeout=10_000):
        self.document = c_void_p()
        with options(timeout=timeout) as given:
            self.outcome = call(function, client.client, *arguments, given, byref(self.document))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        lib.mcp_json_free(self.document)

    @property
    def text(self):
        return lib.mcp_tool_result_text(self.document).decode()

    @property
    def raw(self):
        length = c_size_t()
        raw = lib.mcp_json_raw(self.document, byref(length))
        return json.loads(ctypes.string_at(raw, length.value))

    def at(self, pointer):
        return lib.mcp_json_pointer(self.document, pointer.encode())

    def string(self, pointer):
        text = lib.mcp_json_string(self.at(pointer))
        return text and text.decode()

    def copied(self, pointer, room):
        """The string at the pointer, copied into a buffer with `room` bytes for the text."""
        buffer, length = ctypes.create_string_buffer(room + 1), c_size_t()
        call(lib.mcp_json_copy_string, self.at(pointer), buffer, room + 1, byref(length)).must_be("MCP_OK")
        return buffer.raw[: length.value].decode()


def serving(reply, version=MODERN):
    """A valid server of this version; `reply` answers tools/list and tools/call."""

    def handler(_server, request):
        match request.rpc:
            case "server/discover" if version == MODERN:
                return discovered(request)
            case "server/discover":
                return error(request, -32601, status=400)
            case "initialize":
                return initialized(request)
            case "tools/list":
                return reply(request) or result(request, {"resultType": "complete", "tools": [TOOL]})
            case "tools/call":
                return reply(request)
            case _:
                return http(202, kind=None)

    return Server(handler)


def tool_result(*content, **members):
    """A `reply` for `serving`: a tool result with this content."""
    return lambda request: request.rpc == "tools/call" and result(
        request, {"resultType": "complete", "content": list(content)} | members
    )


def text(string):
    return {"type": "text", "text": string}


@case
def lone_surrogates_in_a_text_are_replaced():
    for sent, read in LONE_SURROGATES.items():
        with serving(tool_result(text(sent), text("after"))) as server, Client(server.url) as client:
            with CallResult(client) as returned:
                returned.outcome.must_be("MCP_OK")
                assert returned.text == read + "\nafter", returned.text[-100:]
                assert returned.string("/content/0/text") == read
                size = len(read.encode())
                for room in (size, 12 * size):
                    assert returned.copied("/content/0/text", room) == read
                # The raw JSON is unchanged.
                assert returned.raw["content"][0]["text"] == json.loads(json.dumps(sent))


@case
def lone_surrogates_in_an_event_are_replaced():
    def reply(request):
        if request.rpc != "tools/call":
            return None
        request.send(STREAM)
        note = {"level": "info", "data": "half \ud83d", "logger": "\ude00"}
        request.send(event({"jsonrpc": "2.0", "method": "notifications/message", "params": note}))
        request.send(event({"jsonrpc": "2.0", "method": "notifications/\ud83d"}))
        request.send(event(answer(request, {"content": [text("cut \ud83d")], "_meta": {"\ud83d": "\ude00"}})))

    with serving(reply, LEGACY) as server, Client(server.url) as client, CallResult(client) as returned:
        returned.outcome.must_be("MCP_OK")
        assert returned.text == "cut \ufffd"
        assert lib.mcp_json_key(lib.mcp_json_first(returned.at("/_meta"))).decode() == "\ufffd"
        assert returned.string("/_meta/\ufffd") == "\ufffd"


@case
def lone_surrogates_in_an_error_are_replaced():
    def reply(request):
        body = error(request, -32603, "no such file: \ud83d.txt", {"a": "\ude00"}).split(b"\r\n\r\n", 1)[1]
        body = body.replace(b'"code"', rb'"x\ud83d": "\ud83d", "code"')
        return request.rpc == "tools/call" and http(200, body)

    for version in (MODERN, LEGACY):
        with serving(reply, version) as server, Client(server.url) as client, CallResult(client) as returned:
            returned.outcome.must_be("MCP_RPC_ERROR")
            assert "no such file: \ufffd.txt" in returned.outcome.message, returned.outcome.message
            assert json.loads(returned.outcome.data) == {"a": "\ude00"}


@case
def lone_surrogates_in_a_list_are_replaced():
    # The library composes a new list because there are two pages, and because it leaves out an invalid tool.
    odd = TOOL | {"name": "t\ud83d", "description": "\ude00"}
    bad = {"name": "bad", "inputSchema": {"type": "object", "properties": {"a": {"type": "null", "x-mcp-header": "A"}}}}

    def reply(request):
        if request.rpc != "tools/list":
            return None
        pages = {None: {"tools": [odd, bad], "nextCursor": "2\ud83d", "x\ud83d": 1}, "2\ud83d": {"tools": [TOOL]}}
        page = pages.get(request.message["params"].get("cursor"))
        return result(request, {"resultType": "complete"} | page) if page else error(request, -32602, "unknown cursor")

    with serving(reply) as server, Client(server.url) as client, CallResult(client, lib.mcp_list_tools, ()) as returned:
        returned.outcome.must_be("MCP_OK")
        assert returned.string("/tools/0/name") == "t\ufffd" and returned.string("/tools/1/name") == "t", returned.raw
        assert returned.string("/tools/0/description") == "\ufffd"
        assert len(returned.raw["tools"]) == 2, returned.raw


@case
def the_text_includes_embedded_resources():
    resource = {"type": "resource", "resource": {"uri": "file:///a", "mimeType": "text/plain", "text": "inside"}}
    blob = {"type": "resource", "resource": {"uri": "file:///b", "blob": "AAAA"}}
    link = {"type": "resource_link", "uri": "file:///c", "name": "c", "text": "no"}
    content = (text("before"), resource, blob, link, text("after"))
    with serving(tool_result(*content)) as server, Client(server.url) as client:
        with CallResult(client) as returned:
            returned.outcome.must_be("MCP_OK")
            assert returned.text == "before\ninside\nafter", returned.text
    with serving(tool_result(resource)) as server, Client(server.url) as client, CallResult(client) as returned:
        assert returned.text == "inside", returned.text


@case
def invalid_content_blocks_are_skipped():
    invalid = [
        7, None, "text", [], {}, {"type": 7, "text": "no"}, {"type": "text"}, {"type": "text", "text": 42},
        {"type": "text", "text": None}, {"type": "text", "text": {}}, {"type": "resource"},
        {"type": "resource", "resource": "x"},
        {"type": "resource", "resource": {"text": 1}}, {"type": "hologram", "text": "no"},
    ]  # fmt: skip
    members = {"isError": "false", "structuredContent": [1], "_meta": 7}
    with serving(tool_result(text("one"), *invalid, text("two"), **members)) as server, Client(server.url) as client:
        with CallResult(client) as returned:
            returned.outcome.must_be("MCP_OK")
            assert returned.text == "one\ntwo", returned.text
            assert not lib.mcp_tool_result_is_error(returned.document)
            assert returned.raw["content"][1:-1] == invalid
    for content in (7, "x", {}, None, {"type": "text", "text": "x"}):
        members = {"resultType": "complete", "content": content}
        with serving(lambda request, m=members: result(request, m) if request.rpc == "tools/call" else None) as server:
            with Client(server.url) as client, CallResult(client) as returned:
                returned.outcome.must_be("MCP_OK")
                assert returned.text == "", returned.text


def response_with(request, value):
    """A response whose result is the JSON text `value`."""
    head, tail = json.dumps(answer(request, [])).encode().split(b"[]")
    body = head + value + tail
    return http(200, body)


@case
def many_members_take_linear_time():
    """A list of two pages from which an invalid tool is left out: the library parses and composes it."""
    extra = b",".join(b'"m%d":%d' % (number, number) for number in range(100_000))
    bad = {"name": "bad", "inputSchema": {"properties": {"a": {"x-mcp-header": "A"}}}}
    tools = json.dumps([TOOL, TOOL | bad]).encode()

    def page(request):
        cursor = b"" if "cursor" in request.message["params"] else b',"nextCursor":"2"'
        value = b'{"resultType":"complete","tools":%s%s,%s}' % (tools, cursor, extra)
        return request.rpc == "tools/list" and response_with(request, value)

    with serving(page) as server, Client(server.url) as client:
        # The processor time of this thread, on which the library works: a busy machine does not change it.
        begun = time.thread_time()
        with CallResult(client, lib.mcp_list_tools, (), timeout=30_000) as returned:
            used = time.thread_time() - begun
            print(f"    {used:.2f} s of processor time")
            returned.outcome.must_be("MCP_OK")
            assert len(returned.raw["tools"]) == 2 and returned.raw["m99999"] == 99_999
            # In an optimized build, searching all members for each member takes 9 s.
            assert used < 6, used


@case
def many_texts_take_linear_time():
    blocks = b",".join([b'{"type":"text","text":"%s"}' % (b"x" * 200)] * 100_000)

    def reply(request):
        if request.rpc != "tools/call":
            return None
        head, tail = json.dumps(answer(request, {"resultType": "complete", "content": []})).encode().split(b"[]")
        request.send(http(200, None, Content_Length=None, Transfer_Encoding="chunked")[: -len(b"null")])
        for part in (head, b"[", blocks, b"]", tail):
            request.send(chunk(part))
        return b"0\r\n\r\n"

    with serving(reply) as server, Client(server.url) as client, CallResult(client, timeout=30_000) as returned:
        returned.outcome.must_be("MCP_OK")
        # Appending them one by one would copy the text 100,000 times: 1 TB.
        assert len(returned.text) == 100_000 * 201 - 1


run()
