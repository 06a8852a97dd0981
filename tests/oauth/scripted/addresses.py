"""URLs of authorization servers that lead into a private network (server-side request forgery), and names that resolve
to other addresses later (DNS rebinding).

Runs with public_addresses.c preloaded: names in .test have the addresses in their labels, and connections to public
and private addresses arrive at the same port of 127.0.0.1.
"""

import contextlib
import ctypes
import os
import socket

from oauth_client import PLAIN_HTTP, PRIVATE_ADDRESSES, OAuth, OAuthClient, using
from scripted_server import AuthorizationServer, Site

from harness import call, case, http, lib, run
from secure import AUTHORITY, TlsServer, context

# Proxies would resolve the names.
for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(variable, None)

preloaded = ctypes.CDLL(None)
preloaded.test_connections.restype = ctypes.c_char_p

PUBLIC, OTHER_PUBLIC, PRIVATE, METADATA = "1-1-1-1", "8-8-8-8", "10-0-0-1", "169-254-169-254"

# The status for an address that is refused.
REFUSED = ("MCP_OAUTH_FAILED",)

# Hosts with addresses that a public MCP server must not name.
FORBIDDEN = [
    "127.0.0.1", "127.1.2.3", "localhost", "as.localhost", "[::1]", "0.0.0.0", "[::]",
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "[fd00::1]", "[fc00::1]", "[fec0::1]",
    "169.254.169.254", "169.254.1.1", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16",
    "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "[2002:a00:1::]", "[::127.0.0.1]",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "[ff02::1]", "192.0.2.1", "198.18.0.1", "[2001:db8::1]",
    "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1", "127.0.1", "10.1", "127.0.0.1.",
    "%31%32%37.0.0.1", "\u2460\u2461\u2466.0.0.1",
    f"{PRIVATE}.test", f"{METADATA}.test", "127-0-0-1.test", "192-168-1-1.test", "__1.test", "fd00__1.test",
    "__ffff_10-0-0-1.test",
]  # fmt: skip


def connections():
    """The addresses outside of 127.0.0.0/8 and ::1 that were connected to since the last call."""
    return [line.split()[0] for line in preloaded.test_connections().decode().splitlines()]


class TlsAuthorizationServer(AuthorizationServer, TlsServer):
    """An authorization server with https URLs on such a host."""

    def __init__(self, host):
        super().__init__()
        self.context = context(host, host=host)
        self.move_to(f"https://{host}:{self.port}")


class LoopbackPort:
    """A port of 127.0.0.1 and ::1 that must not be connected to."""

    def __init__(self):
        self.listeners = [socket.create_server(("127.0.0.1", 0))]
        self.port = self.listeners[0].getsockname()[1]
        with contextlib.suppress(OSError):
            self.listeners.append(socket.create_server(("::1", self.port), family=socket.AF_INET6))

    def must_have_no_connection(self):
        for listener in self.listeners:
            listener.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                listener.accept()
                raise AssertionError("a connection was made")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for listener in self.listeners:
            listener.close()


def person(login):
    """Asks the authorization server without its address: a browser has another network."""
    auth = login.oauth.auth
    response = auth.answer_authorize(RequestFor(login.url))
    location = response.split(b"Location: ")[1].split(b"\r\n")[0].decode()
    login.finish(location).must_be("MCP_OK")


class RequestFor:
    def __init__(self, url):
        self.path = url[url.index("/", 8) :]


@contextlib.contextmanager
def site_at(host, auth=None):
    """A site whose MCP server has this host, over plain http."""
    with Site(auth) as site:
        site.mcp.move_to(f"http://{host}:{site.mcp.port}")
        site.url = site.mcp.url
        connections()
        preloaded.test_forget()
        yield site


@contextlib.contextmanager
def client_of(site, **settings):
    with OAuth(**({"person": person} | settings)) as oauth:
        oauth.auth = site.auth
        with OAuthClient(site.url, oauth) as client:
            call(lib.mcp_set_tls_ca_file, client.client, bytes(AUTHORITY)).must_be("MCP_OK")
            yield client, oauth


# --- Addresses that are refused ---------------------------------------------------------------------------------------


@case
def the_preloaded_functions_are_used():
    found = [each[4][0] for each in socket.getaddrinfo(f"{PUBLIC}.{PRIVATE}.test", 80, type=socket.SOCK_STREAM)]
    assert found == ["1.1.1.1", "10.0.0.1"], f"{found}; is public_addresses.c preloaded?"
    with socket.create_server(("127.0.0.1", 0)) as server:
        connections()
        socket.create_connection(("1.1.1.1", server.getsockname()[1])).close()
        assert connections() == ["1.1.1.1"], "is public_addresses.c preloaded?"


