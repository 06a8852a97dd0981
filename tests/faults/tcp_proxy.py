"""A TCP proxy that closes, resets, stalls or delays a connection at an exact byte, as networks do.

It is deterministic: a fault occurs after an exact number of bytes in one direction, counted from the moment it was
armed. The sizes of the received pieces do not matter. Each connection has one thread, which waits only for its two
sockets.
"""

import contextlib
import re
import select
import socket
import struct
import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Callable

from harness import wait_until_read

HOST = "127.0.0.1"

# The direction in which bytes are counted; with ACCEPT the fault occurs before any byte.
REQUEST, RESPONSE, ACCEPT = "request", "response", "accept"

# What happens after the last forwarded byte: FIN, RST, no more data, a pause, every further byte is sent separately, or
# one byte is changed.
CLOSE, RESET, STALL, DELAY, SPLIT, CORRUPT = "closed", "reset", "stall", "delay", "split", "corrupt"

# How long DELAY takes, in seconds.
PAUSE = 0.2


@dataclass
class Fault:
    """`where` gets the bytes received since the fault was armed, and returns how many of them are forwarded before the
    fault, or None while this is not known yet."""

    direction: str
    where: Callable[[bytes], int | None]
    how: str
    # How many connections get the fault.
    max_connections: int = 1
    # Whether the corrupted byte is sent only after the client has read the bytes before it.
    separate: bool = False


# --- Where a fault occurs ---------------------------------------------------------------------------------------------


def after_bytes(count):
    """After `count` bytes."""
    return lambda data: count if len(data) >= count else None


def at(mark, offset=0):
    """`offset` bytes after the start of `mark`."""

    def where(data):
        found = data.find(mark)
        return found + offset if found >= 0 and len(data) >= found + offset else None

    return where


def in_body(offset):
    """`offset` bytes after the start of a body with a Content-Length; a negative offset counts from its end."""

    def where(data):
        head, blank, _ = data.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        if not blank or not found:
            return None
        position = len(head) + len(blank) + offset + (int(found[1]) if offset < 0 else 0)
        return position if len(data) >= position else None

    return where


def in_record(number, offset):
    """`offset` bytes after the start of a TLS record; `number` counts from 0."""

    def where(data):
        start = 0
        for _ in range(number):
            if len(data) < start + 5:
                return None
            start += 5 + int.from_bytes(data[start + 3 : start + 5], "big")
        return start + offset if len(data) >= start + offset else None

    return where


def corrupted(data):
    return bytes([data[0] ^ 1]) + data[1:]


# --- The proxy --------------------------------------------------------------------------------------------------------


@dataclass
class ProxiedConnection:
    """A client's connection, and the connection to the server to which it is forwarded."""

    client: socket.socket
    server: socket.socket
    # The bytes received in each direction since the fault was armed.
    seen: dict = field(default_factory=dict)
    armed: object = ...


class TcpProxy:
    """Forwards everything to a local port, except where an armed fault applies."""

    def __init__(self, port):
        self.target = port
        self.lock = threading.Lock()
        self.fault = None
        self.connections = 0
        self.applied = 0
        self.threads = []
        self.pairs = []
        self.listener = socket.create_server((HOST, 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        # Becomes readable when the proxy ends: every select() includes it.
        self.stopped, self.stopper = socket.socketpair()
        self.start(self.accept)

    def arm(self, fault):
        """Sets the fault for all connections. Bytes that were forwarded earlier do not count."""
        with self.lock:
            self.fault, self.applied = fault, 0

    def drop(self):
        """Ends all open connections."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for either in (pair.client, pair.server):
                with contextlib.suppress(OSError):
                    either.shutdown(socket.SHUT_RDWR)

    def start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while True:
            ready, _, _ = select.select([self.listener, self.stopped], [], [])
            if self.stopped in ready:
                return
            client, _ = self.listener.accept()
            self.connections += 1
            self.start(self.serve, client)

    def serve(self, client):
        with client, contextlib.suppress(OSError), socket.create_connection((HOST, self.target)) as server:
            for either in (client, server):
                either.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = ProxiedConnection(client, server)
            with self.lock:
                self.pairs.append(pair)
            _, fault_here = self.split_at_fault(pair, ACCEPT, b"")
            if not fault_here or self.apply_fault(pair, client, b"", fault_here):
                self.forward(pair)

    def forward(self, pair):
        open_sides = {pair.client: (pair.server, REQUEST), pair.server: (pair.client, RESPONSE)}
        while open_sides:
            ready, _, _ = select.select([*open_sides, self.stopped], [], [])
            if self.stopped in ready:
                return
            for side in ready:
                other, direction = open_sides[side]
                data = side.recv(65536)
                if not data:
                    other.shutdown(socket.SHUT_WR)
                    del open_sides[side]
                    if side is pair.client:
                        # The client has disconnected: further data of the server has no receiver.
                        return
                    continue
                before, fault_here = self.split_at_fault(pair, direction, data)
                if fault_here and fault_here.how == CORRUPT and not fault_here.separate:
                    before, fault_here = before + corrupted(data[len(before) :]), None
                other.sendall(before)
                if fault_here and not self.apply_fault(pair, other, data[len(before) :], fault_here):
                    return

    def split_at_fault(self, pair, direction, data):
        """Returns the part of the data to forward, and the fault that follows it, if any."""
        with self.lock:
            if pair.armed is not self.fault:
                pair.armed, pair.seen = self.fault, dict.fromkeys((REQUEST, RESPONSE, ACCEPT), b"")
            fault = self.fault
            if fault is None or fault.direction != direction or self.applied >= fault.max_connections:
                return data, None
            passed = len(pair.seen[direction])
            pair.seen[direction] += data
            position = fault.where(pair.seen[direction])
            if position is None or (fault.how == CORRUPT and position == passed + len(data)):
                return data, None
            assert position >= passed, "the position of the fault was found only after its bytes were forwarded"
            self.applied += 1
            return data[: position - passed], fault

    def apply_fault(self, pair, receiver, rest, fault):
        """Returns False if the connection is over."""
        if fault.how == DELAY:
            select.select([self.stopped], [], [], PAUSE)
            receiver.sendall(rest)
            return True
        if fault.how == SPLIT:
            for byte in rest:
                receiver.sendall(bytes([byte]))
            return True
        if fault.how == CORRUPT:
            wait_until_read(SimpleNamespace(socket=receiver))
            receiver.sendall(corrupted(rest))
            return True
        if fault.how == RESET:
            pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            pair.client.close()
            return False
        if fault.how == CLOSE:
            pair.client.shutdown(socket.SHUT_WR)
        # STALL or CLOSE: forward nothing more, and wait until the client disconnects.
        while True:
            ready, _, _ = select.select([pair.client, self.stopped], [], [])
            if self.stopped in ready or not pair.client.recv(65536):
                return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopper.send(b"x")
        for thread in self.threads:
            thread.join(10)
        for either in (self.listener, self.stopped, self.stopper):
            either.close()
