"""Measurements besides the tables of calls: system calls, allocations, TLS, size, and libmcp under load."""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness import build, calls, certificate, load, table, targets
from harness.clients import CURL, LABELS, LIBMCP, PARSER, RAW
from harness.measure import KINDS, Bench, Client
from harness.results import Results
from harness.rounds import measured as measured_rounds
from harness.server import Server
from harness.targets import Target

# The clients for which these measurements make sense: they allocate with malloc() and have no language runtime.
NATIVE = (RAW, CURL, PARSER, LIBMCP)


@dataclass
class Programs:
    """The programs that were built, except the clients."""

    server: Path
    launcher: Path
    libmcp: Path


def measured(programs: Programs, clients: list[Client], paths: list[str], rounds: int, soak: bool) -> list[str]:
    """Runs the measurements; returns sections of Markdown."""
    native = [client for client in clients if client.name in NATIVE]
    if not native:
        return []
    with Server(programs.server) as server:
        bench = Bench(programs.launcher, server)
        sections = attempt("System calls per ping", lambda: system_calls(bench, native, paths))
        sections += attempt("Allocations per call", lambda: allocations(bench, native, paths[0]))
        if LIBMCP in [client.name for client in native]:
            sections += attempt("Size", lambda: [targets.once([size(programs.libmcp)])])
            for name, measure in load.measures(bench, programs.libmcp, soak).items():
                sections += attempt(f"Load: {name}", lambda measure=measure: [targets.once(measure())])
    encrypted = [client for client in native if client.name != RAW]
    return sections + attempt(f"TLS, {paths[0]}", lambda: tls(programs, encrypted, paths[0], rounds))


def attempt(heading: str, measure: Callable[[], list[str]]) -> list[str]:
    """A section; one that fails says so, and the rest of a long run is not lost."""
    print(heading, file=sys.stderr, flush=True)
    try:
        return [f"## {heading}", *measure()]
    except RuntimeError as error:
        return [f"## {heading}", f"**Failed:** {str(error).splitlines()[-1]}"]


def system_calls(bench: Bench, clients: list[Client], paths: list[str]) -> list[str]:
    rows, limits = [], []
    for path in paths:
        for client in clients:
            found = calls.system_calls(bench, client, path)
            if found is None:
                return ["strace(1) is not installed."]
            groups = calls.grouped(found)
            counts = [f"{groups[name]:.2f}" for name in ("send", "receive", "poll", "never")]
            rows.append([f"{LABELS[client.name]}, {path}", *counts, groups["rest"] or table.NOTHING])
            if client.name == LIBMCP:
                limits += [
                    Target(f"{path}: sends", 1, {"": groups["send"]}),
                    Target(f"{path}: receives", 2, {"": groups["receive"]}),
                    Target(f"{path}: open, clone, socket, connect, close", 0, {"": groups["never"]}),
                ]
    head = ["", "send", "receive", "poll", "open, clone, connect…", "all except send, receive, poll"]
    return [table.table(head, rows)] + ([targets.once(limits)] if limits else [])


def allocations(bench: Bench, clients: list[Client], path: str) -> list[str]:
    counter = build.allocation_counter()
    rows = []
    for kind in KINDS:
        for client in clients:
            found = calls.allocations(bench, client, path, kind, counter)
            counts = [table.number(found[name]) for name in ("allocations", "free", "bytes")]
            rows.append([f"{LABELS[client.name]}, {table.HEADINGS[kind]}", *counts])
    return [table.table([path, "allocations", "frees", "bytes"], rows)]


def size(libmcp: Path) -> Target:
    # The release profile has stripped the library.
    library = (libmcp / "lib" / "libmcp.so").resolve()
    return Target("stripped libmcp.so, with TLS", 3, {"": library.stat().st_size / 1e6}, "MB")


def tls(programs: Programs, clients: list[Client], path: str, rounds: int) -> list[str]:
    """Measures calls over TLS. The targets compare libmcp with libcurl, which uses OpenSSL."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = certificate.make(Path(folder))
        with Server(programs.server, temporary) as server:
            results = measured_rounds(Bench(programs.launcher, server, temporary.authority), clients, [path], rounds)
    if not results.samples:
        return [f"**Failed:** {failure}" for failure in results.failures]
    limits = [of_tls(results, path, kind) for kind in KINDS]
    return [table.of_path(results, path), *results.failures, targets.once(limits)]


def of_tls(results: Results, path: str, kind: str) -> Target:
    ratio = results.ratio(path, LIBMCP, CURL, kind)
    return Target(f"{table.HEADINGS[kind]}, relative to libcurl + OpenSSL", 1.1, {"": ratio})
