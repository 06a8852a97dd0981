"""How the cost of a call grows with what the client knows, has in flight, or receives: at sizes x1, x10 and x100."""

import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness import build, table, targets
from harness.clients import COMPARED, LABELS, LIBMCP
from harness.measure import Bench, Client
from harness.rounds import progress
from harness.targets import Target

# The allowed growth: a cost that does not depend on the size, except for the caches of the processor.
LIMIT = 1.1
SMALL, LARGE, BYTES = (10, 100, 1_000), (100, 1_000, 10_000), (80 << 10, 800 << 10, 8 << 20)


@dataclass
class Subject:
    """A program of bench/clients, and what it is started with."""

    # The cost, its unit, and what there are `sizes` of.
    what: str
    unit: str
    elements: str
    program: str
    path: str
    kind: str
    sizes: tuple[int, int, int]
    key: str = "cpu_us"
    # The figure is the cost of one of the elements, and not that of a call. Then the part of a call that does not
    # depend on them is too large at x1, and growth is that from x10 to x100.
    is_divided: bool = False
    # The limits of the last figure and of the growth.
    most: float | None = None
    limit: float | None = LIMIT

    def figure(self, sample: dict, size: int) -> float:
        scale = {"ns": 1_000, "KB": 1.024}.get(self.unit, 1)
        return sample[self.key] * scale / (size if self.is_divided else 1)

    def growth(self, figures: list[float]) -> float:
        return figures[-1] / figures[1 if self.is_divided else 0]

    def heading(self) -> str:
        return f"{self.what}, {self.unit}; {' / '.join(f'{size:,}' for size in self.sizes)} {self.elements}"


def call(what: str, elements: str, program: str, path: str, kind: str, sizes: tuple = LARGE) -> Subject:
    return Subject(what, "µs", elements, program, path, kind, sizes)


def element(what: str, elements: str, program: str, path: str, kind: str, sizes: tuple = LARGE) -> Subject:
    return Subject(what, "ns", elements, program, path, kind, sizes, is_divided=True)


def idle(what: str, unit: str, era: str, key: str, most: float) -> Subject:
    what, path = f"{what} of an idle {era} client", f"{era}/json"
    return Subject(what, unit, "clients", "many", path, "ping", SMALL, key, most=most, limit=None)


SUBJECTS = [
    call("tools/call", "known tools", "known_tools", "modern/json?tools={}", "ping"),
    call("resources/read", "cached results", "cached", "modern/json", "other"),
    call("resources/read from the cache", "cached results", "cached", "modern/json", "same"),
    call("a progress notification over stdio", "calls in flight", "in_flight", "", "stdio_server", SMALL),
    element("a member of a page of tools", "members", "members", "legacy/json?members={}", "list"),
    element("a member of the options of a call", "members", "members", "legacy/json", "meta"),
    element("a blank line on a child's stdout", "lines", "blank_lines", "", "stdio_server", BYTES),
    idle("memory", "KB", "legacy", "kib_per_client", 14),
    idle("memory", "KB", "modern", "kib_per_client", 14),
    idle("descriptors", "number", "legacy", "fds_per_client", 2),
    idle("descriptors", "number", "modern", "fds_per_client", 2),
]

Figures = dict[tuple[str, str], list[float]]


def measured(bench: Bench, libraries: dict[str, Path], rounds: int) -> list[str]:
    """Measures in interleaved rounds; returns Markdown."""
    names = [name for name in (LIBMCP, COMPARED) if name in libraries]
    samples = defaultdict(list)
    for number in range(rounds):
        progress(f"growth: round {number + 1} of {rounds}")
        # Subjects of the same program and sizes share a run.
        runs = {}
        for subject in SUBJECTS:
            for size in subject.sizes:
                for name in names:
                    key = (name, subject.program, subject.path, subject.kind, size)
                    if key not in runs:
                        runs[key] = run(bench, libraries[name], subject, size)
                    samples[subject.heading(), name, size].append(subject.figure(runs[key], size))
    figures = {
        (subject.heading(), name): [statistics.median(samples[subject.heading(), name, size]) for size in subject.sizes]
        for subject in SUBJECTS
        for name in names
    }
    return [in_table(figures, names), targets.once(limits(figures))]


def run(bench: Bench, library: Path, subject: Subject, size: int) -> dict:
    kind = build.stdio_server() if subject.kind == "stdio_server" else subject.kind
    client = Client(LIBMCP, [build.with_libmcp(subject.program, library)])
    return bench.run(client, subject.path.format(size), kind, size)


def in_table(figures: Figures, names: list[str]) -> str:
    rows = []
    for subject in SUBJECTS:
        for name in names:
            found = figures[subject.heading(), name]
            heading = subject.heading() if len(names) == 1 else f"{LABELS[name]}: {subject.heading()}"
            rows.append([heading, *map(table.number, found), table.number(subject.growth(found))])
    note = "Growth is from x1 to x100; that of the cost of one of many elements from x10 to x100."
    return note + "\n\n" + table.table(["cost, by number of elements", "x1", "x10", "x100", "growth"], rows)


def limits(figures: Figures) -> list[Target]:
    found = []
    for subject in SUBJECTS:
        if subject.limit is not None:
            found.append(target(f"growth: {subject.what}", subject.limit, figures, subject, subject.growth))
        if subject.most is not None:
            found.append(target(subject.what, subject.most, figures, subject, lambda all_sizes: all_sizes[-1]))
    return found


def target(
    what: str, limit: float, figures: Figures, subject: Subject, figure: Callable[[list[float]], float]
) -> Target:
    own, compared = (
        {"": figure(figures[subject.heading(), name])} if (subject.heading(), name) in figures else {}
        for name in (LIBMCP, COMPARED)
    )
    return Target(what, limit, own, "", compared)
