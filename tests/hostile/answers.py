"""Unusual responses, and a request header that no server accepts."""

from harness import Client, Server, answer, case, events, legacy, result, run


@case
def a_call_does_not_wait_for_its_reply_to_a_server_request():
    # A ping of the server and the response come together. The server never answers the POST with the client's reply.
    def handler(_server, request):
        if request.rpc == "ping":
            return events({"jsonrpc": "2.0", "id": "s1", "method": "ping"}, answer(request, {}))
        if request.rpc == "POST":
            return request.hold()
        return legacy(request)

    with Server(handler) as server, Client(server.url) as client:
        client.ping(timeout=3000).must_be("MCP_OK").must_end(500)


@case
def a_null_result_is_rejected():
    def handler(_server, request):
        return result(request, None) if request.rpc == "ping" else legacy(request)

    with Server(handler) as server, Client(server.url) as client:
        outcome = client.ping().must_be("MCP_INVALID_MESSAGE")
        print(f"    {outcome.message}")
        assert "null" in outcome.message or "object" in outcome.message, outcome.message


@case
def a_header_that_is_too_long_is_rejected():
    with Server(lambda _server, request: legacy(request)) as server, Client(server.url) as client:
        client.set_header("X-Big", "a" * 200_000).must_be("MCP_INVALID_ARGUMENT")
        client.ping().must_be("MCP_OK")
        assert all("x-big" not in request.headers for request in server.requests)


run()
