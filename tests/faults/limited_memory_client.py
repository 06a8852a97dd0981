"""limited_memory_client.py LIBRARY PLAN: a client in a separate process, with limited memory during one call.

PLAN is JSON: the server (`url`, or `argv` and `version`), the `token`, the `timeout`, and by how many bytes the address
space may grow during the call (`spare`). Prints the outcome as JSON.
"""

import json
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path

from matrix import LONG_TIMEOUT, call_tool

from harness import Client, call, lib
from newer import process_of


def size():
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGESIZE")


def children():
    """The child processes of this process, including zombies."""
    return [int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()]


def limit(size):
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))


def client_of(plan):
    if "url" in plan:
        return Client(plan["url"], bearer=plan["token"])
    client = process_of(plan["argv"])
    call(lib.mcp_set_environment, client.client, b"TOKEN", plan["token"].encode()).must_be("MCP_OK")
    call(lib.mcp_set_protocol_version, client.client, plan["version"].encode()).must_be("MCP_OK")
    return client


def main():
    plan = json.loads(sys.argv[2])
    with client_of(plan) as client:
        before = resource.getrlimit(resource.RLIMIT_AS)[0]
        limit(size() + plan["spare"])
        outcome = call_tool(client, timeout=plan["timeout"])
        limit(before)
        later = call_tool(client, timeout=LONG_TIMEOUT)
        lines = client.lines
    report = {"later": later.status, "lines": lines, "children": children()}
    del outcome.value
    print(json.dumps({"outcome": asdict(outcome)} | report))


main()
