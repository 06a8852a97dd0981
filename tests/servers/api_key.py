"""ASGI middleware that requires a token in `X-API-Key`.

It responds like an API gateway: without a challenge, and with 403 to a token without the required scope.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

import announce


class ApiKey:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        claims = announce.CLAIMS.get(Request(scope).headers.get("x-api-key", ""))
        if not claims or "expires_at" in claims:
            return await JSONResponse({"error": "unauthorized"}, 401)(scope, receive, send)
        if announce.SCOPE not in claims["scopes"]:
            return await JSONResponse({"error": "forbidden"}, 403)(scope, receive, send)
        return await self.app(scope, receive, send)
