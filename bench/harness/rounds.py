"""Interleaved rounds: every client has its turn before the next round begins."""

import sys

from harness.clients import plain
from harness.measure import ALL_KINDS, Bench, Client
from harness.results import Results


def measured(bench: Bench, clients: list[Client], paths: list[str], rounds: int) -> Results:
    results = Results()
    able = [(path, client) for path in paths for client in clients if is_sized(bench, client, path, results)]
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for path in paths:
            for kind in ALL_KINDS:
                for client in [client for of, client in able if of == path]:
                    if not add_sample(bench, client, path, kind, results):
                        able.remove((path, client))
    return results


def is_sized(bench: Bench, client: Client, path: str, results: Results) -> bool:
    """Not every peer speaks every version; who does not is named, and is no end of the run."""
    try:
        bench.size(client, path)
    except RuntimeError as error:
        note_failure(client, path, error, results)
        return False
    return True


def add_sample(bench: Bench, client: Client, path: str, kind: str, results: Results) -> bool:
    try:
        results.add(path, client.name, kind, bench.sample(client, path, kind))
    except RuntimeError as error:
        note_failure(client, path, error, results)
        return False
    return True


def note_failure(client: Client, path: str, error: RuntimeError, results: Results) -> None:
    # The last line is what a program says when it gives up.
    results.failures.append(f"Failed: {plain(client.name)} on {path}: {str(error).splitlines()[-1]}")
    say(results.failures[-1])


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
