"""Runs clients and collects the measurements that they print."""

import contextlib
import json
import os
import statistics
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.server import Server

# Small and large calls, which all clients make; and payloads. Those that are in texts.py are echoed.
KINDS = ("ping", "echo100", "echo1M")
PAYLOADS = ("json1M", "plain1M", "unicode1M", "tools", "events")
PEER_KINDS = (*KINDS, "json1M")
# The number of tools in the list, and of events before the response to one call (EVENTS in clients/client.h).
TOOLS, EVENTS = 1_000, 10_000
QUERIES = {"tools": f"?tools={TOOLS}"}
# The number of calls in a run: at least and at most. For slow clients it is smaller, so that a run takes about SECONDS.
SMALL, LARGE = (20, 20_000), (3, 300)
COUNTS = {"ping": SMALL, "echo100": SMALL}
SECONDS = 1.0
# The number of cold starts in a round; a client that needs more than SLOW_START_MS is started once.
STARTS = 7
SLOW_START_MS = 50


@dataclass
class Client:
    name: str
    command: list
    kinds: tuple[str, ...] = KINDS


@dataclass
class Bench:
    """The environment of a run: the small program that starts clients, and a running server."""

    launcher: Path
    server: Server
    texts: dict[str, Path]
    authority: Path | None = None
    # How long a run takes, if the client needs less than that for the fewest calls.
    seconds: float = SECONDS
    counts: dict = field(default_factory=dict)

    def size(self, client: Client, path: str, kinds: tuple[str, ...]) -> None:
        """Determines how many calls of each kind take about `seconds`."""
        for kind in kinds:
            count, most = COUNTS.get(kind, LARGE)
            fewest = count
            # Twice, because the first run of a client with a JIT compiler measures mostly warm-up.
            for _ in range(2):
                took = self.run(client, path, kind, count)["wall_us"]
                count = max(fewest, min(most, int(self.seconds * 1e6 / took)))
            self.counts[client.name, path, kind] = count

    def sample(self, client: Client, path: str, kind: str) -> dict:
        """The measurements of one run, with the CPU time of the server; for the kind "cold", those of a cold start."""
        if kind == "cold":
            return self.cold(client, path)
        before = self.server.stats()
        sample = self.run(client, path, kind, self.counts[client.name, path, kind])
        after = self.server.stats()
        requests = after["requests"] - before["requests"]
        sample["server_us"] = (after["cpu_ns"] - before["cpu_ns"]) / max(1, requests) / 1000
        return sample

    def cold(self, client: Client, path: str) -> dict:
        """The time from the start of the process to the response to its first ping, in ms, and its memory then."""
        starts = [self.start(client, path)]
        if starts[0]["cold_ms"] < SLOW_START_MS:
            starts += [self.start(client, path) for _ in range(STARTS - 1)]
        return {key: statistics.median(start[key] for start in starts) for key in ("cold_ms", "rss_kib")}

    def start(self, client: Client, path: str) -> dict:
        sample = self.run(client, path, "cold", 1)
        return {"cold_ms": (sample["first_answer_ns"] - sample["started_ns"]) / 1e6, "rss_kib": sample["rss_kib"]}

    def run(self, client: Client, path: str, kind: str, count: int, before: tuple = ()) -> dict:
        """The measurements of one run. `before` is inserted in front of the client's command."""
        url, what = self.server.url(path) + QUERIES.get(kind, ""), self.texts.get(kind, kind)
        command = [self.launcher, *before, *client.command, url, what, str(count)]
        return measurements(command + ([self.authority] if self.authority else []))


def measurements(command: list) -> dict:
    """Runs a program and merges the JSON objects that it prints, one per line."""
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
    """Pins all processes that are started in the `with` block to the last core. The results then do not depend on the
    scheduler, and the first core remains for other processes."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
