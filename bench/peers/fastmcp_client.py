"""FastMCP's client. A modern server has no ping; discovery by the session of the SDK below it stands in for it, as in
libmcp."""

import asyncio

import contract
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport


async def main() -> None:
    task = contract.task()
    # By the path alone it would take one of the URLs for HTTP+SSE.
    async with Client(StreamableHttpTransport(task.url), mode=task.mode) as client:

        async def ping() -> None:
            await (client.session.send_discover(contract.MODERN) if task.is_modern else client.ping())

        async def echo(text: str) -> str:
            return (await client.call_tool("echo", {"text": text})).content[0].text

        await contract.measure(task, ping, echo)


asyncio.run(main())
