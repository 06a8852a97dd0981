"""Log callbacks that call the library while the client is connecting."""

from harness import Client, Server, case, discovered, legacy, run


def when_connected(client, action):
    """Runs the action once, in the log callback that reports the protocol version; returns a list with its outcome."""
    outcomes = []

    def on_line(line):
        if "speaks protocol" in line and not outcomes:
            # Not empty from here on: log lines of the action must not run the action again.
            outcomes.append(None)
            outcomes[0] = action()

    client.on_line = on_line
    return outcomes


@case
def a_ping_on_the_same_client_is_refused():
    for serve in (legacy, discovered):
        with Server(lambda _server, request, serve=serve: serve(request)) as server, Client(server.url) as client:
            inner = when_connected(client, lambda: client.ping(timeout=3000))
            client.ping(timeout=10_000).must_be("MCP_OK")
            assert inner, "no log line reports the protocol version"
            inner[0].must_be("MCP_MISUSE").must_end(0)
            client.on_line = None
            client.ping().must_be("MCP_OK")


@case
def a_close_ends_the_session_at_the_server():
    with Server(lambda _server, request: legacy(request)) as server, Client(server.url) as client:
        inner = when_connected(client, lambda: client.close(timeout=3000))
        client.ping(timeout=5000).must_be("MCP_CLOSED")
        assert inner, "no log line reports the protocol version"
        inner[0].must_be("MCP_OK")
        server.must_see("DELETE")
        sessions = [request.session for request in server.requests if request.method == "DELETE"]
        assert sessions == ["session-1"], sessions
        client.ping().must_be("MCP_CLOSED")


run()
