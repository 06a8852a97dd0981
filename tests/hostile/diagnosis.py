"""Diagnoses of servers, certificates, proxies and names with something wrong: each step says what, and shows no
secret."""

import contextlib
import json
import os
import socket
import ssl
import sys
import time
from ctypes import byref, c_bool, c_char_p, c_int, c_size_t, c_void_p, string_at
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "faults"))

import certificates  # noqa: E402
from secure import TlsServer, context, folder, trust  # noqa: E402

from harness import (  # noqa: E402
    ERROR,
    PATIENCE,
    STREAM,
    Cancel,
    Client,
    Outcome,
    Server,
    call,
    case,
    declare,
    discovered,
    error,
    http,
    legacy,
    lib,
    must_be_soon,
    options,
    plain,
    result,
    run,
    wait_until_waiting,
)

declare(c_int, mcp_diagnose=[c_void_p, c_void_p, ERROR, ERROR], mcp_set_proxy=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_set_unix_socket=[c_void_p, c_char_p, ERROR], mcp_set_tls_verify=[c_void_p, c_bool, ERROR])
declare(None, mcp_json_free=[c_void_p])

STEPS = [
    "configuration", "process", "name", "tcp", "proxy", "tls", "http", "authorization", "protocol", "capabilities",
    "lists", "ping",
]  # fmt: skip
AFTER_CONNECTION = STEPS[STEPS.index("http") :]
DAY = 24 * 60 * 60


class Report:
    """A report, whose form is checked. `report["tls"]` is the step."""

    def __init__(self, text):
        self.text, self.all = text, json.loads(text)
        self.steps = {step["step"]: step for step in self.all["steps"]}
        assert list(self.steps) == STEPS, text
        for step in self.all["steps"]:
            skipped, failed = step["ok"] is None, step["ok"] is False
            assert ("reason" in step, "milliseconds" in step, "problem" in step) == (skipped, not skipped, failed), step
            assert not failed or step.get("remedy"), f"no remedy: {step}"
        assert self.all["ok"] == (not self.failed()), text
        for name in self.failed():
            print(f"    {name}: {self.steps[name]['problem']} -> {self.steps[name]['remedy']}")

    def __getitem__(self, name):
        return self.steps[name]

    def result(self, name):
        return self.steps[name].get("result", {})

    def failed(self):
        return [name for name, step in self.steps.items() if step["ok"] is False]

    def skipped(self):
        return [name for name, step in self.steps.items() if step["ok"] is None]

    def must_not_show(self, *secrets):
        for secret in secrets:
            assert secret.lower() not in plain(self.text), f"the report shows {secret}: {self.text}"


def diagnose(client, **limits):
    """The report, or the outcome of a call without one."""
    report = c_void_p()
    with options(**{"timeout": 20_000, **limits}) as opts:
        outcome = call(lib.mcp_diagnose, client.client, opts, byref(report))
    if not report:
        return outcome
    outcome.must_be("MCP_OK")
    length = c_size_t()
    raw = lib.mcp_json_raw(report, byref(length))
    text = string_at(raw, length.value).decode()
    lib.mcp_json_free(report)
    return Report(text)


def diagnose_server(handler, **arguments):
    with Server(handler) as server, Client(server.url, **arguments) as client:
        return diagnose(client)


# --- Servers that work ------------------------------------------------------------------------------------------------


@case
def a_legacy_server_passes_all_steps():
    report = diagnose_server(lambda _server, request: legacy(request))
    assert (report.failed(), report.skipped()) == ([], ["process", "proxy", "tls"])
    assert report.result("protocol")["era"] == "legacy" and report.result("protocol")["sessionId"] is True
    assert report.result("ping") == {"method": "ping"}


