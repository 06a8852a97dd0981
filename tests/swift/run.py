"""Builds and tests bindings/swift with the machine's Swift, or else with the one in the chroot.

    run.py build ...        the binding and its tests: a warning is an error
    run.py build-tsan ...   the same with the thread sanitizer
    run.py style ...        swift-format has nothing to say
    run.py docs ...         everything public is described, and no link leads nowhere
    run.py test ...         the tests, against the scripted server and real ones
    run.py tsan ...         the same under the thread sanitizer, which has to see a race of our own
    run.py growth ...       10,000 rounds in a program without tests
    run.py example ...      examples/swift/alive, in front of a real server
"""

import argparse
import json
import re
from pathlib import Path

from place import Place, place

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
PACKAGE = "bindings/swift"
TESTS = REPO / PACKAGE / "Tests"
SERVER = "bin/mcp-test-server"
# These races are there on purpose.
RACES = "RaceTests"


class Job:
    """One run of this program: the sources in their place, and SwiftPM on them."""

    def __init__(self, options: argparse.Namespace, here: Place):
        self.options = options
        self.here = here
        self.environment = {
            "PKG_CONFIG_PATH": here.inside("lib/pkgconfig"),
            "LD_LIBRARY_PATH": here.inside("lib"),
            "MCP_REAL_STATE": here.inside("state"),
            "NO_PROXY": "127.0.0.1,localhost",
        }
        here.take_library(options.include, options.library)
        here.take(options.server, SERVER)
        for folder in (PACKAGE, "tests/swift", "examples/swift"):
            here.take(REPO / folder, folder, without=("__pycache__",))

    def swift(self, verb: str, package: str, scratch: str, *words: str) -> tuple[str, ...]:
        where = ("--package-path", package, "--scratch-path", f"scratch/{scratch}")
        return ("swift", verb, *where, *words)

    def build(self, package: str, scratch: str, *words: str) -> None:
        strict = ("-Xswiftc", "-warnings-as-errors")
        self.here.must(*self.swift("build", package, scratch, *strict, *words), **self.environment)

    def serve(self, *words: str) -> tuple[int, str]:
        """Run a command with the scripted server."""
        return self.here.run(SERVER, "--run", *words, **self.environment)

    def build_tests(self, scratch: str, *words: str) -> None:
        self.build(PACKAGE, scratch, "--build-tests", *words)

    def run_tests(self, scratch: str, *words: str) -> tuple[int, str]:
        for file in self.options.state.glob("*.json"):
            self.here.take(file, f"state/{file.name}")
        built = ("--skip-build", "--disable-xctest")
        return self.serve(*self.swift("test", PACKAGE, scratch, *built, *words))


def build(job: Job) -> None:
    job.build_tests("debug")


def build_tsan(job: Job) -> None:
    job.build_tests("tsan", "--sanitize=thread")


def style(job: Job) -> None:
    rules = ("--strict", "--recursive", "--configuration", f"{PACKAGE}/.swift-format")
    folders = (PACKAGE, "tests/swift", "examples/swift")
    job.here.must("swift", "format", "lint", *rules, *folders)
    print("nothing to say about", ", ".join(folders))


def docs(job: Job) -> None:
    dump = job.swift("package", PACKAGE, "docs", "dump-symbol-graph")
    job.here.must(*dump, **job.environment)
    (graph,) = (job.here.folder / "scratch/docs").glob("*/symbolgraph/MCP.symbols.json")
    symbols = json.loads(graph.read_text())["symbols"]
    # What the compiler makes has no place in a file.
    written = [symbol for symbol in symbols if "location" in symbol]
    bare = [".".join(s["pathComponents"]) for s in written if "docComment" not in s]
    if bare or len(written) < 100:
        raise SystemExit(f"swift: of {len(written)} public symbols, not described: {bare}")
    print(f"{len(written)} public symbols are described")

    folder = job.here.inside(*graph.parent.relative_to(job.here.folder).parts)
    named = ("--fallback-display-name", "MCP", "--fallback-bundle-identifier", "MCP")
    out = ("--additional-symbol-graph-dir", folder, "--output-path", "scratch/docs/MCP.doccarchive")
    catalogue = f"{PACKAGE}/Sources/MCP/MCP.docc"
    job.here.must(docc(job), "convert", catalogue, *named, *out, "--warnings-as-errors")


def docc(job: Job) -> str:
    """The program docc: it stands beside the swift that was found, and need not be in the path."""
    found = job.here.must("sh", "-c", 'dirname "$(readlink -f "$(command -v swift)")"').strip()
    return f"{found}/docc"


def test(job: Job) -> None:
    status, said = job.run_tests("debug", "--skip", RACES)
    all_passed(status, said)


def tsan(job: Job) -> None:
    build_tsan(job)
    status, said = job.run_tests("tsan", "--sanitize=thread", "--skip", RACES)
    all_passed(status, said)
    if "ThreadSanitizer" in said:
        raise SystemExit("swift: the thread sanitizer reports something")

    status, said = job.run_tests("tsan", "--sanitize=thread", "--filter", RACES)
    if status == 0 or not re.search(r"ThreadSanitizer: .*race.*ThreadTests\.swift", said, re.S):
        raise SystemExit("swift: the thread sanitizer does not see a race: its silence says nothing")


def all_passed(status: int, said: str) -> None:
    """Every test in the sources ran, but for the races."""
    sources = [path.read_text() for path in TESTS.rglob("*.swift")]
    expected = sum(text.count("@Test") for text in sources) - 1
    ran = re.findall(r"Test run with (\d+) tests passed", said)
    if status != 0 or ran != [str(expected)]:
        raise SystemExit(f"swift: {ran} tests passed of {expected}, and it ended with {status}")


def growth(job: Job) -> None:
    job.build("tests/swift/growth", "growth", "-c", "release")
    status, said = job.serve(job.here.inside("scratch/growth/release/growth"))
    if status != 0 or "after 10,000 rounds" not in said:
        raise SystemExit(f"swift: it ended with {status}")


def example(job: Job) -> None:
    """What alive.py asks of the other languages' programs, which run on the machine itself."""
    job.build("examples/swift/alive", "example")
    server = json.loads((job.options.state / "fastmcp4-static.json").read_text())
    outcomes = {}
    for which in ("right", "wrong"):
        environment = job.environment | {"MCP_BEARER_TOKEN": server["tokens"][which]}
        program = job.here.inside("scratch/example/debug/alive")
        outcomes[which] = job.here.run(program, server["url"], **environment)
    status, said = outcomes["wrong"]
    if outcomes["right"] != (0, "the server answers\n"):
        raise SystemExit("swift: it did not say that the server answers, or failed")
    if status != 1 or "401" not in said or server["tokens"]["wrong"] in said:
        raise SystemExit("swift: it did not say that the token is refused, or showed it")


JOBS = {job.__name__.replace("_", "-"): job for job in (build, build_tsan, style, docs, test, tsan, growth, example)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--library", type=Path, required=True, help="libmcp.so, SONAME beside it")
    parser.add_argument("--include", type=Path, required=True, help="the folder of mcp.h")
    parser.add_argument("--server", type=Path, required=True, help="mcp-test-server")
    parser.add_argument("--state", type=Path, required=True, help="the real servers' state files")
    parser.add_argument("--build", type=Path, required=True, help="where the machine's Swift builds")
    options = parser.parse_args()
    with place(options.build, "swift") as here:
        JOBS[options.job](Job(options, here))


if __name__ == "__main__":
    main()
