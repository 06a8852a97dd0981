"""A ping with FastMCP's client, written as in its manual, with all timeouts that it has."""

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


print(f"FastMCP {fastmcp.__version__} starts", flush=True)
asyncio.run(main(sys.argv[1]))
