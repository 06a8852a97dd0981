"""Record what a client sends to a server on its way, and hold it against what its era wants.

The client is the program recorded.c, with one bearer token and one header of its own.
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
LIVES = {
    "modern": [("POST", "server/discover", 200)] * 3,
    "legacy": [("POST", "server/discover", 400), *PINNED],
    "pinned": PINNED,
    "sse": SSE,
    "sse-pinned": SSE,
    "sse-fall-back": [("POST", "server/discover", 405), ("POST", "initialize", 405), *SSE],
}
PINNED_LIVES = ("pinned", "sse-pinned")
ENDPOINT = r"/messages/\?session_id=[0-9a-f]{32}"  # that FastMCP names on the event stream
MODERN_VERSION = "2026-07-28"

# How often a life is recorded until all its messages share one connection.
RECORDINGS = 5


def same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        sys.exit(f"FAILED: {what}: found {found!r}, wanted {wanted!r}")


def record(options: argparse.Namespace) -> list[dict]:
    state = json.loads(options.state.read_text())
    url = urlsplit(state["events_url" if options.life == "sse-fall-back" else "url"])
    options.out.unlink(missing_ok=True)
    recorder = [options.recorder, "--target", f"{url.scheme}://{url.netloc}", "--out", options.out]
    required = ["--require-header", f"Authorization: {HEADERS['authorization']}"]
    program = ["--run", options.program, url.path, options.version]
    if options.life in PINNED_LIVES:
        program.append("pinned")
    if code := subprocess.run([*recorder, *required, *program]).returncode:
        sys.exit(f"the recorder ended with {code}")
    return [json.loads(line) for line in options.out.read_text().splitlines()]


def message(entry: dict) -> dict:
    return json.loads(entry["body"]) if entry["body"] else {}


def headers(pairs: list[list[str]]) -> dict[str, str]:
    """By lower-case name; a name that comes twice is a failure."""
    found = {name.lower(): value for name, value in pairs}
    same("names of headers", sorted(found), sorted(name.lower() for name, _ in pairs))
    return found


def behind_get(entries: list[dict]) -> list[dict]:
    """All entries, or with HTTP+SSE those behind the GET."""
    methods = [entry["method"] for entry in entries]
    return entries[methods.index("GET") + 1 :] if "GET" in methods else entries


def check_paths(entries: list[dict]) -> None:
    """The event stream has a connection for itself; messages go to the endpoint, on one other."""
    at = [entry["method"] for entry in entries].index("GET")
    before, stream, messages = entries[:at], entries[at], entries[at + 1 :]
    same("paths before", {entry["path"] for entry in before} - {stream["path"]}, set())
    [endpoint, *others] = {entry["path"] for entry in messages}
    same("other endpoints", others, [])
    if not re.fullmatch(ENDPOINT, endpoint):
        sys.exit(f"FAILED: the endpoint: found {endpoint!r}, wanted {ENDPOINT!r}")
    connections = {entry["connection"] for entry in messages}
    same("how many connections of messages", len(connections), 1)
    same("messages on the stream's", stream["connection"] in connections, False)


def check(entries: list[dict], life: str, version: str) -> None:
    sequence = [(each["method"], message(each).get("method"), each["status"]) for each in entries]
    same("the sequence", sequence, LIVES[life])
    hosts = {headers(entry["headers"])["host"] for entry in entries}
    same("how many hosts were meant", len(hosts), 1)
    sse = life.startswith("sse")
    if sse:
        check_paths(entries)
    else:
        same("connections", {entry["connection"] for entry in entries}, {1})

    ids = [message(each)["id"] for each in entries if "id" in message(each)]
    same("request ids that come twice", len(ids) - len(set(ids)), 0)

    session = None
    for entry in entries:
        sent, method = headers(entry["headers"]), message(entry).get("method")
        what = f"{entry['method']} {method or ''}".strip()
        same(f"{what}: own headers", {name: sent.get(name) for name in HEADERS}, HEADERS)
        probe, opening = method == "server/discover", method == "initialize"
        early = opening or entry["method"] == "GET"
        wanted = MODERN_VERSION if probe else None if early else version
        same(f"{what}: MCP-Protocol-Version", sent.get("mcp-protocol-version"), wanted)
        same(f"{what}: Mcp-Session-Id", sent.get("mcp-session-id"), session)
        same(f"{what}: Mcp-Method", sent.get("mcp-method"), "server/discover" if probe else None)
        if entry["method"] == "POST":
            same(f"{what}: Content-Type", sent.get("content-type"), "application/json")
            same(f"{what}: Accept", sent.get("accept"), "application/json, text/event-stream")
            same(f"{what}: jsonrpc", message(entry)["jsonrpc"], "2.0")
        if entry["method"] == "GET":
            same(f"{what}: Accept", sent.get("accept"), "text/event-stream")
        if opening and not sse:
            session = headers(entry["response_headers"])["mcp-session-id"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--recorder", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--state", type=Path, required=True, help="the real server's state file")
    parser.add_argument("--out", type=Path, required=True, help="the file of records")
    parser.add_argument("--life", choices=LIVES, required=True)
    parser.add_argument("--version", required=True)
    options = parser.parse_args()
    for _ in range(RECORDINGS):
        entries = record(options)
        # An answer's event stream that ends late costs a new connection: on a loaded machine that happens.
        if len({entry["connection"] for entry in behind_get(entries)}) == 1:
            break
    check(entries, options.life, options.version)
    print(f"ok: {len(entries)} requests, as a {options.life} life wants them")


if __name__ == "__main__":
    main()
