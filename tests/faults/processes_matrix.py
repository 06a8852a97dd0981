"""Server processes that cannot be started, exit, hang, do not read, or write invalid output."""

import json
import signal

from children import child_row
from matrix import run

# How long a call may take that starts a process (two processes, if the first one dies during the first request), and a
# call that transfers 100 MB, in milliseconds.
START_MS, LARGE_MS = 1500, 10_000

# After a server has exited or closed its stdout, the client reads remaining output for 200 ms.
LAST_OUTPUT_MS = 500

# MCP_LIMIT_EVENT
EVENT_LIMIT = 3
SMALL_LIMIT = [(EVENT_LIMIT, 1 << 20)]

WAITING = ("timeout of 300 ms", "while waiting for the server's response")
BIG = json.dumps({"x": "y" * (4 << 20)})


# --- The server cannot be started -------------------------------------------------------------------------------------


def no_interpreter(link):
    link.write_text("#!/nowhere/at/all\n")
    link.chmod(0o755)


def not_executable(link):
    link.write_text("#!/bin/sh\n")
    link.chmod(0o644)


def spawn_row(name, words, replace_program):
    child_row(name, "MCP_PROCESS_FAILED", ("cannot be started", words), replace_program=replace_program)


spawn_row("program does not exist", "does not exist", lambda _: None)
spawn_row("program is not executable", "is not executable", not_executable)
spawn_row("program is a directory", "is a directory", lambda link: link.symlink_to("/"))
spawn_row("interpreter of the program does not exist", "the interpreter", no_interpreter)


# --- The server exits -------------------------------------------------------------------------------------------------

GRANDCHILD = """
pid = os.fork()
if pid == 0: time.sleep(100)
record_pid(pid, "others")
"""


def start_exit_row(name, words, code):
    child_row(name, "MCP_PROCESS_FAILED", words, at_start=code, max_ms=START_MS)


def exit_row(name, words, code, **arguments):
    child_row(name, "MCP_PROCESS_FAILED", words, fault=code, max_ms=LAST_OUTPUT_MS, **arguments)


start_exit_row("child exits at start", "exited with status 3", "sys.exit(3)")
usage = "print('usage: server', file=sys.stderr); sys.exit(2)"
start_exit_row("child exits at start with a message on stderr", ("exited with status 2", "usage: server"), usage)
start_exit_row("child is killed by a signal at start", "signal 11", "os.kill(os.getpid(), signal.SIGSEGV)")
start_exit_row("child exits at the first request", "exited with status 0", "read_request(); sys.exit(0)")
start_exit_row("child forks and exits at start", "exited with status 4", GRANDCHILD + "os._exit(4)")

exit_row("child exits during a call", "exited with status 7", "os._exit(7)")
exit_row("child is killed by SIGKILL during a call", "signal 9", "os.kill(os.getpid(), signal.SIGKILL)")
exit_row("child aborts during a call", "signal 6", "os.abort()")
token_on_stderr = """
print("the token is", os.environ["TOKEN"], file=sys.stderr)
print("that is all", file=sys.stderr)
sys.exit(9)
"""
exit_row("child writes the token to stderr and exits", ("exited with status 9", "that is all"), token_on_stderr)
exit_row("grandchild keeps the pipes open", "exited with status 5", GRANDCHILD + "os._exit(5)")
half_line = """write('{"jsonrpc": "2.0", "id"'); """
exit_row("child exits after half a line", "exited with status 4", half_line + "os._exit(4)")
exit_row("child closes its stdout and keeps running", "closed its stdout", "os.close(1); read_request()")
# This server cannot receive anything: neither this call nor any later call may wait for a response.
exit_row(
    "child closes its stdin and keeps running",
    "stdin",
    "os.close(0); respond(request); time.sleep(100)",
    calls_before=1,
)
child_row(
    "child is killed between calls", "MCP_OK", fault="respond(request)", start_signal=signal.SIGKILL, max_ms=START_MS
)
child_row("child responds and exits", "MCP_OK", fault="respond(request); os._exit(0)", exits=True)


# --- The server does not exit, or does not respond --------------------------------------------------------------------

