"""Record what real servers say, as seeds: record.py LIBRARY [WORD...]    only scenes that hold a word

The client of ../src/fuzzing/client.rs, through ctypes, makes its calls on the servers of ../tests/servers; a proxy in
between notes the answers in the form in which that target serves them again. What depends on the time, the machine or
the run is replaced by something of the same length. The bodies of the answers are seeds for json_rpc and json_value as
well, challenges for www_authenticate, and what a process says for stdio_lines.
"""

import contextlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from ctypes import CFUNCTYPE, POINTER, byref, c_char_p, c_double, c_int32, c_size_t, c_uint32, c_void_p
from dataclasses import dataclass
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
TESTS = FUZZ.parent / "tests"

if sys.argv[1] == "--tee":
    # A server as a process, which records itself.
    with open(sys.argv[2], "wb") as out, subprocess.Popen(sys.argv[3:], stdout=subprocess.PIPE) as server:
        for said in server.stdout:
            out.write(said)
            sys.stdout.buffer.write(said)
            sys.stdout.buffer.flush()
    raise SystemExit

sys.path += [str(TESTS / "hostile"), str(TESTS / "servers")]

from harness import Client, call, declare, lib, options, read_request  # noqa: E402
from kinds import KINDS, STDIO  # noqa: E402

LARGEST = 4096
ON_STREAM, NEXT_ANSWER = b"\x1e", b"\x1d"
TIMEOUT = 10_000

# --- The library ------------------------------------------------------------------------------------------------------

PROGRESS = CFUNCTYPE(None, c_void_p, c_double, c_double, c_char_p)
INPUT = CFUNCTYPE(None, c_void_p, c_void_p)
LOGGED = CFUNCTYPE(None, c_void_p, c_void_p)
CHANGE = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
RESULT = [c_void_p, POINTER(c_void_p), c_void_p]
declare(c_void_p, mcp_client_new_stdio=[POINTER(c_char_p), c_void_p])
declare(
    c_int32,
    mcp_set_transport=[c_void_p, c_int32, c_void_p],
    mcp_set_elicitation=[c_void_p, INPUT, c_void_p, c_void_p, c_void_p],
    mcp_set_logging=[c_void_p, LOGGED, c_void_p, c_void_p, c_void_p],
    mcp_options_set_progress=[c_void_p, PROGRESS, c_void_p, c_void_p, c_void_p],
    mcp_input_accept=[c_void_p, c_char_p, c_size_t, c_void_p],
    mcp_list_tools=[c_void_p, *RESULT],
    mcp_call_tool=[c_void_p, c_char_p, c_char_p, c_size_t, *RESULT],
    mcp_listen=[c_void_p, c_uint32, POINTER(c_char_p), CHANGE, c_void_p, c_void_p, c_void_p],
    mcp_read_resource=[c_void_p, c_char_p, *RESULT],
    mcp_complete_prompt=[c_void_p, c_char_p, c_char_p, c_char_p, c_char_p, *RESULT],
    mcp_server_info=[c_void_p, *RESULT],
    mcp_get_prompt=[c_void_p, c_char_p, c_char_p, c_size_t, *RESULT],
    mcp_set_logging_level=[c_void_p, c_char_p, c_void_p, c_void_p],
)
NUL_TERMINATED = c_size_t(-1).value
ignore_progress = PROGRESS(lambda *_: None)
ignore_logged = LOGGED(lambda *_: None)
accept = INPUT(lambda _, asked: lib.mcp_input_accept(asked, None, 0, None) and None)

# The bytes that choose a call in the target, and the call.
CALLS = {
    "ping": (b"0", lambda client, given, _: call(lib.mcp_ping, client, given)),
    "tools": (b"1", lambda client, given, _: result(lib.mcp_list_tools, client, given)),
    "tool": (b"2", lambda client, given, words: result(lib.mcp_call_tool, client, *words, NUL_TERMINATED, given)),
    "listen": (b"3", lambda client, given, words: listen(client, given, words)),
    "resource": (b"4", lambda client, given, words: result(lib.mcp_read_resource, client, *words, given)),
    "complete": (b"5", lambda client, given, words: result(lib.mcp_complete_prompt, client, *words, None, given)),
    "info": (b"6", lambda client, given, _: result(lib.mcp_server_info, client, given)),
    "prompt": (b"8", lambda client, given, words: result(lib.mcp_get_prompt, client, *words, NUL_TERMINATED, given)),
    "level": (b":", lambda client, given, words: call(lib.mcp_set_logging_level, client, *words, given)),
}


