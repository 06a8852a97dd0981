"""Stdio servers that are malicious or simply crash: each call ends in time, no process or descriptor is left over, and
the next call starts a new server."""

import ctypes
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_size_t, c_uint64, c_void_p
from pathlib import Path

from harness import ERROR, LEGACY, LOG, MODERN, Cancel, call, case, declare, lib, must_be_soon, options, poll, run

declare(c_void_p, mcp_client_new_stdio=[POINTER(c_char_p), ERROR])
declare(c_int, mcp_set_auth=[c_void_p, c_void_p, c_void_p, c_void_p, ERROR], mcp_set_proxy=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_set_limit=[c_void_p, c_int32, c_uint64, ERROR])
declare(c_int, mcp_server_info=[c_void_p, c_void_p, POINTER(c_void_p), ERROR])
declare(None, mcp_json_free=[c_void_p])

# The beginning of each server script: `ask()` reads the next request, and `reply(request, result)` sends its response.
SERVER = '''
import json, os, signal, subprocess, sys, time
def say(text): sys.stdout.write(text); sys.stdout.flush()
def send(message): say(json.dumps({"jsonrpc": "2.0"} | message) + "\\n")
def ask():
    while True:
        line = sys.stdin.readline()
        if not line: sys.exit(0)
        message = json.loads(line)
        if "id" in message and "method" in message: return message
def reply(request, result): send({"id": request["id"], "result": result})
def begin(request=None):
    request = request or ask()
    if request["method"] == "server/discover":
        reply(request, {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {}})
    else:
        info = {"name": "s", "version": "1"}
        reply(request, {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": info})
def serve():
    while True: begin(ask())
'''


@contextmanager
def client_of(script="", folder=None, pin=None, argv=None):
    """A client of a stdio server that runs SERVER and then the script. Its log is `client.lines`."""
    path = tempfile.mkdtemp() if folder is None else folder
    argv = argv or [sys.executable, "-c", SERVER + script, path]
    array = (c_char_p * (len(argv) + 1))(*(word.encode() for word in argv), None)
    client = type("Client", (), {})()
    client.folder, client.lines = Path(path), []
    client.handle = lib.mcp_client_new_stdio(ctypes.cast(array, POINTER(c_char_p)), None)
    client.log = LOG(lambda _data, _level, line: client.lines.append(line.decode()))
    call(lib.mcp_set_log, client.handle, client.log, None, None).must_be("MCP_OK")
    if pin:
        call(lib.mcp_set_protocol_version, client.handle, pin.encode()).must_be("MCP_OK")
    try:
        yield client
    finally:
        lib.mcp_client_free(client.handle)
        if folder is None:
            shutil.rmtree(path)


def ping(client, **limits):
    with options(**({"timeout": 5000} | limits)) as opts:
        return call(lib.mcp_ping, client.handle, opts)


def children():
    """The children of this process, including zombies."""
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()} | {
        int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()
    }


def descriptors():
    return len(os.listdir("/proc/self/fd"))


@contextmanager
def nothing_is_left():
    before = descriptors()
    yield
    assert not children(), children()
    poll(lambda: descriptors() <= before, f"{descriptors()} open descriptors, {before} before")


@contextmanager
def temporary():
    with tempfile.TemporaryDirectory() as path:
        yield path


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- Start and exit ---------------------------------------------------------------------------------------------------


@case
def a_call_reports_how_the_server_exited():
    endings = {
        "sys.exit(7)": "exited with status 7",
        "os.kill(os.getpid(), 9)": "was terminated by signal 9",
        "print('first', 'last', sep='\\n', file=sys.stderr); sys.exit(1)":
            "exited with status 1; its last lines on stderr: first | last",
    }  # fmt: skip
    for script, how in endings.items():
        with nothing_is_left(), client_of("begin(); ask(); " + script) as client:
            # For a modern server, the response to `server/discover` is also the result of the first ping.
            ping(client).must_be("MCP_OK")
            outcome = ping(client).must_be("MCP_PROCESS_FAILED").must_end(1000)
            print(f"    {outcome.message[-100:]}")
            assert how in outcome.message, outcome.message
            ping(client).must_be("MCP_OK")  # starts a new server


