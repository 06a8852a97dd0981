"""Starts a test server on a free loopback port, and writes its address as JSON to $ANNOUNCE_FD.

A server with HTTP+SSE is available at two paths. `url` ends in /sse, from which a client can guess the transport;
`events_url` is the same server at a path that does not indicate the transport.
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

# The claims of the tokens that the issuer knows.
CLAIMS: dict[str, dict[str, Any]] = {
    TOKENS["right"]: {"client_id": "matrix", "scopes": [SCOPE]},
    TOKENS["expired"]: {"client_id": "matrix", "scopes": [SCOPE], "expires_at": PAST},
    TOKENS["missing-scope"]: {"client_id": "matrix", "scopes": ["write"]},
}


class Renamed:
    """ASGI middleware: serves requests for the path EVENTS at the path SSE."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == EVENTS:
            scope = {**scope, "path": SSE, "raw_path": SSE.encode()}
        await self.app(scope, receive, send)


def listen() -> tuple[socket.socket, str]:
    """A listening socket on a free loopback port, and its origin."""
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def serve(app: ASGIApp, tokens: dict[str, str], sse: bool = False) -> None:
    """Serves the ASGI application until SIGTERM."""
    listener, origin = listen()
    address = {"transport": "streamable-http", "url": origin + "/mcp"}
    if sse:
        address = {"transport": "sse", "url": origin + SSE, "events_url": origin + EVENTS}
        app = Renamed(app)
    run(app, listener, {**address, "tokens": tokens})


def run(app: ASGIApp, listener: socket.socket, announcement: dict[str, Any]) -> None:
    """Announces the server, and serves the ASGI application until SIGTERM."""
    with os.fdopen(int(os.environ["ANNOUNCE_FD"]), "w") as fixture:
        json.dump(announcement, fixture)
    config = uvicorn.Config(app, log_level="info", lifespan="on", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])
