"""Builds the server, libmcp, and the clients in C and C++."""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.places import BENCH, BUILT, CLIENTS, REPO

JOBS = "2"
FLAGS = ["-O2", "-Wall", "-pthread"]
# Tools and pkg-config packages, and the Debian packages that contain them.
TOOLS = {
    "cargo": "cargo (or rustup)",
    "cmake": "cmake",
    "cc": "gcc",
    "c++": "g++",
    "openssl": "openssl",
    "pkg-config": "pkg-config",
}
PACKAGES = {"libcurl": "libcurl4-openssl-dev", "simdjson": "libsimdjson-dev"}


def check_tools() -> None:
    """Exits with a list of all missing packages."""
    missing = [debian for tool, debian in TOOLS.items() if not shutil.which(tool)]
    if shutil.which("pkg-config"):
        missing += [debian for package, debian in PACKAGES.items() if not has_package(package)]
    if missing:
        sys.exit("the benchmark needs these packages (names as in Debian): " + " ".join(missing))


def has_package(package: str) -> bool:
    return subprocess.run(["pkg-config", "--exists", package], check=False).returncode == 0


def server() -> Path:
    """Builds the benchmark server with TLS."""
    folder = BUILT / "server"
    options = ["-j", JOBS, "--release", "--features", "tls", "--manifest-path", BENCH / "server" / "Cargo.toml"]
    run(["cargo", "build", "--locked", *options], folder)
    return folder / "release" / "mcp-bench-server"


def library() -> Path:
    """Builds libmcp like a user would; returns the folder that contains include/ and lib/."""
    folder = BUILT / "libmcp"
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DMCP_BUILD_TESTS=OFF", "-DMCP_BUILD_EXAMPLES=OFF"]
    run(["cmake", "-S", REPO, "-B", folder, *options])
    run(["cmake", "--build", folder, "-j", JOBS])
    return folder


def launcher() -> Path:
    return compiled("launch", BENCH / "harness" / "launch.c", [])


def allocation_counter() -> Path:
    return compiled("count_alloc.so", CLIENTS / "count_alloc.c", ["-shared", "-fPIC"])


@functools.cache
def with_libmcp(name: str, libmcp: Path) -> Path:
    """Builds a client that links a build of libmcp."""
    libraries = ["-I", libmcp / "include", "-L", libmcp / "lib", f"-Wl,-rpath,{libmcp / 'lib'}", "-lmcp"]
    # Each build of libmcp gets separate clients, because they contain its path.
    folder = BUILT / "bin" / hashlib.sha256(bytes(libmcp)).hexdigest()[:8]
    return compiled(name, CLIENTS / f"{name}.c", libraries, folder)


@functools.cache
def stdio_server() -> Path:
    return compiled("stdio_server", CLIENTS / "stdio_server.c", [])


def raw() -> Path:
    return compiled("raw", CLIENTS / "raw.c", [])


def curl(parser: bool) -> Path:
    """Builds the libcurl client, which parses the response with simdjson, or otherwise with handwritten code."""
    if not parser:
        return compiled("curl", CLIENTS / "curl.cpp", pkg_config("libcurl"))
    return compiled("curl-parser", CLIENTS / "curl.cpp", ["-DPARSER=1", *pkg_config("libcurl", "simdjson")])


def pkg_config(*packages: str) -> list[str]:
    command = ["pkg-config", "--cflags", "--libs", *packages]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def compiled(name: str, source: Path, options: list, folder: Path = BUILT / "bin") -> Path:
    program = folder / name
    program.parent.mkdir(parents=True, exist_ok=True)
    compiler = ["c++", "-std=c++17"] if source.suffix == ".cpp" else ["cc", "-std=gnu11"]
    run([*compiler, *FLAGS, "-o", program, source, *options])
    return program


def run(command: list, target: Path | None = None) -> None:
    """Runs a build step; its output is shown only if it fails."""
    environment = os.environ | ({"CARGO_TARGET_DIR": str(target)} if target else {})
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}")
