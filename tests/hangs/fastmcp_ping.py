"""FastMCP's own client, as its manual has it: a ping with every time limit that it knows."""

import asyncio
import sys

import fastmcp

TIMEOUT_SECONDS = 2


async def main(url: str) -> None:
    client = fastmcp.Client(
        url, auth="right-token", timeout=TIMEOUT_SECONDS, init_timeout=TIMEOUT_SECONDS
    )
    async with client:
        await client.ping()


print(f"FastMCP {fastmcp.__version__} on its way", flush=True)
asyncio.run(main(sys.argv[1]))
