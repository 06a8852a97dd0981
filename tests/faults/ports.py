"""Ports whose server comes and goes, and addresses that lead nowhere."""

import contextlib
import select
import socket
import threading

from harness import Server

HOST = "127.0.0.1"


def kept_listener():
    """On a free port, which stays this socket's while it does not listen: the system takes back only what it chose."""
    while True:
        with socket.create_server((HOST, 0)) as probe:
            end = probe.getsockname()
        with contextlib.suppress(OSError):
            return socket.create_server(end, backlog=128)


def fill(listener, opened):
    """Fills the queue of a listener that nobody serves: the system drops what else comes, as a firewall would."""
    for _ in range(16):
        one = opened.enter_context(socket.socket(listener.family))
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
        if not select.select([], [one], [], 0.2)[1]:
            return
    raise AssertionError("the queue does not fill up")


class Port(Server):
    """The harness's server on a port that nobody else gets while it is away."""

    def __init__(self, handler):
        self.handler = handler
        self.requests, self.open, self.changed = [], set(), threading.Condition()
        self.fillers = contextlib.ExitStack()
        self.listener = kept_listener()
        self.port = self.listener.getsockname()[1]
        self.come()

    def come(self):
        self.listener.listen(128)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def leave(self):
        """From now on connections are refused, and those that there were have ended."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        with self.changed:
            connections = list(self.open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        assert self.wait_for(lambda: not self.open), "a connection stays"

    def stop_answering(self):
        """From now on there is no answer to connections, not even that there is none."""
        self.leave()
        self.listener.listen(0)
        fill(self.listener, self.fillers)

    def __exit__(self, *_):
        self.fillers.close()
        super().__exit__()
