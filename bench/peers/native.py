"""The compiled peers: rmcp (Rust), the Go SDK, and cxxmcp (C++)."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUST, GO, CXX = HERE / "rmcp", HERE / "go", HERE / "cxxmcp"
# No package registry has cxxmcp. It is measured if this environment variable names a folder with its sources.
CXX_SOURCE = "BENCH_CXXMCP"
JOBS = "2"
GO_SDK = "github.com/modelcontextprotocol/go-sdk"


def command(name: str, cache: Path) -> list[str]:
    """Builds a peer in `cache`; returns the command that starts it, without arguments."""
    if name == "rmcp":
        return [str(rmcp(cache))]
    if name == "rmcp-pooled":
        return ["env", "BENCH_VARIANT=pooled", str(rmcp(cache))]
    if name == "go-sdk":
        return [str(go_sdk(cache))]
    if name == "cxxmcp":
        return [str(cxxmcp(cache))]
    raise ValueError(f"unknown peer: {name}")


def versions() -> list[tuple[str, str]]:
    """The locked versions, by display name."""
    found = [
        ("rmcp", locked(RUST / "Cargo.lock", r'name = "rmcp"\nversion = "(.+)"')),
        ("reqwest", locked(RUST / "Cargo.lock", r'name = "reqwest"\nversion = "(.+)"')),
        ("Go SDK", locked(GO / "go.mod", rf"{re.escape(GO_SDK)} v(\S+)")),
    ]
    if CXX_SOURCE in os.environ:
        found.append(("cxxmcp", (cxx_source() / "VERSION").read_text().strip()))
    return found


def rmcp(cache: Path) -> Path:
    folder = cache / "bench" / "rmcp"
    manifest = RUST / "Cargo.toml"
    build(
        ["cargo", "build", "-j", JOBS, "--release", "--locked", "--manifest-path", str(manifest)],
        {"CARGO_TARGET_DIR": str(folder)},
    )
    return folder / "release" / "mcp-bench-rmcp"


def go_sdk(cache: Path) -> Path:
    program = cache / "bench" / "go" / "mcp-bench-go"
    # -C: the module is in another folder. -buildvcs=false: the program does not depend on the state of the repository.
    build(["go", "build", "-C", str(GO), "-p", JOBS, "-mod=readonly", "-buildvcs=false", "-o", str(program), "."], {})
    return program


def cxxmcp(cache: Path) -> Path:
    folder = cache / "bench" / "cxxmcp"
    options = ["-DCMAKE_BUILD_TYPE=Release", f"-DCXXMCP_SOURCE={cxx_source()}"]
    build(["cmake", "-S", str(CXX), "-B", str(folder), *options], {})
    build(["cmake", "--build", str(folder), "-j", JOBS], {})
    return folder / "mcp-bench-cxxmcp"


def cxx_source() -> Path:
    return Path(os.environ[CXX_SOURCE]).resolve()


def build(step: list[str], environment: dict[str, str]) -> None:
    """Runs a build step; its output is shown only if it fails."""
    if not shutil.which(step[0]):
        sys.exit(f"the benchmark of the peers needs {step[0]}")
    done = subprocess.run(
        step,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(step)}\n{done.stdout}")


def locked(file: Path, pattern: str) -> str:
    return re.search(pattern, file.read_text()).group(1)
