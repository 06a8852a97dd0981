"""Servers and gateways that answer the probe as if it were something else, and serve `initialize` all the same."""

from auth_scheme import Auth
from harness import (
    LEGACY, PATIENCE, Cancel, Client, Server, case, discovered, error, http, legacy, poll, result, run,
)  # fmt: skip
from newer import call_tool, process

STACK = '{"cause":null,"stackTrace":[{"methodName":"handle"}],"message":"Method not found: server/discover"}'


def probe_meets(reply, others=legacy):
    """A server that answers `server/discover` with `reply(request)`."""
    return lambda server, request: reply(request) if request.rpc == "server/discover" else others(request)


def status(code, text="", kind="text/plain", **headers):
    return lambda request: http(code, text, kind=kind, **headers)


@case
def a_probe_that_fails_leads_to_initialize():
    for reply in (status(500, STACK, "application/json"), status(501, "no"), status(500), status(505, "<p>", "text/html")):
        with Server(probe_meets(reply)) as server, Client(server.url) as client:
            client.ping(timeout=5000).must_be("MCP_OK").must_end(0)
            assert server.saw() == ["server/discover", "initialize", "notifications/initialized", "ping"], server.saw()


@case
def a_server_that_only_fails_is_reported_as_such():
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
def no_verdict_is_kept_of_a_probe_that_failed():
    """A modern server that failed once is a modern server when it is asked again."""
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
def a_pinned_modern_version_is_not_tried_with_initialize():
    with Server(probe_meets(status(500, "oops"))) as server, Client(server.url, pin="2026-07-28") as client:
        client.ping(timeout=5000).must_be("MCP_SERVER_ERROR")
        assert server.saw() == ["server/discover"], server.saw()


CHALLENGES = {None: True, "Bearer": True, 'Bearer realm="x"': True, 'Bearer error="invalid_token"': False}


def refusing(code, challenge):
    return status(code, "no", **({"WWW_Authenticate": challenge} if challenge else {}))


@case
def a_refused_probe_without_credentials_leads_to_initialize():
    for code in (401, 403):
        for challenge in CHALLENGES:
            with Server(probe_meets(refusing(code, challenge))) as server, Client(server.url) as client:
                client.ping(timeout=5000).must_be("MCP_OK").must_end(0)
                assert server.saw()[:2] == ["server/discover", "initialize"], server.saw()


@case
def a_refused_probe_with_credentials_only_where_they_are_not_judged():
    for code, refused in ((401, "MCP_UNAUTHORIZED"), (403, "MCP_FORBIDDEN")):
        for challenge, passes in CHALLENGES.items():
            with Server(probe_meets(refusing(code, challenge))) as server, Client(server.url, bearer="tok") as client:
                client.ping(timeout=5000).must_be("MCP_OK" if passes else refused).must_end(0)
                assert ("initialize" in server.saw()) == passes, server.saw()


@case
def when_both_are_refused_the_first_is_reported_and_the_token_is_not_tried_again():
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
def the_same_credentials_are_tried_once_however_they_are_set():
    """Set again, beside another header of the call, or given by the callback each time."""

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
def many_credentials_are_each_tried_once():
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

    with Server(probe_meets(refusing(401, None), others)) as server, Client(server.url, bearer="tok") as client:
        client.ping(timeout=5000).must_be("MCP_OK")
        assert server.saw().count("server/discover") == 1, server.saw()
        assert server.saw().count("initialize") == 2, server.saw()


@case
def any_answer_to_a_ping_means_alive():
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
def a_refused_ping_stays_a_failure():
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
def a_modern_process_that_starts_slowly_is_asked_again():
    """It reads nothing for longer than the probe waits, then refuses `initialize` and answers `server/discover`."""
    script = """
time.sleep(1.5)
while True:
    request = ask()
    if request["method"] == "initialize": send({"id": request["id"], "error": {"code": -32601, "message": "modern only"}})
    elif request["method"] == "server/discover": begin(request)
    else: reply(request, {"resultType": "complete", "content": []})
"""
    with process(script) as client:
        client.connect(timeout=3600).must_be("MCP_OK").must_end(3600, after=1500)
        call_tool(client, timeout=5000).must_be("MCP_OK")


@case
def a_refusal_of_a_process_that_ignores_what_it_does_not_know():
    """It keeps silent on `server/discover` whenever it is asked, and refuses `initialize`: that is the answer, with and without a timeout."""
    script = """
while True:
    request = ask()
    if request["method"] == "initialize": send({"id": request["id"], "error": {"code": -32000, "message": "licence missing"}})
"""
    with process(script) as client:
        outcome = client.connect(timeout=3000).must_be("MCP_RPC_ERROR").must_end(2400)
        assert "licence missing" in outcome.message, outcome.message
        with Cancel() as cancel:
            waiting = client.begin(lambda: client.connect(timeout=0, cancel=cancel))
            poll(lambda: sum("trying initialize" in line for line in client.lines) == 2, "no initialize")
            cancel.trigger()
            waiting.result().must_be("MCP_CANCELLED", "MCP_RPC_ERROR").must_end(PATIENCE * 1000)


run()
