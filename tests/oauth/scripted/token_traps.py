"""Failures of tokens that users of other clients reported. Each case names the reports (owner/repository#number)."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from oauth_client import OAuth, OAuthClient, Store, logged_in, new_site, using
from scripted_server import Held, Site, html, oauth_error, unavailable

from harness import PATIENCE, case, http, run
from load import PAUSE

# --- After a restart --------------------------------------------------------------------------------------------------


@case
def after_a_restart_the_refresh_needs_no_metadata():
    """modelcontextprotocol/python-sdk#3250, #2492, onyx-dot-app/onyx#11960, NousResearch/hermes-agent#21226: it went to
    <origin>/token, because the endpoints were not stored."""
    store = Store()
    with Site() as site:
        site.auth.endpoints["token"] = f"{site.auth.origin}/oauth2/v1/token"
        site.auth.paths["/oauth2/v1/token"] = "token"
        site.auth.lifetime = 0
        with logged_in(site, store=store):
            pass
        with (
            site.auth.answering(metadata=unavailable, register=unavailable),
            site.mcp.answering(resource_metadata=unavailable),
            using(site, store=store) as (client, oauth),
        ):
            client.ping().must_be("MCP_OK")
            assert not oauth.logins, oauth.logins
        last = site.auth.received("token")[-1]
        assert last.path == "/oauth2/v1/token", last.path
        assert [form["grant_type"] for form in site.auth.token_requests()[1:]] == ["refresh_token"]


@case
def the_end_of_a_token_is_absolute():
    """modelcontextprotocol/python-sdk#1318, openai/codex#6570: after a restart, the lifetime began again."""
    store = Store()
    with Site() as site:
        site.auth.lifetime = 1
        with logged_in(site, store=store):
            pass
        PAUSE.wait(2.1)
        before = len(site.mcp.requests)
        with using(site, store=store) as (client, _):
            client.ping().must_be("MCP_OK")
        assert len(site.auth.refreshes()) == 1, site.auth.refreshes()
        # The old token was not tried, although the server would have accepted it.
        assert len(site.mcp.requests) == before + 1, site.mcp.saw()


# --- Programs that share a store --------------------------------------------------------------------------------------


@case
def programs_that_share_a_store_refresh_once():
    """anthropics/claude-code#84440, #91641, anomalyco/opencode#34074, PrefectHQ/fastmcp#4901: they race for a refresh
    token that is valid once."""
    programs, store = 8, Store()
    with Site() as site:
        with logged_in(site, store=store):
            pass
        site.auth.expire()
        held, before = Held(site.auth.answer_token), len(site.mcp.received("mcp"))

        def run_program(_number):
            with OAuth(store=store) as oauth, OAuthClient(site.url, oauth) as client:
                outcome = client.ping(timeout=3 * PATIENCE * 1000)
                return outcome.status, len(oauth.logins)

        with site.auth.answering(token=held), ThreadPoolExecutor(programs) as threads:
            running = [threads.submit(run_program, number) for number in range(programs)]
            # All programs have been refused, and one of them refreshes.
            assert site.mcp.wait_for(lambda: len(site.mcp.received("mcp")) >= before + programs), site.mcp.saw()
            assert held.arrived.wait(PATIENCE)
            held.release.set()
            outcomes = [future.result() for future in running]
        assert outcomes == [("MCP_OK", 0)] * programs, outcomes
        assert len(site.auth.refreshes()) == 1, site.auth.refreshes()


@case
def a_refresh_token_that_another_program_used_is_replaced_by_the_stored_one():
    """anthropics/claude-code#85236, anomalyco/opencode#49439, earendil-works/pi#9563: the loser deleted the tokens of
    the winner. Without locks, only reading the store again helps."""
    store = Store()
    with Site() as site, logged_in(site, store=store, locks=False) as (client, oauth):
        site.auth.expire()
        with using(site, store=store, locks=False) as (other, _):
            other.ping().must_be("MCP_OK")
        winner = store.tokens()
        client.ping().must_be("MCP_OK")
        assert store.tokens() == winner, store.tokens()
        assert len(oauth.logins) == 1, oauth.logins


