"""Checks that the library's exports, the header's functions and symbols.txt are the same.

Also checks the library's SONAME, the version of its symbols, the symbolic links next to it, and the libraries that it
depends on.
"""

import argparse
import os
import re
import subprocess
import sys

# Libraries of glibc; gcc_s belongs to the compiler's runtime.
MAY_NEED = r"(libc|libm|libgcc_s|libpthread|libdl|librt|ld-linux[-\w]*)\.so\.\d+"

problems = []


def check(condition, message):
    if not condition:
        problems.append(message)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def header_functions(path):
    """The functions that the header declares, in header order."""
    text = open(path, encoding="utf-8").read()
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    text = re.sub(r"^\s*#.*(?:\\\n.*)*$", "", text, flags=re.M)
    text = re.sub(r"typedef[^;{]*\([^;]*;", "", text)  # function types
    return re.findall(r"\b(mcp_\w+)\s*\(", text)


def exported(path):
    """The exported symbols and their versions; the version itself is a symbol, too, and is left out."""
    lines = output("nm", "--dynamic", "--defined-only", "--with-symbol-versions", path).splitlines()
    symbols = (line.split()[-1].replace("@@", "@").partition("@") for line in lines)
    return {name: version for name, _, version in symbols if not name.startswith("LIBMCP_")}


def numbers(version):
    return tuple(int(part) for part in version.split("."))


def main():
    parser = argparse.ArgumentParser()
    for option in ("--library", "--header", "--symbols", "--version", "--soname"):
        parser.add_argument(option, required=True)
    parser.add_argument("--symbol-version", default="", help="the version of all symbols; empty: they have none")
    args = parser.parse_args()

    listed = {}
    order = []
    for line in open(args.symbols, encoding="utf-8"):
        if line.strip() and not line.startswith("#"):
            name, since = line.split()
            check(name not in listed, f"symbols.txt lists {name} twice")
            check(numbers(since) <= numbers(args.version), f"symbols.txt: {name} is newer than {args.version}: {since}")
            listed[name] = since
            order.append(name)
    check(order == sorted(order), "symbols.txt is not sorted")

    in_header = header_functions(args.header)
    check(len(in_header) == len(set(in_header)), "the header declares a function twice")
    in_library = exported(args.library)
    for name in sorted(set(listed) | set(in_header) | set(in_library)):
        for source, names in (("symbols.txt", listed), ("the header", in_header), ("the library", in_library)):
            check(name in names, f"{name} is missing from {source}")

    for name, version in in_library.items():
        check(version == args.symbol_version, f"{name} has the version {version!r}, not {args.symbol_version!r}")

    dynamic = output("readelf", "--dynamic", "--wide", args.library)
    check(f"soname: [{args.soname}]" in dynamic, f"the SONAME is not {args.soname}")
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    for name in needed:
        check(re.fullmatch(MAY_NEED, name), f"the library depends on {name}")
    check("(TEXTREL)" not in dynamic, "the library has text relocations")

    directory = os.path.dirname(args.library)
    for name in ("libmcp.so", args.soname, f"libmcp.so.{args.version}"):
        path = os.path.join(directory, name)
        check(os.path.exists(path) and os.path.samefile(path, args.library), f"{path} does not link to the library")

    # The documentation states the version that added a function.
    text = open(args.header, encoding="utf-8").read()
    check(text.count("Since ") >= len(in_header), "not every function of the header has a \"Since\" line")

    for problem in problems:
        print(problem)
    print(f"{len(in_library)} exports, {len(in_header)} functions in the header, {len(listed)} in symbols.txt; "
          f"depends on {', '.join(needed)}")
    return 1 if problems else 0


sys.exit(main())
