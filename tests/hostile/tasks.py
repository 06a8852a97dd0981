"""Tasks of the extension of 2026-07-28 and tasks in the core of 2025-11-25, with correct servers and servers that
violate the protocol."""

import json

from harness import (
    LEGACY, MODERN, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, discovered, error, event, http,
    initialized, lib, options, result, run,
)  # fmt: skip
from newer import call_tool, elicits, fetched, listed, start_tool, wait_task

EXTENSION = "io.modelcontextprotocol/tasks"
DONE = {"content": [{"type": "text", "text": "well"}]}
WHO = {
    "method": "elicitation/create",
    "params": {"mode": "form", "message": "Who?", "requestedSchema": {"type": "object", "properties": {}}},
}
CORE = {"tasks": {"requests": {"tools": {"call": {}}}, "cancel": {}}, "tools": {}}
TIMES = {"createdAt": "2026-01-01T00:00:00Z", "lastUpdatedAt": "2026-01-01T00:00:00Z"}


def task(status, **members):
    """A task object with this status."""
    return {"taskId": "t 1", "status": status, **TIMES, **members}


class Tasks(Server):
    """A server whose task has the given states, one per `tasks/get`. The last one is repeated.

    `support` is the task support of the tool. `replies` are functions by method name (with `_` for `/`) that return the
    response to a request.
    """

    def __init__(self, *states, version=MODERN, support=None, **replies):
        self.states, self.version, self.support, self.replies = list(states), version, support, replies
        super().__init__(lambda _server, request: self.reply(request))

    def reply(self, request):
        modern = self.version == MODERN
        reply = self.replies.get(request.rpc.replace("/", "_"))
        if reply:
            return reply(request)
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
                cache = {"ttlMs": 0, "cacheScope": "public"} if modern else {}
                return result(request, kind | {"tools": tools} | cache)
            case "tools/call" if modern and declares(request):
                return result(request, {"resultType": "task"} | members | task("working"))
            case "tools/call" if not modern and "task" in request.message["params"]:
                return result(request, {"task": members | task("working")})
            case "tools/call":
                return result(request, kind | DONE)
            case "tasks/get":
                current = self.states.pop(0) if len(self.states) > 1 else self.states[0]
                return result(request, kind | members | current)
            case "tasks/result":
                return result(request, DONE)
            case "tasks/cancel" if not modern:
                return result(request, task("cancelled"))
            case "tasks/update" | "tasks/cancel" | "ping":
                return result(request, kind)
            case "DELETE":
                return http(200, kind=None)
        return http(202, kind=None)

    def sent(self, rpc):
        return [request.message.get("params", {}) for request in self.requests if request.rpc == rpc]


def declares(request):
    """Whether the client declares the extension in the request."""
    meta = request.message["params"].get("_meta", {})
    return EXTENSION in meta.get("io.modelcontextprotocol/clientCapabilities", {}).get("extensions", {})


def must_still_work(client):
    client.ping(timeout=5000).must_be("MCP_OK")


# --- Modern -----------------------------------------------------------------------------------------------------------


@case
def a_modern_task_runs_through_all_states():
    states = [
        task("working", statusMessage="one"), task("working", statusMessage="one"),
        task("input_required", statusMessage="two", inputRequests={"k": WHO}),
        task("input_required", inputRequests={"k": WHO}),  # the server has not processed the input response yet
        task("working"), task("completed", result=DONE),
    ]  # fmt: skip
    with Tasks(*states) as server, Client(server.url) as client:
        asked, steps = elicits(client, {"name": "Ada"}), []
        started = start_tool(client).must_be("MCP_OK").value
        assert started["resultType"] == "task" and started["taskId"] == "t 1", started
        outcome = wait_task(client, "t 1", told=steps, timeout=5000).must_be("MCP_OK").must_end(500)
        assert outcome.value == DONE and steps == [(1, "one"), (2, "two")], (outcome.value, steps)
        # The handler is not called again for an input request that is repeated.
        assert len(asked) == 1 and len(server.sent("tasks/get")) == 6
        (update,) = server.sent("tasks/update")
        accepted = {"action": "accept", "content": {"name": "Ada"}}
        assert update["taskId"] == "t 1" and update["inputResponses"] == {"k": accepted}, update


@case
def requests_about_tasks_name_them_and_declare_the_extension():
    with Tasks(task("working")) as server, Client(server.url) as client:
        fetched(lib.mcp_get_task, client, b"t 1").must_be("MCP_OK")
        call(lib.mcp_update_task, client.client, b"t 1", b"{}", 2, None).must_be("MCP_OK")
        call(lib.mcp_cancel_task, client.client, b"t 1", None).must_be("MCP_OK")
        about = [request for request in server.requests if request.rpc.startswith("tasks/")]
        assert [request.headers["mcp-name"] for request in about] == ["t 1"] * 3, [request.headers for request in about]
        # A server must refuse them without this declaration (SEP-2663, "Error Handling").
        assert all(declares(request) for request in about), [request.rpc for request in about if not declares(request)]


