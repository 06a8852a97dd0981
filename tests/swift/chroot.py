"""Creates a Debian chroot with a Swift toolchain, for machines without Swift.

Commands inside run in separate mount and PID namespaces: the chroot's /proc is never mounted on the
host, and no process survives the command, even if the command is killed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))
import cache  # noqa: E402

SUITE = "trixie"
PACKAGES = ["swiftlang", "libc6-dev", "libstdc++-14-dev", "pkgconf", "git"]

# Kills the command and all its child processes when the caller ends.
ISOLATED = "setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child".split()
ENVIRONMENT = [
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LC_ALL=C.UTF-8",
    "DEBIAN_FRONTEND=noninteractive",
]


def run_checked(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def inside(root: Path, *words: str) -> list[str]:
    """The command line that runs `words` inside the chroot."""
    words = ("chroot", str(root), "/usr/bin/env", "-i", *ENVIRONMENT, *words)
    return [*ISOLATED, f"--mount-proc={root}/proc", *words]


def mirror() -> str:
    """The Debian mirror from this machine's apt sources."""
    fields = "$(LABEL) $(COMPONENT) $(REPO_URI)"
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in listed.splitlines():
        label, component, uri = line.split(maxsplit=2)
        if (label, component) == ("Debian", "main"):
            return uri
    raise SystemExit("swift: no Debian mirror in this machine's apt sources")


def make(root: Path) -> None:
    """Create the chroot in the folder `root`."""
    if os.geteuid() != 0:
        raise SystemExit("swift: not installed, and only root can create a chroot with it")
    run_checked("apt-get", "update")
    if not shutil.which("debootstrap"):
        run_checked("apt-get", "install", "-y", "--no-install-recommends", "debootstrap")
    options = ["--variant=minbase", "--include=ca-certificates"]
    run_checked(*ISOLATED, "--mount-proc", "debootstrap", *options, SUITE, str(root), mirror())
    for conf in Path("/etc/apt/apt.conf.d").glob("*"):
        if "proxy" in conf.read_text(errors="replace").lower():
            shutil.copy(conf, root / "etc/apt/apt.conf.d")
    run_checked(*inside(root, "apt-get", "update"))
    run_checked(*inside(root, "apt-get", "install", "-y", "--no-install-recommends", *PACKAGES))
    run_checked(*inside(root, "apt-get", "clean"))


def prepared() -> Path:
    """The chroot's folder. Creates the chroot if it is missing or its recipe has changed."""
    return cache.made(f"swift-{SUITE}", repr((SUITE, PACKAGES)).encode(), make)


if __name__ == "__main__":
    print(shutil.which("swift") or prepared())
