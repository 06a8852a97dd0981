"""Servers that are processes: they cannot be started, die, or say and read what they should not, or nothing."""

import json
import signal

from children import child_row
from matrix import run

# A process is started, and where it died in the first request, two; and how long a row takes that moves 100 MB.
START, LARGE = 1500, 10_000

# A server that has ended, or closed its stdout, may have said something that has not been read yet: 200 ms.
LAST_WORDS = 500

# Of mcp_set_limit.
EVENT = 3
LIMITED = [(EVENT, 1 << 20)]

WAITED = ("timeout of 300 ms", "while waiting for the server's answer")
BIG = json.dumps({"x": "y" * (4 << 20)})


# --- It cannot be started ---------------------------------------------------------------------------------------------


def no_interpreter(link):
    link.write_text("#!/nowhere/at/all\n")
    link.chmod(0o755)


def not_executable(link):
    link.write_text("#!/bin/sh\n")
    link.chmod(0o644)


def start_row(name, words, program):
    child_row(name, "MCP_PROCESS_FAILED", ("cannot be started", words), program=program)


start_row("child does not exist", "does not exist", lambda _: None)
start_row("child is not executable", "is not executable", not_executable)
start_row("child is a folder", "is a folder", lambda link: link.symlink_to("/"))
start_row("child's interpreter does not exist", "the interpreter", no_interpreter)


# --- It ends ----------------------------------------------------------------------------------------------------------

GRANDCHILD = """
pid = os.fork()
if pid == 0: time.sleep(100)
note(pid, "others")
"""


def begin_row(name, words, code):
    child_row(name, "MCP_PROCESS_FAILED", words, begin=code, max_ms=START)


def end_row(name, words, code, **given):
    child_row(name, "MCP_PROCESS_FAILED", words, fault=code, max_ms=LAST_WORDS, **given)


begin_row("child exits at once", "exited with status 3", "sys.exit(3)")
usage = "print('usage: server', file=sys.stderr); sys.exit(2)"
begin_row("child exits at once and says why", ("exited with status 2", "usage: server"), usage)
begin_row("child dies at once by a signal", "signal 11", "os.kill(os.getpid(), signal.SIGSEGV)")
begin_row("child exits at the first request", "exited with status 0", "ask(); sys.exit(0)")
begin_row("child forks and exits at once", "exited with status 4", GRANDCHILD + "os._exit(4)")

end_row("child exits in a call", "exited with status 7", "os._exit(7)")
end_row("child dies by SIGKILL in a call", "signal 9", "os.kill(os.getpid(), signal.SIGKILL)")
end_row("child aborts in a call", "signal 6", "os.abort()")
last_words = """
print("the token is", os.environ["TOKEN"], file=sys.stderr)
print("that is all", file=sys.stderr)
sys.exit(9)
"""
end_row("child's last words hold the token", ("exited with status 9", "that is all"), last_words)
end_row("grandchild keeps the pipes open", "exited with status 5", GRANDCHILD + "os._exit(5)")
half = """say('{"jsonrpc": "2.0", "id"'); """
end_row("child exits in the middle of a line", "exited with status 4", half + "os._exit(4)")
end_row("child closes its stdout and lives", "closed its stdout", "os.close(1); ask()")
# Nothing that is said to this server will ever arrive: to wait for an answer would be in vain, now and in every later call.
end_row("child closes its stdin and lives", "stdin", "os.close(0); well(request); time.sleep(100)", before=1)
child_row("child dies between calls", "MCP_OK", fault="well(request)", sent=signal.SIGKILL, max_ms=START)
child_row("child answers and exits", "MCP_OK", fault="well(request); os._exit(0)", ends=True)


# --- It does not end, or not answer -----------------------------------------------------------------------------------

