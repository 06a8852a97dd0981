"""A TCP proxy that does to one connection what networks do: it cuts, resets, stalls or delays at an exact byte.

Deterministic: a fault strikes where so many bytes of one direction have passed since it was armed, and nothing depends
on how the bytes came in pieces. One thread for each connection, which never waits for anything but the two sockets.
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

# Which way the bytes go that are counted; or the fault strikes before any.
REQUEST, ANSWER, ACCEPT = "request", "answer", "accept"

# What happens behind the last byte that passes: FIN, RST, nothing any more, nothing for a while, each further byte on
# its own, or one byte that is another one.
END, RESET, STALL, DELAY, SPLIT, SPOIL = "end", "reset", "stall", "delay", "split", "spoil"

# How long DELAY takes, in seconds.
PAUSE = 0.2


@dataclass
class Fault:
    """`where` says, by the bytes that came since it was armed, how many of them pass; None while it cannot say that."""

    direction: str
    where: Callable[[bytes], int | None]
    how: str
    # So many connections are struck.
    times: int = 1
    # What is spoilt does not come together with what is well.
    apart: bool = False


# --- Where a fault strikes --------------------------------------------------------------------------------------------


def behind(count):
    """Behind so many bytes."""
    return lambda data: count if len(data) >= count else None


def at(mark, offset=0):
    """So many bytes behind the first byte of the mark."""

    def where(data):
        found = data.find(mark)
        return found + offset if found >= 0 and len(data) >= found + offset else None

    return where


def in_body(offset):
    """So many bytes into a body with a length; before its end where that is negative."""

    def where(data):
        head, blank, _ = data.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        if not blank or not found:
            return None
        place = len(head) + len(blank) + offset + (int(found[1]) if offset < 0 else 0)
        return place if len(data) >= place else None

    return where


def in_record(number, offset):
    """So many bytes behind the first byte of a TLS record, of which 0 is the first."""

    def where(data):
        start = 0
        for _ in range(number):
            if len(data) < start + 5:
                return None
            start += 5 + int.from_bytes(data[start + 3 : start + 5], "big")
        return start + offset if len(data) >= start + offset else None

    return where


def spoilt(data):
    return bytes([data[0] ^ 1]) + data[1:]


# --- The proxy --------------------------------------------------------------------------------------------------------


@dataclass
class Pair:
    """A connection, and the one to the server that it is passed on to."""

    client: socket.socket
    server: socket.socket
    # What has come in each direction since the fault was armed.
    seen: dict = field(default_factory=dict)
    armed: object = ...


class TcpProxy:
    """Passes everything on to a port of this machine, until a fault is armed and strikes."""

    def __init__(self, port):
        self.target = port
        self.lock = threading.Lock()
        self.fault = None
        self.connections = 0
        self.struck = 0
        self.threads = []
        self.pairs = []
        self.listener = socket.create_server((HOST, 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        # Written to at the end: whoever waits has it among its sockets.
        self.over, self.ending = socket.socketpair()
        self.start(self.accept)

    def arm(self, fault):
        """From now on, for every connection; bytes that passed before do not count."""
        with self.lock:
            self.fault, self.struck = fault, 0

    def drop(self):
        """Ends the connections that there are."""
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for one in (pair.client, pair.server):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while True:
            ready, _, _ = select.select([self.listener, self.over], [], [])
            if self.over in ready:
                return
            client, _ = self.listener.accept()
            self.connections += 1
            self.start(self.serve, client)

    def serve(self, client):
        with client, contextlib.suppress(OSError), socket.create_connection((HOST, self.target)) as server:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = Pair(client, server)
            with self.lock:
                self.pairs.append(pair)
            _, strikes = self.judge(pair, ACCEPT, b"")
            if not strikes or self.strike(pair, client, b"", strikes):
                self.pass_on(pair)

    def pass_on(self, pair):
        open_sides = {pair.client: (pair.server, REQUEST), pair.server: (pair.client, ANSWER)}
        while open_sides:
            ready, _, _ = select.select([*open_sides, self.over], [], [])
            if self.over in ready:
                return
            for side in ready:
                other, direction = open_sides[side]
                data = side.recv(65536)
                if not data:
                    other.shutdown(socket.SHUT_WR)
                    del open_sides[side]
                    if side is pair.client:
                        # It has left: what the server still says is for nobody.
                        return
                    continue
                passing, strikes = self.judge(pair, direction, data)
                if strikes and strikes.how == SPOIL and not strikes.apart:
                    passing, strikes = passing + spoilt(data[len(passing) :]), None
                other.sendall(passing)
                if strikes and not self.strike(pair, other, data[len(passing) :], strikes):
                    return

    def judge(self, pair, direction, data):
        """What of the data may pass, and the fault that strikes behind it."""
        with self.lock:
            if pair.armed is not self.fault:
                pair.armed, pair.seen = self.fault, dict.fromkeys((REQUEST, ANSWER, ACCEPT), b"")
            fault = self.fault
            if fault is None or fault.direction != direction or self.struck >= fault.times:
                return data, None
            passed = len(pair.seen[direction])
            pair.seen[direction] += data
            place = fault.where(pair.seen[direction])
            if place is None or (fault.how == SPOIL and place == passed + len(data)):
                return data, None
            assert place >= passed, "the place has passed already: the bytes before it were not enough to know"
            self.struck += 1
            return data[: place - passed], fault

    def strike(self, pair, receiver, rest, fault):
        """False where the connection is over."""
        if fault.how == DELAY:
            select.select([self.over], [], [], PAUSE)
            receiver.sendall(rest)
            return True
        if fault.how == SPLIT:
            for byte in rest:
                receiver.sendall(bytes([byte]))
            return True
        if fault.how == SPOIL:
            wait_until_read(SimpleNamespace(socket=receiver))
            receiver.sendall(spoilt(rest))
            return True
        if fault.how == RESET:
            pair.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            pair.client.close()
            return False
        if fault.how == END:
            pair.client.shutdown(socket.SHUT_WR)
        # Stalled, or ended from our side: nothing passes any more, until the client leaves.
        while True:
            ready, _, _ = select.select([pair.client, self.over], [], [])
            if self.over in ready or not pair.client.recv(65536):
                return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ending.send(b"x")
        for thread in self.threads:
            thread.join(10)
        for one in (self.listener, self.over, self.ending):
            one.close()
