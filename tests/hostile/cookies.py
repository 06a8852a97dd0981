"""Cookies: kept for the client's life, sent back where they belong, to nobody else, and shown to nobody."""

import threading

from harness import LEGACY, PATIENCE, Client, Server, answer, case, error, events, http, legacy, must_not_show, result, run
from newer import call_tool, listed

NEVER = "Thu, 01 Jan 1970 00:00:00 GMT"


def setting(*cookies, on="server/discover"):
    """A decent legacy server whose answer to one method sets these cookies."""

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
    """What two pings send after an answer that set these."""
    with Server(setting(*cookies)) as server, Client(server.url, headers=headers) as client:
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        first, *others = cookies_of(server)
        assert first == (headers or {}).get("Cookie"), first
        assert len(others) == 4 and len(set(others)) == 1, others
        return others[0]


@case
def set_on_the_first_answer_and_sent_from_then_on():
    assert sent_after("sticky=machine-7; Path=/; HttpOnly; SameSite=Lax") == "sticky=machine-7"
    assert sent_after("sticky=machine-7") == "sticky=machine-7"
    assert sent_after("quoted=\"a b\"; Path=/mcp; Unknown=1") == "quoted=\"a b\""
    assert sent_after("empty=") == "empty="


@case
def two_of_them():
    both = sent_after("one=1; Path=/", "two=2; Path=/")
    assert sorted(both.split("; ")) == ["one=1", "two=2"], both
    # the longer path goes first (RFC 6265, 5.4)
    assert sent_after("one=1; Path=/", "two=2; Path=/mcp") == "two=2; one=1"
    assert sent_after("same=1; Path=/", "same=2; Path=/") == "same=2"


@case
def behind_a_cookie_of_the_callers_own():
    assert sent_after("sticky=7", headers={"Cookie": "mine=1"}) == "mine=1; sticky=7"


@case
def what_belongs_elsewhere_is_not_sent():
    assert sent_after("a=1; Path=/other") is None
    assert sent_after("a=1; Path=/mcp/below") is None
    assert sent_after("a=1; Path=/mc") is None
    assert sent_after("a=1; Domain=other.example") is None
    assert sent_after("a=1; Domain=.0.0.1") is None
    assert sent_after("a=1; Domain=1") is None
    # set in the clear, it may not be one of https
    assert sent_after("a=1; Secure") is None


@case
def what_is_over_or_malformed_is_not_sent():
    assert sent_after("a=1; Max-Age=0") is None
    assert sent_after("a=1; Max-Age=-5") is None
    assert sent_after(f"a=1; Expires={NEVER}") is None
    assert sent_after(f"a=1; Max-Age=100; Expires={NEVER}") == "a=1"
    assert sent_after("a=1; Max-Age=99999999999999999999999") in ("a=1", None)
    assert sent_after("=1", ";", "", "novalue", "a\tb") is None
    assert sent_after("big=" + "x" * 5000) is None


@case
def taken_back_by_the_server():
    def handler(_server, request):
        reply = setting("a=1; Path=/")(_server, request)
        if request.rpc == "notifications/initialized":
            return http(202, kind=None, Set_Cookie="a=; Max-Age=0; Path=/")
        return reply

    with Server(handler) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        assert cookies_of(server) == [None, "a=1", "a=1", None], cookies_of(server)


@case
def a_flood_of_them_is_bounded():
    many = sent_after(*(f"n{number}={'x' * 20}" for number in range(90)))
    assert len(many.split("; ")) <= 50, len(many.split("; "))


@case
def not_of_a_redirect_to_another_origin():
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
def not_of_one_client_to_another():
    # Both servers are 127.0.0.1, and cookies know no ports (RFC 6265, 8.5): still, each client has a jar of its own.
    with Server(setting("a=1; Path=/")) as first, Server(legacy_only) as second:
        with Client(first.url) as client, Client(second.url) as other:
            client.ping().must_be("MCP_OK")
            other.ping().must_be("MCP_OK")
            client.ping().must_be("MCP_OK")
            assert "a=1" in cookies_of(first) and set(cookies_of(second)) == {None}


