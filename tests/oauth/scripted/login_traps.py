"""Failures of logins that users of other clients reported. Each case names the reports (owner/repository#number)."""

import json
import socket
from dataclasses import replace

from oauth_client import (
    UNSTATED_PKCE, WHEN_NEEDED, Store, browse, follow, location_of, logged_in, new_site, using, visit,
)  # fmt: skip
from scripted_server import AuthorizationServer, Site, free_port, not_found, oauth_error

from harness import PATIENCE, case, http, run
from ports import OtherOrigin

# --- Clients that the authorization server has forgotten --------------------------------------------------------------


def follow_or_leave(login):
    """Leaves an error page open."""
    if visit(login.url)[0] == 302:
        follow(login)


@case
def a_client_that_the_authorization_server_forgot_registers_again_for_the_next_login():
    """anthropics/claude-code#84614, #4760, supabase/mcp#355, punkpeye/mcp-remote#36: the person sees an error page, and
    the browser is never redirected."""
    with Site() as site, using(site, person=follow_or_leave, login=(WHEN_NEEDED, 300)) as (client, oauth):
        site.auth.offers_refresh = False
        client.ping().must_be("MCP_OK")
        site.auth.forget_clients()
        site.auth.expire()
        client.ping().must_be("MCP_LOGIN_FAILED").must_end(300, after=300)
        client.ping().must_be("MCP_LOGIN_REQUIRED")
        client.login().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert [login.asked["client_id"] for login in oauth.logins] == ["client-1", "client-1", "client-2"]


@case
def a_client_that_the_token_endpoint_does_not_know_registers_again_once():
    with new_site() as (site, client, oauth):
        client.ping().must_be("MCP_OK")
        site.auth.forget_clients()
        site.auth.expire()
        client.ping().must_be("MCP_OK")
        assert [login.asked["client_id"] for login in oauth.logins] == ["client-1", "client-2"]


@case
def a_server_that_knows_no_client_is_asked_for_two_registrations_at_most():
    def register_in_vain(request):
        response = site.auth.answer_register(request)
        site.auth.forget_clients()
        return response

    with Site() as site, using(site, person=follow_or_leave, login=(WHEN_NEEDED, 300)) as (client, oauth):
        with site.auth.answering(register=register_in_vain):
            client.ping().must_be("MCP_LOGIN_FAILED", "MCP_OAUTH_FAILED")
        assert len(site.auth.received("register")) <= 2, site.auth.received("register")
        client.login().must_be("MCP_OK")


