"""Checks which versions of the library a program accepts that was linked with another one.

Links the program version.c with the installed library and with the library that `cargo build` makes, which has no
symbol versions. Then runs it with each of them, and with a library of the next version that is made here.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What glibc prints if a program needs symbol versions and the library has none. The program runs.
NO_VERSIONS = "no version information available"

problems = []


def check(condition, message):
    if not condition:
        problems.append(message)


def soname_of(library):
    text = subprocess.run(["readelf", "--dynamic", "--wide", library], check=True, capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C"}).stdout
    return re.search(r"soname: \[(.*)\]", text).group(1)


def abi_numbers(version, step=0):
    """The numbers in the SONAME: until 1.0, a new minor version may break programs."""
    major, minor, _ = (int(part) for part in version.split("."))
    return f"0.{minor + step}" if major == 0 else str(major + step)


def folder_with(folder, name, library):
    """A new folder that contains a copy of the library."""
    folder.mkdir()
    shutil.copy2(library, folder / name)
    return folder


def run(what, program, folder, version):
    """Runs the program with the library in the folder. Returns the exit code and the output."""
    result = subprocess.run([program, version], env={**os.environ, "LD_LIBRARY_PATH": str(folder), "LC_ALL": "C"},
                            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(f"{what}: exit code {result.returncode}: {result.stdout.strip()}")
    return result.returncode, result.stdout


def main():
    parser = argparse.ArgumentParser()
    for option in ("cmake", "cc", "include", "library", "static", "cargo-library", "link", "system-libraries",
                   "version", "manifest"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--symbol-version", required=True, help="empty if the symbols have none")
    args = parser.parse_args()
    if not args.symbol_version:
        sys.exit("the symbols have no version: the linker supports no version scripts, or MCP_SYMBOL_VERSIONS is off")

    soname = f"libmcp.so.{abi_numbers(args.version)}"
    for library in (args.library, args.cargo_library):
        check(soname_of(library) == soname, f"{library} has the SONAME {soname_of(library)}, expected {soname}")
    suffix = tomllib.loads(Path(args.manifest).read_text())["package"]["metadata"]["capi"]["library"]
    check(suffix["version_suffix_components"] == abi_numbers(args.version).count(".") + 1,
          "Cargo.toml: version_suffix_components does not agree with the SONAME")

    with tempfile.TemporaryDirectory() as place:
        place = Path(place)

        def program(name, library):
            """Links version.c with the library. Uses a path, so that no link in a folder is needed."""
            subprocess.run([args.cc, f"-I{args.include}", str(HERE / "version.c"), library, "-o", str(place / name)],
                           check=True)
            return place / name

        next_abi = abi_numbers(args.version, step=1)
        script, next_library = place / "next.map", place / "next.so"
        script.write_text(f"LIBMCP_{next_abi} {{ global: mcp_*; local: *; }};\n")
        settings = {"COMPILER": args.cc, "STATIC_LIBRARY": args.static, "SONAME": f"libmcp.so.{next_abi}",
                    "VERSION_SCRIPT": script, "SYSTEM_LIBRARIES": args.system_libraries, "STRIP": "ON",
                    "FILE": next_library}
        subprocess.run([args.cmake, *(f"-D{name}={value}" for name, value in settings.items()), "-P", args.link],
                       check=True)

        this = folder_with(place / "this", soname, args.library)
        cargo = folder_with(place / "cargo", soname, args.cargo_library)
        following = folder_with(place / "following", f"libmcp.so.{next_abi}", next_library)
        renamed = folder_with(place / "renamed", soname, next_library)
        versioned, unversioned = program("versioned", args.library), program("unversioned", args.cargo_library)

        def must_run(what, program, folder, printed=None):
            code, output = run(what, program, folder, args.version)
            check(code == 0 and (printed or "") in output, f"{what}: it does not run")
            check(printed or NO_VERSIONS not in output, f"{what}: the loader prints a warning")

        def must_not_start(what, program, folder, why):
            code, output = run(what, program, folder, args.version)
            check(code != 0 and why in output, f"{what}: expected the failure {why!r}")

        must_run("the library with which the program was linked", versioned, this)
        must_not_start("the next version only", versioned, following, f"{soname}: cannot open shared object file")
        must_not_start("the next version, renamed", versioned, renamed, f"version `{args.symbol_version}' not found")
        must_run("a program without versions, cargo's library", unversioned, cargo)
        must_run("a program without versions, the library with versions", unversioned, this)
        must_run("a program with versions, cargo's library", versioned, cargo, NO_VERSIONS)
        must_not_start("a program without versions, the next version only", unversioned, following, soname)

        sizes = [os.path.getsize(library) for library in (args.library, args.cargo_library)]
        print(f"{sizes[0]} bytes with symbol versions, {sizes[1]} without")

    for problem in problems:
        print(problem)
    return 1 if problems else 0


sys.exit(main())
