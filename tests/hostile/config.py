"""Configuration files: those that cannot be used are refused with the key that is wrong, and what the others say is done."""

import contextlib
import ctypes
import json
import os
import sys
import threading
from ctypes import byref, c_void_p

from harness import Server, call, case, legacy, lib, run
from newer import PRELUDE, Made, fetched, folder, value_of

SECRET = "s3cr3t-of-the-file"

# Says where and with what it runs.
TELLING = PRELUDE + """
json.dump({"cwd": os.getcwd(), "argv": sys.argv[2:], "env": dict(os.environ)}, open(sys.argv[1], "w"))
serve()
"""


def refused(path, name=None):
    """The error for a file, from the constructor."""

    def make(error):
        handle = lib.mcp_client_new_from_config(os.fsencode(path), None if name is None else name.encode(), error)
        if not handle:
            return lib.mcp_error_status(ctypes.cast(error, ctypes.POINTER(c_void_p)).contents)
        lib.mcp_client_free(handle)
        return 0

    lib.mcp_error_status.restype, lib.mcp_error_status.argtypes = ctypes.c_int32, [c_void_p]
    return call(make)


def made(path, name=None):
    error = c_void_p()
    handle = lib.mcp_client_new_from_config(os.fsencode(path), None if name is None else name.encode(), byref(error))
    assert handle, lib.mcp_error_message(error)
    return Made(handle)


def names(path):
    found = c_void_p()
    outcome = call(lambda error: lib.mcp_config_names(os.fsencode(path), byref(found), error))
    outcome.value = value_of(found)
    lib.mcp_json_free(found)
    return outcome


@contextlib.contextmanager
def written(content):
    """A file with a text or a JSON value; the one server "s" of it, where the value is a server."""
    with folder() as place:
        path = place / "servers.json"
        if isinstance(content, dict) and "mcpServers" not in content:
            content = {"mcpServers": {"s": content}}
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        yield path


def must_be_refused(content, *words, name=None):
    with written(content) as path:
        outcome = refused(path, name).must_be("MCP_CONFIG_INVALID")
        print(f"    {outcome.message}")
        for word in (str(path), *words):
            assert word in outcome.message, f"no {word!r} in: {outcome.message}"
        assert SECRET not in outcome.message, outcome.message
        assert "\n" not in outcome.message


@contextlib.contextmanager
def environment(**variables):
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def told_by(server, **variables):
    """What a process of the file says where it runs."""
    with folder() as place, environment(**variables):
        found = place / "found"
        server = {"command": sys.executable, "args": ["-c", TELLING, str(found), *server.pop("args", [])]} | server
        with written(server) as path, made(path) as client:
            client.ping(timeout=5000).must_be("MCP_OK")
            return json.loads(found.read_text())


# --- Files ------------------------------------------------------------------------------------------------------------


@case
def files_that_cannot_be_read():
    with folder() as place:
        for path in (place / "none.json", place, place / "x" / "y"):
            for outcome in (refused(path), names(path)):
                outcome.must_be("MCP_CONFIG_INVALID").must_end(0)
                assert str(path) in outcome.message, outcome.message
        (place / "latin.json").write_bytes(b'{"mcpServers":{"\xe9":{"url":"http://h/"}}}')
        refused(place / "latin.json").must_be("MCP_CONFIG_INVALID")


@case
def files_without_end():
    with folder() as place:
        large = place / "large.json"
        with open(large, "wb") as file:
            file.truncate(1 << 34)  # without a byte on the disk
        refused(large).must_be("MCP_CONFIG_INVALID").must_end(0)
    # What is no plain file has no size, and has to end all the same.
    reader, writer = os.pipe()
    written = []

    def write():
        with contextlib.suppress(OSError), open(writer, "wb", buffering=0) as pipe:
            while sum(written) < 64 << 20:
                written.append(pipe.write(b" " * (1 << 20)))

    thread = threading.Thread(target=write)
    thread.start()
    refused(f"/proc/self/fd/{reader}").must_be("MCP_CONFIG_INVALID")
    os.close(reader)
    thread.join()
    assert sum(written) < 32 << 20, f"{sum(written)} bytes were read"