@case
def a_start_failure_is_reported():
    for program, reason in (
        (b"/there/is/none", "cannot be started"), (b"no-such-program-of-mine", "cannot be started"), (b"/", ""),
    ):  # fmt: skip
        with nothing_is_left():
            array = (c_char_p * 2)(program, None)
            handle = lib.mcp_client_new_stdio(ctypes.cast(array, POINTER(c_char_p)), None)
            outcome = call(lib.mcp_ping, handle, None).must_be("MCP_PROCESS_FAILED").must_end(100)
            assert reason in outcome.message, outcome.message
            lib.mcp_client_free(handle)


@case
def a_start_failure_names_the_reason():
    with temporary() as place:
        place, on_path = Path(place), os.environ["PATH"]

        def script(name, first, mode=0o755):
            (place / name).write_bytes(first + b"echo x\n")
            (place / name).chmod(mode)
            return str(place / name)

        (place / "loop").symlink_to("loop")
        cases = (
            ("no-such-program-of-mine", "not in any folder of PATH", on_path[:100]),
            ("plain-file-on-path", "not executable", f"{place}/plain-file-on-path"),
            ("script-on-path", "interpreter", "/there/is/no/shell"),
            (f"{place}/none", "no such file"),
            (f"{place}/none/x", "no such file"),
            (script("plain-file-on-path", b"", 0o644), "not executable", "chmod +x"),
            (script("script-on-path", b"#!/there/is/no/shell -x\n"), "interpreter", '"/there/is/no/shell"'),
            (script("windows", b"#!/bin/sh\r\n"), "interpreter", "carriage return", '"/bin/sh"'),
            (script("plain-interpreter", f"#!{place}/plain-file-on-path\n".encode()), "interpreter", "not executable"),
            (script("elf", (b"\x7fELF" + b"\x02\x01\x01" + bytes(60))), ""),
            (script("odd", b"#!\n"), ""),
            (script("long", b"#!/" + b"x" * 5000 + b"\n"), ""),
            (script("control", b"#!/a\x1b[31m\x9b\n"), "interpreter"),
            (str(place), "a directory"), (str(place / "loop"), "symbolic links"),
        )  # fmt: skip
        os.environ["PATH"] = f"{on_path}:{place}"
        try:
            for program, *words in cases:
                array = (c_char_p * 2)(program.encode(), None)
                handle = lib.mcp_client_new_stdio(ctypes.cast(array, POINTER(c_char_p)), None)
                outcome = call(lib.mcp_ping, handle, None).must_be("MCP_PROCESS_FAILED").must_end(300)
                lib.mcp_client_free(handle)
                print(f"    {outcome.message[:300]}")
                assert outcome.message.isprintable(), ascii(outcome.message)
                for word in words:
                    assert word in outcome.message, f"no {word!r} in: {outcome.message}"
        finally:
            os.environ["PATH"] = on_path


@case
def a_server_that_exits_at_discover_is_restarted_as_legacy():
    """Servers of an older Rust SDK do this: the client starts the server again and uses the legacy handshake."""
    script = "request = ask(); request['method'] == 'initialize' or sys.exit(101); begin(request); serve()"
    with nothing_is_left(), client_of(script.replace("serve()", "\nwhile True: reply(ask(), {})")) as client:
        ping(client).must_be("MCP_OK").must_end(2000)


@case
def a_server_that_ignores_sigterm_is_killed():
    script = "signal.signal(signal.SIGTERM, signal.SIG_IGN); begin(); time.sleep(1000)"
    with nothing_is_left():
        with client_of(script) as client:
            ping(client).must_be("MCP_OK")
            (server,) = children()
            begun = time.monotonic()
        took = time.monotonic() - begun
        print(f"    mcp_client_free took {took * 1000:.0f} ms")
        assert 3.9 <= took < 6 and not is_running(server)


