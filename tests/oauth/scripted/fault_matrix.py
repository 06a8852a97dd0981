"""The fault matrix of authorization servers: each phase of a login, a refresh and a logout with each fault.

A phase is one request of the library. Its endpoint is on a separate port, the place, which answers with the fault while
it is active. The call must end in time and with exactly the expected status, keep what was stored, ask no person, and
show no secret. After the fault has ended, the same client must work.
"""

import contextlib
import socket
import struct
from dataclasses import dataclass, field

from oauth_client import LONG, OAuth, Store, follow, using
from scripted_server import Site, form, html

from harness import case, chunk, http
from load import PAUSE
from ports import OtherOrigin, Port

# The timeout of a call that has to end at its timeout, in milliseconds.
SHORT = 400


@dataclass
class Phase:
    """One request of the library. `call(client)` makes it, after `prepare(client)` made a call without the fault."""

    name: str
    # The endpoint of the scripted servers, and whether it is a POST.
    endpoint: str
    is_post: bool
    call: object
    needs_login: bool = False
    # Whether the person has logged in, and the code is lost.
    asks: bool = False


def ping(client, **limits):
    return client.ping(**limits)


def log_out(client, **limits):
    return client.logout(**limits)


RESOURCE_METADATA = Phase("resource_metadata", "resource_metadata", False, ping)
SERVER_METADATA = Phase("server_metadata", "metadata", False, ping)
REGISTRATION = Phase("registration", "register", True, ping)
LOGIN_TOKEN = Phase("token_request_of_a_login", "token", True, ping, asks=True)
REFRESH = Phase("refresh", "token", True, ping, needs_login=True)
REVOCATION = Phase("revocation", "revoke", True, log_out, needs_login=True)


@dataclass
class Fault:
    """What a place does. `answer(place)` returns a function of a request; without one, connections are refused."""

    name: str
    answer: object
    status: str
    # For a phase for which it differs, by its name.
    others: dict = field(default_factory=dict)
    waits: bool = False

    def status_in(self, phase):
        return self.others.get(phase.name, self.status)


class Place(Port):
    """The only endpoint of its origin. A `fault` replaces its function, and nothing may reach `elsewhere`."""

    def __init__(self, normal):
        self.normal, self.fault = normal, None
        super().__init__(lambda _server, request: (self.fault or self.normal)(request))
        self.url = f"http://127.0.0.1:{self.port}"

    def begin(self, fault):
        if fault.answer is None:
            self.stop_server()
        else:
            self.fault = fault.answer(self)

    def end(self):
        if self.fault is None:
            self.start_server()
        self.fault = None
        # Ends what is silent: a token request may still wait for it.
        with self.changed:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


# --- Faults -----------------------------------------------------------------------------------------------------------


def always(reply):
    return lambda _place: lambda _request: reply


def sent_then_closed(data):
    def answer(request):
        request.send(data)

    return lambda _place: answer


def silent(_place):
    return lambda request: request.hold()


def reset(_place):
    def answer(request):
        request.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


def one_byte_at_a_time(_place):
    def answer(request):
        for byte in http(200, {"text": "x" * 2000}):
            PAUSE.wait(0.02)
            request.send(bytes([byte]))

    return answer


def endless(begin, block):
    def answer(request):
        request.send(begin)
        while True:
            request.send(block)

    return lambda _place: answer


def redirect_to_another_origin(place):
    return lambda _request: http(307, kind=None, Location=f"http://127.0.0.1:{place.elsewhere.port}/elsewhere")


def redirect_on_the_same_origin(status):
    return lambda place: lambda _request: http(status, kind=None, Location=f"{place.url}/moved")


CHUNKED = http(200, Content_Length=None, Transfer_Encoding="chunked")
OTHER_TYPES = {"resource": 5, "authorization_servers": "x", "issuer": [], "token_endpoint": {}, "client_id": 5,
               "access_token": ["x"], "refresh_token": 7}  # fmt: skip
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n"

# It is searched at several URLs, and web applications redirect unknown ones.
NO_METADATA = {"server_metadata": "MCP_OAUTH_FAILED"}
# Any success counts (RFC 7009, 2.2).
REVOKED = {"revocation": "MCP_OK"}

FAULTS = [
    Fault("that_is_refused", None, "MCP_CONNECT_FAILED"),
    Fault("that_gets_no_response", silent, "MCP_TIMEOUT", waits=True),
    Fault("that_is_closed_without_a_response", sent_then_closed(b""), "MCP_DISCONNECTED"),
    Fault("that_is_reset", reset, "MCP_DISCONNECTED"),
    Fault("that_is_cut_in_the_head", sent_then_closed(HEAD[:-20]), "MCP_DISCONNECTED"),
    Fault("that_is_cut_in_the_body", sent_then_closed(HEAD + b'\r\n{"access_token":"half'), "MCP_TRUNCATED"),
    Fault("that_is_sent_one_byte_at_a_time", one_byte_at_a_time, "MCP_TIMEOUT", waits=True),
    Fault("that_is_too_large", always(http(200, '{"x":"' + "x" * (1 << 20) + '"}')), "MCP_TOO_LARGE"),
    Fault("that_is_endless", endless(CHUNKED + chunk(b'{"x":"'), chunk(b"x" * 10_000)), "MCP_TOO_LARGE"),
    Fault("that_is_an_html_page", always(html()), "MCP_OAUTH_FAILED", REVOKED),
    Fault("that_is_an_array", always(http(200, [1])), "MCP_OAUTH_FAILED", REVOKED),
    Fault("that_is_a_number", always(http(200, "5")), "MCP_OAUTH_FAILED", REVOKED),
    Fault("with_half_of_its_json", always(http(200, '{"access_token":"half')), "MCP_OAUTH_FAILED", REVOKED),
    Fault("that_is_empty", always(http(200, b"")), "MCP_OAUTH_FAILED", REVOKED),
    Fault("with_members_of_other_types", always(http(200, OTHER_TYPES)), "MCP_OAUTH_FAILED", REVOKED),
    Fault("that_is_a_500", always(http(500, "broken", kind="text/plain")), "MCP_OAUTH_FAILED"),
    Fault("that_is_a_503", always(http(503, "later", kind="text/plain", Retry_After="7")), "MCP_OAUTH_FAILED"),
    Fault("that_is_a_429", always(http(429, {"error": "slow_down"}, Retry_After="7")), "MCP_OAUTH_FAILED"),
    Fault("that_redirects_to_another_origin", redirect_to_another_origin, "MCP_REDIRECT_REFUSED", NO_METADATA),
]

