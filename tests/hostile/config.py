"""Configuration files: an invalid file is rejected, with the wrong key in the error; a valid file is applied."""

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

# The script of a server that writes its working directory, arguments and environment to a file.
REPORTING = PRELUDE + """
json.dump({"cwd": os.getcwd(), "argv": sys.argv[2:], "env": dict(os.environ)}, open(sys.argv[1], "w"))
serve()
"""


def load(path, name=None):
    """Makes a client from the file and frees it; returns the outcome."""

    def make(error):
        handle = lib.mcp_client_new_from_config(os.fsencode(path), None if name is None else name.encode(), error)
        if not handle:
            return lib.mcp_error_status(ctypes.cast(error, ctypes.POINTER(c_void_p)).contents)
        lib.mcp_client_free(handle)
        return 0

    lib.mcp_error_status.restype, lib.mcp_error_status.argtypes = ctypes.c_int32, [c_void_p]
    return call(make)


def client_from(path, name=None):
    error = c_void_p()
    handle = lib.mcp_client_new_from_config(os.fsencode(path), None if name is None else name.encode(), byref(error))
    assert handle, lib.mcp_error_message(error)
    return Made(handle)


def config_names(path, function="mcp_config_names"):
    found = c_void_p()
    outcome = call(lambda error: getattr(lib, function)(os.fsencode(path), byref(found), error))
    outcome.value = value_of(found)
    lib.mcp_json_free(found)
    return outcome


def config_servers(path):
    return config_names(path, "mcp_config_servers")


# The members of a configuration file that contain servers.
SERVER_MAPS = {"mcpServers", "servers", "mcp", "mcp.servers"}


@contextlib.contextmanager
def config_file(content, **other_files):
    """A configuration file with a text or a JSON value, in a folder with `other_files`. If the value is a server, it
    becomes the server "s" of the file."""
    with folder() as place:
        path = place / "servers.json"
        for name, text in other_files.items():
            (place / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        if isinstance(content, dict) and not SERVER_MAPS & set(content):
            content = {"mcpServers": {"s": content}}
        if not isinstance(content, (str, bytes)):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        yield path


def must_be_rejected(content, *words, name=None, **other_files):
    with config_file(content, **other_files) as path:
        outcome = load(path, name).must_be("MCP_CONFIG_INVALID")
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


def reported_by(server, files=None, **variables):
    """Starts a process from a configuration file, with `files` in the same folder; returns what the process reports."""
    with folder() as place, environment(**variables):
        found = place / "found"
        server = {"command": sys.executable, "args": ["-c", REPORTING, str(found), *server.pop("args", [])]} | server
        with config_file(server, **(files or {})) as path, client_from(path) as client:
            client.ping(timeout=5000).must_be("MCP_OK")
            return json.loads(found.read_text())


# --- Files ------------------------------------------------------------------------------------------------------------


@case
def unreadable_files_are_rejected():
    with folder() as place:
        for path in (place / "none.json", place, place / "x" / "y"):
            for outcome in (load(path), config_names(path)):
                outcome.must_be("MCP_CONFIG_INVALID").must_end(0)
                assert str(path) in outcome.message, outcome.message
        (place / "latin.json").write_bytes(b'{"mcpServers":{"\xe9":{"url":"http://h/"}}}')
        load(place / "latin.json").must_be("MCP_CONFIG_INVALID")


@case
def files_over_the_size_limit_are_rejected():
    with folder() as place:
        large = place / "large.json"
        with open(large, "wb") as file:
            file.truncate(1 << 34)  # sparse
        load(large).must_be("MCP_CONFIG_INVALID").must_end(0)
        # The largest accepted size, and one byte more.
        for size, status in ((4 << 20, "MCP_OK"), ((4 << 20) + 1, "MCP_CONFIG_INVALID")):
            large.write_bytes(b'{"mcpServers":{"s":{"url":"http://h/"}}}'.ljust(size))
            load(large).must_be(status)


@case
def special_files_are_rejected_at_once():
    """The library does not wait for the writer of a FIFO, and does not read a device forever."""
    with folder() as place:
        os.mkfifo(place / "fifo")
        reader, writer = os.pipe()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(place / "socket"))
            for path, word in (
                (place / "fifo", "FIFO"), (f"/proc/self/fd/{reader}", "FIFO"), ("/dev/zero", "device"),
                (place / "socket", ""), (place, "directory"),
            ):  # fmt: skip
                for function in (load, config_names, config_servers):
                    outcome = Background(lambda function=function, path=path: function(path)).result()
                    outcome.must_be("MCP_CONFIG_INVALID").must_end(0)
                    assert word in outcome.message and str(path) in outcome.message, outcome.message
        os.close(reader)
        os.close(writer)
        for env_file, word in ((str(place / "fifo"), "FIFO"), ("/dev/zero", "device")):
            must_be_rejected({"command": "x", "envFile": env_file}, "mcpServers.s.envFile: ", word)


