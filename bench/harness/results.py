"""The measurements by path, client and kind of call, with one sample per round."""

import statistics
from collections import defaultdict


class Results:
    def __init__(self) -> None:
        self.samples: dict[tuple[str, str, str], list[dict]] = defaultdict(list)
        self.failures: list[str] = []

    def add(self, path: str, client: str, kind: str, sample: dict) -> None:
        self.samples[path, client, kind].append(sample)

    def median(self, path: str, client: str, kind: str, key: str) -> float | None:
        """The median of the samples; `None` without samples."""
        samples = self.samples.get((path, client, kind))
        return statistics.median(sample[key] for sample in samples) if samples else None

    def ratio(self, path: str, client: str, other: str, kind: str, key: str = "cpu_us") -> float | None:
        """The median of the ratios within a round: if the machine is slower for some time, it affects both clients."""
        samples, others = self.samples.get((path, client, kind)), self.samples.get((path, other, kind))
        if not samples or not others:
            return None
        # A client that failed in a later round has fewer samples.
        return statistics.median(a[key] / b[key] for a, b in zip(samples, others, strict=False))

    def paths(self) -> list[str]:
        return list(dict.fromkeys(path for path, _, _ in self.samples))

    def clients(self, path: str) -> list[str]:
        return list(dict.fromkeys(client for of, client, _ in self.samples if of == path))
