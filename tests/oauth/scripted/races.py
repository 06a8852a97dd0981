"""Many calls that need a login or a refresh at the same time: one of them gets it, and all use it."""

import contextlib
import threading

from oauth_client import OAuthClient, Store, follow, location_of, new_site, using
from scripted_server import Held, Site, oauth_error

from harness import PATIENCE, case, run, wait_until_waiting

THREADS = 64

# The timeout of these calls, in milliseconds: 64 threads share two processors.
TIMEOUT = 40_000


class HeldRefusals:
    """Answers of an MCP server that holds its refusals until `count` requests are refused. It sends them all at once,
    or, `one_by_one`, each after the request that was refused before it was served."""

    def __init__(self, mcp, count, one_by_one=False):
        self.answer, self.count, self.one_by_one = mcp.answer_mcp, count, one_by_one
        self.changed = threading.Condition()
        self.refused = self.served = 0
        mcp.answers["mcp"] = self

    def __call__(self, request):
        response = self.answer(request)
        with self.changed:
            if not response.startswith((b"HTTP/1.1 401", b"HTTP/1.1 403")):
                self.served += 1
                self.changed.notify_all()
                return response
            self.refused += 1
            position = self.refused
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.refused >= self.count, PATIENCE)
            if self.one_by_one and position <= self.count:
                self.changed.wait_for(lambda: self.served >= position - 1, PATIENCE)
        return response


def connect(site, *clients):
    """Makes the handshake while the server requires no token: only one call of a client can make it."""
    with site.mcp.answering(mcp=site.mcp.respond_with_mcp):
        for client in clients:
            client.connect(timeout=TIMEOUT).must_be("MCP_OK")


def all_ping(*clients, threads=THREADS):
    """Pings from many threads, and returns the outcomes."""
    pings = [clients[number % len(clients)].begin_ping(timeout=TIMEOUT) for number in range(threads)]
    return [ping.result(within=TIMEOUT / 1000) for ping in pings]


def must_all_be(outcomes, status):
    found = {outcome.status: outcome.message for outcome in outcomes}
    assert set(found) == {status}, found


@contextlib.contextmanager
def two_clients(site, **settings):
    with using(site, **settings) as (first, oauth), OAuthClient(site.url, oauth) as second:
        yield first, second, oauth


# --- Logins -----------------------------------------------------------------------------------------------------------


@case
def calls_refused_at_once_share_a_login():
    for one_by_one in (False, True):
        with new_site() as (site, client, oauth):
            connect(site, client)
            held = HeldRefusals(site.mcp, THREADS, one_by_one)
            must_all_be(all_ping(client), "MCP_OK")
            assert held.refused == THREADS, held.refused
            counts = [len(site.auth.received(name)) for name in ("register", "authorize", "token")]
            assert counts == [1, 1, 1] and len(oauth.logins) == 1, (counts, oauth.logins)


@case
def calls_of_two_clients_share_a_login():
    with Site() as site, two_clients(site) as (first, second, oauth):
        connect(site, first, second)
        held = HeldRefusals(site.mcp, THREADS)
        must_all_be(all_ping(first, second), "MCP_OK")
        assert held.refused == THREADS, held.refused
        counts = [len(site.auth.received(name)) for name in ("register", "authorize", "token")]
        assert counts == [1, 1, 1] and len(oauth.logins) == 1, (counts, oauth.logins)


@case
def calls_that_begin_while_a_person_logs_in_wait_for_the_login():
    with new_site() as (site, client, oauth):
        calls = []

        def slow(login):
            # This call waits for the person, and all others for this call.
            calls.extend(client.begin_ping(timeout=TIMEOUT) for _ in range(THREADS - 1))
            wait_until_waiting(THREADS)
            follow(login)

        oauth.person = slow
        client.ping(timeout=TIMEOUT).must_be("MCP_OK")
        must_all_be([each.result(within=TIMEOUT / 1000) for each in calls], "MCP_OK")
        assert len(oauth.logins) == 1 and len(site.auth.received("token")) == 1, site.auth.saw()


@case
def a_failed_login_fails_all_calls_that_wait_for_it():
    with new_site() as (site, client, oauth):
        connect(site, client)
        oauth.person = lambda login: login.fail("the window was closed")
        HeldRefusals(site.mcp, THREADS)
        outcomes = all_ping(client)
        found = {outcome.status for outcome in outcomes}
        assert found <= {"MCP_LOGIN_FAILED", "MCP_LOGIN_REQUIRED"} and "MCP_LOGIN_FAILED" in found, found
        assert len(oauth.logins) == 1, oauth.logins


@case
def a_failed_token_request_fails_all_calls_that_wait_for_it():
    with new_site() as (site, client, oauth):
        connect(site, client)
        HeldRefusals(site.mcp, THREADS)
        with site.auth.answering(token=lambda _request: oauth_error("unauthorized_client")):
            outcomes = all_ping(client)
        found = {outcome.status for outcome in outcomes}
        assert "MCP_OK" not in found, found
        assert len(oauth.logins) == 1 and len(site.auth.received("token")) == 1, site.auth.saw()


# --- Refreshes --------------------------------------------------------------------------------------------------------