@case
def files_without_servers_are_rejected():
    for content in ("", " ", "{", "null", "[]", '"mcpServers"', '{"mcpServers":', '{"mcpServers":{}} x'):
        must_be_rejected(content)
        with config_file(content) as path:
            config_names(path).must_be("MCP_CONFIG_INVALID")
    must_be_rejected("{}", "mcpServers")
    for wrong in (None, [], "x", 5):
        must_be_rejected({"mcpServers": wrong}, "mcpServers")
    must_be_rejected("[" * 100_000)


@case
def servers_are_listed_and_selected_by_name():
    two = {"mcpServers": {"b": {"url": "http://h/"}, "a é": {"command": "x"}}}
    with config_file(two) as path:
        assert config_names(path).must_be("MCP_OK").value == ["b", "a é"]
        load(path, "a é").must_be("MCP_OK")
    with config_file({"mcpServers": {}}) as path:
        assert config_names(path).must_be("MCP_OK").value == []
    must_be_rejected(two, '"c"', "a é", name="c")
    must_be_rejected(two, "a é")
    must_be_rejected(two, name="")
    with config_file(b"\xef\xbb\xbf" + json.dumps(two).encode()) as path:
        config_names(path).must_be("MCP_OK")


# --- Keys -------------------------------------------------------------------------------------------------------------


@case
def values_of_a_wrong_type_are_rejected_with_their_key():
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
        must_be_rejected(server, f"mcpServers.s.{key}: ")
    must_be_rejected({"mcpServers": {"s": 5}}, "mcpServers.s")
    must_be_rejected(url | command, "mcpServers.s")
    must_be_rejected({"timeout": 5}, "mcpServers.s")


@case
def invalid_values_are_rejected_with_their_key():
    url, command, failures = {"url": "http://h/"}, {"command": "x"}, []
    for server, key in (
        ({"url": ""}, "url"), ({"url": "no url"}, "url"), ({"url": "ftp://h/"}, "url"), ({"command": ""}, "command"),
        (url | {"auth": f"Bearer {SECRET}"}, "auth"), (url | {"auth": f"{SECRET}\n"}, "auth"),
        (url | {"auth": ""}, "auth"), (url | {"headers": {"X-A": f"{SECRET}\r\nX-B: c"}}, "headers.X-A"),
        (url | {"headers": {"Host": "x"}}, "headers.Host"),
        (url | {"headers": {"X A": SECRET}}, "headers.X A"), (command | {"env": {"": SECRET}}, "env."),
        (command | {"env": {"A=B": SECRET}}, "env.A=B"), (command | {"env": {"A": f"{SECRET}\0"}}, "env.A"),
        (command | {"args": ["a\0b"]}, "args.0"), (command | {"cwd": "a\0b"}, "cwd"),
    ):  # fmt: skip
        try:
            must_be_rejected(server, f"mcpServers.s.{key}")
        except AssertionError as failure:
            failures.append(f"{key}: {failure}")
    assert not failures, "\n".join(failures)


