"""fixture.py start|stop NAME --state DIR: a real server as a ctest fixture.

`start` returns when the server responds to requests. DIR/NAME.json then contains its transport, URL and tokens, and the
pid of its guard. The guard stops the server when the process that ran `start` (ctest) ends.
"""

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from kinds import KINDS

HERE = Path(__file__).resolve().parent
READY_SECONDS = 60
STOP_SECONDS = 15


def announced(reader: int, deadline: float) -> dict:
    """The JSON object that the server writes when it listens."""
    text = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            raise SystemExit("the server did not start in time")
        chunk = os.read(reader, 65536)
        if not chunk:
            break
        text += chunk
    if not text:
        raise SystemExit("the server exited before it listened")
    return json.loads(text)


def answers(url: str) -> bool:
    """Whether the server sends an HTTP response, with any status."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(urllib.request.Request(url, data=b"{}", method="POST"), timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def start(name: str, state: Path, watched: int) -> None:
    command = KINDS[name].command()
    reader, writer = os.pipe()
    with open(state / f"{name}.log", "wb") as log:
        guard = subprocess.Popen(
            [sys.executable, str(HERE / "guard.py"), str(watched), str(writer), *command],
            env=os.environ | {"ANNOUNCE_FD": str(writer)},
            pass_fds=[writer],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    os.close(writer)
    try:
        deadline = time.monotonic() + READY_SECONDS
        address = announced(reader, deadline)
        while not answers(address["url"]):
            if time.monotonic() > deadline or guard.poll() is not None:
                raise SystemExit("the server listens, but does not respond")
            time.sleep(0.05)
    except BaseException:
        guard.terminate()
        guard.wait()
        sys.stderr.write((state / f"{name}.log").read_text(errors="replace"))
        raise
    partial = state / f"{name}.json.partial"
    partial.write_text(json.dumps({"name": name, "pid": guard.pid, **address}))
    partial.rename(state / f"{name}.json")
    print(f"{name}: {address['url']}")


def stop(name: str, state: Path) -> None:
    file = state / f"{name}.json"
    if not file.exists():
        return print(f"{name}: was not running")
    pid = json.loads(file.read_text())["pid"]
    file.unlink()
    try:
        guard = os.pidfd_open(pid)
        is_guard = b"guard.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (ProcessLookupError, FileNotFoundError):
        is_guard = False
    if not is_guard:
        raise SystemExit(f"{name}: exited before it was stopped")
    signal.pidfd_send_signal(guard, signal.SIGTERM)
    if not select.select([guard], [], [], STOP_SECONDS)[0]:
        signal.pidfd_send_signal(guard, signal.SIGKILL)
        raise SystemExit(f"{name}: did not stop within {STOP_SECONDS} s")
    print(f"{name}: stopped")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("action", choices=["start", "stop"])
    parser.add_argument("name", choices=KINDS)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--watch", type=int, default=os.getppid(), help="stop the server when this process ends")
    options = parser.parse_args()
    options.state.mkdir(parents=True, exist_ok=True)
    if options.action == "start":
        start(options.name, options.state, options.watch)
    else:
        stop(options.name, options.state)


if __name__ == "__main__":
    main()
