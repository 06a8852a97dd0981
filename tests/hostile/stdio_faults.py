"""Servers that are processes and fail halfway: what they say last, what they write in pieces, and what they keep open; beside
processes.py, which has their lives and ends."""

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

# Answers everything well, and counts its lives in a file.
LIVES = """
open(sys.argv[1] + "/lives", "a").write(f"{os.getpid()}\\n")
"""
SERVING = """
def well(request): begin(request) if request["method"] in ("initialize", "server/discover") else reply(request, {"content": []})
def serve():
    while True: well(ask())
"""


def lives(place):
    return [int(pid) for pid in (place / "lives").read_text().split()]


def setting(function, client, *values):
    return call(function, client.client, *(None if value is None else os.fsencode(value) for value in values))


def limited(client, kind, size):
    call(lib.mcp_set_limit, client.client, kind, size).must_be("MCP_OK")


# --- How it dies ------------------------------------------------------------------------------------------------------


@case
def everybody_is_told_why_it_died():
    script = SERVING + LIVES + """
begin(); ask(); ask()
if len(open(sys.argv[1] + "/lives").read().split()) > 1: serve()
for number in range(1000): print("line", number, "x" * 200, file=sys.stderr)
print("token is", os.environ["TOKEN"], file=sys.stderr); print("that is all", file=sys.stderr)
sys.exit(9)
"""
    with folder() as place, process(script, place) as client:
        setting(lib.mcp_set_environment, client, "TOKEN", SECRET).must_be("MCP_OK")
        client.connect().must_be("MCP_OK")
        for calling in [client.begin(lambda: call_tool(client, timeout=20_000)) for _ in range(2)]:
            outcome = calling.result().must_be("MCP_PROCESS_FAILED")
            assert "status 9" in outcome.message and "that is all" in outcome.message, outcome.message
            assert len(outcome.message) < 8192 and "line 1 " not in outcome.message, len(outcome.message)
            assert SECRET not in outcome.message and not any(SECRET in line for line in client.lines)
        assert len(lives(place)) == 1  # a tool is not called twice


@case
def it_dies_while_nobody_asks():
    with folder() as place, process(SERVING + LIVES + "serve()", place) as client:
        for life in (1, 2, 3):
            call_tool(client, timeout=20_000).must_be("MCP_OK")
            assert len(lives(place)) == life
            os.kill(lives(place)[-1], signal.SIGKILL)
            poll(lambda: not os.path.exists(f"/proc/{lives(place)[-1]}"), "the dead server is a zombie")


@case
def one_that_always_dies_is_not_started_for_ever():
    for script in ("sys.exit(1)", "ask(); sys.exit(1)", "os.kill(os.getpid(), signal.SIGSEGV)"):
        with folder() as place, process(LIVES + script, place) as client:
            for count in (1, 2):
                client.ping(timeout=20_000).must_be("MCP_PROCESS_FAILED").must_end(3000)
                assert len(lives(place)) <= 2 * count, lives(place)


@case
def its_last_words_are_an_answer():
    with process(SERVING + "begin(); well(ask()); os._exit(0)") as client:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
    with process(SERVING + "begin(); say(json.dumps({'jsonrpc': '2.0', 'id': ask()['id'], 'result': {}})); os._exit(0)") as client:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK", "MCP_PROCESS_FAILED").must_end(500)


@case
def somebody_else_keeps_its_stdout_open():
    """A process that has left the server's group holds the pipes; the server is gone all the same."""
    script = """
begin(); ask()
pid = os.fork()
if pid == 0:
    os.setsid(); open(sys.argv[1] + "/daemon", "w").write(str(os.getpid())); os.rename(sys.argv[1] + "/daemon", sys.argv[1] + "/pid")
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
        assert took < 2, f"freeing took {took:.1f} s"
        outcome.must_be("MCP_PROCESS_FAILED").must_end(1000)
        assert "status 5" in outcome.message, outcome.message


# --- What it writes ---------------------------------------------------------------------------------------------------


@case
def answers_in_pieces():
    script = SERVING + r"""
begin()
def pieces(request, *cuts):
    text = (json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"content": [], "x": "é€𐍈"}}, ensure_ascii=False)).encode()
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
def half_a_line():
    with process(SERVING + "begin(); ask(); say('{\"jsonrpc\": \"2.0\", \"id\"'); serve()") as client:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
    with process(SERVING + "begin(); ask(); say('{\"jsonrpc\": \"2.0\", \"id\"'); sys.exit(4)") as client:
        client.connect().must_be("MCP_OK")
        outcome = call_tool(client, timeout=20_000).must_be("MCP_PROCESS_FAILED").must_end(500)
        assert "status 4" in outcome.message


