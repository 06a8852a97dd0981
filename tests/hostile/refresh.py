"""Tokens that expire: when the auth callback is called for new credentials, and that many calls share one refresh."""

import threading
import time

from auth_scheme import (
    CHALLENGE, SCOPE_CHALLENGE, Auth, Holder, Issuer, Sse, HeldRefusals, authorized, guarded, refuse,
    remove_auth, sse_url,
)  # fmt: skip
from harness import (
    PATIENCE, Cancel, Server, case, discovered, http, legacy, must_be_soon, must_not_show, run, wait_until_waiting,
)  # fmt: skip

THREADS = 64


# --- One call ---------------------------------------------------------------------------------------------------------


@case
def the_callback_is_called_before_each_request():
    issuer = Issuer()
    with Server(guarded(issuer, legacy)) as server, authorized(server.url, Holder(issuer)) as (client, auth):
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        client.close().must_be("MCP_OK")
        assert len(auth.asked) == len(server.requests), (auth.asked, server.saw())
        for asked, request in zip(auth.asked, server.requests):
            assert (asked.attempt, asked.http_status, asked.challenge) == (1, 0, None), asked
            assert (asked.url, asked.method) == (server.url, request.method), asked
        assert auth.asked[-1].method == "DELETE", auth.asked


@case
def a_refused_request_is_retried_with_a_new_token_and_a_new_id():
    for serve in [discovered, legacy]:
        issuer = Issuer()
        with Server(guarded(issuer, serve)) as server, authorized(server.url, Holder(issuer)) as (client, auth):
            client.ping().must_be("MCP_OK")
            issuer.expire()
            client.ping().must_be("MCP_OK")
            assert auth.attempts()[-2:] == [1, 2], auth.asked
            asked = auth.asked[-1]
            assert (asked.http_status, asked.challenge, asked.url) == (401, CHALLENGE, server.url), asked
            refused, retried = server.requests[-2:]
            assert refused.rpc == retried.rpc
            assert refused.message["id"] != retried.message["id"], refused.message
            assert issuer.minted == 2, issuer.minted


@case
def the_third_refusal_ends_the_call():
    def respond(asked):
        asked.bearer("bad")

    with Server(lambda *_: refuse()) as server, authorized(server.url, respond) as (client, auth):
        outcome = client.ping().must_be("MCP_UNAUTHORIZED")
        assert outcome.challenge == CHALLENGE, outcome
        assert auth.attempts() == [1, 2, 3], auth.asked
        assert server.saw() == ["server/discover"] * 3, server.saw()
        ids = [request.message["id"] for request in server.requests]
        assert len(set(ids)) == 3, ids
        client.ping().must_be("MCP_UNAUTHORIZED")
        assert auth.attempts() == [1, 2, 3] * 2, auth.asked


@case
def an_insufficient_scope_calls_the_callback_again():
    def handler(_server, request):
        wide = request.authorization == "Bearer wide"
        return discovered(request) if wide else refuse(SCOPE_CHALLENGE, status=403)

    def respond(asked):
        asked.bearer("wide" if asked.attempt > 1 else "narrow")

    with Server(handler) as server, authorized(server.url, respond) as (client, auth):
        client.ping().must_be("MCP_OK")
        assert auth.attempts() == [1, 2], auth.asked
        assert (auth.asked[1].http_status, auth.asked[1].challenge) == (403, SCOPE_CHALLENGE), auth.asked


@case
def other_403_responses_are_final():
    for challenge in [None, 'Bearer error="invalid_request"']:
        with Server(lambda *_: refuse(challenge, status=403)) as server:
            with authorized(server.url, lambda asked: asked.bearer("token")) as (client, auth):
                client.ping().must_be("MCP_FORBIDDEN")
                assert auth.attempts() == [1], auth.asked


@case
def a_401_for_a_lost_session_does_not_refresh_the_token():
    # Older versions of rmcp send 401 without a challenge, and a text that says that the session is lost.
    lost = threading.Event()

    def handler(_server, request):
        if request.rpc == "ping" and not lost.is_set():
            lost.set()
            return http(401, "Unauthorized: Session not found", kind="text/plain")
        return legacy(request)

    with Server(handler) as server, authorized(server.url, lambda asked: asked.bearer("token")) as (client, auth):
        client.ping().must_be("MCP_OK")
        assert auth.refreshes() == 0, auth.asked
        assert server.saw().count("initialize") == 2, server.saw()


# --- Many calls -------------------------------------------------------------------------------------------------------


