"""Stdio servers that fail during a call: their last output, partial and invalid output, and descriptors that stay open.

processes.py tests how stdio servers start and exit.
"""

import contextlib
import json
import os
import signal
import threading
import time

from harness import Cancel, Client, call, case, declare, lib, must_be_soon, options, poll, run
from newer import OUT, call_tool, fetched, folder, process, process_of, value_of

from ctypes import c_bool, c_char_p, c_int, c_int32, c_size_t, c_void_p  # isort: skip
from harness import ERROR  # isort: skip

declare(c_int, mcp_notify=[c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, ERROR])

SECRET = "s3cr3t-of-the-server"

# Appends the process id of each start of the server to a file.
COUNTING = """
open(sys.argv[1] + "/starts", "a").write(f"{os.getpid()}\\n")
"""
# Functions that send correct responses.
SERVING = """
def respond(request):
    if request["method"] in ("initialize", "server/discover"): begin(request)
    else: reply(request, {"content": []})
def serve():
    while True: respond(ask())
"""


def pids_of_starts(place):
    return [int(pid) for pid in (place / "starts").read_text().split()]


def apply_setting(function, client, *values):
    return call(function, client.client, *(None if value is None else os.fsencode(value) for value in values))


def set_limit(client, kind, size):
    call(lib.mcp_set_limit, client.client, kind, size).must_be("MCP_OK")


# --- Exit -------------------------------------------------------------------------------------------------------------


@case
def all_pending_calls_report_why_the_server_exited():
    script = SERVING + COUNTING + """
begin(); ask(); ask()
if len(open(sys.argv[1] + "/starts").read().split()) > 1: serve()
for number in range(1000): print("line", number, "x" * 200, file=sys.stderr)
print("token is", os.environ["TOKEN"], file=sys.stderr); print("that is all", file=sys.stderr)
sys.exit(9)
"""
    with folder() as place, process(script, place) as client:
        apply_setting(lib.mcp_set_environment, client, "TOKEN", SECRET).must_be("MCP_OK")
        client.connect().must_be("MCP_OK")
        for calling in [client.begin(lambda: call_tool(client, timeout=20_000)) for _ in range(2)]:
            outcome = calling.result().must_be("MCP_PROCESS_FAILED")
            assert "status 9" in outcome.message and "that is all" in outcome.message, outcome.message
            assert len(outcome.message) < 8192 and "line 1 " not in outcome.message, len(outcome.message)
            assert SECRET not in outcome.message and not any(SECRET in line for line in client.lines)
        assert len(pids_of_starts(place)) == 1  # a tool is not called twice


@case
def a_server_that_exits_between_calls_is_restarted():
    with folder() as place, process(SERVING + COUNTING + "serve()", place) as client:
        for count in (1, 2, 3):
            call_tool(client, timeout=20_000).must_be("MCP_OK")
            assert len(pids_of_starts(place)) == count
            os.kill(pids_of_starts(place)[-1], signal.SIGKILL)
            poll(lambda: not os.path.exists(f"/proc/{pids_of_starts(place)[-1]}"), "the killed server stays a zombie")


@case
def a_server_that_always_exits_is_not_restarted_endlessly():
    for script in ("sys.exit(1)", "ask(); sys.exit(1)", "os.kill(os.getpid(), signal.SIGSEGV)"):
        with folder() as place, process(COUNTING + script, place) as client:
            for count in (1, 2):
                client.ping(timeout=20_000).must_be("MCP_PROCESS_FAILED").must_end(3000)
                assert len(pids_of_starts(place)) <= 2 * count, pids_of_starts(place)


@case
def a_response_before_the_exit_is_delivered():
    with process(SERVING + "begin(); respond(ask()); os._exit(0)") as client:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
    script = "begin(); say(json.dumps({'jsonrpc': '2.0', 'id': ask()['id'], 'result': {}})); os._exit(0)"
    with process(SERVING + script) as client:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK", "MCP_PROCESS_FAILED").must_end(500)


