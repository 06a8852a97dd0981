"""The auth callback: what it may set and call, when it is destroyed, and that its credentials are not disclosed."""

import contextlib
import socket
import threading

from auth_scheme import AUTH, DESTROY, Auth, Issuer, Sse, authorized, guarded, refuse, sse_url
from harness import (
    MODERN, PATIENCE, STREAM, Client, Server, call, case, discovered, event, http, legacy, lib, must_not_show, run,
)  # fmt: skip

BAD_TOKENS = [
    (b"SECRET with-space", "MCP_INVALID_ARGUMENT"),
    (b"Bearer SECRET-prefix", "MCP_INVALID_ARGUMENT"),
    (b"SECRET\r\nX-Evil: 1", "MCP_INVALID_ARGUMENT"),
    (b"SECRET\xff\xfe", "MCP_INVALID_ARGUMENT"),
    (b"", "MCP_INVALID_ARGUMENT"),
]


def open_to_all(_server, request):
    return discovered(request)


# --- Credentials that the callback sets -------------------------------------------------------------------------------


@case
def a_bad_token_fails_the_call_and_nothing_is_sent():
    for token, status in BAD_TOKENS:
        set_outcomes = []
        with Server(open_to_all) as server:
            with authorized(server.url, lambda asked: set_outcomes.append(asked.bearer(token))) as (client, auth):
                outcome = client.ping().must_be("MCP_AUTH_FAILED")
                set_outcomes[0].must_be(status)
                must_not_show(outcome, client.lines, "SECRET", "evil")
                must_not_show(set_outcomes[0], [], "SECRET", "evil")
                assert auth.attempts() == [1], auth.asked
                assert not server.requests and not server.open, server.saw()
                print(f"    {outcome.message}")


@case
def a_bad_header_fails_the_call_and_nothing_is_sent():
    for name, value in [("X Y", "SECRET"), ("X-Key", "SECRET\r\nX-Evil: 1"), ("Host", "SECRET"), ("Mcp-X", "SECRET")]:
        with Server(open_to_all) as server:
            with authorized(server.url, lambda asked: asked.header(name, value)) as (client, _):
                outcome = client.ping().must_be("MCP_AUTH_FAILED")
                must_not_show(outcome, client.lines, "SECRET", "evil")
                assert not server.requests, server.saw()


@case
def a_valid_token_replaces_an_invalid_one():
    def respond(asked):
        asked.bearer("not good").must_be("MCP_INVALID_ARGUMENT")
        asked.bearer("good").must_be("MCP_OK")

    with Server(open_to_all) as server, authorized(server.url, respond) as (client, _):
        client.ping().must_be("MCP_OK")
        assert server.requests[0].authorization == "Bearer good", server.requests


@case
def a_setter_does_not_undo_a_failure():
    # mcp.h: the call ends after `mcp_auth_request_fail`.
    def respond(asked):
        asked.fail("the wallet is empty").must_be("MCP_OK")
        asked.bearer("good").must_be("MCP_OK")

    with Server(open_to_all) as server, authorized(server.url, respond) as (client, _):
        outcome = client.ping().must_be("MCP_AUTH_FAILED")
        assert "the wallet is empty" in outcome.message, outcome
        assert not server.requests, server.saw()


@case
def the_reason_of_a_failed_callback_is_in_the_error():
    with Server(open_to_all) as server:
        with authorized(server.url, lambda asked: asked.fail("the wallet is empty")) as (client, auth):
            outcome = client.ping().must_be("MCP_AUTH_FAILED")
            assert "the wallet is empty" in outcome.message, outcome
            assert not server.requests, server.saw()
            client.ping().must_be("MCP_AUTH_FAILED")
            assert auth.attempts() == [1, 1], auth.asked


@case
def a_callback_that_sets_nothing_adds_no_header():
    with Server(open_to_all) as server, authorized(server.url, lambda asked: None) as (client, _):
        client.ping().must_be("MCP_OK")
        assert "authorization" not in server.requests[0].headers, server.requests[0].headers
        client.set_bearer("fixed").must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert server.requests[-1].authorization == "Bearer fixed", server.requests[-1].headers


