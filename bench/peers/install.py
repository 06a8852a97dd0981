"""The clients of other projects: builds or installs them, and returns the commands that start them."""

from harness.places import CACHE

from peers import native, scripts

NATIVE = ("rmcp", "rmcp-pooled", "go-sdk", "cxxmcp")


def command(name: str) -> list[str]:
    return native.command(name, CACHE) if name in NATIVE else scripts.command(name)


def versions() -> list[tuple[str, str]]:
    return native.versions() + scripts.versions()
