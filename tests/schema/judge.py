"""judge.py VERSION FILE: the messages of a file, one a line, held against the version's schema.

Every request of the version has to be among them, or this would not say much. Needs jsonschema.
"""

import json
import sys
from pathlib import Path

from jsonschema.validators import validator_for

HERE = Path(__file__).resolve().parent
LATEST = "2026-07-28"
# Requests that this client never makes by itself: a list of tasks has no function.
NEVER = {"tasks/list"}
# The extension of tasks has a schema of its own.
EXTENSIONS = ("tasks/", "x.example/")
RESULTS = {"elicitation/create": "ElicitResult", "sampling/createMessage": "CreateMessageResult", "roots/list": "ListRootsResult"}


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
        """The methods of what a client may request."""
        names = {option["$ref"].rsplit("/", 1)[1] for option in self.definitions["ClientRequest"]["anyOf"]}
        return {method for method, name in self.by_method.items() if name in names}

    def check(self, value, name):
        schema = self.whole | {"$ref": f"#/{self.key}/{name}"}
        kind = validator_for(self.whole)
        for error in kind(schema).iter_errors(value):
            raise SystemExit(f"{self.version}: {name}: {error.message} in {json.dumps(value)}")

    def check_message(self, message, asked):
        """`asked` are the methods of the server's requests, by their ids."""
        if "method" in message:
            method = message["method"]
            known = self.by_method.get(method)
            if not known and not method.startswith(EXTENSIONS):
                raise SystemExit(f"{self.version} has no {method}: {json.dumps(message)}")
            self.check(message, known or ("JSONRPCRequest" if "id" in message else "JSONRPCNotification"))
        elif "error" in message:
            self.check(message, "JSONRPCErrorResponse" if "JSONRPCErrorResponse" in self.definitions else "JSONRPCError")
        else:
            self.check(message["result"], RESULTS.get(asked(message["id"]), "EmptyResult"))


def asked_in(version):
    """What server.py asks under an id of its own: in its order."""
    methods = ["sampling/createMessage", "roots/list"]
    methods += ["elicitation/create"] * ((version >= "2025-06-18") + (version >= "2025-11-25"))
    return lambda id: dict(enumerate(methods)).get(int(id[1:]))


def main():
    version, file = sys.argv[1:]
    messages = [json.loads(line) for line in Path(file).read_text().splitlines()]
    schema, latest, asked = Schema(version), Schema(LATEST), asked_in(version)
    for message in messages:
        probe = message.get("method") == "server/discover"
        (latest if probe else schema).check_message(message, asked)
        for key, response in message.get("params", {}).get("inputResponses", {}).items():
            if key.startswith("key "):
                schema.check(response, RESULTS[asked("s" + key[4:])])
    said = {message.get("method") for message in messages}
    missing = schema.requests() - said - NEVER
    if missing or "notifications/cancelled" not in said:
        raise SystemExit(f"{version}: never said: {missing}; said: {sorted(filter(None, said))}")
    print(f"{version}: {len(messages)} messages are as the schema has them, {len(said)} methods")


main()
