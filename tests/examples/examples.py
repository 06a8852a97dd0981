"""examples.py token-file|client-credentials PROGRAM: an example in front of a server whose tokens change while it runs.

Each running example sees several tokens come and go, and has to go on without an error.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))

from fixture import announced, answers  # noqa: E402
from install import installed  # noqa: E402

CLIENT, SECRET, SCOPE = "an example", "s3cret&more:é", "read"
READY_SECONDS = 60
PATIENCE = 20


class Server:
    """token_server.py, which ends with this."""

    def __init__(self) -> None:
        reader, writer = os.pipe()
        python = installed("fastmcp4") / "bin/python"
        words = [str(HERE.parent / "servers/guard.py"), str(os.getpid()), str(writer), str(python)]
        self.log = tempfile.TemporaryFile()
        self.guard = subprocess.Popen(
            [sys.executable, *words, str(HERE / "token_server.py")],
            env=os.environ | {"ANNOUNCE_FD": str(writer)},
            pass_fds=[writer],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        os.close(writer)
        try:
            self.url = announced(reader, time.monotonic() + READY_SECONDS)["url"]
            assert answers(self.url), "the server does not answer"
        except BaseException:
            self.close()
            self.log.seek(0)
            sys.stderr.write(self.log.read().decode(errors="replace"))
            raise
        finally:
            os.close(reader)

    def close(self) -> None:
        self.guard.terminate()
        self.guard.wait()

    def at(self, path: str) -> str:
        return self.url.removesuffix("/mcp") + path

    def ask(self, path: str, body: str | None = None) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        data = None if body is None else body.encode()
        with opener.open(urllib.request.Request(self.at(path), data=data), timeout=PATIENCE) as answer:
            return answer.read().decode()

    def counts(self) -> dict[str, int]:
        return json.loads(self.ask("/counts"))


class Example:
    """The running program."""

    def __init__(self, *words: str | Path, **environment: str) -> None:
        self.said: list[str] = []
        self.process = subprocess.Popen(
            words,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read_pings(self, count: int) -> None:
        """Until so many more pings were answered."""
        for _ in range(count):
            self.said.append(self.process.stdout.readline())
            assert self.said[-1].startswith("ping ") and "answers" in self.said[-1], self.rest()

    def rest(self) -> str:
        self.said += self.process.communicate(timeout=PATIENCE)[0].splitlines(keepends=True)
        return "".join(self.said)

    def must_end(self, code: int, pings: int | None = None, *, saying: str = "") -> None:
        said = self.rest()
        print("   ", said.splitlines()[-1])
        assert self.process.returncode == code, f"exit code {self.process.returncode}: {said}"
        assert saying in said, said
        assert SECRET not in said and "issued-token" not in said, said
        if pings is not None:
            assert said.count("the server answers") == pings, said

    @contextlib.contextmanager
    def stopped(self):
        """While it does not run."""
        self.process.send_signal(signal.SIGSTOP)
        yield
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def token_file(program: str, server: Server, folder: Path) -> None:
    file = folder / "token"

    def replace(text: str) -> None:
        other = folder / "token.new"
        other.write_text(text)
        other.rename(file)

    with Example(program, server.url, file) as example:
        example.must_end(1, saying="No such file")
    file.write_text("two words")
    with Example(program, server.url, file) as example:
        example.must_end(1, saying="holds a space")

    replace(server.ask("/issue", "") + "\n")
    before = server.counts()
    with Example(program, server.url, file, "--every", "50", "--times", "60") as example:
        for _ in range(3):
            example.read_pings(5)
            # As it is done well: the new token is good before the old one ends, and comes by a rename.
            new = server.ask("/issue", "")
            with example.stopped():
                replace(new + "\n")
                server.ask("/revoke", new)
        example.read_pings(5)
        # As badly as can be: in place, as long as the other one, and with the time of before.
        new = server.ask("/issue", "")
        with example.stopped():
            times = file.stat()
            with file.open("r+") as stream:
                stream.write(new)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
            server.ask("/revoke", new)
        example.must_end(0, pings=60)
    after = server.counts()
    refused = after["refused"] - before["refused"]
    print(f"    4 rotations; {refused} requests refused and sent again")
    # The last rotation cannot be seen but by a refusal. At the others one may have been on its way.
    assert 1 <= refused <= 4, after

    server.ask("/revoke", "nothing")
    with Example(program, server.url, file) as example:
        example.must_end(1, saying="refused the credentials")


def client_credentials(program: str, server: Server, _folder: Path) -> None:
    words = (program, server.url, server.at("/token"), CLIENT, "--scope", SCOPE)

    before = server.counts()
    server.ask("/lifetime", "1 1")
    with Example(*words, "--every", "50", "--times", "60", CLIENT_SECRET=SECRET) as example:
        example.must_end(0, pings=60)
    after = server.counts()
    print(f"    honest tokens: {after['issued'] - before['issued']} issued")
    assert after["issued"] - before["issued"] >= 3, after

    before = after
    server.ask("/lifetime", "3600 3600")
    with Example(*words, "--every", "50", "--times", "60", CLIENT_SECRET=SECRET) as example:
        for _ in range(2):
            example.read_pings(5)
            server.ask("/revoke", "nothing")
        example.must_end(0, pings=60)
    after = server.counts()
    issued, refused = after["issued"] - before["issued"], after["refused"] - before["refused"]
    print(f"    revoked twice: {issued} issued, {refused} requests refused and sent again")
    assert (issued, refused) == (3, 2), after

    with Example(*words, CLIENT_SECRET="guessed") as example:
        example.must_end(1, saying="invalid_client")
    with Example(*words[:3], "somebody", CLIENT_SECRET=SECRET) as example:
        example.must_end(1, saying="invalid_client")
    with Example(*words[:-1], "write", CLIENT_SECRET=SECRET) as example:
        example.must_end(1, saying="invalid_scope")
    with Example(program, server.url, server.at("/nowhere"), CLIENT, CLIENT_SECRET=SECRET) as example:
        example.must_end(1, saying="HTTP 404")
    with Example(program, server.url, "http://127.0.0.1:1/token", CLIENT, CLIENT_SECRET=SECRET) as example:
        example.must_end(1, saying="token endpoint")


TESTS = {"token-file": token_file, "client-credentials": client_credentials}


def main() -> None:
    name, program = sys.argv[1:]
    if not program:
        sys.exit(f"the example for {name} was not built: it needs libcurl (Debian: libcurl4-openssl-dev)")
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Server()) as server:
        TESTS[name](program, server, Path(folder))


if __name__ == "__main__":
    main()
