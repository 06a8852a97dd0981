"""server.py VERSION FILE: a stdio server for one protocol version. It appends all messages that it receives to FILE.

The tool "asks" sends all requests that a server can send. "never" sends progress, but no response. "fails" returns an
error. "task" becomes a task.
"""

import json
import sys

VERSION, FILE = sys.argv[1:]
MODERN = VERSION >= "2026-07-28"
ELICITS = VERSION >= "2025-06-18"
TASKS = VERSION >= "2025-11-25"

TEXT = {"type": "text", "text": "well"}
FORM = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "default": 36}}}
ELICITATION = {"method": "elicitation/create", "params": {"mode": "form", "message": "Who?", "requestedSchema": FORM}}
BROWSER = {
    "method": "elicitation/create",
    "params": {"mode": "url", "message": "Go there", "url": "https://example.com/", "elicitationId": "e1"},
}
SAMPLING = {
    "method": "sampling/createMessage",
    "params": {"messages": [{"role": "user", "content": TEXT}], "maxTokens": 10},
}
ROOTS = {"method": "roots/list", "params": {}}
REQUESTS = [SAMPLING, ROOTS] + [ELICITATION] * ELICITS + [BROWSER] * TASKS

CAPABILITIES = {
    "tools": {"listChanged": True},
    "resources": {"subscribe": True, "listChanged": True},
    "prompts": {"listChanged": True},
    "logging": {},
    "completions": {},
} | ({"tasks": {"requests": {"tools": {"call": {}}}, "cancel": {}}} if TASKS and not MODERN else {})
SCHEMA = {"type": "object", "properties": {}}
TOOLS = [{"name": name, "inputSchema": SCHEMA} for name in ("echo", "asks", "never")]
TOOLS.append({"name": "task", "inputSchema": SCHEMA, "execution": {"taskSupport": "optional"}})
TIME = "2026-01-01T00:00:00Z"
TASK = {"taskId": "t1", "status": "completed", "createdAt": TIME, "lastUpdatedAt": TIME}
TASK |= {"ttlMs": 1000, "result": {"content": [TEXT]}} if MODERN else {"ttl": 1000}
DONE = {"content": [TEXT]}
INFO = {"name": "server.py", "version": "1"}


def send(message):
    print(json.dumps({"jsonrpc": "2.0"} | message), flush=True)


def result_of(message):
    """The result of a request; None: no response is sent."""
    method, params = message["method"], message.get("params", {})
    match method:
        case "initialize":
            return {"protocolVersion": VERSION, "capabilities": CAPABILITIES, "serverInfo": INFO}
        case "server/discover":
            discovered = {"supportedVersions": [VERSION], "capabilities": CAPABILITIES, "serverInfo": INFO}
            return discovered | {"ttlMs": 0, "cacheScope": "public"}
        case "tools/list":
            # Two pages; an empty string is a valid cursor.
            return {"tools": TOOLS[2:]} if "cursor" in params else {"tools": TOOLS[:2], "nextCursor": ""}
        case "resources/list":
            return {"resources": [{"uri": "test://one", "name": "one"}]}
        case "resources/templates/list":
            return {"resourceTemplates": [{"uriTemplate": "test://{id}", "name": "any"}]}
        case "prompts/list":
            return {"prompts": [{"name": "greet"}]}
        case "resources/read":
            return {"contents": [{"uri": "test://one", "text": "1"}, {"uri": "test://one/blob", "blob": "AP9h"}]}
        case "prompts/get":
            return {"messages": [{"role": "user", "content": TEXT}]}
        case "completion/complete":
            return {"completion": {"values": ["Ada"]}}
        case "tools/call":
            return call(message, params)
        case "tasks/get" | "tasks/cancel":
            return TASK
        case "tasks/result":
            return DONE
        case "subscriptions/listen":
            granted = {"notifications": params["notifications"], "_meta": subscription(message)}
            send({"method": "notifications/subscriptions/acknowledged", "params": granted})
            send({"method": "notifications/tools/list_changed", "params": {"_meta": subscription(message)}})
            return None
        case "resources/subscribe":
            send({"method": "notifications/tools/list_changed"})
    return {}


def subscription(message):
    return {"io.modelcontextprotocol/subscriptionId": message["id"]}


def call(message, params):
    match params["name"]:
        case "never":
            token = params["_meta"]["progressToken"]
            send({"method": "notifications/progress", "params": {"progressToken": token, "progress": 1}})
            return None
        case "fails":
            return {"content": [{"type": "text", "text": "no luck"}], "isError": True}
        case "task" if MODERN:
            return TASK | {"resultType": "task"}
        case "task" if "task" in params:
            return {"task": TASK}
        case "asks" if MODERN and "inputResponses" not in params:
            requests = {f"key {number}": request for number, request in enumerate(REQUESTS)}
            return {"resultType": "input_required", "inputRequests": requests, "requestState": 'a "state"\n'}
        case "asks" if not MODERN:
            for number, request in enumerate([*REQUESTS, {"method": "ping"}, {"method": "x.example/unknown"}]):
                send({"id": f"s{number}"} | request)
    return DONE


def main():
    with open(FILE, "a") as record:
        for line in sys.stdin:
            record.write(line)
            record.flush()
            message = json.loads(line)
            if "method" not in message or "id" not in message:
                continue
            if message["method"] == "server/discover" and not MODERN:
                send({"id": message["id"], "error": {"code": -32601, "message": "not found"}})
                continue
            result = result_of(message)
            if result is not None:
                kind = {"resultType": "complete"} if MODERN else {}
                send({"id": message["id"], "result": kind | result})


main()