@case
def lists_are_counted_and_tools_that_break_the_header_rules_are_named():
    def tool(name, mark):
        schema = {"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": mark}}}
        return {"name": name, "inputSchema": schema}

    def handler(_server, request):
        match request.rpc:
            case "server/discover":
                return discovered(request, capabilities={"tools": {}, "prompts": {"listChanged": True}})
            case "tools/list":
                tools = [tool("good", "Region"), tool("bad", "not a token"), tool("worse", "")]
                return result(request, {"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "public"})
            case _:
                return error(request, -32603, "the list is broken")

    report = diagnose_server(handler)
    lists = report["lists"]
    assert lists["result"]["tools"] == 1 and lists["result"]["toolsLeftOut"] == ["bad", "worse"], lists
    assert "the list is broken" in lists["problem"] and lists["problem"].startswith("prompts/list"), lists
    assert report.failed() == ["lists"]
    assert report.result("capabilities")["capabilities"] == {"tools": {}, "prompts": {"listChanged": True}}


# --- Secrets ----------------------------------------------------------------------------------------------------------

SECRETS = ("s3cr3t-bearer", "s3cr3t-header", "s3cr3t-query", "s3cr3t-mcp-id", "s3cr3t-cookie", "s3cr3t-password")


@case
def no_secret_is_in_a_report_even_if_the_server_echoes_it():
    echo = " ".join(SECRETS)

    def handler(_server, request):
        headers = {"Set_Cookie": "sid=s3cr3t-cookie", "Server": echo, "Mcp_Session_Id": "s3cr3t-mcp-id"}
        match request.rpc:
            case "server/discover":
                return http(400, echo, kind="text/plain", **headers)
            case "initialize":
                members = {"tools": {"x": echo, echo: [echo, 1]}, "resources": {}}
                info = {"name": echo, "version": echo}
                value = {"protocolVersion": "2025-11-25", "capabilities": members, "serverInfo": info}
                return result(request, value, **headers)
            case "GET":
                return http(200, {"resource": f"https://x/{echo}", "authorization_servers": [echo]}, **headers)
            case "notifications/initialized":
                return http(202, kind=None)
            case "tools/list":
                return result(request, {"tools": [{"name": echo}]})
            case "ping":
                return result(request, {})
            case _:
                return error(request, -32603, echo)

    with Server(handler) as server:
        url = f"{server.url}?key=s3cr3t-query"
        with Client(url, bearer="s3cr3t-bearer", headers={"X-Key": "s3cr3t-header"}) as client:
            report = diagnose(client)
            again = diagnose(client)
    for each in (report, again):
        each.must_not_show(*SECRETS[:-1])
    assert report.result("configuration")["headers"] == ["x-key"]
    assert report.result("configuration")["url"] == f"{server.url}?..."
    assert report.failed() == ["lists"], report.text
    # The name of a member is a text of the server, too.
    assert "[redacted]" in json.dumps(report.result("capabilities")), report.text


@case
def challenges_are_shown_without_secrets():
    challenge = 'Bearer error="invalid_token", error_description="not s3cr3t-bearer", scope="read s3cr3t-bearer"'
    report = diagnose_server(
        lambda _server, request: http(404) if request.method == "GET" else http(401, WWW_Authenticate=challenge),
        bearer="s3cr3t-bearer",
    )
    report.must_not_show("s3cr3t")
    (shown,) = report.result("authorization")["challenges"]
    assert shown["scheme"] == "Bearer" and shown["error"] == "invalid_token" and "redacted" in shown["scope"], shown
    assert report.failed() == ["http", "authorization", "protocol"]
    assert report["authorization"]["problem"] == "the server does not accept the credentials"


@case
def urls_and_proxies_with_credentials_are_not_shown():
    # The URL of a server must not contain credentials at all.
    failure = c_void_p()
    assert not lib.mcp_client_new(b"https://user:s3cr3t-password@127.0.0.1/mcp", byref(failure))
    assert b"s3cr3t" not in lib.mcp_error_message(failure)
    lib.mcp_error_free(failure)

    class Proxy(Server):
        """Refuses CONNECT, and requests that it should forward."""

        def serve(self, connection):
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 407 s3cr3t-password\r\nContent-Length: 0\r\n\r\n")

    with Proxy(None) as proxy:
        for scheme, step in (("https", "proxy"), ("http", "http")):
            with Client(f"{scheme}://mcp.invalid/mcp", bearer="s3cr3t-bearer") as client:
                url = f"http://user:s3cr3t-password@127.0.0.1:{proxy.port}"
                call(lib.mcp_set_proxy, client.client, url.encode()).must_be("MCP_OK")
                report = diagnose(client)
            report.must_not_show("s3cr3t", "dXNlcjpzM2NyM3Q")
            assert report.failed()[0] == step, report.text
            assert "user name" in report[step]["remedy"], report[step]
            assert report.result("proxy")["proxy"] == f"http://127.0.0.1:{proxy.port}"
            assert report.result("proxy")["proxySetBy"] == "mcp_set_proxy"
            assert report.result("name")["host"] == "127.0.0.1"


# --- The network ------------------------------------------------------------------------------------------------------


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@case
def a_dead_port_fails_only_the_connection():
    port = free_port()
    with Client(f"http://127.0.0.1:{port}/mcp") as client:
        report = diagnose(client)
    assert (report.failed(), report.skipped()) == (["tcp"], ["process", "proxy", "tls", *AFTER_CONNECTION])
    assert report.result("tcp")["refused"] == [{"address": f"127.0.0.1:{port}", "problem": "connection refused"}]
    assert report["http"]["reason"] == 'the step "tcp" failed'


@case
def an_unknown_name_fails_the_lookup():
    with Client("https://nothing.invalid/mcp") as client:
        report = diagnose(client)
    assert report.failed() == ["name"]
    assert report.skipped() == ["process", "tcp", "proxy", "tls", *AFTER_CONNECTION]
    assert report.result("name") == {"host": "nothing.invalid"}


@case
def a_dead_proxy_and_an_invalid_one_are_named():
    port = free_port()
    with Client("https://mcp.invalid/mcp") as client:
        call(lib.mcp_set_proxy, client.client, f"socks5h://127.0.0.1:{port}".encode()).must_be("MCP_OK")
        report = diagnose(client)
    assert report.failed() == ["tcp"] and f"socks5h://127.0.0.1:{port}" in report["tcp"]["problem"], report.text
    os.environ["https_proxy"] = "ftp://s3cr3t-password@proxy"
    try:
        with Client("https://mcp.invalid/mcp") as client:
            report = diagnose(client)
    finally:
        del os.environ["https_proxy"]
    assert report.failed() == ["proxy"] and "https_proxy" in report["proxy"]["problem"], report.text
    report.must_not_show("s3cr3t")


@case
def a_unix_domain_socket_needs_no_name():
    with Client("http://mcp.invalid/mcp") as client:
        call(lib.mcp_set_unix_socket, client.client, b"/nowhere/libmcp.socket").must_be("MCP_OK")
        report = diagnose(client)
    assert report.failed() == ["tcp"] and "name" in report.skipped()
    assert report.result("tcp")["address"] == "/nowhere/libmcp.socket"


# --- Certificates -----------------------------------------------------------------------------------------------------


def diagnose_certificate(tls_context=None, trusts=True, verifies=True):
    handler = lambda _server, request: http(404) if request.method == "GET" else discovered(request)  # noqa: E731
    with TlsServer(handler, *[tls_context] if tls_context else []) as server:
        with Client(f"https://localhost:{server.port}/mcp", bearer="s3cr3t-bearer") as client:
            if trusts:
                trust(client)
            call(lib.mcp_set_tls_verify, client.client, verifies).must_be("MCP_OK")
            report = diagnose(client)
    report.must_not_show("s3cr3t")
    # A certificate that is not accepted gets no request.
    assert report["tls"]["ok"] or server.requests == []
    return report


@case
def an_accepted_certificate_is_described():
    report = diagnose_certificate()
    assert report.failed() == [], report.text
    tls = report.result("tls")
    assert tls["version"] == "TLS 1.3" and tls["cipher"].startswith("TLS_"), tls
    assert tls["subject"] == "CN=mcp-test faults server" and tls["issuer"] == f"CN={certificates.AUTHORITY}", tls
    assert tls["names"] == ["localhost"] and tls["certificates"] == 1, tls
    assert (tls["notBefore"], tls["notAfter"]) == ("1975-01-01T00:00:00Z", "4096-01-01T00:00:00Z"), tls
    assert tls["daysLeft"] > 365 * 2000 and "warnings" not in report["tls"], tls


@case
def rejected_certificates_are_described_with_a_remedy():
    for tls_context, trusts, words, expected in (
        (context("expired", years=certificates.EXPIRED), True, "renew", {"notAfter": "2002-01-01T00:00:00Z"}),
        (context("early", years=certificates.NOT_YET), True, "clock", {"notBefore": "4000-01-01T00:00:00Z"}),
        (context("elsewhere", host="elsewhere.invalid"), True, "host name", {"names": ["elsewhere.invalid"]}),
        (None, False, "mcp_set_tls_ca_file", {"issuer": f"CN={certificates.AUTHORITY}"}),
    ):
        report = diagnose_certificate(tls_context, trusts)
        assert report.failed() == ["tls"] and report.skipped() == ["process", "proxy", *AFTER_CONNECTION], report.text
        tls = report["tls"]
        assert words in tls["remedy"], tls
        assert tls["result"].items() >= expected.items(), tls
        assert ("daysLeft" in tls["result"]) and (tls["result"]["daysLeft"] < 0) == ("renew" in tls["remedy"]), tls


@case
def certificates_for_other_uses_have_a_remedy():
    self_signed = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    is_authority = certificates.extension("551d13", certificates.sequence(certificates.der(1, b"\xff")), critical=True)
    names = certificates.extension("551d11", certificates.sequence(certificates.der(0x82, b"localhost")))
    text = certificates.certificate("evil, O=Google", "evil, O=Google", extensions=[is_authority, names])
    self_signed.load_cert_chain(folder.file("self-signed", text), certificates.KEY)
    report = diagnose_certificate(self_signed)
    assert report.failed() == ["tls"] and "set it with mcp_set_tls_ca_file" in report["tls"]["remedy"], report["tls"]
    assert report.result("tls")["subject"] == r"CN=evil\, O\=Google", report["tls"]
    report = diagnose_certificate(context("client", purpose=certificates.CLIENT_AUTH))
    assert report.failed() == ["tls"] and "serverAuth" in report["tls"]["remedy"], report["tls"]


@case
def certificates_that_are_not_valid_now_are_warnings_without_verification():
    for years, words in ((certificates.EXPIRED, "has expired"), (certificates.NOT_YET, "not valid yet")):
        report = diagnose_certificate(context("unverified", years=years), trusts=False, verifies=False)
        assert report.failed() == [], report.text
        (warning,) = report["tls"]["warnings"]
        assert words in warning, warning


@case
def a_certificate_that_expires_soon_is_a_warning():
    def utc(offset):
        return time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() + offset)).encode()

    report = diagnose_certificate(context("soon", years=(utc(-DAY), utc(10.5 * DAY))))
    assert report.failed() == [], report.text
    assert report.result("tls")["daysLeft"] == 10, report["tls"]
    assert report["tls"]["warnings"] == ["the server's certificate expires in 10 days: renew it"], report["tls"]


