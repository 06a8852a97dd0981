"""Builds libmcp with a sanitizer of the installed Rust compiler.

    library.py SANITIZER --out FOLDER --target FOLDER [--cargo-arg ARG]...

SANITIZER is address or thread. The results are OUT/libmcp.so and a link with its SONAME. Sanitizers are not stable yet:
RUSTC_BOOTSTRAP enables them in the stable compiler. The standard library is not instrumented; std_for_tsan.c reports
its synchronization to the thread sanitizer.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]

# The functions of the standard library that std_for_tsan.c wraps: the macro there, and the end of the mangled name.
IN_STD = {
    "MUTEX_LOCK_CONTENDED": r"sync5mutex5futexNt\w+_5Mutex14lock_contended",
    "RWLOCK_READ_CONTENDED": r"sync6rwlock5futexNt\w+_6RwLock14read_contended",
    "RWLOCK_WRITE_CONTENDED": r"sync6rwlock5futexNt\w+_6RwLock15write_contended",
    "CONDVAR_WAIT": r"condvar5futexNt\w+_7Condvar4wait",
    "CONDVAR_WAIT_TIMEOUT": r"condvar5futexNt\w+_7Condvar12wait_timeout",
    "ONCE_CALL": r"sync4once5futexNt\w+_4Once4call",
}
# The functions of the sanitizer that it wraps.
IN_TSAN = ("__tsan_atomic64_fetch_sub", "__tsan_atomic_thread_fence", "__tsan_func_exit")

# Enough debug information for function names and line numbers in reports; more would slow down the build.
LINES = ("--config", 'profile.dev.debug="line-tables-only"')


def output_of(*command: str) -> str:
    return subprocess.run(command, check=True, text=True, capture_output=True, cwd=REPOSITORY).stdout


def names_in_std(libraries: Path) -> dict[str, str]:
    (library,) = libraries.glob("libstd-*.so")
    symbols = [line.split()[-1] for line in output_of("nm", "-D", "--defined-only", str(library)).splitlines()]
    names = {}
    for name, pattern in IN_STD.items():
        found = [symbol for symbol in symbols if re.search(pattern + "$", symbol)]
        if len(found) != 1:
            raise SystemExit(f"sanitizers: expected one function {name} in the standard library, found {found}")
        names[name] = found[0]
    return names


def soname_of(library: Path) -> str:
    return re.search(r"soname: \[(.*)\]", output_of("readelf", "--dynamic", "--wide", str(library))).group(1)


def link_arguments(out: Path, libraries: Path) -> list[str]:
    """Compiles std_for_tsan.c and returns the arguments with which the linker wraps the functions."""
    names = names_in_std(libraries)
    source = HERE / "std_for_tsan.c"
    # Cargo does not track this file. Its hash in the name makes cargo link again when it changes.
    object_file = out / f"std_for_tsan-{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}.o"
    defines = [f'-D{name}="{symbol}"' for name, symbol in names.items()]
    compiler = ("cc", "-O2", "-fPIC", "-Wall", "-Wextra")
    subprocess.run([*compiler, *defines, "-c", str(source), "-o", str(object_file)], check=True)
    return [f"-Clink-arg={object_file}", *(f"-Clink-arg=-Wl,--wrap={name}" for name in (*names.values(), *IN_TSAN))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sanitizer", choices=("address", "thread"))
    parser.add_argument("--out", type=Path, required=True, help="the folder for libmcp.so")
    parser.add_argument("--target", type=Path, required=True, help="cargo's target directory for this sanitizer only")
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("--cargo-arg", action="append", default=[], help="an additional argument for cargo")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    sibling = Path(options.cargo).with_name("rustc")
    rustc = str(sibling) if sibling.is_file() else "rustc"
    version = dict(line.split(": ", 1) for line in output_of(rustc, "-vV").splitlines() if ": " in line)
    # By default, rustc refuses to mix instrumented code with the standard library, which is not instrumented.
    flags = (f"-Zsanitizer={options.sanitizer}", "-Cunsafe-allow-abi-mismatch=sanitizer")
    environment = os.environ | {
        "RUSTC_BOOTSTRAP": "1",
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        "CARGO_TARGET_DIR": str(options.target),
        "MCP_HEADER_DIR": str(options.out / "include"),
    }
    # With an explicit --target, cargo does not use the flags for build scripts.
    host = version["host"]
    selection = ("--lib", "--crate-type", "cdylib", "--target", host)
    build = [options.cargo, "rustc", "--locked", *selection, *LINES, *options.cargo_arg]
    if options.sanitizer == "thread":
        build += ["--", *link_arguments(options.out, Path(output_of(rustc, "--print", "target-libdir").strip()))]
    subprocess.run(build, cwd=REPOSITORY, env=environment, check=True)

    shutil.copy2(options.target / host / "debug/libmcp.so", options.out / "libmcp.so")
    link = options.out / soname_of(options.out / "libmcp.so")
    link.unlink(missing_ok=True)
    link.symlink_to("libmcp.so")


if __name__ == "__main__":
    main()