@case
def the_callback_overrides_the_headers_of_the_client():
    def respond(asked):
        asked.bearer("given").must_be("MCP_OK")
        asked.header("x-api-KEY", "given too").must_be("MCP_OK")

    fixed = {"X-Api-Key": "fixed", "X-Other": "unchanged"}
    with Server(open_to_all) as server:
        with authorized(server.url, respond, bearer="fixed", headers=fixed) as (client, _):
            client.ping().must_be("MCP_OK")
            headers = server.requests[0].headers
            sent = [headers["authorization"], headers["x-api-key"], headers["x-other"]]
            assert sent == ["Bearer given", "given too", "unchanged"], sent


@case
def a_null_token_removes_the_token():
    def respond(asked):
        asked.bearer("given").must_be("MCP_OK")
        call(lib.mcp_auth_request_set_bearer, asked.request, None).must_be("MCP_OK")

    with Server(open_to_all) as server, authorized(server.url, respond) as (client, _):
        client.ping().must_be("MCP_OK")
        assert server.requests[0].authorization is None, server.requests[0].headers


# --- Calls inside the callback ----------------------------------------------------------------------------------------


@case
def a_call_on_the_same_client_is_refused():
    for handler, again in [(open_to_all, False), (lambda _server, request: legacy(request), False), (None, True)]:
        issuer = Issuer()
        inner = []

        def respond(asked):
            if asked.attempt > 1 or not again:
                inner.extend([client.ping(timeout=3000), client.connect(timeout=3000), client.close(timeout=3000)])
                issuer.mint()
            asked.bearer(issuer.good or "expired")

        with Server(handler or guarded(issuer)) as server, authorized(server.url, respond) as (client, _):
            client.connect().must_be("MCP_OK")
            issuer.expire()
            client.ping().must_be("MCP_OK")
            assert inner
            for outcome in inner:
                outcome.must_be("MCP_MISUSE").must_end(0)
            inner.clear()
            client.ping().must_be("MCP_OK")


@case
def a_call_on_another_client_is_allowed():
    inner = []
    with Server(open_to_all) as server, Client(server.url) as other:

        def respond(asked):
            inner.append(other.ping())
            asked.bearer("token")

        with authorized(server.url, respond) as (client, _):
            client.ping().must_be("MCP_OK")
            client.ping().must_be("MCP_OK")
    for outcome in inner:
        outcome.must_be("MCP_OK")
    assert len(inner) == 2


@case
def a_call_through_the_callback_of_another_client_is_refused():
    # The thread runs both callbacks: the inner call would wait for a callback on its own thread, forever.
    inner = []
    with Server(open_to_all) as server:
        with authorized(server.url, lambda asked: inner.append(first.ping())) as (second, _):
            with authorized(server.url, lambda asked: second.ping().must_be("MCP_OK")) as (first, _):
                first.ping().must_be("MCP_OK")
    inner[0].must_be("MCP_MISUSE").must_end(0)


@case
def the_callback_may_change_settings_of_the_client():
    def respond(asked):
        client.set_bearer("fixed").must_be("MCP_OK")
        client.set_header("X-Within", "1").must_be("MCP_OK")

    with Server(open_to_all) as server, authorized(server.url, respond) as (client, _):
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert server.requests[-1].headers["x-within"] == "1"


@case
def the_callback_never_runs_on_two_threads_at_once():
    meet = threading.Barrier(2)

    def respond(asked):
        # No other callback reaches the barrier during this one.
        with contextlib.suppress(threading.BrokenBarrierError):
            meet.wait(0.01)
            raise AssertionError("two callbacks ran at the same time")
        asked.bearer("token")

    with Server(open_to_all) as server, authorized(server.url, respond) as (client, auth):
        for ping in [client.begin_ping(timeout=20_000) for _ in range(32)]:
            ping.result().must_be("MCP_OK")
        print(f"    {len(auth.asked)} callbacks, at most {auth.most_running} at a time")


