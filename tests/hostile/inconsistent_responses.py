"""Inconsistent responses to operations, and input handlers that give invalid responses. Each case returns a specific
status in bounded time and memory, and the client stays usable."""

import ctypes
import json
import resource
import socket
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p

from harness import (
    ERROR, LEGACY, MODERN, STREAM, Client, Server, answer, call, case, declare, discovered, error, event, events, http,
    initialized, lib, options, result, run,
)  # fmt: skip

HANDLER = CFUNCTYPE(None, c_void_p, c_void_p)
JSON = POINTER(c_void_p)
TEXT = [c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, JSON, ERROR]
declare(c_int, mcp_call_tool=TEXT, mcp_get_prompt=TEXT, mcp_request=TEXT)
LIST = [c_void_p, c_void_p, JSON, ERROR]
declare(c_int, mcp_list_tools=LIST, mcp_list_resources=LIST, mcp_list_resource_templates=LIST, mcp_list_prompts=LIST)
declare(c_int, mcp_list_tools_page=[c_void_p, c_char_p, c_void_p, JSON, ERROR])
declare(c_int, mcp_read_resource=[c_void_p, c_char_p, c_void_p, JSON, ERROR])
declare(c_int, mcp_set_elicitation=[c_void_p, HANDLER, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_set_sampling=[c_void_p, HANDLER, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_input_accept=[c_void_p, c_char_p, c_size_t, ERROR], mcp_input_decline=[c_void_p, ERROR])
declare(c_int, mcp_input_respond=[c_void_p, c_char_p, c_size_t, ERROR])
declare(c_int, mcp_input_fail=[c_void_p, ctypes.c_int64, c_char_p, ERROR])
declare(c_int, mcp_set_limit=[c_void_p, c_int, c_uint64, ERROR])
declare(None, mcp_json_free=[c_void_p])
declare(c_void_p, mcp_json_pointer=[c_void_p, c_char_p])

WHOLE = c_size_t(-1).value
NO_ARGUMENTS = {"type": "object", "properties": {}}
DONE = {"resultType": "complete", "content": [{"type": "text", "text": "done"}]}


class Value:
    """An output parameter for a JSON document; `take` converts it to a Python object and frees it."""

    def __init__(self):
        self.document = c_void_p()

    def take(self):
        if not self.document:
            return None
        length = c_size_t()
        raw = lib.mcp_json_raw(self.document, byref(length))
        value = json.loads(ctypes.string_at(raw, length.value))
        lib.mcp_json_free(self.document)
        return value


def perform(client, function, *arguments, **limits):
    """Calls an operation. Returns its outcome and its result, which is None if it failed."""
    value = Value()
    with options(**({"timeout": 5000} | limits)) as opts:
        outcome = call(function, client.client, *arguments, opts, byref(value.document))
    return outcome, value.take()


def call_tool(client, name="t", arguments=None, **limits):
    return perform(client, lib.mcp_call_tool, name.encode(), arguments, WHOLE if arguments else 0, **limits)


def server_with(reply, version=MODERN, capabilities=None):
    """A server that sends the bytes that `reply` returns; where it returns None, the server sends a correct
    response."""

    def handler(server, request):
        response = reply(server, request)
        if response is not None:
            return response
        match request.rpc:
            case "server/discover" if version == MODERN:
                return discovered(request)
            case "server/discover":
                return error(request, -32601, status=400)
            case "initialize":
                return initialized(request, capabilities=capabilities or {})
            case "tools/list":
                tools = [{"name": "t", "inputSchema": NO_ARGUMENTS}]
                return result(request, {"resultType": "complete", "tools": tools})
            case "tools/call":
                return result(request, DONE)
            case "ping":
                return result(request, {})
            case "GET":
                return http(405, kind=None)
            case _:
                return http(202, kind=None)

    return Server(handler)


def must_still_work(client):
    call_tool(client)[0].must_be("MCP_OK")


def first_call_gets(respond, status, version=MODERN, within=1000, **limits):
    """The first tool call gets the response that `respond(request)` returns, or a closed connection for None, and has
    to end with `status`. The next call gets a correct response. Returns how many calls the server received."""
    called = []

    def reply(_server, request):
        if request.rpc == "tools/call" and not called:
            called.append(request)
            response = respond(request)
            if response is not None:
                return response
            request.socket.shutdown(socket.SHUT_RDWR)
            return b""
        return None

    with server_with(reply, version) as server, Client(server.url) as client:
        outcome, value = call_tool(client, **limits)
        outcome.must_be(status).must_end(within)
        assert (value is None) == (status != "MCP_OK"), value
        print(f"    {outcome.message}")
        must_still_work(client)
        return server.saw().count("tools/call")


# --- Responses --------------------------------------------------------------------------------------------------------


@case
def a_wrong_response_id_is_reported():
    first_call_gets(lambda r: http(200, answer(r, DONE) | {"id": 4711}), "MCP_WRONG_ID")
    first_call_gets(lambda r: http(200, answer(r, DONE) | {"id": "another"}), "MCP_WRONG_ID")


@case
def a_second_response_is_ignored():
    twice = lambda r: events(answer(r, DONE), answer(r, DONE | {"content": []}))  # noqa: E731
    first_call_gets(twice, "MCP_OK")


@case
def a_missing_response_is_a_timeout():
    first_call_gets(lambda r: r.hold(), "MCP_TIMEOUT", within=300, timeout=300)
    assert first_call_gets(lambda r: r.send(STREAM) or r.hold(), "MCP_TIMEOUT", within=300, timeout=300) == 2


@case
def a_call_is_never_sent_twice():
    faults = {
        "MCP_DISCONNECTED": [lambda _: None, lambda r: r.send(b"HTTP/1.1 200 OK\r\nContent-Le")],
        "MCP_TRUNCATED": [lambda r: r.send(STREAM), lambda r: r.send(http(200, "{")[:-1])],
    }
    for status, responses in faults.items():
        for respond in responses:
            # The second request is the client's next call.
            assert first_call_gets(respond, status) == 2


@case
def unknown_result_types_are_rejected():
    first_call_gets(lambda r: result(r, DONE | {"resultType": "riddle"}), "MCP_INVALID_MESSAGE")
    first_call_gets(lambda r: result(r, {"resultType": "task", "taskId": "1"}), "MCP_INVALID_MESSAGE")
    first_call_gets(lambda r: result(r, {"content": []}), "MCP_OK")


@case
def the_result_type_of_a_legacy_server_is_ignored():
    for kind in ("input_required", "task", "riddle", 7):
        respond = lambda r, kind=kind: result(r, {"resultType": kind, "content": []})  # noqa: E731
        assert first_call_gets(respond, "MCP_OK", LEGACY) == 2


@case
def results_that_are_not_objects_are_rejected():
    for value in (1, None, "x", []):
        first_call_gets(lambda r, value=value: result(r, value), "MCP_INVALID_MESSAGE")


@case
def deeply_nested_json_is_accepted_only_if_valid():
    def body(request, text):
        return http(200, f'{{"jsonrpc":"2.0","id":{request.message["id"]},"result":{{"content":{text}}}}}')

    for text in ("[" * 200_000, '{"a":' * 100_000):
        first_call_gets(lambda r, text=text: body(r, text), "MCP_INVALID_JSON")
    # Valid JSON is passed to the caller at any depth.
    nested = "[" * 200_000 + "]" * 200_000
    with server_with(lambda _, r: body(r, nested) if r.rpc == "tools/call" else None) as server:
        with Client(server.url) as client, options(timeout=5000) as opts:
            document = c_void_p()
            call(lib.mcp_call_tool, client.client, b"t", None, 0, opts, byref(document)).must_be("MCP_OK")
            assert lib.mcp_json_pointer(document, b"/content" + b"/0" * 1000)
            assert not lib.mcp_json_pointer(document, b"/content/1")
            lib.mcp_json_free(document)


@case
def a_tool_with_a_too_deep_schema_is_left_out():
    """The schema cannot be searched for headers. The other tools stay in the list."""
    deep = '{"properties":{"a":' * 50_000 + "{}" + "}}" * 50_000

    def reply(_server, request):
        if request.rpc != "tools/list":
            return None
        tools = f'[{{"name":"deep","inputSchema":{deep}}},{{"name":"t","inputSchema":{{"type":"object"}}}}]'
        value = f'{{"resultType":"complete","tools":{tools}}}'
        return http(200, f'{{"jsonrpc":"2.0","id":{request.message["id"]},"result":{value}}}')

    with server_with(reply) as server, Client(server.url) as client:
        outcome, value = perform(client, lib.mcp_list_tools)
        outcome.must_be("MCP_OK").must_end(1000)
        assert [tool["name"] for tool in value["tools"]] == ["t"], value
        assert any("deep" in line for line in client.lines), client.lines


@case
def an_endless_event_is_stopped_by_the_limit():
    """The server sends up to 1 GiB without a line break. The client keeps little of it in memory."""

    def flood(request):
        request.send(STREAM + b"data: ")
        for _ in range(1024):
            request.send(b"x" * (1 << 20))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    first_call_gets(flood, "MCP_TOO_LARGE", within=5000, timeout=20_000)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"    peak memory grew by {grown} MiB")
    assert grown < 200, f"peak memory grew by {grown} MiB"


# --- Arguments --------------------------------------------------------------------------------------------------------


@case
def invalid_arguments_are_rejected_before_sending():
    with server_with(lambda *_: None) as server, Client(server.url) as client:
        must_still_work(client)
        before = len(server.requests)
        for text in (b"[]", b"1", b'"x"', b"{", b"{}x", b'{"a":}', b"\xff", b"null", b"[" * 100_000):
            outcome, _ = call_tool(client, arguments=text)
            outcome.must_be("MCP_INVALID_ARGUMENT")
            assert b"\xff" not in outcome.message.encode()
        assert len(server.requests) == before, server.saw()
        must_still_work(client)


# --- Pagination -------------------------------------------------------------------------------------------------------


def server_of_pages(page_of):
    """A server whose tool list has the pages `page_of(cursor)`."""

    def reply(_server, request):
        if request.rpc != "tools/list":
            return None
        return result(request, {"resultType": "complete"} | page_of(request.message["params"].get("cursor")))

    return server_with(reply)


def list_tools(server, status):
    with Client(server.url) as client:
        outcome, value = perform(client, lib.mcp_list_tools, timeout=60_000)
        print(f"    {outcome.message}")
        outcome.must_be(status)
        must_still_work(client) if status == "MCP_OK" else None
        return value


@case
def endless_pagination_is_stopped():
    with server_of_pages(lambda cursor: {"tools": [], "nextCursor": str(int(cursor or 0) + 1)}) as server:
        list_tools(server, "MCP_ENDLESS")
        assert server.saw().count("tools/list") == 10_000


def elements_named(*names):
    return [{"name": name, "uri": name, "uriTemplate": name, "inputSchema": NO_ARGUMENTS} for name in names]


@case
def a_repeated_cursor_ends_the_list():
    # Typical server bugs: the same cursor on every page, the cursor of the page itself, cycles.
    cycles = [
        ({None: ""}, "", ["a"], 2),
        ({None: "0"}, "0", ["a"], 2),
        ({None: "A", "A": "B", "B": "A"}, None, ["first", "A", "B"], 3),
        ({None: "A", "A": "B", "B": "B"}, None, ["first", "A", "B"], 3),
        ({None: "", "": "A", "A": ""}, None, ["first", "", "A"], 3),
    ]
    lists = {
        "tools/list": (lib.mcp_list_tools, "tools"),
        "resources/list": (lib.mcp_list_resources, "resources"),
        "resources/templates/list": (lib.mcp_list_resource_templates, "resourceTemplates"),
        "prompts/list": (lib.mcp_list_prompts, "prompts"),
    }
    for method, (function, member) in lists.items():
        for version in (MODERN, LEGACY):
            for next_of, always, expected, count in cycles:

                def reply(_server, request, method=method, member=member, next_of=next_of, always=always):
                    if request.rpc != method:
                        return None
                    cursor = request.message.get("params", {}).get("cursor")
                    names = ("a",) if always is not None else ("first" if cursor is None else cursor,)
                    next_cursor = next_of[cursor] if always is None else always
                    page = {member: elements_named(*names), "nextCursor": next_cursor, "extra": 1}
                    return result(request, {"resultType": "complete"} | page)

                with server_with(reply, version) as server, Client(server.url) as client:
                    outcome, value = perform(client, function)
                    outcome.must_be("MCP_OK")
                    assert [element["name"] for element in value[member]] == expected, value
                    assert "nextCursor" not in value and value["extra"] == 1, value
                    assert server.saw().count(method) == count, server.saw()
                    warnings = [line for line in client.lines if method in line and "already read" in line]
                    assert len(warnings) == 1, client.lines


@case
def a_repeated_cursor_does_not_prevent_a_call():
    """The client lists the tools before a call: for headers on modern servers, for tasks on servers of 2025-11-25."""

    def reply(_server, request):
        if request.rpc != "tools/list":
            return None
        return result(request, {"resultType": "complete", "tools": elements_named("t"), "nextCursor": "0"})

    capabilities = {"tasks": {"requests": {"tools": {"call": {}}}}}
    for version in (MODERN, LEGACY):
        with server_with(reply, version, capabilities) as server, Client(server.url) as client:
            must_still_work(client)
            must_still_work(client)
            assert server.saw().count("tools/list") == 2, server.saw()


@case
def an_empty_cursor_is_followed():
    one = {"name": "t", "inputSchema": NO_ARGUMENTS}
    with server_of_pages(lambda cursor: {"tools": [one]} | ({"nextCursor": ""} if cursor is None else {})) as server:
        value = list_tools(server, "MCP_OK")
        assert value["tools"] == [one, one] and "nextCursor" not in value, value


@case
def invalid_pages_are_rejected():
    for page in ({}, {"tools": {}}, {"tools": None}, {"tools": [], "nextCursor": 7}):
        with server_of_pages(lambda _, page=page: page) as server:
            list_tools(server, "MCP_INVALID_MESSAGE")
    with server_of_pages(lambda _: {"tools": [], "nextCursor": None}) as server:
        list_tools(server, "MCP_OK")


@case
def the_total_size_of_all_pages_is_limited():
    tools = [{"name": "x" * 1000, "inputSchema": NO_ARGUMENTS}] * 100
    with server_of_pages(lambda cursor: {"tools": tools, "nextCursor": str(int(cursor or 0) + 1)}) as server:
        with Client(server.url) as client:
            call(lib.mcp_set_limit, client.client, 1, 1 << 20).must_be("MCP_OK")
            perform(client, lib.mcp_list_tools)[0].must_be("MCP_TOO_LARGE")


# --- Input requests ---------------------------------------------------------------------------------------------------

FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "default": 36},
        "sure": {"type": "boolean", "default": False},
    },
}
ELICIT = {"method": "elicitation/create", "params": {"mode": "form", "message": "Who?", "requestedSchema": FORM}}
SAMPLE = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}}
STATE = 'ünï "code"\\\n\u0000\u2028'


