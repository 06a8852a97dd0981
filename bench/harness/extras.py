"""Measurements besides the tables of calls: system calls, allocations, TLS, size, and libmcp under load."""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness import build, calls, certificate, growth, load, table, targets
from harness.clients import COMPARED, CURL, LABELS, LIBMCP, OWN, RAW
from harness.measure import KINDS, Bench, Client
from harness.places import BUILT
from harness.results import Results
from harness.rounds import measured as measured_rounds
from harness.server import Server
from harness.targets import Target

# The limits of the ratios over TLS.
TLS_LIMITS = {"ping": 0.63, "echo100": 0.66, "echo1M": 0.77}
# The size in MB: that of docs/architecture.md.
SIZE_LIMIT = 3.2
ALLOCATION_LIMITS = {"ping": 30, "echo100": 38}


@dataclass
class Programs:
    """The programs that were built, except the clients; `libraries` are the builds of libmcp, by client."""

    server: Path
    launcher: Path
    libraries: dict[str, Path]
    texts: dict[str, Path]


@dataclass
class Options:
    paths: list[str]
    kinds: tuple[str, ...]
    # The kinds of calls whose instructions are counted: callgrind is slow.
    counted: tuple[str, ...]
    rounds: int
    growth_rounds: int
    seconds: float
    soak: bool


def measured(programs: Programs, clients: list[Client], options: Options) -> list[str]:
    """Runs the measurements; returns sections of Markdown."""
    native = [client for client in clients if client.name in OWN]
    if not native:
        return []
    path = options.paths[0]
    with Server(programs.server) as server:
        bench = Bench(programs.launcher, server, programs.texts)
        sections = attempt("System calls per ping", lambda: system_calls(bench, native, options.paths))
        sections += attempt("Allocations per call", lambda: allocations(bench, native, path, options.kinds))
        sections += attempt("Instructions per call", lambda: instructions(bench, native, path, options.counted))
        if LIBMCP in [client.name for client in native]:
            sections += attempt("Size", lambda: of_libraries(programs, size))
            for name, measure in load.measures(options.soak).items():
                sections += attempt(f"Load: {name}", lambda measure=measure: loaded(bench, programs, measure))
        if programs.libraries:
            sections += attempt("Growth", lambda: growth.measured(bench, programs.libraries, options.growth_rounds))
    encrypted = [client for client in native if client.name != RAW]
    return sections + attempt(f"TLS, {path}", lambda: tls(programs, encrypted, path, options))


def of_libraries(programs: Programs, measure: Callable[[Path], list[Target]]) -> list[str]:
    """The targets of libmcp, with those of the other build."""
    own, *compared = (measure(programs.libraries[name]) for name in (LIBMCP, COMPARED) if name in programs.libraries)
    return [targets.once(targets.with_compared(own, *compared) if compared else own)]


def loaded(bench: Bench, programs: Programs, measure: Callable[[load.Run], list[Target]]) -> list[str]:
    return of_libraries(programs, lambda library: measure(load.runner(bench, library)))


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


def allocations(bench: Bench, clients: list[Client], path: str, kinds: tuple[str, ...]) -> list[str]:
    counter = build.allocation_counter()
    pairs = [(client, kind) for client in clients for kind in kinds]
    found = {(client.name, kind): calls.allocations(bench, client, path, kind, counter) for client, kind in pairs}
    tables = []
    for name in ("allocations", "bytes"):
        figures = {key: counts[name] for key, counts in found.items()}
        tables.append(table.by_kind(f"{name}, {path}", kinds, figures))
    limits = [of_allocations(found, kind) for kind in ALLOCATION_LIMITS if (LIBMCP, kind) in found]
    return [*tables, targets.once(limits)] if limits else tables


def of_allocations(found: dict[tuple[str, str], dict], kind: str) -> Target:
    own, compared = ({"": found.get((name, kind), {}).get("allocations")} for name in (LIBMCP, COMPARED))
    return Target(f"allocations, {table.HEADINGS[kind]}", ALLOCATION_LIMITS[kind], own, "", compared)


def instructions(bench: Bench, clients: list[Client], path: str, kinds: tuple[str, ...]) -> list[str]:
    pairs = [(client, kind) for client in clients for kind in kinds]
    found = {(client.name, kind): calls.instructions(bench, client, path, kind) for client, kind in pairs}
    if None in found.values():
        return ["valgrind(1) is not installed."]
    return [
        "Of the process, without the kernel, as callgrind counts them (with AVX2, without AVX-512).",
        table.by_kind(path, kinds, found),
    ]


def size(libmcp: Path) -> list[Target]:
    # The release profile has stripped the library; another build may have symbols.
    stripped = BUILT / "stripped.so"
    build.run(["strip", "-o", stripped, (libmcp / "lib" / "libmcp.so").resolve()])
    return [Target("stripped libmcp.so, with TLS and OAuth", SIZE_LIMIT, {"": stripped.stat().st_size / 1e6}, "MB")]


def tls(programs: Programs, clients: list[Client], path: str, options: Options) -> list[str]:
    """Measures calls over TLS. The targets compare libmcp with libcurl, which uses OpenSSL."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = certificate.make(Path(folder))
        with Server(programs.server, temporary) as server:
            bench = Bench(programs.launcher, server, programs.texts, temporary.authority, options.seconds)
            results = measured_rounds(bench, clients, [path], KINDS, options.rounds, "TLS: round")
    if not results.samples:
        return [f"**Failed:** {failure}" for failure in results.failures]
    limits = [of_tls(results, path, kind) for kind in KINDS]
    return [*table.of_path(results, path), *results.failures, targets.once(limits)]


def of_tls(results: Results, path: str, kind: str) -> Target:
    own, compared = ({"": results.ratio(path, name, CURL, kind)} for name in (LIBMCP, COMPARED))
    return Target(f"{table.HEADINGS[kind]}, relative to libcurl + OpenSSL", TLS_LIMITS[kind], own, "", compared)
