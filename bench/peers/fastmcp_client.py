"""The client that uses FastMCP. The modern protocol has no ping: like libmcp, this client sends server/discover
instead, with the underlying session of the Python SDK."""

import asyncio

import contract
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport


async def main() -> None:
    task = contract.task()
    # With the URL alone, FastMCP would select HTTP+SSE for the paths that end in /sse.
    async with Client(StreamableHttpTransport(task.url), mode=task.mode) as client:

        async def ping() -> None:
            await (client.session.send_discover(contract.MODERN) if task.is_modern else client.ping())

        async def echo(text: str) -> str:
            return (await client.call_tool("echo", {"text": text})).content[0].text

        await contract.measure(task, ping, echo)


asyncio.run(main())
