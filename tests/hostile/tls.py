"""TLS connections that the server closes while they are idle in the pool. Runs under `mcp-test-server --run`."""

import os

# Set before the library reads it.
os.environ["SSL_CERT_FILE"] = os.environ["MCP_TEST_CA"]
os.environ.pop("SSL_CERT_DIR", None)

from harness import Client, case, run  # noqa: E402


def count_resent_pings(era, fault, method):
    """Pings four times with a fault of the server on each request with this method. Returns how often the log reports
    that a request was sent again."""
    url = f"{os.environ['MCP_TEST_TLS_URL']}/s/{era}+fault={fault}+when={method}/mcp"
    with Client(url) as client:
        for _ in range(4):
            client.ping(timeout=5000).must_be("MCP_OK")
        resent = sum("retrying on a new one" in line for line in client.lines)
        print(f"    sent again {resent} times")
        return resent


@case
def a_legacy_ping_on_a_closed_connection_is_sent_again():
    assert count_resent_pings("legacy", "stale", "ping")


@case
def a_modern_ping_on_a_closed_connection_is_sent_again():
    assert count_resent_pings("modern", "stale", "server/discover")


@case
def legacy_pings_succeed_if_the_connection_closes_between_them():
    count_resent_pings("legacy", "close-after", "ping")


@case
def modern_pings_succeed_if_the_connection_closes_between_them():
    count_resent_pings("modern", "close-after", "server/discover")


run()
