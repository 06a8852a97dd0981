"""Python programs that end while callbacks run on other threads. Before 3.14, Python ends such a thread with
pthread_exit, inside the callback.

Python itself crashes in two cases, which these programs avoid: if a callback on a thread unknown to Python creates its
thread state while the interpreter ends (Python frees that state at once), and if a callback runs after the end."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import PATIENCE, STREAM, Server, answer, case, event, http, run

PROGRAMS = 8
SIDE_BY_SIDE = 4

# The beginning of each program. It takes the library and the URL as arguments, and defines `client` and `count`, the
# number of callbacks.
BEGINNING = """
import ctypes, os, sys, threading, time
from ctypes import CFUNCTYPE, c_bool, c_char_p, c_double, c_int, c_void_p
from harness import ERROR, Client, call, declare, lib

def never_freed(callback):
    # The library may call it until the process ends.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(callback))
    return callback

class Counting(Client):
    def take_line(self, *_):
        global count
        if end.thread != threading.get_native_id():
            end.thread = threading.get_native_id()
            ctypes.pythonapi.PyGILState_Ensure()  # never released, so that the thread keeps its state
        count += 1

class End:
    # Deleted while the interpreter ends: waits for the thread of the last callback. It stores all that it uses, because
    # modules may be empty by then. Since 3.14 the thread stays in Python forever, so there is no wait.
    thread, waits, access, sleep = None, sys.version_info < (3, 14), os.access, time.sleep

    def __del__(self):
        while self.waits and self.access(f"/proc/self/task/{self.thread}", 0):
            self.sleep(0.001)

count = 0
end = End()
client = Counting(sys.argv[2])
never_freed(client.log)
"""

# The end of each program: it ends after 20 callbacks, while more are running.
END = """
latest = time.monotonic() + 10
while count < 20:
    assert time.monotonic() < latest, f"{count} callbacks"
    time.sleep(0.001)
"""

CONNECT = "client.connect().must_be('MCP_OK'); count = 0"

PING = """
PROGRESS = CFUNCTYPE(c_bool, c_void_p, c_double, c_double, c_char_p)
declare(c_int, mcp_options_set_progress=[c_void_p, PROGRESS, c_void_p, c_void_p, ERROR])
options = lib.mcp_options_new()
progress = never_freed(PROGRESS(lambda *_, take_line=client.take_line: take_line() or True))
call(lib.mcp_options_set_progress, options, progress, None, None).must_be("MCP_OK")
client.connect().must_be("MCP_OK")
count = 0
threading.Thread(target=lib.mcp_ping, args=(client.client, options, None), daemon=True).start()
"""

# Frees the client when the interpreter clears the modules.
FREED_LATE = """
class Late:
    def __init__(self, client): self.client, self.free = client, lib.mcp_client_free
    def __del__(self): self.free(self.client.client)
late = Late(client)
"""


class Flood:
    """An HTTP+SSE server. It makes the client run callbacks until the client disconnects. It sends responses with an
    unknown id after the initialization, which the client logs, or progress notifications during a ping."""

    def __init__(self):
        self.streams = {}

    def __call__(self, server, request):
        if request.method == "GET":
            number = str(len(server.requests))
            self.streams[number] = request.socket
            request.send(STREAM + f"event: endpoint\ndata: {request.path}?{number}\n\n".encode())
            return request.hold()
        stream = self.streams[request.path.split("?")[1]]
        if request.rpc == "initialize":
            stream.sendall(event(answer(request, {"protocolVersion": "2024-11-05", "capabilities": {}})))
        if request.rpc == "notifications/initialized" and "/log/" in request.path:
            self.send_forever(stream, [{"jsonrpc": "2.0", "id": 999, "result": {}}] * 50)
        if request.rpc == "ping":
            params = {"progressToken": request.message["params"]["_meta"]["progressToken"]}
            self.send_forever(stream, [
                {"jsonrpc": "2.0", "method": "notifications/progress", "params": params | {"progress": n}}
                for n in range(50)
            ])
        return http(202, "Accepted", kind="text/plain")

    def send_forever(self, stream, messages):
        data = b"".join(map(event, messages))

        def send():
            try:
                while True:
                    stream.sendall(data)
            except OSError:
                pass  # the program has ended

        threading.Thread(target=send, daemon=True).start()


def programs_must_end(program, path):
    """The program ends with status 0 and prints nothing on stderr."""
    with Server(Flood()) as server:

        def outcome(_):
            library, url = Path(sys.argv[1]).resolve(), f"http://127.0.0.1:{server.port}{path}"
            command = [sys.executable, "-c", program, str(library), url]
            folder = Path(__file__).parent
            ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=2 * PATIENCE)
            return ended.returncode, ended.stderr[:500]

        with ThreadPoolExecutor(SIDE_BY_SIDE) as threads:
            outcomes = list(threads.map(outcome, range(PROGRAMS)))
    failed = [outcome for outcome in outcomes if outcome != (0, "")]
    assert not failed, f"{len(failed)} of {PROGRAMS} programs failed, the first with {failed[0]}"


@case
def a_program_ends_during_log_callbacks_on_the_reader_thread():
    programs_must_end(BEGINNING + CONNECT + END, "/log/sse")


@case
def a_program_ends_during_progress_callbacks_on_a_daemon_thread():
    programs_must_end(BEGINNING + PING + END, "/progress/sse")


@case
def a_client_can_be_freed_while_the_interpreter_ends():
    # Since 3.14 the reader thread stays in Python forever. The library cannot detect that, so free would hang.
    if sys.version_info < (3, 14):
        programs_must_end(BEGINNING + FREED_LATE + CONNECT + END, "/log/sse")


run()
