"""Shared by the tests of tasks, changes, caching, configuration and processes, in addition to the harness: declarations
of library functions, and clients of stdio servers."""

import contextlib
import ctypes
import json
import os
import sys
import tempfile
import textwrap
import threading
from ctypes import (
    CFUNCTYPE, POINTER, byref, c_bool, c_char_p, c_double, c_int, c_int32, c_size_t, c_uint32, c_uint64, c_void_p,
)  # fmt: skip
from pathlib import Path

from harness import ERROR, LOG, PATIENCE, Background, Client, call, declare, event, lib, options

OUT = POINTER(c_void_p)
INPUT = CFUNCTYPE(None, c_void_p, c_void_p)
PROGRESS = CFUNCTYPE(c_bool, c_void_p, c_double, c_double, c_char_p)

declare(None, mcp_json_free=[c_void_p])
declare(c_char_p, mcp_tool_result_task_id=[c_void_p], mcp_input_method=[c_void_p])
declare(c_void_p, mcp_client_new_stdio=[POINTER(c_char_p), ERROR], mcp_input_params=[c_void_p])
declare(c_void_p, mcp_client_new_from_config=[c_char_p, c_char_p, ERROR])
declare(c_int, mcp_config_names=[c_char_p, OUT, ERROR], mcp_config_servers=[c_char_p, OUT, ERROR])
declare(c_int, mcp_server_info=[c_void_p, c_void_p, OUT, ERROR])
for setter in ("mcp_set_environment", "mcp_set_header"):
    declare(c_int, **{setter: [c_void_p, c_char_p, c_char_p, ERROR]})
for setter in ("mcp_set_working_directory", "mcp_set_stderr_file", "mcp_set_bearer"):
    declare(c_int, **{setter: [c_void_p, c_char_p, ERROR]})
declare(c_int, mcp_set_cache=[c_void_p, c_bool, ERROR], mcp_set_limit=[c_void_p, c_int32, c_uint64, ERROR])
declare(c_int, mcp_set_elicitation=[c_void_p, INPUT, c_void_p, c_void_p, ERROR])
declare(c_bool, mcp_input_is_over=[c_void_p])
declare(c_int, mcp_input_accept=[c_void_p, c_char_p, c_size_t, ERROR])
declare(c_int, mcp_options_set_progress=[c_void_p, PROGRESS, c_void_p, c_void_p, ERROR])
declare(c_int, mcp_options_set_header=[c_void_p, c_char_p, c_char_p, ERROR])
for function in ("mcp_list_tools", "mcp_list_prompts", "mcp_list_resources", "mcp_list_resource_templates"):
    declare(c_int, **{function: [c_void_p, c_void_p, OUT, ERROR]})
for function in ("mcp_call_tool", "mcp_call_tool_as_task"):
    declare(c_int, **{function: [c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, OUT, ERROR]})
for function in ("mcp_get_task", "mcp_wait_task", "mcp_read_resource", "mcp_list_tools_page"):
    declare(c_int, **{function: [c_void_p, c_char_p, c_void_p, OUT, ERROR]})
declare(c_int, mcp_cancel_task=[c_void_p, c_char_p, c_void_p, ERROR])
declare(c_int, mcp_update_task=[c_void_p, c_char_p, c_char_p, c_size_t, c_void_p, ERROR])


def value_of(document):
    """A JSON value of the library, converted to a Python object; None if there is none."""
    length = c_size_t()
    raw = lib.mcp_json_raw(document, byref(length))
    return json.loads(ctypes.string_at(raw, length.value)) if raw else None


def fetched(function, client, *arguments, told=None, headers=None, **limits):
    """Calls a function that returns a JSON document. Returns the outcome, with the document as `value`.

    Progress notifications are appended to the list `told`. `headers` are sent with this call only.
    """
    document = c_void_p()
    progress = PROGRESS(lambda _data, step, _total, text: told.append((step, (text or b"").decode())) or True)
    with options(**limits) as opts:
        if told is not None:
            call(lib.mcp_options_set_progress, opts, progress, None, None).must_be("MCP_OK")
        for name, value in (headers or {}).items():
            call(lib.mcp_options_set_header, opts, name.encode(), value.encode()).must_be("MCP_OK")
        outcome = call(function, client.client, *arguments, opts, byref(document))
    outcome.value = value_of(document)
    lib.mcp_json_free(document)
    assert (outcome.status == "MCP_OK") == (outcome.value is not None), outcome
    return outcome


def call_tool(client, name="t", arguments=None, function=lib.mcp_call_tool, **limits):
    text = None if arguments is None else json.dumps(arguments).encode()
    return fetched(function, client, name.encode(), text, len(text or b""), **limits)


def start_tool(client, name="t", arguments=None, **limits):
    return call_tool(client, name, arguments, lib.mcp_call_tool_as_task, **limits)


