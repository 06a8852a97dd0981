"""A system that has no descriptor, no thread, no memory or no disk left for a call."""

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

from children import ERAS, Child
from matrix import ACCEPTED, TRANSPORTS, Scripted, add_row, answer, run
from ports import Port

from harness import Outcome, chunk, http, lib, poll

HERE = Path(__file__).resolve().parent

# A process is started in time.
START = 1500


# --- Descriptors ------------------------------------------------------------------------------------------------------


class Scarce:
    """A world, one at a time, in which the process has only `spare` descriptors left for the call."""

    turn = threading.Lock()

    # As many as there may be while they are scarce: to take all that a machine allows would take long.
    MOST = 400

    def __init__(self, *given, spare=0, **named):
        self.turn.acquire()
        self.spare, self.taken = spare, []
        self.had = len(os.listdir("/proc/self/fd"))
        super().__init__(*given, **named)

    def call(self, client, timeout):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.MOST, limits[1]))
        try:
            # More than once: another thread may have had one for a moment.
            for _ in range(3):
                with contextlib.suppress(OSError):
                    while True:
                        self.taken.append(os.open("/dev/null", os.O_RDONLY))
            for _ in range(self.spare):
                os.close(self.taken.pop())
            return super().call(client, timeout)
        finally:
            while self.taken:
                os.close(self.taken.pop())
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def __exit__(self, *failure):
        try:
            super().__exit__(*failure)
            # What is closed late would be one more descriptor for the next.
            poll(lambda: len(os.listdir("/proc/self/fd")) <= self.had, "descriptors are left")
        finally:
            self.turn.release()


class ScarceHttp(Scarce, Scripted):
    def __init__(self, transport, first_request):
        super().__init__(transport, self.normal_response, first_request)
        self.server = self.resources.enter_context(Port(self.handle))

    def end_fault(self):
        super().end_fault()
        # It needs a descriptor, too, before it can wait for a connection.
        if not self.server.thread.is_alive():
            self.server.come()


class ScarceChild(Scarce, Child):
    pass


def scarce_child(transport, first_request, spare=0):
    # Its start is what fails, or its first call.
    return ScarceChild(transport, spare=spare, fault="well(request)", begin="pass" if first_request else "")


NONE_LEFT = "Too many open files"


def scarce_row(name, make, expected, words=NONE_LEFT, transports=TRANSPORTS):
    add_row(name, make, expected, words, transports, repeats=2)


def scarce_child_row(name, expected, words=NONE_LEFT, **given):
    scarce_row(name, lambda transport: scarce_child(transport, **given), expected, words, tuple(ERAS))


# Where a call needs none, it gets its answer.
needs_none = {"modern": "MCP_OK", "legacy": "MCP_OK", "sse": "MCP_SYSTEM_ERROR"}
scarce_row("no descriptor left for the first call", lambda transport: ScarceHttp(transport, True), "MCP_SYSTEM_ERROR")
scarce_row("no descriptor left, connected", lambda transport: ScarceHttp(transport, False), needs_none)
scarce_child_row("no descriptor left for a process", "MCP_SYSTEM_ERROR", first_request=True)
scarce_child_row("no descriptor left, process runs", "MCP_SYSTEM_ERROR", first_request=False)
# Then the process is what cannot be had.
words = ("cannot be started", NONE_LEFT)
scarce_child_row("four descriptors left for a process", "MCP_PROCESS_FAILED", words, first_request=True, spare=4)


# --- Memory and threads -----------------------------------------------------------------------------------------------


