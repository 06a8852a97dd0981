"""Record the responses of real servers as seeds: record.py LIBRARY [WORD...]

With WORDs, only scenarios whose name contains one of them are recorded. A client that is equivalent to that of
../src/fuzzing/client.rs makes its calls, through ctypes, to the servers of ../tests/servers. A proxy in between records
the responses in the input format of the fuzz target `client`. Data that depends on the time, the machine or the run is
replaced with constant data of the same length. Bodies are also seeds for json_rpc and json_value, challenges for
www_authenticate, and the output of stdio servers for stdio_lines.
"""

import contextlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from ctypes import CFUNCTYPE, POINTER, byref, c_bool, c_char_p, c_double, c_int32, c_size_t, c_uint32, c_void_p
from dataclasses import dataclass
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
TESTS = FUZZ.parent / "tests"

if sys.argv[1] == "--tee":
    # This process is started as a stdio server: it runs the real server and records its output.
    with open(sys.argv[2], "wb") as out, subprocess.Popen(sys.argv[3:], stdout=subprocess.PIPE) as server:
        for line in server.stdout:
            out.write(line)
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
    raise SystemExit

sys.path += [str(TESTS / "hostile"), str(TESTS / "servers")]

from harness import Client, call, declare, lib, options, read_request  # noqa: E402
from kinds import KINDS, STDIO  # noqa: E402

LARGEST = 4096
ON_STREAM, NEXT_RESPONSE = b"\x1e", b"\x1d"
TIMEOUT = 10_000

# --- The library ------------------------------------------------------------------------------------------------------

PROGRESS = CFUNCTYPE(c_bool, c_void_p, c_double, c_double, c_char_p)
INPUT = CFUNCTYPE(None, c_void_p, c_void_p)
LOGGED = CFUNCTYPE(None, c_void_p, c_void_p)
CHANGE = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
RESULT = [c_void_p, POINTER(c_void_p), c_void_p]
declare(c_void_p, mcp_client_new_stdio=[POINTER(c_char_p), c_void_p])
declare(
    c_int32,
    mcp_set_transport=[c_void_p, c_int32, c_void_p],
    mcp_set_elicitation=[c_void_p, INPUT, c_void_p, c_void_p, c_void_p],
    mcp_set_server_log=[c_void_p, LOGGED, c_void_p, c_void_p, c_void_p],
    mcp_options_set_progress=[c_void_p, PROGRESS, c_void_p, c_void_p, c_void_p],
    mcp_input_accept=[c_void_p, c_char_p, c_size_t, c_void_p],
    mcp_list_tools=[c_void_p, *RESULT],
    mcp_call_tool=[c_void_p, c_char_p, c_char_p, c_size_t, *RESULT],
    mcp_listen=[c_void_p, c_uint32, POINTER(c_char_p), CHANGE, c_void_p, c_void_p, c_void_p, c_void_p],
    mcp_read_resource=[c_void_p, c_char_p, *RESULT],
    mcp_complete_prompt=[c_void_p, c_char_p, c_char_p, c_char_p, c_char_p, c_size_t, *RESULT],
    mcp_server_info=[c_void_p, *RESULT],
    mcp_get_prompt=[c_void_p, c_char_p, c_char_p, c_size_t, *RESULT],
    mcp_request_server_log=[c_void_p, c_char_p, c_void_p, c_void_p],
)
NUL_TERMINATED = c_size_t(-1).value
ignore_progress = PROGRESS(lambda *_: True)
ignore_logged = LOGGED(lambda *_: None)
accept = INPUT(lambda _, request: lib.mcp_input_accept(request, None, 0, None) and None)

# For each call, the byte that selects it in the target, and the function that makes it.
CALLS = {
    "ping": (b"0", lambda client, opts, _: call(lib.mcp_ping, client, opts)),
    "tools": (b"1", lambda client, opts, _: result(lib.mcp_list_tools, client, opts)),
    "tool": (b"2", lambda client, opts, words: result(lib.mcp_call_tool, client, *words, NUL_TERMINATED, opts)),
    "listen": (b"3", lambda client, opts, words: listen(client, opts, words)),
    "resource": (b"4", lambda client, opts, words: result(lib.mcp_read_resource, client, *words, opts)),
    "complete": (b"5", lambda client, opts, words: result(lib.mcp_complete_prompt, client, *words, None, 0, opts)),
    "info": (b"6", lambda client, opts, _: result(lib.mcp_server_info, client, opts)),
    "prompt": (b"8", lambda client, opts, words: result(lib.mcp_get_prompt, client, *words, NUL_TERMINATED, opts)),
    "level": (b":", lambda client, opts, words: call(lib.mcp_request_server_log, client, *words, opts)),
}


