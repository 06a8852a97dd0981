"""The children of a stdio server end with it, however it ends. The process group is signalled even after its leader has
exited, and the leader is reaped last, because its process id is also the id of the group."""

import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from harness import case, lib, poll, run
from newer import call_tool, folder, process, process_of

# `start` starts a child and writes its process id to a file. The child inherits the server's standard streams unless
# others are given.
STARTING = """
import subprocess
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
def start(script, **streams):
    child = subprocess.Popen([sys.executable, "-c", "import os, signal, sys, time\\n" + script, sys.argv[1]], **streams)
    while not os.path.exists(sys.argv[1] + "/ready"): time.sleep(0.001)
    open(sys.argv[1] + "/child", "w").write(str(child.pid))
READY = "open(sys.argv[1] + '/ready', 'w'); time.sleep(1000)"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN); " + READY
"""


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def child_of(place):
    """The process id of the server's child. The child is killed at the end if it still runs."""
    pid = int((place / "child").read_text())
    try:
        yield pid
    finally:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


def no_child_is_left():
    tasks = Path("/proc/self/task").iterdir()
    children = [child for task in tasks for child in (task / "children").read_text().split()]
    assert not children, children


def free_client(script, place, argv=None):
    """Frees the client of a server that has a child. Returns how long that took, and whether the child still runs."""
    with process_of([*argv, str(place)]) if argv else process(STARTING + script, place) as client:
        client.ping(timeout=20_000).must_be("MCP_OK")
        with child_of(place) as child:
            assert is_running(child)
            begun = time.monotonic()
            lib.mcp_client_free(client.client)
            client.client = None
            took, runs = time.monotonic() - begun, is_running(child)
    print(f"    mcp_client_free took {took * 1000:.0f} ms")
    no_child_is_left()
    return took, runs


# --- mcp_client_free --------------------------------------------------------------------------------------------------


@case
def a_server_behind_a_shell_that_ignores_sigterm_is_killed():
    """sh -c 'SERVER & wait': the shell exits at SIGTERM, the server in the background ignores it."""
    server = """
import json, os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(sys.argv[1] + "/child", "w").write(str(os.getpid()))
request = json.loads(sys.stdin.readline())
result = {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {}}
print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
while True: time.sleep(1000)
"""
    shell = f"exec 3<&0; {sys.executable} -c '{server}' \"$0\" <&3 & wait"
    with folder() as place:
        took, runs = free_client("", place, ["sh", "-c", shell])
        assert not runs, "the server still runs when mcp_client_free returns"
        assert took < 6


@case
def a_child_that_ignores_sigterm_is_killed():
    for streams in ("", ", **QUIET"):
        with folder() as place:
            took, runs = free_client(f"start(STUBBORN{streams}); begin(); serve()", place)
            assert not runs, "the child still runs when mcp_client_free returns"
            assert 1.9 < took < 3


@case
def a_child_has_time_to_exit_at_sigterm():
    end = """
def end(*_): time.sleep(0.3); open(sys.argv[1] + "/order", "w").write("good"); sys.exit()
signal.signal(signal.SIGTERM, end)
"""
    with folder() as place:
        took, runs = free_client(f"start({end!r} + READY, **QUIET); begin(); serve()", place)
        assert not runs and 0.25 < took < 2
        assert (place / "order").read_text() == "good"


@case
def a_child_in_another_session_is_not_signalled():
    with folder() as place:
        took, runs = free_client("start(READY, start_new_session=True, **QUIET); begin(); serve()", place)
        assert runs and took < 1


@case
def closing_a_server_without_children_does_not_wait():
    with process("begin(); serve()") as client:
        client.ping(timeout=20_000).must_be("MCP_OK")
        begun = time.monotonic()
        client.close().must_be("MCP_OK")
    took = time.monotonic() - begun
    print(f"    closing and freeing took {took * 1000:.0f} ms")
    assert took < 1
    no_child_is_left()


# --- The server exits -------------------------------------------------------------------------------------------------


def server_exits(ending, streams="", before=""):
    """The server exits during a call, and its child has to end, too."""
    script = STARTING + f"{before}\nstart(READY{streams}); begin(); ask(); {ending}"
    with folder() as place, process(script, place) as client:
        client.ping(timeout=20_000).must_be("MCP_OK")
        with child_of(place) as child:
            client.ping(timeout=20_000).must_be("MCP_PROCESS_FAILED").must_end(1000)
            poll(lambda: not is_running(child), "the child of the server still runs")
    no_child_is_left()


@case
def children_end_when_the_server_exits():
    for ending in ("sys.exit(3)", "os.kill(os.getpid(), 9)"):
        for streams in ("", ", **QUIET"):
            server_exits(ending, streams)


@case
def children_end_if_the_host_ignores_sigchld():
    """If the host ignores SIGCHLD, or waits for every child, the process id may have been reused for another group. The
    signal is sent through the pidfd instead (Linux 6.9)."""
    if tuple(map(int, os.uname().release.split("-")[0].split(".")[:2])) < (6, 9):
        return
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        server_exits("sys.exit(7)", ", **QUIET", "signal.signal(signal.SIGCHLD, signal.SIG_DFL)")
    finally:
        signal.signal(signal.SIGCHLD, before)


@case
def ending_a_group_does_not_affect_the_next_server():
    """The library still ends the group of the server that exited, while the next server responds."""
    script = STARTING + """
if os.path.exists(sys.argv[1] + "/ready"): begin(); serve()
start(STUBBORN); begin(); ask(); sys.exit(1)
"""
    with folder() as place, process(script, place) as client:
        client.ping(timeout=20_000).must_be("MCP_OK")
        with child_of(place) as child:
            client.ping(timeout=20_000).must_be("MCP_PROCESS_FAILED").must_end(1000)
            assert is_running(child)

            def has_ended():
                client.ping(timeout=20_000).must_be("MCP_OK")
                return not is_running(child)

            poll(has_ended, "the child of the server still runs")
            client.ping(timeout=20_000).must_be("MCP_OK")
    no_child_is_left()


@case
def a_call_after_the_server_exited_starts_a_new_server():
    """The server exits after its response, and its child holds its stdout open. The library waits briefly for data that
    is still in the pipe, and no call has to wait for it."""
    script = """
if not os.path.exists(sys.argv[1] + "/child"):
    start(READY, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begin(); reply(ask(), {"content": []})
    os._exit(0)
serve()
"""
    with folder() as place, process(STARTING + script, place) as client:
        client.connect(timeout=20_000).must_be("MCP_OK")
        call_tool(client, timeout=20_000).must_be("MCP_OK")
        with child_of(place):
            poll(lambda: any("has ended; the next call" in line for line in client.lines), "the exit was not logged")
            client.ping(timeout=20_000).must_be("MCP_OK")
        assert sum("started " in line for line in client.lines) == 2, client.lines


run()
