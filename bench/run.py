#!/usr/bin/env python3
"""Builds and runs the complete benchmark: python3 bench/run.py

Clients and server share one core. Rounds are interleaved: every client runs once before the next round begins, and
ratios are computed within a round. A complete run writes bench/RESULTS.md and bench/results.svg; a partial run
(--quick, --only, --paths) only prints.
"""

import argparse
import sys

from harness import build, extras, machine, plot, report, rounds, table, targets
from harness.clients import CURL, LABELS, LIBMCP, PARSER, RAW, built
from harness.measure import Bench, one_core
from harness.places import PLOT
from harness.results import Results
from harness.rounds import progress
from harness.server import Server

PATHS = ["legacy/json", "legacy/sse", "modern/json", "modern/sse"]
OWN = (RAW, CURL, PARSER, LIBMCP)


def main() -> None:
    options = arguments()
    build.check_tools()
    progress("building libmcp, the server and the clients")
    try:
        programs = extras.Programs(build.server(), build.launcher(), build.library())
        clients = built(options.only, programs.libmcp)
    except RuntimeError as error:
        sys.exit(str(error))
    # Before the measurements, so that a failure here does not waste an hour.
    description = machine.description(peer_versions()) if is_complete(options) else ""
    with one_core():
        with Server(programs.server) as server:
            results = rounds.measured(Bench(programs.launcher, server), clients, options.paths, options.rounds)
        more = extras.measured(programs, clients, options.paths, options.rounds, options.soak)
    text = markdown(results, options.rounds, more)
    print(text)
    if is_complete(options):
        report.write(f"{description}\n\n{text}")
        PLOT.write_text(plot.svg(results, PATHS[0]))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    names = " ".join(LABELS)
    parser.add_argument("--only", nargs="+", choices=LABELS, default=list(LABELS), metavar="NAME", help=names)
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=PATHS, metavar="PATH", help=" ".join(PATHS))
    parser.add_argument("--quick", action="store_true", help="one path, three rounds, no SDKs")
    parser.add_argument("--soak", action="store_true", help="also measure a million calls, which takes a minute")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.paths = 3, options.paths[:1]
        options.only = [name for name in options.only if name in OWN]
    return options


def is_complete(options: argparse.Namespace) -> bool:
    return options.only == list(LABELS) and options.paths == PATHS and not options.quick


def markdown(results: Results, count: int, more: list[str]) -> str:
    """All results as Markdown."""
    parts = [f"Medians of {count} interleaved rounds. Ratios are relative to libcurl + simdjson in the same round."]
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
