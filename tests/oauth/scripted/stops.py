"""Cancelling and closing in each state of a login and of a refresh. A token request that was sent is not lost."""

import contextlib
import time

from oauth_client import LONG, OAuth, OAuthClient, Store, follow, ignore, must_stop_at_once, paste, using
from scripted_server import Held, Site

from harness import PATIENCE, Cancel, call, case, lib, options, run, wait_until_waiting


def trigger(_client, cancel):
    cancel.trigger()


def close(client, _cancel):
    client.close(timeout=1000)


STOPS = {"MCP_CANCELLED": trigger, "MCP_CLOSED": close}


@contextlib.contextmanager
def stopped_call(site, expected, wait_until_reached, person=follow, store=None, prepare=None, make_call=None):
    """Stops a ping when `wait_until_reached(oauth)` returns. Then the client is as after that, or closed; yields a
    client that is not, and the mcp_oauth."""
    with OAuth(person, store) as oauth, Cancel() as cancel:
        with OAuthClient(site.url, oauth) as client:
            if prepare:
                prepare(client)
            begin = make_call or (lambda client, cancel: client.begin_ping(timeout=3 * LONG, cancel=cancel))
            ping = begin(client, cancel)
            wait_until_reached(oauth)
            begun = time.monotonic()
            STOPS[expected](client, cancel)
            outcome = ping.result().must_be(expected)
            must_stop_at_once(begun, outcome.ended)
            if expected == "MCP_CANCELLED":
                yield client, oauth
                return
        with using(site, oauth) as (client, _):
            yield client, oauth


def stop_during(endpoint, expected, server_of, is_kept=False, refreshes=False):
    """Stops a call while it waits for an endpoint. `is_kept`: the response, which arrives later, has to be used."""
    with Site() as site:
        server = server_of(site)
        held, store = Held(server.answers[endpoint]), Store()

        def prepare(client):
            if refreshes:
                client.ping().must_be("MCP_OK")
                site.auth.expire()
            server.answers[endpoint] = held

        def reached(_oauth):
            assert held.arrived.wait(PATIENCE), f"no request to {endpoint}"

        with stopped_call(site, expected, reached, store=store, prepare=prepare) as (client, oauth):
            logins, before = len(oauth.logins), store.contents()
            held.release.set()
            if is_kept:
                arrived = store.wait_for(lambda: store.records and store.contents() != before and store.tokens())
                assert arrived, store.contents()
            client.ping().must_be("MCP_OK")
            assert len(oauth.logins) == logins + (not is_kept), oauth.logins
            requests = site.auth.token_requests()
            assert len(requests) == 1 + refreshes, requests


def mcp(site):
    return site.mcp


def auth(site):
    return site.auth


# --- While the library waits for a server -----------------------------------------------------------------------------


@case
def a_stop_ends_a_call_that_waits_for_the_resource_metadata():
    for expected in STOPS:
        stop_during("resource_metadata", expected, mcp)


@case
def a_stop_ends_a_call_that_waits_for_the_metadata_of_the_authorization_server():
    for expected in STOPS:
        stop_during("metadata", expected, auth)


@case
def a_stop_ends_a_call_that_waits_for_a_registration():
    for expected in STOPS:
        stop_during("register", expected, auth)


@case
def a_stop_ends_a_call_during_a_token_request_and_the_token_is_kept():
    for expected in STOPS:
        stop_during("token", expected, auth, is_kept=True)


@case
def a_stop_ends_a_call_during_a_refresh_and_the_token_is_kept():
    for expected in STOPS:
        stop_during("token", expected, auth, is_kept=True, refreshes=True)


