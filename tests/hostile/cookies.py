"""Cookies: stored until the client is freed, sent only where they belong, and redacted in errors and logs."""

import threading

from harness import (
    LEGACY, PATIENCE, Client, Server, answer, case, error, events, http, legacy, must_not_show, result, run,
)  # fmt: skip
from newer import call_tool, listed

LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"


def setting(*cookies, on="server/discover"):
    """A valid legacy server whose response to the method `on` sets these cookies."""

    def handler(_server, request):
        reply = legacy(request)
        if request.rpc == on:
            head, body = reply.split(b"\r\n", 1)
            reply = b"\r\n".join([head, *(f"Set-Cookie: {cookie}".encode() for cookie in cookies), body])
        return reply

    return handler


def cookies_of(server):
    return [request.headers.get("cookie") for request in server.requests]


def sent_after(*cookies, headers=None):
    """The Cookie header that a client sends after a response that set these cookies."""
    with Server(setting(*cookies)) as server, Client(server.url, headers=headers) as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        first, *others = cookies_of(server)
        assert first == (headers or {}).get("Cookie"), first
        assert len(others) == 4 and len(set(others)) == 1, others
        return others[0]


@case
def a_cookie_is_sent_with_each_later_request():
    assert sent_after("sticky=machine-7; Path=/; HttpOnly; SameSite=Lax") == "sticky=machine-7"
    assert sent_after("sticky=machine-7") == "sticky=machine-7"
    assert sent_after("quoted=\"a b\"; Path=/mcp; Unknown=1") == "quoted=\"a b\""
    assert sent_after("empty=") == "empty="


@case
def several_cookies_are_sent_the_longest_path_first():
    both = sent_after("one=1; Path=/", "two=2; Path=/")
    assert sorted(both.split("; ")) == ["one=1", "two=2"], both
    # RFC 6265, 5.4: the longer path comes first.
    assert sent_after("one=1; Path=/", "two=2; Path=/mcp") == "two=2; one=1"
    assert sent_after("same=1; Path=/", "same=2; Path=/") == "same=2"


@case
def cookies_are_appended_to_the_callers_cookie_header():
    assert sent_after("sticky=7", headers={"Cookie": "mine=1"}) == "mine=1; sticky=7"


@case
def cookies_of_another_path_domain_or_scheme_are_not_sent():
    assert sent_after("a=1; Path=/other") is None
    assert sent_after("a=1; Path=/mcp/below") is None
    assert sent_after("a=1; Path=/mc") is None
    assert sent_after("a=1; Domain=other.example") is None
    assert sent_after("a=1; Domain=.0.0.1") is None
    assert sent_after("a=1; Domain=1") is None
    # A Secure cookie received over plain http is rejected.
    assert sent_after("a=1; Secure") is None


@case
def expired_and_malformed_cookies_are_not_sent():
    assert sent_after("a=1; Max-Age=0") is None
    assert sent_after("a=1; Max-Age=-5") is None
    assert sent_after(f"a=1; Expires={LONG_AGO}") is None
    assert sent_after(f"a=1; Max-Age=100; Expires={LONG_AGO}") == "a=1"
    assert sent_after("a=1; Max-Age=99999999999999999999999") in ("a=1", None)
    assert sent_after("=1", ";", "", "novalue", "a\tb") is None
    assert sent_after("big=" + "x" * 5000) is None


@case
def a_server_can_delete_its_cookie():
    def handler(_server, request):
        reply = setting("a=1; Path=/")(_server, request)
        if request.rpc == "notifications/initialized":
            return http(202, kind=None, Set_Cookie="a=; Max-Age=0; Path=/")
        return reply

    with Server(handler) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        assert cookies_of(server) == [None, "a=1", "a=1", None], cookies_of(server)


@case
def the_number_of_cookies_is_limited():
    many = sent_after(*(f"n{number}={'x' * 20}" for number in range(90)))
    assert len(many.split("; ")) <= 50, len(many.split("; "))


@case
def cookies_are_not_sent_to_a_redirect_of_another_origin():
    def elsewhere(_server, request):
        return legacy(request)

    with Server(elsewhere) as other:

        def handler(_server, request):
            if request.rpc == "ping":
                return http(307, kind=None, Location=other.url, Set_Cookie="late=1")
            return setting("a=1; Path=/")(_server, request)

        with Server(handler) as server, Client(server.url) as client:
            client.ping().must_be("MCP_REDIRECT_REFUSED")
            assert not other.requests, other.saw()
            assert "a=1" in server.requests[-1].headers["cookie"]


@case
def clients_do_not_share_cookies():
    # Both servers are 127.0.0.1, and cookies ignore ports (RFC 6265, 8.5). But each client has its own cookie jar.
    with Server(setting("a=1; Path=/")) as first, Server(legacy_only) as second:
        with Client(first.url) as client, Client(second.url) as other:
            client.ping().must_be("MCP_OK")
            other.ping().must_be("MCP_OK")
            client.ping().must_be("MCP_OK")
            assert "a=1" in cookies_of(first) and set(cookies_of(second)) == {None}


