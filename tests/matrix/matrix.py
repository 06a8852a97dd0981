"""The server matrix: runs the cells of table.py through the program mcp_cell (cell.c).

    matrix.py SERVER --state DIR      run all cells of a server that is already running, as ctest does
    matrix.py --start CELL            start the server, run one cell, and stop the server
    matrix.py --list                  print the names of all cells

A name is the name of a server or a cell, or a pattern for cells, such as 'matrix.*.expired.*'. Several names may be
given. All cells are run and reported, even if one fails.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))
import fixture  # noqa: E402: from ../servers
from table import SERVERS, Cell, cells  # noqa: E402

PROGRAM = HERE.parents[1] / "build/tests/mcp_cell"
CELL_SECONDS = 90

# Limit for all cells of one server. Less than ctest's timeout, so that the report is still printed.
SERVER_SECONDS = 500

# The servers run on this machine: connect to them without the proxy of the user's environment.
NO_PROXY = {name: "127.0.0.1,localhost" for name in ("NO_PROXY", "no_proxy")}


@dataclass(frozen=True)
class Result:
    cell: Cell
    failure: str | None  # the reason and the output of the program; None: passed


def run_cell(cell: Cell, program: Path, state: Path, deadline: float) -> Result:
    seconds = min(CELL_SECONDS, deadline - time.monotonic())
    if seconds <= 0:
        return Result(cell, f"not run: the earlier cells of this server took more than {SERVER_SECONDS} s")
    try:
        completed = subprocess.run(
            [program, state / f"{cell.server}.json", *cell.arguments],
            env=os.environ | NO_PROXY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as timeout:
        return Result(cell, f"stopped after {seconds:.0f} s\n{text(timeout.output)}")
    output = text(completed.stdout)
    if completed.returncode != 0:
        return Result(cell, f"exit status {completed.returncode}\n{output}")
    # The exit status is not sufficient: a program that does nothing also exits with 0.
    if not any(line.startswith("ok: ") for line in output.splitlines()):
        return Result(cell, f'did not print "ok: "\n{output}')
    return Result(cell, None)


def text(output: bytes | None) -> str:
    return (output or b"").decode(errors="replace")


def run_all(selected: list[Cell], program: Path, state: Path) -> list[Result]:
    """Runs the cells of one server in parallel; reports them in the order of the table."""
    deadline = time.monotonic() + SERVER_SECONDS
    results = []
    with ThreadPoolExecutor(max(2, os.cpu_count() or 1)) as pool:
        for result in pool.map(lambda cell: run_cell(cell, program, state, deadline), selected):
            results.append(result)
            print(f"{result.cell.name}: {'FAILED' if result.failure else 'ok'}", flush=True)
            if result.failure:
                command = shlex.join(["mcp_cell", "STATE", *result.cell.arguments])
                report = [command, *result.failure.splitlines()]
                print("".join(f"    {line}\n" for line in report), end="", flush=True)
    return results


@contextmanager
def running(server: str, folder: Path) -> Iterator[Path]:
    """Uses a server that is already running; its state file is in `folder`."""
    if not (folder / f"{server}.json").exists():
        raise SystemExit(f"{server}: not running (no state file in {folder}); try --start")
    yield folder


@contextmanager
def started(server: str) -> Iterator[Path]:
    """Starts the server and stops it at the end."""
    with tempfile.TemporaryDirectory(prefix="mcp-matrix-") as name:
        folder = Path(name)
        fixture.start(server, folder, os.getpid())
        try:
            yield folder
        finally:
            fixture.stop(server, folder)


def select(names: list[str]) -> dict[str, list[Cell]]:
    """The cells that match the names, by server, in the order of the table."""
    selected = {}
    for server in SERVERS:
        chosen = [cell for cell in cells(server) if any(matches(cell, name) for name in names)]
        if chosen:
            selected[server] = chosen
    for name in names:
        if not any(matches(cell, name) for chosen in selected.values() for cell in chosen):
            raise SystemExit(f"{name}: no such server or cell; see --list")
    return selected


def matches(cell: Cell, name: str) -> bool:
    return cell.server == name or fnmatchcase(cell.name, name)


def wrong_count(server: str, run: int) -> bool:
    """Whether the number of cells that were run differs from the expected number for the server."""
    expected = SERVERS[server].cells
    if run != expected:
        print(f"{server}: {run} cells were run, expected {expected}")
    return run != expected


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a server, a cell or a pattern")
    parser.add_argument("--program", type=Path, default=PROGRAM, help="the program mcp_cell")
    parser.add_argument("--state", type=Path, help="the folder with the state files of the running servers")
    parser.add_argument("--start", action="store_true", help="start the servers and stop them at the end")
    parser.add_argument("--list", action="store_true", help="print the names of the cells and exit")
    options = parser.parse_args()
    if options.list:
        return options
    if not options.names:
        parser.error("give at least one server or cell")
    if options.start == bool(options.state):
        parser.error("give either --state or --start")
    if not options.program.is_file():
        parser.error(f"{options.program} is missing: build the target mcp_cell, or give --program")
    return options


def main() -> None:
    options = arguments()
    selected = select(options.names or list(SERVERS))
    if options.list:
        return print("\n".join(cell.name for chosen in selected.values() for cell in chosen))
    results, wrong = [], False
    for server, chosen in selected.items():
        with started(server) if options.start else running(server, options.state) as state:
            server_results = run_all(chosen, options.program.resolve(), state)
        if server in options.names:
            wrong |= wrong_count(server, len(server_results))
        results += server_results
    failed = sum(result.failure is not None for result in results)
    print(f"{len(results) - failed} cells passed, {failed} failed")
    if failed:
        print(f"To run a single cell: python3 {Path(__file__)} --start --program {options.program} NAME")
    sys.exit(1 if failed or wrong else 0)


if __name__ == "__main__":
    main()
