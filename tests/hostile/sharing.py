"""Threads that share a client: the failure of one call does not affect the calls of other threads."""

import threading
import time

from harness import PATIENCE, Client, Server, case, discovered, error, http, run, wait_until_waiting


@case
def waiting_calls_survive_a_failed_handshake():
    # The first call makes the handshake. `server/discover` gets no response within a third of its timeout, and its
    # `initialize` is refused. The other calls have longer timeouts, and have to try the handshake again.
    waiters = 8
    begin = threading.Barrier(waiters + 1)

    def handler(server, request):
        if request.rpc == "initialize":
            begin.wait(PATIENCE)
            wait_until_waiting(waiters + 1)
            return error(request, -32600, status=400)  # does not tell which version the server supports
        if server.saw().count("server/discover") == 1:
            return request.hold()
        return discovered(request)

    with Server(handler) as server, Client(server.url) as client:
        leader = client.begin_ping(timeout=900)
        server.must_see("initialize")
        others = [client.begin_ping(before=begin.wait, timeout=20_000) for _ in range(waiters)]
        statuses = [other.result().status for other in others]
        print(f"    the first call: {leader.result().status}, the others: {sorted(set(statuses))}")
        assert leader.result().status != "MCP_OK"
        assert statuses == ["MCP_OK"] * waiters, statuses


@case
def waiting_calls_survive_a_handshake_that_times_out():
    def handler(server, request):
        # The first call sends both requests and gets no response. The next handshake gets a response to its first
        # request.
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
def a_call_with_a_new_token_does_not_share_the_refusal_of_the_old_one():
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
def excess_idle_connections_are_closed():
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
        pooled = len(server.open)
        # The library closes an idle connection one second before the server does.
        begun = time.monotonic()
        while len(server.open) > 2 and time.monotonic() - begun < 5:
            client.ping().must_be("MCP_OK")
            server.wait_for(lambda: len(server.open) <= 2, 0.05)
        seconds = time.monotonic() - begun
        print(f"    {pooled} connections, {len(server.open)} after {seconds:.1f} s of use by one thread")
        assert pooled >= threads, pooled
        assert len(server.open) <= 2, len(server.open)


run()