@case
def tokens_that_another_program_stored_during_a_refresh_are_used():
    store = Store()
    with Site() as site, logged_in(site, store=store, locks=False) as (client, oauth):
        site.auth.expire()
        used = threading.Event()

        def refuse_the_loser(request):
            # While this refresh is on its way, the other program refreshes.
            if not used.is_set():
                used.set()
                with using(site, store=store, locks=False) as (other, _):
                    other.ping().must_be("MCP_OK")
            return site.auth.answer_token(request)

        with site.auth.answering(token=refuse_the_loser):
            client.ping().must_be("MCP_OK")
        assert len(oauth.logins) == 1, oauth.logins
        assert store.tokens()["refreshToken"] in site.auth.refresh_tokens, store.tokens()


# --- Refreshes that fail ----------------------------------------------------------------------------------------------


@case
def a_refresh_that_fails_for_another_reason_deletes_nothing():
    """maximhq/bifrost#2557, knowsuchagency/mcp2cli#60, stacklok/toolhive#4513, aaif-goose/goose#12016: tokens were
    deleted for a 5xx, HTML, or the network, and a login was forced."""
    store = Store()
    replies = [http(status, "x") for status in (500, 502, 503, 429, 404, 401)]
    replies += [html(), html(403), html(502), http(200, "{"), http(200, {}), http(400, {"detail": "bad gateway"})]
    # RFC 6749, 4.1.2.1: a redirect cannot have a status 500 or 503, and some servers use these codes everywhere.
    replies += [oauth_error("temporarily_unavailable"), oauth_error("server_error"), oauth_error("slow_down")]
    with Site() as site, logged_in(site, store=store) as (client, oauth):
        site.auth.expire()
        before = store.contents()
        for reply in replies:
            with site.auth.answering(token=lambda _request, reply=reply: reply):
                outcome = client.ping()
                assert outcome.status not in ("MCP_OK", "MCP_LOGIN_REQUIRED", "MCP_LOGIN_FAILED"), (reply, outcome)
            assert store.contents() == before, (reply, store.contents())
        client.ping().must_be("MCP_OK")
        assert len(oauth.logins) == 1, oauth.logins


@case
def invalid_grant_leads_to_a_login_with_any_http_status():
    """PrefectHQ/fastmcp#2800: it was answered with 401."""
    for status in (400, 401, 403, 200):
        store = Store()
        with Site() as site, logged_in(site, store=store) as (client, oauth):
            site.auth.revoke_all()

            def refuse(request, status=status):
                refused = b"grant_type=refresh_token" in request.body
                return oauth_error("invalid_grant", status) if refused else site.auth.answer_token(request)

            with site.auth.answering(token=refuse):
                client.ping().must_be("MCP_OK")
            assert len(oauth.logins) == 2, (status, oauth.logins)
            assert len(site.auth.received("register")) == 1, "the client was not refused"


@case
def invalid_grant_deletes_the_tokens_but_not_the_registration():
    store = Store()
    with Site() as site:
        with logged_in(site, store=store):
            pass
        [before] = store.contents().values()
        site.auth.revoke_all()
        with using(site, person=None, store=store) as (client, _):
            client.ping().must_be("MCP_LOGIN_REQUIRED")
        [after] = store.contents().values()
        assert "tokens" not in after and after["client"] == before["client"], after


@case
def an_error_of_a_server_in_trouble_deletes_nothing_even_if_it_is_invalid_grant():
    store = Store()
    with Site() as site, logged_in(site, store=store) as (client, oauth):
        site.auth.expire()
        before = store.contents()
        for status in (429, 500, 503):
            with site.auth.answering(token=lambda _request, status=status: oauth_error("invalid_grant", status)):
                client.ping()
            assert store.contents() == before, store.contents()
        client.ping().must_be("MCP_OK")
        assert len(oauth.logins) == 1, oauth.logins


# --- What a refresh sends and gets ------------------------------------------------------------------------------------


@case
def a_refresh_sends_the_scope_and_the_resource():
    """modelcontextprotocol/rust-sdk#624, #731, anthropics/claude-code#89862, openai/codex#33403."""
    with Site() as site:
        site.mcp.members["scopes_supported"] = ["read", "write", "admin"]
        issue = site.auth.issue
        # Less is granted than was asked for: the refresh is for what was granted (RFC 6749, section 6).
        site.auth.issue = lambda grant: issue(replace(grant, scope=frozenset({"read", "write"})))
        with logged_in(site) as (client, _):
            site.auth.expire()
            client.ping().must_be("MCP_OK")
        [sent] = site.auth.refreshes()
        assert set(sent["scope"].split()) == {"read", "write"}, sent
        assert sent["resource"] == site.url, sent


