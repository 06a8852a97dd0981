"""Retry-After in seconds, as a date, and with invalid values."""

import time
from ctypes import byref, c_int64, c_void_p
from email.utils import formatdate

from harness import LEGACY, Client, Server, case, declare, http, legacy, lib, run

declare(c_int64, mcp_error_retry_after_ms=[c_void_p])

# The tolerance of a check against the clock of this machine.
SLACK_MS = 5000


def retry_after_ms(retry_after, status=429, date=None):
    """What mcp_error_retry_after_ms returns for a ping whose response has this header."""

    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        return http(status, "later", kind="text/plain", Retry_After=retry_after, Date=date)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        error = c_void_p()
        name = lib.mcp_status_name(lib.mcp_ping(client.client, None, byref(error))).decode()
        ms = lib.mcp_error_retry_after_ms(error)
        lib.mcp_error_free(error)
        assert name == {429: "MCP_RATE_LIMITED", 503: "MCP_UNAVAILABLE"}[status], name
        return ms


@case
def seconds_are_converted_to_milliseconds():
    assert retry_after_ms("0") == 0
    assert retry_after_ms("7") == 7000
    assert retry_after_ms("7", status=503) == 7000
    assert retry_after_ms(" 120 ") == 120_000
    assert retry_after_ms(None) == -1


@case
def a_date_is_compared_with_the_date_header():
    # If the server's clock is wrong, the difference to its Date header is still right.
    now = 784887151
    for span in (0, 1, 3600, 86_400 * 365):
        assert retry_after_ms(formatdate(now + span, usegmt=True), date=formatdate(now, usegmt=True)) == span * 1000
    assert retry_after_ms(formatdate(now - 60, usegmt=True), date=formatdate(now, usegmt=True)) == 0


@case
def a_date_without_a_date_header_is_compared_with_the_local_clock():
    for date in (None, "yesterday"):
        ms = retry_after_ms(formatdate(time.time() + 100, usegmt=True), date=date)
        assert 100_000 - SLACK_MS <= ms <= 100_000, ms
    assert retry_after_ms(formatdate(0, usegmt=True)) == 0


@case
def dates_in_the_obsolete_formats_are_accepted():
    # RFC 9110, 5.6.7: a recipient must accept all three formats.
    date = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert retry_after_ms("Sunday, 06-Nov-94 08:49:47 GMT", date=date) == 10_000
    assert retry_after_ms("Sun Nov  6 08:49:47 1994", date=date) == 10_000


@case
def invalid_values_are_ignored():
    for text in ("soon", "-5", "1.5", "7 seconds", "", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994"):
        assert retry_after_ms(text) == -1, text


@case
def very_large_values_do_not_overflow():
    for text in (str(2**63), str(2**64), "9" * 50, "Fri, 31 Dec 9999 23:59:59 GMT"):
        ms = retry_after_ms(text)
        assert ms == -1 or ms > 10**12, f"{text}: {ms}"


run()
