"""Builds and tests the Swift package with the machine's Swift, or else with that of the chroot.

    run.py build ...        the binding and its tests, with warnings as errors
    run.py build-tsan ...   the same with the thread sanitizer
    run.py style ...        swift-format reports nothing
    run.py docs ...         every public symbol is documented, and all links resolve
    run.py test ...         the tests, against the scripted server and real ones
    run.py tsan ...         the same under the thread sanitizer, which must detect a deliberate race
    run.py growth ...       memory use of 10,000 clients in a separate program
    run.py example ...      examples/swift/alive with a real server
    run.py servers ...      examples/swift/servers with real servers
    run.py by-url ...       a program that depends on the URL of a repository, and has another module named MCP
"""

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

from place import Workspace, place

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
sys.path.insert(0, str(REPO / "tests/examples"))
from servers import check as check_servers  # noqa: E402

BINDING = "bindings/swift"
TESTS = REPO / BINDING / "Tests"
MODULE = "LibMCP"
SERVER = "bin/mcp-test-server"
# The suite with the deliberate race.
RACES = "RaceTests"
# The suites that measure times, and therefore run without the others.
PROMPT_ENDS = "PromptEndTests|OAuthEndTests"


class Job:
    """One run of this program: copies the sources to the workspace and runs SwiftPM there."""

    def __init__(self, options: argparse.Namespace, here: Workspace):
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
        for source in ("Package.swift", BINDING, "tests/swift", "examples/swift"):
            here.take(REPO / source, source, without=("__pycache__",))

    def swift(self, verb: str, package: str, scratch: str, *words: str) -> tuple[str, ...]:
        where = ("--package-path", package, "--scratch-path", f"scratch/{scratch}")
        return ("swift", verb, *where, *words)

    def build(self, package: str, scratch: str, *words: str) -> None:
        strict = ("-Xswiftc", "-warnings-as-errors")
        self.here.must(*self.swift("build", package, scratch, *strict, *words), **self.environment)

    def serve(self, *words: str) -> tuple[int, str]:
        """Run a command with a running scripted server."""
        return self.here.run(SERVER, "--run", *words, **self.environment)

    def build_tests(self, scratch: str, *words: str) -> None:
        self.build(".", scratch, "--build-tests", *words)

    def run_tests(self, scratch: str, *words: str) -> tuple[int, str]:
        for file in self.options.state.glob("*.json"):
            self.here.take(file, f"state/{file.name}")
        built = ("--skip-build", "--disable-xctest")
        return self.serve(*self.swift("test", ".", scratch, *built, *words))


def build(job: Job) -> None:
    job.build_tests("debug")


def build_tsan(job: Job) -> None:
    job.build_tests("tsan", "--sanitize=thread")


def style(job: Job) -> None:
    rules = ("--strict", "--recursive", "--configuration", f"{BINDING}/.swift-format")
    sources = ("Package.swift", BINDING, "tests/swift", "examples/swift")
    job.here.must("swift", "format", "lint", *rules, *sources)
    print("no style problems in", ", ".join(sources))


def docs(job: Job) -> None:
    dump = job.swift("package", ".", "docs", "dump-symbol-graph")
    job.here.must(*dump, **job.environment)
    (graph,) = (job.here.folder / "scratch/docs").glob(f"*/symbolgraph/{MODULE}.symbols.json")
    symbols = json.loads(graph.read_text())["symbols"]
    # Symbols that the compiler generates have no source location.
    written = [symbol for symbol in symbols if "location" in symbol]
    undocumented = [".".join(s["pathComponents"]) for s in written if "docComment" not in s]
    if undocumented or len(written) < 100:
        raise SystemExit(f"swift: {len(written)} public symbols, undocumented: {undocumented}")
    print(f"{len(written)} public symbols are documented")

    folder = job.here.inside(*graph.parent.relative_to(job.here.folder).parts)
    named = ("--fallback-display-name", MODULE, "--fallback-bundle-identifier", MODULE)
    out = ("--additional-symbol-graph-dir", folder, "--output-path", f"scratch/docs/{MODULE}.doccarchive")
    catalogue = f"{BINDING}/Sources/{MODULE}/{MODULE}.docc"
    job.here.must(docc(job), "convert", catalogue, *named, *out, "--warnings-as-errors")


def docc(job: Job) -> str:
    """The path of docc: it is next to swift, and need not be in PATH."""
    folder = job.here.must("sh", "-c", 'dirname "$(readlink -f "$(command -v swift)")"').strip()
    return f"{folder}/docc"


def test(job: Job) -> None:
    run_all(job, "debug")


def run_all(job: Job, scratch: str, *words: str) -> str:
    """Run all tests except the deliberate race, and check that they passed. Returns their output."""
    runs = [
        job.run_tests(scratch, *words, "--skip", RACES, "--skip", PROMPT_ENDS),
        job.run_tests(scratch, *words, "--filter", PROMPT_ENDS),
    ]
    check_all_passed(runs)
    return "".join(output for _, output in runs)


