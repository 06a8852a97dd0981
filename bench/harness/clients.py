"""The measured clients, in the order of the tables."""

from pathlib import Path

from harness import build
from harness.measure import KINDS, PAYLOADS, PEER_KINDS, Client

RAW, CURL, PARSER, LIBMCP, COMPARED = "raw", "curl", "curl-parser", "libmcp", "compared"
LABELS = {
    RAW: "raw socket loop (the limit)",
    CURL: "libcurl",
    PARSER: "libcurl + simdjson",
    LIBMCP: "**libmcp**",
    # Another build, with --compare.
    COMPARED: "libmcp, compared",
    "rmcp": "rmcp, as shipped",
    "rmcp-pooled": "rmcp, pooled",
    "go-sdk": "Go SDK",
    "cxxmcp": "cxxmcp",
    "typescript-sdk": "TypeScript SDK",
    "python-sdk": "Python SDK",
    "fastmcp": "FastMCP",
}


def plain(name: str) -> str:
    """A label without Markdown."""
    return LABELS[name].strip("*")


# The clients of this project. They make all kinds of calls, and allocate with malloc().
OWN = (RAW, CURL, PARSER, LIBMCP, COMPARED)


def built(names: list[str], libraries: dict[str, Path]) -> list[Client]:
    """Builds or installs the clients with these names. `libraries` are the builds of libmcp, by client."""
    return [of(name, libraries) for name in LABELS if name in names]


def of(name: str, libraries: dict[str, Path]) -> Client:
    return Client(name, command(name, libraries), KINDS + PAYLOADS if name in OWN else PEER_KINDS)


def command(name: str, libraries: dict[str, Path]) -> list:
    if name == RAW:
        return [build.raw()]
    if name in (CURL, PARSER):
        return [build.curl(parser=name == PARSER)]
    if name in (LIBMCP, COMPARED):
        return [build.with_libmcp("libmcp", libraries[name])]
    # Imported only here, because peers downloads packages, which a run without other SDKs does not need.
    from peers import install

    return install.command(name)
