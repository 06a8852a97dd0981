"""Servers that echo secrets they received: neither the errors nor the log show them."""

import ctypes
import json
import threading
from ctypes import POINTER, c_char_p, c_int, c_void_p
from urllib.parse import quote

from harness import (
    ERROR, LEGACY, LOG, MODERN, PATIENCE, STREAM, Client, Server, answer, call, case, declare, discovered, error, event,
    http, initialized, legacy, lib, must_not_show, poll, result, run,
)  # fmt: skip
from newer import listed

declare(c_void_p, mcp_client_new_stdio=[POINTER(c_char_p), ERROR])
declare(c_int, mcp_set_environment=[c_void_p, c_char_p, c_char_p, ERROR])

TOKEN = "tok+en/abc=="
BEARER = f"Bearer {TOKEN}"


def ping_shows_no_secret(handler, *statuses, secrets=(TOKEN,), bearer=TOKEN, pin=None, headers=None):
    """Pings a server that echoes secrets, and checks that they are redacted. Returns the outcome."""
    with Server(handler) as server, Client(server.url, bearer=bearer, headers=headers, pin=pin) as client:
        outcome = client.ping(timeout=5000).must_be(*statuses)
        print(f"    {outcome.status}: {outcome.message[-160:]}")
        must_not_show(outcome, client.lines, *secrets)
        assert outcome.message
        return outcome


# --- Parts of a response ----------------------------------------------------------------------------------------------


@case
def secrets_in_a_redirect_target_are_redacted():
    def handler(_server, _request):
        return http(307, Location=f"https://login.example/{TOKEN}/x")

    ping_shows_no_secret(handler, "MCP_REDIRECT_REFUSED")


@case
def secrets_in_the_content_type_are_redacted():
    ping_shows_no_secret(lambda *_: http(200, "hi", kind=f"text/{TOKEN}"), "MCP_UNEXPECTED_CONTENT", pin=LEGACY)


@case
def secrets_in_the_result_type_are_redacted():
    def handler(_server, request):
        return discovered(request, resultType=request.authorization)

    ping_shows_no_secret(handler, "MCP_INVALID_MESSAGE", "MCP_VERSION_UNSUPPORTED", pin=MODERN)


@case
def secrets_in_the_protocol_version_are_redacted():
    def handler(_server, request):
        if request.rpc == "initialize":
            return initialized(request, protocolVersion=request.authorization)
        return legacy(request)

    ping_shows_no_secret(handler, "MCP_VERSION_UNSUPPORTED")


@case
def secrets_in_the_supported_versions_are_redacted():
    def handler(_server, request):
        return discovered(request, supportedVersions=[request.authorization])

    ping_shows_no_secret(handler, "MCP_VERSION_UNSUPPORTED")


@case
def secrets_in_an_invalid_error_are_redacted():
    # JSON parsers often quote the unexpected value in their error.
    for broken in [{"code": BEARER, "message": "x"}, {"code": 1, "message": {TOKEN: 1}}, BEARER, [BEARER]]:
        def handler(_server, request, broken=broken):
            return http(200, {"jsonrpc": "2.0", "id": request.message["id"], "error": broken})

        ping_shows_no_secret(handler, "MCP_INVALID_MESSAGE", "MCP_RPC_ERROR", "MCP_INVALID_JSON", pin=LEGACY)


@case
def secrets_in_truncated_json_are_redacted():
    body = f'{{"jsonrpc":"2.0","id":1,"error":{{"code":"{BEARER}"'
    ping_shows_no_secret(lambda *_: http(200, body), "MCP_INVALID_JSON", pin=LEGACY)


# --- Escaped forms ----------------------------------------------------------------------------------------------------

FORMS = {
    "not escaped": TOKEN,
    "JSON, slash": TOKEN.replace("/", "\\/"),
    "percent": quote(TOKEN, safe=""),
    "percent, lower case": quote(TOKEN, safe="").replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d"),
}

MIXED = {
    "percent, all": "".join(f"%{ord(c):02X}" for c in TOKEN),
    "percent, some": TOKEN.replace("k", "%6b").replace("=", "%3D", 1),
    "JSON, all": "".join(f"\\u{ord(c):04x}" for c in TOKEN),
    "JSON and percent": TOKEN.replace("+", "\\u002B").replace("/", "%2F"),
    "percent, twice": quote(quote(TOKEN, safe="")),
    "JSON, twice": TOKEN.replace("/", "\\\\\\/").replace("a", "\\\\u0061"),
}


