"""scripted.py --run PROGRAM ARGS...: runs a program with scripted proxies, which can misbehave and record their input.

Each proxy listens on a separate port of 127.0.0.1. For the proxy NAME in KINDS, the program gets its host:port in the
variable MCP_TEST_SCRIPTED_PROXY_NAME. All data from clients is written to the folder MCP_TEST_SCRIPTED_PROXY_RECORD
before it is processed: requests.jsonl has a line for each request (proxy, connection, first, headers), and N.bytes
contains all bytes received on connection N, including tunnels.
"""

import contextlib
import json
import signal
import socket
import struct
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path

from fixture import BASIC, HOST, LOGIN_VARIABLES, leave, run

CONNECT_SECONDS = 10
OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"
# Valid, but unusual. The length headers have no meaning in a response to CONNECT (RFC 9110, 9.3.6).
ODD = [b"HTTP/1.0 200\r\nContent-Le", b"ngth: 5\r\nTransfer-Encoding: chunked\r\n\r", b"\n"]
# Headers that a proxy does not forward (RFC 9110, 7.6.1 and 11.7.2).
HOP_BY_HOP = ("connection", "proxy-connection", "keep-alive", "proxy-authorization", "te", "trailer", "upgrade")


class Record:
    """Records the data that clients send."""

    def __init__(self, folder):
        self.folder = folder
        self.lock = threading.Lock()
        self.connections = 0
        (folder / "requests.jsonl").touch()

    def connection(self):
        with self.lock:
            self.connections += 1
            return self.connections

    def bytes(self, connection, data):
        with open(self.folder / f"{connection}.bytes", "ab") as out:
            out.write(data)

    def request(self, **members):
        with self.lock, open(self.folder / "requests.jsonl", "a") as out:
            out.write(json.dumps(members) + "\n")


class Client:
    """A connection from a client."""

    def __init__(self, name, connection, record):
        self.name, self.socket, self.record = name, connection, record
        self.number = record.connection()
        self.buffer = b""

    def receive(self):
        """Returns some bytes, or no bytes at the end of the connection."""
        if not self.buffer:
            return self.read()
        data, self.buffer = self.buffer, b""
        return data

    def read(self):
        data = self.socket.recv(65536)
        self.record.bytes(self.number, data)
        return data

    def fill(self, is_enough):
        """Reads until `is_enough(buffer)`. Raises EOFError at the end of the connection."""
        while not is_enough(self.buffer):
            data = self.read()
            if not data:
                raise EOFError
            self.buffer += data

    def take(self, count):
        self.fill(lambda data: len(data) >= count)
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def head(self):
        """The first line and the headers of a request."""
        self.fill(lambda data: b"\r\n\r\n" in data)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = [[part.strip() for part in line.split(":", 1)] for line in lines]
        self.note(first, headers)
        return first, headers

    def note(self, first, headers=()):
        self.record.request(proxy=self.name, connection=self.number, first=first, headers=list(headers))

    def send(self, data):
        self.socket.sendall(data)

    def hold(self):
        """Sends nothing and discards all input until the client closes the connection."""
        while self.receive():
            pass


# --- Connections to servers -------------------------------------------------------------------------------------------


def connect(host, port):
    """Connects to a server. *.invalid stands for this machine: only the proxy, not the client, can resolve it."""
    if host.endswith(".invalid"):
        host = HOST
    return socket.create_connection((host, port), timeout=CONNECT_SECONDS)


def pump(receive, to):
    """Forwards data until the end of the stream, and then forwards the end."""
    with contextlib.suppress(OSError):
        while data := receive():
            to.sendall(data)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_WR)


def forward_responses(server, client):
    """Starts a thread that forwards all data of the server to the client."""
    server.settimeout(None)
    thread = threading.Thread(target=pump, args=(lambda: server.recv(65536), client.socket), daemon=True)
    thread.start()
    return thread


