"""Servers that echo what they got: no error and no log line shows it."""

import ctypes
import json
import threading
from ctypes import POINTER, c_char_p, c_int, c_void_p
from urllib.parse import quote

from harness import (
    ERROR, LEGACY, LOG, MODERN, PATIENCE, STREAM, Client, Server, answer, call, case, declare, discovered, error, event, http,
    initialized, legacy, lib, must_not_show, poll, result, run,
)  # fmt: skip
from newer import listed

declare(c_void_p, mcp_client_new_stdio=[POINTER(c_char_p), ERROR])
declare(c_int, mcp_set_environment=[c_void_p, c_char_p, c_char_p, ERROR])

TOKEN = "tok+en/abc=="
BEARER = f"Bearer {TOKEN}"


def ping_shows_nothing(handler, *statuses, secrets=(TOKEN,), bearer=TOKEN, pin=None, headers=None):
    """The outcome of a ping to a server that echoes secrets in vain."""
    with Server(handler) as server, Client(server.url, bearer=bearer, headers=headers, pin=pin) as client:
        outcome = client.ping(timeout=5000).must_be(*statuses)
        print(f"    {outcome.status}: {outcome.message[-160:]}")
        must_not_show(outcome, client.lines, *secrets)
        assert outcome.message
        return outcome


# --- Every place that a server can put it -----------------------------------------------------------------------------


@case
def in_the_target_of_a_redirect():
    def handler(_server, _request):
        return http(307, Location=f"https://login.example/{TOKEN}/x")

    ping_shows_nothing(handler, "MCP_REDIRECT_REFUSED")


@case
def in_the_content_type():
    ping_shows_nothing(lambda *_: http(200, "hi", kind=f"text/{TOKEN}"), "MCP_UNEXPECTED_CONTENT", pin=LEGACY)


@case
def in_the_result_type():
    def handler(_server, request):
        return discovered(request, resultType=request.authorization)

    ping_shows_nothing(handler, "MCP_INVALID_MESSAGE", "MCP_VERSION_UNSUPPORTED", pin=MODERN)


@case
def in_the_protocol_version():
    def handler(_server, request):
        if request.rpc == "initialize":
            return initialized(request, protocolVersion=request.authorization)
        return legacy(request)

    ping_shows_nothing(handler, "MCP_VERSION_UNSUPPORTED")


@case
def in_the_supported_versions():
    def handler(_server, request):
        return discovered(request, supportedVersions=[request.authorization])

    ping_shows_nothing(handler, "MCP_VERSION_UNSUPPORTED")


@case
def in_a_malformed_error():
    # What reads JSON likes to quote the value that it did not expect.
    for broken in [{"code": BEARER, "message": "x"}, {"code": 1, "message": {TOKEN: 1}}, BEARER, [BEARER]]:
        def handler(_server, request, broken=broken):
            return http(200, {"jsonrpc": "2.0", "id": request.message["id"], "error": broken})

        ping_shows_nothing(handler, "MCP_INVALID_MESSAGE", "MCP_RPC_ERROR", "MCP_INVALID_JSON", pin=LEGACY)


@case
def in_json_that_breaks_off():
    body = f'{{"jsonrpc":"2.0","id":1,"error":{{"code":"{BEARER}"'
    ping_shows_nothing(lambda *_: http(200, body), "MCP_INVALID_JSON", pin=LEGACY)


# --- Every form that it can have --------------------------------------------------------------------------------------

