"""Logins, refreshes and step-ups on each transport."""

from oauth_client import using
from scripted_server import McpServer, Site

from auth_scheme import Sse
from harness import case, http, legacy, run


def modern_site():
    return Site()


def legacy_site():
    site = Site()
    site.mcp.respond_with_mcp = legacy
    return site


def sse_site():
    site = Site(path="/sse")
    sse = Sse(lambda _request: None)
    site.mcp.paths["/messages"] = "mcp"
    site.mcp.respond_with_mcp = lambda request: sse(None, request)
    site.mcp.sse = sse
    return site


SITES = [modern_site, legacy_site, sse_site]


@case
def a_login_and_a_refresh_work_on_each_transport():
    for make in SITES:
        with make() as site, using(site) as (client, oauth):
            for count in range(3):
                client.ping().must_be("MCP_OK")
                client.ping().must_be("MCP_OK")
                assert len(site.auth.refreshes()) == count, (make.__name__, site.auth.refreshes())
                site.auth.expire()
            assert len(oauth.logins) == 1, oauth.logins


@case
def a_step_up_works_on_each_transport():
    for make in SITES:
        with make() as site, using(site) as (client, oauth):
            client.ping().must_be("MCP_OK")
            site.mcp.required, site.mcp.challenge["scope"] = frozenset({"write"}), "write"
            client.ping().must_be("MCP_OK")
            assert len(oauth.logins) == 2 and not site.auth.refreshes(), (make.__name__, oauth.logins)


@case
def a_server_may_require_a_token_only_later():
    for make in SITES:
        with make() as site, using(site) as (client, oauth):
            with site.mcp.answering(mcp=site.mcp.respond_with_mcp):
                client.connect().must_be("MCP_OK")
                client.ping().must_be("MCP_OK")
            assert not oauth.logins and not site.auth.requests, make.__name__
            client.ping().must_be("MCP_OK")
            assert len(oauth.logins) == 1, make.__name__


@case
def a_403_without_insufficient_scope_is_final():
    for make in SITES:
        with make() as site, using(site) as (client, oauth):
            client.ping().must_be("MCP_OK")
            with site.mcp.answering(mcp=lambda _request, site=site: site.mcp.refuse(403, error="access_denied")):
                client.ping().must_be("MCP_FORBIDDEN")
            assert len(oauth.logins) == 1 and not site.auth.refreshes(), make.__name__


@case
def no_other_server_gets_the_token():
    """A redirect of the MCP server, and an endpoint of HTTP+SSE on another origin."""
    with Site() as site, McpServer(site.auth) as other, using(site) as (client, _):
        client.ping().must_be("MCP_OK")
        moved = http(307, kind=None, Location=other.url)
        with site.mcp.answering(mcp=lambda _request: moved):
            client.ping().must_be("MCP_REDIRECT_REFUSED")
        assert not other.requests, other.requests


run()
