"""Odd answers, and a request that no server would take."""

from harness import Client, Server, answer, case, events, legacy, result, run


@case
def an_answer_beside_a_request_of_the_server():
    # Both are in one piece, and the server never answers the reply to its own request.
    def handler(_server, request):
        if request.rpc == "ping":
            return events({"jsonrpc": "2.0", "id": "s1", "method": "ping"}, answer(request, {}))
        if request.rpc == "POST":
            return request.hold()
        return legacy(request)

    with Server(handler) as server, Client(server.url) as client:
        client.ping(timeout=3000).must_be("MCP_OK").must_end(500)


@case
def a_result_that_is_null():
    def handler(_server, request):
        return result(request, None) if request.rpc == "ping" else legacy(request)

    with Server(handler) as server, Client(server.url) as client:
        outcome = client.ping().must_be("MCP_INVALID_MESSAGE")
        print(f"    {outcome.message}")
        assert "null" in outcome.message or "object" in outcome.message, outcome.message


@case
def a_header_that_is_far_too_long():
    with Server(lambda _server, request: legacy(request)) as server, Client(server.url) as client:
        client.set_header("X-Big", "a" * 200_000).must_be("MCP_INVALID_ARGUMENT")
        client.ping().must_be("MCP_OK")
        assert all("x-big" not in request.headers for request in server.requests)


run()
