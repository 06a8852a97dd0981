"""A forked child that triggers a cancel token of its parent."""

import os
import time
import warnings

from harness import Cancel, Client, Server, case, discovered, must_be_soon, run

# Newer versions of Python warn about a fork in a process with threads.
warnings.filterwarnings("ignore", category=DeprecationWarning)


def trigger_in_a_child(cancel):
    child = os.fork()
    if child == 0:
        try:
            cancel.trigger()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, status


@case
def a_call_of_the_parent_is_not_disturbed():
    with Server(lambda _server, request: request.hold()) as server, Client(server.url) as client, Cancel() as cancel:
        ping = client.begin_ping(timeout=1500, cancel=cancel)
        server.must_see("server/discover")
        trigger_in_a_child(cancel)
        before = time.process_time()
        ping.result().must_be("MCP_TIMEOUT").must_end(1500, after=1500)
        spent = time.process_time() - before
        print(f"    {spent * 1000:.0f} ms of processor time while it waited")
        assert spent < 0.4, f"the call spins: {spent} s of processor time"


@case
def the_parent_can_still_cancel():
    with Server(lambda _server, request: request.hold()) as server, Client(server.url) as client, Cancel() as cancel:
        ping = client.begin_ping(timeout=5000, cancel=cancel)
        server.must_see("server/discover")
        trigger_in_a_child(cancel)
        begun = time.monotonic()
        cancel.trigger()
        outcome = ping.result().must_be("MCP_CANCELLED")
        print(f"    ended {(outcome.ended - begun) * 1000:.0f} ms after the trigger")
        must_be_soon(begun, outcome.ended)


@case
def later_calls_of_the_parent_are_not_cancelled():
    with Server(lambda _server, request: discovered(request)) as server, Client(server.url) as client:
        with Cancel() as cancel:
            trigger_in_a_child(cancel)
            client.ping(cancel=cancel).must_be("MCP_OK")
            cancel.trigger()
            client.ping(cancel=cancel).must_be("MCP_CANCELLED")


run()
