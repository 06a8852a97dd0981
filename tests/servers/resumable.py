"""resumable.py PORT FILE: a FastMCP server with an event store, so that clients can resume a broken event stream.

The tool `pay` appends the pid of the server process to FILE, reports progress, and returns 1.5 s later. When the server
process is killed, the next one starts at once: the parent process has already imported FastMCP, which can take 10 s.
"""

import asyncio
import ctypes
import os
import signal
import sys

import uvicorn
from fastmcp import Context, FastMCP
from fastmcp.server.event_store import EventStore

# The client tries five times to resume a stream, at this interval.
RETRY_MS = 1000
PR_SET_PDEATHSIG = 1


def serve(port: int, file: str) -> None:
    server = FastMCP("libmcp-resumable")

    @server.tool
    async def pay(ctx: Context) -> str:
        with open(file, "a") as paid:
            paid.write(f"{os.getpid()}\n")
        await ctx.report_progress(1, 2)
        await asyncio.sleep(1.5)
        return "paid"

    app = server.http_app(event_store=EventStore(), retry_interval=RETRY_MS)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


def main() -> None:
    port, file = int(sys.argv[1]), sys.argv[2]
    while True:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            serve(port, file)
            sys.exit("the server ended without being killed")
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            sys.exit("the server failed")


if __name__ == "__main__":
    main()