def many_calls_refresh_once(one_by_one=False, slow=0.0, rounds=2):
    """All threads use a token that has expired. They have to share one refresh."""
    issuer = Issuer()
    handler = HeldRefusals(issuer, THREADS, one_by_one)
    with Server(handler) as server, authorized(server.url, Holder(issuer, slow)) as (client, auth):
        client.connect().must_be("MCP_OK")
        for number in range(1, rounds + 1):
            handler.clear()
            issuer.expire()
            minted = issuer.minted
            pings = [client.begin_ping(timeout=40_000) for _ in range(THREADS)]
            for ping in pings:
                ping.result().must_be("MCP_OK")
            refreshes = issuer.minted - minted
            print(f"    round {number}: {handler.refused} calls refused, {refreshes} refresh")
            assert handler.refused == THREADS, handler.refused
            assert refreshes == 1, refreshes
        assert auth.refreshes() == rounds, auth.refreshes()


@case
def many_calls_refused_at_once_share_a_refresh():
    many_calls_refresh_once()


@case
def many_calls_refused_in_turn_share_a_refresh():
    many_calls_refresh_once(one_by_one=True)


@case
def many_calls_refused_at_once_share_a_slow_refresh():
    many_calls_refresh_once(slow=0.2)


@case
def many_calls_refused_in_turn_share_a_slow_refresh():
    many_calls_refresh_once(one_by_one=True, slow=0.2)


@case
def many_first_calls_share_a_refresh():
    issuer = Issuer()
    with Server(guarded(issuer)) as server, authorized(server.url, Holder(issuer, 0.2)) as (client, _):
        issuer.expire()
        for ping in [client.begin_ping(timeout=40_000) for _ in range(THREADS)]:
            ping.result().must_be("MCP_OK")
        print(f"    {issuer.minted - 1} refresh")
        assert issuer.minted == 2, issuer.minted


def many_calls_refresh_once_with_a_new_callback(one_by_one):
    """The callback is replaced while all calls are refused. The new callback has to be called for one refresh, however
    many refreshes the old one has made."""
    issuer = Issuer()
    handler = HeldRefusals(issuer, THREADS, one_by_one)
    new = Auth(Holder(issuer))
    with Server(handler) as server, authorized(server.url, Holder(issuer)) as (client, old):
        client.connect().must_be("MCP_OK")
        for _ in range(3):
            issuer.expire()
            handler.threads = 1
            client.ping().must_be("MCP_OK")
        handler.clear()
        issuer.expire()
        handler.threads = THREADS + 1
        minted = issuer.minted
        pings = [client.begin_ping(timeout=40_000) for _ in range(THREADS)]
        handler.wait_for(lambda: handler.refused == THREADS)
        new.set_on(client).must_be("MCP_OK")
        with handler.changed:
            handler.threads = THREADS
            handler.changed.notify_all()
        for ping in pings:
            ping.result().must_be("MCP_OK")
        print(f"    {issuer.minted - minted} refresh by the new callback, {old.refreshes()} by the old one")
        assert issuer.minted - minted == 1, issuer.minted - minted
    new.must_be_sound()


@case
def many_calls_refused_at_once_share_a_refresh_by_a_new_callback():
    many_calls_refresh_once_with_a_new_callback(one_by_one=False)


@case
def many_calls_refused_in_turn_share_a_refresh_by_a_new_callback():
    many_calls_refresh_once_with_a_new_callback(one_by_one=True)


def a_failed_refresh_is_shared(one_by_one):
    issuer = Issuer()
    handler = HeldRefusals(issuer, THREADS, one_by_one)
    handler.served = THREADS  # no request is served again, so the refusals must not wait for that

    def respond(asked):
        if asked.attempt > 1:
            asked.fail("the refresh token was revoked").must_be("MCP_OK")
        else:
            asked.bearer(issuer_token)

    issuer_token = issuer.good
    with Server(handler) as server, authorized(server.url, respond) as (client, auth):
        client.connect().must_be("MCP_OK")
        issuer.expire()
        handler.refused = 0
        for ping in [client.begin_ping(timeout=40_000) for _ in range(THREADS)]:
            outcome = ping.result().must_be("MCP_AUTH_FAILED")
            assert "the refresh token was revoked" in outcome.message, outcome
            assert outcome.challenge == CHALLENGE, outcome
        print(f"    {auth.refreshes()} failed refresh for {THREADS} calls")
        assert auth.refreshes() == 1, auth.refreshes()
        client.ping().must_be("MCP_AUTH_FAILED")
        assert auth.refreshes() == 2, auth.refreshes()


@case
def a_failed_refresh_fails_all_waiting_calls():
    a_failed_refresh_is_shared(one_by_one=False)


