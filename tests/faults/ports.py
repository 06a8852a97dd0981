"""Ports whose server can stop and start again, addresses that do not respond, and ports that must not be used."""

import contextlib
import select
import socket
import threading

from harness import Server

HOST = "127.0.0.1"


def reserved_listener():
    """A listener whose port stays bound while it does not listen. It binds to an explicit port: the system releases a
    port at shutdown only if the system chose it."""
    while True:
        with socket.create_server((HOST, 0)) as probe:
            end = probe.getsockname()
        with contextlib.suppress(OSError):
            return socket.create_server(end, backlog=128)


def fill(listener, opened):
    """Fills the queue of a listener that accepts nothing: the system drops further connections, as a firewall would."""
    for _ in range(16):
        client = opened.enter_context(socket.socket(listener.family))
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        if not select.select([], [client], [], 0.2)[1]:
            return
    raise AssertionError("the accept queue does not fill up")


class OtherOrigin:
    """An origin that the client must never connect to."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]

    def must_have_no_connection(self):
        with contextlib.suppress(BlockingIOError):
            self.listener.accept()
            raise AssertionError("a connection was made to another origin")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class Port(Server):
    """The harness's server on a port that stays reserved while the server is stopped."""

    def __init__(self, handler):
        self.handler = handler
        self.requests, self.open, self.changed = [], set(), threading.Condition()
        self.fillers = contextlib.ExitStack()
        self.listener = reserved_listener()
        self.port = self.listener.getsockname()[1]
        self.start_server()

    def start_server(self):
        self.listener.listen(128)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def stop_server(self):
        """Refuses new connections, and ends the open ones."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        with self.changed:
            connections = list(self.open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        assert self.wait_for(lambda: not self.open), "a connection stays open"

    def stop_accepting(self):
        """Neither accepts nor refuses new connections: connecting to the port times out."""
        self.stop_server()
        self.listener.listen(0)
        fill(self.listener, self.fillers)

    def __exit__(self, *_):
        self.fillers.close()
        super().__exit__()
