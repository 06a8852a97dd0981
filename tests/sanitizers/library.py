"""Builds libmcp with a sanitizer of the compiler that is there.

    library.py SANITIZER --out FOLDER --target FOLDER [--cargo-arg ARG]...

SANITIZER is address or thread; FOLDER/libmcp.so and its SONAME are the outcome. The compiler is the one that builds the
library always: sanitizers are not stable yet, so it is told that it may (RUSTC_BOOTSTRAP). Its standard library comes
without them; std_for_tsan.c says what the thread sanitizer has to know of that.
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
SONAME = "libmcp.so.0"

# The functions of the standard library that std_for_tsan.c stands in front of: its name for each, and the end of the
# mangled one.
IN_STD = {
    "MUTEX_LOCK_CONTENDED": r"sync5mutex5futexNt\w+_5Mutex14lock_contended",
    "RWLOCK_READ_CONTENDED": r"sync6rwlock5futexNt\w+_6RwLock14read_contended",
    "RWLOCK_WRITE_CONTENDED": r"sync6rwlock5futexNt\w+_6RwLock15write_contended",
    "ONCE_CALL": r"sync4once5futexNt\w+_4Once4call",
}
# And those of the sanitizer.
IN_TSAN = ("__tsan_atomic64_fetch_sub", "__tsan_atomic_thread_fence", "__tsan_func_exit")

# Reports have names and lines; more would take longer to write.
LINES = ("--config", 'profile.dev.debug="line-tables-only"')


def said(*command: str) -> str:
    return subprocess.run(command, check=True, text=True, capture_output=True, cwd=REPOSITORY).stdout


def names_in_std(libraries: Path) -> dict[str, str]:
    (library,) = libraries.glob("libstd-*.so")
    symbols = [line.split()[-1] for line in said("nm", "-D", "--defined-only", str(library)).splitlines()]
    names = {}
    for name, pattern in IN_STD.items():
        found = [symbol for symbol in symbols if re.search(pattern + "$", symbol)]
        if len(found) != 1:
            raise SystemExit(f"sanitizers: {name} is no function of this standard library, or several: {found}")
        names[name] = found[0]
    return names


def link_arguments(out: Path, libraries: Path) -> list[str]:
    """Has the linker put std_for_tsan.c in front of what it wraps."""
    names = names_in_std(libraries)
    source = HERE / "std_for_tsan.c"
    # Cargo does not look into it: another text is another file.
    place = out / f"std_for_tsan-{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}.o"
    defines = [f'-D{name}="{symbol}"' for name, symbol in names.items()]
    compiler = ("cc", "-O2", "-fPIC", "-Wall", "-Wextra")
    subprocess.run([*compiler, *defines, "-c", str(source), "-o", str(place)], check=True)
    return [f"-Clink-arg={place}", *(f"-Clink-arg=-Wl,--wrap={name}" for name in (*names.values(), *IN_TSAN))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sanitizer", choices=("address", "thread"))
    parser.add_argument("--out", type=Path, required=True, help="where libmcp.so goes")
    parser.add_argument("--target", type=Path, required=True, help="cargo's target directory, for this sanitizer alone")
    parser.add_argument("--cargo", default="cargo")
    parser.add_argument("--cargo-arg", action="append", default=[], help="one more argument for cargo")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    beside = Path(options.cargo).with_name("rustc")
    rustc = str(beside) if beside.is_file() else "rustc"
    about = dict(line.split(": ", 1) for line in said(rustc, "-vV").splitlines() if ": " in line)
    # That the standard library has no sanitizer is known, and no mistake.
    flags = (f"-Zsanitizer={options.sanitizer}", "-Cunsafe-allow-abi-mismatch=sanitizer")
    environment = os.environ | {
        "RUSTC_BOOTSTRAP": "1",
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        "CARGO_TARGET_DIR": str(options.target),
        "MCP_HEADER_DIR": str(options.out / "include"),
    }
    # With a target named, the flags are not for build scripts.
    host = about["host"]
    what = ("--lib", "--crate-type", "cdylib", "--target", host)
    build = [options.cargo, "rustc", "--locked", *what, *LINES, *options.cargo_arg]
    if options.sanitizer == "thread":
        build += ["--", *link_arguments(options.out, Path(said(rustc, "--print", "target-libdir").strip()))]
    subprocess.run(build, cwd=REPOSITORY, env=environment, check=True)

    shutil.copy2(options.target / host / "debug/libmcp.so", options.out / "libmcp.so")
    link = options.out / SONAME
    link.unlink(missing_ok=True)
    link.symlink_to("libmcp.so")


if __name__ == "__main__":
    main()
