"""The description of the machine and the versions, for the head of the results."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

from harness.places import REPO


def description(peers: list[tuple[str, str]]) -> str:
    """A Markdown table. `peers` are (name, version)."""
    lines = [
        ("Date", datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("Commit", commit()),
        ("CPU", f"{cpu()}, {os.cpu_count()} cores"),
        ("Memory", f"{memory_gib():.1f} GiB"),
        ("System", f"{distribution()}, Linux {kernel()}, {' '.join(platform.libc_ver())}"),
        ("Compilers", f"{first_line('cc', '--version')}; {first_line('rustc', '--version')}"),
        ("libcurl", f"{first_line('pkg-config', '--modversion', 'libcurl')}, {' '.join(openssl()[:2])}"),
        ("simdjson", first_line("pkg-config", "--modversion", "simdjson")),
        *peers,
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in lines)])


def commit() -> str:
    changed = first_line("git", "-C", REPO, "status", "--porcelain", "--", "src", "bench", "Cargo.toml")
    return first_line("git", "-C", REPO, "rev-parse", "--short", "HEAD") + (" and changes" if changed else "")


def openssl() -> list[str]:
    return first_line("openssl", "version").split()


def cpu() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].split(":", 1)[1].strip() if names else platform.machine()


def kernel() -> str:
    return ".".join(platform.release().split(".")[:2])


def memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def distribution() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")


def first_line(*command: object) -> str:
    """The first line that a command prints; "" if the command does not exist."""
    try:
        text = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
    return text.partition("\n")[0]
