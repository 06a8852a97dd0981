"""Servers behind a Unix domain socket, and sockets that lead nowhere."""

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

# The longest path that fits into the address, without its NUL.
LONGEST = 107

# A name that nobody looks up.
URL = "http://mcp.test:8080/mcp"


class UnixServer(Server):
    """The harness's server on a socket in the file system."""

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
    with tempfile.TemporaryDirectory(prefix="mcp-") as made:
        yield Path(made)


@contextlib.contextmanager
def client_of(path, url=URL, **given):
    with Client(url, **given) as client:
        set_socket(client, path).must_be("MCP_OK")
        yield client


@case
def a_server_on_a_socket():
    with folder() as place, UnixServer(place / "mcp ö") as server, client_of(server.path, bearer="s3cr3t") as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert {request.headers["host"] for request in server.requests} == {"mcp.test:8080"}
        assert {request.authorization for request in server.requests} == {"Bearer s3cr3t"}
        # Nothing leaves this machine, so nobody has to be warned.
        assert not any("unencrypted" in line for line in client.lines), client.lines
        set_socket(client, None).must_be("MCP_MISUSE")
        set_socket(client, server.path).must_be("MCP_MISUSE")


@case
def a_token_may_go_there():
    with folder() as place, UnixServer(place / "mcp") as server, client_of(server.path, bearer="s3cr3t") as client:
        call(lib.mcp_set_require_https, client.client, True).must_be("MCP_OK")
        client.ping().must_be("MCP_OK")


@case
def the_socket_comes_before_a_proxy_and_the_last_one_set_counts():
    with folder() as place, UnixServer(place / "mcp") as server, client_of("/nowhere/mcp") as client:
        declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR])
        call(lib.mcp_set_proxy, client.client, b"http://127.0.0.1:1").must_be("MCP_OK")
        set_socket(client, server.path).must_be("MCP_OK")
        client.ping().must_be("MCP_OK")


@case
def none_any_more():
    server = Server(lambda _server, request: legacy(request))
    with server, client_of("/nowhere/mcp", url=server.url) as client:
        set_socket(client, None).must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert server.requests


def leads_nowhere(path, why):
    with client_of(path, bearer="s3cr3t") as client:
        for _ in range(2):
            outcome = client.ping(timeout=3000).must_be("MCP_CONNECT_FAILED").must_end(0)
            assert str(path) in outcome.message and why in outcome.message, outcome.message
        print(f"    {outcome.message}")


@case
def nothing_there():
    with folder() as place:
        leads_nowhere(place / "missing", "No such file")


@case
def a_file_that_is_no_socket():
    with folder() as place:
        (place / "file").write_text("")
        leads_nowhere(place / "file", "refused")
        leads_nowhere(place, "refused")


@case
def a_socket_whose_server_is_gone():
    with folder() as place:
        with UnixServer(place / "mcp"):
            pass
        leads_nowhere(place / "mcp", "refused")


@case
def paths_of_the_longest_length_and_one_more():
    with folder() as place:
        room = LONGEST - len(str(place)) - 1
        with UnixServer(place / ("x" * room)) as server, client_of(server.path) as client:
            client.ping().must_be("MCP_OK")
        for length in (room + 1, 5000):
            # It may be refused at once, or when it is used; the length is named as the reason.
            with Client(URL) as client:
                outcome = set_socket(client, place / ("x" * length))
                if outcome.status == "MCP_OK":
                    outcome = client.ping(timeout=3000)
                outcome.must_be("MCP_INVALID_ARGUMENT", "MCP_CONNECT_FAILED").must_end(0)
                assert "long" in outcome.message, f"the reason is not in: ...{outcome.message[-100:]}"


@case
def paths_that_are_none():
    with Client(URL) as client:
        call(lib.mcp_set_unix_socket, client.client, b"\xff").must_be("MCP_INVALID_ARGUMENT")


@case
def an_empty_path():
    # On Linux a name of NULs only is one that a socket may have. Whoever took it would get the token.
    taken = socket.socket(socket.AF_UNIX)
    with taken:
        taken.bind("\0" * 108)
        taken.listen(1)
        taken.setblocking(False)
        with Client(URL, bearer="s3cr3t") as client:
            outcome = set_socket(client, "")
            if outcome.status == "MCP_OK":
                client.ping(timeout=300)
            with contextlib.suppress(BlockingIOError):
                taken.accept()
                raise AssertionError("the client connected to a name of NULs")
            outcome.must_be("MCP_INVALID_ARGUMENT")


@case
def a_full_backlog():
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
                # Waiting for a place would be as good as saying at once that there is none.
                outcome = client.ping(timeout=500).must_be("MCP_CONNECT_FAILED", "MCP_TIMEOUT").must_end(500)
                print(f"    {outcome.message}")
                with Cancel() as cancel:
                    ping = client.begin_ping(timeout=5000, cancel=cancel)
                    cancel.trigger()
                    ping.result().must_be("MCP_CONNECT_FAILED", "MCP_CANCELLED").must_end(0)


@case
def cancelled():
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
def the_server_leaves_and_comes_back():
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
