"""A FastMCP server and its token issuer in one process; run by examples.py.

    POST /token        a client-credentials grant (RFC 6749, 4.4)
    POST /issue        a token for the test, without authentication
    POST /revoke       revokes all tokens except the one in the body
    POST /lifetime     two numbers: the actual and the announced lifetime of new tokens, in seconds
    GET  /counts       how many tokens were issued, accepted and rejected
"""

import base64
import itertools
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, unquote_plus

from fastmcp import FastMCP
from fastmcp.server.auth.auth import AccessToken, TokenVerifier
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))

import announce  # noqa: E402

# With characters that must be escaped in requests.
CLIENT, SECRET, SCOPE = "an example", "s3cret&more:é", "read"


class Issuer(TokenVerifier):
    def __init__(self) -> None:
        super().__init__(required_scopes=[SCOPE])
        self.expiries: dict[str, float] = {}
        self.numbers = itertools.count(1)
        self.lifetime, self.announced_lifetime = 3600.0, 3600.0
        self.counts = {"issued": 0, "accepted": 0, "rejected": 0}

    def issue(self) -> str:
        token = f"issued-token-{next(self.numbers):04}"
        self.expiries[token] = time.monotonic() + self.lifetime
        self.counts["issued"] += 1
        return token

    async def verify_token(self, token: str) -> AccessToken | None:
        valid = self.expiries.get(token, 0) > time.monotonic()
        self.counts["accepted" if valid else "rejected"] += 1
        return AccessToken(token=token, client_id=CLIENT, scopes=[SCOPE]) if valid else None


def client_of(request: Request) -> tuple[str, str]:
    """The client id and secret, which are form-encoded and then joined (RFC 6749, section 2.3.1)."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return "", ""
    name, _, password = base64.b64decode(encoded).decode().partition(":")
    return unquote_plus(name), unquote_plus(password)


def main() -> None:
    issuer = Issuer()
    server = FastMCP(name="libmcp-examples", version="1.2.3", auth=issuer)

    @server.custom_route("/token", methods=["POST"])
    async def token(request: Request) -> Response:
        form = parse_qs((await request.body()).decode())
        if client_of(request) != (CLIENT, SECRET):
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        if form.get("grant_type") != ["client_credentials"]:
            return JSONResponse({"error": "unsupported_grant_type"}, status_code=400)
        if form.get("scope") != [SCOPE]:
            return JSONResponse({"error": "invalid_scope"}, status_code=400)
        grant = {"access_token": issuer.issue(), "token_type": "bearer", "expires_in": issuer.announced_lifetime}
        return JSONResponse(grant, headers={"Cache-Control": "no-store"})

    @server.custom_route("/issue", methods=["POST"])
    async def issue(_request: Request) -> Response:
        return PlainTextResponse(issuer.issue())

    @server.custom_route("/revoke", methods=["POST"])
    async def revoke(request: Request) -> Response:
        kept = (await request.body()).decode()
        issuer.expiries = {token: expiry for token, expiry in issuer.expiries.items() if token == kept}
        return PlainTextResponse("revoked")

    @server.custom_route("/lifetime", methods=["POST"])
    async def lifetime(request: Request) -> Response:
        issuer.lifetime, issuer.announced_lifetime = map(float, (await request.body()).decode().split())
        return PlainTextResponse("set")

    @server.custom_route("/counts", methods=["GET"])
    async def counts(_request: Request) -> Response:
        return JSONResponse(issuer.counts)

    announce.serve(server.http_app(), {})


if __name__ == "__main__":
    main()