@case
def a_call_declares_the_extension_only_if_it_accepts_a_task():
    with Tasks(task("working")) as server, Client(server.url) as client:
        assert call_tool(client).must_be("MCP_OK").value["content"] == DONE["content"]
        assert not any(declares(request) for request in server.requests if request.rpc == "tools/call")
        # A task that the server returns anyway is an invalid result.
        server.replies["tools_call"] = lambda request: result(request, {"resultType": "task"} | task("working"))
        call_tool(client).must_be("MCP_INVALID_MESSAGE")
        must_still_work(client)


@case
def the_final_state_of_a_modern_task_is_the_status():
    failure = {"code": -32000, "message": "the disk is full", "data": {"free": 0}}
    with Tasks(task("failed", error=failure)) as server, Client(server.url) as client:
        outcome = wait_task(client, "t 1").must_be("MCP_RPC_ERROR")
        assert "the disk is full" in outcome.message and json.loads(outcome.data) == {"free": 0}, outcome
        must_still_work(client)
    cancelled = task("cancelled", statusMessage="not needed any more")
    with Tasks(task("working"), cancelled) as server, Client(server.url) as client:
        outcome = wait_task(client, "t 1").must_be("MCP_TASK_CANCELLED")
        assert "not needed any more" in outcome.message, outcome.message
        must_still_work(client)
    failed_tool = {"content": [], "isError": True}
    with Tasks(task("completed", result=failed_tool)) as server, Client(server.url) as client:
        assert wait_task(client, "t 1").must_be("MCP_OK").value == failed_tool


@case
def invalid_tasks_are_rejected():
    invalid_tasks = (
        task("finished"), task(None), {"taskId": "t 1"}, {}, task("completed"), task("completed", result=5),
        task(["working"]),
    )  # fmt: skip
    for invalid in invalid_tasks:
        with Tasks(invalid) as server, Client(server.url) as client:
            outcome = wait_task(client, "t 1", timeout=5000)
            print(f"    {invalid.get('status', 'no status')}: {outcome.status} {outcome.message}")
            outcome.must_be("MCP_INVALID_MESSAGE").must_end(0)
            must_still_work(client)


@case
def an_invalid_error_of_a_failed_task_is_handled():
    for failure in ({}, {"error": None}, {"error": "no"}, {"error": {"code": "x"}}):
        with Tasks(task("failed", **failure)) as server, Client(server.url) as client:
            wait_task(client, "t 1", timeout=5000).must_be("MCP_RPC_ERROR", "MCP_INVALID_MESSAGE").must_end(0)
            must_still_work(client)


@case
def an_unknown_task_is_reported():
    unknown = lambda request: error(request, -32602, "no such task")  # noqa: E731
    with Tasks(tasks_get=unknown) as server, Client(server.url) as client:
        outcome = wait_task(client, "t 1").must_be("MCP_RPC_ERROR").must_end(0)
        assert "no such task" in outcome.message and len(server.sent("tasks/get")) == 1
        must_still_work(client)


@case
def an_input_request_without_a_handler_ends_the_wait():
    with Tasks(task("input_required", inputRequests={"k": WHO})) as server, Client(server.url) as client:
        wait_task(client, "t 1", timeout=5000).must_be("MCP_INPUT_UNSUPPORTED").must_end(0)
        assert "tasks/update" not in server.saw() and "tasks/cancel" not in server.saw()
        must_still_work(client)


