"""How long a login takes: the person's time, the login's timeout, and when a person is asked."""

import threading

from oauth_client import (
    LONG, WHEN_ASKED, WHEN_NEEDED, OAuthClient, Store, follow, ignore, location_of, logged_in, new_site, paste, using,
)  # fmt: skip
from scripted_server import Held, Site

from harness import Client, case, http, run, wait_until_waiting
from load import PAUSE

# The timeout of the calls, in milliseconds, and the seconds that the person takes.
TIMEOUT, PERSON = 300, 0.9


# --- The person's time ------------------------------------------------------------------------------------------------


@case
def the_persons_time_does_not_count_toward_the_timeout():
    """stacklok/mecatl#1623: the timeout of the handshake ended the login."""

    def later(login):
        def log_in():
            PAUSE.wait(PERSON)
            paste(login)

        login.begin(log_in)

    with Site() as site, using(site, person=later) as (client, _):
        client.ping(timeout=TIMEOUT).must_be("MCP_OK").must_end(PERSON * 1000, after=PERSON * 1000)


@case
def time_in_open_does_not_count_toward_the_timeout():
    def slow(login):
        PAUSE.wait(PERSON)
        follow(login)

    with Site() as site, using(site, person=slow) as (client, _):
        client.ping(timeout=TIMEOUT).must_be("MCP_OK").must_end(PERSON * 1000, after=PERSON * 1000)


@case
def the_persons_time_does_not_count_for_calls_that_wait_for_the_login():
    with Site() as site, using(site, person=ignore) as (client, oauth), OAuthClient(site.url, oauth) as other:
        pings = [client.begin_ping(timeout=TIMEOUT)]
        login = oauth.must_ask()
        pings += [each.begin_ping(timeout=TIMEOUT) for each in (client, other)]
        # One client waits for the handshake, and the other one for the login.
        wait_until_waiting(3)
        PAUSE.wait(PERSON)
        paste(login)
        for ping in pings:
            ping.result().must_be("MCP_OK")


@case
def time_after_the_person_counts_toward_the_timeout():
    def slow(login):
        PAUSE.wait(PERSON)
        follow(login)

    with Site() as site, using(site, person=slow) as (client, _):
        held = Held(site.auth.answer_token)
        with site.auth.answering(token=held):
            expected = PERSON * 1000 + TIMEOUT
            client.ping(timeout=TIMEOUT).must_be("MCP_TIMEOUT").must_end(expected, after=PERSON * 1000)
            held.release.set()


# --- The login's timeout ----------------------------------------------------------------------------------------------


@case
def the_timeout_of_a_login_ends_it_and_later_calls_do_not_ask_again():
    with Site() as site, using(site, person=ignore, login=(WHEN_NEEDED, 400)) as (client, oauth):
        client.ping().must_be("MCP_LOGIN_FAILED").must_end(400, after=400)
        for _ in range(3):
            client.ping().must_be("MCP_LOGIN_REQUIRED").must_end(0)
        assert len(oauth.logins) == 1, oauth.logins
        # The person comes back too late.
        login = oauth.logins[0]
        login.finish_later(location_of(login)).must_be("MCP_INVALID_ARGUMENT")
        client.ping().must_be("MCP_LOGIN_REQUIRED")
        oauth.person = follow
        client.login().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert len(oauth.logins) == 2, oauth.logins


@case
def the_timeout_of_a_login_also_ends_mcp_login_which_may_ask_again():
    with Site() as site, using(site, person=ignore, login=(WHEN_NEEDED, 300)) as (client, oauth):
        for count in (1, 2):
            client.login().must_be("MCP_LOGIN_FAILED").must_end(300, after=300)
            assert len(oauth.logins) == count, oauth.logins


@case
def a_login_may_take_longer_than_the_timeout_of_another_login():
    """The time of a login begins with that login."""
    with Site() as site, using(site, person=ignore, login=(WHEN_NEEDED, 600)) as (client, oauth):
        client.ping().must_be("MCP_LOGIN_FAILED").must_end(600, after=600)

        def later(login):
            login.begin(lambda: PAUSE.wait(0.3) or paste(login))

        oauth.person = later
        client.login().must_be("MCP_OK").must_end(300, after=300)


@case
def a_login_whose_token_request_fails_after_the_call_is_not_begun_again_by_another_call():
    """The call timed out meanwhile. Each later call with a short timeout would open a tab."""
    with Site() as site, using(site) as (client, oauth):
        held = Held(lambda _request: http(500, "broken", kind="text/plain"))
        with site.auth.answering(token=held):
            client.ping(timeout=TIMEOUT).must_be("MCP_TIMEOUT")
            held.release.set()
            # The next call waits for the end of the token request.
            client.ping().must_be("MCP_LOGIN_REQUIRED")
        assert len(oauth.logins) == 1, oauth.logins
        client.login().must_be("MCP_OK")


# --- When a person is asked -------------------------------------------------------------------------------------------


@case
def a_person_is_asked_by_mcp_login_only_if_the_program_says_so():
    with Site() as site, using(site, login=(WHEN_ASKED, LONG)) as (client, oauth):
        client.ping().must_be("MCP_LOGIN_REQUIRED")
        assert not oauth.logins and not site.auth.received("register"), site.auth.saw()
        client.login().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        # A refresh asks no person.
        site.auth.expire()
        client.ping().must_be("MCP_OK")
        site.auth.revoke_all()
        client.ping().must_be("MCP_LOGIN_REQUIRED")
        assert len(oauth.logins) == 1, oauth.logins
        client.login().must_be("MCP_OK")


