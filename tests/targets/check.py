"""Whether the library compiles for targets that nothing here runs: `cargo check` for each.

    check.py --prepare      adds the targets to rustup's toolchain, and downloads what the library needs for them
    check.py TARGET         checks one; downloads nothing

`cargo check` links nothing, so C files of dependencies need no compiler for the target: this program stands in for it, and for `ar`.
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
    """What a build script calls as a compiler or as `ar`: the file that it wants is there then, and empty."""
    wanted = [after for before, after in zip(arguments, arguments[1:]) if before == "-o"]
    wanted += [argument for argument in arguments if argument.endswith(".a")]
    for path in wanted:
        Path(path).touch()


def run(*command, **variables):
    print("$", *command, flush=True)
    status = subprocess.run(command, cwd=REPO, env=os.environ | variables, stdin=subprocess.DEVNULL).returncode
    if status != 0:
        sys.exit(f"{command[0]} ended with {status}")


def prepare():
    if not shutil.which("rustup"):
        print("rustup is not there: the tests of targets will fail")
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
    # Without the SDK, Apple's would be looked for by Apple's tools.
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