@case
def an_exit_is_noticed_if_another_process_holds_the_pipes():
    """A process that left the server's process group keeps the pipes open. The exit of the server is noticed anyway."""
    script = """
begin(); ask()
pid = os.fork()
if pid == 0:
    os.setsid()
    open(sys.argv[1] + "/daemon", "w").write(str(os.getpid())); os.rename(sys.argv[1] + "/daemon", sys.argv[1] + "/pid")
    time.sleep(100)
while not os.path.exists(sys.argv[1] + "/pid"): time.sleep(0.001)
os._exit(5)
"""
    with folder() as place:
        try:
            with process(script, place) as client:
                client.connect().must_be("MCP_OK")
                outcome = call_tool(client, timeout=3000)
                begun = time.monotonic()
            took = time.monotonic() - begun
        finally:
            os.kill(int((place / "pid").read_text()), signal.SIGKILL)
        assert took < 2, f"mcp_client_free took {took:.1f} s"
        outcome.must_be("MCP_PROCESS_FAILED").must_end(1000)
        assert "status 5" in outcome.message, outcome.message


# --- Output -----------------------------------------------------------------------------------------------------------


@case
def a_response_in_small_pieces_is_read():
    script = SERVING + r"""
begin()
def pieces(request, *cuts):
    message = {"jsonrpc": "2.0", "id": request["id"], "result": {"content": [], "x": "é€𐍈"}}
    text = json.dumps(message, ensure_ascii=False).encode()
    for at in range(0, len(text), 7): os.write(1, text[at:at + 7]); time.sleep(0.001)
    os.write(1, b"\r\n")
pieces(ask())
one = ask(); os.write(1, b"\n\n")
send({"method": "notifications/message", "params": {}}); reply(one, {"content": []}); serve()
"""
    with process(script) as client:
        client.connect().must_be("MCP_OK")
        assert call_tool(client, timeout=20_000).must_be("MCP_OK").value["x"] == "é€𐍈"
        call_tool(client, timeout=20_000).must_be("MCP_OK").must_end(500)
        call_tool(client, timeout=20_000).must_be("MCP_OK").must_end(500)


@case
def an_incomplete_line_is_a_timeout_or_an_exit():
    with process(SERVING + "begin(); ask(); say('{\"jsonrpc\": \"2.0\", \"id\"'); serve()") as client:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
    with process(SERVING + "begin(); ask(); say('{\"jsonrpc\": \"2.0\", \"id\"'); sys.exit(4)") as client:
        client.connect().must_be("MCP_OK")
        outcome = call_tool(client, timeout=20_000).must_be("MCP_PROCESS_FAILED").must_end(500)
        assert "status 4" in outcome.message


@case
def lines_that_are_not_messages_are_skipped():
    script = SERVING + """
begin(); request = ask()
for number in range(20000): say(f"garbage {number}\\n" if number % 2 else "\\n")
sys.stdout.flush(); os.write(1, b"\\xff\\xfe\\x00\\n" + b"y" * 5000 + b"\\n")
respond(request); serve()
"""
    with process(script) as client:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        logged = [line for line in client.lines if "garbage" in line or "y" * 100 in line]
        print(f"    {len(logged)} lines in the log")
        assert logged and max(map(len, client.lines)) < 1000


def cpu_of(script):
    """The CPU time of a call for which the server first runs the script and then responds, in seconds."""
    with process(SERVING + "begin(); request = ask()\n" + script + "\nrespond(request); serve()") as client:
        client.connect().must_be("MCP_OK")
        begun = time.process_time()
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        return time.process_time() - begun


@case
def blank_lines_take_little_cpu_time():
    """The CPU time for many blank lines is bounded by a multiple of that for one message of the same size."""
    large = cpu_of("say(json.dumps({'jsonrpc': '2.0', 'method': 'x', 'params': {'x': 'y' * (8 << 20)}}) + '\\n')")
    for script in ("say('\\n' * (8 << 20))", "os.write(2, b'\\n' * (8 << 20))", "say(' \\r\\n' * (2 << 20))"):
        took = cpu_of(script)
        print(f"    {script}: {took:.2f} s, for one message {large:.2f} s")
        assert took < 1 + 4 * large, took


@case
def endless_garbage_does_not_delay_timeout_or_cancel():
    with process(SERVING + "begin(); ask()\nwhile True: say('no message\\n' * 100)") as client, Cancel() as cancel:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=300).must_be("MCP_TIMEOUT", "MCP_TOO_LARGE", "MCP_INVALID_MESSAGE").must_end(300)
        calling = client.begin(lambda: call_tool(client, cancel=cancel))
        begun = time.monotonic()
        cancel.trigger()
        outcome = calling.result().must_be("MCP_CANCELLED", "MCP_PROCESS_FAILED")
        must_be_soon(begun, outcome.ended, within=50)