def result(function, client, *arguments):
    value = c_void_p()
    outcome = call(function, client, *arguments, byref(value))
    lib.mcp_json_free(value)
    return outcome


def listen(client, given, words):
    """Until a first change comes, which a tool of the server makes."""
    change = CHANGE(lambda *_: lib.mcp_cancel_trigger(words[0]))
    return call(lib.mcp_listen, client, 7, None, change, None, given)


# The byte that chooses a set-up: the path, the pinned version and the transport.
SETUPS = {"auto": b"0", "modern": b"1", "legacy": b"2", "older": b"3", "sse": b"4", "sse-url": b"5"}
PINS = {"modern": "2026-07-28", "legacy": "2025-11-25", "older": "2025-03-26"}
TRANSPORTS = {"older": 1, "sse": 2}

# Flags: handlers for what servers ask, a hook for their logs, and a cache.
PLAIN, HANDLERS, LOGS, CACHE = 0, 0x10, 0x20, 0x40


@dataclass
class Scene:
    name: str
    server: str
    setup: str
    call: str
    words: tuple = ()
    flags: int = PLAIN


SCENES = [
    Scene("modern-ping", "features-fastmcp4", "auto", "ping"),
    Scene("modern-resource", "features-sdk2", "modern", "resource", (b"memo://text",), CACHE),
    Scene("modern-complete", "features-fastmcp4", "modern", "complete", (b"explain", b"topic", b"r")),
    Scene("legacy-ping", "features-fastmcp2", "auto", "ping"),
    Scene("legacy-tool", "features-fastmcp3", "legacy", "tool", (b"count", b'{"steps":2}')),
    Scene("legacy-input", "features-fastmcp2", "older", "tool", (b"ask_name", b"{}"), HANDLERS),
    Scene("legacy-level", "features-fastmcp3", "legacy", "level", (b"info",), LOGS),
    Scene("legacy-prompt", "features-fastmcp2", "auto", "prompt", (b"greet", b"{}")),
    Scene("sse-ping", "features-fastmcp4-sse", "sse-url", "ping"),
    Scene("sse-tool", "features-sdk2-sse", "sse", "tool", (b"count", b'{"steps":2}')),
    Scene("sse-resource", "features-sdk2-sse", "sse-url", "resource", (b"memo://text",)),
    Scene("unauthorized", "fastmcp4-static", "auto", "ping"),
    Scene("unauthorized-sdk", "sdk2", "legacy", "info"),
]


# --- The proxy --------------------------------------------------------------------------------------------------------


class Recorder:
    """Passes everything on, and notes the answers in the order of the requests."""

    def __init__(self, target):
        self.target = target
        self.lock = threading.Lock()
        # Lists of what stands before a piece, and the piece.
        self.pieces = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
                threading.Thread(target=self.pass_on, args=(client, server), daemon=True).start()

    def pass_on(self, client, server):
        own = {}
        threading.Thread(target=self.note, args=(server, client, own), daemon=True).start()
        buffer = b""
        with contextlib.suppress(OSError, EOFError):
            while True:
                request, buffer = read_request(Tap(client, server, self, own), buffer)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def begin(self, method, own):
        with self.lock:
            own["piece"] = [NEXT_ANSWER, b""]
            own["is_stream"] = method == b"GET"
            self.pieces.append(own["piece"])

    def note(self, server, client, own):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                with self.lock:
                    piece = own["piece"]
                    if own["is_stream"] and self.pieces[-1] is not piece:
                        piece = own["piece"] = [ON_STREAM, b""]
                        self.pieces.append(piece)
                    piece[1] += data
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    def script(self):
        with self.lock:
            return b"".join(separator + text for separator, text in self.pieces)[1:]


class Tap:
    """A connection whose requests are noted and passed on while they are read."""

    def __init__(self, client, server, recorder, own):
        self.client, self.server, self.recorder, self.own = client, server, recorder, own

    def recv(self, size):
        data = self.client.recv(size)
        if method := re.match(rb"(GET|POST|DELETE) ", data):
            self.recorder.begin(method[1], self.own)
        if data:
            self.server.sendall(data)
        return data


# --- What differs from run to run -------------------------------------------------------------------------------------

