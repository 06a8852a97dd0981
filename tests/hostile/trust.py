"""Self-signed certificates, certificates that are invalid for every client, and redirects from https to http."""

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


def self_signed(subject=NAME, years=NOW, host="localhost", purposes=(SERVER_AUTH,), is_authority=True, serial=1):
    """A self-signed certificate as made by `openssl req -x509`, with a host name."""
    names = [extension("551d11", sequence(der(0x82, host.encode())))] if host else []
    purposes = [extension("551d25", sequence(*map(oid, purposes)))] if purposes else []
    constraints = [IS_AUTHORITY] if is_authority else []
    return certificates.certificate(subject, subject, years, [*names, *purposes, *constraints], serial=serial)


def context(label, certificate, version=None):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder.file(label, certificate), certificates.KEY)
    if version:
        tls.minimum_version = tls.maximum_version = version
    return tls


def ping_server(shown, trusted, *statuses, says=(), not_says=(), version=None, handler=None):
    """Pings a server that has the certificate `shown`, with a client whose CA file has the certificates `trusted`."""
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


# --- Self-signed certificates -----------------------------------------------------------------------------------------


@case
def a_self_signed_certificate_in_the_ca_file_is_accepted():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for purposes in ((), (SERVER_AUTH,), (CLIENT_AUTH, SERVER_AUTH)):
            shown = self_signed(purposes=purposes)
            ping_server(shown, [shown], "MCP_OK", version=version)
    # The file has other certificates, too.
    ping_server(shown, [certificates.authority(), self_signed(NAME + " 2"), shown], "MCP_OK")
    # A self-signed certificate without CA:TRUE.
    shown = self_signed(is_authority=False)
    ping_server(shown, [shown], "MCP_OK")


@case
def a_self_signed_certificate_that_is_not_in_the_ca_file_is_refused():
    shown = self_signed()
    others = (
        self_signed(serial=2), self_signed(years=(1976, 4096)), self_signed(NAME + " 2"), certificates.authority(NAME),
        certificates.authority(),
    )  # fmt: skip
    for other in others:
        ping_server(shown, [other], "MCP_TLS_FAILED", says=("mcp_set_tls_ca_file",), not_says=("CaUsedAsEndEntity",))
    ping_server(shown, [], "MCP_TLS_FAILED", says=("mcp_set_tls_ca_file",), not_says=("CaUsedAsEndEntity",))


@case
def dates_names_and_purposes_of_a_self_signed_certificate_are_checked():
    for shown, words in (
        (self_signed(years=EXPIRED), "expired"),
        (self_signed(years=NOT_YET), "not valid yet"),
        (self_signed(host="elsewhere.invalid"), "elsewhere.invalid"),
        (self_signed(host=None), "no subjectAltName"),
        (self_signed(purposes=(CLIENT_AUTH,)), "extended key usage"),
    ):
        ping_server(shown, [shown], "MCP_TLS_FAILED", says=(words,))


# --- Certificates that are invalid for every client -------------------------------------------------------------------


@case
def the_error_tells_that_a_certificate_has_version_1():
    shown = certificates.certificate(NAME, NAME, version=1)
    for trusted in ([], [shown]):
        ping_server(shown, trusted, "MCP_TLS_FAILED", says=("version 3", "subjectAltName"),
                    not_says=("UnsupportedCertVersion",))  # fmt: skip


@case
def a_missing_subject_alt_name_is_named_in_the_error():
    shown = certificates.certificate("localhost", certificates.AUTHORITY)
    ping_server(shown, [certificates.authority()], "MCP_TLS_FAILED", says=("subjectAltName",))


# --- Redirects from https to http -------------------------------------------------------------------------------------


@case
def a_redirect_from_https_to_http_is_not_recommended():
    shown = self_signed()
    for status in (301, 302, 307, 308):
        for path in ("/mcp", "/sse"):
            handler = lambda _server, request: http(  # noqa: E731
                status, kind=None, Location=f"http://{request.headers['host']}{path}/"
            )
            outcome = ping_server(shown, [shown], "MCP_REDIRECT_REFUSED", handler=handler,
                                  says=("X-Forwarded-Proto", "unencrypted"))  # fmt: skip
            for words in ("use that URL", "if you trust it", "if it is correct"):
                assert words not in outcome.message, outcome.message


run()