@case
def calls_refused_at_once_share_a_refresh():
    for one_by_one in (False, True):
        with new_site() as (site, client, oauth):
            client.ping().must_be("MCP_OK")
            for number in range(1, 4):
                site.auth.expire()
                held = HeldRefusals(site.mcp, THREADS, one_by_one)
                must_all_be(all_ping(client), "MCP_OK")
                assert held.refused == THREADS, held.refused
                assert len(site.auth.refreshes()) == number, site.auth.refreshes()
                site.mcp.answers["mcp"] = site.mcp.answer_mcp
            assert len(oauth.logins) == 1, oauth.logins


@case
def calls_of_two_clients_share_a_refresh():
    with Site() as site, two_clients(site, store=Store()) as (first, second, oauth):
        first.ping().must_be("MCP_OK")
        second.ping().must_be("MCP_OK")
        site.auth.expire()
        held = HeldRefusals(site.mcp, THREADS)
        must_all_be(all_ping(first, second), "MCP_OK")
        assert held.refused == THREADS, held.refused
        assert len(site.auth.refreshes()) == 1 and len(oauth.logins) == 1, site.auth.saw()


@case
def calls_that_find_an_expired_token_share_a_refresh():
    with new_site() as (site, client, oauth):
        site.auth.lifetime = 0
        client.ping().must_be("MCP_OK")
        site.auth.lifetime = 3600
        must_all_be(all_ping(client), "MCP_OK")
        assert len(site.auth.refreshes()) == 1 and len(oauth.logins) == 1, site.auth.saw()


@case
def a_refused_refresh_leads_to_one_login():
    with new_site() as (site, client, oauth):
        client.ping().must_be("MCP_OK")
        site.auth.revoke_all()
        HeldRefusals(site.mcp, THREADS)
        must_all_be(all_ping(client), "MCP_OK")
        assert len(site.auth.refreshes()) == 1 and len(oauth.logins) == 2, site.auth.saw()


@case
def a_failed_refresh_fails_all_calls_that_wait_for_it():
    with new_site() as (site, client, oauth):
        client.ping().must_be("MCP_OK")
        site.auth.expire()
        HeldRefusals(site.mcp, THREADS)
        held = Held(lambda _request: oauth_error("invalid_grant", 503))
        with site.auth.answering(token=held):
            pings = [client.begin_ping(timeout=TIMEOUT) for _ in range(THREADS)]
            assert held.arrived.wait(PATIENCE)
            # All calls, and the thread of the token request: a call that is refused later would try again.
            wait_until_waiting(THREADS + 1)
            held.release.set()
            must_all_be([ping.result(within=TIMEOUT / 1000) for ping in pings], "MCP_OAUTH_FAILED")
        print(f"    {len(site.auth.refreshes())} failed refreshes for {THREADS} calls")
        assert len(site.auth.refreshes()) == 1, len(site.auth.refreshes())
        site.mcp.answers["mcp"] = site.mcp.answer_mcp
        client.ping().must_be("MCP_OK")
        assert len(oauth.logins) == 1, oauth.logins


@case
def a_logout_during_a_refresh_forgets_the_new_tokens():
    store = Store()
    with Site() as site, using(site, store=store) as (client, _):
        client.ping().must_be("MCP_OK")
        site.auth.expire()
        held = Held(site.auth.answer_token)
        with site.auth.answering(token=held):
            ping = client.begin_ping(timeout=TIMEOUT)
            assert held.arrived.wait(PATIENCE)
            logout = client.begin(lambda: client.logout(timeout=TIMEOUT))
            # Both calls, and the thread of the token request.
            wait_until_waiting(3)
            held.release.set()
            ping.result()
            logout.result().must_be("MCP_OK")
        assert store.tokens() is None, store.contents()
        assert not site.auth.access_tokens and not site.auth.refresh_tokens, site.auth.access_tokens


# --- More scopes ------------------------------------------------------------------------------------------------------


@case
def calls_that_need_another_scope_share_a_login():
    with new_site() as (site, client, oauth):
        site.mcp.challenge["scope"], site.mcp.required = "read", frozenset({"read"})
        client.ping().must_be("MCP_OK")
        site.mcp.challenge["scope"], site.mcp.required = "write", frozenset({"read", "write"})
        held = HeldRefusals(site.mcp, THREADS)
        must_all_be(all_ping(client), "MCP_OK")
        assert held.refused == THREADS, held.refused
        assert len(oauth.logins) == 2, oauth.logins
        assert not site.auth.refreshes(), site.auth.refreshes()


# --- Several servers --------------------------------------------------------------------------------------------------


@case
def two_servers_have_their_own_logins_at_the_same_time():
    both = threading.Barrier(2)

    def meet(login):
        # The other login is in progress too: neither waits for the other.
        both.wait(PATIENCE)
        login.finish(location_of(login)).must_be("MCP_OK")

    with Site() as first, Site() as second, using(first, person=meet) as (client, oauth):
        with OAuthClient(second.url, oauth) as other:
            must_all_be(all_ping(client, other), "MCP_OK")
        for site in (first, second):
            assert len(site.auth.received("authorize")) == 1, site.auth.saw()
            foreign = second if site is first else first
            sent = {request.authorization for request in site.mcp.requests}
            assert not {f"Bearer {token}" for token in foreign.auth.access_tokens} & sent, sent


run()