class Inside:
    """A world whose call is made by inside.py, with `spare` bytes of address space left; there the same client makes
    another one, with all that it wants."""

    def plan(self):
        return {"url": f"http://127.0.0.1:{self.server.port}{'/sse' if self.transport == 'sse' else '/mcp'}"}

    def client(self, token):
        self.token = token
        return super().client(token)

    def call(self, client, timeout):
        plan = self.plan() | {"token": self.token, "timeout": timeout, "spare": self.spare}
        words = [sys.executable, str(HERE / "inside.py"), sys.argv[1], json.dumps(plan)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"it ended with {done.returncode}: {done.stderr}"
        told = json.loads(done.stdout)
        client.lines += told["lines"]
        assert told["again"] == "MCP_OK", f"{told['again']} with enough memory"
        assert not told["children"], f"the processes {told['children']} are left"
        return Outcome(**told["outcome"])


# Less than the stack of a thread (2 MiB and its guard), and enough for what the library and Python want in small pieces.
ALMOST_A_STACK = (2 << 20) - 1


class NoThread(Inside, Scripted):
    """HTTP+SSE has a thread that reads."""

    spare = ALMOST_A_STACK

    def __init__(self, transport):
        super().__init__(transport, self.normal_response, first_request=True)


class NoThreadChild(Inside, Child):
    spare = ALMOST_A_STACK

    def plan(self):
        return {"argv": self.argv, "version": ERAS[self.transport]}

    def start_fault(self):
        # The process is in order.
        pass

    def end_fault(self):
        pass


class LargeAnswer(Inside, Scripted):
    """The first call is answered with more than there is room for: a text of 60 MiB, or many small values."""

    spare = 32 << 20

    def __init__(self, transport, form):
        # The other client begins when this is over: HTTP+SSE answers on the stream that was opened last.
        super().__init__(transport, self.large, first_request=True)
        self.form = form
        if form == "values":
            # There is room for the text and the caller's copies of it, and not for an index of its values; nor, by chance, for
            # an arena of the allocator's (64 MiB), which would take all.
            self.spare = 48 << 20

    def large(self, request):
        if request.rpc != "tools/call":
            return self.normal_response(request)
        self.fault_active = False
        with contextlib.suppress(OSError):
            return getattr(self, self.form)(request)

    @staticmethod
    def text(request):
        before, after = json.dumps(answer(request, {"x": "?"})).encode().split(b"?")
        return [before, *[b"x" * 65536] * (60 << 4), after]

    def whole(self, request):
        parts = self.text(request)
        request.send(http(200, Content_Length=sum(map(len, parts))))
        for part in parts:
            request.send(part)
        return b""

    def chunks(self, request):
        request.send(http(200, Content_Length=None, Transfer_Encoding="chunked"))
        for part in [*self.text(request), b""]:
            request.send(chunk(part))
        return b""

    def event(self, request):
        for part in [b"data: ", *self.text(request), b"\n\n"]:
            self.stream.sendall(part)
        return ACCEPTED

    def values(self, request):
        body = json.dumps(answer(request, {"x": "?"})).encode()
        return http(200, body.replace(b'"?"', b"[" + b"1," * (5 << 20) + b"1]"))


class LargeLine(Inside, Child):
    spare = 32 << 20

    def __init__(self, transport):
        super().__init__(transport, fault=LINE)

    def plan(self):
        return {"argv": self.argv, "version": ERAS[self.transport]}


LINE = r"""
os.unlink(FOLDER + "/broken")
say('{"jsonrpc":"2.0","id":%d,"result":{"x":"' % request["id"])
for _ in range(60): say("x" * (1 << 20))
say('"}}\n')
"""


def memory_row(name, make, transports):
    add_row(name, make, "MCP_SYSTEM_ERROR", "no memory for", transports, max_ms=START, repeats=1)


POSTED = ("modern", "legacy")
no_thread = ("MCP_SYSTEM_ERROR", "refused a thread")
add_row("no thread can be had", NoThread, *no_thread, ("sse",), max_ms=START, repeats=1)
# The process that was started already must not stay a zombie of the host's.
add_row("no thread can be had for a process", NoThreadChild, *no_thread, tuple(ERAS), max_ms=START, repeats=1)
memory_row("an answer larger than the memory", lambda transport: LargeAnswer(transport, "whole"), POSTED)
memory_row("an answer larger than the memory, in chunks", lambda transport: LargeAnswer(transport, "chunks"), POSTED)
memory_row("an event larger than the memory", lambda transport: LargeAnswer(transport, "event"), ("sse",))
memory_row("a line larger than the memory", LargeLine, tuple(ERAS))
# The text has room. An index over its values would not: it is not made unless somebody looks at them.
add_row("more values than the memory has room for", lambda transport: LargeAnswer(transport, "values"), "MCP_OK", (), POSTED,
        max_ms=START, repeats=1)  # fmt: skip


# --- Disk -------------------------------------------------------------------------------------------------------------


class StderrFile(Child):
    """A process whose stderr goes to a file, which is of a bad kind when the world is broken."""

    def __init__(self, transport, make):
        complains = "try: os.write(2, b'x' * 100_000)\nexcept OSError: pass"
        settings = [(lib.mcp_set_stderr_file, "{}/stderr")]
        super().__init__(transport, fault="well(request)", begin=complains, settings=settings)
        self.make, self.path = make, self.folder / "stderr"

    def start_fault(self):
        super().start_fault()
        self.make(self.path)

    def end_fault(self):
        super().end_fault()
        self.path.rmdir() if self.path.is_dir() else self.path.unlink()


class Folderless(Child):
    """A process whose folder is not there when the world is broken."""

    def __init__(self, transport):
        settings = [(lib.mcp_set_working_directory, "{}/work")]
        super().__init__(transport, fault="well(request)", begin="pass", settings=settings)
        self.place = self.folder / "work"
        self.place.mkdir()

    def start_fault(self):
        super().start_fault()
        self.place.rmdir()

    def end_fault(self):
        super().end_fault()
        self.place.mkdir()


def stderr_row(name, expected, words, make):
    fixture = lambda transport: StderrFile(transport, make)  # noqa: E731
    add_row(name, fixture, expected, words, tuple(ERAS), max_ms=START, repeats=2)


def pipe(path):
    """Nobody reads it; but in the end somebody does, so that this program ends."""
    os.mkfifo(path)

    def rescue():
        with contextlib.suppress(FileNotFoundError):
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))

    threading.Timer(2 * START / 1000, rescue).start()


stderr_row("stderr file on a full disk", "MCP_OK", (), lambda path: path.symlink_to("/dev/full"))
# The message names the file or the folder: the server's program is not to blame.
FAILED = "MCP_PROCESS_FAILED"
stderr_row("stderr file that is a folder", FAILED, ("Is a directory", "/stderr"), lambda path: path.mkdir())
stderr_row("stderr file in no folder", FAILED, ("No such file", "/stderr"), lambda path: path.symlink_to("no/file"))
# To wait for a reader could take for ever.
stderr_row("stderr file that is a pipe without a reader", FAILED, "/stderr", pipe)
missing = ("No such file", "/work")
add_row("working directory that is not there", Folderless, FAILED, missing, tuple(ERAS), max_ms=START, repeats=2)

if __name__ == "__main__":
    run()
