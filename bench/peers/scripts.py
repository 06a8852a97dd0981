"""The peers that need an interpreter: the Python SDK, FastMCP, and the TypeScript SDK on Node.js."""

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent.parent / "tests" / "servers"
NODE = HERE / "typescript"
# All Python packages, with their versions: `pip freeze` in an environment with the newest FastMCP.
REQUIREMENTS = HERE / "python.txt"
# The script and the package of each client in Python.
PYTHON = {"python-sdk": ("python_sdk.py", "mcp"), "fastmcp": ("fastmcp_client.py", "fastmcp")}


def command(name: str) -> list[str]:
    """Installs a peer into the cache; returns the command that starts it, without arguments."""
    if name in PYTHON:
        script, _ = PYTHON[name]
        return [str(python()), str(HERE / script)]
    if name == "typescript-sdk":
        return ["node", str(typescript())]
    raise ValueError(f"unknown peer: {name}")


def versions() -> list[tuple[str, str]]:
    """The pinned versions, by display name."""
    labels = {"python-sdk": "Python SDK", "fastmcp": "FastMCP"}
    pinned = dict(line.split("==") for line in REQUIREMENTS.read_text().splitlines())
    dependencies = json.loads((NODE / "package.json").read_text())["dependencies"]
    found = [(labels[name], pinned[package]) for name, (_, package) in PYTHON.items()]
    return [*found, ("TypeScript SDK", dependencies["@modelcontextprotocol/client"])]


def cache() -> ModuleType:
    """The module of tests/servers that manages the cache of downloads."""
    sys.path.insert(0, str(TESTS))
    return importlib.import_module("cache")


def python() -> Path:
    def make(folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin" / "python", "-m", "pip"]
        install = [*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", REQUIREMENTS]
        subprocess.run(install, check=True, stdin=subprocess.DEVNULL)
        subprocess.run([*pip, "check"], check=True, stdout=subprocess.DEVNULL)

    recipe = sys.version.encode() + REQUIREMENTS.read_bytes()
    return cache().made("bench-python", recipe, make) / "bin" / "python"


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
    return cache().made("bench-typescript", recipe, make) / "client.mjs"
