"""The performance targets of the project, each with its measured value."""

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.clients import COMPARED, LIBMCP, PARSER, RAW, plain
from harness.results import Results
from harness.table import HEADINGS, KIB_IN_MB, NOTHING, number, table


@dataclass
class Target:
    """A target is met if the figure is not above the limit. Without a limit, the figure is for information."""

    what: str
    limit: float | None
    # By path; the path is "" if the figure does not depend on it.
    figures: dict[str, float | None]
    unit: str = ""
    # The figures of the other build, with --compare.
    compared: dict[str, float | None] = field(default_factory=dict)

    def cell(self, path: str) -> str:
        figure, other = self.figures.get(path), self.compared.get(path)
        if figure is None:
            return NOTHING
        text = f"{number(figure)} {self.unit}".strip()
        if self.limit is not None:
            text += ", met" if figure <= self.limit else ", **missed**"
        return text if other is None else f"{text} (compared: {number(other)})"

    def heading(self) -> str:
        return self.what if self.limit is None else f"{self.what} ≤ {self.limit:,} {self.unit}".strip()


def of_calls(results: Results) -> list[Target]:
    """The targets that exist for every path."""

    def ratio(kind: str, other: str, limit: float) -> Target:
        return target(
            f"{HEADINGS[kind]}, relative to {'the raw loop' if other == RAW else plain(other)}",
            limit,
            lambda client, path: results.ratio(path, client, other, kind),
        )

    def target(what: str, limit: float, figure: Callable[[str, str], float | None], unit: str = "") -> Target:
        own, compared = ({path: figure(client, path) for path in results.paths()} for client in (LIBMCP, COMPARED))
        return Target(what, limit, own, unit, compared)

    def cold(client: str, path: str) -> float | None:
        return results.median(path, client, "cold", "cold_ms")

    def memory(client: str, path: str) -> float | None:
        kib = results.median(path, client, "ping", "rss_kib")
        return None if kib is None else kib * KIB_IN_MB

    return [
        ratio("ping", PARSER, 0.70),
        ratio("echo100", PARSER, 0.72),
        ratio("echo1M", PARSER, 0.70),
        ratio("json1M", PARSER, 0.50),
        ratio("tools", PARSER, 0.80),
        ratio("events", RAW, 1.5),
        target("cold start", 1.5, cold, "ms"),
        target("RSS after pings", 3.4, memory, "MB"),
    ]


def with_compared(own: list[Target], compared: list[Target]) -> list[Target]:
    """The targets `own`, with the figures of the same targets in `compared`, which may be empty."""
    for target, other in zip(own, compared, strict=False):
        target.compared = other.figures
    return own


def by_path(targets: list[Target], paths: list[str]) -> str:
    return table(["target", *paths], [[target.heading(), *map(target.cell, paths)] for target in targets])


def once(targets: list[Target]) -> str:
    return table(["target", "figure"], [[target.heading(), target.cell("")] for target in targets])