def legacy_only(_server, request):
    return legacy(request)


# --- Redaction --------------------------------------------------------------------------------------------------------

SECRET = "c00kie-v4lue"


def must_not_show_echo(reply):
    """`reply(request, cookie)` answers a tool call and echoes its cookie. Neither the error nor the log shows it."""

    def handler(_server, request):
        if request.rpc == "tools/call":
            return reply(request, request.headers.get("cookie", ""))
        return setting(f"sticky={SECRET}; Path=/", on="initialize")(_server, request)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        outcome = call_tool(client)
        assert outcome.status != "MCP_OK", "the call did not fail"
        assert SECRET in server.requests[-1].headers["cookie"]
        must_not_show(outcome, client.lines, SECRET)
        print(f"    {outcome.message}")


@case
def a_cookie_echoed_in_an_error_is_redacted():
    must_not_show_echo(lambda request, cookie: http(500, f"you sent {cookie}", kind="text/plain"))
    challenge = 'Bearer error="{}"'
    must_not_show_echo(lambda _, cookie: http(401, kind="text/plain", WWW_Authenticate=challenge.format(cookie)))
    must_not_show_echo(lambda request, cookie: error(request, -32603, f"you sent {cookie}", {"cookie": cookie}))
    must_not_show_echo(lambda request, cookie: events(answer(request, {}) | {"id": 987654321, "note": cookie}))
    must_not_show_echo(lambda request, cookie: http(307, kind=None, Location=f"http://other.example/{cookie}"))


@case
def a_cookie_echoed_by_the_response_that_deletes_it_is_redacted():
    # The request carried the cookie, so it stays secret after it is deleted from the jar.
    deletion = {"Set_Cookie": "sticky=; Max-Age=0; Path=/"}
    must_not_show_echo(lambda request, cookie: http(500, f"you sent {cookie}", kind="text/plain", **deletion))


@case
def a_cookie_echoed_by_the_response_that_replaces_it_is_redacted():
    other = {"Set_Cookie": "sticky=an0ther-value; Path=/"}
    must_not_show_echo(lambda request, cookie: http(500, f"you sent {cookie}", kind="text/plain", **other))


@case
def a_cookie_echoed_by_the_response_that_sets_it_is_redacted():
    other = {"Set_Cookie": "sticky=an0ther-value; Path=/"}
    methods = []

    def handler(_server, request):
        methods.append(request.rpc)
        return http(500, "take an0ther-value", kind="text/plain", Mcp_Session_Id="s3ss10n-of-this", **other)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        outcome = call_tool(client).must_be("MCP_SERVER_ERROR")
        assert methods == ["initialize"], methods
        must_not_show(outcome, client.lines, "an0ther-value")
        assert "take [redacted]" in outcome.message, outcome.message
    must_not_show_echo(lambda request, cookie: http(500, "take an0ther-value", kind="text/plain", **other))


@case
def a_cookie_is_redacted_after_many_newer_ones():
    # A cookie stays secret while the client sends it, even after many newer ones. (The client keeps the newest 50.)
    newer = "".join(f"Set-Cookie: n{number}=value-{number:06}\r\n" for number in range(40)).encode()
    before = setting(f"sticky={SECRET}; Path=/", on="initialize")

    def handler(server, request):
        if request.rpc != "ping":
            return before(server, request)
        if server.saw().count("ping") == 1:
            return result(request, {}).replace(b"\r\n", b"\r\n" + newer, 1)
        return http(500, f"you sent {request.headers['cookie']}", kind="text/plain")

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        client.ping().must_be("MCP_OK")
        outcome = client.ping().must_be("MCP_SERVER_ERROR")
        assert SECRET in server.requests[-1].headers["cookie"]
        must_not_show(outcome, client.lines, SECRET)


@case
def a_result_is_not_redacted():
    # Redaction would change the caller's data.
    def handler(_server, request):
        reply = setting(f"sticky={SECRET}; Path=/", on="initialize")(_server, request)
        return result(request, {"echo": request.headers["cookie"]}) if request.rpc == "ping" else reply

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        client.ping().must_be("MCP_OK")


@case
def a_cookie_that_is_replaced_during_a_call_is_redacted():
    """Each response sets new cookies. The error of a call that began earlier echoes the cookies of its request."""
    count, held, go = iter(range(1000)), threading.Event(), threading.Event()

    def handler(_server, request):
        if request.rpc == "tools/list":
            held.set()
            assert go.wait(PATIENCE)
            carried = request.headers["cookie"]
            return error(request, -32000, f"it was {carried}", {"cookie": carried})
        number = next(count)
        cookies = (f"sid=SECRETSESSION-{number:04}", f"state={number:04}" + "y" * 4000)
        return setting(*cookies, on=request.rpc)(_server, request)

    with Server(handler) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        calling = client.begin(lambda: listed(client))
        assert held.wait(PATIENCE)
        for _ in range(12):
            client.ping().must_be("MCP_OK")
        go.set()
        outcome = calling.result().must_be("MCP_RPC_ERROR")
        must_not_show(outcome, client.lines, "SECRETSESSION")


run()
