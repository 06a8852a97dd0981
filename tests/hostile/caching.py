"""Results that are kept: only where the program wants it, as long as the server allows it, and for nobody but whom they were for."""

import threading

from auth_scheme import authorised
from harness import PATIENCE, STREAM, Client, Server, call, case, discovered, error, event, http, lib, result, run
from newer import PROMPTS, RESOURCES, TOOLS, Listener, acknowledged, elicits, fetched, listed, notice

FRESH = {"ttlMs": 60_000, "cacheScope": "public"}
PRIVATE = {"ttlMs": 60_000, "cacheScope": "private"}
LISTS = {"tools/list": "tools", "prompts/list": "prompts", "resources/list": "resources", "resources/templates/list": "resourceTemplates"}
WHO = {"method": "elicitation/create", "params": {"mode": "form", "message": "Who?", "requestedSchema": {"type": "object", "properties": {}}}}


class Keeping(Server):
    """A modern server whose results carry what `said` says; the name of a tool tells the credentials that it is for."""

    def __init__(self, said=None, **others):
        self.said, self.others = FRESH if said is None else said, others
        super().__init__(lambda _server, request: self.reply(request))

    def reply(self, request):
        given = self.others.get(request.rpc.replace("/", "_"))
        if given:
            return given(request)
        if request.rpc in LISTS:
            tool = {"name": request.authorization or request.headers.get("x-api-key") or "anybody", "inputSchema": {"type": "object"}}
            return result(request, {"resultType": "complete", LISTS[request.rpc]: [tool]} | self.said)
        if request.rpc == "resources/read":
            contents = [{"uri": request.message["params"]["uri"], "text": "x"}]
            return result(request, {"resultType": "complete", "contents": contents} | self.said)
        return discovered(request) if request.rpc == "server/discover" else http(202, kind=None)

    def asked(self, rpc="tools/list"):
        return self.saw().count(rpc)


class Cached(Client):
    """A client that keeps results."""

    def __init__(self, url, **settings):
        super().__init__(url, **settings)
        self.keep(True)

    def keep(self, wanted):
        call(lib.mcp_set_cache, self.client, wanted).must_be("MCP_OK")

    def whose(self, **limits):
        """Lists the tools: for whom they are."""
        return listed(self, **limits).must_be("MCP_OK").value["tools"][0]["name"]


def read(client, uri):
    return fetched(lib.mcp_read_resource, client, uri.encode())


# --- Whether, and how long --------------------------------------------------------------------------------------------


@case
def nothing_is_kept_unasked():
    with Keeping() as server, Client(server.url) as client:
        for _ in range(2):
            listed(client).must_be("MCP_OK")
        assert server.asked() == 2
        call(lib.mcp_set_cache, client.client, True)
        listed(client).must_be("MCP_OK")  # nor was it kept before
        listed(client).must_be("MCP_OK")
        assert server.asked() == 3
        call(lib.mcp_set_cache, client.client, False)
        listed(client).must_be("MCP_OK")
        call(lib.mcp_set_cache, client.client, True)
        listed(client).must_be("MCP_OK")
        assert server.asked() == 5, "what was kept before is still there"


@case
def everything_that_can_be_kept():
    lists = {
        "tools/list": lib.mcp_list_tools, "prompts/list": lib.mcp_list_prompts, "resources/list": lib.mcp_list_resources,
        "resources/templates/list": lib.mcp_list_resource_templates,
    }  # fmt: skip
    with Keeping() as server, Cached(server.url) as client:
        for rpc, function in lists.items():
            first, second = fetched(function, client), fetched(function, client)
            assert first.value == second.value and server.asked(rpc) == 1, rpc
        assert read(client, "x://1").value == read(client, "x://1").value
        read(client, "x://2").must_be("MCP_OK")
        assert server.asked("resources/read") == 2
        for _ in range(2):
            client.ping().must_be("MCP_OK")
        assert server.asked("server/discover") == 3, server.saw()  # a ping is never answered from memory


