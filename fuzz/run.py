"""Run the fuzz targets: run.py --state DIR [--build] [--replay] [--seconds N] [--keep] [TARGET...]

Without TARGET, all targets are used. --replay runs each seed once. A run of N seconds starts with the seeds; with
--keep, also with the inputs that earlier runs have found, in DIR/corpus. The results are printed as a table. If a
target fails, the input is stored in DIR, and the exit code is 1.
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

# The maximum time for an input in seconds (including the report of a failure), and the maximum memory of a target in
# MB.
LONGEST = 25
LARGEST = 1024

# The maximum length of inputs, for targets whose inputs are longer than libFuzzer's default.
LENGTHS = {"client": 8192}

# Targets for which the dictionary is useless.
WITHOUT_DICTIONARY = {"event_stream", "headers", "proxy_answers"}


@dataclass
class Outcome:
    """The statistics of a run."""

    target: str
    executions: int
    per_second: int
    covered: int
    features: int
    found: int
    corpus: int
    failed: list

    def row(self):
        failed = ", ".join(self.failed) or "none"
        numbers = (self.executions, self.per_second, self.covered, self.features, self.found, self.corpus)
        return f"{self.target:<17}" + "".join(f"{number:>12}" for number in numbers) + f"  {failed}"


HEAD = f"{'target':<17}" + "".join(
    f"{name:>12}" for name in ("executions", "exec/s", "cov", "ft", "new inputs", "corpus")
) + "  crashes"


def environment(options):
    """The environment for cargo, without variables that would override the flags in .cargo/config.toml."""
    removed = {"RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"}
    variables = {name: value for name, value in os.environ.items() if name not in removed}
    return variables | {"CARGO_TARGET_DIR": str(options.cargo_target)}


def cargo(options, *words):
    command = [options.cargo, *words, "--locked", "--release", *options.cargo_argument]
    return subprocess.run(command, cwd=FUZZ, env=environment(options), check=False)


def program(options, target):
    built = list(options.cargo_target.glob(f"*/release/{target}"))
    if len(built) != 1:
        raise SystemExit(f"{target} is not built: use --build")
    return built[0]


def limits(options, target):
    return [f"-timeout={LONGEST}", f"-rss_limit_mb={LARGEST}", f"-artifact_prefix={options.state}/{target}-"]


def command(options, target):
    words = [f"-max_total_time={options.seconds}", *limits(options, target), "-print_final_stats=1"]
    if target in LENGTHS:
        words.append(f"-max_len={LENGTHS[target]}")
    if target not in WITHOUT_DICTIONARY:
        words.append(f"-dict={FUZZ}/protocol.dict")
    seeds = FUZZ / "seeds" / target
    if options.keep:
        corpus = options.state / "corpus" / target
        corpus.mkdir(parents=True, exist_ok=True)
        return [*words, str(corpus), str(seeds)]
    # The seeds are passed one by one, because libFuzzer would write new inputs into a folder.
    return [*words, "-seed_inputs=" + ",".join(sorted(str(seed) for seed in seeds.iterdir()))]


def replay(options, target):
    """Runs the target once with each of its seeds. Returns whether all of them passed."""
    seeds = sorted(str(seed) for seed in (FUZZ / "seeds" / target).iterdir())
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [program(options, target), *limits(options, target), *seeds],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TMPDIR": folder},
        )
    output = done.stdout.decode(errors="replace")
    executed = len(re.findall(r"^Executed .* in \d+ ms", output, re.MULTILINE))
    passed = done.returncode == 0 and executed == len(seeds) > 0
    if not passed:
        print(output[-20_000:])
    print(f"{target}: {executed} of {len(seeds)} seeds replayed, exit code {done.returncode}", flush=True)
    return passed


def run(options, target):
    before = set(options.state.glob(f"{target}-*"))
    log = options.state / f"{target}.log"
    # TMPDIR: the target `client` creates the socket of its server there.
    with open(log, "wb") as out, tempfile.TemporaryDirectory() as folder:
        words = [program(options, target), *command(options, target)]
        variables = os.environ | {"TMPDIR": folder}
        code = subprocess.call(words, stdout=out, stderr=subprocess.STDOUT, env=variables)
    output = log.read_text(errors="replace")
    failed = sorted(path.name for path in set(options.state.glob(f"{target}-*")) - before)
    if code and not failed:
        failed = [f"exit code {code}"]
    if failed:
        # Print the panic message with its location, or the report of a timeout.
        begin = max(output.find("\nthread '"), output.find("\nALARM"), len(output) - 20_000)
        print(output[begin : begin + 5_000])

    def number(pattern):
        found = re.findall(pattern, output)
        return int(found[-1]) if found else 0

    return Outcome(
        target,
        executions=number(r"number_of_executed_units: (\d+)"),
        per_second=number(r"average_exec_per_sec: +(\d+)"),
        covered=number(r" cov: (\d+)"),
        features=number(r" ft: (\d+)"),
        found=number(r"new_units_added: +(\d+)"),
        corpus=number(r" corp: (\d+)"),
        failed=failed,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, required=True, help="the folder for builds, corpora and failures")
    parser.add_argument("--build", action="store_true", help="build the targets first")
    parser.add_argument("--replay", action="store_true", help="run each seed once")
    parser.add_argument("--seconds", type=int, default=0, help="how long to fuzz each target; without it, do not fuzz")
    parser.add_argument("--keep", action="store_true", help="continue with the corpus of earlier runs, and extend it")
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("--cargo-target", type=Path, help="cargo's target directory; the default is DIR/cargo")
    parser.add_argument("--cargo-argument", action="append", default=[])
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    options = parser.parse_args()
    options.state = options.state.resolve()
    options.state.mkdir(parents=True, exist_ok=True)
    options.cargo_target = (options.cargo_target or options.state / "cargo").resolve()
    if unknown := set(options.targets) - set(TARGETS):
        raise SystemExit(f"unknown targets: {', '.join(unknown)}; the targets are {', '.join(TARGETS)}")
    if options.build and cargo(options, "build", "--bins").returncode:
        raise SystemExit("cargo could not build the fuzz targets (see above)")
    if options.replay and not all([replay(options, target) for target in options.targets or TARGETS]):
        return 1
    if not options.seconds:
        return 0
    outcomes = []
    print(HEAD, flush=True)
    for target in options.targets or TARGETS:
        outcomes.append(run(options, target))
        print(outcomes[-1].row(), flush=True)
    return int(any(outcome.failed for outcome in outcomes))


sys.exit(main())
