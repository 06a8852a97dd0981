"""Starts real authorization servers, and runs the program login.c as a client of them."""

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SERVERS = HERE.parent / "servers"
sys.path.insert(0, str(SERVERS))

from fixture import announced, answers  # noqa: E402: needs the path set above
from kinds import KINDS  # noqa: E402

READY_SECONDS = 60
LINE_SECONDS = 40
END_SECONDS = 40
# No test waits longer for a token to expire.
EXPIRY_SECONDS = 30


def request(url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes]:
    """The status and the body of the response to an HTTP request."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        response = opener.open(urllib.request.Request(url, body, headers), timeout=20)
    except urllib.error.HTTPError as refused:
        response = refused
    with response:
        return response.status, response.read()


def poll(condition: Callable[[], Any], problem: str, seconds: float) -> Any:
    """Waits until the condition is true, and returns its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, problem
        time.sleep(0.05)
    return value


class Server:
    """A running server of kinds.py. Attributes: what it announced, and `url`."""

    def __init__(self, kind: str, **environment: str) -> None:
        self.kind = kind
        self.command = KINDS[kind].command()
        self.log = tempfile.TemporaryFile()
        self.guard: subprocess.Popen[bytes] | None = None
        self.start(environment)

    def start(self, environment: dict[str, str]) -> None:
        reader, writer = os.pipe()
        self.guard = subprocess.Popen(
            [sys.executable, str(SERVERS / "guard.py"), str(os.getpid()), str(writer), *self.command],
            env=os.environ | environment | {"ANNOUNCE_FD": str(writer)},
            pass_fds=[writer],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        os.close(writer)
        try:
            self.announced = announced(reader, time.monotonic() + READY_SECONDS)
            self.url = self.announced["url"]
            poll(lambda: answers(self.url), "the server does not respond", READY_SECONDS)
        except BaseException:
            self.stop()
            self.print_log()
            raise
        finally:
            os.close(reader)

    def stop(self) -> None:
        self.guard.terminate()
        self.guard.wait()

    def print_log(self) -> None:
        self.log.seek(0)
        print(self.log.read().decode(errors="replace")[-4000:])

    def events(self) -> dict[str, int]:
        """How often each event occurred. Only a server with oidc-provider counts them."""
        return json.loads(request(self.announced["events"], {})[1])

    def accepts(self, token: str) -> bool:
        """Whether the MCP server accepts an access token."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        return request(self.url, headers, b"{}")[0] != 401

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.log.close()


class Workspace:
    """A folder for the records of the client, and for the log of the browser."""

    def __init__(self, program: Path) -> None:
        self.program = program
        self.temporary = tempfile.TemporaryDirectory(prefix="libmcp-oauth-")
        self.base = Path(self.temporary.name)
        self.folder = self.base / "records"
        self.browser_log = self.base / "browser"
        self.browser_log.touch()

    def browser(self, *options: str) -> str:
        """The value of BROWSER."""
        words = [sys.executable, "-B", SERVERS / "browser.py", "--background", "--log", self.browser_log]
        return " ".join(map(str, [*words, *options, "%s"]))

    def visits(self) -> int:
        """How many authorization URLs the browser was given."""
        return sum(line.startswith("open ") for line in self.pages())

    def pages(self) -> list[str]:
        return self.browser_log.read_text().splitlines()

    def record(self) -> dict[str, Any]:
        """The client's only record."""
        found = []
        for file in self.folder.iterdir():
            with contextlib.suppress(ValueError):
                found.append(json.loads(file.read_text()))
        (record,) = found
        return record

    def token(self) -> str:
        return self.record()["tokens"]["accessToken"]

    def await_expiry(self) -> None:
        """Waits until the access token has expired.

        The token itself is not tried: FastMCP's InMemoryOAuthProvider revokes the refresh token when it receives an
        expired access token.
        """
        end = self.record()["tokens"]["expiresAt"] + 0.5
        poll(lambda: time.time() > end, "the token does not expire", EXPIRY_SECONDS)

    def client(self, server: Server, *words: str, deny: bool = False) -> "Client":
        """Starts the program. It keeps its records in the folder."""
        browser = self.browser("--deny") if deny else self.browser()
        return Client([str(self.program), server.url, f"folder={self.folder}", *words], browser, self)

    def __enter__(self) -> "Workspace":
        return self

    def __exit__(self, *_: object) -> None:
        self.temporary.cleanup()


class Client:
    """A running login.c."""

    def __init__(self, words: list[str], browser: str, workspace: Workspace) -> None:
        self.workspace = workspace
        self.secrets: set[str] = set()
        self.exit_code = 0
        self.output = self.unread = ""
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            words,
            env=os.environ | {"BROWSER": browser},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )

    def line(self) -> list[str]:
        """The fields of the next line."""
        deadline = time.monotonic() + LINE_SECONDS
        while "\n" not in self.unread:
            left = max(deadline - time.monotonic(), 0)
            ready, _, _ = select.select([self.process.stdout], [], [], left)
            assert ready, f"no line within {LINE_SECONDS} s"
            self.receive()
        line, self.unread = self.unread.split("\n", 1)
        self.note_secrets()
        return line.split("\t")

    def receive(self) -> None:
        received = os.read(self.process.stdout.fileno(), 65536).decode()
        assert received, "the program ended early"
        self.unread += received
        self.output += received

    def step(self, name: str, status: str = "MCP_OK", code: str = "-") -> str:
        """The result of the next step, which must be this one."""
        line = self.line()
        assert line[:3] == [name, status, code], line
        return line[3]

    def state(self) -> dict[str, Any]:
        return json.loads(self.step("state"))

    def opened(self) -> str:
        """The URL that the program was told to open."""
        name, url = self.line()
        assert name == "open", name
        return url

    def paused(self) -> None:
        assert self.line() == ["pause"]

    def answer(self, line: str = "") -> None:
        """Writes a line to the program, which waits for it."""
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def note_secrets(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            record = self.workspace.record()
            tokens = record.get("tokens", {})
            found = [tokens.get("accessToken"), tokens.get("refreshToken"), record["client"].get("secret")]
            self.secrets |= {secret for secret in found if secret}

    def log_text(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is not None:
                self.process.kill()
                self.process.wait()
                print(f"output:\n{self.output}log:\n{self.log_text()}browser:")
                print("\n".join(self.workspace.pages()))
                return
            rest = self.unread + self.process.communicate(timeout=END_SECONDS)[0].decode()
            ended = (rest, self.process.returncode)
            assert ended == ("", self.exit_code), (*ended, self.log_text())
            for secret in self.secrets:
                assert secret not in self.output, "a secret is in the output"
                assert secret not in self.log_text(), "a secret is in the log"
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self.log.close()


def free_ports(count: int) -> list[int]:
    """Ports that are free now. A server that restarts needs ports that are known."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


Case = Callable[[Server, Workspace], None]


def run(program: Path, servers: Iterator[tuple[Server, list[Case]]], chosen: list[str]) -> None:
    """Runs the cases of each server, and exits with 1 if one of them failed."""
    failed = False
    for server, cases in servers:
        for case in cases:
            if chosen and not any(word in case.__name__ for word in chosen):
                continue
            started = time.monotonic()
            verdict = "ok"
            try:
                with Workspace(program) as workspace:
                    case(server, workspace)
            except Exception:
                traceback.print_exc(file=sys.stdout)
                server.print_log()
                verdict, failed = "FAILED", True
            print(f"{verdict}: {case.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
    sys.exit(1 if failed else 0)
