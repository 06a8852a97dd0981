"""The compiled peers: rmcp (Rust) and the Go SDK."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUST, GO = HERE / "rmcp", HERE / "go"
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
    raise ValueError(f"unknown peer: {name}")


def versions() -> list[tuple[str, str]]:
    """The locked versions, by display name."""
    return [
        ("rmcp", locked(RUST / "Cargo.lock", r'name = "rmcp"\nversion = "(.+)"')),
        ("reqwest", locked(RUST / "Cargo.lock", r'name = "reqwest"\nversion = "(.+)"')),
        ("Go SDK", locked(GO / "go.mod", rf"{re.escape(GO_SDK)} v(\S+)")),
    ]


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