@case
def a_too_long_line_ends_only_its_own_call():
    for rest in ("; serve()", "; sys.exit(0)"):
        script = SERVING + COUNTING + """
begin(); request = ask()
if len(open(sys.argv[1] + "/starts").read().split()) > 1: respond(request); serve()
say("y" * 100_000 + "\\n"); respond(request)""" + rest
        with folder() as place, process(script, place) as client:
            set_limit(client, 3, 10_000)
            client.connect().must_be("MCP_OK")
            call_tool(client, timeout=20_000).must_be("MCP_TOO_LARGE").must_end(500)
            call_tool(client, timeout=20_000).must_be("MCP_OK").must_end(500)


@case
def a_response_that_is_not_utf_8_ends_only_its_own_call():
    script = SERVING + """
begin(); request = ask()
os.write(1, b'{"jsonrpc":"2.0","id":%d,"result":{"content":[],"x":"\\xff"}}\\n' % request["id"]); serve()
"""
    with process(script) as client:
        client.connect().must_be("MCP_OK")
        outcome = call_tool(client, timeout=1000)
        print(f"    {outcome.status} {outcome.message}")
        outcome.must_be("MCP_INVALID_JSON", "MCP_INVALID_MESSAGE", "MCP_TIMEOUT").must_end(1000)
        call_tool(client, timeout=20_000).must_be("MCP_OK")


@case
def responses_with_unknown_ids_are_ignored():
    script = SERVING + """
begin(); request = ask()
for other in (request["id"] + 1000, "x", 1.5, -1, 2**63): send({"id": other, "result": {"content": ["wrong"]}})
send({"id": request["id"], "method": "ping"})
send({"id": other, "error": {"code": 1, "message": "wrong"}})
respond(request); respond(request); serve()
"""
    with process(script) as client:
        client.connect().must_be("MCP_OK")
        for _ in range(2):
            outcome = call_tool(client, timeout=20_000).must_be("MCP_OK")
            assert outcome.value["content"] == [], outcome.value


# --- Input ------------------------------------------------------------------------------------------------------------


