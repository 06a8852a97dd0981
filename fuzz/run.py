"""Run the fuzz targets: run.py --state DIR [--build] [--replay] [--seconds N] [--keep] [TARGET...]    all, where none is named

--replay runs each seed once. A run of N seconds begins with the seeds; with --keep also with what the runs before have
found, which lies in DIR/corpus. A table says what came of it. An input that a target fails on is put into DIR, and the
exit code is 1.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

FUZZ = Path(__file__).resolve().parent
TARGETS = sorted(path.stem for path in (FUZZ / "fuzz_targets").glob("*.rs"))

# An input may take so many seconds, with the words about a failure; and a target so many megabytes.
LONGEST = 25
LARGEST = 1024

# Answers are longer than what libFuzzer tries by itself.
LENGTHS = {"client": 8192}

# What the words of the protocol say nothing to.
WITHOUT_WORDS = {"event_stream", "headers", "proxy_answers"}


@dataclass
class Outcome:
    """What a run says of itself."""

    target: str
    executions: int
    per_second: int
    covered: int
    features: int
    found: int
    kept: int
    failed: list

    def row(self):
        failed = ", ".join(self.failed) or "none"
        numbers = (self.executions, self.per_second, self.covered, self.features, self.found, self.kept)
        return f"{self.target:<17}" + "".join(f"{number:>12}" for number in numbers) + f"  {failed}"


HEAD = f"{'target':<17}" + "".join(
    f"{name:>12}" for name in ("executions", "exec/s", "cov", "ft", "new inputs", "corpus")
) + "  crashes"


def environment(given):
    """The flags come from .cargo/config.toml, and do not count where the environment has some."""
    mine = {"RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"}
    kept = {name: value for name, value in os.environ.items() if name not in mine}
    return kept | {"CARGO_TARGET_DIR": str(given.cargo_target)}


def cargo(given, *words):
    command = [given.cargo, *words, "--locked", "--release", *given.cargo_argument]
    return subprocess.run(command, cwd=FUZZ, env=environment(given), check=False)


def program(given, target):
    built = list(given.cargo_target.glob(f"*/release/{target}"))
    if len(built) != 1:
        raise SystemExit(f"{target} is not built: --build does that")
    return built[0]


def limits(given, target):
    return [f"-timeout={LONGEST}", f"-rss_limit_mb={LARGEST}", f"-artifact_prefix={given.state}/{target}-"]


def command(given, target):
    words = [f"-max_total_time={given.seconds}", *limits(given, target), "-print_final_stats=1"]
    if target in LENGTHS:
        words.append(f"-max_len={LENGTHS[target]}")
    if target not in WITHOUT_WORDS:
        words.append(f"-dict={FUZZ}/protocol.dict")
    seeds = FUZZ / "seeds" / target
    if given.keep:
        corpus = given.state / "corpus" / target
        corpus.mkdir(parents=True, exist_ok=True)
        return [*words, str(corpus), str(seeds)]
    # Named one by one: into a folder, libFuzzer would write.
    return [*words, "-seed_inputs=" + ",".join(sorted(str(seed) for seed in seeds.iterdir()))]


def replay(given, target):
    """Runs the target on each of its seeds once. Returns whether all of them passed."""
    seeds = sorted(str(seed) for seed in (FUZZ / "seeds" / target).iterdir())
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [program(given, target), *limits(given, target), *seeds],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": folder},
        )
    said = done.stdout.decode(errors="replace")
    executed = len(re.findall(r"^Executed .* in \d+ ms", said, re.MULTILINE))
    passed = done.returncode == 0 and executed == len(seeds) > 0
    if not passed:
        print(said[-20_000:])
    print(f"{target}: {executed} of {len(seeds)} seeds replayed, exit code {done.returncode}", flush=True)
    return passed


def run(given, target):
    before = set(given.state.glob(f"{target}-*"))
    log = given.state / f"{target}.log"
    # Where the client's server has its socket.
    with open(log, "wb") as out, tempfile.TemporaryDirectory() as folder:
        words = [program(given, target), *command(given, target)]
        where = os.environ | {"TMPDIR": folder}
        code = subprocess.call(words, stdout=out, stderr=subprocess.STDOUT, env=where)
    said = log.read_text(errors="replace")
    failed = sorted(path.name for path in set(given.state.glob(f"{target}-*")) - before)
    if code and not failed:
        failed = [f"exit code {code}"]
    if failed:
        # What it failed with, and where.
        begin = max(said.find("\nthread '"), said.find("\nALARM"), len(said) - 20_000)
        print(said[begin : begin + 5_000])

    def number(pattern):
        found = re.findall(pattern, said)
        return int(found[-1]) if found else 0

    return Outcome(
        target,
        executions=number(r"number_of_executed_units: (\d+)"),
        per_second=number(r"average_exec_per_sec: +(\d+)"),
        covered=number(r" cov: (\d+)"),
        features=number(r" ft: (\d+)"),
        found=number(r"new_units_added: +(\d+)"),
        kept=number(r" corp: (\d+)"),
        failed=failed,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, required=True, help="where everything is built and kept")
    parser.add_argument("--build", action="store_true", help="build the targets first")
    parser.add_argument("--replay", action="store_true", help="run each seed once")
    parser.add_argument("--seconds", type=int, default=0, help="how long each target runs; not at all without it")
    parser.add_argument("--keep", action="store_true", help="go on with what earlier runs have found, and keep it")
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("--cargo-target", type=Path, help="cargo's target directory, where it is not DIR/cargo")
    parser.add_argument("--cargo-argument", action="append", default=[])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    given = parser.parse_args()
    given.state = given.state.resolve()
    given.state.mkdir(parents=True, exist_ok=True)
    given.cargo_target = (given.cargo_target or given.state / "cargo").resolve()
    if unknown := set(given.targets) - set(TARGETS):
        raise SystemExit(f"unknown: {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    if given.build and cargo(given, "build", "--bins").returncode:
        raise SystemExit("the fuzz targets cannot be built")
    if given.replay and not all([replay(given, target) for target in given.targets or TARGETS]):
        return 1
    if not given.seconds:
        return 0
    outcomes = []
    print(HEAD, flush=True)
    for target in given.targets or TARGETS:
        outcomes.append(run(given, target))
        print(outcomes[-1].row(), flush=True)
    return int(any(outcome.failed for outcome in outcomes))


sys.exit(main())