@case
def a_server_without_tls_is_named():
    class PlainServer(Server):
        def serve(self, connection):
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                connection.sendall(http(400))

    with PlainServer(None) as server, Client(f"https://127.0.0.1:{server.port}/mcp") as client:
        report = diagnose(client)
    assert report.failed() == ["tls"] and "does not speak TLS" in report["tls"]["problem"], report.text


# --- HTTP -------------------------------------------------------------------------------------------------------------


@case
def statuses_have_remedies():
    for status, words in ((403, "credentials"), (404, "path"), (405, "methods"), (421, "host name"), (429, "later"),
                          (500, "log"), (503, "gateway")):  # fmt: skip
        report = diagnose_server(lambda _server, _request, status=status: http(status))
        assert report.failed()[0] == "http" and report.result("http")["status"] == status, report.text
        assert words in report["http"]["remedy"], report["http"]
        assert report["protocol"]["ok"] is False, "the handshake is tried nevertheless"


@case
def a_page_instead_of_a_message_is_a_warning():
    for kind, words in (("text/html; charset=utf-8", "is text/html"), (None, "no content type")):
        report = diagnose_server(lambda _server, _request, kind=kind: http(200, b"<html></html>", kind=kind))
        assert report.failed() == ["protocol"] and report.result("authorization")["required"] is False, report.text
        (warning,) = report["http"]["warnings"]
        assert words in warning and "path" in report["http"]["remedy"], report["http"]
    # A status with an empty body is no page.
    report = diagnose_server(lambda _server, _request: http(202, kind=None))
    assert "warnings" not in report["http"], report["http"]
    report = diagnose_server(lambda _server, _request: http(503))
    assert "required" not in report.result("authorization"), report.text


