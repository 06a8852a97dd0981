"""The measured clients, in the order of the tables."""

from pathlib import Path

from harness import build
from harness.measure import Client

RAW, CURL, PARSER, LIBMCP = "raw", "curl", "curl-parser", "libmcp"
LABELS = {
    RAW: "raw socket loop (the limit)",
    CURL: "libcurl",
    PARSER: "libcurl + simdjson",
    LIBMCP: "**libmcp**",
    "rmcp": "rmcp, as shipped",
    "rmcp-pooled": "rmcp, pooled",
    "go-sdk": "Go SDK",
    "typescript-sdk": "TypeScript SDK",
    "python-sdk": "Python SDK",
    "fastmcp": "FastMCP",
}


def plain(name: str) -> str:
    """A label without Markdown."""
    return LABELS[name].strip("*")


def built(names: list[str], libmcp: Path) -> list[Client]:
    """Builds or installs the clients with these names."""
    return [Client(name, command(name, libmcp)) for name in LABELS if name in names]


def command(name: str, libmcp: Path) -> list:
    if name == RAW:
        return [build.raw()]
    if name in (CURL, PARSER):
        return [build.curl(parser=name == PARSER)]
    if name == LIBMCP:
        return [build.with_libmcp("libmcp", libmcp)]
    # Imported only here, because peers downloads packages, which a run without other SDKs does not need.
    from peers import install

    return install.command(name)