@case
def for_how_long():
    with Keeping({"ttlMs": 150, "cacheScope": "public"}) as server, Cached(server.url) as client:
        listed(client)
        listed(client)
        assert server.asked() == 1
        threading.Event().wait(0.2)
        listed(client)
        assert server.asked() == 2
    for ttl in (0, -1, "60000", None, 0.5, [], True, 1e300):
        with Keeping({"ttlMs": ttl, "cacheScope": "public"}) as server, Cached(server.url) as client:
            for _ in range(2):
                listed(client).must_be("MCP_OK")
            assert server.asked() == 2, ttl
    for said in ({}, {"cacheScope": "public"}):
        with Keeping(said) as server, Cached(server.url) as client:
            for _ in range(2):
                listed(client).must_be("MCP_OK")
            assert server.asked() == 2, said
    # For ever, by all clocks.
    for ttl in (2**53, 2**63, 2**64 - 1):
        with Keeping({"ttlMs": ttl, "cacheScope": "public"}) as server, Cached(server.url) as client:
            for _ in range(2):
                listed(client).must_be("MCP_OK")


@case
def failures_are_not_kept():
    replies = [lambda request: error(request, -32603, "not now"), lambda request: http(503, kind=None)]
    with Keeping() as server, Cached(server.url) as client:
        server.others["tools_list"] = lambda request: replies.pop(0)(request)
        listed(client).must_be("MCP_RPC_ERROR")
        listed(client).must_be("MCP_UNAVAILABLE")
        server.others.clear()
        listed(client).must_be("MCP_OK")
        assert server.asked() == 3


@case
def memory_does_not_outlive_the_client():
    with Keeping() as server, Cached(server.url) as client:
        listed(client).must_be("MCP_OK")
        client.close()
        listed(client).must_be("MCP_CLOSED")


@case
def each_page_is_its_own():
    def page(request):
        cursor = request.message["params"].get("cursor")
        more = {None: {"nextCursor": ""}, "": {"nextCursor": "x"}, "x": {}}[cursor]
        tools = [{"name": str(cursor), "inputSchema": {"type": "object"}}]
        return result(request, {"resultType": "complete", "tools": tools} | FRESH | more)

    with Keeping(tools_list=page) as server, Cached(server.url) as client:
        for _ in range(2):
            assert [tool["name"] for tool in listed(client).value["tools"]] == ["None", "", "x"]
        assert fetched(lib.mcp_list_tools_page, client, b"").value["tools"][0]["name"] == ""
        assert server.asked() == 3, server.asked()


# --- For whom ---------------------------------------------------------------------------------------------------------


@case
def private_results_stay_with_their_credentials():
    for said in (PRIVATE, {"ttlMs": 60_000}, {"ttlMs": 60_000, "cacheScope": "Public"}, {"ttlMs": 60_000, "cacheScope": 5}):
        with Keeping(said) as server, Cached(server.url, bearer="alice") as client:
            assert client.whose() == client.whose() == "Bearer alice" and server.asked() == 1
            client.set_bearer("bob")
            assert client.whose() == client.whose() == "Bearer bob" and server.asked() == 2
            client.set_bearer("alice")
            assert client.whose() == "Bearer alice"
            call(lib.mcp_set_bearer, client.client, None)
            assert client.whose() == "anybody"
            client.set_header("X-API-Key", "carol")
            assert client.whose() == client.whose() == "carol", said
            client.set_header("X-API-Key", "dave")
            assert client.whose() == "dave", said


@case
def public_results_are_for_all():
    with Keeping() as server, Cached(server.url, bearer="alice") as client:
        client.whose()
        client.set_bearer("bob")
        assert client.whose() == "Bearer alice" and server.asked() == 1


@case
def a_private_page_makes_the_list_private():
    with Keeping() as server, Cached(server.url, bearer="alice") as client:
        read(client, "x://1")
        server.said = PRIVATE
        client.whose()
        client.set_bearer("bob")
        assert client.whose() == "Bearer bob"
        read(client, "x://1").must_be("MCP_OK")
        assert server.asked("resources/read") == 1


@case
def private_results_and_an_auth_callback():
    token = ["alice"]
    with Keeping(PRIVATE) as server, authorised(server.url, lambda asked: asked.bearer(token[0])) as (client, _):
        call(lib.mcp_set_cache, client.client, True)

        def whose(name):
            token[0] = name
            client.ping().must_be("MCP_OK")  # from here on it is this one who asks
            return listed(client).value["tools"][0]["name"]

        client.ping().must_be("MCP_OK")
        token[0] = "bob"
        listed(client)  # asked for with bob's, while alice's are the last ones known
        assert [whose(name) for name in ("alice", "bob", "alice")] == ["Bearer alice", "Bearer bob", "Bearer alice"]


