#!/usr/bin/env python3
"""Builds and runs the complete benchmark: python3 bench/run.py

Clients and server share one core. Rounds are interleaved: every client runs once before the next round begins, and
ratios are computed within a round. A complete run writes bench/RESULTS.md and bench/results.svg; a partial run
(--quick, --only, --paths) only prints. With --compare, another build of libmcp is measured in the same rounds.
"""

import argparse
import os
import sys
from pathlib import Path

from harness import build, extras, machine, plot, report, rounds, table, targets, texts
from harness.clients import COMPARED, LABELS, LIBMCP, OWN, built
from harness.measure import KINDS, PAYLOADS, SECONDS, Bench, one_core
from harness.places import PLOT
from harness.results import Results
from harness.rounds import progress
from harness.server import Server

PATHS = ["legacy/json", "legacy/sse", "modern/json", "modern/sse"]
# The clients that exist without options: another build of libmcp needs --compare, cxxmcp its sources (peers/native.py).
NAMES = [name for name in LABELS if name != COMPARED and (name != "cxxmcp" or "BENCH_CXXMCP" in os.environ)]
# With --quick: the most important kinds, and the time of a run in seconds.
QUICK_KINDS, QUICK_COUNTED, QUICK_SECONDS = (*KINDS, "json1M", "tools", "events"), ("ping", "json1M"), 0.3


def main() -> None:
    options = arguments()
    build.check_tools()
    progress("building libmcp, the server and the clients")
    libraries = {COMPARED: options.compare.resolve()} if options.compare else {}
    try:
        if LIBMCP in options.only:
            libraries[LIBMCP] = build.library()
        programs = extras.Programs(build.server(), build.launcher(), libraries, texts.files())
        clients = built([*options.only, *libraries], libraries)
    except RuntimeError as error:
        sys.exit(str(error))
    # Before the measurements, so that a failure here does not waste an hour.
    description = machine.description(peer_versions()) if is_complete(options) else ""
    all_kinds = KINDS + PAYLOADS
    more = extras.Options(options.paths, all_kinds, all_kinds, options.rounds, 3, SECONDS, options.soak)
    if options.quick:
        more = extras.Options(options.paths, QUICK_KINDS, QUICK_COUNTED, options.rounds, 1, QUICK_SECONDS, options.soak)
    with one_core():
        with Server(programs.server) as server:
            bench = Bench(programs.launcher, server, programs.texts, seconds=more.seconds)
            results = rounds.measured(bench, clients, options.paths, more.kinds, options.rounds)
        sections = extras.measured(programs, clients, more)
    text = markdown(results, options.rounds, sections)
    print(text)
    if is_complete(options):
        report.write(f"{description}\n\n{text}")
        PLOT.write_text(plot.svg(results, PATHS[0]))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=" ".join(NAMES))
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=PATHS, metavar="PATH", help=" ".join(PATHS))
    parser.add_argument("--compare", type=Path, metavar="FOLDER", help="another build: contains include/ and lib/")
    parser.add_argument("--quick", action="store_true", help="one path, three rounds, few payloads, no SDKs")
    parser.add_argument("--soak", action="store_true", help="also measure a million calls, which takes a minute")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.paths = 3, options.paths[:1]
        options.only = [name for name in options.only if name in OWN]
    return options


def is_complete(options: argparse.Namespace) -> bool:
    return options.only == NAMES and options.paths == PATHS and not options.quick


def markdown(results: Results, count: int, more: list[str]) -> str:
    """All results as Markdown."""
    parts = [f"Medians of {count} interleaved rounds. Ratios are relative to libcurl + simdjson in the same round."]
    for path in results.paths():
        parts += [f"## {path}", *table.of_path(results, path)]
        parts += [table.spread(results, path), table.slower_server(results, path)]
    parts += results.failures
    parts += ["## Targets", targets.by_path(targets.of_calls(results), results.paths()), *more]
    return "\n\n".join(part for part in parts if part)


def peer_versions() -> list[tuple[str, str]]:
    from peers import install

    return install.versions()


if __name__ == "__main__":
    main()