def result(function, client, *arguments):
    value = c_void_p()
    outcome = call(function, client, *arguments, byref(value))
    lib.mcp_json_free(value)
    return outcome


def listen(client, opts, words):
    """Listens until the first change notification."""
    change = CHANGE(lambda *_: lib.mcp_cancel_trigger(words[0]))
    return call(lib.mcp_listen, client, 7, None, change, None, None, opts)


# The byte that selects a set-up: the path, the pinned version and the transport.
SETUPS = {"auto": b"0", "modern": b"1", "legacy": b"2", "older": b"3", "sse": b"4", "sse-url": b"5"}
PINS = {"modern": "2026-07-28", "legacy": "2025-11-25", "older": "2025-03-26"}
TRANSPORTS = {"older": 1, "sse": 2}

# Flags: handlers for server requests, a callback for log messages, the cache.
PLAIN, HANDLERS, LOGS, CACHE = 0, 0x10, 0x20, 0x40


@dataclass
class Scenario:
    name: str
    server: str
    setup: str
    call: str
    words: tuple = ()
    flags: int = PLAIN


SCENARIOS = [
    Scenario("modern-ping", "features-fastmcp4", "auto", "ping"),
    Scenario("modern-resource", "features-sdk2", "modern", "resource", (b"memo://text",), CACHE),
    Scenario("modern-complete", "features-fastmcp4", "modern", "complete", (b"explain", b"topic", b"r")),
    Scenario("legacy-ping", "features-fastmcp2", "auto", "ping"),
    Scenario("legacy-tool", "features-fastmcp3", "legacy", "tool", (b"count", b'{"steps":2}')),
    Scenario("legacy-input", "features-fastmcp2", "older", "tool", (b"ask_name", b"{}"), HANDLERS),
    Scenario("legacy-level", "features-fastmcp3", "legacy", "level", (b"info",), LOGS),
    Scenario("legacy-prompt", "features-fastmcp2", "auto", "prompt", (b"greet", b"{}")),
    Scenario("sse-ping", "features-fastmcp4-sse", "sse-url", "ping"),
    Scenario("sse-tool", "features-sdk2-sse", "sse", "tool", (b"count", b'{"steps":2}')),
    Scenario("sse-resource", "features-sdk2-sse", "sse-url", "resource", (b"memo://text",)),
    Scenario("unauthorized", "fastmcp4-static", "auto", "ping"),
    Scenario("unauthorized-sdk", "sdk2", "legacy", "info"),
]


# --- The proxy --------------------------------------------------------------------------------------------------------


class Recorder:
    """A proxy that forwards all data, and records the responses in the order of the requests."""

    def __init__(self, target):
        self.target = target
        self.lock = threading.Lock()
        # A list of [separator, data].
        self.pieces = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
                threading.Thread(target=self.forward_requests, args=(client, server), daemon=True).start()

    def forward_requests(self, client, server):
        state = {}
        threading.Thread(target=self.forward_responses, args=(server, client, state), daemon=True).start()
        buffer = b""
        with contextlib.suppress(OSError, EOFError):
            while True:
                request, buffer = read_request(Tap(client, server, self, state), buffer)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def begin(self, method, state):
        with self.lock:
            state["piece"] = [NEXT_RESPONSE, b""]
            state["is_stream"] = method == b"GET"
            self.pieces.append(state["piece"])

    def forward_responses(self, server, client, state):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                with self.lock:
                    piece = state["piece"]
                    if state["is_stream"] and self.pieces[-1] is not piece:
                        piece = state["piece"] = [ON_STREAM, b""]
                        self.pieces.append(piece)
                    piece[1] += data
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    def script(self):
        with self.lock:
            return b"".join(separator + text for separator, text in self.pieces)[1:]


class Tap:
    """A connection whose requests are recorded and forwarded while they are read."""

    def __init__(self, client, server, recorder, state):
        self.client, self.server, self.recorder, self.state = client, server, recorder, state

    def recv(self, size):
        data = self.client.recv(size)
        if method := re.match(rb"(GET|POST|DELETE) ", data):
            self.recorder.begin(method[1], self.state)
        if data:
            self.server.sendall(data)
        return data


# --- Data that differs between runs -----------------------------------------------------------------------------------

