"""A server on the Python SDK (mcp 2.x), modern and legacy, with a token verifier."""

import argparse

from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer

import announce


class Verifier(TokenVerifier):
    async def verify_token(self, token: str) -> AccessToken | None:
        claims = announce.CLAIMS.get(token)
        return AccessToken(token=token, **claims) if claims else None


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sse", action="store_true", help="HTTP+SSE instead of Streamable HTTP")
    options = parser.parse_args()

    auth = AuthSettings(
        issuer_url="https://issuer.test",
        resource_server_url="https://libmcp.test/mcp",
        required_scopes=[announce.SCOPE],
        validate_token_resource=False,
    )
    server = MCPServer(name="libmcp-fixture", version="1.2.3", token_verifier=Verifier(), auth=auth)

    @server.tool()
    def echo(text: str) -> str:
        return text

    @server.tool()
    def add(a: int, b: int) -> int:
        return a + b

    app = server.sse_app(sse_path=announce.SSE) if options.sse else server.streamable_http_app()
    announce.serve(app, announce.TOKENS, options.sse)


if __name__ == "__main__":
    main()