# Only a GET may be redirected on its origin.
POST_FAULTS = [
    Fault(f"that_redirects_with_{status}", redirect_on_the_same_origin(status), "MCP_REDIRECT_REFUSED")
    for status in (301, 302, 303, 307, 308)
]


# --- Running ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def placed(site, phase):
    """The site with the endpoint of a phase on a separate port."""
    server = site.mcp if phase is RESOURCE_METADATA else site.auth
    with OtherOrigin() as elsewhere, Place(lambda request: server.answers[phase.endpoint](request)) as place:
        place.elsewhere = elsewhere
        match phase.endpoint:
            case "resource_metadata":
                site.mcp.challenge["resource_metadata"] = f"{place.url}/metadata"
                # At the usual place there is nothing.
                site.mcp.paths = {"/mcp": "mcp"}
            case "metadata":
                site.auth.issuer = place.url
            case endpoint:
                site.auth.endpoints[endpoint] = f"{place.url}/{endpoint}"
        yield place
        elsewhere.must_have_no_connection()
        # Servers without metadata have their endpoints at the root (2025-03-26). This one has metadata.
        guessed = {"/register", "/authorize", "/token"} & {request.path for request in site.mcp.requests}
        assert not guessed, guessed
        paths = [request.path for request in place.requests]
        assert not any("moved" in path for path in paths), paths


def run_with(phase, fault):
    """Makes the call of a phase while its endpoint has a fault, and then without it."""
    store = Store()
    with Site() as site, placed(site, phase) as place, OAuth(follow, store) as oauth, using(site, oauth) as (client, _):
        if phase.needs_login:
            client.ping().must_be("MCP_OK")
        logins, before = len(oauth.logins), store.contents()
        if phase is REFRESH:
            site.auth.expire()
        place.begin(fault)
        outcome = phase.call(client, timeout=SHORT if fault.waits else LONG)
        print(f"    {outcome.status} after {outcome.ms} ms: {outcome.message}")
        expected = fault.status_in(phase)
        # A document is searched at several URLs.
        outcome.must_end(SHORT, after=SHORT) if fault.waits else outcome.must_end(0)
        assert outcome.status == expected, f"{outcome.status} instead of {expected}: {outcome.message}"
        assert expected == "MCP_OK" or f":{place.port}" in outcome.message, f"no {place.url} in: {outcome.message}"
        assert len(oauth.logins) == logins + phase.asks, oauth.logins
        check_store(phase, before, store)
        place.end()
        recover(phase, place, client, oauth)


def check_store(phase, before, store):
    """Nothing may be stored of a failed request, and nothing may be lost."""
    after = store.contents()
    if phase.needs_login and phase is not REVOCATION:
        assert after == before, f"{after} instead of {before}"
    else:
        # The registration is kept.
        kept = [record for record in after.values() if "tokens" in record]
        assert not kept, f"tokens are stored: {kept}"
    if phase in (RESOURCE_METADATA, SERVER_METADATA, REGISTRATION):
        assert not after, after


def recover(phase, place, client, oauth):
    """The server is healthy again."""
    if phase.asks or phase is REVOCATION:
        # No person is asked again for a login that failed, or after a logout, until the program says so.
        if phase.asks:
            client.ping().must_be("MCP_LOGIN_REQUIRED")
        logins = len(oauth.logins)
        client.login().must_be("MCP_OK")
        assert len(oauth.logins) == logins + 1, oauth.logins
    logins = len(oauth.logins)
    client.ping().must_be("MCP_OK")
    expected = logins + (phase in (RESOURCE_METADATA, SERVER_METADATA, REGISTRATION))
    assert len(oauth.logins) == expected, oauth.logins
    if phase is REFRESH:
        # The refresh token was not lost.
        sent = [form(request) for request in place.requests]
        tokens = [each["refresh_token"] for each in sent if each["grant_type"] == "refresh_token"]
        assert len(set(tokens)) == 1, tokens


def add_cases(phase):
    """A case for each fault of a phase."""

    def add(fault):
        def run():
            run_with(phase, fault)

        run.__name__ = f"a_{phase.name}_{fault.name}".replace("a_resource_metadata", "resource_metadata").replace(
            "a_server_metadata", "server_metadata"
        )
        case(run)

    for fault in FAULTS + (POST_FAULTS if phase.is_post else []):
        add(fault)