def legacy_only(_server, request):
    return legacy(request)


# --- Nobody sees them -------------------------------------------------------------------------------------------------

SECRET = "c00kie-v4lue"


def echo(reply):
    """A tool call is answered by what `reply` makes of the cookie that came; the outcome and the log must not show it."""

    def handler(_server, request):
        if request.rpc == "tools/call":
            return reply(request, request.headers.get("cookie", ""))
        return setting(f"sticky={SECRET}; Path=/", on="initialize")(_server, request)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        outcome = call_tool(client)
        assert outcome.status != "MCP_OK", "the server's error is missing"
        assert SECRET in server.requests[-1].headers["cookie"]
        must_not_show(outcome, client.lines, SECRET)
        print(f"    {outcome.message}")


@case
def echoed_in_an_error():
    echo(lambda request, cookie: http(500, f"you sent {cookie}", kind="text/plain"))
    echo(lambda request, cookie: http(401, kind="text/plain", WWW_Authenticate=f'Bearer error="{cookie}"'))
    echo(lambda request, cookie: error(request, -32603, f"you sent {cookie}", {"cookie": cookie}))
    echo(lambda request, cookie: events(answer(request, {}) | {"id": 987654321, "note": cookie}))
    echo(lambda request, cookie: http(307, kind=None, Location=f"http://other.example/{cookie}"))


@case
def echoed_by_the_answer_that_takes_it_back():
    # The request carried it, so it is no less secret when the jar has lost it meanwhile.
    gone = {"Set_Cookie": "sticky=; Max-Age=0; Path=/"}
    echo(lambda request, cookie: http(500, f"you sent {cookie}", kind="text/plain", **gone))


@case
def echoed_by_the_answer_that_replaces_it():
    other = {"Set_Cookie": "sticky=an0ther-value; Path=/"}
    echo(lambda request, cookie: http(500, f"you sent {cookie}", kind="text/plain", **other))


@case
def echoed_by_the_very_answer_that_sets_it():
    other = {"Set_Cookie": "sticky=an0ther-value; Path=/"}
    said = []

    def handler(_server, request):
        said.append(request.rpc)
        return http(500, "take an0ther-value", kind="text/plain", Mcp_Session_Id="s3ss10n-of-this", **other)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        outcome = call_tool(client).must_be("MCP_SERVER_ERROR")
        assert said == ["initialize"], said
        must_not_show(outcome, client.lines, "an0ther-value")
        assert "take [redacted]" in outcome.message, outcome.message
    echo(lambda request, cookie: http(500, "take an0ther-value", kind="text/plain", **other))


@case
def echoed_after_a_flood_of_others():
    # What is still sent is still a secret, however many came after it. (Of more than 50, the oldest go.)
    flood = "".join(f"Set-Cookie: n{number}=value-{number:06}\r\n" for number in range(40)).encode()
    before = setting(f"sticky={SECRET}; Path=/", on="initialize")

    def handler(server, request):
        if request.rpc != "ping":
            return before(server, request)
        if server.saw().count("ping") == 1:
            return result(request, {}).replace(b"\r\n", b"\r\n" + flood, 1)
        return http(500, f"you sent {request.headers['cookie']}", kind="text/plain")

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        client.ping().must_be("MCP_OK")
        outcome = client.ping().must_be("MCP_SERVER_ERROR")
        assert SECRET in server.requests[-1].headers["cookie"]
        must_not_show(outcome, client.lines, SECRET)


@case
def a_result_shows_what_the_server_sent():
    # Results are the caller's, and are not touched.
    def handler(_server, request):
        reply = setting(f"sticky={SECRET}; Path=/", on="initialize")(_server, request)
        return result(request, {"echo": request.headers["cookie"]}) if request.rpc == "ping" else reply

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        client.ping().must_be("MCP_OK")


@case
def what_a_request_carried_is_not_shown_when_others_have_changed_it():
    """The server gives new cookies with each answer; an older call gets its own back."""
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
