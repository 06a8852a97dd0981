"""Servers that lie to operations, and handlers that answer nonsense: each has a status of its own, in bounded time and memory, and the
client goes on."""

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
declare(c_void_p, mcp_json_at=[c_void_p, c_char_p])

WHOLE = c_size_t(-1).value
NO_ARGUMENTS = {"type": "object", "properties": {}}
DONE = {"resultType": "complete", "content": [{"type": "text", "text": "done"}]}


class Value:
    """A result, as Python has it; None where there is none."""

    def __init__(self):
        self.document = c_void_p()

    def taken(self):
        if not self.document:
            return None
        length = c_size_t()
        raw = lib.mcp_json_raw(self.document, byref(length))
        value = json.loads(ctypes.string_at(raw, length.value))
        lib.mcp_json_free(self.document)
        return value


def performed(client, function, *arguments, **limits):
    """How an operation ended, and its result."""
    value = Value()
    with options(**({"timeout": 5000} | limits)) as given:
        outcome = call(function, client.client, *arguments, given, byref(value.document))
    return outcome, value.taken()


def tool(client, name="t", arguments=None, **limits):
    return performed(client, lib.mcp_call_tool, name.encode(), arguments, WHOLE if arguments else 0, **limits)


def serving(reply, version=MODERN, capabilities=None):
    """A decent server, but for what `reply` says to some requests: bytes, or None for the decent answer."""

    def handler(server, request):
        told = reply(server, request)
        if told is not None:
            return told
        match request.rpc:
            case "server/discover" if version == MODERN:
                return discovered(request)
            case "server/discover":
                return error(request, -32601, status=400)
            case "initialize":
                return initialized(request, capabilities=capabilities or {})
            case "tools/list":
                return result(request, {"resultType": "complete", "tools": [{"name": "t", "inputSchema": NO_ARGUMENTS}]})
            case "tools/call":
                return result(request, DONE)
            case "ping":
                return result(request, {})
            case "GET":
                return http(405, kind=None)
            case _:
                return http(202, kind=None)

    return Server(handler)


def must_go_on(client):
    tool(client)[0].must_be("MCP_OK")


def lying_once(lie, status, version=MODERN, within=1000, **limits):
    """The first call of a tool is answered by what `lie` makes of it, and the connection ends for None; the next one decently."""
    told = []

    def reply(_server, request):
        if request.rpc == "tools/call" and not told:
            told.append(request)
            lied = lie(request)
            if lied is not None:
                return lied
            request.socket.shutdown(socket.SHUT_RDWR)
            return b""
        return None

    with serving(reply, version) as server, Client(server.url) as client:
        outcome, value = tool(client, **limits)
        outcome.must_be(status).must_end(within)
        assert (value is None) == (status != "MCP_OK"), value
        print(f"    {outcome.message}")
        must_go_on(client)
        return server.saw().count("tools/call")


# --- Answers ----------------------------------------------------------------------------------------------------------


@case
def wrong_id():
    lying_once(lambda r: http(200, answer(r, DONE) | {"id": 4711}), "MCP_WRONG_ID")
    lying_once(lambda r: http(200, answer(r, DONE) | {"id": "another"}), "MCP_WRONG_ID")


@case
def answered_twice():
    twice = lambda r: events(answer(r, DONE), answer(r, DONE | {"content": []}))  # noqa: E731
    lying_once(twice, "MCP_OK")


@case
def never_answered():
    lying_once(lambda r: r.hold(), "MCP_TIMEOUT", within=300, timeout=300)
    assert lying_once(lambda r: r.send(STREAM) or r.hold(), "MCP_TIMEOUT", within=300, timeout=300) == 2


@case
def a_call_is_never_sent_twice():
    lies = {
        "MCP_DISCONNECTED": [lambda _: None, lambda r: r.send(b"HTTP/1.1 200 OK\r\nContent-Le")],
        "MCP_TRUNCATED": [lambda r: r.send(STREAM), lambda r: r.send(http(200, "{")[:-1])],
    }
    for status, tries in lies.items():
        for lie in tries:
            # The one after it is the client's next call.
            assert lying_once(lie, status) == 2


@case
def unknown_result_type():
    lying_once(lambda r: result(r, DONE | {"resultType": "riddle"}), "MCP_INVALID_MESSAGE")
    lying_once(lambda r: result(r, {"resultType": "task", "taskId": "1"}), "MCP_INVALID_MESSAGE")
    lying_once(lambda r: result(r, {"content": []}), "MCP_OK")


@case
def a_legacy_server_knows_no_result_types():
    for kind in ("input_required", "task", "riddle", 7):
        lie = lambda r, kind=kind: result(r, {"resultType": kind, "content": []})  # noqa: E731
        assert lying_once(lie, "MCP_OK", LEGACY) == 2


