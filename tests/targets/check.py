"""Checks with `cargo check` that the library compiles for targets on which no test runs.

    check.py --prepare      adds the targets to rustup's toolchain, and downloads the dependencies for them
    check.py TARGET         checks one target; downloads nothing

`cargo check` does not link, so the C files of dependencies need not be compiled: this program acts as the C compiler
and as `ar` for the target.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

TARGETS = ("x86_64-unknown-linux-musl", "aarch64-apple-darwin", "i686-unknown-linux-gnu")
REPO = Path(__file__).resolve().parents[2]
CARGO = os.environ.get("CARGO", "cargo")


def compile_nothing(arguments):
    """Acts as a compiler or `ar` for build scripts: creates empty output files."""
    outputs = [after for before, after in zip(arguments, arguments[1:]) if before == "-o"]
    outputs += [argument for argument in arguments if argument.endswith(".a")]
    for path in outputs:
        Path(path).touch()


def run(*command, **variables):
    print("$", *command, flush=True)
    status = subprocess.run(command, cwd=REPO, env=os.environ | variables, stdin=subprocess.DEVNULL).returncode
    if status != 0:
        sys.exit(f"{command[0]} exited with status {status}")


def prepare():
    if not shutil.which("rustup"):
        print("rustup is not installed: the tests of other targets will fail")
        return
    run("rustup", "target", "add", *TARGETS)
    for target in TARGETS:
        run(CARGO, "fetch", "--locked", "--target", target)


def check(target):
    stand_in = f"{sys.executable} {Path(__file__).resolve()}"
    tool = Path(os.environ["CARGO_TARGET_DIR"]) / "stand-in"
    tool.parent.mkdir(parents=True, exist_ok=True)
    tool.write_text(f'#!/bin/sh\nexec {stand_in} --compile "$@"\n')
    tool.chmod(0o755)
    name = target.replace("-", "_")
    # SDKROOT prevents that build scripts look for Apple's SDK with Apple's tools.
    tools = {f"CC_{name}": str(tool), f"AR_{name}": str(tool), "SDKROOT": "/", "RUSTFLAGS": "-D warnings"}
    run(CARGO, "check", "--locked", "--offline", "--lib", "--target", target, **tools)


def main():
    match sys.argv[1:]:
        case ["--compile", *arguments]:
            compile_nothing(arguments)
        case ["--prepare"]:
            prepare()
        case [target] if target in TARGETS:
            check(target)
        case _:
            sys.exit(__doc__)


main()
