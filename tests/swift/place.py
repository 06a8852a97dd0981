"""The folder in which the Swift tests build and run: in the build tree if the machine has Swift, else
in the chroot.

Only changed files are copied there, so that the next build is incremental.
"""

import fcntl
import filecmp
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import chroot

PKG_CONFIG = """\
prefix=${pcfiledir}/../..
Name: mcp
Description: libmcp of a build tree
Version: 0
Libs: -L${prefix}/lib -lmcp
Cflags: -I${prefix}/include
"""


class Workspace:
    """A folder, and the commands that run in it, perhaps inside a chroot."""

    def __init__(self, folder: Path, root: Path | None):
        self.folder = folder
        self.root = root

    def inside(self, *parts: str) -> str:
        """The path of a file in the folder, as the commands see it."""
        path = self.folder.joinpath(*parts)
        return str(Path("/") / path.relative_to(self.root) if self.root else path)

    def command(self, *words: str, **environment: str) -> list[str]:
        """The command line that runs `words` with the folder as working directory."""
        variables = [f"{name}={value}" for name, value in environment.items()]
        words = ("env", f"--chdir={self.inside()}", *variables, *words)
        return chroot.inside(self.root, *words) if self.root else list(words)

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """Run a command, print its output, and return its exit status and output."""
        print("$", *words, flush=True)
        output = []
        with subprocess.Popen(
            self.command(*words, **environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                output.append(line)
        return process.returncode, "".join(output)

    def must(self, *words: str, **environment: str) -> str:
        """Run a command that must succeed, and return its output."""
        status, output = self.run(*words, **environment)
        if status != 0:
            raise SystemExit(f"swift: the command {words[0]} failed with status {status}")
        return output

    def take(self, source: Path, name: str, without: tuple[str, ...] = ()) -> None:
        """Copy a file or a folder into the workspace."""
        if not source.is_dir():
            return take_file(source, self.folder / name)
        if files_of(source, without) != files_of(self.folder / name, without):
            # SwiftPM does not detect files added to or removed from a dependency: build again from scratch.
            shutil.rmtree(self.folder / "scratch", ignore_errors=True)
        return take_folder(source, self.folder / name, without)

    def take_library(self, include: Path, library: Path) -> None:
        """Copy libmcp in the layout of an installation."""
        header = self.folder / "include/mcp.h"
        if header.is_file() and not filecmp.cmp(include / "mcp.h", header, shallow=False):
            # SwiftPM does not detect changes of a header outside of the package.
            shutil.rmtree(self.folder / "scratch", ignore_errors=True)
        self.take(include / "mcp.h", "include/mcp.h")
        for file in library.parent.glob("libmcp.so*"):
            self.take(file, f"lib/{file.name}")
        pc_file = self.folder / "lib/pkgconfig/mcp.pc"
        pc_file.parent.mkdir(parents=True, exist_ok=True)
        if not pc_file.exists() or pc_file.read_text() != PKG_CONFIG:
            pc_file.write_text(PKG_CONFIG)


def files_of(folder: Path, without: tuple[str, ...]) -> set[Path]:
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {file for file in files if not {".build", *without} & set(file.parts)}


def take_file(source: Path, target: Path, _without: tuple[str, ...] = ()) -> None:
    if target.is_file() and filecmp.cmp(source, target, shallow=False):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy(source, target)


def take_folder(source: Path, target: Path, without: tuple[str, ...] = ()) -> None:
    names = {path.name for path in source.iterdir()} - {".build", *without}
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        if old.name not in names:
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    for name in names:
        take = take_folder if (source / name).is_dir() else take_file
        take(source / name, target / name)


@contextmanager
def place(build: Path, name: str) -> Iterator[Workspace]:
    """The workspace of this name, locked against concurrent use."""
    root = None if shutil.which("swift") else chroot.prepared()
    workspace = Workspace(root / "srv" / name if root else build.resolve() / name, root)
    workspace.folder.mkdir(parents=True, exist_ok=True)
    with open(f"{root or workspace.folder}.in-use", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield workspace