def tsan(job: Job) -> None:
    build_tsan(job)
    if "ThreadSanitizer" in run_all(job, "tsan", "--sanitize=thread"):
        raise SystemExit("swift: the thread sanitizer reports a problem")

    status, output = job.run_tests("tsan", "--sanitize=thread", "--filter", RACES)
    if status == 0 or not re.search(r"ThreadSanitizer: .*race.*ThreadTests\.swift", output, re.S):
        raise SystemExit("swift: the thread sanitizer did not detect the deliberate race: it does not work")


def check_all_passed(runs: list[tuple[int, str]]) -> None:
    """Check that every test in the sources passed, except the deliberate race."""
    sources = [path.read_text() for path in TESTS.rglob("*.swift")]
    expected = sum(text.count("@Test") for text in sources) - 1
    statuses = [status for status, _ in runs]
    counts = [re.findall(r"Test run with (\d+) tests passed", output) for _, output in runs]
    passed = sum(int(count) for found in counts for count in found)
    if any(statuses) or passed != expected:
        raise SystemExit(f"swift: {passed} of {expected} tests passed, exit statuses {statuses}")


def growth(job: Job) -> None:
    job.build("tests/swift/growth", "growth", "-c", "release")
    status, output = job.serve(job.here.inside("scratch/growth/release/growth"))
    if status != 0 or "after 10,000 rounds" not in output:
        raise SystemExit(f"swift: the growth test failed with status {status}")


def example(job: Job) -> None:
    """Check the example program as alive.py checks those in other languages, but in the workspace."""
    job.build("examples/swift/alive", "example")
    server = json.loads((job.options.state / "fastmcp4-static.json").read_text())
    outcomes = {}
    for which in ("right", "wrong"):
        environment = job.environment | {"MCP_BEARER_TOKEN": server["tokens"][which]}
        program = job.here.inside("scratch/example/debug/alive")
        outcomes[which] = job.here.run(program, server["url"], **environment)
    status, output = outcomes["wrong"]
    if outcomes["right"] != (0, "the server answers\n"):
        raise SystemExit("swift: with the right token, the program failed or printed something else")
    if status != 1 or "401" not in output or server["tokens"]["wrong"] in output:
        raise SystemExit("swift: with the wrong token, the program did not report 401, or showed the token")


def servers(job: Job) -> None:
    job.build("examples/swift/servers", "servers")
    program = job.here.inside("scratch/servers/debug/servers")
    url = json.loads((job.options.state / "everything.json").read_text())["url"]
    file = job.here.folder / "servers.json"

    def run(*words: str) -> tuple[int, str]:
        return job.here.run(program, *words, **job.environment)

    check_servers(run, file, job.here.inside(file.name), url)


def by_url(job: Job) -> None:
    """Build a program as an application does: SwiftPM clones the repository at the tag of its version."""
    here = job.here
    version = re.search(r'^version = "(.+)"', (REPO / "Cargo.toml").read_text(), re.M).group(1)
    scratch = "scratch/by-url"
    shutil.rmtree(here.folder / scratch, ignore_errors=True)
    repository = f"{scratch}/libmcp"
    shutil.copytree(here.folder / BINDING, here.folder / repository / BINDING)
    shutil.copy(here.folder / "Package.swift", here.folder / repository)
    author = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "Test"), ("tag", version)):
        here.must("git", "-C", repository, *author, *words)

    # SwiftPM remembers the commit of each tag, which is another one in each run.
    memory = ("--cache-path", f"{scratch}/cache", "--security-path", f"{scratch}/security")
    where = {"LIBMCP_URL": f"file://{here.inside(repository)}", "LIBMCP_VERSION": version}
    build = job.swift("build", "tests/swift/by_url", "by-url/build", *memory)
    here.must(*build, **job.environment, **where)
    status, output = job.serve(here.inside(f"{scratch}/build/debug/both"))
    if status != 0 or f"libmcp {version}, and another module\n" not in output:
        raise SystemExit("swift: the program that depends on the URL of the repository failed")


JOBS = {
    job.__name__.replace("_", "-"): job
    for job in (build, build_tsan, style, docs, test, tsan, growth, example, servers, by_url)
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--library", type=Path, required=True, help="libmcp.so, with its SONAME next to it")
    parser.add_argument("--include", type=Path, required=True, help="the folder with mcp.h")
    parser.add_argument("--server", type=Path, required=True, help="mcp-test-server")
    parser.add_argument("--state", type=Path, required=True, help="the real servers' state files")
    parser.add_argument("--build", type=Path, required=True, help="the build folder if the machine has Swift")
    options = parser.parse_args()
    with place(options.build, "swift") as here:
        JOBS[options.job](Job(options, here))


if __name__ == "__main__":
    main()