stubborn = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pid = os.fork()
note(pid or os.getpid())
os.close(1)
while True: time.sleep(1)
"""
STOPPED = {"sent": signal.SIGSTOP, "healed": signal.SIGCONT}


def wait_row(name, **given):
    child_row(name, "MCP_TIMEOUT", WAITED, timeout=300, **given)


end_row("child and grandchild ignore SIGTERM", "closed its stdout", stubborn)
wait_row("child never answers", fault="pass")
wait_row("child is stopped", **STOPPED)
wait_row("child reads nothing of a large request", arguments=BIG, **STOPPED)
wait_row("half a line, then nothing", fault=half + "ask()", healed=signal.SIGKILL)
wait_row("an answer with a wrong id only", fault="send({'id': request['id'] + 1000, 'result': {}})")
wait_row("the answer after the call was given up", fault="ask(); well(request); well(request)")
wait_row("garbage for ever", fault=r"while broken(): say('garbage ' * 100 + '\n')")
wait_row("notifications for ever", fault="while broken(): say(NOTIFICATION * 10)")
wait_row("stderr for ever", fault=r"while broken(): os.write(2, b'x' * 999 + b'\n')")


# --- It says more than the answer -------------------------------------------------------------------------------------


def said_row(name, code, **given):
    child_row(name, "MCP_OK", fault=code + "\nwell(request)", **given)


byte_by_byte = """
global say
whole = say
def say(data):
    for byte in data.encode(): whole(bytes([byte]))
"""
pings = r"""
for number in range(5000): say('{"jsonrpc":"2.0","id":%d,"method":"ping"}\n' % number)
"""
SLOW = {"max_ms": LARGE, "repeats": 1}

said_row("garbage on stdout, then the answer", r"say('Welcome!\n\n  \nlog: x\n')")
said_row("NUL and invalid UTF-8 on stdout, then the answer", r"say(b'\0\0\n\xff\xfe\n')")
said_row("the answer, byte by byte", byte_by_byte, max_ms=LARGE)
said_row("2,000 empty lines, then the answer", r"say('\n' * 2000)", max_ms=START)
said_row("2,000 notifications, then the answer", "for _ in range(20): say(NOTIFICATION * 100)", max_ms=START)
said_row("an answer with a wrong id, then the answer", "send({'id': request['id'] + 1000, 'result': {}})")
said_row("the answer twice", "well(request)")
said_row("100 MB on stderr in lines", r"for _ in range(1600): os.write(2, b'x' * 65535 + b'\n')", **SLOW)
said_row("100 MB on stderr in one line", "for _ in range(1600): os.write(2, b'x' * 65536)", **SLOW)
said_row("5,000 pings of a child that reads nothing", pings, **SLOW)


# --- It says something else than the answer ---------------------------------------------------------------------------


def bad_row(name, expected, words, code, **given):
    child_row(name, expected, words, fault=code, **given)


nul = r"""say(b'{"jsonrpc":"2.0",\0"id":%d,"result":{}}\n' % request["id"])"""
no_text = r"""say(b'{"jsonrpc":"2.0","id":%d,"result":{"x":"\xff"}}\n' % request["id"])"""
no_id = "send({'id': None, 'error': {'code': -32600, 'message': 'no'}})"
over = "larger than 1048576 bytes"
gigabyte = r"""
part = b'x' * (1 << 20)
say('{')
for _ in range(1024): say(part)
say('\n')
"""

bad_row("JSON that breaks off", "MCP_INVALID_JSON", "JSON", r"""say('{"jsonrpc":"2.0",\n')""")
bad_row("NUL in the answer", "MCP_INVALID_JSON", "JSON", nul)
bad_row("invalid UTF-8 in the answer", "MCP_INVALID_JSON", "utf-8", no_text)
bad_row("an object that is no message", "MCP_TIMEOUT", "hello", r"""say('{"hello": 1}\n')""", timeout=300)
bad_row("a log line that is JSON, then the answer", "MCP_OK", (), r"""say('{"level": 30}\n[INFO] x\n'); well(request)""")
bad_row("a broken message", "MCP_INVALID_MESSAGE", "message", r"""say('{"jsonrpc":"2.0","id":%d}\n' % request["id"])""")
bad_row("an error without an id", "MCP_RPC_ERROR", "-32600", no_id)
bad_row("a line over the limit", "MCP_TOO_LARGE", over, r"say('{' + 'x' * (2 << 20) + '\n')", limits=LIMITED)
bad_row("a line without end", "MCP_TOO_LARGE", over, "while broken(): say('{' * 65536)", limits=LIMITED)
bad_row("a line of 1 GB", "MCP_TOO_LARGE", "larger than 67108864 bytes", gigabyte, **SLOW)

if __name__ == "__main__":
    run()
