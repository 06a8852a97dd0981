"""A Debian chroot with a Swift toolchain, for machines without one.

Everything inside runs in mount and pid namespaces of its own: /proc of the chroot is never
mounted on the host, and no process outlives the command, however that ends.
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


# Dies with its caller, and everything that it started dies with it.
CONTAINED = "setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child".split()
ENVIRONMENT = [
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LC_ALL=C.UTF-8",
    "DEBIAN_FRONTEND=noninteractive",
]


def call(*words: str) -> None:
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)


def inside(root: Path, *words: str) -> list[str]:
    """The command that runs another one inside."""
    words = ("chroot", str(root), "/usr/bin/env", "-i", *ENVIRONMENT, *words)
    return [*CONTAINED, f"--mount-proc={root}/proc", *words]


def mirror() -> str:
    """Debian's mirror as this machine's apt sources name it."""
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
    raise SystemExit("swift: apt's sources name no Debian mirror")


def make(root: Path) -> None:
    if os.geteuid() != 0:
        raise SystemExit("swift: not on this machine, and only root can make a chroot with it")
    call("apt-get", "update")
    if not shutil.which("debootstrap"):
        call("apt-get", "install", "-y", "--no-install-recommends", "debootstrap")
    options = ["--variant=minbase", "--include=ca-certificates"]
    call(*CONTAINED, "--mount-proc", "debootstrap", *options, SUITE, str(root), mirror())
    for conf in Path("/etc/apt/apt.conf.d").glob("*"):
        if "proxy" in conf.read_text(errors="replace").lower():
            shutil.copy(conf, root / "etc/apt/apt.conf.d")
    call(*inside(root, "apt-get", "update"))
    call(*inside(root, "apt-get", "install", "-y", "--no-install-recommends", *PACKAGES))
    call(*inside(root, "apt-get", "clean"))


def prepared() -> Path:
    return cache.made(f"swift-{SUITE}", repr((SUITE, PACKAGES)).encode(), make)


if __name__ == "__main__":
    print(shutil.which("swift") or prepared())