REPLACED = [
    (rb"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", b"Thu, 01 Jan 2026 00:00:00 GMT"),
    (rb"\d{4}-\d\d-\d\d(?=[T ]\d\d:\d\d)", b"2026-01-01"),
    (rb"(?<=2026-01-01[T ])\d\d:\d\d:\d\d(\.\d+)?", b"00:00:00.000000000"),
    (rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", b"6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
    (rb"\b[0-9a-f]{32}\b", b"6f9619ff8b86d011b42d00cf4fc964ff"),
    (rb"\d{11,}", b"1" * 40),
]


def timeless(text, port):
    for pattern, replacement in REPLACED:
        text = re.sub(pattern, lambda found, by=replacement: by[: len(found[0])], text)
    return re.sub(rb"(?<=127.0.0.1:)%d" % port, b"1" * len(str(port)), text)


def write(target, name, seed):
    if len(seed) > LARGEST:
        print(f"{target}/{name}: {len(seed)} bytes are too many")
        return
    (FUZZ / "seeds" / target).mkdir(exist_ok=True)
    (FUZZ / "seeds" / target / name).write_bytes(seed)
    print(f"{target}/{name}: {len(seed)} bytes")


# --- Scenes -----------------------------------------------------------------------------------------------------------


def fixture(action, server, state):
    command = [sys.executable, TESTS / "servers/fixture.py", action, server, "--state", state]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def play(scene, state):
    fixture("start", scene.server, state)
    try:
        url = re.search(r"http://127.0.0.1:(\d+)/\w+", (state / f"{scene.server}.json").read_text())
        recorder = Recorder(("127.0.0.1", int(url[1])))
        path = "/sse" if "sse" in scene.server else "/mcp"
        print(scene.name, run(scene, f"http://127.0.0.1:{recorder.port}{path}"))
        script = timeless(timeless(recorder.script(), recorder.port), int(url[1]))
    finally:
        fixture("stop", scene.server, state)
    chosen = SETUPS[scene.setup] + CALLS[scene.call][0] + bytes([scene.flags])
    write("client", scene.name, chosen + script)
    messages = re.findall(rb'\{"(?:jsonrpc|id|result|method|error)".*\}', script)
    for message in messages[-2:-1]:
        write("json_rpc", scene.name, message)
        write("json_value", scene.name, b"/result/content/0/text\n" + message)
    for challenge in re.findall(rb"(?i)www-authenticate: ([^\r\n]*)", script)[:1]:
        write("www_authenticate", scene.name, challenge)


def run(scene, url):
    token = "wrong-token" if scene.name.startswith("unauthorized") else "right-token"
    with Client(url, token, pin=PINS.get(scene.setup)) as client:
        call(lib.mcp_set_transport, client.client, TRANSPORTS.get(scene.setup, 0)).must_be("MCP_OK")
        if scene.flags & HANDLERS:
            call(lib.mcp_set_elicitation, client.client, accept, None, None).must_be("MCP_OK")
        if scene.flags & LOGS:
            call(lib.mcp_set_logging, client.client, ignore_logged, None, None).must_be("MCP_OK")
        with options(timeout=TIMEOUT) as given:
            call(lib.mcp_options_set_progress, given, ignore_progress, None, None).must_be("MCP_OK")
            outcome = CALLS[scene.call][1](client.client, given, scene.words)
        again = client.ping(timeout=TIMEOUT)
        client.close(timeout=TIMEOUT)
        return outcome.status, again.status


def say(name, state):
    """What a server that is a process says."""
    out = state / "said"
    words = [sys.executable, __file__, "--tee", str(out), *STDIO[name].command()]
    client = lib.mcp_client_new_stdio((c_char_p * (len(words) + 1))(*map(str.encode, words), None), None)
    with options(timeout=TIMEOUT) as given:
        prompt = b"simple-prompt" if name.startswith("everything") else b"greet"
        asked = CALLS["prompt"][1](client, given, (prompt, b"{}"))
        print(name, asked.status, call(lib.mcp_ping, client, given).status)
    call(lib.mcp_client_close, client, None)
    lib.mcp_client_free(client)
    said = timeless(out.read_bytes(), 0)
    # The target waits for the answer to request 7.
    last = said.rfind(b'"id":')
    said = said[:last] + re.sub(rb'"id":\d+', b'"id":7', said[last:])
    write("stdio_lines", name, b"\xff" + said)


def main():
    words = sys.argv[2:] or [""]
    state = Path(tempfile.mkdtemp())
    try:
        for scene in SCENES:
            if any(word in scene.name for word in words):
                play(scene, state)
        for name in STDIO:
            if any(word in name for word in words):
                say(name, state)
    finally:
        shutil.rmtree(state)


main()
