"""Servers that send line breaks, escape sequences and megabytes of text: each error and log line stays one short
line."""

import unicodedata

from harness import STREAM, Client, Server, answer, case, discovered, event, events, initialized, legacy, run

EVIL = "x\nFAKE LINE \x1b[31m\r\x07\x9b31m"
LONG = "x" * 5_000_000


def must_be_one_short_line(*texts):
    for text in texts:
        assert not any(unicodedata.category(c) == "Cc" for c in text), repr(text[:500])
        assert len(text.encode()) < 4096, f"{len(text)} characters: {text[:200]}..."


def ping_must_log_readably(handler, status):
    with Server(handler) as server, Client(server.url) as client:
        outcome = client.ping(timeout=10_000).must_be(status)
        print(f"    {outcome.status}, {len(outcome.message)} characters, {len(client.lines)} log lines")
        must_be_one_short_line(outcome.message, outcome.challenge, *client.lines)
        return client.lines


@case
def methods_of_notifications_are_sanitized():
    for method in [EVIL, LONG]:
        def handler(_server, request, method=method):
            if request.rpc != "ping":
                return legacy(request)
            return events({"jsonrpc": "2.0", "method": method}, answer(request, {}))

        lines = ping_must_log_readably(handler, "MCP_OK")
        assert any("the server sent x" in line for line in lines), [line[:200] for line in lines]


@case
def methods_of_server_requests_are_sanitized():
    for method in [EVIL, LONG]:
        def handler(server, request, method=method):
            if request.rpc != "ping":
                return legacy(request)
            request.send(STREAM)
            request.send(event({"jsonrpc": "2.0", "id": "s1", "method": method}))
            # The response is sent after the client has responded to the server's request.
            server.wait_for(lambda: any("error" in seen.message for seen in server.requests))
            request.send(event(answer(request, {})))
            return None

        ping_must_log_readably(handler, "MCP_OK")


@case
def supported_versions_are_sanitized():
    for version in [EVIL, LONG]:
        def handler(_server, request, version=version):
            return discovered(request, supportedVersions=[version])

        ping_must_log_readably(handler, "MCP_VERSION_UNSUPPORTED")


@case
def protocol_versions_are_sanitized():
    for version in [EVIL, LONG]:
        def handler(_server, request, version=version):
            if request.rpc == "initialize":
                return initialized(request, protocolVersion=version)
            return legacy(request)

        ping_must_log_readably(handler, "MCP_VERSION_UNSUPPORTED")


run()
