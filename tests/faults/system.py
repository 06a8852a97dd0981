"""Calls while the system has no descriptors, threads, memory or disk space left."""

import contextlib
import json
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path

from children import VERSIONS, Child
from matrix import ACCEPTED, TRANSPORTS, Scripted, add_row, answer, run
from ports import Port

from harness import Outcome, chunk, http, lib, poll

HERE = Path(__file__).resolve().parent

# How long a call may take that starts a process, in milliseconds.
START_MS = 1500


# --- Descriptors ------------------------------------------------------------------------------------------------------


class FewDescriptors:
    """A fixture that leaves the process only `spare` free descriptors during the call. Only one exists at a time."""

    lock = threading.Lock()

    # The limit during the call. Using up the usual limit of a machine would take long.
    MAX_DESCRIPTORS = 400

    def __init__(self, *arguments, spare=0, **keywords):
        self.lock.acquire()
        self.spare, self.held = spare, []
        self.open_before = len(os.listdir("/proc/self/fd"))
        super().__init__(*arguments, **keywords)

    def call(self, client, timeout):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.MAX_DESCRIPTORS, limits[1]))
        try:
            # More than once: another thread may close a descriptor in between.
            for _ in range(3):
                with contextlib.suppress(OSError):
                    while True:
                        self.held.append(os.open("/dev/null", os.O_RDONLY))
            for _ in range(self.spare):
                os.close(self.held.pop())
            return super().call(client, timeout)
        finally:
            while self.held:
                os.close(self.held.pop())
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    def __exit__(self, *failure):
        try:
            super().__exit__(*failure)
            # A descriptor that is closed later would be a free one for the next fixture.
            poll(lambda: len(os.listdir("/proc/self/fd")) <= self.open_before, "descriptors are left open")
        finally:
            self.lock.release()


class FewDescriptorsHttp(FewDescriptors, Scripted):
    def __init__(self, transport, first_request):
        super().__init__(transport, self.normal_response, first_request)
        self.server = self.resources.enter_context(Port(self.handle))

    def end_fault(self):
        super().end_fault()
        # The server thread ends with an error if accept() finds no free descriptor.
        if not self.server.thread.is_alive():
            self.server.start_server()


class FewDescriptorsChild(FewDescriptors, Child):
    pass


def few_descriptors_fixture(transport, first_request, spare=0):
    # Either the start of the process fails, or a call.
    return FewDescriptorsChild(
        transport, spare=spare, fault="respond(request)", at_start="pass" if first_request else ""
    )


NONE_LEFT = "Too many open files"


def few_descriptors_row(name, make, expected, words=NONE_LEFT, transports=TRANSPORTS):
    add_row(name, make, expected, words, transports, repeats=2)


def few_descriptors_child_row(name, expected, words=NONE_LEFT, **arguments):
    few_descriptors_row(
        name, lambda transport: few_descriptors_fixture(transport, **arguments), expected, words, tuple(VERSIONS)
    )


# A call that needs no descriptor succeeds.
no_descriptor_needed = {"modern": "MCP_OK", "legacy": "MCP_OK", "sse": "MCP_SYSTEM_ERROR"}
few_descriptors_row(
    "no descriptor left before the first call",
    lambda transport: FewDescriptorsHttp(transport, True),
    "MCP_SYSTEM_ERROR",
)
few_descriptors_row(
    "no descriptor left after connecting", lambda transport: FewDescriptorsHttp(transport, False), no_descriptor_needed
)
few_descriptors_child_row("no descriptor left to start a process", "MCP_SYSTEM_ERROR", first_request=True)
few_descriptors_child_row("no descriptor left while the process runs", "MCP_SYSTEM_ERROR", first_request=False)
# The library's descriptors can be created, but the process cannot be started.
words = ("cannot be started", NONE_LEFT)
few_descriptors_child_row(
    "only four descriptors left to start a process", "MCP_PROCESS_FAILED", words, first_request=True, spare=4
)


# --- Memory and threads -----------------------------------------------------------------------------------------------


