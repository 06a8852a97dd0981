"""Builds a project that has libmcp inside by FetchContent, and sees that a second build does nothing."""

import argparse
import os
import shutil
import subprocess

parser = argparse.ArgumentParser()
for option in ("--cmake", "--source", "--work", "--server", "--generator", "--cargo-dir", "--build-type"):
    parser.add_argument(option, required=True)
args = parser.parse_args()


def run(*command):
    print("$", " ".join(command), flush=True)
    result = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(result.stdout, flush=True)
    result.check_returncode()
    return result.stdout


here = os.path.dirname(os.path.abspath(__file__))
shutil.rmtree(args.work, ignore_errors=True)
run(args.cmake, "-G", args.generator, "-S", os.path.join(here, "subproject"), "-B", args.work,
    f"-DLIBMCP_SOURCE={args.source}", f"-DMCP_CARGO_TARGET_DIR={args.cargo_dir}",
    f"-DCMAKE_BUILD_TYPE={args.build_type}")
run(args.cmake, "--build", args.work)
for program in ("shared", "static"):
    run(args.server, "--run", os.path.join(args.work, program))

again = run(args.cmake, "--build", args.work)
assert "with cargo" not in again and "Linking" not in again, "the second build does something"
