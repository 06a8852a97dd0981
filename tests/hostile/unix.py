"""Servers on a Unix domain socket, and sockets to which no connection is possible."""

import contextlib
import os
import socket
import tempfile
import threading
from ctypes import c_bool, c_char_p, c_int, c_void_p
from pathlib import Path

from harness import (
    ERROR, LEGACY, Cancel, Client, Server, call, case, declare, http, legacy, lib, must_be_soon, run, time,
)  # fmt: skip

declare(c_int, mcp_set_unix_socket=[c_void_p, c_char_p, ERROR], mcp_set_require_https=[c_void_p, c_bool, ERROR])

# The longest path that fits into the socket address, without its NUL.
LONGEST = 107

# A host name for which no DNS lookup is made.
URL = "http://mcp.test:8080/mcp"


class UnixServer(Server):
    """The server of the harness, on a Unix domain socket."""

    def __init__(self, path, handler=lambda _server, request: legacy(request)):
        self.handler, self.path = handler, str(path)
        self.requests, self.open, self.changed = [], set(), threading.Condition()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with self.changed:
                    self.open.add(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()


def set_socket(client, path):
    return call(lib.mcp_set_unix_socket, client.client, None if path is None else os.fsencode(path))


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="mcp-") as path:
        yield Path(path)


@contextlib.contextmanager
def client_of(path, url=URL, **settings):
    with Client(url, **settings) as client:
        set_socket(client, path).must_be("MCP_OK")
        yield client


@case
def a_server_on_a_unix_socket_is_used_without_warning():
    with folder() as place, UnixServer(place / "mcp ö") as server, client_of(server.path, bearer="s3cr3t") as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert {request.headers["host"] for request in server.requests} == {"mcp.test:8080"}
        assert {request.authorization for request in server.requests} == {"Bearer s3cr3t"}
        # The token does not leave this machine, so there is no warning about plain HTTP.
        assert not any("unencrypted" in line for line in client.lines), client.lines
        set_socket(client, None).must_be("MCP_MISUSE")
        set_socket(client, server.path).must_be("MCP_MISUSE")


@case
def a_token_can_be_sent_if_https_is_required():
    with folder() as place, UnixServer(place / "mcp") as server, client_of(server.path, bearer="s3cr3t") as client:
        call(lib.mcp_set_require_https, client.client, True).must_be("MCP_OK")
        client.ping().must_be("MCP_OK")


@case
def the_last_socket_that_was_set_has_priority_over_a_proxy():
    with folder() as place, UnixServer(place / "mcp") as server, client_of("/nowhere/mcp") as client:
        declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR])
        call(lib.mcp_set_proxy, client.client, b"http://127.0.0.1:1").must_be("MCP_OK")
        set_socket(client, server.path).must_be("MCP_OK")
        client.ping().must_be("MCP_OK")


@case
def a_socket_can_be_unset():
    server = Server(lambda _server, request: legacy(request))
    with server, client_of("/nowhere/mcp", url=server.url) as client:
        set_socket(client, None).must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert server.requests


def connection_must_fail(path, reason):
    with client_of(path, bearer="s3cr3t") as client:
        for _ in range(2):
            outcome = client.ping(timeout=3000).must_be("MCP_CONNECT_FAILED").must_end(0)
            assert str(path) in outcome.message and reason in outcome.message, outcome.message
        print(f"    {outcome.message}")


@case
def a_missing_path_is_reported():
    with folder() as place:
        connection_must_fail(place / "missing", "No such file")


@case
def a_file_that_is_not_a_socket_is_reported():
    with folder() as place:
        (place / "file").write_text("")
        connection_must_fail(place / "file", "refused")
        connection_must_fail(place, "refused")


@case
def a_socket_without_a_server_is_reported():
    with folder() as place:
        with UnixServer(place / "mcp"):
            pass
        connection_must_fail(place / "mcp", "refused")