class LimitedMemory:
    """A fixture whose call is made by limited_memory_client.py, with only `spare` bytes of additional address space.
    The same client then makes another call there, without this limit."""

    def plan(self):
        return {"url": f"http://127.0.0.1:{self.server.port}{'/sse' if self.transport == 'sse' else '/mcp'}"}

    def client(self, token):
        self.token = token
        return super().client(token)

    def call(self, client, timeout):
        plan = self.plan() | {"token": self.token, "timeout": timeout, "spare": self.spare}
        command = [sys.executable, str(HERE / "limited_memory_client.py"), sys.argv[1], json.dumps(plan)]
        process = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert process.returncode == 0, f"the client process exited with {process.returncode}: {process.stderr}"
        report = json.loads(process.stdout)
        client.lines += report["lines"]
        assert report["later"] == "MCP_OK", f"{report['later']} although there is enough memory"
        assert not report["children"], f"the processes {report['children']} are still there"
        return Outcome(**report["outcome"])


# Less than the stack of a thread (2 MiB and its guard page), but enough for small allocations of the library and
# Python.
ALMOST_A_STACK = (2 << 20) - 1


class NoThread(LimitedMemory, Scripted):
    """HTTP+SSE needs a thread that reads the event stream."""

    spare = ALMOST_A_STACK

    def __init__(self, transport):
        super().__init__(transport, self.normal_response, first_request=True)


class NoThreadChild(LimitedMemory, Child):
    spare = ALMOST_A_STACK

    def plan(self):
        return {"argv": self.argv, "version": VERSIONS[self.transport]}

    def start_fault(self):
        # The server has no fault: the client cannot create its thread.
        pass

    def end_fault(self):
        pass


class LargeResponse(LimitedMemory, Scripted):
    """The first response does not fit into the client's memory: it contains a text of 60 MiB, or many small values."""

    spare = 32 << 20

    def __init__(self, transport, form):
        # first_request, so that this process's client has no event stream yet: HTTP+SSE responds on the newest stream.
        super().__init__(transport, self.respond_large, first_request=True)
        self.form = form
        if form == "many_values":
            # Enough for the text and the caller's copies of it, but neither for an index of its values nor for an
            # allocator arena (64 MiB), which would use all of it.
            self.spare = 48 << 20

    def respond_large(self, request):
        if request.rpc != "tools/call":
            return self.normal_response(request)
        self.fault_active = False
        with contextlib.suppress(OSError):
            return getattr(self, self.form)(request)

    @staticmethod
    def parts_of_text(request):
        before, after = json.dumps(answer(request, {"x": "?"})).encode().split(b"?")
        return [before, *[b"x" * 65536] * (60 << 4), after]

    def single_body(self, request):
        parts = self.parts_of_text(request)
        request.send(http(200, Content_Length=sum(map(len, parts))))
        for part in parts:
            request.send(part)
        return b""

    def chunked_body(self, request):
        request.send(http(200, Content_Length=None, Transfer_Encoding="chunked"))
        for part in [*self.parts_of_text(request), b""]:
            request.send(chunk(part))
        return b""

    def single_event(self, request):
        for part in [b"data: ", *self.parts_of_text(request), b"\n\n"]:
            self.stream.sendall(part)
        return ACCEPTED

    def many_values(self, request):
        body = json.dumps(answer(request, {"x": "?"})).encode()
        return http(200, body.replace(b'"?"', b"[" + b"1," * (5 << 20) + b"1]"))


class LargeLine(LimitedMemory, Child):
    spare = 32 << 20

    def __init__(self, transport):
        super().__init__(transport, fault=LINE)

    def plan(self):
        return {"argv": self.argv, "version": VERSIONS[self.transport]}


LINE = r"""
os.unlink(FOLDER + "/fault-active")
write('{"jsonrpc":"2.0","id":%d,"result":{"x":"' % request["id"])
for _ in range(60): write("x" * (1 << 20))
write('"}}\n')
"""


def memory_row(name, make, transports):
    add_row(name, make, "MCP_SYSTEM_ERROR", "not enough memory for", transports, max_ms=START_MS, repeats=1)


