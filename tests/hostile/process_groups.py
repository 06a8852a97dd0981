"""What a server has started ends with it, however it ends: the process group is signalled also after its leader has ended, and the
leader, whose number is the group's, is reaped last."""

import os
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from harness import case, lib, poll, run
from newer import call_tool, folder, process, process_of

# Starts something and notes its number; it inherits the three streams of the server unless it is told others.
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
def started(place):
    """The number of what the server has started; it is ended in any case."""
    pid = int((place / "child").read_text())
    try:
        yield pid
    finally:
        if is_running(pid):
            os.kill(pid, signal.SIGKILL)


def no_child_is_left():
    children = [child for task in Path("/proc/self/task").iterdir() for child in (task / "children").read_text().split()]
    assert not children, children


def freed(script, place, argv=None):
    """Frees the client of a server that has started something; how long that took, and whether that something still runs."""
    with process_of([*argv, str(place)]) if argv else process(STARTING + script, place) as client:
        client.ping(timeout=20_000).must_be("MCP_OK")
        with started(place) as child:
            assert is_running(child)
            begun = time.monotonic()
            lib.mcp_client_free(client.client)
            client.client = None
            took, runs = time.monotonic() - begun, is_running(child)
    print(f"    freed after {took * 1000:.0f} ms")
    no_child_is_left()
    return took, runs


# --- mcp_client_free --------------------------------------------------------------------------------------------------


@case
def a_server_behind_a_shell_ignores_sigterm():
    """sh -c 'SERVER & wait': the shell ends at SIGTERM, and the server in the background does not."""
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
        took, runs = freed("", place, ["sh", "-c", shell])
        assert not runs, "the server runs when mcp_client_free returns"
        assert took < 6


@case
def it_ends_and_leaves_one_that_ignores_sigterm():
    for streams in ("", ", **QUIET"):
        with folder() as place:
            took, runs = freed(f"start(STUBBORN{streams}); begin(); serve()", place)
            assert not runs, "what the server has started runs when mcp_client_free returns"
            assert 1.9 < took < 3


@case
def what_ends_at_sigterm_is_given_the_time():
    end = """
def end(*_): time.sleep(0.3); open(sys.argv[1] + "/order", "w").write("good"); sys.exit()
signal.signal(signal.SIGTERM, end)
"""
    with folder() as place:
        took, runs = freed(f"start({end!r} + READY, **QUIET); begin(); serve()", place)
        assert not runs and 0.25 < took < 2
        assert (place / "order").read_text() == "good"


@case
def a_session_of_its_own_is_left_alone():
    with folder() as place:
        took, runs = freed("start(READY, start_new_session=True, **QUIET); begin(); serve()", place)
        assert runs and took < 1


@case
def an_end_costs_no_time():
    """Where nothing else is in the group."""
    with process("begin(); serve()") as client:
        client.ping(timeout=20_000).must_be("MCP_OK")
        begun = time.monotonic()
        client.close().must_be("MCP_OK")
    took = time.monotonic() - begun
    print(f"    closed and freed after {took * 1000:.0f} ms")
    assert took < 1
    no_child_is_left()


# --- It ends by itself ------------------------------------------------------------------------------------------------


def ends_by_itself(ending, streams="", before=""):
    script = STARTING + f"{before}\nstart(READY{streams}); begin(); ask(); {ending}"
    with folder() as place, process(script, place) as client:
        client.ping(timeout=20_000).must_be("MCP_OK")
        with started(place) as child:
            client.ping(timeout=20_000).must_be("MCP_PROCESS_FAILED").must_end(1000)
            poll(lambda: not is_running(child), "what the server has started goes on")
    no_child_is_left()


@case
def a_server_that_ends_takes_its_group_with_it():
    for ending in ("sys.exit(3)", "os.kill(os.getpid(), 9)"):
        for streams in ("", ", **QUIET"):
            ends_by_itself(ending, streams)


@case
def the_host_reaps_it():
    """Where it ignores SIGCHLD, or waits for every child, the number of the group may be another's: the signal goes by the
    descriptor (Linux 6.9)."""
    if tuple(map(int, os.uname().release.split("-")[0].split(".")[:2])) < (6, 9):
        return
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        ends_by_itself("sys.exit(7)", ", **QUIET", "signal.signal(signal.SIGCHLD, signal.SIG_DFL)")
    finally:
        signal.signal(signal.SIGCHLD, before)


@case
def the_next_server_is_not_touched():
    """The group of the one that has ended is being ended while the next one answers."""
    script = STARTING + """
if os.path.exists(sys.argv[1] + "/ready"): begin(); serve()
start(STUBBORN); begin(); ask(); sys.exit(1)
"""
    with folder() as place, process(script, place) as client:
        client.ping(timeout=20_000).must_be("MCP_OK")
        with started(place) as child:
            client.ping(timeout=20_000).must_be("MCP_PROCESS_FAILED").must_end(1000)
            assert is_running(child)

            def is_over():
                client.ping(timeout=20_000).must_be("MCP_OK")
                return not is_running(child)

            poll(is_over, "what the server has started goes on")
            client.ping(timeout=20_000).must_be("MCP_OK")
    no_child_is_left()


@case
def a_call_after_the_end_of_the_server_starts_another_one():
    """The server ends behind its answer, and what it has started holds its stdout: whatever is still in that is awaited for a moment,
    and no call has to wait for it."""
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
        with started(place):
            poll(lambda: any("has ended; the next call" in line for line in client.lines), "its end is not seen")
            client.ping(timeout=20_000).must_be("MCP_OK")
        assert sum("started " in line for line in client.lines) == 2, client.lines


run()