def set_handler(client, setter, handle):
    """Sets an input handler. Returns the list to which the results of `handle(input_request)` are appended."""
    results = []

    def handler(_, input_request):
        results.append(handle(input_request))

    # The callback must stay alive as long as the client.
    client.callbacks = [*getattr(client, "callbacks", []), HANDLER(handler)]
    call(setter, client.client, client.callbacks[-1], None, None).must_be("MCP_OK")
    return results


def accept(content):
    return lambda input_request: call(lib.mcp_input_accept, input_request, content, WHOLE).status


def input_required(input_requests, state=STATE, count=1):
    """Responds `count` times with `input_required` to a tool call. Returns the reply function, and the list to which it
    appends the input responses, request state and id of each retried call."""
    retries = []

    def reply(_server, request):
        if request.rpc != "tools/call":
            return None
        params = request.message["params"]
        if "inputResponses" in params or "requestState" in params:
            retries.append((params.get("inputResponses"), params.get("requestState"), request.message["id"]))
        if len(retries) >= count:
            return None
        value = {"resultType": "input_required", "inputRequests": input_requests}
        return result(request, value | ({"requestState": state} if state is not None else {}))

    return reply, retries


@case
def request_state_is_returned_unchanged():
    reply, retries = input_required({"a": ELICIT, "b/ü": ELICIT})
    with server_with(reply) as server, Client(server.url) as client:
        set_handler(client, lib.mcp_set_elicitation, accept(b'{"name":"Ada"}'))
        must_still_work(client)
        (responses, state, _), = retries
        full = {"action": "accept", "content": {"name": "Ada", "age": 36, "sure": False}}
        assert (responses, state) == ({"a": full, "b/ü": full}, STATE), retries
        raw = [r.body for r in server.requests if b"inputResponses" in r.body][0]
        assert json.dumps(STATE).encode() in raw, "the state was not returned byte for byte"
        ids = [r.message["id"] for r in server.requests if r.rpc == "tools/call"]
        assert len(set(ids)) == len(ids)
    reply, retries = input_required({"a": ELICIT}, state=None)
    with server_with(reply) as server, Client(server.url) as client:
        set_handler(client, lib.mcp_set_elicitation, accept(None))
        must_still_work(client)
        assert retries[0][1] is None