@case
def the_poll_interval_of_the_server_is_respected():
    completed = task("completed", result=DONE)
    with Tasks(task("working", pollIntervalMs=300), completed) as server, Client(server.url) as client:
        wait_task(client, "t 1").must_be("MCP_OK").must_end(300, after=300)
    # An interval of 0 does not cause a flood of requests. An invalid interval is replaced by the default.
    with Tasks(task("working", pollIntervalMs=0)) as server, Client(server.url) as client:
        wait_task(client, "t 1", timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
        assert len(server.sent("tasks/get")) <= 20, len(server.sent("tasks/get"))
    for invalid in (-1, "soon", 1e300, 2**64):
        with Tasks(task("working", pollIntervalMs=invalid)) as server, Client(server.url) as client:
            wait_task(client, "t 1", timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
            assert len(server.sent("tasks/get")) == 1


@case
def the_end_of_a_wait_does_not_cancel_the_task():
    for version in (MODERN, LEGACY):
        working = task("working", pollIntervalMs=60_000, pollInterval=60_000)
        with Tasks(working, version=version) as server, Client(server.url, pin=version) as client, Cancel() as cancel:
            waiting = client.begin(lambda client=client, cancel=cancel: wait_task(client, "t 1", cancel=cancel))
            server.must_see("tasks/get")
            cancel.trigger()
            waiting.result().must_be("MCP_CANCELLED")
            wait_task(client, "t 1", timeout=100).must_be("MCP_TIMEOUT").must_end(100, after=100)
            must_still_work(client)
            assert "tasks/cancel" not in server.saw(), server.saw()


@case
def closing_ends_a_wait():
    with Tasks(task("working", pollIntervalMs=60_000)) as server, Client(server.url) as client:
        waiting = client.begin(lambda: wait_task(client, "t 1"))
        server.must_see("tasks/get")
        client.close()
        waiting.result().must_be("MCP_CLOSED")


# --- The core of 2025-11-25 -------------------------------------------------------------------------------------------


def core(*states, support="required", **replies):
    return Tasks(*states, version=LEGACY, support=support, **replies)


@case
def a_tool_that_requires_a_task_is_called_as_a_task():
    with core(task("working"), task("working"), task("completed")) as server, Client(server.url, pin=LEGACY) as client:
        assert call_tool(client, arguments={"a": 1}).must_be("MCP_OK").value == DONE
        (sent,) = server.sent("tools/call")
        assert sent["task"] == {} and sent["arguments"] == {"a": 1}, sent
        assert server.sent("tasks/result")[0]["taskId"] == "t 1" and len(server.sent("tasks/get")) == 3
        # The tools, with their task support, are listed only once.
        call_tool(client).must_be("MCP_OK")
        assert server.saw().count("tools/list") == 1


@case
def the_task_support_of_a_tool_is_respected():
    for support, called, started in (
        ("optional", False, True), ("forbidden", False, False), (None, False, False), ("x", False, False),
    ):  # fmt: skip
        with core(task("completed"), support=support) as server, Client(server.url, pin=LEGACY) as client:
            call_tool(client).must_be("MCP_OK")
            outcome = start_tool(client).must_be("MCP_OK")
            assert ["task" in params for params in server.sent("tools/call")] == [called, started], support
            assert ("task" in outcome.value) == started
    # Without the task capability of the server, the client does not list the tools.
    no_tasks = lambda request: initialized(request, capabilities={"tools": {}})  # noqa: E731
    with core(task("completed"), initialize=no_tasks) as server, Client(server.url, pin=LEGACY) as client:
        start_tool(client).must_be("MCP_OK")
        assert "task" not in server.sent("tools/call")[0] and "tools/list" not in server.saw()


@case
def failed_and_cancelled_core_tasks_are_reported():
    refused = lambda request: error(request, -32603, "the disk is full")  # noqa: E731
    with core(task("failed"), tasks_result=refused) as server, Client(server.url, pin=LEGACY) as client:
        outcome = call_tool(client).must_be("MCP_RPC_ERROR")
        assert "the disk is full" in outcome.message
        must_still_work(client)
    with core(task("cancelled")) as server, Client(server.url, pin=LEGACY) as client:
        call_tool(client).must_be("MCP_TASK_CANCELLED")
        assert "tasks/result" not in server.saw() and "tasks/cancel" not in server.saw()
        must_still_work(client)


@case
def a_core_task_can_request_input_with_its_result():
    replies = []

    def ask(request):
        request.send(STREAM + event({"jsonrpc": "2.0", "id": "s1"} | WHO))
        assert server.wait_for(lambda: any(r.message.get("id") == "s1" for r in server.requests), PATIENCE)
        replies.extend(r.message["result"] for r in server.requests if r.message.get("id") == "s1")
        request.send(event(answer(request, DONE)))

    with core(task("input_required"), tasks_result=ask) as server, Client(server.url, pin=LEGACY) as client:
        elicits(client, {"name": "Ada"})
        assert call_tool(client, timeout=5000).must_be("MCP_OK").value == DONE
        assert replies == [{"action": "accept", "content": {"name": "Ada"}}], replies


@case
def the_end_of_a_call_cancels_its_core_task():
    working = task("working", pollInterval=60_000)
    with core(working) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        calling = client.begin(lambda: call_tool(client, cancel=cancel))
        server.must_see("tasks/get")
        cancel.trigger()
        calling.result().must_be("MCP_CANCELLED")
        server.must_see("tasks/cancel")
        assert server.sent("tasks/cancel") == [{"taskId": "t 1"}], server.sent("tasks/cancel")
        must_still_work(client)
        call_tool(client, timeout=200).must_be("MCP_TIMEOUT").must_end(200, after=200)
        server.must_see("tasks/cancel", 2)
        must_still_work(client)


@case
def invalid_core_tasks_are_rejected():
    for bad in ({}, {"task": {}}, {"task": {"taskId": 5}}, {"task": "t 1"}):
        with core(task("completed"), tools_call=lambda request, bad=bad: result(request, bad)) as server:
            with Client(server.url, pin=LEGACY) as client:
                outcome = call_tool(client, timeout=5000).must_end(0)
                print(f"    {bad}: {outcome.status} {outcome.value}")
                outcome.must_be("MCP_INVALID_MESSAGE" if bad else "MCP_OK")
                must_still_work(client)
    for status in (None, "finished"):
        with core(task(status)) as server, Client(server.url, pin=LEGACY) as client:
            call_tool(client, timeout=5000).must_be("MCP_INVALID_MESSAGE").must_end(0)
            must_still_work(client)


run()