@case
def an_auth_failure_while_connecting_fails_all_waiting_calls():
    threads = 16

    def respond(asked):
        # All calls: one that begins after the failure would call the callback again.
        wait_until_waiting(threads)
        asked.fail("the wallet is empty").must_be("MCP_OK")

    with Server(lambda *_: refuse()) as server, authorized(server.url, respond) as (client, auth):
        for ping in [client.begin_ping(timeout=20_000) for _ in range(threads)]:
            outcome = ping.result().must_be("MCP_AUTH_FAILED")
            assert "the wallet is empty" in outcome.message, outcome
        assert len(auth.asked) == 1, auth.asked
        assert not server.requests, server.saw()


@case
def a_failed_refresh_does_not_show_tokens_of_other_calls():
    # Each request has a different token, and the server echoes it in the challenge.
    threads = 16
    meet = threading.Barrier(threads)
    number = 0
    issued = []

    def handler(_server, request):
        if "x-refuse" not in request.headers:
            return discovered(request)
        meet.wait(PATIENCE)
        return refuse(f'Bearer error="invalid_token", error_description="{request.authorization} is too old"')

    def respond(asked):
        nonlocal number
        if asked.attempt > 1:
            asked.fail("no more")
            return
        number += 1
        issued.append(f"nonce-token-{number:03}-x")
        asked.bearer(issued[-1])

    with Server(handler) as server, authorized(server.url, respond) as (client, auth):
        client.connect().must_be("MCP_OK")
        client.set_header("X-Refuse", "1").must_be("MCP_OK")
        outcomes = [ping.result() for ping in [client.begin_ping(timeout=20_000) for _ in range(threads)]]
        for outcome in outcomes:
            outcome.must_be("MCP_AUTH_FAILED")
            must_not_show(outcome, client.lines, *issued)
        assert auth.refreshes() == 1, auth.asked


# --- Waiting for the refresh of another call --------------------------------------------------------------------------


def stop_a_waiting_call(connected, stop, expected):
    """One call is in the callback, and a second call waits for it. `stop` has to end the second call."""
    issuer = Issuer()
    asking, release = threading.Event(), threading.Event()

    def respond(asked):
        if asked.attempt > 1 or not connected:
            asking.set()
            release.wait(PATIENCE)
            asked.bearer(issuer.mint())
        else:
            asked.bearer(issuer.good or "expired")

    with (
        Server(guarded(issuer)) as server,
        authorized(server.url, respond, destroyed_within=PATIENCE) as (client, _),
        Cancel() as cancel,
    ):
        if connected:
            client.connect().must_be("MCP_OK")
            issuer.expire()
        leader = client.begin_ping(timeout=20_000)
        assert asking.wait(PATIENCE)
        waiter = client.begin_ping(timeout=20_000, cancel=cancel)
        # The leader waits for the callback, and the other call for the leader.
        wait_until_waiting(2)
        stopped = stop(client, cancel)
        outcome = waiter.result().must_be(expected)
        print(f"    {outcome.status} {(outcome.ended - stopped) * 1000:.0f} ms after the stop")
        must_be_soon(stopped, outcome.ended, within=50)
        release.set()
        leader.result().must_be("MCP_OK" if expected == "MCP_CANCELLED" else "MCP_CLOSED")


def trigger(_client, cancel):
    begun = time.monotonic()
    cancel.trigger()
    return begun


def close(client, _cancel):
    begun = time.monotonic()
    client.close(timeout=1000)
    return begun


@case
def a_call_that_waits_for_a_refresh_can_be_cancelled():
    stop_a_waiting_call(True, trigger, "MCP_CANCELLED")


@case
def closing_ends_a_call_that_waits_for_a_refresh():
    stop_a_waiting_call(True, close, "MCP_CLOSED")


@case
def a_call_that_waits_for_a_handshake_can_be_cancelled():
    stop_a_waiting_call(False, trigger, "MCP_CANCELLED")


@case
def closing_ends_a_call_that_waits_for_a_handshake():
    stop_a_waiting_call(False, close, "MCP_CLOSED")


@case
def time_in_the_callback_does_not_count_toward_the_timeout():
    slow = threading.Event()
    issuer = Issuer()

    def respond(asked):
        slow.wait(0.4)
        if asked.attempt > 1:
            issuer.mint()
        asked.bearer(issuer.good or "expired")

    for serve in [discovered, legacy]:
        with Server(guarded(issuer, serve)) as server:
            with authorized(server.url, respond) as (client, _):
                client.ping(timeout=300).must_be("MCP_OK")
                issuer.expire()
                pings = [client.begin_ping(timeout=300) for _ in range(2)]
                for ping in pings:
                    ping.result().must_be("MCP_OK")
            with authorized(server.url, respond) as (client, _):
                pings = [client.begin_ping(timeout=300) for _ in range(2)]
                for ping in pings:
                    ping.result().must_be("MCP_OK")
            print(f"    {serve.__name__}: all calls ended in time")


