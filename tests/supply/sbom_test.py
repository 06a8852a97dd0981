"""sbom_test.py: tests that the SBOM is valid, complete and reproducible."""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from graph import REPO, Graph
from tools import venv

HERE = Path(__file__).resolve().parent

# Runs with the packages of requirements/cyclonedx.txt. Of the CycloneDX package, only the schemas are used.
VALIDATE = """
import importlib.util, json, pathlib, sys
from jsonschema import Draft7Validator
from referencing import Registry, Resource
schemas = pathlib.Path(importlib.util.find_spec("cyclonedx").submodule_search_locations[0], "schema/_res")
load = lambda name: json.loads((schemas / name).read_text())
others = {name + ".schema.json": load(name + ".SNAPSHOT.schema.json") for name in ("spdx", "jsf-0.82")}
schema = load("bom-1.5.SNAPSHOT.schema.json")
base = schema["$id"].rsplit("/", 1)[0]
registry = Registry()
for name, other in others.items():
    for known in (name, name.replace(".schema", ".SNAPSHOT.schema")):
        registry = registry.with_resource(base + "/" + known, Resource.from_contents(other))
wrong = list(Draft7Validator(schema, registry=registry).iter_errors(json.load(open(sys.argv[1]))))
sys.exit("".join(error.message[:300] + chr(10) for error in wrong[:5]) if wrong else 0)
"""


def errors_of(path):
    """The errors that the schema finds; "" if the file is valid."""
    outcome = subprocess.run([venv("cyclonedx") / "python", "-c", VALIDATE, path], capture_output=True, text=True)
    return outcome.stderr if outcome.returncode else ""


def written(folder, name):
    path = Path(folder) / name
    subprocess.run([sys.executable, HERE / "sbom.py", path], check=True)
    return path


def main():
    with tempfile.TemporaryDirectory() as folder:
        first, second = written(folder, "first.json"), written(folder, "second.json")
        assert first.read_bytes() == second.read_bytes(), "two runs differ"
        assert not errors_of(first), errors_of(first)
        bom = json.loads(first.read_text())

        # Test of the validation itself: it finds errors, also against the schemas to which the main schema refers.
        part = bom["components"][0]
        for wrong in ({"scope": "perhaps"}, {"licenses": [{"license": {"id": "No-Such-Licence"}}]}, {"colour": "red"}):
            broken = Path(folder) / "broken.json"
            broken.write_text(json.dumps(bom | {"components": [part | wrong]}))
            errors = errors_of(broken)
            assert errors and "Traceback" not in errors, f"{wrong} is accepted as CycloneDX: {errors}"

    graph = Graph()
    manifest = tomllib.loads((REPO / "Cargo.toml").read_text())
    root = bom["metadata"]["component"]
    assert (root["name"], root["version"]) == (manifest["package"]["name"], manifest["package"]["version"]), root

    names = {part["name"] for part in bom["components"]}
    assert set(manifest["dependencies"]) <= names, set(manifest["dependencies"]) - names
    assert not names & {"cbindgen", "proptest", "mcp-test-server"}, "build or test dependencies are listed"
    lock = {
        (entry["name"], entry["version"]): entry
        for entry in tomllib.loads((REPO / "Cargo.lock").read_text())["package"]
    }
    for part in bom["components"]:
        entry = lock[(part["name"], part["version"])]
        assert part["hashes"] == [{"alg": "SHA-256", "content": entry["checksum"]}], part
        assert part["licenses"] and part["purl"].startswith(f"pkg:cargo/{part['name']}@"), part

    # All dependencies are listed as components, and each component is a dependency of another one.
    refs = {part["bom-ref"] for part in bom["components"]}
    needed = {ref for entry in bom["dependencies"] for ref in entry["dependsOn"]}
    assert needed == refs, needed ^ refs
    assert {entry["ref"] for entry in bom["dependencies"]} == refs | {root["bom-ref"]}
    scopes = {part["name"]: part["scope"] for part in bom["components"]}
    assert scopes["ring"] == "required" and scopes["serde_derive"] == "excluded", scopes
    linked = sum(scope == "required" for scope in scopes.values())
    print(f"{len(names)} packages, {linked} of them in the library; {graph.target}")


main()
