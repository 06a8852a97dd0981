"""Build the Swift program against libmcp and run it against the scripted server.

The machine's own Swift is used where there is one, else the one in the chroot.
"""

import argparse
import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

import chroot

HERE = Path(__file__).resolve().parent


def swift_build(package: Path, scratch: Path, include: Path, library: Path) -> list[str]:
    where = ["--package-path", str(package), "--scratch-path", str(scratch)]
    link = ["-Xlinker", f"-L{library}", "-Xlinker", f"-rpath={library}"]
    return ["swift", "build", *where, "-Xcc", f"-I{include}", *link]


def on_machine(options: argparse.Namespace) -> None:
    scratch = options.build.resolve()
    subprocess.run(swift_build(HERE, scratch, options.include, options.library.parent), check=True)
    subprocess.run([options.server, "--run", scratch / "debug/smoke"], check=True)


def in_chroot(options: argparse.Namespace) -> None:
    root = chroot.prepared()
    with open(f"{root}.in-use", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        work = root / "srv/libmcp"
        shutil.rmtree(work, ignore_errors=True)
        for folder in ("include", "lib", "package"):
            (work / folder).mkdir(parents=True)
        shutil.copy(options.include / "mcp.h", work / "include")
        for file in options.library.parent.glob("libmcp.so*"):
            shutil.copy(file, work / "lib")
        shutil.copy(options.server, work / "server")
        for name in ("Package.swift", "Sources"):
            copy = shutil.copytree if (HERE / name).is_dir() else shutil.copy
            copy(HERE / name, work / "package" / name)

        at = Path("/") / work.relative_to(root)
        chroot.run(root, *swift_build(at / "package", at / "scratch", at / "include", at / "lib"))
        chroot.run(root, str(at / "server"), "--run", str(at / "scratch/debug/smoke"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--library", type=Path, required=True, help="libmcp.so, SONAME beside it")
    parser.add_argument("--include", type=Path, required=True, help="the folder of mcp.h")
    parser.add_argument("--server", type=Path, required=True, help="mcp-test-server")
    parser.add_argument(
        "--build", type=Path, required=True, help="where the machine's Swift builds"
    )
    options = parser.parse_args()
    try:
        (on_machine if shutil.which("swift") else in_chroot)(options)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} ended with {error.returncode}")


if __name__ == "__main__":
    main()
