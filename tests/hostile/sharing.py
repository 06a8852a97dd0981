"""Threads that share a client: what one call meets does not become the others' trouble."""

import threading
import time

from harness import PATIENCE, Client, Server, case, discovered, error, http, run, wait_until_waiting


@case
def waiters_outlive_an_impatient_leader():
    # The leader's third of a timeout passes in silence, its `initialize` is refused. With the time of the others, the
    # server would have answered.
    waiters = 8
    begin = threading.Barrier(waiters + 1)

    def handler(server, request):
        if request.rpc == "initialize":
            begin.wait(PATIENCE)
            wait_until_waiting(waiters + 1)
            return error(request, -32600, status=400)  # says nothing of the era
        if server.saw().count("server/discover") == 1:
            return request.hold()
        return discovered(request)

    with Server(handler) as server, Client(server.url) as client:
        leader = client.begin_ping(timeout=900)
        server.must_see("initialize")
        others = [client.begin_ping(before=begin.wait, timeout=20_000) for _ in range(waiters)]
        statuses = [other.result().status for other in others]
        print(f"    the leader: {leader.result().status}, the others: {sorted(set(statuses))}")
        assert leader.result().status != "MCP_OK"
        assert statuses == ["MCP_OK"] * waiters, statuses


@case
def waiters_outlive_a_leader_that_times_out():
    def handler(server, request):
        # The leader asks both; whoever leads after it gets an answer to the first question.
        if request.rpc == "initialize" or server.saw().count("server/discover") == 1:
            return request.hold()
        return discovered(request)

    with Server(handler) as server, Client(server.url) as client:
        leader = client.begin_ping(timeout=600)
        server.must_see("server/discover")
        others = [client.begin_ping(timeout=20_000) for _ in range(8)]
        leader.result().must_be("MCP_TIMEOUT").must_end(600, after=600)
        for other in others:
            other.result().must_be("MCP_OK")


@case
def a_new_token_does_not_get_the_answer_to_the_old_one():
    replaced = threading.Event()

    def handler(_server, request):
        if request.authorization == "Bearer GOODTOKEN":
            return discovered(request)
        replaced.wait(PATIENCE)
        wait_until_waiting(2)
        return http(401)

    with Server(handler) as server, Client(server.url, bearer="BADTOKEN") as client:
        old = client.begin_ping(timeout=5000)
        server.must_see("server/discover")
        client.set_bearer("GOODTOKEN").must_be("MCP_OK")
        replaced.set()
        client.ping(timeout=5000).must_be("MCP_OK")
        old.result().must_be("MCP_UNAUTHORIZED")


@case
def connections_of_a_burst_are_not_kept_for_ever():
    threads = 16
    meet = threading.Barrier(threads)

    def handler(_server, request):
        if "x-burst" in request.headers:
            meet.wait(PATIENCE)
        return discovered(request, headers={"Keep_Alive": "timeout=2"})

    with Server(handler) as server, Client(server.url) as client:
        client.connect().must_be("MCP_OK")
        client.set_header("X-Burst", "1").must_be("MCP_OK")
        for ping in [client.begin_ping(timeout=20_000) for _ in range(threads)]:
            ping.result().must_be("MCP_OK")
        client.remove_header("X-Burst").must_be("MCP_OK")
        kept = len(server.open)
        # The library keeps a connection one second less than the server.
        begun = time.monotonic()
        while len(server.open) > 2 and time.monotonic() - begun < 5:
            client.ping().must_be("MCP_OK")
            server.wait_for(lambda: len(server.open) <= 2, 0.05)
        print(f"    {kept} connections, {len(server.open)} after {time.monotonic() - begun:.1f} s of use by one thread")
        assert kept >= threads, kept
        assert len(server.open) <= 2, len(server.open)


run()
