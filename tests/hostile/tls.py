"""TLS connections that the server closes while they are kept. Runs under `mcp-test-server --run`."""

import os

# Before the library looks for it.
os.environ["SSL_CERT_FILE"] = os.environ["MCP_TEST_CA"]
os.environ.pop("SSL_CERT_DIR", None)

from harness import Client, case, run  # noqa: E402


def second_ping_is_sent_again(era, fault, method):
    url = f"{os.environ['MCP_TEST_TLS_URL']}/s/{era}+fault={fault}+when={method}/mcp"
    with Client(url) as client:
        for _ in range(4):
            client.ping(timeout=5000).must_be("MCP_OK")
        resent = sum("sending again" in line for line in client.lines)
        print(f"    sent again {resent} times")
        return resent


@case
def closed_under_a_legacy_ping():
    assert second_ping_is_sent_again("legacy", "stale", "ping")


@case
def closed_under_a_modern_ping():
    assert second_ping_is_sent_again("modern", "stale", "server/discover")


@case
def closed_between_legacy_pings():
    second_ping_is_sent_again("legacy", "close-after", "ping")


@case
def closed_between_modern_pings():
    second_ping_is_sent_again("modern", "close-after", "server/discover")


run()