@case
def a_path_longer_than_the_limit_is_rejected():
    with folder() as place:
        room = LONGEST - len(str(place)) - 1
        with UnixServer(place / ("x" * room)) as server, client_of(server.path) as client:
            client.ping().must_be("MCP_OK")
        for length in (room + 1, 5000):
            # The path can be rejected when it is set or when it is used. The error names the length as the reason.
            with Client(URL) as client:
                outcome = set_socket(client, place / ("x" * length))
                if outcome.status == "MCP_OK":
                    outcome = client.ping(timeout=3000)
                outcome.must_be("MCP_INVALID_ARGUMENT", "MCP_CONNECT_FAILED").must_end(0)
                assert "long" in outcome.message, f"the error does not name the reason: ...{outcome.message[-100:]}"


@case
def a_path_that_is_not_utf_8_is_rejected():
    with Client(URL) as client:
        call(lib.mcp_set_unix_socket, client.client, b"\xff").must_be("MCP_INVALID_ARGUMENT")


@case
def an_empty_path_is_rejected():
    # On Linux, a socket can have a name that consists of NULs. A process that listens on this name must not get the
    # token.
    listener = socket.socket(socket.AF_UNIX)
    with listener:
        listener.bind("\0" * 108)
        listener.listen(1)
        listener.setblocking(False)
        with Client(URL, bearer="s3cr3t") as client:
            outcome = set_socket(client, "")
            if outcome.status == "MCP_OK":
                client.ping(timeout=300)
            with contextlib.suppress(BlockingIOError):
                listener.accept()
                raise AssertionError("the client connected to the socket whose name consists of NULs")
            outcome.must_be("MCP_INVALID_ARGUMENT")


@case
def a_full_backlog_does_not_block_a_call():
    with folder() as place:
        path = str(place / "mcp")
        with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as waiting:
            listener.bind(path)
            listener.listen(0)
            with contextlib.suppress(BlockingIOError):
                while True:
                    one = waiting.enter_context(socket.socket(socket.AF_UNIX))
                    one.setblocking(False)
                    one.connect(path)
            with client_of(path, pin=LEGACY) as client:
                # The call can fail at once or wait until the timeout.
                outcome = client.ping(timeout=500).must_be("MCP_CONNECT_FAILED", "MCP_TIMEOUT").must_end(500)
                print(f"    {outcome.message}")
                with Cancel() as cancel:
                    ping = client.begin_ping(timeout=5000, cancel=cancel)
                    cancel.trigger()
                    ping.result().must_be("MCP_CONNECT_FAILED", "MCP_CANCELLED").must_end(0)


@case
def cancel_ends_a_call_on_a_unix_socket():
    def handler(_server, request):
        return request.hold() if request.rpc == "ping" else legacy(request)

    with folder() as place, UnixServer(place / "mcp", handler) as server, Cancel() as cancel:
        with client_of(server.path, pin=LEGACY) as client:
            ping = client.begin_ping(timeout=5000, cancel=cancel)
            server.must_see("ping")
            begun = time.monotonic()
            cancel.trigger()
            must_be_soon(begun, ping.result().must_be("MCP_CANCELLED").ended)


@case
def a_restarted_server_is_reconnected():
    with folder() as place:
        with UnixServer(place / "mcp") as server, client_of(server.path) as client:
            client.ping().must_be("MCP_OK")
            server.__exit__()
            assert server.wait_for(lambda: not server.open)
            client.ping(timeout=3000).must_be("MCP_CONNECT_FAILED")
            os.unlink(server.path)
            with UnixServer(server.path) as other:
                client.ping(timeout=3000).must_be("MCP_OK")
                assert other.requests


@case
def redirects_stay_on_the_socket():
    def once(server, request):
        if server.saw().count("ping") == 1:
            return http(307, kind=None, Location="http://mcp.test:8080/there")
        return legacy(request)

    with folder() as place, UnixServer(place / "mcp", once) as server, client_of(server.path, pin=LEGACY) as client:
        client.ping().must_be("MCP_OK")
        assert server.saw().count("ping") == 2, server.saw()


run()
