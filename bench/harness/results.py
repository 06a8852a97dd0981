"""What was measured, by path, client and kind, a sample a round."""

import statistics
from collections import defaultdict


class Results:
    def __init__(self) -> None:
        self.samples: dict[tuple[str, str, str], list[dict]] = defaultdict(list)
        self.failures: list[str] = []

    def add(self, path: str, client: str, kind: str, sample: dict) -> None:
        self.samples[path, client, kind].append(sample)

    def median(self, path: str, client: str, kind: str, key: str) -> float | None:
        """`None` where nothing was measured."""
        samples = self.samples.get((path, client, kind))
        return statistics.median(sample[key] for sample in samples) if samples else None

    def ratio(self, path: str, client: str, other: str, kind: str, key: str = "cpu_us") -> float | None:
        """The median of the ratios within a round: what slows a machine for a while slows both."""
        ours, theirs = self.samples.get((path, client, kind)), self.samples.get((path, other, kind))
        if not ours or not theirs:
            return None
        # One that failed in a later round has fewer.
        return statistics.median(a[key] / b[key] for a, b in zip(ours, theirs, strict=False))

    def paths(self) -> list[str]:
        return list(dict.fromkeys(path for path, _, _ in self.samples))

    def clients(self, path: str) -> list[str]:
        return list(dict.fromkeys(client for of, client, _ in self.samples if of == path))