REPLACED = [
    (rb"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", b"Thu, 01 Jan 2026 00:00:00 GMT"),
    (rb"\d{4}-\d\d-\d\d(?=[T ]\d\d:\d\d)", b"2026-01-01"),
    (rb"(?<=2026-01-01[T ])\d\d:\d\d:\d\d(\.\d+)?", b"00:00:00.000000000"),
    (rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", b"6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
    (rb"\b[0-9a-f]{32}\b", b"6f9619ff8b86d011b42d00cf4fc964ff"),
    (rb"\d{11,}", b"1" * 40),
]


def normalized(text, port):
    for pattern, replacement in REPLACED:
        text = re.sub(pattern, lambda found, by=replacement: by[: len(found[0])], text)
    return re.sub(rb"(?<=127.0.0.1:)%d" % port, b"1" * len(str(port)), text)


def write(target, name, seed):
    if len(seed) > LARGEST:
        print(f"{target}/{name}: not written, because {len(seed)} bytes exceed {LARGEST}")
        return
    (FUZZ / "seeds" / target).mkdir(exist_ok=True)
    (FUZZ / "seeds" / target / name).write_bytes(seed)
    print(f"{target}/{name}: {len(seed)} bytes")


# --- Scenarios --------------------------------------------------------------------------------------------------------


def fixture(action, server, state):
    command = [sys.executable, TESTS / "servers/fixture.py", action, server, "--state", state]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def record(scenario, state):
    fixture("start", scenario.server, state)
    try:
        url = re.search(r"http://127.0.0.1:(\d+)/\w+", (state / f"{scenario.server}.json").read_text())
        recorder = Recorder(("127.0.0.1", int(url[1])))
        path = "/sse" if "sse" in scenario.server else "/mcp"
        print(scenario.name, run(scenario, f"http://127.0.0.1:{recorder.port}{path}"))
        script = normalized(normalized(recorder.script(), recorder.port), int(url[1]))
    finally:
        fixture("stop", scenario.server, state)
    head = SETUPS[scenario.setup] + CALLS[scenario.call][0] + bytes([scenario.flags])
    write("client", scenario.name, head + script)
    messages = re.findall(rb'\{"(?:jsonrpc|id|result|method|error)".*\}', script)
    for message in messages[-2:-1]:
        write("json_rpc", scenario.name, message)
        write("json_value", scenario.name, b"/result/content/0/text\n" + message)
    for challenge in re.findall(rb"(?i)www-authenticate: ([^\r\n]*)", script)[:1]:
        write("www_authenticate", scenario.name, challenge)


def run(scenario, url):
    token = "wrong-token" if scenario.name.startswith("unauthorized") else "right-token"
    with Client(url, token, pin=PINS.get(scenario.setup)) as client:
        call(lib.mcp_set_transport, client.client, TRANSPORTS.get(scenario.setup, 0)).must_be("MCP_OK")
        if scenario.flags & HANDLERS:
            call(lib.mcp_set_elicitation, client.client, accept, None, None).must_be("MCP_OK")
        if scenario.flags & LOGS:
            call(lib.mcp_set_server_log, client.client, ignore_logged, None, None).must_be("MCP_OK")
        with options(timeout=TIMEOUT) as opts:
            call(lib.mcp_options_set_progress, opts, ignore_progress, None, None).must_be("MCP_OK")
            outcome = CALLS[scenario.call][1](client.client, opts, scenario.words)
        ping = client.ping(timeout=TIMEOUT)
        client.close(timeout=TIMEOUT)
        return outcome.status, ping.status


def record_stdio(name, state):
    """Records the output of a stdio server."""
    out = state / "output"
    words = [sys.executable, __file__, "--tee", str(out), *STDIO[name].command()]
    client = lib.mcp_client_new_stdio((c_char_p * (len(words) + 1))(*map(str.encode, words), None), None)
    with options(timeout=TIMEOUT) as opts:
        prompt = b"simple-prompt" if name.startswith("everything") else b"greet"
        outcome = CALLS["prompt"][1](client, opts, (prompt, b"{}"))
        print(name, outcome.status, call(lib.mcp_ping, client, opts).status)
    call(lib.mcp_client_close, client, None)
    lib.mcp_client_free(client)
    output = normalized(out.read_bytes(), 0)
    # The target waits for the response to request 7.
    last = output.rfind(b'"id":')
    output = output[:last] + re.sub(rb'"id":\d+', b'"id":7', output[last:])
    write("stdio_lines", name, b"\xff" + output)


def main():
    words = sys.argv[2:] or [""]
    state = Path(tempfile.mkdtemp())
    try:
        for scenario in SCENARIOS:
            if any(word in scenario.name for word in words):
                record(scenario, state)
        for name in STDIO:
            if any(word in name for word in words):
                record_stdio(name, state)
    finally:
        shutil.rmtree(state)


main()