@case
def a_registration_whose_secret_has_expired_is_replaced():
    def register(request):
        client = site.auth.add_client(json.loads(request.body))
        return http(201, client | {"client_secret_expires_at": 1})

    with Site() as site, using(site) as (client, oauth):
        site.auth.members["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
        with site.auth.answering(register=register):
            client.ping().must_be("MCP_OK")
        site.auth.revoke_all()
        client.ping().must_be("MCP_OK")
        assert [login.asked["client_id"] for login in oauth.logins] == ["client-1", "client-2"]


@case
def a_registration_is_repeated_without_scopes_if_they_are_refused():
    for code in ("invalid_client_metadata", "invalid_scope"):
        sent = []

        def register(request, code=code, sent=sent):
            sent.append(request.message.get("scope"))
            return oauth_error(code) if sent[-1] else site.auth.answer_register(request)

        with Site() as site, using(site) as (client, _), site.auth.answering(register=register):
            site.mcp.members["scopes_supported"] = ["read", "write"]
            client.ping().must_be("MCP_OK")
            assert sent == ["read write", None], sent


# --- Issuers ----------------------------------------------------------------------------------------------------------


@case
def an_issuer_without_a_path_may_differ_by_one_slash():
    """anomalyco/opencode#50036, github/copilot-cli#4606, vercel/ai#20236: Google, JumpCloud, Auth0."""
    for listed, published in (("/", ""), ("", "/"), ("/", "/")):
        with Site() as site:
            origin = site.auth.origin
            site.auth.issuer = f"{origin}{published}"
            site.mcp.members["authorization_servers"] = [f"{origin}{listed}"]
            with using(site) as (client, oauth):
                client.ping().must_be("MCP_OK")
                # The document's own issuer is the one that is shown and compared with `iss`.
                assert oauth.logins[0].issuer == f"{origin}{published}", oauth.logins[0].issuer
                assert client.state()["issuer"] == f"{origin}{published}", client.state()


@case
def other_differences_of_the_issuer_are_refused_and_both_are_named():
    """PrefectHQ/fastmcp, modelcontextprotocol/python-sdk#1919, SmartBear/smartbear-mcp#682."""
    with Site(AuthorizationServer(path="/tenant")) as site:
        origin = site.auth.origin
        for published in (f"{origin}/tenant/", origin, f"{origin}/Tenant", "https://login.example/tenant",
                          f"http://localhost:{site.auth.port}/tenant"):  # fmt: skip
            site.auth.members["issuer"] = published
            with using(site) as (client, oauth):
                outcome = client.ping().must_be("MCP_OAUTH_FAILED")
                assert f"{origin}/tenant" in outcome.message and published in outcome.message, outcome.message
                assert not oauth.logins and not site.auth.received("register", "authorize"), site.auth.saw()


@case
def another_authorization_server_is_used_if_the_first_has_no_metadata():
    with Site() as site, OtherOrigin() as silent:
        refused = f"http://127.0.0.1:{free_port()}"
        for first in (refused, f"{site.mcp.origin}/none", f"{site.auth.origin}/tenant"):
            site.mcp.members["authorization_servers"] = [first, site.auth.issuer]
            with using(site) as (client, oauth):
                client.ping().must_be("MCP_OK")
                assert oauth.logins[0].issuer == site.auth.issuer, oauth.logins[0].issuer
        # The one for which a client is set comes first.
        site.mcp.members["authorization_servers"] = [f"http://127.0.0.1:{silent.port}", site.auth.issuer]
        site.auth.add_client({"client_id": "configured", "token_endpoint_auth_method": "none"})
        with using(site, client=(site.auth.issuer, "configured", None)) as (client, _):
            client.ping().must_be("MCP_OK")
        silent.must_have_no_connection()


# --- PKCE -------------------------------------------------------------------------------------------------------------


@case
def unstated_pkce_is_refused_and_the_message_names_the_switch():
    """anthropics/claude-code#13275, #35846, vercel/ai#18674: Entra, Cognito, AWS."""
    with Site() as site:
        site.auth.members["code_challenge_methods_supported"] = None
        with using(site) as (client, oauth):
            outcome = client.ping().must_be("MCP_OAUTH_FAILED")
            assert "MCP_OAUTH_UNSTATED_PKCE" in outcome.message, outcome.message
            assert not oauth.logins and not site.auth.received("authorize"), site.auth.saw()
        with using(site, allow=(UNSTATED_PKCE, True)) as (client, oauth):
            client.ping().must_be("MCP_OK")
            assert oauth.logins[0].asked["code_challenge_method"] == "S256", oauth.logins[0].asked


@case
def pkce_without_s256_is_always_refused():
    with Site() as site:
        for methods in (["plain"], [], ["s256"]):
            site.auth.members["code_challenge_methods_supported"] = methods
            with using(site, allow=(UNSTATED_PKCE, True)) as (client, oauth):
                client.ping().must_be("MCP_OAUTH_FAILED")
                assert not oauth.logins, oauth.logins


# --- The redirect -----------------------------------------------------------------------------------------------------


@case
def the_port_is_bound_and_held_while_the_person_logs_in():
    """punkpeye/mcp-remote#253, #262, #306, NousResearch/hermes-agent#65622: the port was found, closed, and taken."""

    def check(login):
        with socket.create_connection(("127.0.0.1", login.port), timeout=PATIENCE):
            pass
        try:
            socket.create_server(("127.0.0.1", login.port)).close()
        except OSError:
            browse(login)

    with Site() as site, using(site, person=check) as (client, oauth):
        client.ping().must_be("MCP_OK")
        # It is free again after the login.
        socket.create_server(("127.0.0.1", oauth.logins[0].port)).close()


@case
def a_login_that_failed_is_not_begun_again_by_another_call():
    """anthropics/claude-code#15320, anomalyco/opencode#31490: tabs open and close forever."""
    with Site() as site, using(site, person=lambda login: login.fail("no browser")) as (client, oauth):
        outcome = client.ping().must_be("MCP_LOGIN_FAILED")
        assert "no browser" in outcome.message, outcome.message
        for _ in range(3):
            client.ping().must_be("MCP_LOGIN_REQUIRED")
        assert len(oauth.logins) == 1, oauth.logins
        oauth.person = follow
        client.login().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        assert len(oauth.logins) == 2, oauth.logins


@case
def the_host_of_the_redirect_is_sent_as_it_was_written():
    """anthropics/claude-code#86233, punkpeye/mcp-remote#81, apify/mcpc#269, cognizant-ai-lab/nsflow#233,
    nicobailon/pi-mcp-adapter#53: some servers accept only 127.0.0.1, and others only localhost."""
    for written in (None, "http://127.0.0.1/callback", "http://localhost/callback", "http://localhost/a/b"):
        settings = {"redirect": written} if written else {}
        with Site() as site, using(site, person=browse, **settings) as (client, oauth):
            client.ping().must_be("MCP_OK")
            host, _, path = (written or "http://127.0.0.1/callback").removeprefix("http://").partition("/")
            sent = oauth.logins[0].redirect_uri
            assert sent == f"http://{host}:{oauth.logins[0].port}/{path}", sent
            assert oauth.logins[0].asked["redirect_uri"] == sent, oauth.logins[0].asked
            assert oauth.logins[0].page[0] == 200, oauth.logins[0].page


@case
def localhost_is_received_on_both_addresses():
    """punkpeye/mcp-remote#81, bborn/lewsnetter#20: a browser may try ::1 first."""
    for host in ("127.0.0.1", "[::1]"):

        def deliver(login, host=host):
            login.begin(lambda: visit(location_of(login).replace("localhost", host, 1)))

        with Site() as site, using(site, person=deliver, redirect="http://localhost/callback") as (client, _):
            client.ping().must_be("MCP_OK")


# --- Scopes -----------------------------------------------------------------------------------------------------------


@case
def a_step_up_logs_in_with_the_scopes_of_before_and_does_not_refresh():
    """modelcontextprotocol/typescript-sdk#2255, #1582, anthropics/claude-code#28258, #44652."""
    with Site() as site:
        site.mcp.challenge["scope"] = "read"
        site.mcp.required = frozenset({"read"})
        with logged_in(site) as (client, oauth):
            site.mcp.required, site.mcp.challenge["scope"] = frozenset({"read", "write"}), "write"
            client.ping().must_be("MCP_OK")
            assert [set(login.asked["scope"].split()) for login in oauth.logins] == [{"read"}, {"read", "write"}]
            assert not site.auth.refreshes(), site.auth.refreshes()
            # Both are remembered.
            site.mcp.challenge["scope"], site.mcp.required = "admin", frozenset({"read", "write", "admin"})
            client.ping().must_be("MCP_OK")
            assert set(oauth.logins[-1].asked["scope"].split()) == {"read", "write", "admin"}, oauth.logins[-1].asked


@case
def a_scope_that_the_token_has_is_not_asked_for_again():
    """anthropics/claude-code#44652, modelcontextprotocol/modelcontextprotocol#2349: a loop of logins."""
    with Site() as site:
        site.mcp.challenge["scope"] = "read"
        with logged_in(site) as (client, oauth):
            site.mcp.required = frozenset({"never granted"})
            for _ in range(2):
                client.ping().must_be("MCP_FORBIDDEN")
            assert len(oauth.logins) == 1, oauth.logins


@case
def a_scope_that_is_not_granted_is_asked_for_once_in_a_call():
    with Site() as site:
        site.mcp.challenge["scope"] = "read"
        site.mcp.required = frozenset({"read"})
        with logged_in(site) as (client, oauth):
            issue = site.auth.issue
            site.auth.issue = lambda grant: issue(replace(grant, scope=frozenset({"read"})))
            site.mcp.required, site.mcp.challenge["scope"] = frozenset({"read", "never"}), "never"
            client.ping().must_be("MCP_FORBIDDEN")
            assert len(oauth.logins) <= 2, oauth.logins


# --- Resources --------------------------------------------------------------------------------------------------------


@case
def the_resource_may_be_a_parent_of_the_url_and_is_sent_as_published():
    """microsoft/vscode#259251, modelcontextprotocol/python-sdk#1264, exa-labs/exa-mcp-server#387."""
    with Site() as site:
        for published in (site.url, f"{site.url}/", site.mcp.origin, f"{site.mcp.origin}/"):
            site.mcp.members["resource"] = published
            before = len(site.auth.resources)
            with using(site) as (client, _):
                client.ping().must_be("MCP_OK")
                site.auth.expire()
                client.ping().must_be("MCP_OK")
            # Of the login, the code and the refresh.
            assert site.auth.resources[before:] == [published] * 3, site.auth.resources[before:]


@case
def a_resource_that_does_not_contain_the_url_is_refused_before_a_login():
    with Site() as site:
        other_port = f"http://127.0.0.1:{site.auth.port}/mcp"
        paths = [f"{site.url}2", f"{site.url}/sub", f"{site.mcp.origin}/mc", f"{site.mcp.origin}/other"]
        others = ["https://evil.example.com/mcp", other_port, site.url.replace("http://", "https://"), "mcp", None]
        for published in (*paths, f"{site.url}?a=b", f"{site.url}#x", *others):
            site.mcp.members["resource"] = published
            with using(site) as (client, oauth):
                outcome = client.ping().must_be("MCP_OAUTH_FAILED")
                assert published is None or published in outcome.message, outcome.message
                assert not oauth.logins and not site.auth.requests, site.auth.saw()


@case
def the_resource_can_be_left_out_of_all_requests():
    """anthropics/claude-code#73460, modelcontextprotocol/csharp-sdk#648, #741, punkpeye/mcp-remote#217,
    PrefectHQ/fastmcp#4839: Entra refuses it."""
    for value, sent in (("", None), ("urn:example:mcp", "urn:example:mcp")):
        with Site() as site, using(site, resource=value) as (client, _):
            site.mcp.checks_resource = False
            client.ping().must_be("MCP_OK")
            site.auth.expire()
            client.ping().must_be("MCP_OK")
            assert site.auth.resources == [sent] * 3, site.auth.resources


@case
def an_old_server_without_resource_metadata_is_found_by_its_root():
    """cloudflare/workers-oauth-provider#70: a 401 without resource_metadata, and metadata of the authorization server
    only. The version 2025-03-26 also allows none."""
    for has_metadata in (True, False):
        with Site() as site:
            site.without_resource_metadata(has_metadata)
            with using(site) as (client, _):
                client.ping().must_be("MCP_OK")
                assert len(site.mcp.received("authorize")) == 1, site.mcp.saw()
                site.auth.expire()
                client.ping().must_be("MCP_OK")
                assert site.auth.resources == [None] * 3, site.auth.resources


@case
def a_server_without_any_metadata_and_endpoints_stays_unauthorized():
    with Site() as site:
        site.without_resource_metadata(has_metadata=False)
        site.mcp.answers |= dict.fromkeys(("register", "authorize", "token"), not_found)
        with using(site) as (client, oauth):
            client.ping().must_be("MCP_UNAUTHORIZED")
            assert not oauth.logins, oauth.logins


# --- Later runs of a program ------------------------------------------------------------------------------------------


@case
def a_new_run_of_the_program_does_not_log_in_again():
    """anthropics/claude-code#43000, OpenHands/software-agent-sdk#4843: the record's key had the callback's port."""
    store, port = Store(), None
    with Site() as site:
        for run_number in range(3):
            with using(site, person=browse, store=store) as (client, oauth):
                client.ping().must_be("MCP_OK")
                assert len(oauth.logins) == (run_number == 0), oauth.logins
                port = oauth.logins[0].port if oauth.logins else port
        assert len(store.records) == 1, list(store.records)
        [key] = store.records
        assert str(port) not in key.replace(site.url, ""), key
        assert len(site.auth.received("register")) == 1


@case
def a_registration_is_used_with_its_port_also_in_a_new_run():
    """bborn/lewsnetter#20, PrefectHQ/fastmcp#3574, mastra-ai/mastra#19467: servers compare ports exactly."""
    store, ports = Store(), set()
    with Site() as site:
        for _ in range(3):
            with using(site, person=browse, store=store) as (client, oauth):
                site.auth.revoke_all()
                client.login().must_be("MCP_OK")
                ports.add(oauth.logins[-1].port)
        assert len(ports) == 1, ports
        assert len(site.auth.received("register")) == 1, site.auth.received("register")


@case
def a_registration_whose_port_is_taken_is_replaced():
    store = Store()
    with Site() as site:
        with logged_in(site, person=browse, store=store) as (_, oauth):
            port = oauth.logins[0].port
        site.auth.revoke_all()
        with socket.create_server(("127.0.0.1", port)), using(site, person=browse, store=store) as (client, oauth):
            client.ping().must_be("MCP_OK")
            assert oauth.logins[0].port != port, port
            assert len(site.auth.received("register")) == 2, site.auth.received("register")


run()