@case
def a_refresh_token_that_is_not_replaced_is_kept():
    """openai/codex#35327."""
    store = Store()
    with Site() as site:
        site.auth.rotates = False
        with logged_in(site, store=store) as (client, oauth):
            kept = store.tokens()["refreshToken"]
            for _ in range(3):
                site.auth.expire()
                client.ping().must_be("MCP_OK")
                assert store.tokens()["refreshToken"] == kept, store.tokens()
            assert len(oauth.logins) == 1, oauth.logins


@case
def a_replaced_refresh_token_is_used_from_then_on():
    with new_site() as (site, client, oauth):
        client.ping().must_be("MCP_OK")
        for _ in range(3):
            site.auth.expire()
            client.ping().must_be("MCP_OK")
        used = [form["refresh_token"] for form in site.auth.refreshes()]
        assert len(set(used)) == 3 and len(oauth.logins) == 1, used


@case
def lifetimes_are_read_in_any_form():
    """LibreChat-AI/librechat.ai#420, QwenLM/qwen-code#5355: a text (Entra), and 0 that was taken for "never"."""
    # How often two further calls refresh.
    expected = {"3600": 0, 3600.5: 0, None: 0, "0": 2, 0: 2}
    for lifetime, refreshes in expected.items():
        with Site() as site:
            site.auth.lifetime = lifetime
            with logged_in(site) as (client, _):
                client.ping().must_be("MCP_OK")
                client.ping().must_be("MCP_OK")
            assert len(site.auth.refreshes()) == refreshes, (lifetime, site.auth.refreshes())


@case
def token_responses_are_read_in_any_form():
    forms = [
        {"token_type": "bearer"},
        {"token_type": "BEARER"},
        {"token_type": None},
        {"scope": ["read", "write"]},
        {"scope": ""},
        {"scope": 5},
        {"refresh_token": None},
        {"refresh_token": ""},
        {"id_token": "not a JWT"},
        {"unknown": {"a": [1]}},
    ]
    for members in forms:
        with new_site() as (site, client, _):
            issue = site.auth.issue
            site.auth.issue = lambda grant, issue=issue, members=members: issue(grant, **members)
            client.ping().must_be("MCP_OK")
            assert client.state()["loggedIn"], members


@case
def tokens_that_cannot_be_sent_are_refused():
    for members in ({"token_type": "MAC"}, {"token_type": "DPoP"}, {"access_token": "with a space"},
                    {"access_token": "line\r\nX-Evil: 1"}, {"access_token": ""}, {"access_token": None}):  # fmt: skip
        store = Store()
        with Site() as site, using(site, store=store) as (client, _):
            issue = site.auth.issue

            def issue_others(grant, issue=issue, members=members):
                response = json.loads(issue(grant).split(b"\r\n\r\n")[1]) | members
                return http(200, response)

            site.auth.issue = issue_others
            client.ping().must_be("MCP_OAUTH_FAILED")
            assert store.tokens() is None, store.contents()
            assert all("x-evil" not in request.headers for request in site.mcp.requests)


# --- Another authorization server -------------------------------------------------------------------------------------


@case
def no_token_of_one_authorization_server_is_sent_to_another():
    """openclaw/openclaw#112032: the stored refresh token was sent to a new issuer."""
    store = Store()
    with Site() as site, logged_in(site, store=store) as (client, oauth):
        second = site.replaced_auth()
        client.ping().must_be("MCP_OK")
        assert not second.refreshes(), second.refreshes()
        assert len(second.received("register")) == 1, second.saw()
        assert oauth.logins[-1].issuer == second.issuer, oauth.logins[-1].issuer
        seen = b"".join(request.body + request.path.encode() for request in second.requests).decode()
        assert not [text for text in site.auth.secrets if text in seen], seen
        # Nothing of the first one is left.
        assert not [text for text in site.auth.secrets if text in str(store.contents())], store.contents()


run()