@case
def closing_the_client_closes_the_stdin_of_the_server():
    with nothing_is_left():
        with client_of("begin(); serve()") as client:
            ping(client).must_be("MCP_OK")
            begun = time.monotonic()
            call(lib.mcp_client_close, client.handle, None)
            ping(client).must_be("MCP_CLOSED")
        must_be_soon(begun, time.monotonic(), within=1000)


@case
def children_of_the_server_end_with_it():
    script = """
child = subprocess.Popen(["sleep", "1000"])
open(sys.argv[1] + "/child", "w").write(str(child.pid))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
begin(); time.sleep(1000)
"""
    with nothing_is_left():
        with client_of(script, folder=tempfile.mkdtemp()) as client:
            ping(client).must_be("MCP_OK")
            child = int((client.folder / "child").read_text())
            assert is_running(child)
        poll(lambda: not is_running(child), "the child of the server still runs")
        shutil.rmtree(client.folder)


@case
def repeated_starts_leave_nothing_behind():
    with nothing_is_left():
        for _ in range(30):
            with client_of("begin(); serve()") as client:
                ping(client).must_be("MCP_OK")


# --- What the server inherits -----------------------------------------------------------------------------------------


@case
def descriptors_and_environment_are_not_inherited():
    script = """
blocked = [s for s in range(1, 32) if s in signal.pthread_sigmask(signal.SIG_BLOCK, [])]
json.dump({"fds": sorted(os.listdir("/proc/self/fd")), "names": sorted(os.environ),
           "group": os.getpgrp() == os.getpid(), "blocked": blocked}, open(sys.argv[1] + "/inherited", "w"))
begin(); serve()
"""
    leak = os.dup(2)
    os.set_inheritable(leak, True)
    os.environ["SECRET_OF_THE_HOST"] = "x"
    with client_of(script, folder=tempfile.mkdtemp()) as client:
        ping(client).must_be("MCP_OK")
    inherited = json.loads((client.folder / "inherited").read_text())
    shutil.rmtree(client.folder)
    os.close(leak)
    print(f"    {inherited}")
    assert len(inherited["fds"]) == 4, inherited  # the standard streams, and the descriptor of os.listdir
    assert set(inherited["names"]) <= {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LC_CTYPE"}, inherited
    assert inherited["group"] and not inherited["blocked"]


@case
def the_standard_streams_can_be_opened_by_name():
    """Wrapper programs open /dev/stdin, /dev/stdout and /dev/stderr."""
    script = """
open("/dev/stderr", "w").write("by name\\n")
sys.stdin, sys.stdout = open("/dev/stdin"), open("/dev/stdout", "w")
begin(); serve()
"""
    with nothing_is_left(), client_of(script) as client:
        ping(client).must_be("MCP_OK")
        poll(lambda: any("by name" in line for line in client.lines), "stderr was not read")
    redirect = "exec 3</dev/stdin 4>/dev/stdout; echo by name >/dev/stderr; exec "
    script = redirect + sys.executable + ' -c "$0" "$1" <&3 >&4'
    with nothing_is_left(), temporary() as place:
        with client_of(argv=["sh", "-c", script, SERVER + "begin(); serve()", place]) as client:
            ping(client).must_be("MCP_OK")
            poll(lambda: any("by name" in line for line in client.lines), "stderr was not read")


@case
def the_standard_streams_are_blocking():
    """Only the client's ends of the pipes are non-blocking: programs do not expect EAGAIN."""
    script = """
import fcntl
json.dump([fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK for fd in (0, 1, 2)], open(sys.argv[1] + "/flags", "w"))
begin(); serve()
"""
    with temporary() as place:
        with client_of(script, folder=place) as client:
            ping(client).must_be("MCP_OK")
        assert json.loads((Path(place) / "flags").read_text()) == [0, 0, 0]


@case
def sigpipe_of_the_host_process_is_preserved():
    """A SIGPIPE that is pending in the host process stays pending. The SIGPIPE of the library's own pipe reaches no
    handler of the host and is not left pending."""
    declare(c_int, mcp_notify=[c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, ERROR])
    seen = []
    script = """
begin(); os.close(0); open(sys.argv[1] + "/closed", "w")
while not os.path.exists(sys.argv[1] + "/leave"): time.sleep(0.001)
"""
    before = signal.signal(signal.SIGPIPE, lambda *_: seen.append("SIGPIPE"))
    try:
        for is_blocked, is_pending in ((False, False), (True, False), (True, True)):
            with temporary() as place, client_of(script, folder=place) as client:
                ping(client).must_be("MCP_OK")
                poll((client.folder / "closed").exists, "the server does not close its stdin")
                if is_blocked:
                    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGPIPE])
                if is_pending:
                    signal.pthread_kill(threading.get_ident(), signal.SIGPIPE)
                for _ in range(3):
                    with options(timeout=300) as opts:
                        call(lib.mcp_notify, client.handle, b"x/y", b"{}", 2, opts)
                assert (signal.SIGPIPE in signal.sigpending()) == is_pending, (is_blocked, is_pending)
                assert (signal.SIGPIPE in signal.pthread_sigmask(signal.SIG_BLOCK, [])) == is_blocked
                if is_pending:
                    signal.sigwait([signal.SIGPIPE])
                signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGPIPE])
                (client.folder / "leave").touch()
        assert not seen, seen
    finally:
        signal.signal(signal.SIGPIPE, before)


