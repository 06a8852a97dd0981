"""Servers that send line breaks, escape sequences and megabytes: what people read is one short line."""

import unicodedata

from harness import STREAM, Client, Server, answer, case, discovered, event, events, initialized, legacy, run

EVIL = "x\nFAKE LINE \x1b[31m\r\x07\x9b31m"
LONG = "x" * 5_000_000


def must_be_one_short_line(*texts):
    for text in texts:
        assert not any(unicodedata.category(c) == "Cc" for c in text), repr(text[:500])
        assert len(text.encode()) < 4096, f"{len(text)} characters: {text[:200]}..."


def ping_reads_well(handler, status):
    with Server(handler) as server, Client(server.url) as client:
        outcome = client.ping(timeout=10_000).must_be(status)
        print(f"    {outcome.status}, {len(outcome.message)} characters, {len(client.lines)} log lines")
        must_be_one_short_line(outcome.message, outcome.challenge, *client.lines)
        return client.lines


@case
def in_the_method_of_a_notification():
    for method in [EVIL, LONG]:
        def handler(_server, request, method=method):
            if request.rpc != "ping":
                return legacy(request)
            return events({"jsonrpc": "2.0", "method": method}, answer(request, {}))

        lines = ping_reads_well(handler, "MCP_OK")
        assert any("the server sent x" in line for line in lines), [line[:200] for line in lines]


@case
def in_the_method_of_a_request():
    for method in [EVIL, LONG]:
        def handler(server, request, method=method):
            if request.rpc != "ping":
                return legacy(request)
            request.send(STREAM)
            request.send(event({"jsonrpc": "2.0", "id": "s1", "method": method}))
            # The answer comes when the client has replied.
            server.wait_for(lambda: any("error" in seen.message for seen in server.requests))
            request.send(event(answer(request, {})))
            return None

        ping_reads_well(handler, "MCP_OK")


@case
def in_the_supported_versions():
    for version in [EVIL, LONG]:
        def handler(_server, request, version=version):
            return discovered(request, supportedVersions=[version])

        ping_reads_well(handler, "MCP_VERSION_UNSUPPORTED")


@case
def in_the_protocol_version():
    for version in [EVIL, LONG]:
        def handler(_server, request, version=version):
            if request.rpc == "initialize":
                return initialized(request, protocolVersion=version)
            return legacy(request)

        ping_reads_well(handler, "MCP_VERSION_UNSUPPORTED")


run()
