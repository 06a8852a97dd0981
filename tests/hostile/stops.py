"""Cancelling and closing at bad moments."""

import threading
import time

from harness import (
    LEGACY, PATIENCE, Cancel, Client, Server, answer, case, chunk, event, http, legacy, must_be_soon,
    run, wait_until_read,
)  # fmt: skip


def stop_in_the_body(status, stop, expected):
    """The head and half the body of an error came; then somebody stops the call."""
    sent = threading.Event()

    def handler(_server, request):
        request.send(http(status, b'{"detail":"half', Content_Length=1000))
        sent.set()
        return request.hold()

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        ping = client.begin_ping(timeout=5000, cancel=cancel)
        assert sent.wait(PATIENCE)
        wait_until_read(server.requests[0])
        begun = time.monotonic()
        stop(client, cancel)
        outcome = ping.result().must_be(expected)
        print(f"    {(outcome.ended - begun) * 1000:.0f} ms after it was stopped")
        must_be_soon(begun, outcome.ended)


@case
def cancelled_in_the_body_of_a_500():
    stop_in_the_body(500, lambda client, cancel: cancel.trigger(), "MCP_CANCELLED")


@case
def cancelled_in_the_body_of_a_401():
    stop_in_the_body(401, lambda client, cancel: cancel.trigger(), "MCP_CANCELLED")


@case
def closed_in_the_body_of_a_500():
    stop_in_the_body(500, lambda client, cancel: client.close(), "MCP_CLOSED")


@case
def closed_in_the_body_of_a_401():
    stop_in_the_body(401, lambda client, cancel: client.close(), "MCP_CLOSED")


@case
def cancelled_beside_streams_that_stay_open():
    # Sixteen answers came on event streams that do not end, and before such a connection is used again, or given up,
    # its end may be awaited for a moment. All of them together must not cost a cancelled call more than the 50 ms that
    # the manual allows. A busy machine may need several rounds to show it.
    rounds, threads = 10, 16
    meet = threading.Barrier(threads)

    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        if "x-silent" in request.headers:
            return request.hold()
        meet.wait(PATIENCE)
        last = event(answer(request, {}))
        request.send(http(200, kind="text/event-stream", Content_Length=None, Transfer_Encoding="chunked"))
        request.send(chunk(last))
        return request.hold()

    lates = []
    for _ in range(rounds):
        with Server(handler) as server, Client(server.url) as client, Cancel() as cancel:
            client.connect().must_be("MCP_OK")
            client.set_header("X-Silent", "1").must_be("MCP_OK")
            silent = client.begin_ping(timeout=20_000, cancel=cancel)
            server.must_see("ping")
            client.remove_header("X-Silent").must_be("MCP_OK")
            others = [client.begin_ping(timeout=20_000) for _ in range(threads)]
            for other in others:
                other.result().must_be("MCP_OK")
            begun = time.monotonic()
            cancel.trigger()
            outcome = silent.result().must_be("MCP_CANCELLED")
            must_be_soon(begun, outcome.ended)
            lates.append(round((outcome.ended - begun) * 1000))
        if lates[-1] < 50:
            break
    print(f"    {lates} ms after the trigger")
    assert min(lates) < 50, lates


run()