@case
def http_settings_are_refused_for_a_stdio_server():
    with client_of("serve()") as client:
        for function, arguments in (
            (lib.mcp_set_bearer, [b"token"]), (lib.mcp_set_header, [b"X-A", b"b"]),
            (lib.mcp_set_auth, [None, None, None]), (lib.mcp_set_proxy, [b"http://127.0.0.1:1"]),
        ):  # fmt: skip
            outcome = call(function, client.handle, *arguments).must_be("MCP_MISUSE")
            assert "environment" in outcome.message or "process" in outcome.message, outcome.message


# --- Output of the server ---------------------------------------------------------------------------------------------


@case
def lines_that_are_not_messages_are_skipped():
    script = """
say("Welcome!\\n\\n   \\n")
request = ask()
say("log: a line\\n")
sys.stdout.buffer.write(b"\\xff\\xfe\\n"); sys.stdout.buffer.flush()
begin(request); serve()
"""
    with client_of(script) as client:
        ping(client).must_be("MCP_OK").must_end(1000)
        assert any("Welcome!" in line for line in client.lines), client.lines


@case
def invalid_json_on_stdout_does_not_block_the_call():
    for bad in ('{"jsonrpc":', "{}", "[]", "[1]", '{"jsonrpc":"2.0","id":{}}'):
        with client_of(f"request = ask(); say({bad!r} + chr(10)); begin(request); serve()") as client:
            outcome = ping(client)
            print(f"    {bad}: {outcome.status} {outcome.message[-80:]}")
            outcome.must_be("MCP_OK", "MCP_INVALID_JSON", "MCP_INVALID_MESSAGE").must_end(5000)


@case
def an_endless_line_on_stdout_ends_the_call():
    with client_of("ask()\nwhile True: say('x' * 65536)") as client:
        call(lib.mcp_set_limit, client.handle, 3, 1 << 20).must_be("MCP_OK")
        ping(client).must_be("MCP_TOO_LARGE", "MCP_PROCESS_FAILED").must_end(3000)


@case
def a_flood_on_stderr_is_logged_and_does_not_block():
    script = """
begin(); request = ask()
for _ in range(2000): print("x" * 1000, file=sys.stderr)
begin(request); serve()
"""
    with client_of(script) as client:
        ping(client).must_be("MCP_OK")
        ping(client, timeout=20_000).must_be("MCP_OK")
        poll(lambda: len(client.lines) >= 2000, "the log does not have all lines")
        longest = max(client.lines, key=len)
        assert len(longest) < 1000, longest


# --- Servers that do not respond --------------------------------------------------------------------------------------