@case
def files_without_servers():
    for content in ("", " ", "{", "null", "[]", '"mcpServers"', '{"mcpServers":', '{"mcpServers":{}} x'):
        must_be_refused(content)
        with written(content) as path:
            names(path).must_be("MCP_CONFIG_INVALID")
    must_be_refused("{}", "mcpServers")
    for wrong in (None, [], "x", 5):
        must_be_refused({"mcpServers": wrong}, "mcpServers")
    must_be_refused("[" * 100_000)


@case
def names_of_servers():
    two = {"mcpServers": {"b": {"url": "http://h/"}, "a é": {"command": "x"}}}
    with written(two) as path:
        assert names(path).must_be("MCP_OK").value == ["b", "a é"]
        refused(path, "a é").must_be("MCP_OK")
    with written({"mcpServers": {}}) as path:
        assert names(path).must_be("MCP_OK").value == []
    must_be_refused(two, '"c"', "a é", name="c")
    must_be_refused(two, "a é")
    must_be_refused(two, name="")
    with written(b"\xef\xbb\xbf" + json.dumps(two).encode()) as path:
        names(path).must_be("MCP_OK")


# --- Keys -------------------------------------------------------------------------------------------------------------


@case
def wrong_types_are_named():
    url, command = {"url": "http://h/"}, {"command": "x"}
    for server, key in (
        ({"url": 5}, "url"), ({"command": ["x"]}, "command"), ({"command": {}}, "command"),
        (url | {"transport": 5}, "transport"), (url | {"transport": "pigeon"}, "transport"),
        (url | {"type": "pigeon"}, "type"), (url | {"transport": "stdio"}, "transport"),
        (url | {"headers": [SECRET]}, "headers"), (url | {"headers": {"X-A": [SECRET]}}, "headers.X-A"),
        (url | {"auth": {"token": SECRET}}, "auth"), (url | {"timeout": "soon"}, "timeout"),
        (url | {"timeout": 1.5}, "timeout"), (url | {"timeout": -1}, "timeout"), (url | {"timeout": 2**64}, "timeout"),
        (command | {"args": "x"}, "args"), (command | {"args": ["x", None]}, "args.1"),
        (command | {"env": [SECRET]}, "env"), (command | {"env": {"A": {}}}, "env.A"), (command | {"cwd": 5}, "cwd"),
    ):  # fmt: skip
        must_be_refused(server, f"mcpServers.s.{key}: ")
    must_be_refused({"mcpServers": {"s": 5}}, "mcpServers.s")
    must_be_refused(url | command, "mcpServers.s")
    must_be_refused({"timeout": 5}, "mcpServers.s")


@case
def values_that_cannot_be_used_are_named():
    url, command, unnamed = {"url": "http://h/"}, {"command": "x"}, []
    for server, key in (
        ({"url": ""}, "url"), ({"url": "no url"}, "url"), ({"url": "ftp://h/"}, "url"), ({"command": ""}, "command"),
        (url | {"auth": f"Bearer {SECRET}"}, "auth"), (url | {"auth": f"{SECRET}\n"}, "auth"), (url | {"auth": ""}, "auth"),
        (url | {"headers": {"X-A": f"{SECRET}\r\nX-B: c"}}, "headers.X-A"), (url | {"headers": {"Host": "x"}}, "headers.Host"),
        (url | {"headers": {"X A": SECRET}}, "headers.X A"), (command | {"env": {"": SECRET}}, "env."),
        (command | {"env": {"A=B": SECRET}}, "env.A=B"), (command | {"env": {"A": f"{SECRET}\0"}}, "env.A"),
        (command | {"args": ["a\0b"]}, "args.0"), (command | {"cwd": "a\0b"}, "cwd"),
    ):  # fmt: skip
        try:
            must_be_refused(server, f"mcpServers.s.{key}")
        except AssertionError as wrong:
            unnamed.append(f"{key}: {wrong}")
    assert not unnamed, "\n".join(unnamed)


@case
def secrets_of_the_environment_are_not_shown():
    with environment(TEST_SECRET=f"{SECRET} x"):
        for server in ({"url": "${TEST_SECRET}"}, {"url": "http://h/", "auth": "${TEST_SECRET}"}, {"url": "http://h/", "transport": "${TEST_SECRET}"}):
            must_be_refused(server)


