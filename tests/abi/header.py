"""The committed header is the one that the build makes."""

import difflib
import sys

made, committed = sys.argv[1:]
try:
    lines = [open(path, encoding="utf-8").read().splitlines() for path in (committed, made)]
except FileNotFoundError as error:
    sys.exit(f"{error.filename} is missing; `MCP_UPDATE_HEADER=1 cargo build` writes include/mcp.h")
difference = list(difflib.unified_diff(*lines, "include/mcp.h", "what the build makes", lineterm=""))
print("\n".join(difference[:60]))
if difference:
    sys.exit("include/mcp.h is out of date: run `MCP_UPDATE_HEADER=1 cargo build` and commit it")
