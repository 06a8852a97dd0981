"""fixture.py --run PROGRAM ARGS...: runs a program with real proxies and exits with the program's exit code.

The proxies are tinyproxy (HTTP) and microsocks (SOCKS5), each without and with credentials, on free ports of 127.0.0.1.
README.md lists the environment variables for the program.
"""

import base64
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"
# tinyproxy accepts only [A-Za-z0-9-].
USER, PASSWORD = "proxy-user", "pr0xy-pa55word"
# For use in a URL, with some characters escaped.
LOGIN = f"{USER}:{PASSWORD}".replace("-", "%2D")
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
LOGIN_VARIABLES = {
    "MCP_TEST_PROXY_USER": USER,
    "MCP_TEST_PROXY_PASSWORD": PASSWORD,
    "MCP_TEST_PROXY_LOGIN": LOGIN,
    "MCP_TEST_PROXY_BASIC": BASIC,
}
READY_SECONDS = 20
STOP_SECONDS = 5
# Another process may take the free port before the proxy starts: try again with another port.
TRIES = 5

TINYPROXY = """\
Listen {host}
Port {port}
Timeout 60
MaxClients 200
LogFile "{log}"
LogLevel Connect
DisableViaHeader Yes
{more}
"""


class Proxy:
    """One proxy process; its log is in the folder under its name."""

    def __init__(self, folder, name, kind, login):
        self.folder, self.name, self.kind, self.login = folder, name, kind, login
        self.log = folder / f"{name}.log"
        self.process = None

    def start(self):
        for _ in range(TRIES):
            self.port = free_port()
            command, output = self.kind(self)
            with open(output, "ab") as out:
                self.process = start(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            if self.is_ready():
                return
            self.stop()
        output = "\n".join(path.read_text(errors="replace") for path in self.folder.glob(f"{self.name}.*"))
        raise SystemExit(f"{self.name} did not start:\n{output}")

    def is_ready(self):
        """Polls until the proxy responds; False if its process ended or the time is over."""
        deadline = time.monotonic() + READY_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.responds():
                # If the process has ended, another process on this port sent the response.
                return self.process.poll() is None
            time.sleep(0.01)
        return False

    def responds(self):
        request, response = (b"\5\2\0\2", b"\5") if self.kind is microsocks else (http_request(), b"HTTP/1")
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall(request)
                return connection.recv(64).startswith(response)
        except OSError:
            return False

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def tinyproxy(proxy):
    config = proxy.folder / f"{proxy.name}.conf"
    more = f"BasicAuth {USER} {PASSWORD}" if proxy.login else ""
    config.write_text(TINYPROXY.format(host=HOST, port=proxy.port, log=proxy.log, more=more))
    return ["tinyproxy", "-d", "-c", str(config)], proxy.folder / f"{proxy.name}.out"


def microsocks(proxy):
    login = ["-u", USER, "-P", PASSWORD] if proxy.login else []
    return ["microsocks", "-i", HOST, "-p", str(proxy.port), *login], proxy.log


def http_request():
    return f"GET /ready HTTP/1.0\r\nProxy-Authorization: {BASIC}\r\n\r\n".encode()


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def start(command, **options):
    """Starts a process that the kernel kills if this process ends."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], **options)


def run(command, variables):
    """Runs the program and returns its exit code. If a signal ends this process, it stops the program first."""
    program = start(command, env=os.environ | variables)
    try:
        code = program.wait()
    except BaseException:
        program.terminate()
        try:
            program.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
        raise
    return code if code >= 0 else 128 - code


def leave(number, _frame):
    raise SystemExit(128 + number)


def main():
    if len(sys.argv) < 3 or sys.argv[1] != "--run":
        raise SystemExit(__doc__)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, leave)
    with tempfile.TemporaryDirectory(prefix="mcp-test-proxies-") as temporary:
        folder = Path(temporary)
        proxies = {
            "MCP_TEST_PROXY": Proxy(folder, "http", tinyproxy, False),
            "MCP_TEST_PROXY_AUTH": Proxy(folder, "http-auth", tinyproxy, True),
            "MCP_TEST_SOCKS": Proxy(folder, "socks", microsocks, False),
            "MCP_TEST_SOCKS_AUTH": Proxy(folder, "socks-auth", microsocks, True),
        }
        try:
            variables = dict(LOGIN_VARIABLES)
            for variable, proxy in proxies.items():
                proxy.start()
                variables[variable] = f"{HOST}:{proxy.port}"
                variables[f"{variable}_LOG"] = str(proxy.log)
            return run(sys.argv[2:], variables)
        finally:
            for proxy in proxies.values():
                proxy.stop()


if __name__ == "__main__":
    sys.exit(main())
