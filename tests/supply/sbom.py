"""sbom.py [--target TRIPLE] OUTPUT: writes the SBOM of the library, as CycloneDX 1.5 in JSON.

It contains all packages that the library needs on the target, with version, license, origin and checksum, and their
dependencies. Packages that only run in the compiler (macros) have the scope "excluded". The same sources result in the
same bytes: the file contains no time, and its serial number is a hash of the content.
"""

import argparse
import json
import uuid
from pathlib import Path

from graph import Graph, license_of


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version'].replace('+', '%2B')}"


def licenses(package):
    expression = license_of(package)
    is_single = not any(word in expression for word in (" OR ", " AND ", " WITH "))
    return [{"license": {"id": expression}}] if is_single else [{"expression": expression}]


def component(graph, id, kind="library"):
    package = graph.packages[id]
    made = {
        "type": kind,
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
        "licenses": licenses(package),
    }
    if package["description"]:
        made["description"] = " ".join(package["description"].split())
    if checksum := graph.checksum(package):
        made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["repository"]:
        made["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return made


def document(graph):
    needed, linked = graph.needed(), graph.linked()
    name = lambda id: purl(graph.packages[id])  # noqa: E731
    components = []
    for id in sorted(needed - {graph.root}, key=name):
        scope = "required" if id in linked else "excluded"
        components.append(component(graph, id) | {"scope": scope})
    dependencies = [
        {"ref": name(id), "dependsOn": sorted(name(child) for child in graph.children(id))}
        for id in sorted(needed, key=name)
    ]
    properties = [{"name": "cargo:target", "value": graph.target}]
    made = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(graph, graph.root), "properties": properties},
        "components": components,
        "dependencies": dependencies,
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(made, sort_keys=True))
    return {
        "bomFormat": made.pop("bomFormat"),
        "specVersion": made.pop("specVersion"),
        "serialNumber": f"urn:uuid:{serial}",
    } | made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--target")
    parser.add_argument("output", type=Path)
    args = parser.parse_args()
    made = document(Graph(args.target))
    args.output.write_text(json.dumps(made, indent=2, ensure_ascii=False) + "\n")
    print(f"{args.output}: {len(made['components'])} packages")


if __name__ == "__main__":
    main()
