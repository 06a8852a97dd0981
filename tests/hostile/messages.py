"""Each error and each log line is a single printable line of at most 2 KiB and still names the reason, even if it
quotes control characters or long texts of a server, a file or the caller."""

import ctypes
import json
import os
from ctypes import POINTER, c_char_p, c_int, c_void_p

from harness import ERROR, Client, Server, call, case, declare, error, events, http, legacy, lib, run
from newer import PRELUDE, folder, listed, process_of

declare(c_int, mcp_set_transport=[c_void_p, ctypes.c_int32, ERROR])
declare(c_int, mcp_set_client_info=[c_void_p, c_char_p, c_char_p, ERROR])
declare(c_int, mcp_set_tls_ca_file=[c_void_p, c_char_p, ERROR], mcp_set_proxy=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_set_unix_socket=[c_void_p, c_char_p, ERROR])

LONGEST = 2048

# C0 and C1 control characters, separators, bidirectional controls, and characters that can hide text.
EVIL = "a\n\x1b[31m\r\x7f\x9b31m\x85\u2028\u2029\u202e\u2066\u200f\ufeff\U000e0041b"
LONG = "é€𐍈" * 120_000


def must_be_readable(text):
    assert len(text.encode()) <= LONGEST, f"{len(text.encode())} bytes, {LONGEST} are allowed"
    bad = {hex(ord(c)) for c in text if c in EVIL and not c.isascii() or ord(c) < 32 or c == "\x7f"}
    assert not bad, bad


def must_fail_readably(outcome, *words):
    assert outcome.status != "MCP_OK"
    must_be_readable(outcome.message)
    must_be_readable(outcome.challenge)
    for word in words:
        assert word in outcome.message, f"no {word!r} in: {outcome.message[:3000]}"
    return outcome


def must_log_readably(client):
    for line in client.lines:
        must_be_readable(line)


def failure(function, *arguments):
    """The outcome of a constructor, which has to fail."""

    def make(error):
        assert not function(*arguments, error)
        return lib.mcp_error_status(ctypes.cast(error, POINTER(c_void_p)).contents)

    lib.mcp_error_status.restype, lib.mcp_error_status.argtypes = ctypes.c_int32, [c_void_p]
    return call(make)


@case
def errors_of_constructors_are_readable():
    for text in (EVIL, LONG):
        for url in (text, f"http://{text}/", f"http://h:{text}/", f"{text}://h/"):
            must_fail_readably(failure(lib.mcp_client_new, url.encode()))
        must_fail_readably(failure(lib.mcp_client_new_from_config, text.encode(), None))


@case
def errors_of_settings_are_readable():
    with Client("http://127.0.0.1:1/") as client:
        for text in (EVIL, LONG):
            must_fail_readably(client.set_header(text, "x"))
            for function in (lib.mcp_set_protocol_version, lib.mcp_set_tls_ca_file, lib.mcp_set_proxy):
                must_fail_readably(call(function, client.client, text.encode()))
        must_fail_readably(call(lib.mcp_set_unix_socket, client.client, LONG.encode()))
        must_fail_readably(client.ping(timeout=2000), "connection refused")


@case
def errors_of_configuration_files_are_readable():
    for text in (EVIL, LONG):
        for content, name, *words in (
            ({"mcpServers": {text: {"url": 5}}}, None, "url: it is not a string"),
            ({"mcpServers": {text: {"url": "http://h/", "headers": {text: []}}}}, None, "it is not a string"),
            ({"mcpServers": {text: {"url": "http://h/", "headers": {text: "x"}}}}, None, "headers."),
            ({"mcpServers": {text: {"command": "x", "env": {f"={text}": "x"}}}}, None, "is not a valid variable name"),
            ({"mcpServers": {text: {"command": "x", "args": [f"${{{text}}}"]}}}, None, "args.0: ", "is not set"),
            ({"mcpServers": {text: {"command": "x", "envFile": text}}}, None, "envFile: "),
            ({"mcpServers": {text: {"url": "http://h/", "disabled": True}}}, None, "is disabled"),
            ({"mcpServers": {f"{text}{n}": {"url": "http://h/"} for n in range(2)}}, None, "pass the name of a server"),
            ({"mcpServers": {text: {"url": "http://h/"}}}, text + "x", "has no server"),
        ):
            with folder() as place:
                path = place / "servers.json"
                path.write_text(json.dumps(content, ensure_ascii=False))
                name = name.encode() if name else None
                must_fail_readably(failure(lib.mcp_client_new_from_config, os.fsencode(path), name), str(path), *words)


@case
def errors_of_stdio_servers_are_readable():
    for text in (EVIL, LONG):
        with process_of([f"/{text}"]) as client:
            must_fail_readably(client.ping(timeout=5000), "cannot be started")
            must_log_readably(client)
    script = f"""
begin(); print({EVIL!r}.replace(chr(10), ''), {LONG[:3]!r} * 20_000, file=sys.stderr, flush=True); ask(); sys.exit(3)
"""
    with process_of(["python3", "-c", PRELUDE + script]) as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        must_fail_readably(client.ping(timeout=5000), "status 3", "[31m")
        assert any("[31m" in line for line in client.lines)
        must_log_readably(client)


@case
def errors_of_http_servers_are_readable():
    long_challenge = 'Bearer error="x", error_description="' + "y" * 10_000 + '"'
    for text in (EVIL, LONG[:60_000]):
        for refuse in (
            lambda request, text=text: error(request, -32000, text),
            lambda request, text=text: error(request, -32000, text, status=500),
            lambda _request, text=text: http(400, text, "text/plain"),
            lambda _request, text=text: http(502, {"message": text}),
            lambda _request, text=text: http(200, "x", text[:5000].encode("unicode_escape").decode()),
            lambda _request: http(401, "", WWW_Authenticate=long_challenge),
            lambda _request, text=text: events({"jsonrpc": "2.0", "id": text}, {"jsonrpc": "2.0", "method": text}),
            lambda _request, text=text: http(200, '{"jsonrpc":"2.0","id":' + json.dumps(text) + ',"x":'),
        ):

            def handler(_server, request, refuse=refuse):
                return refuse(request) if request.rpc == "tools/list" else legacy(request)

            with Server(handler) as server, Client(server.url, bearer="a-token-of-the-client") as client:
                must_fail_readably(listed(client, timeout=2000), "http://127.0.0.1:")
                must_log_readably(client)


@case
def an_error_with_a_long_url_still_names_the_reason():
    with Client("http://127.0.0.1:1/" + "x" * 10_000) as client:
        must_fail_readably(client.ping(timeout=2000), "ping http://127.0.0.1:1/xxx", "connection refused")


run()
