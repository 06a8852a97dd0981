"""Interleaved rounds: every client runs once before the next round begins."""

import sys

from harness.clients import plain
from harness.measure import ALL_KINDS, Bench, Client
from harness.results import Results


def measured(bench: Bench, clients: list[Client], paths: list[str], rounds: int) -> Results:
    results = Results()
    working = [(path, client) for path in paths for client in clients if is_sized(bench, client, path, results)]
    for number in range(rounds):
        progress(f"round {number + 1} of {rounds}")
        for path in paths:
            for kind in ALL_KINDS:
                for client in [client for of, client in working if of == path]:
                    if not add_sample(bench, client, path, kind, results):
                        working.remove((path, client))
    return results


def is_sized(bench: Bench, client: Client, path: str, results: Results) -> bool:
    """Determines the number of calls. False if the client fails, for example because it does not support the version;
    the failure is listed in the results, and the other clients are still measured."""
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
    # The last line of the output is the error message of the program.
    results.failures.append(f"Failed: {plain(client.name)} on {path}: {str(error).splitlines()[-1]}")
    progress(results.failures[-1])


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
