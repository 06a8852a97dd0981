"""Servers whose protocol era (legacy or modern) is hard to detect, or changes."""

from harness import Client, Server, case, discovered, error, http, legacy, refuse_legacy, result, run


@case
def a_slow_modern_server_is_detected_by_its_answer_to_initialize():
    # The probe may take a third of the timeout, 800 ms. The error for `initialize` shows that the server is modern.
    def handler(server, request):
        if request.rpc == "initialize":
            return refuse_legacy(request)
        server.wait_for(lambda: False, 0.9)
        return discovered(request)

    with Server(handler) as server, Client(server.url) as client:
        client.ping(timeout=2400).must_be("MCP_OK").must_end(2400)
        assert server.saw() == ["server/discover", "initialize", "server/discover"], server.saw()


@case
def a_modern_server_that_is_starting_is_probed_again():
    # The first probe gets no response, because the server is still starting.
    def handler(server, request):
        if request.rpc == "initialize":
            return refuse_legacy(request)
        if server.saw().count("server/discover") == 1:
            return request.hold()
        return discovered(request)

    with Server(handler) as server, Client(server.url) as client:
        client.ping(timeout=900).must_be("MCP_OK").must_end(900)


@case
def a_change_from_legacy_to_modern_is_detected():
    upgraded = False

    def handler(_server, request):
        if not upgraded:
            return legacy(request)
        if request.session:
            return http(404, kind=None)
        match request.rpc:
            case "server/discover":
                return discovered(request)
            case "initialize":
                return refuse_legacy(request)
            case _:
                return error(request, -32601, "method not found", status=404)

    with Server(handler) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        upgraded = True
        before = len(server.requests)
        client.ping().must_be("MCP_OK")
        client.ping().must_be("MCP_OK")
        saw = server.saw()[before:]
        print(f"    {saw}")
        assert saw.count("ping") == 1, f"the modern version has no ping: {saw}"
        assert saw[-1] == "server/discover", saw


@case
def a_change_from_modern_to_legacy_is_detected():
    # The server still answers `server/discover`, but without a modern version. For the first ping this is enough: any
    # answer shows that the server is alive.
    for later in ({"supportedVersions": ["2025-11-25"]}, {}):
        downgraded = False

        def handler(_server, request, later=later):
            if not downgraded:
                return discovered(request)
            return result(request, later) if request.rpc == "server/discover" else legacy(request)

        with Server(handler) as server, Client(server.url) as client:
            for _ in range(2):
                client.ping().must_be("MCP_OK")
            downgraded = True
            before = len(server.requests)
            for _ in range(3):
                client.ping().must_be("MCP_OK")
            saw = server.saw()[before:]
            print(f"    {saw}")
            assert saw[0] == "server/discover" and saw[-1] == "ping" and saw.count("initialize") == 1, saw


@case
def a_long_error_for_the_probe_still_shows_a_modern_server():
    def handler(_server, request):
        if request.rpc == "server/discover":
            return error(request, -32021, "capabilities", {"pad": "x" * 70_000}, status=400)
        return error(request, -32601, status=404)

    with Server(handler) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        assert "initialize" not in server.saw(), server.saw()


run()
