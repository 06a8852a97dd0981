"""How a server of ours comes up: on a free loopback port, told as JSON on $ANNOUNCE_FD."""

import json
import os
import socket
from typing import Any

import uvicorn

TOKENS = {name: f"{name}-token" for name in ("right", "wrong", "expired", "missing-scope")}
SCOPE = "read"
PAST = 1_000_000_000  # an expiry in 2001

# What their issuer says of the tokens that it knows.
CLAIMS: dict[str, dict[str, Any]] = {
    TOKENS["right"]: {"client_id": "matrix", "scopes": [SCOPE]},
    TOKENS["expired"]: {"client_id": "matrix", "scopes": [SCOPE], "expires_at": PAST},
    TOKENS["missing-scope"]: {"client_id": "matrix", "scopes": ["write"]},
}


def serve(app: Any, tokens: dict[str, str]) -> None:
    """Serve the ASGI application until SIGTERM."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with os.fdopen(int(os.environ["ANNOUNCE_FD"]), "w") as fixture:
        json.dump({"url": f"http://127.0.0.1:{port}/mcp", "tokens": tokens}, fixture)
    config = uvicorn.Config(app, log_level="info", lifespan="on", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])