@case
def no_result_at_all():
    for value in (1, None, "x", []):
        lying_once(lambda r, value=value: result(r, value), "MCP_INVALID_MESSAGE")


@case
def a_bomb_of_brackets():
    def body(request, text):
        return http(200, f'{{"jsonrpc":"2.0","id":{request.message["id"]},"result":{{"content":{text}}}}}')

    for text in ("[" * 200_000, '{"a":' * 100_000):
        lying_once(lambda r, text=text: body(r, text), "MCP_INVALID_JSON")
    # What is well-formed is handed out, however deep.
    with serving(lambda _, r: body(r, "[" * 200_000 + "]" * 200_000) if r.rpc == "tools/call" else None) as server:
        with Client(server.url) as client, options(timeout=5000) as given:
            document = c_void_p()
            call(lib.mcp_call_tool, client.client, b"t", None, 0, given, byref(document)).must_be("MCP_OK")
            assert lib.mcp_json_at(document, b"/content" + b"/0" * 1000) and not lib.mcp_json_at(document, b"/content/1")
            lib.mcp_json_free(document)


@case
def a_schema_without_end():
    """It cannot be looked through for headers: the tool is left out, and the others are there."""
    deep = '{"properties":{"a":' * 50_000 + "{}" + "}}" * 50_000

    def reply(_server, request):
        if request.rpc != "tools/list":
            return None
        tools = f'[{{"name":"deep","inputSchema":{deep}}},{{"name":"t","inputSchema":{{"type":"object"}}}}]'
        return http(200, f'{{"jsonrpc":"2.0","id":{request.message["id"]},"result":{{"resultType":"complete","tools":{tools}}}}}')

    with serving(reply) as server, Client(server.url) as client:
        outcome, value = performed(client, lib.mcp_list_tools)
        outcome.must_be("MCP_OK").must_end(1000)
        assert [tool["name"] for tool in value["tools"]] == ["t"], value
        assert any("deep" in line for line in client.lines), client.lines


@case
def an_event_without_end():
    """A gigabyte on one line: the limit ends it, and little of it is kept."""

    def flood(request):
        request.send(STREAM + b"data: ")
        for _ in range(1024):
            request.send(b"x" * (1 << 20))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lying_once(flood, "MCP_TOO_LARGE", within=5000, timeout=20_000)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"    {grown} MiB more at most")
    assert grown < 200, f"{grown} MiB"


# --- Arguments --------------------------------------------------------------------------------------------------------


@case
def arguments_that_are_none():
    with serving(lambda *_: None) as server, Client(server.url) as client:
        must_go_on(client)
        before = len(server.requests)
        for text in (b"[]", b"1", b'"x"', b"{", b"{}x", b'{"a":}', b"\xff", b"null", b"[" * 100_000):
            outcome, _ = tool(client, arguments=text)
            outcome.must_be("MCP_INVALID_ARGUMENT")
            assert b"\xff" not in outcome.message.encode()
        assert len(server.requests) == before, server.saw()
        must_go_on(client)


# --- Pages ------------------------------------------------------------------------------------------------------------


def paging(page_of):
    def reply(_server, request):
        if request.rpc != "tools/list":
            return None
        return result(request, {"resultType": "complete"} | page_of(request.message["params"].get("cursor")))

    return serving(reply)


def listed(server, status):
    with Client(server.url) as client:
        outcome, value = performed(client, lib.mcp_list_tools, timeout=60_000)
        print(f"    {outcome.message}")
        outcome.must_be(status)
        must_go_on(client) if status == "MCP_OK" else None
        return value


@case
def pages_without_end():
    counted = paging(lambda cursor: {"tools": [], "nextCursor": str(int(cursor or 0) + 1)})
    with counted as server:
        listed(server, "MCP_ENDLESS")
        assert server.saw().count("tools/list") == 10_000


def named(*names):
    return [{"name": name, "uri": name, "uriTemplate": name, "inputSchema": NO_ARGUMENTS} for name in names]