def tunnel(client, server):
    responses = forward_responses(server, client)
    pump(client.receive, server)
    responses.join()


# --- HTTP -------------------------------------------------------------------------------------------------------------


def http(client, opening=(OPEN,), login=False):
    """A correct proxy. `opening` is its response to a successful CONNECT, in pieces."""
    forward = Forward(client)
    while True:
        first, headers = client.head()
        method, target, _ = first.split(" ", 2)
        if login and not is_logged_in(headers):
            client.take(length_of(headers))
            client.send(AUTH_REQUIRED)
        elif method == "CONNECT":
            host, port = target.rsplit(":", 1)
            with connect(host.strip("[]"), int(port)) as server:
                for part in opening:
                    client.send(part)
                tunnel(client, server)
            return
        else:
            forward.request(first, headers, client.take(length_of(headers)))


class Forward:
    """Forwards requests in absolute-form. All requests on a connection must be for the same server."""

    def __init__(self, client):
        self.client = client
        self.server = None
        self.origin = None

    def request(self, first, headers, body):
        method, target, version = first.split(" ", 2)
        origin, slash, path = target.removeprefix("http://").partition("/")
        if self.server is None:
            host, _, port = origin.partition(":")
            self.server, self.origin = connect(host, int(port or 80)), origin
            forward_responses(self.server, self.client)
        assert origin == self.origin, "a request for another server on the same connection"
        forwarded = [f"{name}: {value}" for name, value in headers if name.lower() not in HOP_BY_HOP]
        head = "\r\n".join([f"{method} {slash}{path} {version}", *forwarded, "", ""])
        self.server.sendall(head.encode("latin-1") + body)


def is_logged_in(headers):
    return any(name.lower() == "proxy-authorization" and value == BASIC for name, value in headers)


def length_of(headers):
    return sum(int(value) for name, value in headers if name.lower() == "content-length")


