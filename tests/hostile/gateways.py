"""Servers and gateways that answer the probe (`server/discover`) with an unrelated error, but support `initialize`."""

from auth_scheme import Auth
from harness import (
    LEGACY, PATIENCE, Cancel, Client, Server, case, discovered, error, http, legacy, poll, result, run,
)  # fmt: skip
from newer import call_tool, process

STACK = '{"cause":null,"stackTrace":[{"methodName":"handle"}],"message":"Method not found: server/discover"}'


def probe_gets(reply, others=legacy):
    """A handler that answers `server/discover` with `reply(request)` and other requests with `others(request)`."""
    return lambda server, request: reply(request) if request.rpc == "server/discover" else others(request)


def status(code, text="", kind="text/plain", **headers):
    return lambda request: http(code, text, kind=kind, **headers)


@case
def a_failed_probe_falls_back_to_initialize():
    for reply in (
        status(500, STACK, "application/json"), status(501, "no"), status(500), status(505, "<p>", "text/html"),
    ):  # fmt: skip
        with Server(probe_gets(reply)) as server, Client(server.url) as client:
            client.ping(timeout=5000).must_be("MCP_OK").must_end(0)
            assert server.saw() == ["server/discover", "initialize", "notifications/initialized", "ping"], server.saw()


@case
def the_error_of_the_probe_is_reported_when_initialize_fails_too():
    def handler(_server, request):
        if request.rpc == "server/discover":
            return http(500, STACK, kind="application/json")
        return http(500, "no", kind="text/html")

    with Server(handler) as server, Client(server.url) as client:
        outcome = client.ping(timeout=5000).must_be("MCP_SERVER_ERROR").must_end(0)
        assert "Method not found" in outcome.message, outcome.message
        assert len(server.requests) <= 3, server.saw()
        client.ping(timeout=5000).must_be("MCP_SERVER_ERROR")


@case
def a_failed_probe_is_repeated_by_the_next_call():
    """A failed probe does not mark a server as legacy: the next probe detects that it is modern."""
    failed = []

    def handler(_server, request):
        if not failed and request.rpc == "server/discover":
            failed.append(request)
            return http(500, "starting", kind="text/plain")
        if request.rpc == "server/discover":
            return discovered(request)
        return error(request, -32022, "unsupported", {"supported": ["2026-07-28"]}, status=400)

    with Server(handler) as server, Client(server.url) as client:
        client.ping(timeout=5000)
        client.ping(timeout=5000).must_be("MCP_OK")
        assert server.saw()[-1] == "server/discover", server.saw()


@case
def a_pinned_modern_version_does_not_fall_back_to_initialize():
    with Server(probe_gets(status(500, "oops"))) as server, Client(server.url, pin="2026-07-28") as client:
        client.ping(timeout=5000).must_be("MCP_SERVER_ERROR")
        assert server.saw() == ["server/discover"], server.saw()


# Challenges, and whether the client falls back to `initialize` although it sent credentials.
CHALLENGES = {None: True, "Bearer": True, 'Bearer realm="x"': True, 'Bearer error="invalid_token"': False}


def refusing(code, challenge):
    return status(code, "no", **({"WWW_Authenticate": challenge} if challenge else {}))


@case
def a_refused_probe_without_credentials_falls_back_to_initialize():
    for code in (401, 403):
        for challenge in CHALLENGES:
            with Server(probe_gets(refusing(code, challenge))) as server, Client(server.url) as client:
                client.ping(timeout=5000).must_be("MCP_OK").must_end(0)
                assert server.saw()[:2] == ["server/discover", "initialize"], server.saw()


@case
def a_refused_probe_with_credentials_falls_back_unless_the_token_is_invalid():
    for code, refused in ((401, "MCP_UNAUTHORIZED"), (403, "MCP_FORBIDDEN")):
        for challenge, falls_back in CHALLENGES.items():
            with Server(probe_gets(refusing(code, challenge))) as server, Client(server.url, bearer="tok") as client:
                client.ping(timeout=5000).must_be("MCP_OK" if falls_back else refused).must_end(0)
                assert ("initialize" in server.saw()) == falls_back, server.saw()


@case
def the_probe_error_is_reported_and_initialize_not_retried_with_the_same_token():
    def handler(_server, request):
        if request.rpc == "server/discover":
            return http(401, "the probe", kind="text/plain")
        return http(403, "initialize", kind="text/plain")

    with Server(handler) as server, Client(server.url, bearer="tok") as client:
        outcome = client.ping(timeout=5000).must_be("MCP_UNAUTHORIZED")
        assert "the probe" in outcome.message, outcome.message
        assert server.saw() == ["server/discover", "initialize"], server.saw()
        client.ping(timeout=5000).must_be("MCP_UNAUTHORIZED")
        assert server.saw()[2:] == ["server/discover"], server.saw()
        client.set_bearer("another").must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_UNAUTHORIZED")
        assert server.saw()[3:] == ["server/discover", "initialize"], server.saw()


