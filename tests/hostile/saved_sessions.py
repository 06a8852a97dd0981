"""Sessions that are saved and continued: after a change of the server, for another server, in forks, with a close."""

import contextlib
import json
import os
import threading
import warnings
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_size_t, c_void_p

from harness import (
    ERROR, LEGACY, MODERN, PATIENCE, Client, Server, call, case, declare, discovered, error, initialized, legacy, lib,
    result, run,
)  # fmt: skip

# Newer versions of Python warn about a fork in a process with threads.
warnings.filterwarnings("ignore", category=DeprecationWarning)

NOTIFIED = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
declare(c_int, mcp_save_session=[c_void_p, POINTER(c_void_p), ERROR])
declare(c_int, mcp_set_saved_session=[c_void_p, c_char_p, c_size_t, ERROR])
declare(c_int, mcp_set_unix_socket=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_list_tools=[c_void_p, c_void_p, POINTER(c_void_p), ERROR])
declare(c_int, mcp_set_notification=[c_void_p, NOTIFIED, c_void_p, c_void_p, ERROR])
declare(c_char_p, mcp_json_text=[c_void_p])
declare(None, mcp_json_free=[c_void_p])


@contextlib.contextmanager
def document():
    pointer = c_void_p()
    yield pointer
    lib.mcp_json_free(pointer)


def save(client):
    with document() as saved:
        call(lib.mcp_save_session, client.client, byref(saved)).must_be("MCP_OK")
        return lib.mcp_json_text(saved)


def saved_from(url):
    """The session of a client that is freed without a close."""
    with Client(url) as client:
        client.connect().must_be("MCP_OK")
        return save(client)


def load(client, text):
    return call(lib.mcp_set_saved_session, client.client, text, len(text))


def list_tools(client):
    with document() as tools:
        return call(lib.mcp_list_tools, client.client, None, byref(tools))


def server_of(kind):
    """The handler of a server: "modern", "legacy", "stateless" (legacy) or "old" (legacy, of another version)."""
    ids = iter(range(1, 100))

    def modern(_server, request):
        if request.headers.get("mcp-protocol-version") != MODERN:
            return error(request, -32022, "unsupported", {"supported": [MODERN]}, status=400)
        match request.rpc:
            case "server/discover":
                return discovered(request)
            case _:
                return result(request, {"resultType": "complete", "tools": []})

    version = "2025-06-18" if kind == "old" else LEGACY
    known = set()

    def older(_server, request):
        if request.rpc == "initialize":
            response = {"protocolVersion": version, "capabilities": {}}
            if kind == "stateless":
                return result(request, response)
            known.add(f"{kind}-{next(ids)}")
            return result(request, response, Mcp_Session_Id=f"{kind}-{len(known)}")
        if kind != "stateless" and request.session not in known:
            return error(request, -32001, "no session", status=404 if request.session else 400)
        if request.headers.get("mcp-protocol-version") != version:
            return error(request, -32000, "unsupported protocol version", status=400)
        return result(request, {"tools": []}) if request.rpc == "tools/list" else legacy(request)

    return modern if kind == "modern" else older


@case
def a_server_of_another_era_or_version_is_negotiated_with():
    handshake = ["initialize", "notifications/initialized"]
    for before, after, negotiation in [
        ("modern", "legacy", ["server/discover", *handshake]),
        ("modern", "stateless", ["server/discover", *handshake]),
        ("legacy", "modern", ["server/discover"]),
        ("legacy", "old", handshake),
        ("stateless", "modern", ["server/discover"]),
        ("stateless", "legacy", ["server/discover", *handshake]),
    ]:
        handlers = [server_of(before)]
        with Server(lambda server, request: handlers[-1](server, request)) as server:
            text = saved_from(server.url)
            handlers.append(server_of(after))
            count = len(server.saw())
            with Client(server.url) as client:
                load(client, text).must_be("MCP_OK")
                list_tools(client).must_be("MCP_OK")
                seen = server.saw()[count:]
                print(f"    {before}, then {after}: {seen}")
                # The first request of the client fails, and is repeated after the negotiation. Unless its error can
                # only be of another era, a request that does no harm shows first that the server was replaced.
                assert (seen[0], seen[-1]) == ("tools/list", "tools/list"), seen
                harmless = "server/discover" if before == "modern" else "ping"
                begin = 2 if seen[1] == harmless else 1
                assert [rpc for rpc in seen[begin:-1] if rpc in negotiation] == negotiation, seen