@case
def lines_that_are_no_messages():
    script = SERVING + """
begin(); request = ask()
for number in range(20000): say(f"garbage {number}\\n" if number % 2 else "\\n")
sys.stdout.flush(); os.write(1, b"\\xff\\xfe\\x00\\n" + b"y" * 5000 + b"\\n")
well(request); serve()
"""
    with process(script) as client:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        told = [line for line in client.lines if "garbage" in line or "y" * 100 in line]
        print(f"    {len(told)} lines of the log")
        assert told and max(map(len, client.lines)) < 1000


def cpu_of(script):
    """What the library takes for a call in front of which the server says something, in seconds."""
    with process(SERVING + "begin(); request = ask()\n" + script + "\nwell(request); serve()") as client:
        client.connect().must_be("MCP_OK")
        begun = time.process_time()
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        return time.process_time() - begun


@case
def blank_lines_are_cheap():
    """What they cost does not depend on how many come at once, and is less than for a message of that size."""
    large = cpu_of("say(json.dumps({'jsonrpc': '2.0', 'method': 'x', 'params': {'x': 'y' * (8 << 20)}}) + '\\n')")
    for script in ("say('\\n' * (8 << 20))", "os.write(2, b'\\n' * (8 << 20))", "say(' \\r\\n' * (2 << 20))"):
        took = cpu_of(script)
        print(f"    {script}: {took:.2f} s, for one message {large:.2f} s")
        assert took < 1 + 4 * large, took


@case
def garbage_without_end():
    with process(SERVING + "begin(); ask()\nwhile True: say('no message\\n' * 100)") as client, Cancel() as cancel:
        client.connect().must_be("MCP_OK")
        call_tool(client, timeout=300).must_be("MCP_TIMEOUT", "MCP_TOO_LARGE", "MCP_INVALID_MESSAGE").must_end(300)
        calling = client.begin(lambda: call_tool(client, cancel=cancel))
        begun = time.monotonic()
        cancel.trigger()
        outcome = calling.result().must_be("MCP_CANCELLED", "MCP_PROCESS_FAILED")
        must_be_soon(begun, outcome.ended, within=50)


@case
def a_line_that_is_too_long():
    for rest in ("; serve()", "; sys.exit(0)"):
        script = SERVING + LIVES + """
begin(); request = ask()
if len(open(sys.argv[1] + "/lives").read().split()) > 1: well(request); serve()
say("y" * 100_000 + "\\n"); well(request)""" + rest
        with folder() as place, process(script, place) as client:
            limited(client, 3, 10_000)
            client.connect().must_be("MCP_OK")
            call_tool(client, timeout=20_000).must_be("MCP_TOO_LARGE").must_end(500)
            call_tool(client, timeout=20_000).must_be("MCP_OK").must_end(500)


@case
def an_answer_that_is_no_text():
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
def answers_that_are_for_nobody():
    script = SERVING + """
begin(); request = ask()
for other in (request["id"] + 1000, "x", 1.5, -1, 2**63): send({"id": other, "result": {"content": ["wrong"]}})
send({"id": request["id"], "method": "ping"})
send({"id": other, "error": {"code": 1, "message": "wrong"}})
well(request); well(request); serve()
"""
    with process(script) as client:
        client.connect().must_be("MCP_OK")
        for _ in range(2):
            outcome = call_tool(client, timeout=20_000).must_be("MCP_OK")
            assert outcome.value["content"] == [], outcome.value


# --- What it does not read --------------------------------------------------------------------------------------------