@case
def variables_that_are_not_set():
    os.environ.pop("TEST_UNSET", None)
    must_be_refused({"url": "http://h/${TEST_UNSET}"}, "mcpServers.s.url", "TEST_UNSET")
    must_be_refused({"command": "x", "args": ["a", "${TEST_UNSET}"]}, "mcpServers.s.args.1", "TEST_UNSET")
    must_be_refused({"url": "http://h/", "auth": "${TEST_UNSET}"}, "mcpServers.s.auth")
    for broken in ("${TEST_UNSET", "${", "x${}y", "${:}"):
        must_be_refused({"command": "x", "env": {"A": broken}}, "mcpServers.s.env.A")
    # Another server's variables matter to nobody.
    with written({"mcpServers": {"a": {"url": "http://h/"}, "b": {"url": "${TEST_UNSET}"}}}) as path:
        refused(path, "a").must_be("MCP_OK")


# --- What the file says is done ---------------------------------------------------------------------------------------


@case
def a_process_is_started_as_the_file_says():
    with folder() as place:
        args = ["a b", "${TEST_SET}", "${TEST_UNSET:-x y}", "${TEST_EMPTY:-d}", "${TEST_EMPTY}", "$HOME $$ {x}", 8, True, ""]
        env = {"A": "1-${TEST_SET}-${TEST_SET}", "PATH": "/mine", "N": 5}
        found = told_by({"args": args, "env": env, "cwd": str(place)}, TEST_SET="${TEST_EMPTY}", TEST_EMPTY="")
        # What a variable holds is not looked into again.
        assert found["argv"] == ["a b", "${TEST_EMPTY}", "x y", "d", "", "$HOME $$ {x}", "8", "true", ""], found["argv"]
        assert found["env"]["A"] == "1-${TEST_EMPTY}-${TEST_EMPTY}" and found["env"]["N"] == "5", found["env"]
        assert found["env"]["PATH"] == "/mine" and "TEST_SET" not in found["env"]
        assert os.path.samefile(found["cwd"], place)


@case
def a_process_that_cannot_be_started():
    with written({"command": "/there/is/none"}) as path, made(path) as client:
        client.ping().must_be("MCP_PROCESS_FAILED").must_end(0)
    with written({"command": "true", "cwd": "/there/is/none"}) as path, made(path) as client:
        client.ping().must_be("MCP_PROCESS_FAILED").must_end(0)


@case
def a_timeout_of_the_file():
    server = {"command": sys.executable, "args": ["-c", PRELUDE + "begin()\nwhile True: ask()"], "timeout": 300}
    with written(server) as path, made(path) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        # Without options of its own.
        call(lib.mcp_ping, client.client, None).must_be("MCP_TIMEOUT").must_end(300, after=300)


@case
def a_url_is_asked_as_the_file_says():
    with Server(lambda _server, request: legacy(request)) as server, environment(TEST_TOKEN=SECRET):
        file = {"url": server.url, "auth": "${TEST_TOKEN}", "headers": {"X-Key": "k-${TEST_TOKEN}", "X-Number": 5}}
        with written(file) as path, made(path) as client:
            client.ping().must_be("MCP_OK")
            client.set_bearer("another").must_be("MCP_OK")  # the functions beat the file
            client.ping().must_be("MCP_OK")
            assert not any(SECRET in line for line in client.lines), client.lines
        first, last = server.requests[0].headers, server.requests[-1].headers
        assert first["authorization"] == f"Bearer {SECRET}" and last["authorization"] == "Bearer another"
        assert first["x-key"] == f"k-{SECRET}" and first["x-number"] == "5", first


@case
def a_transport_of_the_file():
    with Server(lambda _server, request: legacy(request)) as server:
        for transport, first in (("http", "POST"), ("streamable-http", "POST"), ("sse", "GET")):
            with written({"url": server.url, "transport": transport}) as path, made(path) as client:
                seen = len(server.requests)
                client.ping(timeout=2000).must_be(*(["MCP_OK"] if first == "POST" else ["MCP_UNEXPECTED_CONTENT", "MCP_HTTP_ERROR"]))
                assert server.requests[seen].method == first, transport


run()
