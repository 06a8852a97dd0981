"""How a server of ours comes up: on a free loopback port, told as JSON on $ANNOUNCE_FD.

A server that speaks HTTP+SSE is served at two paths. `url` ends in /sse, which gives its transport
away; `events_url` is the same server at a path that says nothing.
"""

import json
import os
import socket
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

TOKENS = {name: f"{name}-token" for name in ("right", "wrong", "expired", "missing-scope")}
SCOPE = "read"
SSE, EVENTS = "/sse", "/events"
PAST = 1_000_000_000  # an expiry in 2001

# What their issuer says of the tokens that it knows.
CLAIMS: dict[str, dict[str, Any]] = {
    TOKENS["right"]: {"client_id": "matrix", "scopes": [SCOPE]},
    TOKENS["expired"]: {"client_id": "matrix", "scopes": [SCOPE], "expires_at": PAST},
    TOKENS["missing-scope"]: {"client_id": "matrix", "scopes": ["write"]},
}


class Renamed:
    """ASGI middleware: what comes for EVENTS goes to SSE."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == EVENTS:
            scope = {**scope, "path": SSE, "raw_path": SSE.encode()}
        await self.app(scope, receive, send)


def serve(app: ASGIApp, tokens: dict[str, str], sse: bool = False) -> None:
    """Serve the ASGI application until SIGTERM."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    told = {"transport": "streamable-http", "url": origin + "/mcp"}
    if sse:
        told = {"transport": "sse", "url": origin + SSE, "events_url": origin + EVENTS}
        app = Renamed(app)
    with os.fdopen(int(os.environ["ANNOUNCE_FD"]), "w") as fixture:
        json.dump({**told, "tokens": tokens}, fixture)
    config = uvicorn.Config(app, log_level="info", lifespan="on", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])