@case
def a_full_stdin_pipe_does_not_block_cancel_or_close():
    large = {"x": "y" * (4 << 20)}
    with process("begin(); time.sleep(100)") as client, Cancel() as cancel:
        client.connect().must_be("MCP_OK")
        call_tool(client, arguments=large, timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
        calling = client.begin(lambda: call_tool(client, arguments=large, cancel=cancel))
        begun = time.monotonic()
        cancel.trigger()
        outcome = calling.result().must_be("MCP_CANCELLED")
        must_be_soon(begun, outcome.ended, within=50)
        # mcp_client_close does not wait for the pipe. The server gets SIGTERM after 2 seconds.
        client.close(timeout=300).must_be("MCP_OK", "MCP_TIMEOUT").must_end(300)


@case
def a_broken_pipe_does_not_raise_sigpipe():
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        script = "begin(); os.close(0); open(sys.argv[1] + '/closed', 'w'); time.sleep(100)"
        with folder() as place, process(SERVING + COUNTING + script, place) as client:
            client.connect().must_be("MCP_OK")
            poll((place / "closed").exists, "the server does not close its stdin")
            for _ in range(3):
                with options(timeout=300) as opts:
                    call(lib.mcp_notify, client.client, b"x/y", b"{}", 2, opts)
            call_tool(client, timeout=300).must_be("MCP_TIMEOUT", "MCP_PROCESS_FAILED").must_end(300)
            os.kill(pids_of_starts(place)[-1], signal.SIGKILL)
    finally:
        signal.signal(signal.SIGPIPE, before)


@case
def servers_do_not_keep_each_other_running():
    """Servers that are started at the same time do not inherit each other's pipes: each exits when its stdin is
    closed."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(process(SERVING + "serve()")) for _ in range(6)]
        for pinging in [client.begin(lambda client=client: client.ping(timeout=10_000)) for client in clients]:
            pinging.result().must_be("MCP_OK")
        for client in clients:
            begun = time.monotonic()
            client.close().must_be("MCP_OK")
            # A server that does not exit would be ended by a signal after 2 seconds.
            must_be_soon(begun, time.monotonic(), within=1000)


# --- Settings ---------------------------------------------------------------------------------------------------------


@case
def settings_apply_to_every_start_of_the_server():
    script = SERVING + """
print("settings:", os.environ.get("A"), os.getcwd(), file=sys.stderr, flush=True); serve()
"""
    with folder() as place:
        for count in (1, 2):
            with process(script) as client:
                apply_setting(lib.mcp_set_environment, client, "A", "b=c").must_be("MCP_OK")
                apply_setting(lib.mcp_set_working_directory, client, str(place)).must_be("MCP_OK")
                apply_setting(lib.mcp_set_stderr_file, client, str(place / "stderr")).must_be("MCP_OK")
                for name in ("", "A=B"):
                    apply_setting(lib.mcp_set_environment, client, name, "x").must_be("MCP_INVALID_ARGUMENT")
                client.ping(timeout=20_000).must_be("MCP_OK")
                apply_setting(lib.mcp_set_environment, client, "A", "d").must_be("MCP_MISUSE")
                apply_setting(lib.mcp_set_working_directory, client, None).must_be("MCP_MISUSE")
                apply_setting(lib.mcp_set_stderr_file, client, None).must_be("MCP_MISUSE")
                assert not any("settings:" in line for line in client.lines), client.lines
            written = (place / "stderr").read_text().splitlines()
            assert written == [f"settings: b=c {place}"] * count, written
        for function, value in (
            (lib.mcp_set_stderr_file, place / "no" / "file"), (lib.mcp_set_working_directory, place / "no"),
        ):  # fmt: skip
            with process(script) as client:
                apply_setting(function, client, str(value)).must_be("MCP_OK")
                client.ping().must_be("MCP_PROCESS_FAILED").must_end(500)


@case
def settings_of_another_transport_are_refused():
    declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR], mcp_set_unix_socket=[c_void_p, c_char_p, ERROR])
    declare(c_int, mcp_set_transport=[c_void_p, c_int32, ERROR], mcp_set_require_https=[c_void_p, c_bool, ERROR])
    declare(c_int, mcp_set_tls_ca_file=[c_void_p, c_char_p, ERROR], mcp_set_tls_verify=[c_void_p, c_bool, ERROR])
    declare(c_int, mcp_set_tls_client_cert_file=[c_void_p, c_char_p, c_char_p, ERROR])
    not_refused = []
    with process("serve()") as client:
        for function, values in (
            (lib.mcp_set_bearer, [SECRET.encode()]), (lib.mcp_set_header, [b"X-A", SECRET.encode()]),
            (lib.mcp_set_bearer, [None]),
            (lib.mcp_set_proxy, [b"http://p:1"]), (lib.mcp_set_unix_socket, [b"/x"]), (lib.mcp_set_transport, [1]),
            (lib.mcp_set_require_https, [True]), (lib.mcp_set_tls_verify, [False]), (lib.mcp_set_tls_ca_file, [b"/x"]),
            (lib.mcp_set_tls_client_cert_file, [b"/x", None]),
        ):  # fmt: skip
            outcome = call(function, client.client, *values)
            if outcome.status != "MCP_MISUSE":
                not_refused.append(f"{function.__name__}: {outcome.status}")
                continue
            assert SECRET not in outcome.message, outcome.message
            assert "environment" in outcome.message or "process" in outcome.message, outcome.message
        client.ping(timeout=20_000).must_be("MCP_OK")
    with Client("http://127.0.0.1:1/") as client:
        for function, values in (
            (lib.mcp_set_environment, ["A", "b"]), (lib.mcp_set_working_directory, ["/"]),
            (lib.mcp_set_stderr_file, ["/x"]),
        ):  # fmt: skip
            apply_setting(function, client, *values).must_be("MCP_MISUSE")
    assert not not_refused, not_refused


@case
def invalid_commands_are_rejected():
    declare(c_void_p, mcp_client_new_stdio=[c_void_p, ERROR])
    import ctypes

    for argv in (None, [], [b""], [b"\xff"]):
        array = None if argv is None else ctypes.cast((c_char_p * (len(argv) + 1))(*argv, None), c_void_p)
        handle = []

        def make(error):
            handle.append(lib.mcp_client_new_stdio(array, error))
            return lib.mcp_error_status(ctypes.cast(error, OUT).contents)

        lib.mcp_error_status.argtypes = [c_void_p]
        outcome = call(make)
        assert handle == [None], argv
        outcome.must_be("MCP_INVALID_ARGUMENT")


run()
