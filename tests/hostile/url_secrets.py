"""Secrets in the path of a URL: neither errors nor the log show them, even if the server echoes them. Other parts of
the path stay readable."""

import json
from urllib.parse import unquote

from harness import (
    LEGACY, STREAM, Client, Server, answer, case, discovered, error, event, http, initialized, legacy, must_not_show,
    run,
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


def ping_shows_no_secret(handler, path, secret, **settings):
    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}{path}", **settings) as client:
        outcome = client.ping(timeout=3000)
        print(f"    {outcome.status}: {outcome.message}")
        must_not_show(outcome, client.lines, secret, unquote(secret))
        assert any(secret in request.path for request in server.requests), "the server did not receive the secret"
        assert outcome.status == "MCP_OK" or "***" in outcome.message, outcome.message
        return outcome, client.lines


@case
def secrets_of_the_path_are_not_shown():
    for path, secret in PATHS.items():
        for handler in (
            lambda *_: http(404, kind=None), lambda *_: http(500, kind=None), lambda _, r: error(r, -1, "no"),
        ):  # fmt: skip
            ping_shows_no_secret(handler, path, secret, pin=LEGACY)


@case
def echoes_of_the_path_are_redacted():
    def echoes(form):
        yield lambda _, request: http(400, f"No such path: {form(request)}", kind="text/plain")
        yield lambda _, request: http(404, f"Cannot POST {form(request)}", kind=None)
        yield lambda _, request: http(404, {"detail": form(request)})
        yield lambda _, request: error(request, -32600, f"bad {form(request)}", {"path": form(request)}, status=400)
        challenge = lambda request: f'Bearer error="x", error_description="{form(request)}"'  # noqa: E731
        yield lambda _, request: http(401, kind=None, WWW_Authenticate=challenge(request))
        yield lambda _, request: http(307, kind=None, Location=f"http://elsewhere.invalid{form(request)}/x")
        yield lambda _, request: http(200, "x", kind=f"text/{form(request).strip('/').replace('/', '-')}")

    forms = (lambda r: r.path, lambda r: unquote(r.path), lambda r: json.dumps(r.path).strip('"').replace("/", "\\/"))
    for path, secret in PATHS.items():
        for form in forms:
            for handler in echoes(form):
                ping_shows_no_secret(handler, path, secret, pin=LEGACY)


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
def secrets_in_the_path_of_a_followed_redirect_are_redacted():
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
def common_paths_stay_readable():
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
def common_words_of_the_path_are_not_redacted_in_messages():
    """The segment after /s/ is hidden in the URL. Common words such as `legacy` and `messages` are not redacted
    elsewhere."""
    for word in ("legacy", "modern", "messages", "server", "2025-11-25", "v1"):
        with Server(lambda *_: http(404, f"the server says {word}", kind="text/plain")) as server:
            with Client(f"http://127.0.0.1:{server.port}/s/{word}/mcp", pin=LEGACY) as client:
                outcome = client.ping(timeout=3000)
        print(f"    {outcome.message}")
        assert "/s/***/mcp" in outcome.message and f"says {word}" in outcome.message, outcome.message


@case
def the_log_does_not_show_secrets_of_the_path():
    for path, secret in PATHS.items():
        for respond in (legacy, discovered, lambda r: initialized(r) if r.rpc == "initialize" else legacy(r)):
            outcome, lines = ping_shows_no_secret(lambda _, request: respond(request), path, secret)
            outcome.must_be("MCP_OK")
            assert lines


run()