@case
def escaped_secrets_in_a_quoted_body_are_redacted():
    for form in FORMS.values():
        body = f'{{"detail":"bad token {form}"}}'
        ping_shows_no_secret(lambda *_, body=body: http(500, body), "MCP_SERVER_ERROR", pin=LEGACY)


@case
def secrets_with_mixed_escapes_are_redacted():
    """Any character can be escaped, each in a different way, and more than once."""
    for form in MIXED.values():
        def handler(_server, request, form=form):
            text = json.dumps(form)
            return http(200, f'{{"jsonrpc":"2.0","id":{request.message["id"]},'
                             f'"error":{{"code":1,"message":{text},"data":{{"t":{text}}}}}}}')  # fmt: skip

        def text_handler(_server, _request, form=form):
            return http(500, f"bad token {form}!", kind="text/plain")

        outcome = ping_shows_no_secret(text_handler, "MCP_SERVER_ERROR", pin=LEGACY)
        assert "[redacted]" in outcome.message, outcome.message
        outcome = ping_shows_no_secret(handler, "MCP_RPC_ERROR", pin=LEGACY)
        assert "[redacted]" in outcome.message and not outcome.data, outcome


@case
def escaped_secrets_in_error_data_are_redacted():
    for form in [*FORMS.values(), TOKEN.replace("+", "\\u002b")]:
        def handler(_server, request, form=form):
            return http(200, f'{{"jsonrpc":"2.0","id":{request.message["id"]},'
                             f'"error":{{"code":1,"message":"m","data":{{"t":"{form}"}}}}}}')  # fmt: skip

        ping_shows_no_secret(handler, "MCP_RPC_ERROR", pin=LEGACY)


@case
def error_data_without_secrets_is_kept():
    data = {"t": "a\n/b", "n": [1, 2]}

    def handler(_server, request):
        return error(request, 1, "m", data)

    assert json.loads(ping_shows_no_secret(handler, "MCP_RPC_ERROR", pin=LEGACY).data) == data


# --- Kinds of secrets -------------------------------------------------------------------------------------------------


@case
def a_token_that_was_replaced_during_the_call_is_redacted():
    received, replaced = threading.Event(), threading.Event()

    def handler(_server, request):
        received.set()
        replaced.wait(PATIENCE)
        challenge = f'Bearer error="invalid_token", error_description="bad {request.authorization}"'
        return http(401, WWW_Authenticate=challenge)

    with Server(handler) as server, Client(server.url, bearer="OLDSECRETTOKEN") as client:
        ping = client.begin_ping(timeout=5000)
        assert received.wait(PATIENCE)
        client.set_bearer("NEWSECRETTOKEN").must_be("MCP_OK")
        replaced.set()
        outcome = ping.result().must_be("MCP_UNAUTHORIZED")
        assert "invalid_token" in outcome.challenge, outcome.challenge
        must_not_show(outcome, client.lines, "OLDSECRETTOKEN", "NEWSECRETTOKEN")


@case
def a_secret_that_begins_with_another_secret_is_redacted():
    def handler(_server, request):
        return http(500, f"bad key {request.headers['x-b']}", kind="text/plain")

    ping_shows_no_secret(handler, "MCP_SERVER_ERROR", bearer=None, pin=LEGACY, secrets=["abcdef", "SECRETREST"],
                       headers={"X-A": "abcdef", "X-B": "abcdefSECRETREST"})  # fmt: skip


@case
def each_cookie_value_is_redacted():
    def handler(_server, _request):
        return http(500, "bad session SECRETSESSION", kind="text/plain")

    ping_shows_no_secret(handler, "MCP_SERVER_ERROR", bearer=None, pin=LEGACY, secrets=["SECRETSESSION"],
                       headers={"Cookie": "sid=SECRETSESSION; theme=dark"})  # fmt: skip


@case
def session_ids_are_redacted():
    def handler(server, request):
        if request.rpc == "initialize":
            return initialized(request, session=f"SECRET-SESSION-{server.saw().count('initialize')}")
        if request.rpc == "ping":
            return http(404, f"session {request.session} not found", kind="text/plain")
        return legacy(request)

    ping_shows_no_secret(handler, "MCP_SESSION_LOST", secrets=["SECRET-SESSION"])