ignores_sigterm = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pid = os.fork()
record_pid(pid or os.getpid())
os.close(1)
while True: time.sleep(1)
"""
STOPPED = {"start_signal": signal.SIGSTOP, "end_signal": signal.SIGCONT}


def timeout_row(name, **arguments):
    child_row(name, "MCP_TIMEOUT", WAITING, timeout=300, **arguments)


exit_row("child and grandchild ignore SIGTERM", "closed its stdout", ignores_sigterm)
timeout_row("child never responds", fault="pass")
timeout_row("child is stopped by SIGSTOP", **STOPPED)
timeout_row("child does not read a large request", arguments=BIG, **STOPPED)
timeout_row("half a line, then no more output", fault=half_line + "read_request()", end_signal=signal.SIGKILL)
timeout_row("only a response with a wrong id", fault="send({'id': request['id'] + 1000, 'result': {}})")
timeout_row("response after the timeout", fault="read_request(); respond(request); respond(request)")
timeout_row("endless garbage on stdout", fault=r"while fault_active(): write('garbage ' * 100 + '\n')")
timeout_row("endless notifications", fault="while fault_active(): write(NOTIFICATION * 10)")
timeout_row("endless output on stderr", fault=r"while fault_active(): os.write(2, b'x' * 999 + b'\n')")


# --- Output in addition to the response -------------------------------------------------------------------------------


def extra_output_row(name, code, **arguments):
    child_row(name, "MCP_OK", fault=code + "\nrespond(request)", **arguments)


byte_by_byte = """
global write
write_all = write
def write(data):
    for byte in data.encode(): write_all(bytes([byte]))
"""
pings = r"""
for number in range(5000): write('{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % number)
"""
SLOW = {"max_ms": LARGE_MS, "repeats": 1}

extra_output_row("garbage on stdout, then the response", r"write('Welcome!\n\n  \nlog: x\n')")
extra_output_row("NUL and invalid UTF-8 on stdout, then the response", r"write(b'\0\0\n\xff\xfe\n')")
extra_output_row("response sent byte by byte", byte_by_byte, max_ms=LARGE_MS)
extra_output_row("2,000 empty lines, then the response", r"write('\n' * 2000)", max_ms=START_MS)
extra_output_row(
    "2,000 notifications, then the response", "for _ in range(20): write(NOTIFICATION * 100)", max_ms=START_MS
)
extra_output_row("response with a wrong id, then the response", "send({'id': request['id'] + 1000, 'result': {}})")
extra_output_row("response sent twice", "respond(request)")
extra_output_row("100 MB on stderr in lines", r"for _ in range(1600): os.write(2, b'x' * 65535 + b'\n')", **SLOW)
extra_output_row("100 MB on stderr in one line", "for _ in range(1600): os.write(2, b'x' * 65536)", **SLOW)
extra_output_row("5,000 pings from a child that does not read", pings, **SLOW)


# --- Invalid output instead of the response ---------------------------------------------------------------------------


def invalid_output_row(name, expected, words, code, **arguments):
    child_row(name, expected, words, fault=code, **arguments)


nul_byte = r"""write(b'{"jsonrpc":"2.0",\0"id":%d,"result":{}}\n' % request["id"])"""
invalid_utf8 = r"""write(b'{"jsonrpc":"2.0","id":%d,"result":{"x":"\xff"}}\n' % request["id"])"""
no_id = "send({'id': None, 'error': {'code': -32600, 'message': 'no'}})"
limit_words = "larger than 1048576 bytes"
gigabyte = r"""
part = b'x' * (1 << 20)
write('{')
for _ in range(1024): write(part)
write('\n')
"""

invalid_output_row("incomplete JSON", "MCP_INVALID_JSON", "JSON", r"""write('{"jsonrpc":"2.0",\n')""")
invalid_output_row("NUL in the response", "MCP_INVALID_JSON", "JSON", nul_byte)
invalid_output_row("invalid UTF-8 in the response", "MCP_INVALID_JSON", "utf-8", invalid_utf8)
invalid_output_row(
    "JSON object that is not a message", "MCP_TIMEOUT", "hello", r"""write('{"hello": 1}\n')""", timeout=300
)
invalid_output_row(
    "JSON log line, then the response", "MCP_OK", (), r"""write('{"level": 30}\n[INFO] x\n'); respond(request)"""
)
invalid_output_row(
    "invalid JSON-RPC message",
    "MCP_INVALID_MESSAGE",
    "message",
    r"""write('{"jsonrpc":"2.0","id":%d}\n' % request["id"])""",
)
invalid_output_row("error without an id", "MCP_RPC_ERROR", "-32600", no_id)
invalid_output_row(
    "line longer than the limit",
    "MCP_TOO_LARGE",
    limit_words,
    r"write('{' + 'x' * (2 << 20) + '\n')",
    limits=SMALL_LIMIT,
)
invalid_output_row(
    "endless line", "MCP_TOO_LARGE", limit_words, "while fault_active(): write('{' * 65536)", limits=SMALL_LIMIT
)
invalid_output_row("line of 1 GB", "MCP_TOO_LARGE", "larger than 67108864 bytes", gigabyte, **SLOW)

if __name__ == "__main__":
    run()
