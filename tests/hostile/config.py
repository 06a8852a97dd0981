"""Configuration files: those that cannot be used are refused with the key that is wrong, and what the others say is done."""

import contextlib
import ctypes
import json
import os
import socket
import sys
from ctypes import byref, c_void_p

from harness import ERROR, Background, Server, call, case, declare, legacy, lib, poll, run
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


def names(path, function="mcp_config_names"):
    found = c_void_p()
    outcome = call(lambda error: getattr(lib, function)(os.fsencode(path), byref(found), error))
    outcome.value = value_of(found)
    lib.mcp_json_free(found)
    return outcome


# Members that hold servers.
LISTS = {"mcpServers", "servers", "mcp", "mcp.servers"}


@contextlib.contextmanager
def written(content, **others):
    """A file with a text or a JSON value, the one server "s" of it, where the value is a server; and other files beside it."""
    with folder() as place:
        path = place / "servers.json"
        for name, text in others.items():
            (place / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        if isinstance(content, dict) and not LISTS & set(content):
            content = {"mcpServers": {"s": content}}
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        yield path


def must_be_refused(content, *words, name=None, **others):
    with written(content, **others) as path:
        outcome = refused(path, name).must_be("MCP_CONFIG_INVALID")
        print(f"    {outcome.message}")
        for word in (str(path), *words):
            assert word in outcome.message, f"no {word!r} in: {outcome.message}"
        assert SECRET not in outcome.message, outcome.message
        assert outcome.message.isprintable() and len(outcome.message.encode()) <= 2048, ascii(outcome.message)


@contextlib.contextmanager
def environment(**variables):
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]


def told_by(server, files=None, **variables):
    """What a process of the file says where it runs; `files` are beside that."""
    with folder() as place, environment(**variables):
        found = place / "found"
        server = {"command": sys.executable, "args": ["-c", TELLING, str(found), *server.pop("args", [])]} | server
        with written(server, **(files or {})) as path, made(path) as client:
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
        # The largest that is read, and one byte more.
        for size, status in ((4 << 20, "MCP_OK"), ((4 << 20) + 1, "MCP_CONFIG_INVALID")):
            large.write_bytes(b'{"mcpServers":{"s":{"url":"http://h/"}}}'.ljust(size))
            refused(large).must_be(status)


@case
def files_that_are_none():
    """Nothing waits for the writer of a pipe, or reads a device without end."""
    with folder() as place:
        os.mkfifo(place / "fifo")
        reader, writer = os.pipe()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place / "socket"))
            for path, word in ((place / "fifo", "FIFO"), (f"/proc/self/fd/{reader}", "FIFO"), ("/dev/zero", "device"), (place / "socket", ""), (place, "folder")):
                for ask in (refused, names, lambda path: names(path, "mcp_config_servers")):
                    outcome = Background(lambda ask=ask, path=path: ask(path)).result().must_be("MCP_CONFIG_INVALID").must_end(0)
                    assert word in outcome.message and str(path) in outcome.message, outcome.message
        os.close(reader)
        os.close(writer)
        for env_file, word in ((str(place / "fifo"), "FIFO"), ("/dev/zero", "device")):
            must_be_refused({"command": "x", "envFile": env_file}, "mcpServers.s.envFile: ", word)


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


@case
def variables_that_fill_in_without_end():
    with environment(TEST_LONG="x" * 100_000):
        must_be_refused({"command": "x", "args": ["${TEST_LONG}" * 8000]}, "mcpServers.s.args.0: ", "1048576 bytes")
        must_be_refused({"command": "x", "args": ["${TEST_LONG}"] * 8000}, "mcpServers.s.args.10: ")
        must_be_refused({"url": "http://h/", "headers": {f"X-{number}": "${TEST_LONG}" for number in range(100)}}, "mcpServers.s.headers.X-10: ")
        with written({"command": "x", "args": ["${TEST_LONG}"] * 10}) as path:
            refused(path).must_be("MCP_OK")


@case
def variables_that_only_editors_know():
    for text, word in (("${input:token}", "${input:token}"), ("${workspaceFolder}/x", "${workspaceFolder}"), ("${command:x.y}", "${command:x.y}")):
        for server, key in (({"command": "x", "env": {"A": text}}, "env.A"), ({"command": "x", "cwd": text}, "cwd"), ({"url": "http://h/", "auth": text}, "auth")):
            must_be_refused(server, f"mcpServers.s.{key}: ", word, "editor", "${NAME}")
    found = told_by({"args": ["${workspaceFolder:-here}", "${userHome}"]})
    assert found["argv"] == ["here", os.environ["HOME"]], found["argv"]