@case
def without_open_no_person_can_be_asked():
    with Site() as site, using(site, person=None) as (client, _):
        client.ping().must_be("MCP_LOGIN_REQUIRED")
        client.login().must_be("MCP_LOGIN_REQUIRED")
        assert not site.auth.received("authorize", "token"), site.auth.saw()


@case
def mcp_login_asks_no_person_if_the_token_is_good():
    with new_site() as (site, client, oauth):
        client.login().must_be("MCP_OK")
        client.login().must_be("MCP_OK")
        site.auth.expire()
        client.login().must_be("MCP_OK")
        assert len(oauth.logins) == 1 and len(site.auth.refreshes()) == 1, site.auth.saw()


@case
def mcp_login_needs_no_person_if_the_server_wants_none():
    with new_site() as (site, client, oauth):
        site.mcp.answers["mcp"] = site.mcp.respond_with_mcp
        site.mcp.paths = {"/mcp": "mcp"}
        client.login().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert not oauth.logins and not site.auth.requests, site.auth.saw()


# --- Logins that end in another way -----------------------------------------------------------------------------------


@case
def a_login_can_be_ended_by_the_program():
    with Site() as site, using(site, person=ignore) as (client, oauth):
        ping = client.begin_ping(timeout=3 * LONG)
        login = oauth.must_ask()
        login.fail_later("the person closed the window").must_be("MCP_OK")
        outcome = ping.result().must_be("MCP_LOGIN_FAILED")
        assert "the person closed the window" in outcome.message, outcome.message
        login.fail_later("again").must_be("MCP_INVALID_ARGUMENT")
        login.finish_later(location_of(login)).must_be("MCP_INVALID_ARGUMENT")


@case
def an_open_that_fails_after_it_finished_changes_nothing():
    def both(login):
        login.finish(location_of(login)).must_be("MCP_OK")
        login.fail("too late")

    with Site() as site, using(site, person=both) as (client, oauth):
        outcome = client.ping()
        print(f"    {outcome.status}: {outcome.message}")
        assert len(site.auth.received("token")) <= 1, site.auth.saw()
        oauth.person = follow
        client.login().must_be("MCP_OK")


@case
def a_token_that_is_refused_right_after_it_was_made_is_not_made_again():
    """A server that accepts no token: each call would open a tab."""
    with new_site() as (site, client, oauth):
        with site.mcp.answering(mcp=lambda request: site.mcp.refuse(error="invalid_token")):
            for _ in range(3):
                client.ping().must_be("MCP_UNAUTHORIZED", "MCP_LOGIN_REQUIRED")
        assert len(oauth.logins) == 1, oauth.logins
        assert len(site.auth.refreshes()) <= 1, site.auth.refreshes()


@case
def logging_out_revokes_both_tokens_and_keeps_the_registration():
    store = Store()
    with Site() as site, logged_in(site, store=store) as (client, oauth):
        client.logout().must_be("MCP_OK")
        assert not site.auth.access_tokens and not site.auth.refresh_tokens, site.auth.access_tokens
        assert store.tokens() is None, store.contents()
        assert not client.state()["loggedIn"], client.state()
        # There is nothing to revoke.
        revoked = len(site.auth.received("revoke"))
        client.logout().must_be("MCP_OK")
        assert len(site.auth.received("revoke")) == revoked, site.auth.saw()
        client.login().must_be("MCP_OK")
        assert len(site.auth.received("register")) == 1 and len(oauth.logins) == 2, site.auth.saw()


@case
def a_call_during_mcp_login_uses_its_token():
    with Site() as site, using(site, person=ignore, login=(WHEN_ASKED, LONG)) as (client, oauth):
        with OAuthClient(site.url, oauth) as other:
            login_call = client.begin_login()
            login = oauth.must_ask()
            pings = [each.begin_ping(timeout=LONG) for each in (client, other)]
            wait_until_waiting(3)
            paste(login)
            for each in (login_call, *pings):
                each.result().must_be("MCP_OK")
        assert len(oauth.logins) == 1, oauth.logins


@case
def calls_inside_of_open_are_refused_if_they_would_wait_for_it():
    inner = []

    def make_calls(login):
        for each in (client, other):
            inner.extend([each.ping(timeout=3000), each.login(timeout=3000), each.logout(timeout=3000)])
        unrelated.ping(timeout=3000).must_be("MCP_UNAUTHORIZED")
        follow(login)

    with Site() as site, using(site, person=make_calls) as (client, oauth):
        with OAuthClient(site.url, oauth) as other, Client(site.url) as unrelated:
            client.ping().must_be("MCP_OK")
            for outcome in inner:
                outcome.must_be("MCP_MISUSE").must_end(0)
            assert len(inner) == 6, inner
            other.ping().must_be("MCP_OK")
            assert len(oauth.logins) == 1, oauth.logins


@case
def two_logins_with_mcp_login_share_the_person():
    with Site() as site, using(site, person=ignore) as (client, oauth):
        calls = [client.begin_login() for _ in range(8)]
        login = oauth.must_ask()
        asked_once = threading.Event()
        asked_once.wait(0.1)
        paste(login)
        for each in calls:
            each.result().must_be("MCP_OK")
        assert len(oauth.logins) == 1, oauth.logins


run()
