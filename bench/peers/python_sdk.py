"""The client that uses the Python SDK. The modern protocol has no ping: like libmcp, this client sends server/discover
instead."""

import asyncio

import contract
from mcp import Client


async def main() -> None:
    task = contract.task()
    async with Client(task.url, mode=task.mode) as client:

        async def ping() -> None:
            await (client.session.send_discover(contract.MODERN) if task.is_modern else client.send_ping())

        async def echo(text: str) -> str:
            return (await client.call_tool("echo", {"text": text})).content[0].text

        await contract.measure(task, ping, echo)


asyncio.run(main())