@case
def secrets_of_the_environment_are_not_shown():
    with environment(TEST_SECRET=f"{SECRET} x"):
        for server in (
            {"url": "${TEST_SECRET}"}, {"url": "http://h/", "auth": "${TEST_SECRET}"},
            {"url": "http://h/", "transport": "${TEST_SECRET}"},
        ):  # fmt: skip
            must_be_rejected(server)


@case
def unset_variables_are_rejected():
    os.environ.pop("TEST_UNSET", None)
    must_be_rejected({"url": "http://h/${TEST_UNSET}"}, "mcpServers.s.url", "TEST_UNSET")
    must_be_rejected({"command": "x", "args": ["a", "${TEST_UNSET}"]}, "mcpServers.s.args.1", "TEST_UNSET")
    must_be_rejected({"url": "http://h/", "auth": "${TEST_UNSET}"}, "mcpServers.s.auth")
    for broken in ("${TEST_UNSET", "${", "x${}y", "${:}"):
        must_be_rejected({"command": "x", "env": {"A": broken}}, "mcpServers.s.env.A")
    # Unset variables of other servers in the file do not matter.
    with config_file({"mcpServers": {"a": {"url": "http://h/"}, "b": {"url": "${TEST_UNSET}"}}}) as path:
        load(path, "a").must_be("MCP_OK")


@case
def the_size_of_expanded_variables_is_limited():
    with environment(TEST_LONG="x" * 100_000):
        must_be_rejected({"command": "x", "args": ["${TEST_LONG}" * 8000]}, "mcpServers.s.args.0: ", "1048576 bytes")
        must_be_rejected({"command": "x", "args": ["${TEST_LONG}"] * 8000}, "mcpServers.s.args.10: ")
        headers = {f"X-{number}": "${TEST_LONG}" for number in range(100)}
        must_be_rejected({"url": "http://h/", "headers": headers}, "mcpServers.s.headers.X-10: ")
        with config_file({"command": "x", "args": ["${TEST_LONG}"] * 10}) as path:
            load(path).must_be("MCP_OK")


@case
def variables_of_editors_are_rejected_unless_they_have_a_value():
    for text, word in (
        ("${input:token}", "${input:token}"), ("${workspaceFolder}/x", "${workspaceFolder}"),
        ("${command:x.y}", "${command:x.y}"),
    ):  # fmt: skip
        for server, key in (
            ({"command": "x", "env": {"A": text}}, "env.A"), ({"command": "x", "cwd": text}, "cwd"),
            ({"url": "http://h/", "auth": text}, "auth"),
        ):  # fmt: skip
            must_be_rejected(server, f"mcpServers.s.{key}: ", word, "editor", "${NAME}")
    found = reported_by({"args": ["${workspaceFolder:-here}", "${userHome}"]})
    assert found["argv"] == ["here", os.environ["HOME"]], found["argv"]


# --- Formats of other host programs -----------------------------------------------------------------------------------


@case
def server_maps_of_other_hosts_are_found():
    server = {"url": "http://h/", "type": "http"}
    for file, key in (
        ({"mcpServers": {"s": server}}, "mcpServers"),
        ({"servers": {"s": server}, "inputs": [{"id": "x"}]}, "servers"),
        ({"editor.x": 1, "mcp": {"servers": {"s": server}, "inputs": []}}, "mcp.servers"),
        ({"mcp.servers": {"s": server}}, "mcp.servers"),
        ({"mcpServers": None, "servers": {"s": server}}, "servers"),
    ):  # fmt: skip
        with config_file(file) as path:
            assert config_names(path).must_be("MCP_OK").value == ["s"]
            load(path).must_be("MCP_OK")
            load(path, "s").must_be("MCP_OK")
        text = json.dumps(file).replace('"http://h/"', "5")
        must_be_rejected(text, f"{key}.s.url: ")
    for file in ({"servers": 5}, {"mcp": {"servers": []}}, {"mcp": {}}, {"mcp": None}):
        must_be_rejected(file, "ervers")


