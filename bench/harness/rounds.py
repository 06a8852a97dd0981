"""Interleaved rounds: every client runs once before the next round begins."""

import sys

from harness.clients import plain
from harness.measure import Bench, Client
from harness.results import Results


def measured(
    bench: Bench, clients: list[Client], paths: list[str], kinds: tuple[str, ...], rounds: int, name: str = "round"
) -> Results:
    """Measures calls of these kinds, as far as a client makes them, and cold starts."""
    results = Results()
    working = [(path, client) for path in paths for client in clients if is_sized(bench, client, path, kinds, results)]
    for number in range(rounds):
        progress(f"{name} {number + 1} of {rounds}")
        for path in paths:
            for kind in (*kinds, "cold"):
                for client in [client for of, client in working if of == path and kind in (*client.kinds, "cold")]:
                    if not add_sample(bench, client, path, kind, results):
                        working.remove((path, client))
    return results


def is_sized(bench: Bench, client: Client, path: str, kinds: tuple[str, ...], results: Results) -> bool:
    """Determines the number of calls. False if the client fails, for example because it does not support the version;
    the failure is listed in the results, and the other clients are still measured."""
    try:
        bench.size(client, path, tuple(kind for kind in kinds if kind in client.kinds))
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
    # The last line of the output is the error message of the program.
    results.failures.append(f"Failed: {plain(client.name)} on {path}: {str(error).splitlines()[-1]}")
    progress(results.failures[-1])


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
