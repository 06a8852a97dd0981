"""The connect timeout, pings of a listener, and the idle timeout of calls whose progress arrives on another stream."""

import contextlib
import json
import socket
import threading
import time
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_int, c_int32, c_size_t, c_uint64, c_void_p

from harness import (
    ERROR, LEGACY, MODERN, PATIENCE, STREAM, Cancel, Client, Server, answer, call, case, declare, discovered, event,
    http, initialized, legacy, lib, options, poll, result, run, wait_until_waiting,
)  # fmt: skip
from newer import CHANGE, Listener, Made, acknowledged, call_tool, elicits, listed, notice, process

DONE = CFUNCTYPE(None, c_void_p, c_int32, c_void_p, c_void_p)
declare(c_int, mcp_set_connect_timeout=[c_void_p, c_uint64, ERROR], mcp_set_keep_alive=[c_void_p, c_uint64, ERROR])
declare(c_void_p, mcp_client_new_fds=[c_int, c_int, c_char_p, ERROR], mcp_queue_new=[ERROR])
declare(c_int, mcp_options_set_queue=[c_void_p, c_void_p, DONE, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_queue_dispatch=[c_void_p, c_uint64, ERROR])
declare(c_size_t, mcp_queue_pending=[c_void_p])
declare(None, mcp_queue_free=[c_void_p])
AUTH = CFUNCTYPE(None, c_void_p, c_void_p)
INPUT = CFUNCTYPE(None, c_void_p, c_void_p)
declare(c_int, mcp_set_auth=[c_void_p, AUTH, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_auth_request_set_bearer=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_options_set_call_data=[c_void_p, c_void_p, c_void_p, ERROR])
declare(c_void_p, mcp_auth_request_call_data=[c_void_p])
declare(c_int, mcp_diagnose=[c_void_p, c_void_p, POINTER(c_void_p), ERROR])
declare(None, mcp_json_free=[c_void_p])
declare(c_int, mcp_set_roots=[c_void_p, INPUT, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_set_sampling=[c_void_p, INPUT, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_notify_roots_changed=[c_void_p, c_void_p, ERROR])

MCP_TIMEOUT = 6
CHANGED = "tools/list_changed"


def set_connect_timeout(client, milliseconds):
    call(lib.mcp_set_connect_timeout, client.client, milliseconds).must_be("MCP_OK")


def set_keep_alive(client, milliseconds):
    call(lib.mcp_set_keep_alive, client.client, milliseconds).must_be("MCP_OK")


# --- Connecting -------------------------------------------------------------------------------------------------------


@case
def a_slow_start_counts_toward_the_connect_timeout_only():
    for pin, slow in [(MODERN, "server/discover"), (LEGACY, "initialize")]:
        released = threading.Event()

        def handler(_server, request, slow=slow, released=released):
            if request.rpc == slow:
                assert released.wait(PATIENCE)
            if request.rpc == "tools/list":
                return request.hold()
            return discovered(request) if request.rpc == "server/discover" else legacy(request)

        with Server(handler) as server, Client(server.url, pin=pin) as client:
            set_connect_timeout(client, 60_000)
            pings = [client.begin_ping(timeout=200) for _ in range(3)]
            server.must_see(slow)
            pings[0].thread.join(0.5)
            assert all(ping.thread.is_alive() for ping in pings), "a call ended while it was connecting"
            released.set()
            for ping in pings:
                ping.result().must_be("MCP_OK")
            # After connecting, the timeout of the call is in force again.
            stuck = listed(client, timeout=200).must_be("MCP_TIMEOUT").must_end(200, after=199)
            assert "the timeout of 200 ms passed" in stuck.message, stuck


@case
def a_slow_process_counts_toward_the_connect_timeout_only():
    with process("first = ask(); time.sleep(0.6); begin(first); serve()") as client:
        set_connect_timeout(client, 60_000)
        client.ping(timeout=200, idle=100).must_be("MCP_OK")


@case
def the_timeout_of_the_call_begins_with_its_own_request():
    released = threading.Event()

    def handler(_server, request):
        if request.rpc == "tools/list":
            return request.hold()
        assert released.wait(PATIENCE)
        return discovered(request)

    with Server(handler) as server, Client(server.url, pin=MODERN) as client:
        set_connect_timeout(client, 60_000)
        stuck = client.begin(lambda: listed(client, timeout=300))
        server.must_see("server/discover")
        stuck.thread.join(0.4)
        released.set()
        server.must_see("tools/list")
        stuck.result().must_be("MCP_TIMEOUT")
        assert stuck.outcome.ms >= 700, f"ended after {stuck.outcome.ms} ms"


@case
def the_connect_timeout_ends_all_calls_that_wait():
    with Server(lambda _server, request: request.hold()) as server, Client(server.url) as client:
        set_connect_timeout(client, 2000)
        first = client.begin_ping(timeout=0)
        server.must_see("server/discover")
        second = client.begin_ping(timeout=100)
        wait_until_waiting(2)
        for ping in (first, second):
            outcome = ping.result().must_be("MCP_TIMEOUT")
            assert "the connect timeout of 2000 ms passed" in outcome.message, outcome
            assert "mcp_set_connect_timeout" in outcome.message, outcome
        first.outcome.must_end(2000, after=1999)
        assert server.saw().count("server/discover") == 1, server.saw()
        # The next call connects again, with the limit of that time.
        set_connect_timeout(client, 0)
        outcome = client.ping(timeout=100).must_be("MCP_TIMEOUT").must_end(100)
        assert "connect timeout" not in outcome.message, outcome


@case
def a_call_that_connects_can_be_cancelled():
    with Server(lambda _server, request: request.hold()) as server, Client(server.url) as client:
        set_connect_timeout(client, 60_000)
        with Cancel() as cancel:
            pings = [client.begin_ping(cancel=cancel) for _ in range(2)]
            server.must_see("server/discover")
            wait_until_waiting(2)
            cancel.trigger()
            for ping in pings:
                ping.result().must_be("MCP_CANCELLED")


@case
def a_lost_session_is_re_established_within_the_connect_timeout():
    sessions, lost, released = [], threading.Event(), threading.Event()

    def handler(_server, request):
        match request.rpc:
            case "initialize":
                if sessions:
                    assert released.wait(PATIENCE)
                sessions.append(f"session-{len(sessions)}")
                return initialized(request, sessions[-1])
            case "ping" if len(sessions) == 1 and lost.is_set():
                return http(404, kind=None)
            case _:
                return legacy(request)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        client.ping().must_be("MCP_OK")
        lost.set()
        set_connect_timeout(client, 60_000)
        ping = client.begin_ping(timeout=200)
        server.must_see("initialize", 2)
        ping.thread.join(0.4)
        released.set()
        ping.result().must_be("MCP_OK")


class Forgetful:
    """A server whose sessions have one page of the list of tools, and are lost then. Each takes 0.1 s to open."""

    def __init__(self):
        self.sessions, self.listed = [], set()

    def __call__(self, _server, request):
        if request.rpc == "initialize":
            time.sleep(0.1)  # the slowness is what is tested
            self.sessions.append(f"session-{len(self.sessions)}")
            return initialized(request, self.sessions[-1])
        if request.rpc != "tools/list":
            return legacy(request)
        if request.session in self.listed:
            return http(404, kind=None)
        self.listed.add(request.session)
        name = f"t{len(self.sessions)}"
        return result(request, {"tools": [{"name": name, "inputSchema": {}}], "nextCursor": name})


@case
def all_connections_of_a_call_have_one_connect_timeout():
    with Server(Forgetful()) as server, Client(server.url, pin=LEGACY) as client:
        set_connect_timeout(client, 1000)
        # The call has no timeout, and the server would go on forever.
        pages = client.begin(lambda: listed(client, timeout=0))
        outcome = pages.result().must_be("MCP_TIMEOUT").must_end(2500, after=999)
        assert "the connect timeout of 1000 ms passed" in outcome.message, outcome
        # The next call has the whole time.
        client.ping().must_be("MCP_OK")


@case
def a_listener_connects_again_with_the_whole_connect_timeout():
    sessions = []

    def handler(_server, request):
        match request.rpc:
            case "initialize":
                time.sleep(0.15)  # the slowness is what is tested
                sessions.append(f"session-{len(sessions)}")
                return initialized(request, sessions[-1])
            case "GET":
                request.send(STREAM + b": open\n\n")
                return request.hold()
            case "ping" if len(sessions) < 3:
                return http(404, kind=None)
            case _:
                return legacy(request)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        set_connect_timeout(client, 400)
        set_keep_alive(client, 60)
        listener = Listener(client, cancel=cancel)
        server.must_see("initialize", 3)
        server.must_see("ping", 4)
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


@case
def the_timeout_of_a_diagnosis_also_limits_connecting():
    def handler(_server, request):
        return request.hold() if request.rpc == "server/discover" else http(405, kind=None)

    def diagnosed(client):
        report = c_void_p()
        with options(timeout=500) as opts:
            outcome = call(lib.mcp_diagnose, client.client, opts, byref(report))
        lib.mcp_json_free(report)
        return outcome

    with Server(handler) as server, Client(server.url, pin=MODERN) as client:
        set_connect_timeout(client, 60_000)
        diagnosed(client).must_be("MCP_OK").must_end(500)
        # Another call connects meanwhile.
        with Cancel() as cancel:
            seen = server.saw().count("server/discover")
            ping = client.begin_ping(cancel=cancel)
            server.must_see("server/discover", seen + 1)
            diagnosed(client).must_be("MCP_OK").must_end(500)
            cancel.trigger()
            ping.result().must_be("MCP_CANCELLED")


@case
def a_notification_without_a_session_does_not_freeze_the_settings():
    handler = INPUT(lambda *_: None)
    with Client("http://127.0.0.1:1/mcp") as client:
        call(lib.mcp_set_roots, client.client, handler, None, None).must_be("MCP_OK")
        call(lib.mcp_notify_roots_changed, client.client, None).must_be("MCP_OK")
        call(lib.mcp_set_sampling, client.client, handler, None, None).must_be("MCP_OK")
        client.ping().must_be("MCP_CONNECT_FAILED")
        call(lib.mcp_notify_roots_changed, client.client, None).must_be("MCP_OK")
        call(lib.mcp_set_protocol_version, client.client, LEGACY.encode()).must_be("MCP_MISUSE")


# --- Keep-alive -------------------------------------------------------------------------------------------------------


class Pinged:
    """A server with one subscription, over Streamable HTTP. `respond(number)` says whether a ping is answered."""

    def __init__(self, pin, respond):
        self.pin, self.respond = pin, respond
        self.streams, self.pings, self.is_open = [], 0, threading.Event()

    def __call__(self, _server, request):
        is_ping = request.rpc == ("server/discover" if self.pin == MODERN else "ping")
        if request.rpc == "subscriptions/listen" or request.method == "GET":
            self.streams.append(request)
            is_modern = request.method == "POST"
            request.send(STREAM + (acknowledged(request) if is_modern else b": open\n\n"))
            self.is_open.set()
            return request.hold()
        if is_ping and self.is_open.is_set():
            self.pings += 1
            if not self.respond(self.pings):
                return request.hold()
        if request.rpc == "server/discover":
            return discovered(request)
        return legacy(request)

    def change(self):
        self.streams[-1].send(event(notice(CHANGED)))


@case
def pings_go_on_while_a_listener_waits():
    for pin in (MODERN, LEGACY):
        pinged = Pinged(pin, lambda _number: True)
        with Server(pinged) as server, Client(server.url, pin=pin) as client, Cancel() as cancel:
            set_keep_alive(client, 50)
            listener = Listener(client, cancel=cancel, timeout=100)
            poll(lambda pinged=pinged: pinged.pings >= 4, "fewer than 4 pings")
            pinged.change()
            listener.must_hear(CHANGED)
            cancel.trigger()
            listener.result().must_be("MCP_CANCELLED")


@case
def changes_are_received_while_a_ping_waits():
    for pin in (MODERN, LEGACY):
        pinged = Pinged(pin, lambda _number: False)
        with Server(pinged) as server, Client(server.url, pin=pin) as client, Cancel() as cancel:
            set_keep_alive(client, 4000)
            listener = Listener(client, cancel=cancel)
            poll(lambda pinged=pinged: pinged.pings == 1, "no ping")
            pinged.change()
            listener.must_hear(CHANGED)
            cancel.trigger()
            listener.result().must_be("MCP_CANCELLED")


def must_end_without_response(listener):
    outcome = listener.result().must_be("MCP_TIMEOUT")
    assert "did not respond to a keep-alive ping within 300 ms" in outcome.message, outcome
    assert "mcp_set_keep_alive" in outcome.message, outcome


@case
def a_ping_without_a_response_ends_the_listener():
    for pin in (MODERN, LEGACY):
        pinged = Pinged(pin, lambda number: number != 2)
        with Server(pinged) as server, Client(server.url, pin=pin) as client:
            set_keep_alive(client, 300)
            must_end_without_response(Listener(client))
            client.ping().must_be("MCP_OK")
            assert len(pinged.streams) == 1, "the listener has opened its stream again"


@case
def a_server_that_sends_without_pause_must_respond_to_pings():
    for pin in (MODERN, LEGACY):
        pinged = Pinged(pin, lambda _number: False)
        with Server(pinged) as server, Client(server.url, pin=pin) as client:
            set_keep_alive(client, 300)
            listener = Listener(client)
            assert pinged.is_open.wait(PATIENCE)
            end = time.monotonic() + PATIENCE
            while listener.thread.is_alive():
                assert time.monotonic() < end, "a server that does not respond to pings is never given up"
                with contextlib.suppress(OSError):
                    pinged.change()
                listener.thread.join(0.02)
            must_end_without_response(listener)
            # The one that has failed, and at most one for the time until the listener has noticed it.
            assert pinged.pings <= 2, pinged.pings


@case
def a_server_that_refuses_pings_is_alive():
    for status in (429, 503, 405):
        pinged = Pinged(LEGACY, lambda _number: True)

        def handler(server, request, pinged=pinged, status=status):
            if request.rpc == "ping" and pinged.is_open.is_set():
                pinged.pings += 1
                return http(status, kind=None)
            return pinged(server, request)

        with Server(handler) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
            set_keep_alive(client, 50)
            listener = Listener(client, cancel=cancel)
            poll(lambda pinged=pinged: pinged.pings >= 3, "fewer than 3 pings")
            pinged.change()
            listener.must_hear(CHANGED)
            assert len(pinged.streams) == 1, "the listener has opened its stream again"
            cancel.trigger()
            listener.result().must_be("MCP_CANCELLED")


@case
def the_auth_callback_of_pings_runs_where_the_queue_of_the_listener_is_dispatched():
    tokens, seen, ended = ["first"], [], []
    pinged = Pinged(MODERN, lambda _number: True)

    def handler(server, request):
        if pinged.pings >= 1 and len(tokens) == 1:
            tokens.append("second")
        if request.authorization != "Bearer " + tokens[-1]:
            return http(401, kind=None)
        return pinged(server, request)

    @AUTH
    def auth(_data, request):
        seen.append((threading.get_ident(), lib.mcp_auth_request_call_data(request)))
        call(lib.mcp_auth_request_set_bearer, request, tokens[-1].encode()).must_be("MCP_OK")

    done = DONE(lambda _data, status, *_: ended.append(status))
    change, queue = CHANGE(lambda *_: None), lib.mcp_queue_new(None)
    with Server(handler) as server, Client(server.url, pin=MODERN) as client, Cancel() as cancel:
        call(lib.mcp_set_auth, client.client, auth, None, None).must_be("MCP_OK")
        set_keep_alive(client, 100)
        with options(cancel=cancel) as opts:
            call(lib.mcp_options_set_call_data, opts, 7, None).must_be("MCP_OK")
            call(lib.mcp_options_set_queue, opts, queue, done, None, None).must_be("MCP_OK")
            call(lib.mcp_listen, client.client, 1, None, change, None, None, opts).must_be("MCP_PENDING")
        end = time.monotonic() + PATIENCE
        while pinged.pings < 4:
            assert time.monotonic() < end, pinged.pings
            call(lib.mcp_queue_dispatch, queue, 100).must_be("MCP_OK")
        cancel.trigger()
        while lib.mcp_queue_pending(queue):
            call(lib.mcp_queue_dispatch, queue, 100).must_be("MCP_OK")
    lib.mcp_queue_free(queue)
    assert len(ended) == 1, ended
    assert len(seen) >= 2 and set(seen) == {(threading.get_ident(), 7)}, seen


@case
def a_ping_of_a_process_without_a_response_ends_the_listener():
    modern = """
        begin(ask()); subscribed = ask()
        meta = {"io.modelcontextprotocol/subscriptionId": subscribed["id"]}
        granted = {"notifications": subscribed["params"]["notifications"], "_meta": meta}
        send({"method": "notifications/subscriptions/acknowledged", "params": granted})
        ignored = ask(); serve()
    """
    legacy_script = """
        first = ask()
        if first["method"] == "server/discover":
            send({"id": first["id"], "error": {"code": -32601, "message": "unknown"}}); first = ask()
        begin(first); ignored = ask()
        while True: reply(ask(), {})
    """
    for script, pin in [(modern, MODERN), (legacy_script, LEGACY)]:
        with process(script) as client:
            call(lib.mcp_set_protocol_version, client.client, pin.encode()).must_be("MCP_OK")
            set_keep_alive(client, 300)
            must_end_without_response(Listener(client))
            client.ping().must_be("MCP_OK")


@case
def a_queued_listener_ends_without_a_response_to_a_ping():
    pinged = Pinged(MODERN, lambda _number: False)
    ended = []
    done = DONE(lambda _data, status, _result, failure: ended.append((status, lib.mcp_error_message(failure).decode())))
    queue = lib.mcp_queue_new(None)
    with Server(pinged) as server, Client(server.url, pin=MODERN) as client:
        set_keep_alive(client, 300)
        change = CHANGE(lambda *_: None)
        with options() as opts:
            call(lib.mcp_options_set_queue, opts, queue, done, None, None).must_be("MCP_OK")
            call(lib.mcp_listen, client.client, 1, None, change, None, None, opts).must_be("MCP_PENDING")
        while lib.mcp_queue_pending(queue):
            call(lib.mcp_queue_dispatch, queue, 100).must_be("MCP_OK")
        assert len(ended) == 1 and ended[0][0] == MCP_TIMEOUT and "keep-alive ping within 300 ms" in ended[0][1], ended
        client.ping(timeout=100).must_be("MCP_TIMEOUT")
    lib.mcp_queue_free(queue)


@case
def a_ping_that_finds_the_session_lost_re_establishes_it():
    sessions = []

    def handler(_server, request):
        match request.rpc:
            case "initialize":
                sessions.append(f"session-{len(sessions)}")
                return initialized(request, sessions[-1])
            case "GET":
                request.send(STREAM + b": open\n\n")
                return request.hold()
            case "ping" if len(sessions) == 1:
                return http(404, kind=None)
            case _:
                return legacy(request)

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client, Cancel() as cancel:
        set_keep_alive(client, 100)
        listener = Listener(client, cancel=cancel)
        server.must_see("initialize", 2)
        server.must_see("GET", 2)
        server.must_see("ping", 2)
        cancel.trigger()
        listener.result().must_be("MCP_CANCELLED")


# --- Progress and the idle timeout ------------------------------------------------------------------------------------

# The idle timeout of a call, and the pause between two notifications, in seconds; there are STEPS of them.
IDLE, PAUSE, STEPS = 1500, 0.3, 8


def send_progress(send, token, pause=PAUSE):
    for step in range(STEPS):
        time.sleep(pause)
        send(notice("progress", progressToken=token, progress=step))


def token_of(message):
    return message["params"]["_meta"]["progressToken"]


def must_not_idle(client, heard):
    told = []
    outcome = call_tool(client, told=told, idle=IDLE).must_be("MCP_OK")
    assert outcome.ms >= STEPS * PAUSE * 1000 > IDLE, outcome
    assert len(told) == (STEPS if heard else 0), told


@case
def progress_on_the_stream_of_the_call_restarts_the_idle_time():
    def handler(_server, request):
        if request.rpc != "tools/call":
            return legacy(request)
        request.send(STREAM)
        send_progress(lambda message: request.send(event(message)), token_of(request.message))
        request.send(event(answer(request, {"content": []})))
        return None

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        must_not_idle(client, heard=True)


@case
def progress_on_the_server_stream_restarts_the_idle_time_of_its_call():
    for is_stream in (True, False):
        streams = []

        def handler(_server, request, streams=streams, is_stream=is_stream):
            if request.rpc == "GET":
                streams.append(request)
                request.send(STREAM + b": open\n\n")
                return request.hold()
            if request.rpc != "tools/call":
                return legacy(request)
            poll(lambda: streams, "no server stream")
            if is_stream:
                request.send(STREAM)
            send_progress(lambda message: streams[0].send(event(message)), token_of(request.message))
            if not is_stream:
                return result(request, {"content": []})
            request.send(event(answer(request, {"content": []})))
            return None

        with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
            elicits(client, {})  # for the server stream
            must_not_idle(client, heard=False)


@case
def progress_on_the_server_stream_restarts_the_idle_time_before_a_stream_is_resumed():
    streams = []

    def handler(_server, request):
        if request.rpc == "GET" and request.headers.get("last-event-id"):
            request.send(STREAM + event({"jsonrpc": "2.0", "id": streams[0].id_of_call, "result": {"content": []}}))
            return None
        if request.rpc == "GET":
            streams.append(request)
            request.send(STREAM + b": open\n\n")
            return request.hold()
        if request.rpc != "tools/call":
            return legacy(request)
        poll(lambda: streams, "no server stream")
        streams[0].id_of_call = request.message["id"]
        # The pause before resuming is longer than the idle timeout.
        pause = int(STEPS * PAUSE * 1000)
        request.send(STREAM + b"id: 1\nretry: %d\ndata: \n\n" % pause)
        sending = (lambda message: streams[0].send(event(message)), token_of(request.message))
        threading.Thread(target=send_progress, args=sending, daemon=True).start()
        return None

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        elicits(client, {})  # for the server stream
        must_not_idle(client, heard=False)


@case
def progress_of_another_call_does_not_restart_the_idle_time():
    streams, ended = [], threading.Event()

    def handler(_server, request):
        if request.rpc == "GET":
            streams.append(request)
            request.send(STREAM + b": open\n\n")
            return request.hold()
        if request.rpc != "tools/call":
            return legacy(request)
        while not ended.wait(0.05):
            streams[0].send(event(notice("progress", progressToken=token_of(request.message) + 1000, progress=1)))
        return None

    with Server(handler) as server, Client(server.url, pin=LEGACY) as client:
        elicits(client, {})
        client.ping().must_be("MCP_OK")
        server.must_see("GET")
        poll(lambda: streams, "no server stream")
        outcome = call_tool(client, told=[], idle=500, timeout=20_000).must_be("MCP_TIMEOUT").must_end(500, after=499)
        assert "idle timeout of 500 ms" in outcome.message, outcome
        ended.set()


@case
def progress_on_the_stream_of_http_sse_restarts_the_idle_time():
    # Some servers respond to the POST only when the tool has ended.
    for is_late in (False, True):
        streams = []

        def handler(_server, request, streams=streams, is_late=is_late):
            if request.rpc == "GET":
                streams.append(request)
                request.send(STREAM + b"event: endpoint\ndata: /messages\n\n")
                return request.hold()

            def send(message):
                streams[0].send(event(message))

            accepted = http(202, "Accepted", kind="text/plain")
            if request.rpc == "initialize":
                send(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}}))
            if request.rpc == "tools/call":
                if not is_late:
                    request.send(accepted)
                send_progress(send, token_of(request.message))
                send(answer(request, {"content": []}))
                return accepted if is_late else None
            return accepted

        with Server(handler) as server, Client(f"http://127.0.0.1:{server.port}/sse") as client:
            must_not_idle(client, heard=True)


@case
def progress_of_a_process_restarts_the_idle_time():
    script = f"""
        begin(ask()); request = ask()
        while request["method"] != "tools/call":
            reply(request, {{"resultType": "complete", "tools": []}}); request = ask()
        for step in range({STEPS}):
            time.sleep({PAUSE})
            token = request["params"]["_meta"]["progressToken"]
            send({{"method": "notifications/progress", "params": {{"progressToken": token, "progress": step}}}})
        reply(request, {{"resultType": "complete", "content": []}}); serve()
    """
    with process(script) as client:
        must_not_idle(client, heard=True)


@case
def progress_on_descriptors_restarts_the_idle_time():
    ours, theirs = socket.socketpair()

    def serve():
        lines = theirs.makefile("rw")

        def send(message):
            lines.write(json.dumps({"jsonrpc": "2.0"} | message) + "\n")
            lines.flush()

        for line in lines:
            message = json.loads(line)
            match message["method"]:
                case "initialize":
                    send({"id": message["id"], "result": {"protocolVersion": LEGACY, "capabilities": {}}})
                case "tools/call":
                    send_progress(send, token_of(message))
                    send({"id": message["id"], "result": {"content": []}})

    threading.Thread(target=serve, daemon=True).start()
    descriptor = ours.detach()
    with Made(lib.mcp_client_new_fds(descriptor, descriptor, b"pair", None)) as client:
        call(lib.mcp_set_protocol_version, client.client, LEGACY.encode()).must_be("MCP_OK")
        must_not_idle(client, heard=True)
    theirs.close()


run()