# --- What other hosts write -------------------------------------------------------------------------------------------


@case
def places_of_other_hosts():
    server = {"url": "http://h/", "type": "http"}
    for file, place in (
        ({"mcpServers": {"s": server}}, "mcpServers"), ({"servers": {"s": server}, "inputs": [{"id": "x"}]}, "servers"),
        ({"editor.x": 1, "mcp": {"servers": {"s": server}, "inputs": []}}, "mcp.servers"), ({"mcp.servers": {"s": server}}, "mcp.servers"),
        ({"mcpServers": None, "servers": {"s": server}}, "servers"),
    ):  # fmt: skip
        with written(file) as path:
            assert names(path).must_be("MCP_OK").value == ["s"]
            refused(path).must_be("MCP_OK")
            refused(path, "s").must_be("MCP_OK")
        text = json.dumps(file).replace('"http://h/"', "5")
        must_be_refused(text, f"{place}.s.url: ")
    for file in ({"servers": 5}, {"mcp": {"servers": []}}, {"mcp": {}}, {"mcp": None}):
        must_be_refused(file, "ervers")


@case
def comments_and_trailing_commas():
    text = """// Servers
{
    /* of
       this machine */
    "mcpServers": {
        "a": { "url": "http://h//x", /* no "comment" */ "headers": {"X-A": "/* a */ // b",}, }, // one
        "b": { "command": "x", "args": ["//", "a",], },
    },
}
// the end"""
    for content in (text, text.replace("\n", "\r\n"), "\ufeff" + text):
        with written(content) as path:
            assert names(path).must_be("MCP_OK").value == ["a", "b"]
            refused(path, "a").must_be("MCP_OK")
    # The line of an error is that of the file.
    must_be_refused("/*\n\n*/ {\n  \"a\": x }", "line 4")
    for broken in ("/", "{/}", "/* x", '{"a":/**/}', "{,}", '{"mcpServers":{"a",}}', "// x"):
        must_be_refused(broken)
    with Server(lambda _server, request: legacy(request)) as server:
        with written('{"s": {"url": "%s", "headers": {"X-A": "/* a */ // b,}"}, },}' % server.url) as path, made(path) as client:
            client.ping().must_be("MCP_OK")
        assert server.requests[0].headers["x-a"] == "/* a */ // b,}"


@case
def spellings_of_other_hosts():
    url, command = {"url": "http://h/"}, {"command": "x"}
    for server in (
        {"httpUrl": "http://h/"}, {"serverUrl": "http://h/"}, {"httpUrl": "http://h/", "url": "http://h/sse"},
        url | {"command": ""}, command | {"url": ""}, url | {"command": None}, command | {"url": None, "httpUrl": None},
        url | {"headers": {"X-A": None}, "auth": None, "timeout": None, "transport": None, "type": None, "disabled": None},
        command | {"args": None, "env": {"A": None}, "cwd": None, "envFile": None, "type": "stdio"},
        command | {"type": "local"}, command | {"disabled": False, "enabled": True},
        url | command | {"type": "http"}, url | command | {"type": "stdio"},
    ):  # fmt: skip
        with written(server) as path:
            refused(path).must_be("MCP_OK")
    must_be_refused({"url": "", "command": ""}, "mcpServers.s")
    must_be_refused({"url": None, "command": None}, "mcpServers.s: ")
    must_be_refused(url | {"type": "stdio"}, "mcpServers.s.type: ", '"command"')
    must_be_refused(command | {"type": "sse"}, "mcpServers.s.type: ", '"stdio"')
    must_be_refused({"httpUrl": "ftp://h/"}, "mcpServers.s.httpUrl: ")
    with Server(lambda _server, request: legacy(request)) as server:
        for key in ("type", "transport"):
            for spelling in ("http", "streamable-http", "streamableHttp", "streamable_http", "HTTP", "sse", "SSE"):
                with written({"url": server.url, key: spelling}) as path, made(path) as client:
                    seen = len(server.requests)
                    client.ping(timeout=2000)
                    assert server.requests[seen].method == ("GET" if spelling.lower() == "sse" else "POST"), spelling


@case
def the_home_of_the_user():
    with folder() as place:
        (place / "server").write_text(f"#!{sys.executable}\n{TELLING}")
        (place / "server").chmod(0o755)
        (place / "variables").write_text("A=1")
        (place / "work").mkdir()
        server = {"command": "~/server", "args": [str(place / "found"), "~/x"], "cwd": "~/work", "envFile": "~/variables", "env": {"B": "~/x"}}
        with written(server) as path, environment(HOME=str(place)), made(path) as client:
            client.ping(timeout=5000).must_be("MCP_OK")
        found = json.loads((place / "found").read_text())
        assert os.path.samefile(found["cwd"], place / "work") and found["argv"] == ["~/x"] and found["env"]["B"] == "~/x", found
        assert found["env"]["A"] == "1"
    with written({"command": "~other/x"}) as path:
        refused(path).must_be("MCP_OK")


