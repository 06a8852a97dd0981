"""Cancelling and closing while a response is read, and while event streams stay open."""

import threading
import time

from harness import (
    LEGACY, PATIENCE, Cancel, Client, Server, answer, case, chunk, event, http, legacy, must_be_soon,
    run, wait_until_read,
)  # fmt: skip


def stop_in_the_body(status, stop, expected):
    """The client has read the head and half of the body of an error when `stop` cancels or closes."""
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
        print(f"    ended {(outcome.ended - begun) * 1000:.0f} ms after the stop")
        must_be_soon(begun, outcome.ended)


@case
def cancel_ends_a_call_in_the_body_of_a_500():
    stop_in_the_body(500, lambda client, cancel: cancel.trigger(), "MCP_CANCELLED")


@case
def cancel_ends_a_call_in_the_body_of_a_401():
    stop_in_the_body(401, lambda client, cancel: cancel.trigger(), "MCP_CANCELLED")


@case
def close_ends_a_call_in_the_body_of_a_500():
    stop_in_the_body(500, lambda client, cancel: client.close(), "MCP_CLOSED")


@case
def close_ends_a_call_in_the_body_of_a_401():
    stop_in_the_body(401, lambda client, cancel: client.close(), "MCP_CLOSED")


@case
def open_event_streams_do_not_delay_a_cancel():
    # Sixteen responses arrive on event streams that do not end. Before the client reuses or closes such a connection,
    # it waits briefly for the end of the stream. These waits together must not delay a cancelled call by more than the
    # 50 ms that the manual allows. On a busy machine this can need several rounds.
    rounds, threads = 10, 16
    meet = threading.Barrier(threads)

    def handler(_server, request):
        if request.rpc != "ping":
            return legacy(request)
        if "x-silent" in request.headers:
            return request.hold()
        meet.wait(PATIENCE)
        request.send(http(200, kind="text/event-stream", Content_Length=None, Transfer_Encoding="chunked"))
        request.send(chunk(event(answer(request, {}))))
        return request.hold()

    delays = []
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
            delays.append(round((outcome.ended - begun) * 1000))
        if delays[-1] < 50:
            break
    print(f"    ended {delays} ms after the trigger")
    assert min(delays) < 50, delays


run()
