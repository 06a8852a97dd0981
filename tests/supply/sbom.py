"""sbom.py [--target TRIPLE] OUTPUT: writes down what is in the library, as CycloneDX 1.5 in JSON.

Each package that the library needs on this target, with its version, licence, origin and checksum, and who needs whom.
What only runs in the compiler (macros) has the scope "excluded". The same sources give the same bytes: there is no time
in it, and the serial number is made of the content.
"""

import argparse
import json
import uuid
from pathlib import Path

from graph import Graph, licence


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version'].replace('+', '%2B')}"


def licences(package):
    expression = licence(package)
    is_one = not any(word in expression for word in (" OR ", " AND ", " WITH "))
    return [{"license": {"id": expression}}] if is_one else [{"expression": expression}]


def component(graph, id, kind="library"):
    package = graph.packages[id]
    made = {
        "type": kind,
        "bom-ref": purl(package),
        "name": package["name"],
        "version": package["version"],
        "purl": purl(package),
        "licenses": licences(package),
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