@case
def session_ids_in_json_rpc_errors_are_redacted():
    def handler(_server, request):
        if request.rpc == "initialize":
            return initialized(request, session="SECRET-SESSION")
        if request.rpc == "ping":
            return error(request, -32603, f"lost {request.session}", {"id": request.session}, status=500)
        return legacy(request)

    # An error that quotes the id of the session is about the session.
    ping_shows_no_secret(handler, "MCP_SESSION_LOST", secrets=["SECRET-SESSION"])


@case
def environment_values_in_the_output_of_a_process_are_redacted():
    """Environment variables set for a stdio server, in its output on stderr and in its responses."""
    responds = 'read x; echo \'{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"bad \'$API_KEY\'"}}\'; read x'
    # A long line and its excerpt can be truncated in the middle of the token.
    lengths = (190, 199, 385, 389, 395, 399, 400, 8181, 8190)
    truncated = [f"echo {'x' * length}$API_KEY >&2; exit 3" for length in lengths]
    for script in ("echo no luck with $API_KEY >&2; exit 3", *truncated, responds):
        lines = []
        log = LOG(lambda _data, _level, line: lines.append(line.decode()))
        argv = (c_char_p * 4)(b"sh", b"-c", script.encode(), None)
        client = lib.mcp_client_new_stdio(ctypes.cast(argv, POINTER(c_char_p)), None)
        call(lib.mcp_set_log, client, log, None, None).must_be("MCP_OK")
        call(lib.mcp_set_environment, client, b"API_KEY", TOKEN.encode()).must_be("MCP_OK")
        outcome = call(lib.mcp_ping, client, None).must_be("MCP_PROCESS_FAILED", "MCP_RPC_ERROR")
        print(f"    {outcome.status}: {outcome.message[-160:]}")
        lib.mcp_client_free(client)
        must_not_show(outcome, lines, TOKEN[:5])


# --- Secrets that are set during a call -------------------------------------------------------------------------------


@case
def secrets_that_are_set_during_a_call_are_redacted():
    """During a call, the token is replaced and used by another call, and a cookie is set: the first call shows
    neither."""
    waiting, go = [], threading.Event()

    def handler(_server, request):
        if request.rpc == "server/discover" and not waiting:
            return discovered(request)
        if request.rpc == "tools/list":
            waiting.append(request)
            request.send(STREAM)
            assert go.wait(PATIENCE)
            words = b"SECOND-TOKEN and SECRET-COOKIE"
            request.send(b"data: hello " + words + b"\n\n")
            value = {"code": -32000, "message": words.decode()}
            return event({"jsonrpc": "2.0", "id": request.message["id"], "error": value})
        value = {"resultType": "complete", "supportedVersions": [MODERN], "capabilities": {}}
        return result(request, value, Set_Cookie="sid=SECRET-COOKIE")

    with Server(handler) as server, Client(server.url, bearer="FIRST-TOKEN") as client:
        client.connect().must_be("MCP_OK")
        calling = client.begin(lambda: listed(client, timeout=20_000))
        server.must_see("tools/list")
        client.set_bearer("SECOND-TOKEN").must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        go.set()
        outcome = calling.result().must_be("MCP_RPC_ERROR")
        assert any("hello" in line for line in client.lines), client.lines
        must_not_show(outcome, client.lines, "SECOND-TOKEN", "SECRET-COOKIE")


@case
def secrets_on_the_http_sse_stream_are_redacted():
    """A separate thread reads the HTTP+SSE stream. Secrets are a cookie and the target of a redirect."""
    streams = []

    def handler(_server, request):
        if request.method == "GET" and "SECRET-KEY" not in request.path:
            return http(307, kind=None, Location="/mcp/sse?key=SECRET-KEY")
        if request.method == "GET":
            streams.append(request)
            request.send(STREAM + b"event: endpoint\ndata: /messages\n\n")
            return request.hold()
        if request.rpc == "initialize":
            streams[0].send(event(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}})))
        elif request.rpc == "ping":
            streams[0].send(b"data: hello SECRET-KEY and SECRET-COOKIE\n\n" + event(answer(request, {})))
        return http(202, kind=None, Set_Cookie="sid=SECRET-COOKIE")

    with Server(handler) as server, Client(server.url + "/sse") as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        outcome = client.ping(timeout=20_000).must_be("MCP_OK")
        poll(lambda: any("hello" in line for line in client.lines), "the skipped text was not logged")
        must_not_show(outcome, client.lines, "SECRET-KEY", "SECRET-COOKIE")


run()