# --- Destroy ----------------------------------------------------------------------------------------------------------


@case
def destroy_is_called_when_the_registration_fails():
    auth = Auth(lambda asked: None)
    call(lib.mcp_set_auth, None, auth.callback, None, auth.destroy).must_be("MCP_INVALID_ARGUMENT")
    auth.must_be_sound()


@case
def destroy_is_called_at_once_for_a_null_callback():
    auth = Auth(lambda asked: None)
    with Server(open_to_all) as server, Client(server.url) as client:
        call(lib.mcp_set_auth, client.client, AUTH(), None, auth.destroy).must_be("MCP_OK")
        assert auth.destroyed == 1, auth.destroyed
    auth.must_be_sound()


@case
def destroy_is_called_on_replacement_and_on_free():
    first, second = Auth(lambda asked: None), Auth(lambda asked: None)
    with Server(open_to_all) as server, Client(server.url) as client:
        first.set_on(client).must_be("MCP_OK")
        second.set_on(client).must_be("MCP_OK")
        assert (first.destroyed, second.destroyed) == (1, 0)
        client.ping().must_be("MCP_OK")
        client.close().must_be("MCP_OK")
        assert second.destroyed == 0, second.destroyed
    first.must_be_sound()
    second.must_be_sound()


@case
def destroy_waits_for_a_running_callback():
    inside, release = threading.Event(), threading.Event()

    def respond(asked):
        inside.set()
        release.wait(PATIENCE)
        asked.bearer("old")

    new = Auth(lambda asked: asked.bearer("new"))
    with Server(open_to_all) as server, authorized(server.url, respond) as (client, old):
        ping = client.begin_ping(timeout=20_000)
        assert inside.wait(PATIENCE)
        new.set_on(client).must_be("MCP_OK")
        assert old.destroyed == 0, old.destroyed
        release.set()
        ping.result().must_be("MCP_OK")
        assert old.destroyed == 1, old.destroyed
    new.must_be_sound()


@case
def destroy_may_be_null():
    auth = Auth(lambda asked: asked.bearer("token"))
    with Server(open_to_all) as server, Client(server.url) as client:
        call(lib.mcp_set_auth, client.client, auth.callback, None, DESTROY()).must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
    assert (len(auth.asked), auth.destroyed, auth.failure) == (1, 0, None)


# --- Disclosure -------------------------------------------------------------------------------------------------------


def must_not_show_echo(handler, *statuses, pin=None, url=lambda server: server.url):
    """The server of `handler` echoes the token: neither the error nor the log shows it."""
    given = []

    def respond(asked):
        given.append(f"given/token+{len(given)}==")
        asked.bearer(given[-1]).must_be("MCP_OK")

    with Server(handler) as server, authorized(url(server), respond, pin=pin) as (client, _):
        outcome = client.ping(timeout=5000).must_be(*statuses)
        client.close(timeout=1000)
        must_not_show(outcome, client.lines, *given)
        print(f"    {outcome.status}: {outcome.message[-120:]}")


@case
def a_token_echoed_in_the_challenge_is_not_shown():
    def handler(_server, request):
        return refuse(f'Bearer error="invalid_token", error_description="{request.authorization}"')

    must_not_show_echo(handler, "MCP_UNAUTHORIZED")


@case
def a_token_echoed_in_the_body_is_not_shown():
    def server_error(_server, request):
        return http(500, {"error": request.authorization})

    must_not_show_echo(server_error, "MCP_SERVER_ERROR", pin=MODERN)

    def handler(_server, request):
        return http(401, f"what is {request.authorization}?", kind="text/plain")

    must_not_show_echo(handler, "MCP_UNAUTHORIZED")


@case
def a_token_echoed_by_an_http_sse_server_is_not_shown():
    def check(request):
        if request.method == "GET" or request.rpc == "initialize":
            return None
        return refuse(f'Bearer error="{request.authorization}"')

    must_not_show_echo(Sse(check), "MCP_UNAUTHORIZED", url=sse_url)


