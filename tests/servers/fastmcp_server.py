"""A FastMCP server with selectable authorization. The venv determines the version of FastMCP: 2.x, 3.x or 4.x."""

import argparse

from fastmcp import FastMCP
from fastmcp.server.auth.providers.jwt import JWTVerifier, RSAKeyPair, StaticTokenVerifier
from starlette.middleware import Middleware

import announce
from api_key import ApiKey

ISSUER, AUDIENCE = "https://issuer.test", "libmcp"


def static_auth() -> tuple[StaticTokenVerifier, dict[str, str]]:
    verifier = StaticTokenVerifier(tokens=announce.CLAIMS, required_scopes=[announce.SCOPE])
    return verifier, announce.TOKENS


def jwt_auth() -> tuple[JWTVerifier, dict[str, str]]:
    """A verifier and tokens that are signed at start; the wrong token is signed with another key."""
    key, other_key = RSAKeyPair.generate(), RSAKeyPair.generate()

    def token(pair: RSAKeyPair, scope: str, seconds: int) -> str:
        return pair.create_token(
            issuer=ISSUER, audience=AUDIENCE, scopes=[scope], expires_in_seconds=seconds
        )

    tokens = {
        "right": token(key, announce.SCOPE, 86400),
        "wrong": token(other_key, announce.SCOPE, 86400),
        "expired": token(key, announce.SCOPE, -3600),
        "missing-scope": token(key, "write", 86400),
    }
    verifier = JWTVerifier(
        public_key=key.public_key,
        issuer=ISSUER,
        audience=AUDIENCE,
        required_scopes=[announce.SCOPE],
    )
    return verifier, tokens


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--auth", choices=["static", "jwt", "apikey", "none"], required=True)
    parser.add_argument("--stateless", action="store_true")
    parser.add_argument("--sse", action="store_true", help="HTTP+SSE instead of Streamable HTTP")
    options = parser.parse_args()

    verifier, tokens, middleware = None, announce.TOKENS, []
    if options.auth == "static":
        verifier, tokens = static_auth()
    elif options.auth == "jwt":
        verifier, tokens = jwt_auth()
    elif options.auth == "apikey":
        middleware = [Middleware(ApiKey)]

    server = FastMCP(name="libmcp-fixture", version="1.2.3", auth=verifier)

    @server.tool
    def echo(text: str) -> str:
        return text

    @server.tool
    def add(a: int, b: int) -> int:
        return a + b

    if options.sse:
        app = server.http_app(transport="sse", path=announce.SSE, middleware=middleware)
    else:
        app = server.http_app(stateless_http=options.stateless, middleware=middleware)
    announce.serve(app, tokens, options.sse)


if __name__ == "__main__":
    main()