@case
def request_state_without_input_requests_is_returned():
    reply, retries = input_required({}, count=3)
    with server_with(reply) as server, Client(server.url) as client:
        must_still_work(client)
        assert [state for _, state, _ in retries] == [STATE] * 3


@case
def endless_input_rounds_are_stopped():
    reply, _ = input_required({"a": ELICIT}, count=1 << 30)
    with server_with(reply) as server, Client(server.url) as client:
        results = set_handler(client, lib.mcp_set_elicitation, accept(None))
        call_tool(client)[0].must_be("MCP_ENDLESS").must_end(2000)
        print(f"    the handler was called {len(results)} times")
        assert len(results) == 32


@case
def undeclared_and_invalid_input_requests_fail_the_call():
    for input_request in (ELICIT, SAMPLE, {"method": "tools/call", "params": {}}, {"method": 3}, {}, 7):
        reply, _ = input_required({"a": input_request})
        with server_with(reply) as server, Client(server.url) as client:
            outcome, _ = call_tool(client)
            print(f"    {outcome.message}")
            outcome.must_be("MCP_INPUT_UNSUPPORTED", "MCP_INVALID_MESSAGE").must_end(1000)


@case
def input_required_is_rejected_for_a_list_request():
    def reply(_server, request):
        if request.rpc == "tools/list":
            return result(request, {"resultType": "input_required", "inputRequests": {"a": ELICIT}})
        return None

    with server_with(reply) as server, Client(server.url) as client:
        set_handler(client, lib.mcp_set_elicitation, accept(None))
        perform(client, lib.mcp_list_tools)[0].must_be("MCP_INVALID_MESSAGE")


