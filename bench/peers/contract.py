"""Shared by the Python clients: command line, payload, measurement, and the line of JSON with the results. The command
line is PROGRAM URL KIND COUNT. KIND is ping, cold, or the file with the text that the server echoes."""

import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

MODERN = "2026-07-28"


@dataclass
class Task:
    url: str
    kind: str
    count: int

    @property
    def is_modern(self) -> bool:
        return "/modern/" in self.url

    @property
    def mode(self) -> str:
        """The mode for SDKs that negotiate: it sets the era of the URL, so that no probe is sent."""
        return MODERN if self.is_modern else "legacy"

    @property
    def text(self) -> str:
        return "" if self.kind in ("ping", "cold") else Path(self.kind).read_text(encoding="utf-8")


def task() -> Task:
    url, kind, count = sys.argv[1:4]
    return Task(url, kind, int(count))


def cpu_us() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e6


def rss_kib() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


async def measure(task: Task, ping: Callable[[], Awaitable], echo: Callable[[str], Awaitable[str]]) -> None:
    """Makes the calls and prints the measurements. `echo` returns the text of the result."""
    text = task.text

    async def call() -> None:
        if not text:
            await ping()
        elif len(await echo(text)) != len(text):
            sys.exit("the echoed text differs")

    if text and await echo(text) != text:
        sys.exit("the echoed text differs")
    if task.kind == "cold":
        await ping()
        print(json.dumps({"first_answer_ns": time.monotonic_ns(), "rss_kib": rss_kib()}), flush=True)
        return
    for _ in range(max(3, task.count // 10)):
        await call()
    cpu, wall = cpu_us(), time.monotonic_ns()
    for _ in range(task.count):
        await call()
    cpu, wall = cpu_us() - cpu, (time.monotonic_ns() - wall) / 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results = {"count": task.count, "cpu_us": cpu / task.count, "wall_us": wall / task.count, "rss_kib": peak}
    print(json.dumps(results), flush=True)
