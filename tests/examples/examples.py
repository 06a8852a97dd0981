"""examples.py token-file|client-credentials|login|service-key|ci-job PROGRAM: runs an example against a server that
requires tokens.

If the example runs longer, its tokens are replaced several times, and it must not report an error.
"""

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))

from fixture import announced, answers  # noqa: E402
from install import installed  # noqa: E402

CLIENT, SECRET, SCOPE = "an example", "s3cret&more:é", "read"
READY_SECONDS = 60
TIMEOUT_SECONDS = 20


class Server:
    """A running token_server.py or oauth_server.py; close() ends it."""

    def __init__(self, script: str) -> None:
        reader, writer = os.pipe()
        python = installed("fastmcp4") / "bin/python"
        words = [str(HERE.parent / "servers/guard.py"), str(os.getpid()), str(writer), str(python)]
        self.log = tempfile.TemporaryFile()
        self.guard = subprocess.Popen(
            [sys.executable, *words, str(HERE / script)],
            env=os.environ | {"ANNOUNCE_FD": str(writer)},
            pass_fds=[writer],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        os.close(writer)
        try:
            self.url = announced(reader, time.monotonic() + READY_SECONDS)["url"]
            assert answers(self.url), "the server does not respond"
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

    def request(self, path: str, body: str | None = None) -> str:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        data = None if body is None else body.encode()
        with opener.open(urllib.request.Request(self.at(path), data=data), timeout=TIMEOUT_SECONDS) as response:
            return response.read().decode()

    def counts(self) -> dict[str, int]:
        return json.loads(self.request("/counts"))


class Example:
    """A running example."""

    secrets = [SECRET, "issued-token", "refresh-token"]

    def __init__(self, *words: str | Path, stdin: int = subprocess.DEVNULL, **environment: str) -> None:
        self.lines: list[str] = []
        # The session in which the tests run may be one over SSH.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SSH_")}
        self.process = subprocess.Popen(
            words,
            env=inherited | environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read_pings(self, count: int) -> None:
        """Waits until this many more pings have succeeded."""
        for _ in range(count):
            self.lines.append(self.process.stdout.readline())
            assert self.lines[-1].startswith("ping ") and "answers" in self.lines[-1], self.output()

    def output(self) -> str:
        """Waits for the end of the program and returns its whole output."""
        self.lines += self.process.communicate(timeout=TIMEOUT_SECONDS)[0].splitlines(keepends=True)
        return "".join(self.lines)

    def must_exit(self, code: int, pings: int | None = None, *, message: str = "") -> None:
        output = self.output()
        print("   ", output.splitlines()[-1])
        assert self.process.returncode == code, f"exit code {self.process.returncode}: {output}"
        assert message in output, output
        assert not any(secret in output for secret in self.secrets), output
        if pings is not None:
            assert output.count("the server answers") == pings, output

    def paste(self, text: str) -> None:
        """Types a line."""
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    @contextlib.contextmanager
    def suspended(self):
        """Suspends the program."""
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
        example.must_exit(1, message="No such file")
    file.write_text("two words")
    with Example(program, server.url, file) as example:
        example.must_exit(1, message="contains a space")

    replace(server.request("/issue", "") + "\n")
    before = server.counts()
    with Example(program, server.url, file, "--every", "50", "--times", "60") as example:
        for _ in range(3):
            example.read_pings(5)
            # A correct rotation: the new token is valid before the old one is revoked, and a rename replaces the file.
            new = server.request("/issue", "")
            with example.suspended():
                replace(new + "\n")
                server.request("/revoke", new)
        example.read_pings(5)
        # The worst rotation: in place, with the same length and modification time.
        new = server.request("/issue", "")
        with example.suspended():
            times = file.stat()
            with file.open("r+") as stream:
                stream.write(new)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
            server.request("/revoke", new)
        example.must_exit(0, pings=60)
    after = server.counts()
    rejected = after["rejected"] - before["rejected"]
    print(f"    4 rotations; {rejected} requests rejected and retried")
    # Only a rejection reveals the last rotation. At each other rotation one request may have been in progress.
    assert 1 <= rejected <= 4, after

    server.request("/revoke", "nothing")
    with Example(program, server.url, file) as example:
        example.must_exit(1, message="refused the credentials")


def client_credentials(program: str, server: Server, _folder: Path) -> None:
    words = (program, server.url, server.at("/token"), CLIENT, "--scope", SCOPE)

    before = server.counts()
    server.request("/lifetime", "1 1")
    with Example(*words, "--every", "50", "--times", "60", CLIENT_SECRET=SECRET) as example:
        example.must_exit(0, pings=60)
    after = server.counts()
    print(f"    tokens with a correct lifetime: {after['issued'] - before['issued']} issued")
    assert after["issued"] - before["issued"] >= 3, after

    before = after
    server.request("/lifetime", "3600 3600")
    with Example(*words, "--every", "50", "--times", "60", CLIENT_SECRET=SECRET) as example:
        for _ in range(2):
            example.read_pings(5)
            server.request("/revoke", "nothing")
        example.must_exit(0, pings=60)
    after = server.counts()
    issued, rejected = after["issued"] - before["issued"], after["rejected"] - before["rejected"]
    print(f"    revoked twice: {issued} issued, {rejected} requests rejected and retried")
    assert (issued, rejected) == (3, 2), after

    with Example(*words, CLIENT_SECRET="guessed") as example:
        example.must_exit(1, message="invalid_client")
    with Example(*words[:3], "unknown", CLIENT_SECRET=SECRET) as example:
        example.must_exit(1, message="invalid_client")
    with Example(*words[:-1], "write", CLIENT_SECRET=SECRET) as example:
        example.must_exit(1, message="invalid_scope")
    with Example(program, server.url, server.at("/nowhere"), CLIENT, CLIENT_SECRET=SECRET) as example:
        example.must_exit(1, message="HTTP 404")
    with Example(program, server.url, "http://127.0.0.1:1/token", CLIENT, CLIENT_SECRET=SECRET) as example:
        example.must_exit(1, message="token endpoint")


BROWSER = """#!{python}
import sys, urllib.request
urllib.request.build_opener(urllib.request.ProxyHandler({{}})).open(sys.argv[1], timeout={timeout}).read()
"""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments):
        return None


def redirect_of(url: str) -> str:
    """Where the page at this URL redirects a browser."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects())
    try:
        opener.open(url, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as answer:
        return answer.headers["Location"]
    raise AssertionError(f"{url} does not redirect")


def login(program: str, server: Server, folder: Path) -> None:
    browser = folder / "browser"
    browser.write_text(BROWSER.format(python=sys.executable, timeout=TIMEOUT_SECONDS))
    browser.chmod(0o700)
    desktop = {"BROWSER": str(browser), "XDG_STATE_HOME": str(folder / "state")}
    for logins in (1, 1):  # the second run finds the token of the first
        with Example(program, server.url, **desktop) as example:
            example.must_exit(0, pings=1)
        assert server.counts()["logins"] == logins
    for path in (folder / "state").rglob("*"):
        if path.name != "libmcp":
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, f"others can read {path}"

    # The access token is renewed in a later run, without a login.
    server.request("/revoke_all", "")
    with Example(program, server.url, **desktop) as example:
        example.must_exit(0, pings=1)
    assert server.counts()["logins"] == 1

    remote = desktop | {"SSH_CONNECTION": "192.0.2.1 1 192.0.2.2 22", "XDG_STATE_HOME": str(folder / "remote")}
    with Example(program, server.url, stdin=subprocess.PIPE, **remote) as example:
        while not example.lines or "/authorize?" not in example.lines[-1]:
            line = example.process.stdout.readline()
            assert line, example.output()
            example.lines.append(line)
        url = example.lines[-1].strip()
        example.paste("http://127.0.0.1/callback?code=x&state=of-another-login")
        while "no login waits" not in example.lines[-1]:
            example.lines.append(example.process.stdout.readline())
            assert example.lines[-1], example.output()
        example.paste(redirect_of(url))
        example.must_exit(0, pings=1)
    assert server.counts()["logins"] == 2

    failing = desktop | {"XDG_STATE_HOME": str(folder / "failing"), "BROWSER": "false"}
    with Example(program, server.url, **failing) as example:
        example.must_exit(1, message="cannot open a browser")
    with Example(program) as example:
        example.must_exit(1, message="login: ")


def service_key(program: str, server: Server, folder: Path) -> None:
    issuer = server.at("")
    key = folder / "key.pem"
    words = (program, server.url, issuer, "service", key)
    with Example(*words) as example:
        example.must_exit(1, message="No such file")
    key.write_text("-----BEGIN CERTIFICATE-----\n")
    with Example(*words) as example:
        example.must_exit(1, message="service_key: ")

    key.write_text(server.request("/key"))
    Example.secrets.append(key.read_text().splitlines()[1])
    server.request("/lifetime", "1 1")
    with Example(*words, "--every", "50", "--times", "60") as example:
        example.must_exit(0, pings=60)
    counts = server.counts()
    print(f"    tokens with a lifetime of 1 s: {counts['issued']} issued")
    assert counts["issued"] >= 3, counts

    before = counts
    server.request("/lifetime", "3600 3600")
    with Example(*words, "--every", "50", "--times", "60") as example:
        for _ in range(2):
            example.read_pings(5)
            server.request("/revoke_all", "")
        example.must_exit(0, pings=60)
    after = server.counts()
    issued = after["issued"] - before["issued"]
    print(f"    revoked twice: {issued} issued")
    assert issued == 3, after
    assert after["logins"] == 0, after

    with Example(*words[:3], "unknown", key) as example:
        example.must_exit(1, message="invalid_client")
    # The key is for another authorization server than the one that the MCP server names.
    with Example(*words[:2], "https://auth.example", *words[3:]) as example:
        example.must_exit(1, message=issuer)


def ci_job(program: str, server: Server, _folder: Path) -> None:
    words = (program, server.url, server.at(""), "job")
    runner = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": server.at("/runner?api-version=2.0"),
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "request-token-of-the-runner",
    }
    with Example(*words, **runner) as example:
        example.must_exit(0, pings=1)
    assert server.counts()["issued"] == 1

    with Example(*words, **runner | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "guessed"}) as example:
        example.must_exit(1, message="the runner refused")
    with Example(*words, **runner | {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:1/?x"}) as example:
        example.must_exit(1, message="ci_job: ")
    with Example(*words) as example:
        example.must_exit(1, message="is not set")
    assert server.counts()["issued"] == 1


# The function for each test, and the server that it needs.
TESTS = {
    "token-file": (token_file, "token_server.py"),
    "client-credentials": (client_credentials, "token_server.py"),
    "login": (login, "oauth_server.py"),
    "service-key": (service_key, "oauth_server.py"),
    "ci-job": (ci_job, "oauth_server.py"),
}


def main() -> None:
    name, program = sys.argv[1:]
    if not program:
        sys.exit(f"the example for {name} was not built: it needs libcurl (Debian: libcurl4-openssl-dev)")
    test, script = TESTS[name]
    with tempfile.TemporaryDirectory() as folder, contextlib.closing(Server(script)) as server:
        test(program, server, Path(folder))


if __name__ == "__main__":
    main()