@case
def nothing_private_is_kept_where_a_callback_gives_the_token():
    """What it would give this time is not known before it is asked."""
    with Keeping(PRIVATE) as server, authorised(server.url, lambda asked: asked.bearer("alice")) as (client, _):
        call(lib.mcp_set_cache, client.client, True)
        for _ in range(4):
            listed(client).must_be("MCP_OK")
        assert server.asked() == 4, f"{server.asked()} of 4 lists were asked for"


@case
def the_same_token_set_again_finds_what_is_kept():
    with Keeping(PRIVATE) as server, Cached(server.url, bearer="alice") as client:
        client.whose()
        client.set_bearer("bob")
        client.set_bearer("alice")
        assert client.whose() == "Bearer alice" and server.asked() == 1


@case
def a_call_with_headers_of_its_own():
    with Keeping(PRIVATE) as server, Cached(server.url, bearer="alice") as client:
        client.whose()
        assert client.whose(headers={"X-API-Key": "bob"}) and server.asked() == 2, "it was answered from memory"
        server.said = FRESH
        client.whose(headers={"X-API-Key": "bob"})
        assert client.whose() == "Bearer alice" and server.asked() == 3


@case
def what_came_of_inputs_is_not_kept():
    def rounds(request):
        if "inputResponses" in request.message["params"]:
            return result(request, {"resultType": "complete", "contents": []} | FRESH)
        return result(request, {"resultType": "input_required", "inputRequests": {"k": WHO}} | FRESH)

    with Keeping(resources_read=rounds) as server, Cached(server.url) as client:
        asked = elicits(client, {"name": "Ada"})
        for count in (1, 2):
            read(client, "x://1").must_be("MCP_OK")
            assert len(asked) == count and server.asked("resources/read") == 2 * count


# --- Until it changes -------------------------------------------------------------------------------------------------


class Changing(Keeping):
    """Tells of a change when `tell` is called."""

    def __init__(self, **others):
        self.subscription = threading.Event()
        super().__init__(subscriptions_listen=self.subscribe, **others)

    def subscribe(self, request):
        request.send(STREAM + acknowledged(request))
        self.stream = request
        self.subscription.set()
        request.hold()

    def tell(self, method, **params):
        assert self.subscription.wait(PATIENCE)
        self.stream.send(event(notice(method, **params)))


@case
def a_change_makes_stale_what_it_concerns():
    functions = {
        "tools/list": lib.mcp_list_tools, "prompts/list": lib.mcp_list_prompts, "resources/list": lib.mcp_list_resources,
        "resources/templates/list": lib.mcp_list_resource_templates,
    }  # fmt: skip
    stale = {
        "tools/list_changed": ["tools/list"], "prompts/list_changed": ["prompts/list"],
        "resources/list_changed": ["resources/list", "resources/templates/list"], "resources/updated": ["resources/read"],
    }  # fmt: skip
    with Changing() as server, Cached(server.url) as client:
        listener = Listener(client, TOOLS | PROMPTS | RESOURCES, ["x://1"])
        told = []
        for method, concerned in stale.items():
            told.append(method)
            seen = len(server.requests)
            server.tell(method, **({"uri": "x://1"} if method == "resources/updated" else {}))
            listener.must_hear(*told)
            for _ in range(2):
                for function in functions.values():
                    fetched(function, client).must_be("MCP_OK")
                read(client, "x://1").must_be("MCP_OK")
            asked = [rpc for rpc in server.saw()[seen:] if rpc != "subscriptions/listen"]
            assert asked == concerned or len(told) == 1, (method, asked)
        client.close()
        listener.result().must_be("MCP_CLOSED")


@case
def what_was_asked_for_before_the_change_is_not_kept_after_it():
    heard = threading.Event()

    def slow(request):
        server.others.pop("tools_list")
        server.tell("tools/list_changed")
        assert heard.wait(PATIENCE)
        return server.reply(request)

    with Changing(tools_list=slow) as server, Cached(server.url) as client:
        listener = Listener(client)
        listing = client.begin(lambda: listed(client))
        listener.must_hear("tools/list_changed")
        heard.set()
        listing.result().must_be("MCP_OK")
        listed(client).must_be("MCP_OK")
        assert server.asked() == 2, "the list of before the change is kept"
        client.close()
        listener.result().must_be("MCP_CLOSED")


run()
