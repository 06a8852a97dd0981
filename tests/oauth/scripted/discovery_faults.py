"""Faults while the metadata of an MCP server and of its authorization server are read."""

from fault_matrix import RESOURCE_METADATA, SERVER_METADATA, add_cases

from harness import run

add_cases(RESOURCE_METADATA)
add_cases(SERVER_METADATA)

run()
