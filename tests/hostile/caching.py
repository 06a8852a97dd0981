"""The result cache: off by default, and limited by the server's `ttlMs`. Private results are returned only to the
credentials that fetched them."""

import threading

from auth_scheme import authorized
from harness import PATIENCE, STREAM, Client, Server, call, case, discovered, error, event, http, lib, result, run
from newer import PROMPTS, RESOURCES, TOOLS, Listener, acknowledged, elicits, fetched, listed, notice

FRESH = {"ttlMs": 60_000, "cacheScope": "public"}
PRIVATE = {"ttlMs": 60_000, "cacheScope": "private"}
LISTS = {
    "tools/list": "tools", "prompts/list": "prompts", "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}  # fmt: skip
SCHEMA = {"type": "object", "properties": {}}
ELICITATION = {
    "method": "elicitation/create",
    "params": {"mode": "form", "message": "Who?", "requestedSchema": SCHEMA},
}


class CacheableServer(Server):
    """A modern server whose results have the members `cache_hints`. Its tool is named after the credentials of the
    request. `overrides` answer single methods."""

    def __init__(self, cache_hints=None, **overrides):
        self.cache_hints, self.overrides = FRESH if cache_hints is None else cache_hints, overrides
        super().__init__(lambda _server, request: self.reply(request))

    def reply(self, request):
        override = self.overrides.get(request.rpc.replace("/", "_"))
        if override:
            return override(request)
        if request.rpc in LISTS:
            owner = request.authorization or request.headers.get("x-api-key") or "anonymous"
            tool = {"name": owner, "inputSchema": {"type": "object"}}
            return result(request, {"resultType": "complete", LISTS[request.rpc]: [tool]} | self.cache_hints)
        if request.rpc == "resources/read":
            contents = [{"uri": request.message["params"]["uri"], "text": "x"}]
            return result(request, {"resultType": "complete", "contents": contents} | self.cache_hints)
        return discovered(request) if request.rpc == "server/discover" else http(202, kind=None)

    def count(self, rpc="tools/list"):
        return self.saw().count(rpc)


class CachingClient(Client):
    """A client whose result cache is enabled."""

    def __init__(self, url, **settings):
        super().__init__(url, **settings)
        call(lib.mcp_set_cache, self.client, True).must_be("MCP_OK")

    def owner(self, **limits):
        """Lists the tools and returns the credentials that the list is for."""
        return listed(self, **limits).must_be("MCP_OK").value["tools"][0]["name"]


def read(client, uri):
    return fetched(lib.mcp_read_resource, client, uri.encode())


# --- What is cached, and how long -------------------------------------------------------------------------------------


@case
def results_are_not_cached_by_default():
    with CacheableServer() as server, Client(server.url) as client:
        for _ in range(2):
            listed(client).must_be("MCP_OK")
        assert server.count() == 2
        call(lib.mcp_set_cache, client.client, True)
        listed(client).must_be("MCP_OK")  # the earlier results were not cached
        listed(client).must_be("MCP_OK")
        assert server.count() == 3
        call(lib.mcp_set_cache, client.client, False)
        listed(client).must_be("MCP_OK")
        call(lib.mcp_set_cache, client.client, True)
        listed(client).must_be("MCP_OK")
        assert server.count() == 5, "disabling the cache did not empty it"


@case
def lists_and_reads_are_cached_but_pings_are_not():
    lists = {
        "tools/list": lib.mcp_list_tools, "prompts/list": lib.mcp_list_prompts,
        "resources/list": lib.mcp_list_resources, "resources/templates/list": lib.mcp_list_resource_templates,
    }  # fmt: skip
    with CacheableServer() as server, CachingClient(server.url) as client:
        for rpc, function in lists.items():
            first, second = fetched(function, client), fetched(function, client)
            assert first.value == second.value and server.count(rpc) == 1, rpc
        assert read(client, "x://1").value == read(client, "x://1").value
        read(client, "x://2").must_be("MCP_OK")
        assert server.count("resources/read") == 2
        for _ in range(2):
            client.ping().must_be("MCP_OK")
        assert server.count("server/discover") == 3, server.saw()  # one to connect, one for each ping


@case
def results_are_cached_for_their_ttl():
    with CacheableServer({"ttlMs": 150, "cacheScope": "public"}) as server, CachingClient(server.url) as client:
        listed(client)
        listed(client)
        assert server.count() == 1
        threading.Event().wait(0.2)
        listed(client)
        assert server.count() == 2
    for ttl in (0, -1, "60000", None, 0.5, [], True, 1e300):
        with CacheableServer({"ttlMs": ttl, "cacheScope": "public"}) as server, CachingClient(server.url) as client:
            for _ in range(2):
                listed(client).must_be("MCP_OK")
            assert server.count() == 2, ttl
    for cache_hints in ({}, {"cacheScope": "public"}):
        with CacheableServer(cache_hints) as server, CachingClient(server.url) as client:
            for _ in range(2):
                listed(client).must_be("MCP_OK")
            assert server.count() == 2, cache_hints
    # Extremely long times do not overflow.
    for ttl in (2**53, 2**63, 2**64 - 1):
        with CacheableServer({"ttlMs": ttl, "cacheScope": "public"}) as server, CachingClient(server.url) as client:
            for _ in range(2):
                listed(client).must_be("MCP_OK")


@case
def errors_are_not_cached():
    replies = [lambda request: error(request, -32603, "not now"), lambda request: http(503, kind=None)]
    with CacheableServer() as server, CachingClient(server.url) as client:
        server.overrides["tools_list"] = lambda request: replies.pop(0)(request)
        listed(client).must_be("MCP_RPC_ERROR")
        listed(client).must_be("MCP_UNAVAILABLE")
        server.overrides.clear()
        listed(client).must_be("MCP_OK")
        assert server.count() == 3


@case
def a_closed_client_returns_no_cached_result():
    with CacheableServer() as server, CachingClient(server.url) as client:
        listed(client).must_be("MCP_OK")
        client.close()
        listed(client).must_be("MCP_CLOSED")


@case
def pages_are_cached_separately():
    def page(request):
        cursor = request.message["params"].get("cursor")
        more = {None: {"nextCursor": ""}, "": {"nextCursor": "x"}, "x": {}}[cursor]
        tools = [{"name": str(cursor), "inputSchema": {"type": "object"}}]
        return result(request, {"resultType": "complete", "tools": tools} | FRESH | more)

    with CacheableServer(tools_list=page) as server, CachingClient(server.url) as client:
        for _ in range(2):
            assert [tool["name"] for tool in listed(client).value["tools"]] == ["None", "", "x"]
        assert fetched(lib.mcp_list_tools_page, client, b"").value["tools"][0]["name"] == ""
        assert server.count() == 3, server.count()


# --- Private and public results ---------------------------------------------------------------------------------------


@case
def private_results_are_cached_per_credentials():
    # An unknown or missing scope counts as private.
    scopes = ({"cacheScope": "private"}, {}, {"cacheScope": "Public"}, {"cacheScope": 5})
    for cache_hints in ({"ttlMs": 60_000} | scope for scope in scopes):
        with CacheableServer(cache_hints) as server, CachingClient(server.url, bearer="alice") as client:
            assert client.owner() == client.owner() == "Bearer alice" and server.count() == 1
            client.set_bearer("bob")
            assert client.owner() == client.owner() == "Bearer bob" and server.count() == 2
            client.set_bearer("alice")
            assert client.owner() == "Bearer alice"
            call(lib.mcp_set_bearer, client.client, None)
            assert client.owner() == "anonymous"
            client.set_header("X-API-Key", "carol")
            assert client.owner() == client.owner() == "carol", cache_hints
            client.set_header("X-API-Key", "dave")
            assert client.owner() == "dave", cache_hints


@case
def public_results_are_shared_by_all_credentials():
    with CacheableServer() as server, CachingClient(server.url, bearer="alice") as client:
        client.owner()
        client.set_bearer("bob")
        assert client.owner() == "Bearer alice" and server.count() == 1


@case
def a_private_result_leaves_public_results_shared():
    with CacheableServer() as server, CachingClient(server.url, bearer="alice") as client:
        read(client, "x://1")
        server.cache_hints = PRIVATE
        client.owner()
        client.set_bearer("bob")
        assert client.owner() == "Bearer bob"
        read(client, "x://1").must_be("MCP_OK")
        assert server.count("resources/read") == 1


@case
def private_results_are_not_mixed_up_with_an_auth_callback():
    token = ["alice"]

    def respond(asked):
        asked.bearer(token[0])

    with CacheableServer(PRIVATE) as server, authorized(server.url, respond) as (client, _):
        call(lib.mcp_set_cache, client.client, True)

        def owner(name):
            token[0] = name
            client.ping().must_be("MCP_OK")  # now the client knows these credentials
            return listed(client).value["tools"][0]["name"]

        client.ping().must_be("MCP_OK")
        token[0] = "bob"
        listed(client)  # sent with bob's token, while alice's is the last one that the client knows
        assert [owner(name) for name in ("alice", "bob", "alice")] == ["Bearer alice", "Bearer bob", "Bearer alice"]


@case
def private_results_are_not_cached_with_an_auth_callback():
    """The client cannot know which credentials the callback would set this time."""
    with CacheableServer(PRIVATE) as server, authorized(server.url, lambda asked: asked.bearer("alice")) as (client, _):
        call(lib.mcp_set_cache, client.client, True)
        for _ in range(4):
            listed(client).must_be("MCP_OK")
        assert server.count() == 4, f"the server received {server.count()} of 4 requests"


@case
def a_token_that_is_set_again_finds_its_cached_results():
    with CacheableServer(PRIVATE) as server, CachingClient(server.url, bearer="alice") as client:
        client.owner()
        client.set_bearer("bob")
        client.set_bearer("alice")
        assert client.owner() == "Bearer alice" and server.count() == 1


@case
def a_call_with_its_own_headers_bypasses_the_cache():
    with CacheableServer(PRIVATE) as server, CachingClient(server.url, bearer="alice") as client:
        client.owner()
        assert client.owner(headers={"X-API-Key": "bob"}) and server.count() == 2, "the result came from the cache"
        server.cache_hints = FRESH
        client.owner(headers={"X-API-Key": "bob"})
        assert client.owner() == "Bearer alice" and server.count() == 3


@case
def results_that_needed_input_are_not_cached():
    def rounds(request):
        if "inputResponses" in request.message["params"]:
            return result(request, {"resultType": "complete", "contents": []} | FRESH)
        return result(request, {"resultType": "input_required", "inputRequests": {"k": ELICITATION}} | FRESH)

    with CacheableServer(resources_read=rounds) as server, CachingClient(server.url) as client:
        asked = elicits(client, {"name": "Ada"})
        for count in (1, 2):
            read(client, "x://1").must_be("MCP_OK")
            assert len(asked) == count and server.count("resources/read") == 2 * count


# --- Invalidation -----------------------------------------------------------------------------------------------------


class ChangingServer(CacheableServer):
    """Accepts a subscription. `notify` sends a notification to it."""

    def __init__(self, **overrides):
        self.subscription = threading.Event()
        super().__init__(subscriptions_listen=self.subscribe, **overrides)

    def subscribe(self, request):
        request.send(STREAM + acknowledged(request))
        self.stream = request
        self.subscription.set()
        request.hold()

    def notify(self, method, **params):
        assert self.subscription.wait(PATIENCE)
        self.stream.send(event(notice(method, **params)))


@case
def a_change_invalidates_the_results_it_concerns():
    functions = (lib.mcp_list_tools, lib.mcp_list_prompts, lib.mcp_list_resources, lib.mcp_list_resource_templates)
    stale = {
        "tools/list_changed": ["tools/list"], "prompts/list_changed": ["prompts/list"],
        "resources/list_changed": ["resources/list", "resources/templates/list"],
        "resources/updated": ["resources/read"],
    }  # fmt: skip
    with ChangingServer() as server, CachingClient(server.url) as client:
        listener = Listener(client, TOOLS | PROMPTS | RESOURCES, ["x://1"])
        notified = []
        for method, concerned in stale.items():
            notified.append(method)
            seen = len(server.requests)
            server.notify(method, **({"uri": "x://1"} if method == "resources/updated" else {}))
            listener.must_hear(*notified)
            for _ in range(2):
                for function in functions:
                    fetched(function, client).must_be("MCP_OK")
                read(client, "x://1").must_be("MCP_OK")
            requested = [rpc for rpc in server.saw()[seen:] if rpc != "subscriptions/listen"]
            # In the first round nothing is cached yet.
            assert requested == concerned or len(notified) == 1, (method, requested)
        client.close()
        listener.result().must_be("MCP_CLOSED")


@case
def a_result_requested_before_a_change_is_not_cached():
    heard = threading.Event()

    def slow(request):
        server.overrides.pop("tools_list")
        server.notify("tools/list_changed")
        assert heard.wait(PATIENCE)
        return server.reply(request)

    with ChangingServer(tools_list=slow) as server, CachingClient(server.url) as client:
        listener = Listener(client)
        listing = client.begin(lambda: listed(client))
        listener.must_hear("tools/list_changed")
        heard.set()
        listing.result().must_be("MCP_OK")
        listed(client).must_be("MCP_OK")
        assert server.count() == 2, "the list requested before the change was cached"
        client.close()
        listener.result().must_be("MCP_CLOSED")


run()