class Foreign:
    """A listener of another origin. It records the bytes that it receives, of which there should be none."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def received(self):
        """All bytes received until now. A connection that the client has made is in the backlog."""
        self.listener.settimeout(0.05)
        everything = b""
        with contextlib.suppress(TimeoutError):
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    connection.settimeout(0.05)
                    everything += b"(connected)"
                    while data := connection.recv(65536):
                        everything += data
        return everything

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@case
def a_redirect_to_another_origin_is_not_followed():
    for status in [301, 302, 303, 307, 308]:
        with Foreign() as foreign, Server(lambda *_: http(status, Location=f"{foreign.url}/mcp")) as server:
            with authorized(server.url, lambda asked: asked.bearer("given-token")) as (client, auth):
                client.ping(timeout=5000).must_be("MCP_REDIRECT_REFUSED")
                assert all(asked.url == server.url for asked in auth.asked), auth.asked
            received = foreign.received()
            print(f"    {status}: {len(received)} bytes at the foreign listener")
            assert received == b"", received


@case
def an_endpoint_of_another_origin_is_not_contacted():
    with Foreign() as foreign:

        def handler(_server, request):
            request.send(STREAM + f"event: endpoint\ndata: {foreign.url}/messages\n\n".encode())
            return request.hold()

        with Server(handler) as server:
            with authorized(sse_url(server), lambda asked: asked.bearer("given-token")) as (client, auth):
                client.ping(timeout=5000).must_be("MCP_REDIRECT_REFUSED")
                assert [asked.method for asked in auth.asked] == ["GET"], auth.asked
        received = foreign.received()
        print(f"    {len(received)} bytes at the foreign listener")
        assert received == b"", received


@case
def the_reader_thread_does_not_ask_the_callback():
    # The reader thread replies to the server's ping with the credentials that the callback set last. It must not wait
    # for the callback, because all responses arrive on this thread.
    def check(request):
        return refuse() if request.message.get("id") == "srv" else None

    sse = Sse(check)
    with Server(sse) as server, authorized(sse_url(server), lambda asked: asked.bearer("token")) as (client, auth):
        client.ping(timeout=5000).must_be("MCP_OK")
        asked = len(auth.asked)
        sse.stream.send(event({"jsonrpc": "2.0", "id": "srv", "method": "ping"}))
        assert server.wait_for(lambda: server.requests[-1].message.get("id") == "srv"), server.saw()
        assert server.requests[-1].authorization == "Bearer token", server.requests[-1]
        client.ping(timeout=5000).must_be("MCP_OK")
        assert len(auth.asked) == asked + 1, auth.asked


@case
def a_refused_notification_does_not_end_the_connection():
    """Some servers refuse notifications/initialized but serve the session. Only 401 and 403 concern the credentials."""
    for status in (400, 404, 405, 500, 502):

        def handler(_server, request, status=status):
            if request.rpc == "notifications/initialized":
                return http(status, "no", kind="text/plain")
            return legacy(request)

        with Server(handler) as server, Client(server.url, pin="2025-11-25") as client:
            client.ping(timeout=5000).must_be("MCP_OK").must_end(0)
            assert server.saw() == ["initialize", "notifications/initialized", "ping"], server.saw()
            assert any("notifications/initialized" in line for line in client.lines), client.lines


@case
def a_401_or_403_for_the_notification_fails_the_call():
    for status, expected in ((401, "MCP_UNAUTHORIZED"), (403, "MCP_FORBIDDEN")):

        def handler(_server, request, status=status):
            if request.rpc == "notifications/initialized":
                return http(status, "no", kind="text/plain")
            return legacy(request)

        with Server(handler) as server, Client(server.url, pin="2025-11-25") as client:
            client.ping(timeout=5000).must_be(expected).must_end(0)
            assert "GET" not in [request.method for request in server.requests], server.saw()


run()
