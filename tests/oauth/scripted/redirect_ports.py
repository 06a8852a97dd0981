"""The port of the listener: free, fixed, taken by another program, and of an earlier registration."""

import contextlib
import socket

from oauth_client import OAuthClient, Store, browse, follow, ignore, logged_in, paste, using
from scripted_server import Site, free_port

from harness import case, run


def taken(port, host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


# --- A fixed port -----------------------------------------------------------------------------------------------------


@case
def a_fixed_port_is_used():
    port = free_port()
    with Site() as site, using(site, person=browse, redirect=f"http://127.0.0.1:{port}/cb") as (client, oauth):
        for _ in range(3):
            site.auth.revoke_all()
            client.login().must_be("MCP_OK")
        assert {login.redirect_uri for login in oauth.logins} == {f"http://127.0.0.1:{port}/cb"}, oauth.logins


@case
def a_fixed_port_that_is_taken_fails_the_login_and_is_named():
    with contextlib.closing(taken(0)) as other, Site() as site:
        port = other.getsockname()[1]
        with using(site, person=browse, redirect=f"http://127.0.0.1:{port}/callback") as (client, oauth):
            outcome = client.ping().must_be("MCP_OAUTH_FAILED")
            assert str(port) in outcome.message, outcome.message
            assert not oauth.logins and not site.auth.received("authorize", "token"), site.auth.saw()
            other.close()
            client.login().must_be("MCP_OK")
            assert oauth.logins[0].port == port, oauth.logins[0].port


@case
def a_fixed_port_of_localhost_must_be_free_on_both_addresses():
    """A browser may deliver the code to the program that has the port on ::1."""
    port = free_port()
    with contextlib.closing(taken(port, "::1")), Site() as site:
        with using(site, person=browse, redirect=f"http://localhost:{port}/callback") as (client, oauth):
            outcome = client.ping().must_be("MCP_OAUTH_FAILED")
            assert str(port) in outcome.message, outcome.message
            assert not oauth.logins, oauth.logins


# --- Any port ---------------------------------------------------------------------------------------------------------


@case
def logins_at_the_same_time_have_different_ports():
    with Site() as first, Site() as second, using(first, person=ignore) as (client, oauth):
        with OAuthClient(second.url, oauth) as other, using(first, person=ignore) as (third, third_oauth):
            pings = [client.begin_ping(), other.begin_ping(), third.begin_ping()]
            oauth.must_ask(2)
            third_oauth.must_ask()
            logins = [*oauth.logins, *third_oauth.logins]
            assert len({login.port for login in logins}) == 3, logins
            for login in logins:
                paste(login)
            for ping in pings:
                ping.result().must_be("MCP_OK")


@case
def the_port_of_a_registration_is_used_again():
    with Site() as site, logged_in(site, person=browse) as (client, oauth):
        for _ in range(3):
            site.auth.revoke_all()
            client.ping().must_be("MCP_OK")
        assert len({login.port for login in oauth.logins}) == 1, oauth.logins
        assert len(site.auth.received("register")) == 1, site.auth.saw()


@case
def a_registration_is_made_again_if_its_port_is_taken():
    with Site() as site, logged_in(site, person=browse, store=Store()) as (client, oauth):
        port = oauth.logins[0].port
        site.auth.revoke_all()
        with taken(port):
            client.ping().must_be("MCP_OK")
        assert oauth.logins[1].port != port, port
        assert [login.asked["client_id"] for login in oauth.logins] == ["client-1", "client-2"]
        # The new port is kept.
        site.auth.revoke_all()
        client.ping().must_be("MCP_OK")
        assert oauth.logins[2].port == oauth.logins[1].port, oauth.logins


@case
def a_configured_client_uses_any_port_if_the_last_one_is_taken():
    """RFC 8252, 7.3: authorization servers ignore the port of such a client."""
    with Site() as site:
        site.auth.add_client({"client_id": "configured", "token_endpoint_auth_method": "none"})
        with logged_in(site, person=browse, client=(site.auth.issuer, "configured", None)) as (client, oauth):
            site.auth.revoke_all()
            with taken(oauth.logins[0].port):
                client.ping().must_be("MCP_OK")
            assert oauth.logins[0].port != oauth.logins[1].port, oauth.logins
            assert not site.auth.received("register"), site.auth.saw()


# --- Redirects that the program receives ------------------------------------------------------------------------------


@case
def other_redirect_uris_have_no_listener_and_are_sent_unchanged():
    for uri in ("com.example.app:/oauth", "https://app.example/callback", "com.example.app://callback?x=1"):
        with Site() as site, using(site, person=follow, redirect=uri) as (client, oauth):
            client.ping().must_be("MCP_OK")
            assert oauth.logins[0].redirect_uri == uri, oauth.logins[0].redirect_uri
            assert oauth.logins[0].asked["redirect_uri"] == uri, oauth.logins[0].asked
            kind = "web" if uri.startswith("https") else "native"
            assert site.auth.received("register")[0].message["application_type"] == kind


run()