@case
def a_public_mcp_server_cannot_name_private_authorization_servers():
    with LoopbackPort() as port, site_at(f"{PUBLIC}.test") as site, client_of(site) as (client, oauth):
        for scheme in ("https", "http"):
            for host in FORBIDDEN:
                issuer = f"{scheme}://{host}:{port.port}"
                site.mcp.members["authorization_servers"] = [issuer]
                outcome = client.ping()
                assert outcome.status in REFUSED, f"{issuer}: {outcome.status}: {outcome.message}"
                found = set(connections())
                assert found <= {"1.1.1.1"}, f"{issuer}: {found}"
        assert not oauth.logins, oauth.logins
        port.must_have_no_connection()


@case
def a_public_mcp_server_cannot_name_private_metadata():
    with LoopbackPort() as port, site_at(f"{PUBLIC}.test") as site, client_of(site) as (client, _):
        site.mcp.paths = {"/mcp": "mcp"}
        for scheme in ("https", "http"):
            for host in filter(str.isascii, FORBIDDEN):
                named = f"{scheme}://{host}:{port.port}/metadata"
                site.mcp.challenge["resource_metadata"] = named
                outcome = client.ping()
                assert outcome.status in (*REFUSED, "MCP_UNAUTHORIZED"), f"{named}: {outcome}"
                found = set(connections())
                assert found <= {"1.1.1.1"}, f"{named}: {found}"
        port.must_have_no_connection()


@case
def a_public_authorization_server_cannot_name_private_endpoints():
    auth = TlsAuthorizationServer(f"{OTHER_PUBLIC}.test")
    with LoopbackPort() as port, site_at(f"{PUBLIC}.test", auth) as site, client_of(site) as (client, _):
        for endpoint in ("registration_endpoint", "token_endpoint", "revocation_endpoint"):
            for host in FORBIDDEN:
                auth.members = {endpoint: f"https://{host}:{port.port}/endpoint"}
                outcome = client.login()
                if endpoint == "revocation_endpoint" and outcome.status == "MCP_OK":
                    client.logout()
                else:
                    assert outcome.status in REFUSED, f"{endpoint} {host}: {outcome}"
                found = set(connections())
                assert found <= {"1.1.1.1", "8.8.8.8"}, f"{endpoint} {host}: {found}"
        port.must_have_no_connection()


@case
def a_redirect_into_a_private_network_is_not_followed():
    for target in (f"http://{PRIVATE}.test/", "http://127.0.0.1/", f"http://{METADATA}.test/latest/meta-data"):
        with site_at(f"{PUBLIC}.test") as site:
            site.mcp.answers["resource_metadata"] = lambda _, target=target: http(302, kind=None, Location=target)
            with client_of(site) as (client, _):
                client.ping().must_be("MCP_REDIRECT_REFUSED")
            assert set(connections()) == {"1.1.1.1"}


# --- Names that have several addresses --------------------------------------------------------------------------------


@case
def a_name_that_becomes_private_after_its_first_lookup_is_not_connected_to():
    """The address that is connected to has to be the one that was checked."""
    for later in (PRIVATE, "127-0-0-1", METADATA):
        auth = TlsAuthorizationServer(f"{OTHER_PUBLIC}.then.{later}.test")
        with site_at(f"{PUBLIC}.test", auth) as site, client_of(site) as (client, _):
            outcome = client.ping()
            found = set(connections())
            print(f"    {later}: {outcome.status}: {outcome.message}; connected to {sorted(found)}")
            assert "8.8.8.8" in found and found <= {"1.1.1.1", "8.8.8.8"}, found
            # A library that remembers the address goes on with it.
            outcome.must_be(*REFUSED, "MCP_OK")
            assert auth.received("metadata"), auth.saw()


@case
def the_mcp_server_does_not_become_local_by_rebinding():
    """Its address decides what it may name. After the first lookup, its name has a private address."""
    with LoopbackPort() as port, site_at(f"{PUBLIC}.then.127-0-0-1.test") as site:
        site.mcp.members["authorization_servers"] = [f"http://127.0.0.1:{port.port}"]
        with client_of(site) as (client, oauth):
            client.ping().must_be(*REFUSED)
            assert not oauth.logins, oauth.logins
        port.must_have_no_connection()


@case
def only_the_public_addresses_of_a_name_are_used():
    for labels in (f"{PRIVATE}.{OTHER_PUBLIC}", f"{OTHER_PUBLIC}.{PRIVATE}", f"127-0-0-1.{METADATA}.{OTHER_PUBLIC}"):
        with site_at(f"{PUBLIC}.test", TlsAuthorizationServer(f"{labels}.test")) as site:
            with client_of(site) as (client, _):
                client.ping().must_be("MCP_OK")
            assert set(connections()) == {"1.1.1.1", "8.8.8.8"}


# --- Addresses that are allowed ---------------------------------------------------------------------------------------