@case
def redirects_are_shown():
    def handler(server, request):
        if request.path == "/mcp":
            return http(308, Location="/other")
        return legacy(request)

    report = diagnose_server(handler)
    assert report.failed() == [] and report.result("http")["redirectedTo"].endswith("/other"), report.text
    report = diagnose_server(lambda _server, _request: http(307, Location="https://elsewhere.invalid/mcp"))
    assert report.failed()[0] == "http" and "elsewhere.invalid" in report["http"]["problem"], report.text
    assert "redirects" in report["http"]["remedy"]


@case
def a_server_of_http_sse_is_diagnosed():
    def handler(server, request):
        if request.path == "/sse":
            request.send(STREAM + b"event: endpoint\ndata: /messages\n\n")
            server.stream = request
            request.hold()
            return None
        reply = legacy(request)
        if "id" in request.message and reply.startswith(b"HTTP/1.1 200"):
            server.stream.send(b"event: message\ndata: " + reply.split(b"\r\n\r\n", 1)[1] + b"\n\n")
        return http(202, kind=None)

    with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse") as client:
        report = diagnose(client)
    assert report.failed() == [], report.text
    assert report.result("http")["method"] == "GET" and report.result("protocol")["transport"] == "sse", report.text


# --- Time -------------------------------------------------------------------------------------------------------------