def wait_task(client, task, **limits):
    return fetched(lib.mcp_wait_task, client, task.encode(), **limits)


def listed(client, **limits):
    return fetched(lib.mcp_list_tools, client, **limits)


def elicits(client, content):
    """Sets a handler that accepts every elicitation with `content`. Returns the list to which it appends their
    parameters."""
    asked = []
    text = json.dumps(content).encode()

    def answer_input(_data, input_request):
        asked.append(value_of(lib.mcp_input_params(input_request)))
        call(lib.mcp_input_accept, input_request, text, len(text)).must_be("MCP_OK")

    client.handler = INPUT(answer_input)
    call(lib.mcp_set_elicitation, client.client, client.handler, None, None).must_be("MCP_OK")
    return asked


class Made(Client):
    """A client whose handle was created by another function than mcp_client_new."""

    def __init__(self, handle):
        assert handle, "the client was not created"
        self.lines, self.begun, self.on_line = [], [], None
        self.client, self.log = handle, LOG(self.take_line)
        call(lib.mcp_set_log, self.client, self.log, None, None).must_be("MCP_OK")


# The beginning of every server script: `ask()` reads the next request, `reply` sends its response, and `begin` responds
# to `server/discover` or `initialize`.
PRELUDE = """
import json, os, signal, sys, time
def say(text): sys.stdout.write(text); sys.stdout.flush()
def send(message): say(json.dumps({"jsonrpc": "2.0"} | message) + "\\n")
def ask():
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message and "method" in message: return message
    sys.exit(0)
def reply(request, result): send({"id": request["id"], "result": result})
def begin(request=None):
    request = request or ask()
    if request["method"] == "initialize": reply(request, {"protocolVersion": "2025-11-25", "capabilities": {}})
    else: reply(request, {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {}})
def serve():
    while True: begin(ask())
"""

# Functions of servers that send requests, for use after PRELUDE: `question` sends an elicitation request,
# `begin_legacy` responds to the handshake of a legacy session, and `listen()` reads the next message, which can be a
# response.
ASKING = """
import threading
def listen(): return json.loads(sys.stdin.readline())
def question(number):
    params = {"message": str(number), "requestedSchema": {"type": "object", "properties": {}}}
    send({"id": number, "method": "elicitation/create", "params": params})
def begin_legacy():
    request = ask()
    if request["method"] == "server/discover":
        send({"id": request["id"], "error": {"code": -32601, "message": "unknown"}}); request = ask()
    begin(request); json.loads(sys.stdin.readline())
"""


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def argv_of(script, *arguments):
    return [sys.executable, "-c", PRELUDE + textwrap.dedent(script), *map(str, arguments)]


def process_of(argv):
    array = (c_char_p * (len(argv) + 1))(*(os.fsencode(word) for word in argv), None)
    return Made(lib.mcp_client_new_stdio(ctypes.cast(array, POINTER(c_char_p)), None))


def process(script, *arguments):
    """A client of a stdio server that runs PRELUDE and then the script."""
    return process_of(argv_of(script, *arguments))


# --- Listening --------------------------------------------------------------------------------------------------------

CHANGE = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
declare(c_int, mcp_listen=[c_void_p, c_uint32, POINTER(c_char_p), CHANGE, c_void_p, c_void_p, c_void_p, ERROR])

TOOLS, PROMPTS, RESOURCES = 1, 2, 4


class Listener(Background):
    """Runs mcp_listen on a separate thread, for `changes` and `uris`. `heard` has the received notifications, as pairs
    of method and parameters."""

    def __init__(self, client, changes=TOOLS, uris=(), **limits):
        self.heard, self.told = [], threading.Condition()
        array = (c_char_p * (len(uris) + 1))(*(uri.encode() for uri in uris), None)
        self.change = CHANGE(self.take)

        def listen():
            with options(**limits) as opts:
                uris = ctypes.cast(array, POINTER(c_char_p))
                return call(lib.mcp_listen, client.client, changes, uris, self.change, None, None, opts)

        super().__init__(listen)
        client.begun.append(self)

    def take(self, _data, method, params):
        with self.told:
            self.heard.append((method.decode().removeprefix("notifications/"), value_of(params)))
            self.told.notify_all()

    def must_hear(self, *methods, within=PATIENCE):
        with self.told:
            self.told.wait_for(lambda: len(self.heard) >= len(methods), within)
        assert [method for method, _ in self.heard] == list(methods), self.heard


def notice(method, **params):
    return {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params}


def acknowledged(request, granted=None):
    """The first event of a subscription: its acknowledgement."""
    granted = request.message["params"]["notifications"] if granted is None else granted
    meta = {"io.modelcontextprotocol/subscriptionId": request.message["id"]}
    return event(notice("subscriptions/acknowledged", notifications=granted, _meta=meta))
