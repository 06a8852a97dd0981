"""Ten things that a client does, with FastMCP. The token is in MCP_BEARER_TOKEN.

    basics.py URL

basics.c, basics.cpp, go/basics and swift/basics do the same with libmcp, and print the same lines.
"""

import asyncio
import os
import sys

from fastmcp import Client
from fastmcp.exceptions import ToolError
from mcp import MCPError
from mcp_types import REQUEST_TIMEOUT


async def ping(client: Client) -> None:
    await client.ping()
    print("the server answers")


async def show_server(client: Client) -> None:
    server = client.server_info
    print(f"server: {server.name} {server.version}")


async def list_tools(client: Client) -> None:
    for tool in await client.list_tools():
        print(f"tool: {tool.name}")


async def call_tool(client: Client) -> None:
    result = await client.call_tool("person", {"name": "Ada", "age": 36})
    person = result.data
    print(f"person: {person.name}, {person.age}, {len(person.tags)} tags")


async def see_tool_fail(client: Client) -> None:
    try:
        await client.call_tool("fail", {"why": "no luck"})
    except ToolError as error:
        print(f"the tool failed: {error}")


async def read_resource(client: Client) -> None:
    for content in await client.read_resource("memo://text"):
        print(f"memo: {content.text}")


async def get_prompt(client: Client) -> None:
    prompt = await client.get_prompt("explain", {"topic": "Rust"})
    for message in prompt.messages:
        print(f"{message.role}: {message.content.text}")


async def watch_progress(client: Client) -> None:
    async def show(progress: float, total: float | None, message: str | None) -> None:
        print(f"progress: {progress:g} of {total:g}, {message}")

    result = await client.call_tool("count", {"steps": 3}, progress_handler=show)
    print(result.content[0].text)


async def answer(message, response_type, params, context):
    print(f"the server asks: {message}")
    return response_type(name="Ada")


async def give_input(client: Client) -> None:
    result = await client.call_tool("ask_name")
    print(result.content[0].text)


async def limit_time(client: Client) -> None:
    try:
        await client.call_tool("slow", {"seconds": 5}, timeout=0.2)
    except MCPError as error:
        if error.code != REQUEST_TIMEOUT:
            raise
        print("the call took too long")


async def main() -> None:
    # The newest protocol version has no ping, so FastMCP needs the mode for older versions here. libmcp does not.
    token = os.environ.get("MCP_BEARER_TOKEN")
    async with Client(sys.argv[1], auth=token, elicitation_handler=answer, mode="legacy") as client:
        await ping(client)
        await show_server(client)
        await list_tools(client)
        await call_tool(client)
        await see_tool_fail(client)
        await read_resource(client)
        await get_prompt(client)
        await watch_progress(client)
        await give_input(client)
        await limit_time(client)


if len(sys.argv) != 2:
    sys.exit("usage: basics.py URL")
try:
    asyncio.run(main())
except Exception as error:
    sys.exit(str(error))