@case
def comments_and_trailing_commas_are_accepted():
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
        with config_file(content) as path:
            assert config_names(path).must_be("MCP_OK").value == ["a", "b"]
            load(path, "a").must_be("MCP_OK")
    # Comments do not change the line number in an error.
    must_be_rejected("/*\n\n*/ {\n  \"a\": x }", "line 4")
    for broken in ("/", "{/}", "/* x", '{"a":/**/}', "{,}", '{"mcpServers":{"a",}}', "// x"):
        must_be_rejected(broken)
    with Server(lambda _server, request: legacy(request)) as server:
        text = '{"s": {"url": "%s", "headers": {"X-A": "/* a */ // b,}"}, },}' % server.url
        with config_file(text) as path, client_from(path) as client:
            client.ping().must_be("MCP_OK")
        assert server.requests[0].headers["x-a"] == "/* a */ // b,}"


@case
def keys_and_types_of_other_hosts_are_accepted():
    url, command = {"url": "http://h/"}, {"command": "x"}
    for server in (
        {"httpUrl": "http://h/"}, {"serverUrl": "http://h/"}, {"httpUrl": "http://h/", "url": "http://h/sse"},
        url | {"command": ""}, command | {"url": ""}, url | {"command": None}, command | {"url": None, "httpUrl": None},
        url | {
            "headers": {"X-A": None}, "auth": None, "timeout": None, "transport": None, "type": None, "disabled": None,
        },
        command | {"args": None, "env": {"A": None}, "cwd": None, "envFile": None, "type": "stdio"},
        command | {"type": "local"}, command | {"disabled": False, "enabled": True},
        url | command | {"type": "http"}, url | command | {"type": "stdio"},
    ):  # fmt: skip
        with config_file(server) as path:
            load(path).must_be("MCP_OK")
    must_be_rejected({"url": "", "command": ""}, "mcpServers.s")
    must_be_rejected({"url": None, "command": None}, "mcpServers.s: ")
    must_be_rejected(url | {"type": "stdio"}, "mcpServers.s.type: ", '"command"')
    must_be_rejected(command | {"type": "sse"}, "mcpServers.s.type: ", '"stdio"')
    must_be_rejected({"httpUrl": "ftp://h/"}, "mcpServers.s.httpUrl: ")
    with Server(lambda _server, request: legacy(request)) as server:
        for key in ("type", "transport"):
            for spelling in ("http", "streamable-http", "streamableHttp", "streamable_http", "HTTP", "sse", "SSE"):
                with config_file({"url": server.url, key: spelling}) as path, client_from(path) as client:
                    seen = len(server.requests)
                    client.ping(timeout=2000)
                    assert server.requests[seen].method == ("GET" if spelling.lower() == "sse" else "POST"), spelling


@case
def a_tilde_expands_to_the_home_directory():
    with folder() as place:
        (place / "server").write_text(f"#!{sys.executable}\n{REPORTING}")
        (place / "server").chmod(0o755)
        (place / "variables").write_text("A=1")
        (place / "work").mkdir()
        server = {
            "command": "~/server", "args": [str(place / "found"), "~/x"], "cwd": "~/work", "envFile": "~/variables",
            "env": {"B": "~/x"},
        }  # fmt: skip
        with config_file(server) as path, environment(HOME=str(place)), client_from(path) as client:
            client.ping(timeout=5000).must_be("MCP_OK")
        found = json.loads((place / "found").read_text())
        assert os.path.samefile(found["cwd"], place / "work"), found
        assert found["argv"] == ["~/x"] and found["env"]["B"] == "~/x", found
        assert found["env"]["A"] == "1"
    with config_file({"command": "~other/x"}) as path:
        load(path).must_be("MCP_OK")


