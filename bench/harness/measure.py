"""Runs clients and keeps what they say of themselves."""

import contextlib
import json
import os
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.server import Server

KINDS = ("ping", "echo100", "echo1M")
ALL_KINDS = (*KINDS, "cold")
# Calls of a run. Slow clients make fewer, so that a run takes about as long as SECONDS.
MOST = {"ping": 20_000, "echo100": 20_000, "echo1M": 300}
FEWEST = {"ping": 20, "echo100": 20, "echo1M": 3}
SECONDS = 1.0
# Starts of a process in a round; who takes longer than SLOW_START_MS starts once.
STARTS = 7
SLOW_START_MS = 50


@dataclass
class Client:
    name: str
    command: list


@dataclass
class Bench:
    """What a run needs: the small program that starts clients, and a server that is up."""

    launcher: Path
    server: Server
    authority: Path | None = None
    counts: dict = field(default_factory=dict)

    def size(self, client: Client, path: str) -> None:
        """Finds how many calls of each kind take about a second."""
        for kind in KINDS:
            count = FEWEST[kind]
            # Twice: what the first run says is mostly warming up, where a client has a compiler inside.
            for _ in range(2):
                took = self.run(client, path, kind, count)["wall_us"]
                count = max(FEWEST[kind], min(MOST[kind], int(SECONDS * 1e6 / took)))
            self.counts[client.name, path, kind] = count

    def sample(self, client: Client, path: str, kind: str) -> dict:
        """One run, and what it cost the server; a cold start."""
        if kind == "cold":
            return self.cold(client, path)
        before = self.server.stats()
        said = self.run(client, path, kind, self.counts[client.name, path, kind])
        after = self.server.stats()
        requests = after["requests"] - before["requests"]
        said["server_us"] = (after["cpu_ns"] - before["cpu_ns"]) / max(1, requests) / 1000
        return said

    def cold(self, client: Client, path: str) -> dict:
        """From the start of the process to its first answered ping, in milliseconds, and its memory then."""
        starts = [self.start(client, path)]
        if starts[0]["cold_ms"] < SLOW_START_MS:
            starts += [self.start(client, path) for _ in range(STARTS - 1)]
        return {key: statistics.median(start[key] for start in starts) for key in ("cold_ms", "rss_kib")}

    def start(self, client: Client, path: str) -> dict:
        said = self.run(client, path, "cold", 1)
        return {"cold_ms": (said["first_answer_ns"] - said["started_ns"]) / 1e6, "rss_kib": said["rss_kib"]}

    def run(self, client: Client, path: str, kind: str, count: int, before: tuple = ()) -> dict:
        """Everything that one run says. `before` is put in front of the client's command."""
        command = [self.launcher, *before, *client.command, self.server.url(path), kind, str(count)]
        return said_by(command + ([self.authority] if self.authority else []))


def said_by(command: list) -> dict:
    """The lines of JSON that a program prints, in one."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr or done.stdout}")
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {key: value for line in lines for key, value in line.items()}


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Everything that is started within shares the last core: what a client costs does not depend on where the
    scheduler puts it, and the first core is left to the rest of the machine."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