@case
def it_never_reads_its_stdin():
    large = {"x": "y" * (4 << 20)}
    with process("begin(); time.sleep(100)") as client, Cancel() as cancel:
        client.connect().must_be("MCP_OK")
        call_tool(client, arguments=large, timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
        calling = client.begin(lambda: call_tool(client, arguments=large, cancel=cancel))
        begun = time.monotonic()
        cancel.trigger()
        outcome = calling.result().must_be("MCP_CANCELLED")
        must_be_soon(begun, outcome.ended, within=50)
        # Closing does not wait for its pipe; its process gets SIGTERM after 2 seconds.
        client.close(timeout=300).must_be("MCP_OK", "MCP_TIMEOUT").must_end(300)


@case
def no_signal_for_a_broken_pipe():
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        with folder() as place, process(SERVING + LIVES + "begin(); os.close(0); open(sys.argv[1] + '/closed', 'w'); time.sleep(100)", place) as client:
            client.connect().must_be("MCP_OK")
            poll((place / "closed").exists, "it does not close its stdin")
            for _ in range(3):
                with options(timeout=300) as given:
                    call(lib.mcp_notify, client.client, b"x/y", b"{}", 2, given)
            call_tool(client, timeout=300).must_be("MCP_TIMEOUT", "MCP_PROCESS_FAILED").must_end(300)
            os.kill(lives(place)[-1], signal.SIGKILL)
    finally:
        signal.signal(signal.SIGPIPE, before)


@case
def servers_do_not_hold_each_other():
    """Started at the same time, each ends when its own stdin is closed."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(process(SERVING + "serve()")) for _ in range(6)]
        for pinging in [client.begin(lambda client=client: client.ping(timeout=10_000)) for client in clients]:
            pinging.result().must_be("MCP_OK")
        for client in clients:
            begun = time.monotonic()
            client.close().must_be("MCP_OK")
            # By force it would take 2 seconds.
            must_be_soon(begun, time.monotonic(), within=1000)


# --- Settings ---------------------------------------------------------------------------------------------------------


@case
def settings_of_a_process():
    script = SERVING + """
print("says", os.environ.get("A"), os.getcwd(), file=sys.stderr, flush=True); serve()
"""
    with folder() as place:
        for count in (1, 2):
            with process(script) as client:
                setting(lib.mcp_set_environment, client, "A", "b=c").must_be("MCP_OK")
                setting(lib.mcp_set_working_directory, client, str(place)).must_be("MCP_OK")
                setting(lib.mcp_set_stderr_file, client, str(place / "stderr")).must_be("MCP_OK")
                for name in ("", "A=B"):
                    setting(lib.mcp_set_environment, client, name, "x").must_be("MCP_INVALID_ARGUMENT")
                client.ping(timeout=20_000).must_be("MCP_OK")
                setting(lib.mcp_set_environment, client, "A", "d").must_be("MCP_MISUSE")
                setting(lib.mcp_set_working_directory, client, None).must_be("MCP_MISUSE")
                setting(lib.mcp_set_stderr_file, client, None).must_be("MCP_MISUSE")
                assert not any("says" in line for line in client.lines), client.lines
            said = (place / "stderr").read_text().splitlines()
            assert said == [f"says b=c {place}"] * count, said
        for function, value in ((lib.mcp_set_stderr_file, place / "no" / "file"), (lib.mcp_set_working_directory, place / "no")):
            with process(script) as client:
                setting(function, client, str(value)).must_be("MCP_OK")
                client.ping().must_be("MCP_PROCESS_FAILED").must_end(500)


@case
def settings_of_the_other_kind():
    declare(c_int, mcp_set_proxy=[c_void_p, c_char_p, ERROR], mcp_set_unix_socket=[c_void_p, c_char_p, ERROR])
    declare(c_int, mcp_set_transport=[c_void_p, c_int32, ERROR], mcp_set_require_https=[c_void_p, c_bool, ERROR])
    declare(c_int, mcp_set_tls_ca_file=[c_void_p, c_char_p, ERROR], mcp_set_tls_verify=[c_void_p, c_bool, ERROR])
    declare(c_int, mcp_set_tls_client_cert=[c_void_p, c_char_p, c_char_p, ERROR])
    taken = []
    with process("serve()") as client:
        for function, values in (
            (lib.mcp_set_bearer, [SECRET.encode()]), (lib.mcp_set_header, [b"X-A", SECRET.encode()]), (lib.mcp_set_bearer, [None]),
            (lib.mcp_set_proxy, [b"http://p:1"]), (lib.mcp_set_unix_socket, [b"/x"]), (lib.mcp_set_transport, [1]),
            (lib.mcp_set_require_https, [True]), (lib.mcp_set_tls_verify, [False]), (lib.mcp_set_tls_ca_file, [b"/x"]),
            (lib.mcp_set_tls_client_cert, [b"/x", None]),
        ):  # fmt: skip
            outcome = call(function, client.client, *values)
            if outcome.status != "MCP_MISUSE":
                taken.append(f"{function.__name__}: {outcome.status}")
                continue
            assert SECRET not in outcome.message and ("environment" in outcome.message or "process" in outcome.message), outcome.message
        client.ping(timeout=20_000).must_be("MCP_OK")
    with Client("http://127.0.0.1:1/") as client:
        for function, values in (
            (lib.mcp_set_environment, ["A", "b"]), (lib.mcp_set_working_directory, ["/"]), (lib.mcp_set_stderr_file, ["/x"]),
        ):  # fmt: skip
            setting(function, client, *values).must_be("MCP_MISUSE")
    assert not taken, taken


@case
def commands_that_are_none():
    declare(c_void_p, mcp_client_new_stdio=[c_void_p, ERROR])
    import ctypes

    for words in (None, [], [b""], [b"\xff"]):
        array = None if words is None else ctypes.cast((c_char_p * (len(words) + 1))(*words, None), c_void_p)
        handle = []

        def make(error):
            handle.append(lib.mcp_client_new_stdio(array, error))
            return lib.mcp_error_status(ctypes.cast(error, OUT).contents)

        lib.mcp_error_status.argtypes = [c_void_p]
        outcome = call(make)
        assert handle == [None], words
        outcome.must_be("MCP_INVALID_ARGUMENT")


run()
