"""Log callbacks that call the library while the client is connecting."""

from harness import Client, Server, case, discovered, legacy, run


def when_connected(client, action):
    """Runs the action once, in the log callback that says which version is spoken; returns its outcomes."""
    outcomes = []

    def on_line(line):
        if "speaks protocol" in line and not outcomes:
            # What the action logs must not come here again.
            outcomes.append(None)
            outcomes[0] = action()

    client.on_line = on_line
    return outcomes


@case
def a_ping_on_the_same_client_is_refused():
    def handler(_server, request):
        return discovered(request)

    for serve in [lambda _server, request: legacy(request), handler]:
        with Server(serve) as server, Client(server.url) as client:
            inner = when_connected(client, lambda: client.ping(timeout=3000))
            client.ping(timeout=10_000).must_be("MCP_OK")
            assert inner, "no line said which version is spoken"
            inner[0].must_be("MCP_MISUSE").must_end(0)
            client.on_line = None
            client.ping().must_be("MCP_OK")


@case
def a_close_ends_the_session_at_the_server():
    with Server(lambda _server, request: legacy(request)) as server, Client(server.url) as client:
        inner = when_connected(client, lambda: client.close(timeout=3000))
        client.ping(timeout=5000).must_be("MCP_CLOSED")
        assert inner, "no line said which version is spoken"
        inner[0].must_be("MCP_OK")
        server.must_see("DELETE")
        sessions = [request.session for request in server.requests if request.method == "DELETE"]
        assert sessions == ["session-1"], sessions
        client.ping().must_be("MCP_CLOSED")


run()