@case
def env_files_are_read():
    file = b"\xef\xbb\xbf# of the server\r\nA=1\r\nexport B = 'x #y' # z\n\nC=\"a\\nb\"\nD=from the file\nHOME=/mine\n"
    for env_file, name in ((".env", ".env"), ("./x.env", "x.env"), ("${TEST_NAME}.env", "y.env")):
        server = {"envFile": env_file, "env": {"D": "from env"}}
        found = reported_by(server, {name: file}, TEST_NAME="y")["env"]
        values = [found.get(variable) for variable in "ABCD"]
        assert values == ["1", "x #y", "a\nb", "from env"], found
        assert found["HOME"] == "/mine"
    must_be_rejected({"command": "x", "envFile": "none.env"}, "mcpServers.s.envFile: none.env: ")
    must_be_rejected({"command": "x", "envFile": ""}, "mcpServers.s.envFile: ")
    must_be_rejected({"command": "x", "envFile": 5}, "mcpServers.s.envFile: ")
    for broken, line in (
        (f"A=1\n{SECRET}\n", 2), (f"A='{SECRET}", 1), (f"{SECRET} x=1", 1), (f"\n\nA=\"x\"{SECRET}", 3), (b"A=1\0", 1),
    ):  # fmt: skip
        place = f"mcpServers.s.envFile: .env, line {line}: "
        must_be_rejected({"command": "x", "envFile": ".env"}, place, **{".env": broken})
    must_be_rejected({"command": "x", "envFile": ".env"}, "UTF-8", **{".env": b"A=\xff"})
    must_be_rejected({"command": "x", "envFile": ".env"}, "larger than", **{".env": b"#" * (1 << 21)})
    # Its values are treated as secrets, like those of "env".
    script = PRELUDE + "print(os.environ['A'], file=sys.stderr, flush=True); serve()"
    server = {"command": sys.executable, "args": ["-c", script], "envFile": ".env"}
    with config_file(server, **{".env": f"A={SECRET}"}) as path, client_from(path) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        poll(lambda: any("[redacted]" in line for line in client.lines), client.lines)
        assert not any(SECRET in line for line in client.lines), client.lines


@case
def disabled_servers_are_marked_and_cannot_be_used():
    file = {
        "mcpServers": {
            "a": {"url": "http://h/", "disabled": True},
            "b": {"command": "x"},
            "c": {"url": "http://h/", "enabled": False},
        }
    }
    with config_file(file) as path:
        assert config_names(path).must_be("MCP_OK").value == ["a", "b", "c"]
        servers = config_servers(path).must_be("MCP_OK").value
        expected = [{"name": name, "disabled": disabled} for name, disabled in (("a", True), ("b", False), ("c", True))]
        assert servers == expected, servers
        load(path).must_be("MCP_OK")  # takes b, the only enabled server
        load(path, "b").must_be("MCP_OK")
    must_be_rejected(file, "mcpServers.a.disabled: ", name="a")
    must_be_rejected(file, "mcpServers.c.enabled: ", name="c")
    must_be_rejected(file, "a (disabled), b, c (disabled)", name="d")
    must_be_rejected({"url": "http://h/", "disabled": True}, "mcpServers.s.disabled: ")
    must_be_rejected({"url": "http://h/", "disabled": "yes"}, "mcpServers.s.disabled: ")


# --- Effects of the settings ------------------------------------------------------------------------------------------


