"""The peers that need an interpreter: the Python SDK, FastMCP, and the TypeScript SDK on Node.js."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
SERVERS = HERE.parent.parent / "tests" / "servers"
NODE = HERE / "typescript"
# For each client: the installation of tests/servers that contains it, its script, and its package.
PYTHON = {"python-sdk": ("sdk2", "python_sdk.py", "mcp"), "fastmcp": ("fastmcp4", "fastmcp_client.py", "fastmcp")}


def command(name: str) -> list[str]:
    """Installs a peer into the cache; returns the command that starts it, without arguments."""
    if name in PYTHON:
        environment, script, _ = PYTHON[name]
        return [str(installed(environment) / "bin" / "python"), str(HERE / script)]
    if name == "typescript-sdk":
        return ["node", str(typescript())]
    raise ValueError(f"unknown peer: {name}")


def versions() -> list[tuple[str, str]]:
    """The pinned versions, by display name."""
    labels = {"python-sdk": "Python SDK", "fastmcp": "FastMCP"}
    python = [(labels[name], pinned(environment, package)) for name, (environment, _, package) in PYTHON.items()]
    dependencies = json.loads((NODE / "package.json").read_text())["dependencies"]
    return [*python, ("TypeScript SDK", dependencies["@modelcontextprotocol/client"])]


def installed(environment: str) -> Path:
    """The installation of tests/servers with this name, with the same pinned versions."""
    return tests_module("install").installed(environment)


def tests_module(name: str) -> ModuleType:
    """Imports a module of tests/servers, which manages downloads and the cache."""
    sys.path.insert(0, str(SERVERS))
    return importlib.import_module(name)


def pinned(environment: str, package: str) -> str:
    lines = (SERVERS / "requirements" / f"{environment}.txt").read_text().splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{package}=="))


def typescript() -> Path:
    if not shutil.which("npm"):
        sys.exit("the benchmark of the peers needs node and npm")
    files = [NODE / name for name in ("package.json", "package-lock.json", "client.mjs")]

    def make(folder: Path) -> None:
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        step = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(step, cwd=folder, check=True, stdin=subprocess.DEVNULL)

    recipe = b"".join(file.read_bytes() for file in files)
    return tests_module("cache").made("bench-typescript", recipe, make) / "client.mjs"
