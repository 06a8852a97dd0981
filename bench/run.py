#!/usr/bin/env python3
"""Builds and runs the whole benchmark: python3 bench/run.py

Clients and server share one core. Rounds are interleaved: every client has its turn before the next round begins, and
ratios are taken within a round. A whole run writes bench/RESULTS.md and bench/results.svg; a partial one (--quick,
--only, --paths) only prints.
"""

import argparse
import sys

from harness import build, extras, machine, plot, report, rounds, table, targets
from harness.clients import CURL, LABELS, LIBMCP, PARSER, RAW, built
from harness.measure import Bench, one_core
from harness.places import PLOT
from harness.results import Results
from harness.rounds import say
from harness.server import Server

PATHS = ["legacy/json", "legacy/sse", "modern/json", "modern/sse"]
OWN = (RAW, CURL, PARSER, LIBMCP)


def main() -> None:
    asked = arguments()
    build.check_tools()
    say("building libmcp, the server and the clients")
    try:
        made = extras.Made(build.server(), build.launcher(), build.library())
        clients = built(asked.only, made.libmcp)
    except RuntimeError as error:
        sys.exit(str(error))
    # Now, not at the end: nothing that can fail for another reason comes after an hour of measuring.
    description = machine.description(peer_versions()) if is_whole(asked) else ""
    with one_core():
        with Server(made.server) as server:
            results = rounds.measured(Bench(made.launcher, server), clients, asked.paths, asked.rounds)
        more = extras.measured(made, clients, asked.paths, asked.rounds, asked.soak)
    text = written(results, asked.rounds, more)
    print(text)
    if is_whole(asked):
        report.write(f"{description}\n\n{text}")
        PLOT.write_text(plot.svg(results, PATHS[0]))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    names = " ".join(LABELS)
    parser.add_argument("--only", nargs="+", choices=LABELS, default=list(LABELS), metavar="NAME", help=names)
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=PATHS, metavar="PATH", help=" ".join(PATHS))
    parser.add_argument("--quick", action="store_true", help="one path, three rounds, none of the SDKs")
    parser.add_argument("--soak", action="store_true", help="a million calls as well, which takes a minute")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.paths = 3, asked.paths[:1]
        asked.only = [name for name in asked.only if name in OWN]
    return asked


def is_whole(asked: argparse.Namespace) -> bool:
    return asked.only == list(LABELS) and asked.paths == PATHS and not asked.quick


def written(results: Results, count: int, more: list[str]) -> str:
    """Everything that was measured, as Markdown."""
    parts = [f"Medians of {count} interleaved rounds. A ratio is against libcurl + simdjson, in the same round."]
    for path in results.paths():
        parts += [f"## {path}", table.of_path(results, path)]
        parts += [table.spread(results, path), table.slower_server(results, path)]
    parts += results.failures
    parts += ["## Targets", targets.by_path(targets.of_calls(results), results.paths()), *more]
    return "\n\n".join(part for part in parts if part)


def peer_versions() -> list[tuple[str, str]]:
    from peers import install

    return install.versions()


if __name__ == "__main__":
    main()
