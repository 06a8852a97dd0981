"""System calls, allocations and instructions per call: differences of two runs, which excludes the start and end of the
process."""

import json
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from harness.measure import Bench, Client

# The numbers of calls in the two runs. Large calls need fewer: their fixed costs are a smaller part.
RUNS = {"ping": (100, 1100), "echo100": (100, 1100)}
LARGE_RUNS = (3, 8)
GROUPS = {
    "send": {"send", "sendto", "sendmsg", "write", "writev"},
    "receive": {"recv", "recvfrom", "recvmsg", "read", "readv"},
    "poll": {"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl"},
}
# System calls that are unnecessary on a reused connection.
NEVER = {"clone", "clone3", "fork", "vfork", "open", "openat", "socket", "connect", "close", "stat", "newfstatat"}


def total(count: int) -> int:
    """The number of calls in a run, including the warm-up."""
    return count + max(3, count // 10)


def per_call(kind: str, count_one: Callable[[int], Counter]) -> dict[str, float]:
    """The counts per call. `count_one(calls)` returns the counts of a complete run."""
    runs = RUNS.get(kind, LARGE_RUNS)
    few, many = map(count_one, runs)
    calls = total(runs[1]) - total(runs[0])
    return {key: (many[key] - few[key]) / calls for key in many}


def system_calls(bench: Bench, client: Client, path: str) -> dict[str, float] | None:
    """The number of system calls per call, by name; None if strace is not installed."""
    if not shutil.which("strace"):
        return None
    return per_call("ping", lambda count: traced(bench, client, path, count))


def traced(bench: Bench, client: Client, path: str, count: int) -> Counter:
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder, "summary")
        bench.run(client, path, "ping", count, before=("strace", "-f", "-c", "-o", summary))
        return read_summary(summary.read_text())


def read_summary(text: str) -> Counter:
    """Parses a summary of strace. Columns: share, seconds, microseconds per call, calls, errors (if any), name."""
    counts = Counter()
    for line in text.splitlines():
        cells = line.split()
        if len(cells) >= 5 and cells[3].isdigit() and cells[-1] != "total":
            counts[cells[-1]] += int(cells[3])
    return counts


def grouped(by_name: dict[str, float]) -> dict:
    """The counts of the groups, of the calls in NEVER, and of all calls that are in no group, with their names."""
    groups = {group: round(sum(by_name.get(name, 0) for name in names), 2) for group, names in GROUPS.items()}
    known = set().union(*GROUPS.values())
    rest = {name: count for name, count in by_name.items() if name not in known and count > 0.005}
    groups["never"] = round(sum(count for name, count in rest.items() if name in NEVER), 2)
    groups["rest"] = ", ".join(f"{count:.2f} {name}" for name, count in sorted(rest.items()))
    return groups


def allocations(bench: Bench, client: Client, path: str, kind: str, counter: Path) -> dict[str, float]:
    """Allocations and bytes per call."""

    def counted(count: int) -> Counter:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report")
            preload = ("env", f"LD_PRELOAD={counter}", f"COUNT_ALLOC={report}")
            bench.run(client, path, kind, count, before=preload)
            return Counter(json.loads(report.read_text()))

    found = per_call(kind, counted)
    found["allocations"] = sum(found[name] for name in ("malloc", "calloc", "realloc", "memalign"))
    return found


def instructions(bench: Bench, client: Client, path: str, kind: str) -> float | None:
    """The instructions of the process per call, without those of the kernel; None if valgrind is not installed.

    callgrind emulates the processor with the instruction sets up to AVX2."""
    if not shutil.which("valgrind"):
        return None

    def counted(count: int) -> Counter:
        with tempfile.TemporaryDirectory() as folder:
            profile = Path(folder, "profile")
            before = ("valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}")
            bench.run(client, path, kind, count, before=before)
            return Counter({"": int(re.search(r"^(?:summary|totals): (\d+)", profile.read_text(), re.M).group(1))})

    return per_call(kind, counted)[""]
