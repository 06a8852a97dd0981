"""libmcp under load: a large result, many threads, a queue, many calls. (growth.py measures many clients.)

The programs have the command line of all clients: PROGRAM URL KIND COUNT.
"""

from collections.abc import Callable
from pathlib import Path

from harness import build
from harness.clients import LIBMCP
from harness.measure import Bench, Client
from harness.targets import Target

PATH = "modern/json"
LARGE = 100_000_000
THREADED_CALLS = 20_000
SOAK_CALLS = 1_000_000

Run = Callable[[str, str, int], dict]


def measures(soak: bool) -> dict[str, Callable[[Run], list[Target]]]:
    """The measurements by name. They are independent: if one fails, the others still run."""
    return {"100 MB": large, "threads": threads, "queue": queue} | ({"a million calls": calls} if soak else {})


def runner(bench: Bench, libmcp: Path) -> Run:
    """A function that builds a program with this build of libmcp, and runs it."""
    return lambda name, kind, count: bench.run(
        Client(LIBMCP, [build.with_libmcp(name, libmcp)]), PATH, kind, count
    )


def large(run: Run) -> list[Target]:
    """The peak memory for a result of LARGE bytes, without a decoded copy of it."""
    sample = run("big", "ping", LARGE)
    return [Target("100 MB result: peak memory, relative to its size", 1.3, {"": sample["rss_kib"] * 1024 / LARGE})]


def threads(run: Run) -> list[Target]:
    """Contention on a lock would show as additional CPU time, compared with one thread."""
    alone, together = run("libmcp", "ping", THREADED_CALLS), run("threads", "ping", THREADED_CALLS)
    figure = together["cpu_us"] / alone["cpu_us"]
    return [Target("64 threads on one client: CPU per call, relative to one thread", None, {"": figure})]


def queue(run: Run) -> list[Target]:
    """The cost of a call in a queue, relative to a blocking call."""
    sample = run("queued", "ping", THREADED_CALLS)
    return [
        Target("queue, 1 call in flight: CPU, relative to a blocking call", None, {"": sample["one_cpu"]}),
        Target("queue, 1 call in flight: time, relative to a blocking call", None, {"": sample["one_wall"]}),
        Target("queue, 16 calls in flight: CPU, relative to blocking calls", 1.6, {"": sample["many_cpu"]}),
        Target("queue, 16 calls in flight: time, relative to blocking calls", None, {"": sample["many_wall"]}),
    ]


def calls(run: Run) -> list[Target]:
    sample = run("soak", "ping", SOAK_CALLS)
    slower = sample["cpu_last_us"] / sample["cpu_first_us"]
    return [
        Target("1,000,000 calls: CPU of the last 1%, relative to the first 1%", 1.05, {"": slower}),
        # The allocator may use a page or two more; a leak of one byte per call would be 1,000 KB.
        Target("1,000,000 calls: growth of memory", 16, {"": sample["rss_growth_kib"]}, "KB"),
        Target("1,000,000 calls: growth of descriptors", 0, {"": sample["fd_growth"]}),
    ]