@case
def initialize_is_tried_once_with_the_same_credentials():
    """Also if the token is set again, sent with changing other headers, or set by the auth callback each time."""

    def handler(_server, request):
        return http(401, "", kind="text/plain", WWW_Authenticate="Bearer")

    for way in ("set again", "beside a header", "header", "callback"):
        auth = Auth(lambda asked: asked.bearer("tok"))
        with Server(handler) as server, Client(server.url) as client:
            for number in range(4):
                if way in ("set again", "beside a header"):
                    client.set_bearer("tok").must_be("MCP_OK")
                if way == "callback" and number == 0:
                    auth.set_on(client).must_be("MCP_OK")
                own = {"beside a header": {"X-Request-Id": str(number)}, "header": {"X-Api-Key": "key"}}.get(way)
                call_tool(client, headers=own, timeout=5000).must_be("MCP_UNAUTHORIZED")
            assert server.saw().count("initialize") == 1, f"{way}: {server.saw()}"


@case
def initialize_is_tried_once_with_each_of_many_credentials():
    def handler(_server, request):
        return http(401, "", kind="text/plain")

    with Server(handler) as server, Client(server.url) as client:
        for number in range(300):
            client.set_bearer(f"tok{number}").must_be("MCP_OK")
            client.ping(timeout=5000).must_be("MCP_UNAUTHORIZED")
        assert server.saw().count("initialize") == 300, server.saw()


@case
def the_next_session_behind_a_gateway_begins_with_initialize():
    lost = []

    def others(request):
        if request.rpc == "ping" and not lost:
            lost.append(request)
            return http(404, "", kind="text/plain")
        return legacy(request)

    with Server(probe_gets(refusing(401, None), others)) as server, Client(server.url, bearer="tok") as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        assert server.saw().count("server/discover") == 1, server.saw()
        assert server.saw().count("initialize") == 2, server.saw()


@case
def any_json_rpc_error_for_a_ping_means_that_the_server_is_alive():
    for reply in (
        lambda request: error(request, -32601),
        lambda request: error(request, -32600, status=400),
        lambda request: error(request, -32603, "Session not found: abc"),
    ):

        def handler(_server, request, reply=reply):
            return reply(request) if request.rpc == "ping" else legacy(request)

        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            client.ping(timeout=5000).must_be("MCP_OK").must_end(0)
            assert server.saw().count("initialize") == 1, server.saw()


@case
def a_ping_refused_by_its_http_status_fails():
    for code, expected in ((401, "MCP_UNAUTHORIZED"), (403, "MCP_FORBIDDEN"), (429, "MCP_RATE_LIMITED")):

        def handler(_server, request, code=code):
            return error(request, -32000, status=code) if request.rpc == "ping" else legacy(request)

        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            client.ping(timeout=5000).must_be(expected).must_end(0)


@case
def a_modern_server_that_fails_at_a_ping_stays_modern():
    pings = []

    def handler(_server, request):
        if request.rpc == "server/discover":
            pings.append(request)
            return http(500, "oops", kind="text/plain") if len(pings) == 2 else discovered(request)
        return result(request, {"resultType": "complete", "tools": [], "content": []})

    with Server(handler) as server, Client(server.url) as client:
        client.connect(timeout=5000).must_be("MCP_OK")
        client.ping(timeout=5000).must_be("MCP_SERVER_ERROR")
        call_tool(client, timeout=5000).must_be("MCP_OK")
        assert "initialize" not in server.saw(), server.saw()


@case
def a_modern_process_that_starts_slowly_is_probed_again():
    """The process starts to read after the probe's timeout, then refuses `initialize` and answers `server/discover`."""
    script = """
time.sleep(1.5)
while True:
    request = ask()
    if request["method"] == "initialize":
        send({"id": request["id"], "error": {"code": -32601, "message": "modern only"}})
    elif request["method"] == "server/discover": begin(request)
    else: reply(request, {"resultType": "complete", "content": []})
"""
    with process(script) as client:
        client.connect(timeout=3600).must_be("MCP_OK").must_end(3600, after=1500)
        call_tool(client, timeout=5000).must_be("MCP_OK")


@case
def the_error_for_initialize_is_reported_when_the_probe_is_ignored():
    """The process never answers `server/discover`, and refuses `initialize`. This error ends the call, with or without
    a timeout."""
    script = """
while True:
    request = ask()
    if request["method"] == "initialize":
        send({"id": request["id"], "error": {"code": -32000, "message": "license missing"}})
"""
    with process(script) as client:
        outcome = client.connect(timeout=3000).must_be("MCP_RPC_ERROR").must_end(2400)
        assert "license missing" in outcome.message, outcome.message
        with Cancel() as cancel:
            waiting = client.begin(lambda: client.connect(timeout=0, cancel=cancel))
            poll(lambda: sum("trying initialize" in line for line in client.lines) == 2, "initialize was not sent")
            cancel.trigger()
            waiting.result().must_be("MCP_CANCELLED", "MCP_RPC_ERROR").must_end(PATIENCE * 1000)


run()
