"""Certificates that are their own authority, those that no client can accept, and redirects out of TLS."""

import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "faults"))

import certificates  # noqa: E402
from certificates import CLIENT_AUTH, EXPIRED, NOT_YET, NOW, SERVER_AUTH, der, extension, oid, sequence  # noqa: E402
from secure import TlsServer  # noqa: E402

from harness import Client, call, case, discovered, http, lib, run  # noqa: E402

folder = certificates.Folder()
IS_AUTHORITY = extension("551d13", sequence(der(1, b"\xff")), critical=True)
NAME = "mcp-test own certificate"


def own(subject=NAME, years=NOW, host="localhost", purposes=(SERVER_AUTH,), is_authority=True, serial=1):
    """What `openssl req -x509` makes, with a name."""
    names = [extension("551d11", sequence(der(0x82, host.encode())))] if host else []
    purposes = [extension("551d25", sequence(*map(oid, purposes)))] if purposes else []
    constraints = [IS_AUTHORITY] if is_authority else []
    return certificates.certificate(subject, subject, years, [*names, *purposes, *constraints], serial=serial)


def context(label, certificate, version=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder.file(label, certificate), certificates.KEY)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def visit(shown, trusted, *statuses, says=(), not_says=(), version=None, handler=None):
    """A ping of a server that shows the one certificate, by a client that was given a file with the others."""
    authorities = folder.file("authorities", "".join(trusted))
    handler = handler or (lambda _server, request: discovered(request))
    with TlsServer(handler, context("shown", shown, version)) as server:
        with Client(f"https://localhost:{server.port}/mcp", bearer="s3cr3t-token") as client:
            if trusted:
                call(lib.mcp_set_tls_ca_file, client.client, bytes(authorities)).must_be("MCP_OK")
            for _ in range(2):
                outcome = client.ping(timeout=3000)
                print(f"    {outcome.status}: {outcome.message}")
                outcome.must_be(*statuses)
        for words in says:
            assert words in outcome.message, f"no {words!r} in: {outcome.message}"
        for words in not_says:
            assert words not in outcome.message, f"{words!r} in: {outcome.message}"
        if statuses == ("MCP_TLS_FAILED",):
            assert server.requests == [], server.saw()
        return outcome


# --- A server that is its own authority -------------------------------------------------------------------------------


@case
def an_own_certificate_in_the_file_is_accepted():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for purposes in ((), (SERVER_AUTH,), (CLIENT_AUTH, SERVER_AUTH)):
            shown = own(purposes=purposes)
            visit(shown, [shown], "MCP_OK", version=version)
    # Among others.
    visit(shown, [certificates.authority(), own(NAME + " 2"), shown], "MCP_OK")
    # As before: the same without CA:TRUE.
    shown = own(is_authority=False)
    visit(shown, [shown], "MCP_OK")


@case
def another_own_certificate_is_refused():
    shown = own()
    others = (own(serial=2), own(years=(1976, 4096)), own(NAME + " 2"), certificates.authority(NAME), certificates.authority())
    for other in others:
        visit(shown, [other], "MCP_TLS_FAILED", says=("mcp_set_tls_ca_file",), not_says=("CaUsedAsEndEntity",))
    visit(shown, [], "MCP_TLS_FAILED", says=("mcp_set_tls_ca_file",), not_says=("CaUsedAsEndEntity",))


@case
def dates_and_names_of_an_own_certificate_count():
    for made, words in (
        (own(years=EXPIRED), "expired"),
        (own(years=NOT_YET), "not valid yet"),
        (own(host="elsewhere.invalid"), "elsewhere.invalid"),
        (own(host=None), "no name"),
        (own(purposes=(CLIENT_AUTH,)), "purpose"),
    ):
        visit(made, [made], "MCP_TLS_FAILED", says=(words,))


# --- Certificates that no client accepts ------------------------------------------------------------------------------


@case
def a_certificate_of_version_1_is_called_that():
    shown = certificates.certificate(NAME, NAME, version=1)
    for trusted in ([], [shown]):
        visit(shown, trusted, "MCP_TLS_FAILED", says=("version 1", "subjectAltName"), not_says=("UnsupportedCertVersion",))


@case
def a_certificate_without_names_says_what_it_lacks():
    shown = certificates.certificate("localhost", certificates.AUTHORITY)
    visit(shown, [certificates.authority()], "MCP_TLS_FAILED", says=("subjectAltName",))


# --- Redirects out of TLS ---------------------------------------------------------------------------------------------


@case
def a_redirect_from_https_to_http_is_not_recommended():
    shown = own()
    for status in (301, 302, 307, 308):
        for path in ("/mcp", "/sse"):
            handler = lambda _server, request: http(  # noqa: E731
                status, kind=None, Location=f"http://{request.headers['host']}{path}/"
            )
            outcome = visit(shown, [shown], "MCP_REDIRECT_REFUSED", handler=handler, says=("X-Forwarded-Proto", "unencrypted"))
            for words in ("use that URL", "if you trust it", "if it is the right one"):
                assert words not in outcome.message, outcome.message


run()