@case
def a_public_authorization_server_is_used():
    with site_at(f"{PUBLIC}.test", TlsAuthorizationServer(f"{OTHER_PUBLIC}.test")) as site:
        with client_of(site) as (client, _):
            client.ping().must_be("MCP_OK")
            client.logout().must_be("MCP_OK")
        assert len(site.auth.received("revoke")) >= 1, site.auth.saw()


@case
def a_private_mcp_server_may_name_a_private_authorization_server():
    with site_at("192-168-0-9.test", TlsAuthorizationServer(f"{PRIVATE}.test")) as site:
        with client_of(site) as (client, _):
            client.ping().must_be("MCP_OK")
    # But not this machine, and no metadata service.
    for host in ("127-0-0-1.test", f"{METADATA}.test"):
        with site_at("192-168-0-9.test", TlsAuthorizationServer(host)) as site, client_of(site) as (client, _):
            client.ping().must_be(*REFUSED)
            assert not site.auth.requests, site.auth.saw()


@case
def the_switch_for_private_addresses_allows_them_and_is_named():
    with site_at(f"{PUBLIC}.test", TlsAuthorizationServer(f"{PRIVATE}.test")) as site:
        with client_of(site) as (client, _):
            outcome = client.ping().must_be(*REFUSED)
            assert "MCP_OAUTH_PRIVATE_ADDRESSES" in outcome.message, outcome.message
        with client_of(site, allow=(PRIVATE_ADDRESSES, True)) as (client, _):
            client.ping().must_be("MCP_OK")


@case
def plain_http_to_another_machine_needs_a_switch_that_is_named():
    with site_at(f"{PUBLIC}.test") as site:
        site.auth.move_to(f"http://{OTHER_PUBLIC}.test:{site.auth.port}")
        with client_of(site) as (client, _):
            outcome = client.ping().must_be(*REFUSED)
            assert "MCP_OAUTH_PLAIN_HTTP" in outcome.message, outcome.message
            assert not site.auth.requests, site.auth.saw()
        with client_of(site, allow=(PLAIN_HTTP, True)) as (client, _):
            client.ping().must_be("MCP_OK")


@case
def endpoints_over_plain_http_are_refused():
    with site_at(f"{PUBLIC}.test", TlsAuthorizationServer(f"{OTHER_PUBLIC}.test")) as site:
        for endpoint in ("authorization_endpoint", "token_endpoint", "registration_endpoint"):
            site.auth.members = {endpoint: f"http://{OTHER_PUBLIC}.test:{site.auth.port}/x"}
            with client_of(site) as (client, oauth):
                client.ping().must_be(*REFUSED)
                assert not oauth.logins, endpoint


# --- Client secrets ---------------------------------------------------------------------------------------------------


def accept_client(auth, client_id, secret):
    method = "client_secret_basic"
    auth.add_client({"client_id": client_id, "client_secret": secret, "token_endpoint_auth_method": method})
    auth.secrets.append(secret)


@case
def a_secret_without_an_issuer_is_not_sent_to_a_foreign_authorization_server():
    with site_at(f"{PUBLIC}.test", TlsAuthorizationServer(f"{OTHER_PUBLIC}.test")) as site:
        accept_client(site.auth, "the-client", "s3cr3t-of-the-client")
        with client_of(site, client=(None, "the-client", "s3cr3t-of-the-client")) as (client, oauth):
            outcome = client.ping().must_be(*REFUSED)
            assert "mcp_oauth_set_client" in outcome.message and site.auth.issuer in outcome.message, outcome.message
            assert not oauth.logins and not site.auth.received("token", "register"), site.auth.saw()
        with client_of(site, client=(site.auth.issuer, "the-client", "s3cr3t-of-the-client")) as (client, _):
            client.ping().must_be("MCP_OK")
        # Without a secret, nothing is disclosed.
        site.auth.add_client({"client_id": "public", "token_endpoint_auth_method": "none"})
        with client_of(site, client=(None, "public", None)) as (client, _):
            client.ping().must_be("MCP_OK")


@case
def a_secret_for_one_issuer_is_not_used_at_another():
    with site_at(f"{PUBLIC}.test", TlsAuthorizationServer(f"{OTHER_PUBLIC}.test")) as site:
        site.auth.members["registration_endpoint"] = None
        with client_of(site, client=("https://auth.example", "the-client", "s3cr3t-of-the-client")) as (client, oauth):
            outcome = client.ping().must_be(*REFUSED)
            assert not oauth.logins and not site.auth.received("token"), site.auth.saw()
            client.must_not_show("s3cr3t")
            assert "mcp_oauth_set_client" in outcome.message, outcome.message


@case
def a_secret_without_an_issuer_is_used_on_this_machine():
    with Site() as site, using(site, client=(None, "the-client", "s3cr3t-of-the-client")) as (client, _):
        accept_client(site.auth, "the-client", "s3cr3t-of-the-client")
        client.ping().must_be("MCP_OK")
        assert not site.auth.received("register"), site.auth.saw()


run()
