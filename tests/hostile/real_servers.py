"""Real servers that are killed and restarted, that lose their session, or that send responses outside of the
specification.

The name of each case begins with the installation that it needs.
"""

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path

from harness import Client, case, poll, run
from newer import call_tool, listed

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "servers"))
from running import Running  # noqa: E402

TIMEOUT = 10_000


def fetch(url, message=None):
    """The status and the body of the server's response to a plain HTTP request."""
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    body = None if message is None else json.dumps(message).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=body, headers=headers), timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def must_work(client):
    client.connect(timeout=TIMEOUT).must_be("MCP_OK")
    client.ping(timeout=TIMEOUT).must_be("MCP_OK")
    tools = listed(client, timeout=TIMEOUT).must_be("MCP_OK").value["tools"]
    assert [tool["name"] for tool in tools] == ["echo"], tools
    called = call_tool(client, "echo", {}, timeout=TIMEOUT).must_be("MCP_OK").value
    assert called["content"] == [{"type": "text", "text": "ok"}], called


# --- FastMCP ----------------------------------------------------------------------------------------------------------


def restart_during_a_tool(install):
    """The response stream can be resumed, but the restarted server knows neither the session nor the running tool
    call."""
    with Running(install, "{folder}/paid") as server, Client(server.url) as client:
        client.connect(timeout=TIMEOUT).must_be("MCP_OK")
        progress, paid = [], server.folder / "paid"
        background = client.begin(lambda: call_tool(client, "pay", {}, told=progress, timeout=30_000))
        # The progress notification is an event of the response stream: after it, the client can resume the stream.
        poll(lambda: progress, "the tool does not run")
        (process,) = paid.read_text().split()
        os.kill(int(process), signal.SIGKILL)
        outcome = background.result(within=35)
        print(f"    {outcome.status} after {outcome.ms} ms: {outcome.message}")
        executed_by = paid.read_text().split()
        assert executed_by == [process], f"{outcome.status}, and executed by the processes {executed_by}"
        outcome.must_be("MCP_SESSION_LOST")
        assert "may have been executed" in outcome.message, outcome.message
        call_tool(client, "pay", {}, timeout=TIMEOUT).must_be("MCP_OK")
        first, second = paid.read_text().split()
        assert first == process != second, (first, second)


@case
def fastmcp3_does_not_run_a_tool_twice():
    restart_during_a_tool("fastmcp3")


@case
def fastmcp2_does_not_run_a_tool_twice():
    restart_during_a_tool("fastmcp2")


# --- TypeScript SDK 1.x -----------------------------------------------------------------------------------------------


@case
def ts1_opens_a_new_session_after_a_restart():
    with Running("ts1") as server, Client(server.url) as client:
        call_tool(client, "echo", {}, timeout=TIMEOUT).must_be("MCP_OK")
        server.kill()
        server.start()
        status, body = fetch(server.url, {"jsonrpc": "2.0", "id": 1, "method": "ping"})
        assert status == 400 and b"Server not initialized" in body, (status, body)
        call_tool(client, "echo", {}, timeout=TIMEOUT).must_be("MCP_OK")
        client.ping(timeout=TIMEOUT).must_be("MCP_OK")


# --- Fastify ----------------------------------------------------------------------------------------------------------


@case
def fastify_session_ends_with_the_client():
    with Running("fastify") as server:
        sessions = f"http://127.0.0.1:{server.port}/sessions"
        with Client(server.url) as client:
            call_tool(client, "echo", {}, timeout=TIMEOUT).must_be("MCP_OK")
            assert len(json.loads(fetch(sessions)[1])) == 1
            client.close(timeout=TIMEOUT).must_be("MCP_OK")
        assert json.loads(fetch(sessions)[1]) == []


# --- Java SDK ---------------------------------------------------------------------------------------------------------


@case
def java_stateless_works_after_a_failed_probe():
    with Running("java", "stateless", "{folder}") as server, Client(server.url) as client:
        status, body = fetch(server.url, {"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {}})
        assert status == 500 and "jsonrpc" not in json.loads(body), (status, body)
        must_work(client)


@case
def java_streamable_works():
    with Running("java", "streamable", "{folder}") as server, Client(server.url) as client:
        must_work(client)


@case
def java_sse_works():
    with Running("java", "sse", "{folder}") as server, Client(f"http://127.0.0.1:{server.port}/sse") as client:
        must_work(client)


# --- Go ---------------------------------------------------------------------------------------------------------------


def go_works(kind, path="/mcp"):
    with Running("go", kind) as server, Client(f"http://127.0.0.1:{server.port}{path}") as client:
        must_work(client)


@case
def go_sdk_works():
    go_works("sdk")


@case
def go_sdk_stateless_works():
    go_works("sdk-stateless")


@case
def go_sdk_sse_works():
    go_works("sdk-sse", "/sse/")


@case
def go_mcp_go_works():
    go_works("mcp-go")


@case
def go_mcp_go_sse_works():
    go_works("mcp-go-sse", "/sse")


run(limit=170)
