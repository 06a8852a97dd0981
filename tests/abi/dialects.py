"""Compiles the header alone, included twice, in each dialect of C and C++ that callers use."""

import argparse
import subprocess
import sys

# The header must compile without warnings.
FLAGS = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
C = ["c99", "c11", "c17"]
CXX = ["c++11", "c++17", "c++20"]
SOURCE = """#include <mcp.h>
#include <mcp.h>
int main(void) {
    const char *version = MCP_VERSION;
    mcp_client *client = 0;
    mcp_json_free(mcp_json_parse("1", MCP_NUL_TERMINATED, 0));
    return version[0] == '\\0' || mcp_ping(client, 0, 0) == MCP_OK || MCP_VERSION_MAJOR + MCP_VERSION_MINOR < 0;
}
"""

parser = argparse.ArgumentParser()
parser.add_argument("--include", required=True)
parser.add_argument("--cc", required=True)
parser.add_argument("--cxx", required=True)
args = parser.parse_args()

failed = 0
for compiler, language, dialects in ((args.cc, "c", C), (args.cxx, "c++", CXX)):
    more = ["-Wstrict-prototypes"] if language == "c" else ["-Wold-style-cast"]
    for dialect in dialects:
        command = [compiler, "-x", language, f"-std={dialect}", *FLAGS, *more, "-I", args.include, "-"]
        result = subprocess.run(command, input=SOURCE, text=True)
        print(dialect, "ok" if result.returncode == 0 else "FAILED", flush=True)
        failed += result.returncode != 0
sys.exit(failed > 0)