@case
def the_session_of_another_tenant_is_not_continued():
    with Server(lambda _server, request: legacy(request)) as server:
        for mine, theirs in [
            ("?tenant=a&key=AAA", "?tenant=b&key=BBB"),
            ("/s/abcdefgh12345678aaaa/mcp", "/s/zzzzzzzz98765432bbbb/mcp"),
            ("?a", ""),
        ]:
            text = saved_from(server.url + mine)
            assert mine.encode() not in text, text
            with Client(server.url + theirs) as client:
                refused = load(client, text).must_be("MCP_INVALID_ARGUMENT")
                print(f"    {refused.message}")
                assert "belongs to" in refused.message and "key=" not in refused.message, refused.message
            with Client(server.url + mine) as client:
                load(client, text).must_be("MCP_OK")
                client.ping().must_be("MCP_OK")


@case
def a_socket_that_is_set_later_is_another_server():
    with Server(lambda _server, request: legacy(request)) as server:
        text = saved_from(server.url)
        with Client(server.url) as client:
            call(lib.mcp_set_unix_socket, client.client, b"/run/elsewhere.sock").must_be("MCP_OK")
            load(client, text).must_be("MCP_INVALID_ARGUMENT")
        with Client(server.url) as client:
            load(client, text).must_be("MCP_OK")
            call(lib.mcp_set_unix_socket, client.client, b"/does/not/exist.sock").must_be("MCP_OK")
            client.connect(timeout=2000).must_be("MCP_CONNECT_FAILED")
            assert any("the saved session is not continued" in line for line in client.lines), client.lines


@case
def forks_use_different_ids_in_one_session():
    with Server(lambda _server, request: legacy(request)) as server:
        text = saved_from(server.url)
        with Client(server.url) as client:
            load(client, text).must_be("MCP_OK")  # random numbers of the process are now determined
        count = len(server.requests)
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                with contextlib.suppress(BaseException):
                    client = Client(server.url)
                    load(client, text).must_be("MCP_OK")
                    client.ping(timeout=5000).must_be("MCP_OK")
                    os._exit(0)
                os._exit(1)
            children.append(child)
        assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
        requests = server.requests[count:]
        ids = [request.message["id"] for request in requests]
        print(f"    {ids}")
        assert [request.rpc for request in requests] == ["ping"] * 3
        assert len(set(ids)) == 3, ids


@case
def an_id_with_spaces_is_saved_and_continued():
    def handler(_server, request):
        return initialized(request, session="a session 1") if request.rpc == "initialize" else legacy(request)

    with Server(handler) as server:
        text = saved_from(server.url)
        assert json.loads(text)["sessionId"] == "a session 1", text
        with Client(server.url) as client:
            load(client, text).must_be("MCP_OK")
            client.ping().must_be("MCP_OK")
            assert (server.saw()[-1], server.requests[-1].session) == ("ping", "a session 1"), server.saw()


@case
def a_close_while_the_event_stream_opens_ends_the_session():
    opening = threading.Event()

    def handler(_server, request):
        if request.rpc == "GET":
            opening.set()
            return request.hold()
        return legacy(request)

    ignore = NOTIFIED(lambda _userdata, _method, _params: None)
    with Server(handler) as server:
        text = saved_from(server.url)
        count = len(server.saw())
        with Client(server.url) as client:
            call(lib.mcp_set_notification, client.client, ignore, None, None).must_be("MCP_OK")
            load(client, text).must_be("MCP_OK")
            connecting = client.begin(client.connect)
            assert opening.wait(PATIENCE)
            client.close().must_be("MCP_OK")
            connecting.result().must_be("MCP_CLOSED")
            server.must_see("DELETE")
            assert server.saw()[count:] == ["GET", "DELETE"], server.saw()


run()
