"""Tasks: those of the extension of 2026-07-28, and those in the core of 2025-11-25, at servers that break their word as well."""

import json

from harness import (
    LEGACY, MODERN, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, discovered, error, event, http,
    initialized, lib, options, result, run,
)  # fmt: skip
from newer import call_tool, elicits, fetched, listed, start_tool, wait_task

EXTENSION = "io.modelcontextprotocol/tasks"
DONE = {"content": [{"type": "text", "text": "well"}]}
WHO = {"method": "elicitation/create", "params": {"mode": "form", "message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}}
CORE = {"tasks": {"requests": {"tools": {"call": {}}}, "cancel": {}}, "tools": {}}
TIMES = {"createdAt": "2026-01-01T00:00:00Z", "lastUpdatedAt": "2026-01-01T00:00:00Z"}


def told(status, **members):
    return {"taskId": "t 1", "status": status, **TIMES, **members}


class Tasks(Server):
    """A server whose task stands as `states` says, one after the other, the last one for ever.

    `others` are replies by method; each gets the request.
    """

    def __init__(self, *states, version=MODERN, support=None, **others):
        self.states, self.version, self.support, self.others = list(states), version, support, others
        super().__init__(lambda _server, request: self.reply(request))

    def reply(self, request):
        modern = self.version == MODERN
        given = self.others.get(request.rpc.replace("/", "_"))
        if given:
            return given(request)
        kind = {"resultType": "complete"} if modern else {}
        members = {"pollIntervalMs" if modern else "pollInterval": 20, "ttlMs" if modern else "ttl": None}
        match request.rpc:
            case "server/discover" if modern:
                return discovered(request, capabilities={"extensions": {EXTENSION: {}}})
            case "server/discover":
                return error(request, -32601, status=400)
            case "initialize":
                return initialized(request, capabilities=CORE)
            case "tools/list":
                execution = {"execution": {"taskSupport": self.support}} if self.support else {}
                tools = [{"name": "t", "inputSchema": {"type": "object"}} | execution]
                return result(request, kind | {"tools": tools} | ({"ttlMs": 0, "cacheScope": "public"} if modern else {}))
            case "tools/call" if modern and declares(request):
                return result(request, {"resultType": "task"} | members | told("working"))
            case "tools/call" if not modern and "task" in request.message["params"]:
                return result(request, {"task": members | told("working")})
            case "tools/call":
                return result(request, kind | DONE)
            case "tasks/get":
                state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
                return result(request, kind | members | state)
            case "tasks/result":
                return result(request, DONE)
            case "tasks/cancel" if not modern:
                return result(request, told("cancelled"))
            case "tasks/update" | "tasks/cancel" | "ping":
                return result(request, kind)
            case "DELETE":
                return http(200, kind=None)
        return http(202, kind=None)

    def sent(self, rpc):
        return [request.message.get("params", {}) for request in self.requests if request.rpc == rpc]


def declares(request):
    meta = request.message["params"].get("_meta", {})
    return EXTENSION in meta.get("io.modelcontextprotocol/clientCapabilities", {}).get("extensions", {})


def must_go_on(client):
    client.ping(timeout=5000).must_be("MCP_OK")


# --- Modern -----------------------------------------------------------------------------------------------------------


@case
def a_modern_task_from_its_start_to_its_end():
    states = [
        told("working", statusMessage="one"), told("working", statusMessage="one"),
        told("input_required", statusMessage="two", inputRequests={"k": WHO}),
        told("input_required", inputRequests={"k": WHO}),  # the answer has not arrived yet
        told("working"), told("completed", result=DONE),
    ]  # fmt: skip
    with Tasks(*states) as server, Client(server.url) as client:
        asked, steps = elicits(client, {"name": "Ada"}), []
        started = start_tool(client).must_be("MCP_OK").value
        assert started["resultType"] == "task" and started["taskId"] == "t 1", started
        outcome = wait_task(client, "t 1", told=steps, timeout=5000).must_be("MCP_OK").must_end(500)
        assert outcome.value == DONE and steps == [(1, "one"), (2, "two")], (outcome.value, steps)
        # A question that is still there is not asked again.
        assert len(asked) == 1 and len(server.sent("tasks/get")) == 6
        (update,) = server.sent("tasks/update")
        assert update["taskId"] == "t 1" and update["inputResponses"] == {"k": {"action": "accept", "content": {"name": "Ada"}}}, update


@case
def requests_about_tasks_name_them_and_declare_the_extension():
    with Tasks(told("working")) as server, Client(server.url) as client:
        fetched(lib.mcp_get_task, client, b"t 1").must_be("MCP_OK")
        call(lib.mcp_update_task, client.client, b"t 1", b"{}", 2, None).must_be("MCP_OK")
        call(lib.mcp_cancel_task, client.client, b"t 1", None).must_be("MCP_OK")
        about = [request for request in server.requests if request.rpc.startswith("tasks/")]
        assert [request.headers["mcp-name"] for request in about] == ["t 1"] * 3, [request.headers for request in about]
        # A server must refuse those of a client that does not (SEP-2663, "Error Handling").
        assert all(declares(request) for request in about), [request.rpc for request in about if not declares(request)]


@case
def a_call_that_takes_no_task_says_so():
    with Tasks(told("working")) as server, Client(server.url) as client:
        assert call_tool(client).must_be("MCP_OK").value["content"] == DONE["content"]
        assert not any(declares(request) for request in server.requests if request.rpc == "tools/call")
        # And a task that comes all the same is none of its answers.
        server.others["tools_call"] = lambda request: result(request, {"resultType": "task"} | told("working"))
        call_tool(client).must_be("MCP_INVALID_MESSAGE")
        must_go_on(client)


@case
def how_modern_tasks_end():
    failure = {"code": -32000, "message": "the disk is full", "data": {"free": 0}}
    with Tasks(told("failed", error=failure)) as server, Client(server.url) as client:
        outcome = wait_task(client, "t 1").must_be("MCP_RPC_ERROR")
        assert "the disk is full" in outcome.message and json.loads(outcome.data) == {"free": 0}, outcome
        must_go_on(client)
    with Tasks(told("working"), told("cancelled", statusMessage="nobody wants it")) as server, Client(server.url) as client:
        outcome = wait_task(client, "t 1").must_be("MCP_TASK_CANCELLED")
        assert "nobody wants it" in outcome.message, outcome.message
        must_go_on(client)
    failed_tool = {"content": [], "isError": True}
    with Tasks(told("completed", result=failed_tool)) as server, Client(server.url) as client:
        assert wait_task(client, "t 1").must_be("MCP_OK").value == failed_tool


@case
def tasks_that_are_none():
    states = (
        told("finished"), told(None), {"taskId": "t 1"}, {}, told("completed"), told("completed", result=5), told(["working"]),
    )  # fmt: skip
    for state in states:
        with Tasks(state) as server, Client(server.url) as client:
            outcome = wait_task(client, "t 1", timeout=5000)
            print(f"    {state.get('status', 'no status')}: {outcome.status} {outcome.message}")
            outcome.must_be("MCP_INVALID_MESSAGE").must_end(0)
            must_go_on(client)


@case
def a_failed_task_without_an_error():
    for failure in ({}, {"error": None}, {"error": "no"}, {"error": {"code": "x"}}):
        with Tasks(told("failed", **failure)) as server, Client(server.url) as client:
            wait_task(client, "t 1", timeout=5000).must_be("MCP_RPC_ERROR", "MCP_INVALID_MESSAGE").must_end(0)
            must_go_on(client)


@case
def a_task_that_nobody_knows():
    with Tasks(tasks_get=lambda request: error(request, -32602, "no such task")) as server, Client(server.url) as client:
        outcome = wait_task(client, "t 1").must_be("MCP_RPC_ERROR").must_end(0)
        assert "no such task" in outcome.message and len(server.sent("tasks/get")) == 1
        must_go_on(client)


@case
def input_that_no_handler_is_set_for():
    with Tasks(told("input_required", inputRequests={"k": WHO})) as server, Client(server.url) as client:
        wait_task(client, "t 1", timeout=5000).must_be("MCP_INPUT_UNSUPPORTED").must_end(0)
        assert "tasks/update" not in server.saw() and "tasks/cancel" not in server.saw()
        must_go_on(client)


@case
def the_server_says_how_often_it_is_asked():
    with Tasks(told("working", pollIntervalMs=300), told("completed", result=DONE)) as server, Client(server.url) as client:
        wait_task(client, "t 1").must_be("MCP_OK").must_end(300, after=300)
    # A task that wants no pause does not get a flood; one whose wish is nonsense gets the usual one.
    with Tasks(told("working", pollIntervalMs=0)) as server, Client(server.url) as client:
        wait_task(client, "t 1", timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
        assert len(server.sent("tasks/get")) <= 20, len(server.sent("tasks/get"))
    for nonsense in (-1, "soon", 1e300, 2**64):
        with Tasks(told("working", pollIntervalMs=nonsense)) as server, Client(server.url) as client:
            wait_task(client, "t 1", timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
            assert len(server.sent("tasks/get")) == 1


@case
def waiting_can_end_and_the_task_goes_on():
    for version in (MODERN, LEGACY):
        state = told("working", pollIntervalMs=60_000, pollInterval=60_000)
        with Tasks(state, version=version) as server, Client(server.url, pin=version) as client, Cancel() as cancel:
            waiting = client.begin(lambda client=client, cancel=cancel: wait_task(client, "t 1", cancel=cancel))
            server.must_see("tasks/get")
            cancel.trigger()
            waiting.result().must_be("MCP_CANCELLED")
            wait_task(client, "t 1", timeout=100).must_be("MCP_TIMEOUT").must_end(100, after=100)
            must_go_on(client)
            assert "tasks/cancel" not in server.saw(), server.saw()


@case
def closing_ends_waiting():
    with Tasks(told("working", pollIntervalMs=60_000)) as server, Client(server.url) as client:
        waiting = client.begin(lambda: wait_task(client, "t 1"))
        server.must_see("tasks/get")
        client.close()
        waiting.result().must_be("MCP_CLOSED")


# --- The core of 2025-11-25 -------------------------------------------------------------------------------------------


def core(*states, support="required", **others):
    return Tasks(*states, version=LEGACY, support=support, **others)


@case
def a_tool_that_has_to_be_a_task():
    with core(told("working"), told("working"), told("completed")) as server, Client(server.url, pin=LEGACY) as client:
        assert call_tool(client, arguments={"a": 1}).must_be("MCP_OK").value == DONE
        (sent,) = server.sent("tools/call")
        assert sent["task"] == {} and sent["arguments"] == {"a": 1}, sent
        assert server.sent("tasks/result")[0]["taskId"] == "t 1" and len(server.sent("tasks/get")) == 3
        # What tools can do is asked once.
        call_tool(client).must_be("MCP_OK")
        assert server.saw().count("tools/list") == 1


@case
def which_tools_become_tasks():
    for support, called, started in (("optional", False, True), ("forbidden", False, False), (None, False, False), ("x", False, False)):
        with core(told("completed"), support=support) as server, Client(server.url, pin=LEGACY) as client:
            call_tool(client).must_be("MCP_OK")
            outcome = start_tool(client).must_be("MCP_OK")
            assert ["task" in params for params in server.sent("tools/call")] == [called, started], support
            assert ("task" in outcome.value) == started
    # Of a server that has no such tasks nobody wants to know.
    no_tasks = lambda request: initialized(request, capabilities={"tools": {}})
    with core(told("completed"), initialize=no_tasks) as server, Client(server.url, pin=LEGACY) as client:
        start_tool(client).must_be("MCP_OK")
        assert "task" not in server.sent("tools/call")[0] and "tools/list" not in server.saw()


@case
def the_result_of_a_core_task_that_failed():
    refused = lambda request: error(request, -32603, "the disk is full")
    with core(told("failed"), tasks_result=refused) as server, Client(server.url, pin=LEGACY) as client:
        outcome = call_tool(client).must_be("MCP_RPC_ERROR")
        assert "the disk is full" in outcome.message
        must_go_on(client)
    with core(told("cancelled")) as server, Client(server.url, pin=LEGACY) as client:
        call_tool(client).must_be("MCP_TASK_CANCELLED")
        assert "tasks/result" not in server.saw() and "tasks/cancel" not in server.saw()
        must_go_on(client)


@case
def a_core_task_asks_with_its_result():
    replies = []

    def asks(request):
        request.send(STREAM + event({"jsonrpc": "2.0", "id": "s1"} | WHO))
        assert request_server.wait_for(lambda: any(r.message.get("id") == "s1" for r in request_server.requests), PATIENCE)
        replies.extend(r.message["result"] for r in request_server.requests if r.message.get("id") == "s1")
        request.send(event(answer(request, DONE)))

    with core(told("input_required"), tasks_result=asks) as request_server, Client(request_server.url, pin=LEGACY) as client:
        elicits(client, {"name": "Ada"})
        assert call_tool(client, timeout=5000).must_be("MCP_OK").value == DONE
        assert replies == [{"action": "accept", "content": {"name": "Ada"}}], replies


@case
def a_call_that_is_cancelled_ends_its_task():
    state = told("working", pollInterval=60_000)
    with core(state) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        calling = client.begin(lambda: call_tool(client, cancel=cancel))
        server.must_see("tasks/get")
        cancel.trigger()
        calling.result().must_be("MCP_CANCELLED")
        server.must_see("tasks/cancel")
        assert server.sent("tasks/cancel") == [{"taskId": "t 1"}], server.sent("tasks/cancel")
        must_go_on(client)
        call_tool(client, timeout=200).must_be("MCP_TIMEOUT").must_end(200, after=200)
        server.must_see("tasks/cancel", 2)
        must_go_on(client)


@case
def a_core_task_that_is_none():
    for bad in ({}, {"task": {}}, {"task": {"taskId": 5}}, {"task": "t 1"}):
        with core(told("completed"), tools_call=lambda request, bad=bad: result(request, bad)) as server:
            with Client(server.url, pin=LEGACY) as client:
                outcome = call_tool(client, timeout=5000).must_end(0)
                print(f"    {bad}: {outcome.status} {outcome.value}")
                outcome.must_be("MCP_INVALID_MESSAGE" if bad else "MCP_OK")
                must_go_on(client)
    for status in (None, "finished"):
        with core(told(status)) as server, Client(server.url, pin=LEGACY) as client:
            call_tool(client, timeout=5000).must_be("MCP_INVALID_MESSAGE").must_end(0)
            must_go_on(client)


run()