@case
def time_outside_of_the_callback_counts_toward_the_timeout():
    def handler(_server, request):
        return request.hold()

    def respond(asked):
        threading.Event().wait(0.3)
        asked.bearer("token")

    with Server(handler) as server, authorized(server.url, respond, pin="2026-07-28") as (client, _):
        client.ping(timeout=300).must_be("MCP_TIMEOUT").must_end(600, after=590)


# --- Replaced and removed ---------------------------------------------------------------------------------------------


@case
def a_callback_can_be_removed_during_a_call():
    held = threading.Event()

    def handler(_server, request):
        held.wait(PATIENCE)
        return refuse()

    with Server(handler) as server, authorized(server.url, lambda asked: asked.bearer("token")) as (client, auth):
        ping = client.begin_ping(timeout=20_000)
        server.must_see("server/discover")
        remove_auth(client).must_be("MCP_OK")
        assert auth.destroyed == 1, auth.destroyed
        held.set()
        ping.result().must_be("MCP_UNAUTHORIZED")
        assert auth.attempts() == [1], auth.asked


@case
def a_callback_can_replace_and_remove_itself():
    new = Auth(lambda asked: asked.bearer("new"))
    seen = []

    def replace(asked):
        new.set_on(client).must_be("MCP_OK")
        seen.append(auth.destroyed)
        asked.bearer("old")

    with Server(lambda _server, request: discovered(request)) as server:
        with authorized(server.url, replace) as (client, auth):
            client.ping().must_be("MCP_OK")
            assert (seen, auth.destroyed) == ([0], 1), (seen, auth.destroyed)
            new.respond = lambda asked: remove_auth(client).must_be("MCP_OK")
            client.ping().must_be("MCP_OK")
            assert new.destroyed == 1
            client.ping().must_be("MCP_OK")
        sent = [request.authorization for request in server.requests]
        assert sent == ["Bearer old", None, None], sent
    new.must_be_sound()


@case
def a_new_callback_does_not_share_the_failure_of_the_old_one():
    # A call that begins after the callback was replaced does not share the outcome of an earlier call.
    replaced = threading.Event()

    def handler(_server, request):
        if request.authorization == "Bearer good":
            return discovered(request)
        replaced.wait(PATIENCE)
        wait_until_waiting(2)
        return http(403)

    new = Auth(lambda asked: asked.bearer("good"))
    with Server(handler) as server, authorized(server.url, lambda asked: asked.bearer("bad")) as (client, _):
        old = client.begin_ping(timeout=5000)
        server.must_see("server/discover")
        new.set_on(client).must_be("MCP_OK")
        replaced.set()
        client.ping(timeout=5000).must_be("MCP_OK")
        old.result().must_be("MCP_FORBIDDEN")


# --- HTTP+SSE ---------------------------------------------------------------------------------------------------------


def refusing(issuer):
    return lambda request: None if issuer.accepts(request) else refuse()


@case
def event_stream_and_posts_of_http_sse_are_authorized():
    issuer = Issuer()
    with Server(Sse(refusing(issuer))) as server:
        with authorized(sse_url(server), Holder(issuer)) as (client, auth):
            issuer.expire()
            client.ping().must_be("MCP_OK")
            methods = [(asked.method, asked.attempt) for asked in auth.asked]
            assert methods[:3] == [("GET", 1), ("GET", 2), ("POST", 1)], methods
            assert auth.asked[0].url == sse_url(server), auth.asked
            assert auth.asked[2].url.endswith("/messages?session=1"), auth.asked
            issuer.expire()
            client.ping().must_be("MCP_OK")
            refused, retried = server.requests[-2:]
            assert (refused.rpc, retried.rpc) == ("ping", "ping")
            assert refused.message["id"] != retried.message["id"]
            assert auth.refreshes() == 2, auth.asked
            assert server.saw().count("GET") == 2, server.saw()


@case
def many_calls_on_http_sse_share_a_refresh():
    issuer = Issuer()
    sse = Sse(lambda _request: None)
    handler = HeldRefusals(issuer, THREADS, False, serve=lambda request: sse(None, request))
    with Server(handler) as server, authorized(sse_url(server), Holder(issuer, 0.2)) as (client, _):
        client.connect().must_be("MCP_OK")
        issuer.expire()
        minted = issuer.minted
        for ping in [client.begin_ping(timeout=40_000) for _ in range(THREADS)]:
            ping.result().must_be("MCP_OK")
        print(f"    {issuer.minted - minted} refresh")
        assert issuer.minted - minted == 1


run()
