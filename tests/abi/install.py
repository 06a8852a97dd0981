"""Installs libmcp, moves the tree elsewhere, and builds programs against it: by CMake and by pkg-config."""

import argparse
import os
import shutil
import subprocess
import sys

parser = argparse.ArgumentParser()
for option in ("--cmake", "--build", "--work", "--server", "--cc", "--version"):
    parser.add_argument(option, required=True)
args = parser.parse_args()

here = os.path.dirname(os.path.abspath(__file__))
first, prefix = (os.path.join(args.work, name) for name in ("first", "moved"))
consumer = os.path.join(args.work, "consumer")
major = args.version.split(".")[0]


def run(*command, **more):
    print("$", " ".join(command), flush=True)
    return subprocess.run(command, check=True, text=True, **more)


def check(condition, message):
    if not condition:
        sys.exit(message)


def find(directory, name):
    for root, _, files in os.walk(directory):
        if name in files:
            return os.path.join(root, name)
    return sys.exit(f"{name} is not installed")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


shutil.rmtree(args.work, ignore_errors=True)
os.makedirs(args.work)
run(args.cmake, "--install", args.build, "--prefix", first, stdout=subprocess.DEVNULL)
os.rename(first, prefix)

# What is there.
library = find(prefix, f"libmcp.so.{args.version}")
libdir = os.path.dirname(library)
check(os.access(library, os.X_OK), "the library is not executable")
for link in (f"libmcp.so.{major}", "libmcp.so"):
    path = os.path.join(libdir, link)
    check(os.path.islink(path) and not os.path.isabs(os.readlink(path)), f"{link} is no relative link")
    check(os.path.samefile(path, library), f"{link} does not lead to the library")
for name in ("libmcp.a", "mcp.h", "mcpConfig.cmake", "mcpConfigVersion.cmake", "mcp.pc"):
    find(prefix, name)
check(any(name.startswith("LICENSE") for _, _, files in os.walk(prefix) for name in files), "no licence is installed")

# The tree can be moved: no file names the place where it was made.
for name in ("mcpConfig.cmake", "mcp.pc"):
    text = read(find(prefix, name))
    check(args.build not in text and first not in text, f"{name} holds an absolute path")

# CMake.
run(args.cmake, "-S", os.path.join(here, "consumer"), "-B", consumer, f"-DCMAKE_PREFIX_PATH={prefix}",
    f"-DWANTED_VERSION={args.version}", f"-DCMAKE_C_COMPILER={args.cc}", stdout=subprocess.DEVNULL)
run(args.cmake, "--build", consumer, stdout=subprocess.DEVNULL)
for program in ("shared", "static"):
    run(args.server, "--run", os.path.join(consumer, program))

# A version that is not there.
wanted = subprocess.run([args.cmake, "-S", os.path.join(here, "consumer"), "-B", os.path.join(args.work, "newer"),
                         f"-DCMAKE_PREFIX_PATH={prefix}", "-DWANTED_VERSION=99.0.0"], capture_output=True, text=True)
check(wanted.returncode != 0 and "99.0.0" in wanted.stderr, "find_package takes any version")

# pkg-config.
environment = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(find(prefix, "mcp.pc")))


def pkg_config(*options):
    return run("pkg-config", *options, "mcp", env=environment, stdout=subprocess.PIPE).stdout.split()


check(pkg_config("--modversion") == [args.version], "pkg-config tells another version")
flags = pkg_config("--cflags", "--libs")
include = os.path.dirname(find(prefix, "mcp.h"))
check(any(flag.startswith("-I") and os.path.samefile(flag[2:], include) for flag in flags),
      f"pkg-config does not find the header: {flags}")
main = os.path.join(here, "consumer", "main.c")
program = os.path.join(args.work, "by-pkg-config")
run(args.cc, "-std=c99", main, "-o", program, *flags, f"-Wl,-rpath,{libdir}")
run(args.server, "--run", program)

# Static by pkg-config: the archive in the place of -lmcp, and the private libraries.
flags = [library.rsplit(".so", 1)[0] + ".a" if flag == "-lmcp" else flag
         for flag in pkg_config("--static", "--cflags", "--libs")]
run(args.cc, "-std=c99", main, "-o", program + "-static", *flags)
run(args.server, "--run", program + "-static")
