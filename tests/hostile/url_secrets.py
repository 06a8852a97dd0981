"""Secrets in the path of a URL: neither errors nor the log show them, whoever echoes them, and what is no secret stays readable."""

import json
from urllib.parse import unquote

from harness import (
    LEGACY, STREAM, Client, Server, answer, case, discovered, error, event, http, initialized, legacy, must_not_show, run,
)  # fmt: skip

KEY = "sk-live-0123456789abcdef"
PATHS = {
    f"/{KEY}/mcp": KEY,
    f"/v1/{KEY}": KEY,
    "/s/hunter2/mcp": "hunter2",
    "/t/correcthorse/mcp": "correcthorse",
    "/KEY/a1b2c3d4/sse/x": "a1b2c3d4",
    "/token/tok~en%2F0/mcp": "tok~en%2F0",
    "/api/mcp/0123456789ABCDEFa/": "0123456789ABCDEFa",
}


def shows_nothing(handler, path, secret, **given):
    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}{path}", **given) as client:
        outcome = client.ping(timeout=3000)
        print(f"    {outcome.status}: {outcome.message}")
        must_not_show(outcome, client.lines, secret, unquote(secret))
        assert any(secret in request.path for request in server.requests), "the server did not get it"
        assert outcome.status == "MCP_OK" or "***" in outcome.message, outcome.message
        return outcome, client.lines


@case
def secrets_of_the_path_are_not_shown():
    for path, secret in PATHS.items():
        for handler in (lambda *_: http(404, kind=None), lambda *_: http(500, kind=None), lambda _, r: error(r, -1, "no")):
            shows_nothing(handler, path, secret, pin=LEGACY)


@case
def echoes_of_the_path_are_redacted():
    def echoes(form):
        yield lambda _, request: http(400, f"No such path: {form(request)}", kind="text/plain")
        yield lambda _, request: http(404, f"Cannot POST {form(request)}", kind=None)
        yield lambda _, request: http(404, {"detail": form(request)})
        yield lambda _, request: error(request, -32600, f"bad {form(request)}", {"path": form(request)}, status=400)
        yield lambda _, request: http(401, kind=None, WWW_Authenticate=f'Bearer error="x", error_description="{form(request)}"')
        yield lambda _, request: http(307, kind=None, Location=f"http://elsewhere.invalid{form(request)}/x")
        yield lambda _, request: http(200, "x", kind=f"text/{form(request).strip('/').replace('/', '-')}")

    forms = (lambda r: r.path, lambda r: unquote(r.path), lambda r: json.dumps(r.path).strip('"').replace("/", "\\/"))
    for path, secret in PATHS.items():
        for form in forms:
            for handler in echoes(form):
                shows_nothing(handler, path, secret, pin=LEGACY)


@case
def redirects_to_other_secrets_do_not_show_them():
    for path, secret in PATHS.items():
        with Server(lambda *_: http(307, kind=None, Location=f"http://elsewhere.invalid{path}")) as server:
            with Client(server.url, pin=LEGACY) as client:
                outcome = client.ping(timeout=3000).must_be("MCP_REDIRECT_REFUSED")
        print(f"    {outcome.message}")
        must_not_show(outcome, client.lines, secret, unquote(secret))
        assert "elsewhere.invalid" in outcome.message and "***" in outcome.message, outcome.message


@case
def the_path_that_a_redirect_led_to_is_redacted():
    def handler(_server, request):
        if request.path == "/mcp":
            return http(307, kind=None, Location=f"/{KEY}/mcp")
        return http(400, f"bad {KEY}", kind="text/plain")

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        outcome = client.ping(timeout=3000).must_be("MCP_HTTP_ERROR")
        print(f"    {outcome.message}")
        must_not_show(outcome, client.lines, KEY)


@case
def the_session_in_the_path_of_an_endpoint_is_not_shown():
    streams = []

    def handler(_server, request):
        if request.method == "GET":
            streams.append(request)
            request.send(STREAM + f"event: endpoint\ndata: /messages/{KEY}\n\n".encode())
            return request.hold()
        if request.rpc == "initialize":
            streams[-1].send(event(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}})))
        return http(400, f"no {request.path}", kind="text/plain") if request.rpc == "ping" else http(202, kind=None)

    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse") as client:
        outcome = client.ping(timeout=3000)
        print(f"    {outcome.status}: {outcome.message}")
        must_not_show(outcome, client.lines, KEY)
        assert "/messages/" in outcome.message, outcome.message


@case
def usual_paths_stay_readable():
    for path in (
        "/mcp",
        "/messages/",
        "/api/v1.2.3-beta/mcp",
        "/2025-11-25/mcp",
        "/streamable-http/mcp",
        "/projects/modelcontextprotocol/mcp",
        "/20251125000000000000/mcp",
        "/sse",
        "/a/s/",
        "/s/mcp",
        "/tokens/keys/mcp",
    ):
        with Server(lambda *_: http(404, f"no messages at {path}", kind="text/plain")) as server:
            with Client(f"http://127.0.0.1:{server.port}{path}", pin=LEGACY) as client:
                outcome = client.ping(timeout=3000)
        print(f"    {outcome.message}")
        assert f":{server.port}{path}:" in outcome.message and "***" not in outcome.message, outcome.message
        assert f"no messages at {path}" in outcome.message or "/sse" in path, outcome.message


@case
def words_of_the_path_do_not_black_out_messages():
    """What follows /s/ is not shown in the URL, and `legacy` and `messages` stay words of the language."""
    for word in ("legacy", "modern", "messages", "server", "2025-11-25", "v1"):
        with Server(lambda *_: http(404, f"the server says {word}", kind="text/plain")) as server:
            with Client(f"http://127.0.0.1:{server.port}/s/{word}/mcp", pin=LEGACY) as client:
                outcome = client.ping(timeout=3000)
        print(f"    {outcome.message}")
        assert "/s/***/mcp" in outcome.message and f"says {word}" in outcome.message, outcome.message


@case
def the_log_does_not_show_the_path():
    for path, secret in PATHS.items():
        for decent in (legacy, discovered, lambda r: initialized(r) if r.rpc == "initialize" else legacy(r)):
            outcome, lines = shows_nothing(lambda _, request: decent(request), path, secret)
            outcome.must_be("MCP_OK")
            assert lines


run()
