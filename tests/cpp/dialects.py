"""Compiles each C++ header, alone and with code that uses everything in it, in the common dialects of a standard."""

import argparse
import os
import subprocess
import sys
import tempfile

SETTINGS = ((), ("-fno-exceptions",), ("-fno-rtti",), ("-fno-exceptions", "-fno-rtti"))
WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wold-style-cast",
            "-Wnon-virtual-dtor", "-Woverloaded-virtual", "-Werror"]
HEADERS = ("mcp.hpp", "mcp_queue.hpp", "mcp_nlohmann.hpp")
ALONE = "#include <{0}>\n#include <{0}>\nint main() {{}}\n"

parser = argparse.ArgumentParser()
parser.add_argument("--include", required=True, help="the folder of mcp.h and mcp.hpp")
parser.add_argument("--cxx", required=True)
parser.add_argument("--standard", required=True, help="17, 20 or 23")
args = parser.parse_args()

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "whole.hpp"), encoding="utf-8") as file:
    WHOLE = file.read() + "int main(int, char **arguments) { return whole_life(arguments[0]); }\n"

failed = 0
with tempfile.TemporaryDirectory() as folder:
    standard = f"c++{args.standard}"
    for setting in SETTINGS:
        # Some warnings appear only with optimization.
        for name, source, level in (*((name, ALONE.format(name), "-O0") for name in HEADERS), ("whole", WHOLE, "-O2")):
            command = [args.cxx, "-x", "c++", f"-std={standard}", *setting, level, *WARNINGS, "-I", args.include, "-c",
                       "-", "-o", os.path.join(folder, "object.o")]
            result = subprocess.run(command, input=source, text=True)
            print(standard, *setting, name, "ok" if result.returncode == 0 else "FAILED", flush=True)
            failed += result.returncode != 0
sys.exit(failed > 0)
