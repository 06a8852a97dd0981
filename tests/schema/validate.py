"""validate.py VERSION FILE: validates the messages of a file, one per line, against the schema of a version.

Fails also if a request of the version is not among the messages. Needs jsonschema.
"""

import json
import sys
from pathlib import Path

from jsonschema.validators import validator_for

HERE = Path(__file__).resolve().parent
LATEST = "2026-07-28"
# Requests for which the library has no function.
NEVER = {"tasks/list"}
# Methods that are not in the schema: the extension for tasks has a separate schema.
EXTENSIONS = ("tasks/", "x.example/")
RESULTS = {
    "elicitation/create": "ElicitResult",
    "sampling/createMessage": "CreateMessageResult",
    "roots/list": "ListRootsResult",
}


class Schema:
    def __init__(self, version):
        self.version = version
        self.whole = json.loads((HERE / f"{version}.json").read_text())
        self.key = "$defs" if "$defs" in self.whole else "definitions"
        self.definitions = self.whole[self.key]
        self.by_method = {}
        for name, definition in self.definitions.items():
            method = definition.get("properties", {}).get("method", {}).get("const")
            if method:
                self.by_method[method] = name

    def requests(self):
        """The methods of all client requests."""
        names = {option["$ref"].rsplit("/", 1)[1] for option in self.definitions["ClientRequest"]["anyOf"]}
        return {method for method, name in self.by_method.items() if name in names}

    def check(self, value, name):
        schema = self.whole | {"$ref": f"#/{self.key}/{name}"}
        kind = validator_for(self.whole)
        for error in kind(schema).iter_errors(value):
            raise SystemExit(f"{self.version}: {name}: {error.message} in {json.dumps(value)}")

    def check_message(self, message, method_of):
        """Validates a message. `method_of` maps the id of a server request to its method."""
        if "method" in message:
            method = message["method"]
            known = self.by_method.get(method)
            if not known and not method.startswith(EXTENSIONS):
                raise SystemExit(f"{self.version} has no {method}: {json.dumps(message)}")
            self.check(message, known or ("JSONRPCRequest" if "id" in message else "JSONRPCNotification"))
        elif "error" in message:
            newer = "JSONRPCErrorResponse" in self.definitions
            self.check(message, "JSONRPCErrorResponse" if newer else "JSONRPCError")
        else:
            self.check(message["result"], RESULTS.get(method_of(message["id"]), "EmptyResult"))


def server_requests(version):
    """Maps the ids of the requests of server.py to their methods. The methods are in the order of server.py."""
    methods = ["sampling/createMessage", "roots/list"]
    methods += ["elicitation/create"] * ((version >= "2025-06-18") + (version >= "2025-11-25"))
    return lambda id: dict(enumerate(methods)).get(int(id[1:]))


def main():
    version, file = sys.argv[1:]
    messages = [json.loads(line) for line in Path(file).read_text().splitlines()]
    schema, latest, method_of = Schema(version), Schema(LATEST), server_requests(version)
    for message in messages:
        probe = message.get("method") == "server/discover"
        (latest if probe else schema).check_message(message, method_of)
        for key, response in message.get("params", {}).get("inputResponses", {}).items():
            if key.startswith("key "):
                schema.check(response, RESULTS[method_of("s" + key[4:])])
    sent = {message.get("method") for message in messages}
    missing = schema.requests() - sent - NEVER
    if missing or "notifications/cancelled" not in sent:
        raise SystemExit(f"{version}: requests not sent: {missing}; sent: {sorted(filter(None, sent))}")
    print(f"{version}: {len(messages)} messages with {len(sent)} methods are valid")


main()
