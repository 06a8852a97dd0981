"""Installs real MCP servers into the cache, unless they are installed already: install.py NAME...

NAME is a file of requirements/ (for a Python venv), or a folder here with a package.json (npm), pom.xml (Maven) or
go.mod (Go).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cache

HERE = Path(__file__).resolve().parent


def run(*words: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
    subprocess.run(words, check=True, cwd=cwd, env=env, stdin=subprocess.DEVNULL)


def version(*words: str) -> bytes:
    return subprocess.run(words, check=True, capture_output=True, stdin=subprocess.DEVNULL).stdout


def venv(name: str) -> Path:
    lock = HERE / "requirements" / f"{name}.txt"

    def make(folder: Path) -> None:
        run(sys.executable, "-m", "venv", folder)
        python = folder / "bin/python"
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", lock)
        run(python, "-m", "pip", "check")

    return cache.made(name, sys.version.encode() + lock.read_bytes(), make)


def npm(name: str) -> Path:
    files = [HERE / name / "package.json", HERE / name / "package-lock.json"]

    def make(folder: Path) -> None:
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)

    return cache.made(name, b"".join(file.read_bytes() for file in files), make)


def maven(name: str) -> Path:
    """Installs the jars to lib/, which must be those of jars.sha256, and compiles the server to classes/."""
    files = [HERE / name / "pom.xml", HERE / name / "jars.sha256", HERE / name / "Server.java"]
    project, sums, source = files

    def make(folder: Path) -> None:
        lib = folder / "lib"
        lib.mkdir(parents=True)
        # Run Maven outside the source tree, because it creates a folder `target`.
        shutil.copy(project, folder)
        run("mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={lib}", cwd=folder)
        run("sha256sum", "--check", "--quiet", "--strict", sums, cwd=lib)
        named = {line.split()[1] for line in sums.read_text().splitlines()}
        if others := {file.name for file in lib.iterdir()} - named:
            raise SystemExit(f"Maven installed files that are not in {sums}: {', '.join(sorted(others))}")
        run("javac", "-d", folder / "classes", "-cp", f"{lib}/*", source)

    recipe = b"".join(file.read_bytes() for file in files)
    return cache.made(name, version("javac", "-version") + recipe, make)


def go(name: str) -> Path:
    files = [HERE / name / "go.mod", HERE / name / "go.sum", HERE / name / "main.go"]

    def make(folder: Path) -> None:
        folder.mkdir()
        env = os.environ | {"GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
        run("go", "build", "-C", HERE / name, "-o", folder / "server", ".", env=env)

    recipe = b"".join(file.read_bytes() for file in files)
    return cache.made(name, version("go", "env", "GOVERSION") + recipe, make)


def installed(name: str) -> Path:
    """Returns the folder of the installed server `name`; installs it if necessary."""
    for file, install in {"package.json": npm, "pom.xml": maven, "go.mod": go}.items():
        if (HERE / name / file).exists():
            return install(name)
    return venv(name)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(installed(name))
