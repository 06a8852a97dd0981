"""libmcp where there is much of something: a large result, many clients, many threads, many calls.

The programs are called as all clients are: PROGRAM URL KIND COUNT.
"""

from collections.abc import Callable
from pathlib import Path

from harness import build
from harness.clients import LIBMCP
from harness.measure import Bench, Client
from harness.targets import Target

PATH = "modern/json"
LARGE = 100_000_000
CLIENTS = 1_000
THREADED_CALLS = 20_000
SOAK_CALLS = 1_000_000

Run = Callable[[str, str, int], dict]


def measures(bench: Bench, libmcp: Path, soak: bool) -> dict[str, Callable[[], list[Target]]]:
    """What there is to measure, each for itself: one that fails is no end of the others."""

    def run(name: str, kind: str, count: int) -> dict:
        return bench.run(Client(LIBMCP, [build.with_libmcp(name, libmcp)]), PATH, kind, count)

    found = {"100 MB": lambda: large(run), "many clients": lambda: idle(run), "threads": lambda: threads(run)}
    return found | ({"a million calls": lambda: calls(run)} if soak else {})


def large(run: Run) -> list[Target]:
    """A result of that many bytes, which nobody has asked a decoded copy of."""
    said = run("big", "echo", LARGE)
    return [Target("a 100 MB result: peak memory, of its size", 1.3, {"": said["rss_kib"] * 1024 / LARGE})]


def idle(run: Run) -> list[Target]:
    said = run("many", "ping", CLIENTS)
    return [Target(f"an idle client, of {CLIENTS:,} with a connection each", 64, {"": said["kib_per_client"]}, "KB")]


def threads(run: Run) -> list[Target]:
    """A lock would show as CPU time that one thread does not take."""
    alone, together = run("libmcp", "ping", THREADED_CALLS), run("threads", "ping", THREADED_CALLS)
    figure = together["cpu_us"] / alone["cpu_us"]
    return [Target("64 threads on one client: CPU a call, of one thread's", None, {"": figure})]


def calls(run: Run) -> list[Target]:
    said = run("soak", "ping", SOAK_CALLS)
    slower = said["cpu_last_us"] / said["cpu_first_us"]
    return [
        Target("1,000,000 calls: CPU of the last 1%, of the first's", 1.05, {"": slower}),
        # The allocator may take a page or two more; a leak of one byte a call would be 1,000 KB.
        Target("1,000,000 calls: growth of memory", 16, {"": said["rss_growth_kib"]}, "KB"),
        Target("1,000,000 calls: growth of descriptors", 0, {"": said["fd_growth"]}),
    ]