@case
def files_of_variables():
    file = b"\xef\xbb\xbf# of the server\r\nA=1\r\nexport B = 'x #y' # z\n\nC=\"a\\nb\"\nD=from the file\nHOME=/mine\n"
    for env_file, files in ((".env", {".env": file}), ("./x.env", {"x.env": file}), ("${TEST_NAME}.env", {"y.env": file})):
        found = told_by({"envFile": env_file, "env": {"D": "from env"}}, files, TEST_NAME="y")["env"]
        assert {name: found.get(name) for name in "ABCD"} == {"A": "1", "B": "x #y", "C": "a\nb", "D": "from env"}, found
        assert found["HOME"] == "/mine"
    must_be_refused({"command": "x", "envFile": "none.env"}, "mcpServers.s.envFile: none.env: ")
    must_be_refused({"command": "x", "envFile": ""}, "mcpServers.s.envFile: ")
    must_be_refused({"command": "x", "envFile": 5}, "mcpServers.s.envFile: ")
    for broken, line in ((f"A=1\n{SECRET}\n", 2), (f"A='{SECRET}", 1), (f"{SECRET} x=1", 1), (f"\n\nA=\"x\"{SECRET}", 3), (b"A=1\0", 1)):
        must_be_refused({"command": "x", "envFile": ".env"}, f"mcpServers.s.envFile: .env, line {line}: ", **{".env": broken})
    must_be_refused({"command": "x", "envFile": ".env"}, "UTF-8", **{".env": b"A=\xff"})
    must_be_refused({"command": "x", "envFile": ".env"}, "larger than", **{".env": b"#" * (1 << 21)})
    # Its values are secrets as those of "env" are.
    server = {"command": sys.executable, "args": ["-c", PRELUDE + "print(os.environ['A'], file=sys.stderr, flush=True); serve()"], "envFile": ".env"}
    with written(server, **{".env": f"A={SECRET}"}) as path, made(path) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        poll(lambda: any("[redacted]" in line for line in client.lines), client.lines)
        assert not any(SECRET in line for line in client.lines), client.lines


@case
def disabled_servers():
    file = {"mcpServers": {"a": {"url": "http://h/", "disabled": True}, "b": {"command": "x"}, "c": {"url": "http://h/", "enabled": False}}}
    with written(file) as path:
        assert names(path).must_be("MCP_OK").value == ["a", "b", "c"]
        told = names(path, "mcp_config_servers").must_be("MCP_OK").value
        assert told == [{"name": "a", "disabled": True}, {"name": "b", "disabled": False}, {"name": "c", "disabled": True}], told
        refused(path).must_be("MCP_OK")  # the only one that is not
        refused(path, "b").must_be("MCP_OK")
    must_be_refused(file, "mcpServers.a.disabled: ", name="a")
    must_be_refused(file, "mcpServers.c.enabled: ", name="c")
    must_be_refused(file, "a (disabled), b, c (disabled)", name="d")
    must_be_refused({"url": "http://h/", "disabled": True}, "mcpServers.s.disabled: ")
    must_be_refused({"url": "http://h/", "disabled": "yes"}, "mcpServers.s.disabled: ")


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
        outcome = call(lib.mcp_ping, client.client, None).must_be("MCP_TIMEOUT").must_end(300, after=300)
        assert "300 ms" in outcome.message and "configuration file" in outcome.message, outcome.message
        warnings = [line for line in client.lines if "seconds" in line]
        assert len(warnings) == 1 and "300 ms" in warnings[0], client.lines
        # Another one, of the call or of the client, is not the file's.
        assert "configuration file" not in client.ping(timeout=300).must_be("MCP_TIMEOUT").message
        declare(ctypes.c_int, mcp_set_timeout=[c_void_p, ctypes.c_uint64, ERROR])
        call(lib.mcp_set_timeout, client.client, 200).must_be("MCP_OK")
        outcome = call(lib.mcp_ping, client.client, None).must_be("MCP_TIMEOUT").must_end(200, after=200)
        assert "configuration file" not in outcome.message, outcome.message
    for usual in (0, 1000, 60_000):
        with written(server | {"timeout": usual}) as path, made(path) as client:
            client.ping(timeout=5000).must_be("MCP_OK")
            assert not any("seconds" in line for line in client.lines), client.lines


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
