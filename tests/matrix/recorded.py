"""Record the requests that a client sends to a real server, and check them against the rules of the protocol version.

The client is the program recorded.c, which sets a bearer token and a custom header.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

HEADERS = {"authorization": "Bearer right-token", "x-trace": "trace-4711"}
PINNED = [
    ("POST", "initialize", 200),
    ("POST", "notifications/initialized", 202),
    ("POST", "ping", 200),
    ("POST", "ping", 200),
    ("DELETE", None, 200),
]
SSE = [
    ("GET", None, 200),
    ("POST", "initialize", 202),
    ("POST", "notifications/initialized", 202),
    ("POST", "ping", 202),
    ("POST", "ping", 202),
]
# The requests of each scenario: HTTP method, JSON-RPC method and HTTP status.
SCENARIOS = {
    "modern": [("POST", "server/discover", 200)] * 3,
    "legacy": [("POST", "server/discover", 400), *PINNED],
    "pinned": PINNED,
    "sse": SSE,
    "sse-pinned": SSE,
    "sse-fall-back": [("POST", "server/discover", 405), ("POST", "initialize", 405), *SSE],
}
PINNED_SCENARIOS = ("pinned", "sse-pinned")
ENDPOINT = r"/messages/\?session_id=[0-9a-f]{32}"  # FastMCP's `endpoint` event
MODERN_VERSION = "2026-07-28"

# The maximum number of recordings until all messages of one use the same connection.
RECORDINGS = 5


def expect_equal(what: str, found: object, expected: object) -> None:
    if found != expected:
        sys.exit(f"FAILED: {what}: found {found!r}, expected {expected!r}")


def record(options: argparse.Namespace) -> list[dict]:
    state = json.loads(options.state.read_text())
    url = urlsplit(state["events_url" if options.scenario == "sse-fall-back" else "url"])
    options.out.unlink(missing_ok=True)
    recorder = [options.recorder, "--target", f"{url.scheme}://{url.netloc}", "--out", options.out]
    required = ["--require-header", f"Authorization: {HEADERS['authorization']}"]
    program = ["--run", options.program, url.path, options.version]
    if options.scenario in PINNED_SCENARIOS:
        program.append("pinned")
    if code := subprocess.run([*recorder, *required, *program]).returncode:
        sys.exit(f"the exit status of the recorder is {code}")
    return [json.loads(line) for line in options.out.read_text().splitlines()]


def message(entry: dict) -> dict:
    return json.loads(entry["body"]) if entry["body"] else {}


def headers(pairs: list[list[str]]) -> dict[str, str]:
    """The headers by lower-case name. Fails if a name occurs twice."""
    found = {name.lower(): value for name, value in pairs}
    expect_equal("names of headers", sorted(found), sorted(name.lower() for name, _ in pairs))
    return found


def after_get(entries: list[dict]) -> list[dict]:
    """All entries, or with HTTP+SSE the entries after the GET."""
    methods = [entry["method"] for entry in entries]
    return entries[methods.index("GET") + 1 :] if "GET" in methods else entries


def check_paths(entries: list[dict]) -> None:
    """Checks that the event stream has a separate connection and all messages go to the endpoint on one other."""
    at = [entry["method"] for entry in entries].index("GET")
    before, stream, messages = entries[:at], entries[at], entries[at + 1 :]
    expect_equal("paths before the GET", {entry["path"] for entry in before} - {stream["path"]}, set())
    [endpoint, *others] = {entry["path"] for entry in messages}
    expect_equal("other endpoints", others, [])
    if not re.fullmatch(ENDPOINT, endpoint):
        sys.exit(f"FAILED: the endpoint: found {endpoint!r}, expected {ENDPOINT!r}")
    connections = {entry["connection"] for entry in messages}
    expect_equal("number of connections for messages", len(connections), 1)
    expect_equal("messages on the connection of the stream", stream["connection"] in connections, False)


def check(entries: list[dict], scenario: str, version: str) -> None:
    sequence = [(each["method"], message(each).get("method"), each["status"]) for each in entries]
    expect_equal("sequence of requests", sequence, SCENARIOS[scenario])
    hosts = {headers(entry["headers"])["host"] for entry in entries}
    expect_equal("number of different Host headers", len(hosts), 1)
    sse = scenario.startswith("sse")
    if sse:
        check_paths(entries)
    else:
        expect_equal("connections", {entry["connection"] for entry in entries}, {1})

    ids = [message(each)["id"] for each in entries if "id" in message(each)]
    expect_equal("number of duplicate request ids", len(ids) - len(set(ids)), 0)

    session = None
    for entry in entries:
        sent, method = headers(entry["headers"]), message(entry).get("method")
        what = f"{entry['method']} {method or ''}".strip()
        expect_equal(f"{what}: token and custom header", {name: sent.get(name) for name in HEADERS}, HEADERS)
        probe, opening = method == "server/discover", method == "initialize"
        early = opening or entry["method"] == "GET"
        expected = MODERN_VERSION if probe else None if early else version
        expect_equal(f"{what}: MCP-Protocol-Version", sent.get("mcp-protocol-version"), expected)
        expect_equal(f"{what}: Mcp-Session-Id", sent.get("mcp-session-id"), session)
        expect_equal(f"{what}: Mcp-Method", sent.get("mcp-method"), "server/discover" if probe else None)
        if entry["method"] == "POST":
            expect_equal(f"{what}: Content-Type", sent.get("content-type"), "application/json")
            expect_equal(f"{what}: Accept", sent.get("accept"), "application/json, text/event-stream")
            expect_equal(f"{what}: jsonrpc", message(entry)["jsonrpc"], "2.0")
        if entry["method"] == "GET":
            expect_equal(f"{what}: Accept", sent.get("accept"), "text/event-stream")
        if opening and not sse:
            session = headers(entry["response_headers"])["mcp-session-id"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--recorder", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--state", type=Path, required=True, help="the state file of the real server")
    parser.add_argument("--out", type=Path, required=True, help="the file for the recorded requests")
    parser.add_argument("--scenario", choices=SCENARIOS, required=True)
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    for _ in range(RECORDINGS):
        entries = record(options)
        # On a loaded machine, the event stream of a response may end late; the client then opens a new connection.
        if len({entry["connection"] for entry in after_get(entries)}) == 1:
            break
    check(entries, options.scenario, options.version)
    print(f"ok: {len(entries)} requests, as expected in the scenario {options.scenario}")


if __name__ == "__main__":
    main()