@case
def a_missing_response_is_a_timeout():
    with client_of("begin()\nwhile True: ask()") as client:
        ping(client).must_be("MCP_OK")
        ping(client, timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
        with Cancel() as cancel:
            cancel.trigger()
            ping(client, cancel=cancel).must_be("MCP_CANCELLED").must_end(50)


@case
def a_full_stdin_pipe_does_not_block_calls():
    """The server never reads, so the pipe to its stdin fills up. Neither the calls nor mcp_client_free wait for it."""
    declare(c_int, mcp_notify=[c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, ERROR])
    large = json.dumps({"x": "y" * (1 << 20)}).encode()
    with client_of("begin(); time.sleep(1000)") as client:
        ping(client).must_be("MCP_OK")
        for _ in range(8):
            with options(timeout=300) as opts:
                notified = call(lib.mcp_notify, client.handle, b"x/y", large, len(large), opts)
            notified.must_be("MCP_OK", "MCP_TIMEOUT").must_end(300)
        ping(client, timeout=300).must_be("MCP_TIMEOUT").must_end(300)
        with options(timeout=300) as opts:
            for _ in range(100):
                notified = call(lib.mcp_notify, client.handle, b"x/y", large, len(large), opts)
                if notified.status != "MCP_OK":
                    break
        notified.must_be("MCP_PROCESS_FAILED")
        print(f"    {notified.message}")


@case
def a_server_that_closes_its_stdout_is_replaced():
    with nothing_is_left():
        with client_of("begin(); ask(); os.close(1); time.sleep(1000)") as client:
            ping(client).must_be("MCP_OK")
            outcome = ping(client).must_be("MCP_PROCESS_FAILED").must_end(1000)
            assert "stdout" in outcome.message
            ping(client).must_be("MCP_OK")
    with client_of("begin(); os.close(0); time.sleep(1000)") as client:
        ping(client).must_be("MCP_OK")
        ping(client, timeout=300).must_be("MCP_TIMEOUT", "MCP_PROCESS_FAILED")


@case
def an_exit_is_noticed_if_the_host_ignores_sigchld():
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with client_of("begin(); ask(); sys.exit(7)") as client:
            ping(client).must_be("MCP_OK")
            ping(client).must_be("MCP_PROCESS_FAILED").must_end(1000)
    finally:
        signal.signal(signal.SIGCHLD, before)


@case
def a_fork_of_the_host_process_does_not_end_the_server():
    """In the child process, a call fails with MCP_MISUSE, and freeing the client returns quickly. The server does not
    notice."""
    with nothing_is_left(), client_of("begin(); serve()") as client:
        ping(client).must_be("MCP_OK")
        child = os.fork()
        if child == 0:
            status = ping(client).status
            begun = time.monotonic()
            lib.mcp_client_free(client.handle)
            os._exit(0 if status == "MCP_MISUSE" and time.monotonic() - begun < 1 else 1)
        assert os.waitpid(child, 0)[1] == 0
        ping(client).must_be("MCP_OK")


@case
def a_call_from_the_log_handler_is_refused():
    """The log handler for stderr runs on the reader's thread. A call from there would wait for itself, so it is
    refused."""
    refused = []
    with nothing_is_left(), client_of("begin(); ask(); print('oh', file=sys.stderr); serve()") as client:

        def call_from_log(_data, _level, text):
            if b"oh" in text:
                refused.append(call(lib.mcp_ping, client.handle, None).status)

        log = LOG(call_from_log)
        call(lib.mcp_set_log, client.handle, log, None, None).must_be("MCP_OK")
        ping(client).must_be("MCP_OK")
        ping(client, timeout=300)
        poll(lambda: refused, "the log handler was not called")
        assert refused[0] == "MCP_MISUSE", refused


@case
def both_protocol_versions_work_with_stdio_servers():
    for version, name in ((LEGACY, "2025-11-25"), (MODERN, "2026-07-28")):
        script = """
while True:
    request = ask()
    begin(request) if request["method"] in ("initialize", "server/discover") else reply(request, {})
"""
        with client_of(script, pin=version) as client:
            ping(client).must_be("MCP_OK")
            info = c_void_p()
            call(lib.mcp_server_info, client.handle, None, byref(info)).must_be("MCP_OK")
            length = c_size_t()
            raw = lib.mcp_json_raw(info, byref(length))
            assert json.loads(ctypes.string_at(raw, length.value))["protocolVersion"] == name
            lib.mcp_json_free(info)


run()