def reply(status, body, *headers):
    lines = [f"HTTP/1.1 {status} Test", "Content-Type: text/plain", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


AUTH_REQUIRED = reply(407, b"Who are you?", 'Proxy-Authenticate: Basic realm="test"')


def respond_http(client, answer):
    """Reads one request, sends `answer` and closes the connection."""
    _, headers = client.head()
    client.take(length_of(headers))
    client.send(answer)


def http_holds(client, answer):
    """Reads one request, sends `answer` and keeps the connection open."""
    respond_http(client, answer)
    client.hold()


def http_endless(client):
    respond_http(client, b"HTTP/1.1 200 OK\r\n")
    while True:
        client.send(b"X-Padding: " + b"x" * 1000 + b"\r\n")


# --- SOCKS5 (RFC 1928, RFC 1929) --------------------------------------------------------------------------------------

BOUND_IPV4 = b"\1" + bytes(6)
BOUND_IPV6 = b"\4" + bytes(18)
BOUND_NAME = b"\3\7bound.x" + bytes(2)


def socks(client, reply=0, bound=BOUND_IPV4, login=None):
    """A correct proxy, or one that fails with `reply`. `login` is its status for every user; 0 is success."""
    greet(client, 0 if login is None else 2)
    if login is not None:
        client.take(1)
        for _ in ("user", "password"):
            client.take(client.take(1)[0])
        client.send(bytes([1, login]))
        if login:
            return
    host, port = socks_request(client)
    if reply:
        client.send(bytes([5, reply, 0]) + bound)
        return
    with connect(host, port) as server:
        client.send(b"\5\0\0" + bound)
        tunnel(client, server)


def greet(client, method):
    version, count = client.take(2)
    assert version == 5, "not SOCKS5"
    client.take(count)
    client.send(bytes([5, method]))


def socks_request(client):
    """Reads a request and returns its host and port. The record contains the type of the address."""
    _, _, _, kind = client.take(4)
    if kind == 3:
        host, form = client.take(client.take(1)[0]).decode("latin-1"), "name"
    else:
        family, size, form = (socket.AF_INET, 4, "ipv4") if kind == 1 else (socket.AF_INET6, 16, "ipv6")
        host = socket.inet_ntop(family, client.take(size))
    (port,) = struct.unpack(">H", client.take(2))
    client.note(f"SOCKS5 {form} {host}:{port}")
    return host, port


def socks_says(client, answer, to_request=False):
    """Sends `answer` to the greeting, or to the request, and closes the connection."""
    if to_request:
        greet(client, 0)
        socks_request(client)
    else:
        client.take(client.take(2)[1])
        client.note("SOCKS5 greeting")
    client.send(answer)


def socks_silent(client):
    greet(client, 0)
    client.hold()


KINDS = {
    # correct
    "A": http,
    "B": http,
    "LOGIN": partial(http, login=True),
    "ODD": partial(http, opening=ODD),
    # faulty
    "403": partial(respond_http, answer=reply(403, b"The rules forbid it.")),
    "407": partial(respond_http, answer=AUTH_REQUIRED),
    "502": partial(respond_http, answer=reply(502, b"The server is unreachable.")),
    "REDIRECT": partial(respond_http, answer=reply(307, b"", "Location: http://127.0.0.1:1/")),
    "GARBAGE": partial(respond_http, answer=b"SSH-2.0-test\r\n" * 3),
    "CLOSE": partial(respond_http, answer=b""),
    "CUT": partial(respond_http, answer=b"HTTP/1.1 200 Connec"),
    "SILENT": partial(http_holds, answer=b""),
    "HALF": partial(http_holds, answer=b"HTTP/1.1 200 OK\r\nX-Ha"),
    "EXTRA": partial(http_holds, answer=OPEN + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "ENDLESS": http_endless,
    # SOCKS5, correct
    "SOCKS": socks,
    "SOCKS_LOGIN": partial(socks, login=0),
    "SOCKS_IPV6": partial(socks, bound=BOUND_IPV6),
    "SOCKS_NAME": partial(socks, bound=BOUND_NAME),
    # SOCKS5, faulty
    **{f"SOCKS_REPLY_{code}": partial(socks, reply=code) for code in range(1, 10)},
    "SOCKS_REFUSED": partial(socks, login=1),
    "SOCKS_NO_METHOD": partial(socks_says, answer=b"\5\xff"),
    "SOCKS_METHOD": partial(socks_says, answer=b"\5\1"),
    "SOCKS_VERSION": partial(socks_says, answer=b"\4\0"),
    "SOCKS_GARBAGE": partial(socks_says, answer=b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "SOCKS_CLOSE": partial(socks_says, answer=b""),
    "SOCKS_CUT": partial(socks_says, answer=b"\5\0\0\1", to_request=True),
    "SOCKS_KIND": partial(socks_says, answer=b"\5\0\0\x09" + bytes(6), to_request=True),
    "SOCKS_SILENT": socks_silent,
}


# --- Listening --------------------------------------------------------------------------------------------------------


def serve(name, behavior, connection, record):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = Client(name, connection, record)
    with connection, contextlib.suppress(OSError, EOFError):
        behavior(client)


def listen(name, behavior, record):
    """Starts a proxy and returns its host:port."""
    listener = socket.create_server((HOST, 0), backlog=64)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(name, behavior, connection, record), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"{HOST}:{listener.getsockname()[1]}"


def main():
    if len(sys.argv) < 3 or sys.argv[1] != "--run":
        raise SystemExit(__doc__)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, leave)
    with tempfile.TemporaryDirectory(prefix="mcp-test-proxies-") as folder:
        record = Record(Path(folder))
        variables = {f"MCP_TEST_SCRIPTED_PROXY_{name}": listen(name, kind, record) for name, kind in KINDS.items()}
        return run(sys.argv[2:], variables | LOGIN_VARIABLES | {"MCP_TEST_SCRIPTED_PROXY_RECORD": folder})


if __name__ == "__main__":
    sys.exit(main())