@case
def the_timeout_limits_all_steps_together():
    with Server(lambda _server, request: request.hold()) as server, Client(server.url) as client:
        begun = time.monotonic()
        report = diagnose(client, timeout=600)
        must_be_soon(begun, time.monotonic(), within=600)
    # The first request may take a third of the time, as in a handshake.
    assert report.failed() == ["http", "protocol"], report.text
    assert report.skipped()[-3:] == ["capabilities", "lists", "ping"], report.text
    # No response says nothing about credentials.
    assert report["authorization"]["ok"] and "required" not in report.result("authorization"), report.text
    assert "timeout" in report["ping"]["reason"] and "timeout" in report["protocol"]["problem"], report.text
    assert "if it means seconds" in report["configuration"]["warnings"][0], report["configuration"]


@case
def a_cancel_and_a_close_end_a_diagnosis():
    with Server(lambda _server, request: request.hold()) as server:
        for end, status in ((True, "MCP_CANCELLED"), (False, "MCP_CLOSED")):
            with Cancel() as token, Client(server.url) as client:
                background = client.begin(lambda client=client, token=token: diagnose(client, cancel=token))
                server.must_see("server/discover", 2 - end)
                wait_until_waiting(1)
                begun = time.monotonic()
                token.trigger() if end else client.close(timeout=1000)
                outcome = background.result(PATIENCE)
                assert isinstance(outcome, Outcome), "there is a report"
                outcome.must_be(status)
                must_be_soon(begun, outcome.ended, 50)


run()