@case
def a_timeout_during_a_refresh_keeps_the_token():
    store = Store()
    with Site() as site, using(site, store=store) as (client, oauth):
        client.ping().must_be("MCP_OK")
        site.auth.expire()
        held, before = Held(site.auth.answer_token), store.tokens()
        with site.auth.answering(token=held):
            client.ping(timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
            held.release.set()
            assert store.wait_for(lambda: store.tokens() != before), store.tokens()
        client.ping().must_be("MCP_OK")
        assert (len(site.auth.refreshes()), len(oauth.logins)) == (1, 1), site.auth.refreshes()


@case
def a_call_after_the_cancel_waits_for_the_token_request_that_was_sent():
    """It must not log in or refresh again meanwhile: both would use the code or the refresh token twice."""
    for refreshes in (False, True):
        with Site() as site, using(site) as (client, oauth), Cancel() as cancel:
            if refreshes:
                client.ping().must_be("MCP_OK")
                site.auth.expire()
            held = Held(site.auth.answer_token)
            with site.auth.answering(token=held):
                first = client.begin_ping(timeout=LONG, cancel=cancel)
                assert held.arrived.wait(PATIENCE)
                cancel.trigger()
                first.result().must_be("MCP_CANCELLED")
                second = client.begin_ping(timeout=LONG)
                # It, and the thread of the token request.
                wait_until_waiting(2)
                client.ping(timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
                held.release.set()
                second.result().must_be("MCP_OK")
            assert len(site.auth.token_requests()) == 1 + refreshes, site.auth.token_requests()
            assert len(oauth.logins) == 1, oauth.logins


@case
def the_token_is_kept_although_the_client_and_the_oauth_object_were_freed():
    store = Store()
    with Site() as site:
        held = Held(site.auth.answer_token)
        with site.auth.answering(token=held), OAuth(store=store) as oauth:
            with OAuthClient(site.url, oauth) as client, Cancel() as cancel:
                ping = client.begin_ping(timeout=LONG, cancel=cancel)
                assert held.arrived.wait(PATIENCE)
                cancel.trigger()
                ping.result().must_be("MCP_CANCELLED")
            oauth.begin(held.release.set)
        with using(site, person=None, store=store) as (client, _):
            client.ping().must_be("MCP_OK")


# --- While a person logs in -------------------------------------------------------------------------------------------


@case
def a_stop_ends_a_call_while_the_person_does_nothing():
    for expected in STOPS:
        with Site() as site:

            def reached(oauth):
                oauth.must_ask()
                wait_until_waiting(1)

            with stopped_call(site, expected, reached, person=ignore) as (client, oauth):
                # The window is still open, but no call waits for it.
                login = oauth.logins[0]
                login.finish_later("http://127.0.0.1/callback?code=x&state=y").must_be("MCP_INVALID_ARGUMENT")
                oauth.person = follow
                client.login().must_be("MCP_OK")
                assert len(site.auth.token_requests()) == 1, site.auth.token_requests()


@case
def a_stop_ends_mcp_login():
    for expected in STOPS:
        with Site() as site:

            def begin(client, cancel):
                return client.begin(lambda: client.login(timeout=3 * LONG, cancel=cancel))

            def reached(oauth):
                oauth.must_ask()
                wait_until_waiting(1)

            with stopped_call(site, expected, reached, person=ignore, make_call=begin) as (client, oauth):
                oauth.person = follow
                client.login().must_be("MCP_OK")


@case
def a_cancel_inside_of_open_ends_the_call_when_it_returns():
    with Site() as site, Cancel() as cancel:
        with using(site, person=lambda _login: cancel.trigger()) as (client, oauth):
            client.ping(cancel=cancel).must_be("MCP_CANCELLED").must_end(0)
            oauth.person = follow
            client.login().must_be("MCP_OK")


# --- While another call logs in ---------------------------------------------------------------------------------------


@case
def a_stop_ends_a_call_that_waits_for_the_login_of_another_call():
    for expected in STOPS:
        with Site() as site, using(site, person=ignore) as (leader_client, oauth), Cancel() as cancel:
            leader = leader_client.begin_ping(timeout=3 * LONG)
            login = oauth.must_ask()
            with OAuthClient(site.url, oauth) as client:
                waiter = client.begin_ping(timeout=3 * LONG, cancel=cancel)
                # The leader, and then the waiter.
                assert site.mcp.wait_for(lambda: len(site.mcp.received("mcp")) >= 2), site.mcp.saw()
                wait_until_waiting(2)
                begun = time.monotonic()
                STOPS[expected](client, cancel)
                must_stop_at_once(begun, waiter.result().must_be(expected).ended)
            paste(login)
            leader.result().must_be("MCP_OK")
            assert len(oauth.logins) == 1, oauth.logins


@case
def the_waiting_call_continues_when_the_call_that_logs_in_is_cancelled():
    """The waiting call asks the person again."""
    with Site() as site, using(site, person=ignore) as (client, oauth), Cancel() as cancel:
        leader = client.begin_ping(timeout=3 * LONG, cancel=cancel)
        oauth.must_ask()
        with OAuthClient(site.url, oauth) as other:
            # The first waits for the handshake of its client, and the second for the login.
            waiters = [each.begin_ping(timeout=3 * LONG) for each in (client, other)]
            wait_until_waiting(3)
            oauth.person = follow
            cancel.trigger()
            leader.result().must_be("MCP_CANCELLED")
            for waiter in waiters:
                waiter.result().must_be("MCP_OK")
        assert len(oauth.logins) == 2, oauth.logins


# --- Logging out ------------------------------------------------------------------------------------------------------


@case
def a_stop_ends_mcp_logout_and_the_tokens_are_forgotten():
    for expected in STOPS:
        store = Store()
        with Site() as site:
            held = Held(site.auth.answer_revoke)

            def begin(client, cancel):
                def log_out():
                    with options(timeout=3 * LONG, cancel=cancel) as opts:
                        return call(lib.mcp_logout, client.client, opts)

                return client.begin(log_out)

            def prepare(client, site=site, held=held):
                client.ping().must_be("MCP_OK")
                site.auth.answers["revoke"] = held

            def reached(_oauth, held=held):
                assert held.arrived.wait(PATIENCE)

            with stopped_call(site, expected, reached, store=store, prepare=prepare, make_call=begin) as (client, _):
                held.release.set()
                assert store.tokens() is None, store.contents()
                assert not client.state()["loggedIn"], client.state()


run()