FORMS = {
    "as it is": TOKEN,
    "JSON, slash": TOKEN.replace("/", "\\/"),
    "percent": quote(TOKEN, safe=""),
    "percent, small": quote(TOKEN, safe="").replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d"),
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
def in_every_form_in_a_quotation():
    for form in FORMS.values():
        body = f'{{"detail":"bad token {form}"}}'
        ping_shows_nothing(lambda *_, body=body: http(500, body), "MCP_SERVER_ERROR", pin=LEGACY)


@case
def in_mixed_forms():
    """What need not be escaped may be, each character in a way of its own, and more than once."""
    for form in MIXED.values():
        def handler(_server, request, form=form):
            text = json.dumps(form)
            return http(200, f'{{"jsonrpc":"2.0","id":{request.message["id"]},'
                             f'"error":{{"code":1,"message":{text},"data":{{"t":{text}}}}}}}')  # fmt: skip

        told = ping_shows_nothing(lambda *_, form=form: http(500, f"bad token {form}!", kind="text/plain"), "MCP_SERVER_ERROR", pin=LEGACY)
        assert "[redacted]" in told.message, told.message
        told = ping_shows_nothing(handler, "MCP_RPC_ERROR", pin=LEGACY)
        assert "[redacted]" in told.message and not told.data, told


@case
def in_every_form_in_the_data_of_an_error():
    for form in [*FORMS.values(), TOKEN.replace("+", "\\u002b")]:
        def handler(_server, request, form=form):
            return http(200, f'{{"jsonrpc":"2.0","id":{request.message["id"]},'
                             f'"error":{{"code":1,"message":"m","data":{{"t":"{form}"}}}}}}')  # fmt: skip

        ping_shows_nothing(handler, "MCP_RPC_ERROR", pin=LEGACY)


@case
def innocent_data_stays():
    data = {"t": "a\n/b", "n": [1, 2]}

    def handler(_server, request):
        return error(request, 1, "m", data)

    assert json.loads(ping_shows_nothing(handler, "MCP_RPC_ERROR", pin=LEGACY).data) == data


# --- Everything that is secret ----------------------------------------------------------------------------------------


@case
def a_token_that_was_replaced_meanwhile():
    asked, replaced = threading.Event(), threading.Event()

    def handler(_server, request):
        asked.set()
        replaced.wait(PATIENCE)
        challenge = f'Bearer error="invalid_token", error_description="bad {request.authorization}"'
        return http(401, WWW_Authenticate=challenge)

    with Server(handler) as server, Client(server.url, bearer="OLDSECRETTOKEN") as client:
        ping = client.begin_ping(timeout=5000)
        assert asked.wait(PATIENCE)
        client.set_bearer("NEWSECRETTOKEN").must_be("MCP_OK")
        replaced.set()
        outcome = ping.result().must_be("MCP_UNAUTHORIZED")
        assert "invalid_token" in outcome.challenge, outcome.challenge
        must_not_show(outcome, client.lines, "OLDSECRETTOKEN", "NEWSECRETTOKEN")


@case
def a_value_that_begins_like_another():
    def handler(_server, request):
        return http(500, f"bad key {request.headers['x-b']}", kind="text/plain")

    ping_shows_nothing(handler, "MCP_SERVER_ERROR", bearer=None, pin=LEGACY, secrets=["abcdef", "SECRETREST"],
                       headers={"X-A": "abcdef", "X-B": "abcdefSECRETREST"})  # fmt: skip


@case
def one_cookie_of_several():
    def handler(_server, _request):
        return http(500, "bad session SECRETSESSION", kind="text/plain")

    ping_shows_nothing(handler, "MCP_SERVER_ERROR", bearer=None, pin=LEGACY, secrets=["SECRETSESSION"],
                       headers={"Cookie": "sid=SECRETSESSION; theme=dark"})  # fmt: skip


@case
def the_id_of_a_session():
    def handler(server, request):
        if request.rpc == "initialize":
            return initialized(request, session=f"SECRET-SESSION-{server.saw().count('initialize')}")
        if request.rpc == "ping":
            return http(404, f"session {request.session} not found", kind="text/plain")
        return legacy(request)

    ping_shows_nothing(handler, "MCP_SESSION_LOST", secrets=["SECRET-SESSION"])


@case
def the_id_of_a_session_in_a_json_rpc_error():
    def handler(_server, request):
        if request.rpc == "initialize":
            return initialized(request, session="SECRET-SESSION")
        if request.rpc == "ping":
            return error(request, -32603, f"lost {request.session}", {"id": request.session}, status=500)
        return legacy(request)

    # An error that names the session's own id is about the session.
    ping_shows_nothing(handler, "MCP_SESSION_LOST", secrets=["SECRET-SESSION"])


@case
def in_what_a_process_says():
    """The environment of a server that is a process, on its stderr and in its answers."""
    answers = 'read x; echo \'{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"bad \'$API_KEY\'"}}\'; read x'
    # Where a long line is cut, and where an excerpt of it is, half of the token may stand.
    cut = [f"echo {'x' * before}$API_KEY >&2; exit 3" for before in (190, 199, 385, 389, 395, 399, 400, 8181, 8190)]
    for script in ("echo no luck with $API_KEY >&2; exit 3", *cut, answers):
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


# --- What others learn ------------------------------------------------------------------------------------------------


@case
def in_an_answer_that_comes_when_another_token_is_used():
    """A call waits while the token is changed, and used, and a cookie comes: it shows neither."""
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
            told = {"jsonrpc": "2.0", "id": request.message["id"], "error": {"code": -32000, "message": words.decode()}}
            return event(told)
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
def on_the_stream_of_http_sse_that_a_thread_reads():
    """Cookies, and where the server has redirected to."""
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
        poll(lambda: any("hello" in line for line in client.lines), "the log has no line for what was skipped")
        must_not_show(outcome, client.lines, "SECRET-KEY", "SECRET-COOKIE")


run()
