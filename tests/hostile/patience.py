"""Cases that take minutes: tools without output for a long time, streams that fail silently, and permanent refusals.

The cases run in parallel, because most of their time is waiting.
"""

import sys
import time
from pathlib import Path

from harness import (
    LEGACY, STREAM, Cancel, Client, Server, answer, case, error, event, http, initialized, must_be_soon, result, run,
)  # fmt: skip
from newer import Listener, call_tool, notice

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "servers"))
from running import Running  # noqa: E402

TOOL, SECONDS = "trigger-long-running-operation", 45


# --- A silent stream does not end a call ------------------------------------------------------------------------------


def everything():
    return Running("everything-sse")


def client_of(server):
    return Client(server.url.replace("/mcp", "/sse"))


def call_silent_tool(client):
    """The call has no progress token, so the server sends nothing until the result."""
    return call_tool(client, TOOL, {"duration": SECONDS, "steps": 1}, timeout=120_000)


def must_be_answered(outcome):
    outcome.must_be("MCP_OK").must_end(within=SECONDS * 1000 + 10_000, after=SECONDS * 1000 - 1000)


def begin_silent_tool(client):
    background = client.begin(lambda: call_silent_tool(client))
    client.begun.append(background)
    return background


@case
def a_tool_that_sends_nothing_for_45_seconds_succeeds():
    with everything() as server, client_of(server) as client:
        must_be_answered(call_silent_tool(client))


@case
def a_silent_tool_call_is_not_ended_by_other_calls():
    with everything() as server, client_of(server) as client:
        tool = begin_silent_tool(client)
        while tool.thread.is_alive():
            client.ping(timeout=10_000).must_be("MCP_OK")
            tool.thread.join(1)
        must_be_answered(tool.result())


@case
def a_silent_tool_call_keeps_a_stream_that_was_replaced():
    """Another call times out after 25 s without data. New calls then use a new stream, this call keeps the old one."""
    with everything() as server, client_of(server) as client:
        client.connect(timeout=10_000).must_be("MCP_OK")
        tool = begin_silent_tool(client)
        call_tool(client, TOOL, {"duration": 60, "steps": 1}, timeout=25_000).must_be("MCP_TIMEOUT")
        client.ping(timeout=10_000).must_be("MCP_OK")
        opened = (server.folder / "log").read_text().count("Client Connected")
        assert opened == 2, opened
        must_be_answered(tool.result(within=60))


# --- A stream that fails silently -------------------------------------------------------------------------------------


class SilentFirstStream:
    """An HTTP+SSE server. After the handshake, nothing more is sent on the first stream, and it stays open."""

    def __init__(self):
        self.streams = []

    def __call__(self, _server, request):
        if request.method == "GET":
            self.streams.append(request)
            request.send(STREAM + b"event: endpoint\ndata: /messages?session_id=%d\n\n" % len(self.streams))
            return request.hold()
        number = int(request.path.split("=")[1])
        reply = {"initialize": {"protocolVersion": LEGACY, "capabilities": {}}, "ping": {}}.get(request.rpc)
        if reply is not None and (number > 1 or request.rpc == "initialize"):
            self.streams[number - 1].send(event(answer(request, reply)))
        return http(202, "Accepted", kind="text/plain")


@case
def a_dead_stream_is_replaced_while_calls_overlap():
    """Two threads ping with timeouts of 1 s, so that at least one call always waits. A third call waits on the old
    stream for its timeout of 30 s."""

    def pings(timeout):
        outcomes = [client.ping(timeout=timeout)]
        while time.monotonic() < died + 60 and [outcome.status for outcome in outcomes[-2:]] != ["MCP_OK"] * 2:
            outcomes.append(client.ping(timeout=1000))
        return outcomes

    handler = SilentFirstStream()
    with Server(handler) as server, client_of(server) as client:
        client.connect(timeout=5000).must_be("MCP_OK")
        died = time.monotonic()
        longer = client.begin_ping(timeout=30_000)
        threads = [client.begin(lambda timeout=timeout: pings(timeout)) for timeout in (500, 1000)]
        for thread in threads:
            outcomes = thread.result(within=70)
            statuses = [outcome.status for outcome in outcomes]
            timeouts, seconds = statuses.count("MCP_TIMEOUT"), outcomes[-1].ended - died
            print(f"    {timeouts} timeouts of {len(statuses)} calls, in {seconds:.1f} s")
            assert statuses == ["MCP_TIMEOUT"] * (len(statuses) - 2) + ["MCP_OK"] * 2, statuses
            must_be_soon(died, outcomes[-2].ended, within=22_000)
        assert len(handler.streams) == 2, server.saw()
        longer.result(within=35).must_be("MCP_TIMEOUT").must_end(30_000, after=30_000)


# --- A server stream that is always refused ---------------------------------------------------------------------------


@case
def a_permanent_conflict_leads_to_a_new_session():
    """The server does not notice that the session's stream has ended, and refuses a second one for this session."""
    refused = []

    def handler(server, request):
        match request.rpc:
            case "server/discover":
                return error(request, -32601, status=400)
            case "initialize":
                return initialized(request, session=f"session-{server.saw().count('initialize')}")
            case "GET" if request.session == "session-2":
                request.send(STREAM + event(notice("tools/list_changed")))
                return request.hold()
            case "GET" if server.saw().count("GET") == 1:
                request.send(STREAM + b": here\n\n")
                return None  # closes the stream
            case "GET":
                refused.append(time.monotonic())
                return http(409, "Conflict: Only one SSE stream is allowed per session", kind="text/plain")
            case "DELETE":
                return http(200, kind=None)
            case "ping":
                return result(request, {})
        return http(202, kind=None)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        begun = time.monotonic()
        listener = Listener(client, cancel=cancel)
        listener.must_hear("tools/list_changed", within=150)
        print(f"    {len(refused)} refusals, and a new session after {time.monotonic() - begun:.0f} s")
        assert refused[-1] - refused[0] >= 120, refused
        must_be_soon(begun, time.monotonic(), within=130_000)
        assert server.saw().count("initialize") == 2, server.saw()
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


@case
def a_silent_stream_is_replaced_if_posts_get_no_response():
    """The first server hangs behind a proxy and is then replaced: the calls time out while they wait for the response
    to their POST, not while they wait for an event."""

    def handler(server, request):
        if request.method == "GET":
            streams.append(request.socket)
            request.send(STREAM + b"event: endpoint\ndata: /messages?session=%d\n\n" % len(streams))
            return request.hold()
        if request.rpc == "initialize":
            streams[-1].sendall(event(answer(request, {"protocolVersion": LEGACY, "capabilities": {}})))
        elif request.rpc == "ping":
            if request.path.endswith("session=1"):
                return request.hold()
            streams[-1].sendall(event(answer(request, {})))
        return http(202, "Accepted", kind="text/plain")

    streams = []
    with Server(handler) as server, client_of(server) as client:
        client.connect(timeout=5000).must_be("MCP_OK")
        for _ in range(2):
            client.ping(timeout=11_000).must_be("MCP_TIMEOUT")
        client.ping(timeout=11_000).must_be("MCP_OK")
        assert len(streams) == 2, server.saw()


run(limit=200, side_by_side=True)
