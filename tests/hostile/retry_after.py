"""How long a server asks to wait: in seconds, as a date, and as what is neither."""

import time
from ctypes import byref, c_int64, c_void_p
from email.utils import formatdate

from harness import LEGACY, Client, Server, case, declare, http, legacy, lib, run

declare(c_int64, mcp_error_retry_after_ms=[c_void_p])

# Where "now" is the machine's own clock.
SLACK_MS = 5000


def asked_to_wait(retry_after, status=429, date=None):
    """In milliseconds, as the error of a ping says it."""

    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        return http(status, "later", kind="text/plain", Retry_After=retry_after, Date=date)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        error = c_void_p()
        found = lib.mcp_status_name(lib.mcp_ping(client.client, None, byref(error))).decode()
        waits = lib.mcp_error_retry_after_ms(error)
        lib.mcp_error_free(error)
        assert found == {429: "MCP_RATE_LIMITED", 503: "MCP_UNAVAILABLE"}[status], found
        return waits


@case
def seconds():
    assert asked_to_wait("0") == 0
    assert asked_to_wait("7") == 7000
    assert asked_to_wait("7", status=503) == 7000
    assert asked_to_wait(" 120 ") == 120_000
    assert asked_to_wait(None) == -1


@case
def a_date_against_the_servers_clock():
    # A server whose clock is wrong still means a span.
    now = 784887151
    for span in (0, 1, 3600, 86_400 * 365):
        assert asked_to_wait(formatdate(now + span, usegmt=True), date=formatdate(now, usegmt=True)) == span * 1000
    assert asked_to_wait(formatdate(now - 60, usegmt=True), date=formatdate(now, usegmt=True)) == 0


@case
def a_date_against_our_own_clock():
    for date in (None, "yesterday"):
        waits = asked_to_wait(formatdate(time.time() + 100, usegmt=True), date=date)
        assert 100_000 - SLACK_MS <= waits <= 100_000, waits
    assert asked_to_wait(formatdate(0, usegmt=True)) == 0


@case
def dates_in_the_old_forms():
    # RFC 9110, 5.6.7: a recipient takes all three.
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert asked_to_wait("Sunday, 06-Nov-94 08:49:47 GMT", date=date) == 10_000
    assert asked_to_wait("Sun Nov  6 08:49:47 1994", date=date) == 10_000


@case
def neither():
    for text in ("soon", "-5", "1.5", "7 seconds", "", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994"):
        assert asked_to_wait(text) == -1, text


@case
def far_away():
    for text in (str(2**63), str(2**64), "9" * 50, "Fri, 31 Dec 9999 23:59:59 GMT"):
        waits = asked_to_wait(text)
        assert waits == -1 or waits > 10**12, f"{text}: {waits}"


run()