def respond_invalidly(input_request):
    """Tries responses that are invalid for an elicitation. Each is rejected, and the handler returns without a
    response."""
    for content in (b"[]", b"x", b"\xff"):
        call(lib.mcp_input_accept, input_request, content, WHOLE).must_be("MCP_INVALID_ARGUMENT")
    for response in (b"{}", b'{"action":"maybe"}', b"[]", b"{"):
        call(lib.mcp_input_respond, input_request, response, WHOLE).must_be("MCP_INVALID_ARGUMENT")


@case
def invalid_handler_responses_are_rejected():
    reply, retries = input_required({"a": ELICIT})
    with server_with(reply) as server, Client(server.url) as client:
        set_handler(client, lib.mcp_set_elicitation, respond_invalidly)
        must_still_work(client)
        assert retries[0][0] == {"a": {"action": "cancel"}}, retries
    reply, retries = input_required({"a": SAMPLE})
    with server_with(reply) as server, Client(server.url) as client:
        set_handler(client, lib.mcp_set_sampling, lambda r: call(lib.mcp_input_decline, r).must_be("MCP_MISUSE"))
        outcome, _ = call_tool(client)
        outcome.must_be("MCP_INPUT_FAILED")
        assert not retries
        perform(client, lib.mcp_list_tools)[0].must_be("MCP_OK")


