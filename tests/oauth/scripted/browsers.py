"""mcp_oauth_use_browser and mcp_open_browser: the command that opens the browser, and machines without one."""

import contextlib
import os
import sys
from pathlib import Path

from oauth_client import LONG, OAuth, OAuthClient, follow, using
from scripted_server import Site

from harness import call, case, lib, run

# A browser that follows the redirect to the listener.
BROWSER = f"{sys.executable} {Path(__file__).resolve().parent / 'browser.py'} %s"
VARIABLES = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


@contextlib.contextmanager
def environment(**variables):
    """Sets these variables, and removes the others that name a browser or a display."""
    before = {name: os.environ.pop(name, None) for name in VARIABLES}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def client_with_browser(site, **settings):
    with OAuth(person=None, **settings) as oauth:
        call(lib.mcp_oauth_use_browser, oauth.handle).must_be("MCP_OK")
        with OAuthClient(site.url, oauth) as client:
            yield client


@case
def the_browser_of_the_variable_is_used():
    with environment(BROWSER=BROWSER), Site() as site, client_with_browser(site) as client:
        client.ping(timeout=3 * LONG).must_be("MCP_OK")
        assert len(site.auth.received("authorize")) == 1, site.auth.saw()


@case
def without_a_browser_the_login_fails_at_once_and_names_the_host():
    """github/copilot-cli#3039, aaif-goose/goose#9536, MoonshotAI/kimi-code#3798, preset-io/agor#543: over SSH or in a
    container, the program waited forever, and showed the URL after that."""
    for variables in ({}, {"BROWSER": "/nonexistent/browser"}, {"BROWSER": "false"}):
        with environment(**variables), Site() as site, client_with_browser(site) as client:
            outcome = client.ping().must_be("MCP_LOGIN_FAILED").must_end(0)
            assert f"127.0.0.1:{site.auth.port}" in outcome.message, outcome.message
            client.ping().must_be("MCP_LOGIN_REQUIRED")


@case
def a_url_is_opened_only_if_it_is_http():
    with environment(BROWSER="true"):
        call(lib.mcp_open_browser, b"https://auth.example/authorize?a=b").must_be("MCP_OK")
        for url in ("file:///etc/passwd", "javascript:alert(1)", "-version", "", "https://", "ftp://host/",
                    "https://host/`id`", "https://host/\n", "com.example:/x"):  # fmt: skip
            call(lib.mcp_open_browser, url.encode()).must_be("MCP_INVALID_ARGUMENT")


@case
def the_url_can_be_shown_before_the_library_waits():
    """The application shows it, and gets the redirect from the person (Automattic/mcp-wordpress-remote#103)."""
    with environment(), Site() as site, using(site, person=follow) as (client, oauth):
        client.ping().must_be("MCP_OK")
        login = oauth.logins[0]
        assert login.url.startswith(site.auth.endpoints["authorize"]), login.url
        assert (login.server, login.issuer) == (site.url, site.auth.issuer), (login.server, login.issuer)


run()
