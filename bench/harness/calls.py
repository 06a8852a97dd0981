"""What a call costs in system calls and allocations: differences of two runs, so that start and end do not count."""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from harness.measure import Bench, Client

FEW, MANY = 100, 1100
GROUPS = {
    "send": {"send", "sendto", "sendmsg", "write", "writev"},
    "receive": {"recv", "recvfrom", "recvmsg", "read", "readv"},
    "poll": {"poll", "ppoll", "select", "pselect6", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl"},
}
# What a kept connection has no need for.
NEVER = {"clone", "clone3", "fork", "vfork", "open", "openat", "socket", "connect", "close", "stat", "newfstatat"}


def made(count: int) -> int:
    """The calls of a run, with those before the clock starts."""
    return count + max(3, count // 10)


def per_call(count_one: Callable[[int], Counter]) -> dict[str, float]:
    """`count_one(calls)` gives the counts of a whole run."""
    few, many = count_one(FEW), count_one(MANY)
    calls = made(MANY) - made(FEW)
    return {key: (many[key] - few[key]) / calls for key in many}


def system_calls(bench: Bench, client: Client, path: str) -> dict[str, float] | None:
    """By name; nothing without strace."""
    if not shutil.which("strace"):
        return None
    return per_call(lambda count: traced(bench, client, path, count))


def traced(bench: Bench, client: Client, path: str, count: int) -> Counter:
    with tempfile.TemporaryDirectory() as folder:
        summary = Path(folder, "summary")
        bench.run(client, path, "ping", count, before=("strace", "-f", "-c", "-o", summary))
        return read_summary(summary.read_text())


def read_summary(text: str) -> Counter:
    """Rows are: share, seconds, microseconds a call, calls, errors where there are any, name."""
    counts = Counter()
    for line in text.splitlines():
        cells = line.split()
        if len(cells) >= 5 and cells[3].isdigit() and cells[-1] != "total":
            counts[cells[-1]] += int(cells[3])
    return counts


def grouped(by_name: dict[str, float]) -> dict:
    """Send, receive, poll, what a kept connection needs none of, and the rest with their names."""
    groups = {group: round(sum(by_name.get(name, 0) for name in names), 2) for group, names in GROUPS.items()}
    known = set().union(*GROUPS.values())
    rest = {name: count for name, count in by_name.items() if name not in known and count > 0.005}
    groups["never"] = round(sum(count for name, count in rest.items() if name in NEVER), 2)
    groups["rest"] = ", ".join(f"{count:.2f} {name}" for name, count in sorted(rest.items()))
    return groups


def allocations(bench: Bench, client: Client, path: str, kind: str, counter: Path) -> dict[str, float]:
    """Allocations, frees and bytes a call."""

    def counted(count: int) -> Counter:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder, "report")
            preload = ("env", f"LD_PRELOAD={counter}", f"COUNT_ALLOC={report}")
            bench.run(client, path, kind, count, before=preload)
            return Counter(json.loads(report.read_text()))

    found = per_call(counted)
    found["allocations"] = sum(found[name] for name in ("malloc", "calloc", "realloc", "memalign"))
    return found
