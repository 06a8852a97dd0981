"""The performance targets of the project, each with its measured value."""

from dataclasses import dataclass

from harness.clients import LIBMCP, PARSER, RAW
from harness.results import Results
from harness.table import KIB_IN_MB, NOTHING, number, table


@dataclass
class Target:
    """A target is met if the figure is not above the limit. Without a limit, the figure is for information."""

    what: str
    limit: float | None
    # By path; the path is "" if the figure does not depend on it.
    figures: dict[str, float | None]
    unit: str = ""

    def cell(self, path: str) -> str:
        figure = self.figures.get(path)
        if figure is None:
            return NOTHING
        text = f"{number(figure)} {self.unit}".strip()
        if self.limit is None:
            return text
        return f"{text}, " + ("met" if figure <= self.limit else "**missed**")

    def heading(self) -> str:
        return self.what if self.limit is None else f"{self.what} ≤ {self.limit:,} {self.unit}".strip()


def of_calls(results: Results) -> list[Target]:
    """The targets that exist for every path."""
    paths = results.paths()

    def ratio(kind: str, other: str) -> dict:
        return {path: results.ratio(path, LIBMCP, other, kind) for path in paths}

    def median(kind: str, key: str, scale: float = 1.0) -> dict:
        found = {path: results.median(path, LIBMCP, kind, key) for path in paths}
        return {path: None if value is None else value * scale for path, value in found.items()}

    return [
        Target("ping, relative to libcurl + parser", 0.75, ratio("ping", PARSER)),
        Target("ping, relative to the raw loop", 1.4, ratio("ping", RAW)),
        Target("echo 100 B, relative to libcurl + parser", 0.75, ratio("echo100", PARSER)),
        Target("echo 100 B, relative to the raw loop", 1.4, ratio("echo100", RAW)),
        Target("echo 1 MB, relative to libcurl + parser", 0.80, ratio("echo1M", PARSER)),
        Target("echo 1 MB, relative to libcurl + parser (stretch)", 0.5, ratio("echo1M", PARSER)),
        Target("cold start", 3, median("cold", "cold_ms"), "ms"),
        Target("RSS after pings", 4, median("ping", "rss_kib", KIB_IN_MB), "MB"),
    ]


def by_path(targets: list[Target], paths: list[str]) -> str:
    return table(["target", *paths], [[target.heading(), *map(target.cell, paths)] for target in targets])


def once(targets: list[Target]) -> str:
    return table(["target", "figure"], [[target.heading(), target.cell("")] for target in targets])