POSTED = ("modern", "legacy")
no_thread = ("MCP_SYSTEM_ERROR", "cannot create a thread")
add_row("no thread can be created", NoThread, *no_thread, ("sse",), max_ms=START_MS, repeats=1)
# The process has already been started, and must not stay a zombie of the host process.
add_row(
    "no thread can be created for a process", NoThreadChild, *no_thread, tuple(VERSIONS), max_ms=START_MS, repeats=1
)
memory_row(
    "response larger than the available memory", lambda transport: LargeResponse(transport, "single_body"), POSTED
)
memory_row(
    "chunked response larger than the available memory",
    lambda transport: LargeResponse(transport, "chunked_body"),
    POSTED,
)
memory_row(
    "event larger than the available memory", lambda transport: LargeResponse(transport, "single_event"), ("sse",)
)
memory_row("line larger than the available memory", LargeLine, tuple(VERSIONS))
# The text fits. An index of its values would not, but it is created only when a value is read.
add_row(
    "JSON values whose index does not fit into memory",
    lambda transport: LargeResponse(transport, "many_values"),
    "MCP_OK",
    (),
    POSTED,
    max_ms=START_MS,
    repeats=1,
)


# --- Disk -------------------------------------------------------------------------------------------------------------


class StderrFile(Child):
    """A process whose stderr goes to a file. While the fault is active, the file cannot be used."""

    def __init__(self, transport, make):
        writes_to_stderr = "try: os.write(2, b'x' * 100_000)\nexcept OSError: pass"
        settings = [(lib.mcp_set_stderr_file, "{}/stderr")]
        super().__init__(transport, fault="respond(request)", at_start=writes_to_stderr, settings=settings)
        self.make, self.path = make, self.folder / "stderr"

    def start_fault(self):
        super().start_fault()
        self.make(self.path)

    def end_fault(self):
        super().end_fault()
        self.path.rmdir() if self.path.is_dir() else self.path.unlink()


class MissingWorkingDirectory(Child):
    """A process whose working directory does not exist while the fault is active."""

    def __init__(self, transport):
        settings = [(lib.mcp_set_working_directory, "{}/work")]
        super().__init__(transport, fault="respond(request)", at_start="pass", settings=settings)
        self.working_directory = self.folder / "work"
        self.working_directory.mkdir()

    def start_fault(self):
        super().start_fault()
        self.working_directory.rmdir()

    def end_fault(self):
        super().end_fault()
        self.working_directory.mkdir()


def stderr_row(name, expected, words, make):
    fixture = lambda transport: StderrFile(transport, make)  # noqa: E731
    add_row(name, fixture, expected, words, tuple(VERSIONS), max_ms=START_MS, repeats=2)


def fifo_without_reader(path):
    """A FIFO without a reader. After some time, a reader opens it, so that a blocked open() does not hang this
    program."""
    os.mkfifo(path)

    def open_reader():
        with contextlib.suppress(FileNotFoundError):
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))

    threading.Timer(2 * START_MS / 1000, open_reader).start()


stderr_row("stderr file on a full disk", "MCP_OK", (), lambda path: path.symlink_to("/dev/full"))
# The message names the file or the folder, not the server's program, which is not the cause.
FAILED = "MCP_PROCESS_FAILED"
stderr_row("stderr file is a directory", FAILED, ("Is a directory", "/stderr"), lambda path: path.mkdir())
stderr_row(
    "stderr file in a missing folder", FAILED, ("No such file", "/stderr"), lambda path: path.symlink_to("no/file")
)
# Waiting for a reader could take forever.
stderr_row("stderr file is a FIFO without a reader", FAILED, "/stderr", fifo_without_reader)
missing_directory = ("No such file", "/work")
add_row(
    "working directory does not exist",
    MissingWorkingDirectory,
    FAILED,
    missing_directory,
    tuple(VERSIONS),
    max_ms=START_MS,
    repeats=2,
)

if __name__ == "__main__":
    run()
