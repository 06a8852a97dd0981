"""Real servers that a test starts, kills, and starts again on the same port.

The kernel kills a server when the thread that started it ends.
"""

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from install import HERE, installed
from kinds import KINDS

READY_SECONDS = 60


def command(name: str, port: int, words: tuple[str, ...]) -> list[str]:
    """The command that starts a server."""
    if name in KINDS:
        return KINDS[name].command()
    folder = installed(name)
    match name:
        case "java":
            # Less compilation and no threads for garbage collection, because the machine is busy.
            options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
            return ["java", *options, "-cp", f"{folder}/classes:{folder}/lib/*", "Server", str(port), *words]
        case "go":
            return [str(folder / "server"), str(port), *words]
        case "ts1" | "fastify":
            return ["node", str(HERE / name / "server.mjs"), str(port), str(folder)]
        case _:
            return [str(folder / "bin/python"), str(HERE / "resumable.py"), str(port), *words]


class Running:
    """A server that runs until the end of the `with` block. `{folder}` in `words` stands for a folder for its files."""

    def __init__(self, name: str, *words: str) -> None:
        self.name, self.words = name, words
        self.process: subprocess.Popen[bytes] | None = None
        # This socket is bound, but does not listen: it reserves the port while the server is not running. With
        # SO_REUSEADDR, the server can bind the same port.
        self.reservation = socket.socket()
        self.reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.reservation.bind(("127.0.0.1", 0))
        self.port = self.reservation.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.temporary = tempfile.TemporaryDirectory(prefix="libmcp-server-")
        self.folder = Path(self.temporary.name)

    def start(self) -> None:
        words = tuple(word.replace("{folder}", str(self.folder)) for word in self.words)
        environment = {**os.environ, "PORT": str(self.port)}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command(self.name, self.port, words)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                log_text = (self.folder / "log").read_text(errors="replace")
                raise AssertionError(f"{self.name} did not start: {log_text}")
            time.sleep(0.02)

    def listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self) -> "Running":
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.reservation.close()
        self.temporary.cleanup()