@case
def a_cursor_that_comes_again_ends_the_list():
    # What server-side mistakes look like: the same cursor on every page, the cursor of the page itself, circles.
    circles = [
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
            for leads, always, found, count in circles:

                def reply(_server, request, method=method, member=member, leads=leads, always=always):
                    if request.rpc != method:
                        return None
                    cursor = request.message.get("params", {}).get("cursor")
                    names = ("a",) if always is not None else ("first" if cursor is None else cursor,)
                    page = {member: named(*names), "nextCursor": leads[cursor] if always is None else always, "extra": 1}
                    return result(request, {"resultType": "complete"} | page)

                with serving(reply, version) as server, Client(server.url) as client:
                    outcome, value = performed(client, function)
                    outcome.must_be("MCP_OK")
                    assert [element["name"] for element in value[member]] == found, value
                    assert "nextCursor" not in value and value["extra"] == 1, value
                    assert server.saw().count(method) == count, server.saw()
                    warnings = [line for line in client.lines if method in line and "read before" in line]
                    assert len(warnings) == 1, client.lines


@case
def a_cursor_that_comes_again_stops_no_call():
    """Before a call the tools are listed: for headers on modern servers, for tasks on those of 2025-11-25."""

    def reply(_server, request):
        if request.rpc != "tools/list":
            return None
        return result(request, {"resultType": "complete", "tools": named("t"), "nextCursor": "0"})

    for version in (MODERN, LEGACY):
        with serving(reply, version, capabilities={"tasks": {"requests": {"tools": {"call": {}}}}}) as server, Client(server.url) as client:
            must_go_on(client)
            must_go_on(client)
            assert server.saw().count("tools/list") == 2, server.saw()


@case
def an_empty_cursor_leads_on():
    one = {"name": "t", "inputSchema": NO_ARGUMENTS}
    with paging(lambda cursor: {"tools": [one]} | ({"nextCursor": ""} if cursor is None else {})) as server:
        value = listed(server, "MCP_OK")
        assert value["tools"] == [one, one] and "nextCursor" not in value, value


@case
def pages_that_are_none():
    for page in ({}, {"tools": {}}, {"tools": None}, {"tools": [], "nextCursor": 7}):
        with paging(lambda _, page=page: page) as server:
            listed(server, "MCP_INVALID_MESSAGE")
    with paging(lambda _: {"tools": [], "nextCursor": None}) as server:
        listed(server, "MCP_OK")


@case
def pages_that_are_too_large_together():
    tools = [{"name": "x" * 1000, "inputSchema": NO_ARGUMENTS}] * 100
    with paging(lambda cursor: {"tools": tools, "nextCursor": str(int(cursor or 0) + 1)}) as server, Client(server.url) as client:
        call(lib.mcp_set_limit, client.client, 1, 1 << 20).must_be("MCP_OK")
        performed(client, lib.mcp_list_tools)[0].must_be("MCP_TOO_LARGE")


# --- Input ------------------------------------------------------------------------------------------------------------

FORM = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "default": 36}, "sure": {"type": "boolean", "default": False}},
}
ELICIT = {"method": "elicitation/create", "params": {"mode": "form", "message": "Who?", "requestedSchema": FORM}}
SAMPLE = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 1}}
STATE = 'ünï "code"\\\n\u0000\u2028'


def asking(client, setter, answer_input):
    """Sets a handler; what it did is appended to the list that is given back."""
    seen = []

    def handler(_, asked):
        seen.append(answer_input(asked))

    client.kept = [*getattr(client, "kept", []), HANDLER(handler)]
    call(setter, client.client, client.kept[-1], None, None).must_be("MCP_OK")
    return seen


def accept(content):
    return lambda asked: call(lib.mcp_input_accept, asked, content, WHOLE).status


def rounds(wanted, state=STATE, count=1):
    """Asks so many times for `wanted`; keeps what is given."""
    given = []

    def reply(_server, request):
        if request.rpc != "tools/call":
            return None
        params = request.message["params"]
        if "inputResponses" in params or "requestState" in params:
            given.append((params.get("inputResponses"), params.get("requestState"), request.message["id"]))
        if len(given) >= count:
            return None
        asked = {"resultType": "input_required", "inputRequests": wanted}
        return result(request, asked | ({"requestState": state} if state is not None else {}))

    return reply, given


@case
def state_comes_back_as_it_was():
    reply, given = rounds({"a": ELICIT, "b/ü": ELICIT})
    with serving(reply) as server, Client(server.url) as client:
        asking(client, lib.mcp_set_elicitation, accept(b'{"name":"Ada"}'))
        must_go_on(client)
        (responses, state, _), = given
        full = {"action": "accept", "content": {"name": "Ada", "age": 36, "sure": False}}
        assert (responses, state) == ({"a": full, "b/ü": full}, STATE), given
        raw = [r.body for r in server.requests if b"inputResponses" in r.body][0]
        assert json.dumps(STATE).encode() in raw, "not byte for byte"
        ids = [r.message["id"] for r in server.requests if r.rpc == "tools/call"]
        assert len(set(ids)) == len(ids)
    reply, given = rounds({"a": ELICIT}, state=None)
    with serving(reply) as server, Client(server.url) as client:
        asking(client, lib.mcp_set_elicitation, accept(None))
        must_go_on(client)
        assert given[0][1] is None


@case
def state_without_a_question():
    reply, given = rounds({}, count=3)
    with serving(reply) as server, Client(server.url) as client:
        must_go_on(client)
        assert [state for _, state, _ in given] == [STATE] * 3


