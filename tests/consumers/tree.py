"""Checks the installed tree of libmcp."""

import os
import re
import stat
import subprocess
import sys

WANTED = ("libmcp.a", "mcp.h", "mcp.hpp", "mcp_queue.hpp", "mcp_nlohmann.hpp", "mcpConfig.cmake",
          "mcpConfigVersion.cmake", "mcp.pc", "mcp-static.pc", "LICENSE-APACHE", "LICENSE-MIT")
TEXTS = (".h", ".hpp", ".cmake", ".pc")


def check(prefix, version, foreign):
    """Fails unless the tree is complete, readable by all users, and relocatable: no file contains a `foreign` path."""
    check_files(prefix)
    check_library(prefix, version)
    check_texts(prefix, foreign)
    check_pkg_config(prefix, version)


def check_files(prefix):
    for name in WANTED:
        find(prefix, name)
    for path in files(prefix):
        if os.path.islink(path):
            continue
        mode = stat.S_IMODE(os.stat(path).st_mode)
        wanted = 0o755 if ".so" in os.path.basename(path) else 0o644
        must(mode == wanted, f"{path} has the mode {mode:o}")


def check_library(prefix, version):
    library = find(prefix, f"libmcp.so.{version}")
    for name in (soname(version), "libmcp.so"):
        link = os.path.join(os.path.dirname(library), name)
        must(os.path.islink(link) and not os.path.isabs(os.readlink(link)), f"{name} is not a relative symbolic link")
        must(os.path.samefile(link, library), f"{name} does not point to the library")
    tags = dynamic(library)
    must(f"soname: [{soname(version)}]" in tags, "the library has the wrong SONAME")
    must("(RPATH)" not in tags and "(RUNPATH)" not in tags, "the library has an RPATH or RUNPATH")


def check_texts(prefix, foreign):
    for path in files(prefix):
        if path.endswith(TEXTS):
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for place in foreign:
                must(place not in text, f"{path} contains the path {place}")


def check_pkg_config(prefix, version):
    folder = os.path.dirname(find(prefix, "mcp.pc"))

    def query(package, *options):
        environment = {**os.environ, "PKG_CONFIG_PATH": folder}
        result = subprocess.run(["pkg-config", *options, package], env=environment, check=True, text=True,
                                stdout=subprocess.PIPE)
        return result.stdout.strip()

    for package in ("mcp", "mcp-static"):
        query(package, "--validate")
        must(query(package, "--modversion") == version, f"pkg-config reports the wrong version of {package}")
        for variable, name in (("includedir", "mcp.h"), ("libdir", "libmcp.so")):
            place = query(package, f"--variable={variable}").replace("\\ ", " ")
            must(os.path.samefile(place, os.path.dirname(find(prefix, name))), f"{variable} is {place}")
    must(query("mcp", "--libs-only-l") == "-lmcp", "mcp.pc lists more than the shared library")
    must("-lmcp" not in query("mcp-static", "--libs"), "mcp-static.pc may link the shared library")


def files(prefix):
    for folder, _, names in os.walk(prefix):
        for name in names:
            yield os.path.join(folder, name)


def find(prefix, name):
    found = [path for path in files(prefix) if os.path.basename(path) == name]
    must(len(found) == 1, f"{name} is installed {len(found)} times")
    return found[0]


def soname(version):
    """Until 1.0, the SONAME contains the minor version, which may break programs."""
    major, minor, _ = version.split(".")
    return f"libmcp.so.0.{minor}" if major == "0" else f"libmcp.so.{major}"


def dynamic(program):
    result = subprocess.run(["readelf", "--wide", "--dynamic", program], check=True, text=True, stdout=subprocess.PIPE,
                            env={**os.environ, "LC_ALL": "C"})
    return result.stdout


def needed(program):
    """The shared libraries that the program is linked with."""
    return re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic(program))


def must(condition, message):
    if not condition:
        sys.exit(message)