@case
def a_process_gets_the_arguments_environment_and_directory_of_the_file():
    with folder() as place:
        args = [
            "a b", "${TEST_SET}", "${TEST_UNSET:-x y}", "${TEST_EMPTY:-d}", "${TEST_EMPTY}", "$HOME $$ {x}",
            8, True, "",
        ]  # fmt: skip
        env = {"A": "1-${TEST_SET}-${TEST_SET}", "PATH": "/mine", "N": 5}
        found = reported_by({"args": args, "env": env, "cwd": str(place)}, TEST_SET="${TEST_EMPTY}", TEST_EMPTY="")
        # Values of variables are not expanded again.
        assert found["argv"] == ["a b", "${TEST_EMPTY}", "x y", "d", "", "$HOME $$ {x}", "8", "true", ""], found["argv"]
        assert found["env"]["A"] == "1-${TEST_EMPTY}-${TEST_EMPTY}" and found["env"]["N"] == "5", found["env"]
        assert found["env"]["PATH"] == "/mine" and "TEST_SET" not in found["env"]
        assert os.path.samefile(found["cwd"], place)


@case
def a_process_that_cannot_be_started_is_an_error():
    with config_file({"command": "/there/is/none"}) as path, client_from(path) as client:
        client.ping().must_be("MCP_PROCESS_FAILED").must_end(0)
    with config_file({"command": "true", "cwd": "/there/is/none"}) as path, client_from(path) as client:
        client.ping().must_be("MCP_PROCESS_FAILED").must_end(0)


@case
def the_timeout_of_the_file_is_used():
    server = {"command": sys.executable, "args": ["-c", PRELUDE + "begin()\nwhile True: ask()"], "timeout": 300}
    with config_file(server) as path, client_from(path) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        # A call without options uses the timeout of the file.
        outcome = call(lib.mcp_ping, client.client, None).must_be("MCP_TIMEOUT").must_end(300, after=300)
        assert "300 ms" in outcome.message and "configuration file" in outcome.message, outcome.message
        warnings = [line for line in client.lines if "seconds" in line]
        assert len(warnings) == 1 and "300 ms" in warnings[0], client.lines
        # Timeouts of the call and of mcp_set_timeout are not attributed to the file.
        assert "configuration file" not in client.ping(timeout=300).must_be("MCP_TIMEOUT").message
        declare(ctypes.c_int, mcp_set_timeout=[c_void_p, ctypes.c_uint64, ERROR])
        call(lib.mcp_set_timeout, client.client, 200).must_be("MCP_OK")
        outcome = call(lib.mcp_ping, client.client, None).must_be("MCP_TIMEOUT").must_end(200, after=200)
        assert "configuration file" not in outcome.message, outcome.message
    for usual in (0, 1000, 60_000):
        with config_file(server | {"timeout": usual}) as path, client_from(path) as client:
            client.ping(timeout=5000).must_be("MCP_OK")
            assert not any("seconds" in line for line in client.lines), client.lines


@case
def requests_carry_the_credentials_and_headers_of_the_file():
    with Server(lambda _server, request: legacy(request)) as server, environment(TEST_TOKEN=SECRET):
        file = {"url": server.url, "auth": "${TEST_TOKEN}", "headers": {"X-Key": "k-${TEST_TOKEN}", "X-Number": 5}}
        with config_file(file) as path, client_from(path) as client:
            client.ping().must_be("MCP_OK")
            client.set_bearer("another").must_be("MCP_OK")  # overrides the file
            client.ping().must_be("MCP_OK")
            assert not any(SECRET in line for line in client.lines), client.lines
        first, last = server.requests[0].headers, server.requests[-1].headers
        assert first["authorization"] == f"Bearer {SECRET}" and last["authorization"] == "Bearer another"
        assert first["x-key"] == f"k-{SECRET}" and first["x-number"] == "5", first


@case
def the_transport_of_the_file_is_used():
    with Server(lambda _server, request: legacy(request)) as server:
        for transport, first in (("http", "POST"), ("streamable-http", "POST"), ("sse", "GET")):
            with config_file({"url": server.url, "transport": transport}) as path, client_from(path) as client:
                seen = len(server.requests)
                statuses = ["MCP_OK"] if first == "POST" else ["MCP_UNEXPECTED_CONTENT", "MCP_HTTP_ERROR"]
                client.ping(timeout=2000).must_be(*statuses)
                assert server.requests[seen].method == first, transport


run()
