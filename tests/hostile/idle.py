"""The descriptors of idle clients: hundreds of them must fit into the usual limit of 1024."""

import os

from harness import LEGACY, STREAM, Client, Server, case, discovered, http, legacy, poll, result, run
from newer import elicits


def events():
    """How many eventfds this process has: those of the clients. The server has none."""
    links = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        except FileNotFoundError:  # the descriptor of the listing
            pass
    return links.count("anon_inode:[eventfd]")


def must_have(count):
    # The reader threads of the last case, or of a refused stream, may not have ended.
    poll(lambda: events() == count, f"a number of events other than {count}")


def legacy_server(stream):
    """A legacy server that handles a GET with `stream(request)`."""
    return Server(lambda _server, request: stream(request) if request.rpc == "GET" else legacy(request))


@case
def a_client_has_no_event_for_a_server_stream_that_the_server_does_not_offer():
    with legacy_server(lambda _request: http(405, kind=None)) as server, Client(server.url, pin=LEGACY) as client:
        elicits(client, {})
        client.ping().must_be("MCP_OK")
        server.must_see("GET")
        must_have(1)  # set when the client is closed


@case
def an_open_server_stream_has_one_event():
    def stream(request):
        request.send(STREAM + b": open\n\n")
        request.hold()

    with legacy_server(stream) as server, Client(server.url, pin=LEGACY) as client:
        elicits(client, {})
        client.ping().must_be("MCP_OK")
        server.must_see("GET")
        must_have(2)
        client.close().must_be("MCP_OK")
        must_have(1)


@case
def a_client_of_a_modern_server_has_one_event():
    def handler(_server, request):
        return discovered(request) if request.rpc == "server/discover" else result(request, {"resultType": "complete"})

    with Server(handler) as server, Client(server.url) as client:
        client.ping().must_be("MCP_OK")
        must_have(1)


@case
def a_closed_client_has_no_event():
    must_have(0)


run()
