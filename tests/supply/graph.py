"""The dependencies of the library, from cargo and its lock file."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
ROOT = "libmcp"


def cargo(*words):
    program = os.environ.get("CARGO") or "cargo"
    return subprocess.run([program, *words], cwd=REPO, check=True, capture_output=True, text=True).stdout


def host():
    """The default target of the compiler."""
    program = os.environ.get("RUSTC") or "rustc"
    output = subprocess.run([program, "-vV"], check=True, capture_output=True, text=True).stdout
    return re.search(r"^host: (\S+)", output, re.M)[1]


class Graph:
    """The packages for one target, in the versions of the lock file."""

    def __init__(self, target=None):
        self.target = target or host()
        words = ["metadata", "--locked", "--format-version", "1", "--filter-platform", self.target]
        metadata = json.loads(cargo(*words))
        self.packages = {package["id"]: package for package in metadata["packages"]}
        self.nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        self.root = next(id for id, package in self.packages.items() if package["name"] == ROOT)
        lock = tomllib.loads((REPO / "Cargo.lock").read_text())
        # The metadata include features that other workspace members enable. `cargo tree` lists only the packages with
        # which the library is built.
        words = [
            "tree",
            "--locked",
            "--package",
            ROOT,
            "--target",
            self.target,
            "--edges",
            "normal",
            "--prefix",
            "none",
        ]
        built = {tuple(line.split()[:2]) for line in cargo(*words).splitlines() if line.strip()}
        self.built = {
            id for id, package in self.packages.items() if (package["name"], "v" + package["version"]) in built
        }
        self.checksums = {(entry["name"], entry["version"]): entry.get("checksum") for entry in lock["package"]}

    def children(self, id):
        """The dependencies of a package, without build and development dependencies."""
        for dependency in self.nodes[id]["deps"]:
            if dependency["pkg"] in self.built and any(way["kind"] is None for way in dependency["dep_kinds"]):
                yield dependency["pkg"]

    def is_macro(self, id):
        """Whether the package is a procedural macro: it runs in the compiler and is not part of the library."""
        return any("proc-macro" in target["kind"] for target in self.packages[id]["targets"])

    def needed(self):
        """All packages that the library needs, including macros."""
        return self.reached(lambda _id: True)

    def linked(self):
        """The packages whose code is in the library."""
        return self.reached(lambda id: not self.is_macro(id))

    def reached(self, counts):
        known, waiting = set(), [self.root]
        while waiting:
            id = waiting.pop()
            if id not in known and counts(id):
                known.add(id)
                waiting += self.children(id)
        return known

    def direct(self):
        return {self.packages[id]["name"] for id in self.children(self.root)}

    def checksum(self, package):
        return self.checksums[(package["name"], package["version"])]


def license_of(package):
    """The SPDX license expression. Older packages use a slash instead of OR."""
    return package["license"].replace("/", " OR ")