@case
def rounds_without_end():
    reply, given = rounds({"a": ELICIT}, count=1 << 30)
    with serving(reply) as server, Client(server.url) as client:
        seen = asking(client, lib.mcp_set_elicitation, accept(None))
        tool(client)[0].must_be("MCP_ENDLESS").must_end(2000)
        print(f"    asked {len(seen)} times")
        assert len(seen) == 32


@case
def input_that_nobody_declared():
    for wanted in (ELICIT, SAMPLE, {"method": "tools/call", "params": {}}, {"method": 3}, {}, 7):
        reply, _ = rounds({"a": wanted})
        with serving(reply) as server, Client(server.url) as client:
            outcome, _ = tool(client)
            print(f"    {outcome.message}")
            outcome.must_be("MCP_INPUT_UNSUPPORTED", "MCP_INVALID_MESSAGE").must_end(1000)


@case
def input_where_none_may_be_asked_for():
    def reply(_server, request):
        if request.rpc == "tools/list":
            return result(request, {"resultType": "input_required", "inputRequests": {"a": ELICIT}})
        return None

    with serving(reply) as server, Client(server.url) as client:
        asking(client, lib.mcp_set_elicitation, accept(None))
        performed(client, lib.mcp_list_tools)[0].must_be("MCP_INVALID_MESSAGE")


def nonsense(asked):
    """Everything that is no answer to an elicitation; each is refused, and the handler ends without one."""
    for content in (b"[]", b"x", b"\xff"):
        call(lib.mcp_input_accept, asked, content, WHOLE).must_be("MCP_INVALID_ARGUMENT")
    for answered in (b"{}", b'{"action":"maybe"}', b"[]", b"{"):
        call(lib.mcp_input_respond, asked, answered, WHOLE).must_be("MCP_INVALID_ARGUMENT")


@case
def handlers_that_answer_nonsense():
    reply, given = rounds({"a": ELICIT})
    with serving(reply) as server, Client(server.url) as client:
        asking(client, lib.mcp_set_elicitation, nonsense)
        must_go_on(client)
        assert given[0][0] == {"a": {"action": "cancel"}}, given
    reply, given = rounds({"a": SAMPLE})
    with serving(reply) as server, Client(server.url) as client:
        asking(client, lib.mcp_set_sampling, lambda asked: call(lib.mcp_input_decline, asked).must_be("MCP_MISUSE"))
        outcome, _ = tool(client)
        outcome.must_be("MCP_INPUT_FAILED")
        assert not given
        performed(client, lib.mcp_list_tools)[0].must_be("MCP_OK")


@case
def the_last_answer_counts():
    reply, given = rounds({"a": ELICIT})
    with serving(reply) as server, Client(server.url) as client:

        def twice(asked):
            call(lib.mcp_input_accept, asked, b'{"name":"Ada"}', WHOLE).must_be("MCP_OK")
            call(lib.mcp_input_decline, asked).must_be("MCP_OK")

        asking(client, lib.mcp_set_elicitation, twice)
        must_go_on(client)
        assert given[0][0] == {"a": {"action": "decline"}}


@case
def handlers_that_fail():
    reply, given = rounds({"a": ELICIT})
    with serving(reply) as server, Client(server.url) as client:
        asking(client, lib.mcp_set_elicitation, lambda asked: call(lib.mcp_input_fail, asked, -1, "böse".encode()).must_be("MCP_OK"))
        outcome, _ = tool(client)
        outcome.must_be("MCP_INPUT_FAILED")
        assert "böse" in outcome.message and not given


@case
def a_legacy_server_asks_before_it_answers():
    for method, told in (("elicitation/create", True), ("sampling/createMessage", False), ("no/such", False), ("ping", True)):
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

        with serving(reply, LEGACY) as server, Client(server.url, pin=LEGACY) as client:
            asking(client, lib.mcp_set_elicitation, accept(b"{}"))
            tool(client)[0].must_be("MCP_OK").must_end(2000)
            assert len(replies) == 1 and replies[0]["id"] == "ask" and ("result" in replies[0]) == told, replies


@case
def capabilities_follow_from_handlers():
    for handlers, wanted in (([], []), ([lib.mcp_set_elicitation], ["elicitation"]),
                             ([lib.mcp_set_elicitation, lib.mcp_set_sampling], ["elicitation", "sampling"])):  # fmt: skip
        for version in (LEGACY, MODERN):
            with serving(lambda *_: None, version) as server, Client(server.url) as client:
                for setter in handlers:
                    asking(client, setter, accept(None))
                must_go_on(client)
                first = next(r for r in server.requests if r.rpc == ("initialize" if version == LEGACY else "tools/call"))
                params = first.message["params"]
                declared = params["capabilities"] if version == LEGACY else params["_meta"]["io.modelcontextprotocol/clientCapabilities"]
                assert sorted(declared) == wanted, declared


run()