@case
def the_last_response_of_a_handler_is_sent():
    reply, retries = input_required({"a": ELICIT})
    with server_with(reply) as server, Client(server.url) as client:

        def twice(input_request):
            call(lib.mcp_input_accept, input_request, b'{"name":"Ada"}', WHOLE).must_be("MCP_OK")
            call(lib.mcp_input_decline, input_request).must_be("MCP_OK")

        set_handler(client, lib.mcp_set_elicitation, twice)
        must_still_work(client)
        assert retries[0][0] == {"a": {"action": "decline"}}


@case
def a_failing_handler_fails_the_call():
    reply, retries = input_required({"a": ELICIT})
    with server_with(reply) as server, Client(server.url) as client:

        def fail(input_request):
            call(lib.mcp_input_fail, input_request, -1, "böse".encode()).must_be("MCP_OK")

        set_handler(client, lib.mcp_set_elicitation, fail)
        outcome, _ = call_tool(client)
        outcome.must_be("MCP_INPUT_FAILED")
        assert "böse" in outcome.message and not retries


@case
def a_legacy_server_request_during_a_call_gets_one_response():
    for method, has_result in (
        ("elicitation/create", True), ("sampling/createMessage", False), ("no/such", False), ("ping", True),
    ):  # fmt: skip
        replies = []

        def reply(server, request, method=method, replies=replies):
            if "result" in request.message or "error" in request.message:
                replies.append(request.message)
                return http(202, kind=None)
            if request.rpc == "tools/call":
                params = ELICIT["params"] if method == "elicitation/create" else {}
                request.send(STREAM + event({"jsonrpc": "2.0", "id": "ask", "method": method, "params": params}))
                server.wait_for(lambda: replies)
                request.send(event(answer(request, DONE)))
            return None if request.rpc != "tools/call" else b""

        with server_with(reply, LEGACY) as server, Client(server.url, pin=LEGACY) as client:
            set_handler(client, lib.mcp_set_elicitation, accept(b"{}"))
            call_tool(client)[0].must_be("MCP_OK").must_end(2000)
            assert len(replies) == 1 and replies[0]["id"] == "ask", replies
            assert ("result" in replies[0]) == has_result, replies


@case
def capabilities_follow_from_handlers():
    for setters, expected in (
        ([], []), ([lib.mcp_set_elicitation], ["elicitation"]),
        ([lib.mcp_set_elicitation, lib.mcp_set_sampling], ["elicitation", "sampling"]),
    ):  # fmt: skip
        for version in (LEGACY, MODERN):
            with server_with(lambda *_: None, version) as server, Client(server.url) as client:
                for setter in setters:
                    set_handler(client, setter, accept(None))
                must_still_work(client)
                method = "initialize" if version == LEGACY else "tools/call"
                params = next(r for r in server.requests if r.rpc == method).message["params"]
                if version == LEGACY:
                    declared = params["capabilities"]
                else:
                    declared = params["_meta"]["io.modelcontextprotocol/clientCapabilities"]
                assert sorted(declared) == expected, declared


run()
