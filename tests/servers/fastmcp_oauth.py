"""A FastMCP server behind an authorization server. The venv determines the version of FastMCP: 2.x, 3.x or 4.x.

--auth is one of

    memory   InMemoryOAuthProvider: the MCP server itself is the authorization server
    proxy    OAuthProxy: the MCP server has the endpoints of an authorization server, and lets people log in at another
    remote   RemoteAuthProvider: the authorization server is another server; the MCP server verifies its JWTs

The other server is the one of oidc/, which this process starts. $TOKEN_SECONDS is how long an access token lasts.
"""

import argparse
import json
import os
import subprocess
import urllib.request
from typing import Any

from fastmcp import FastMCP
from fastmcp.server.auth import AuthProvider, RemoteAuthProvider
from fastmcp.server.auth.oauth_proxy import OAuthProxy
from fastmcp.server.auth.providers import in_memory
from fastmcp.server.auth.providers.jwt import JWTVerifier
from key_value.aio.stores.memory import MemoryStore
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import ClientRegistrationOptions, RevocationOptions

import announce
from kinds import KINDS

READ, WRITE = "mcp:read", "mcp:write"


def memory(base: str) -> AuthProvider:
    if seconds := os.environ.get("TOKEN_SECONDS"):
        in_memory.DEFAULT_ACCESS_TOKEN_EXPIRY_SECONDS = int(seconds)
    return in_memory.InMemoryOAuthProvider(
        base_url=base,
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=[READ, WRITE]
        ),
        revocation_options=RevocationOptions(enabled=True),
        required_scopes=[READ],
    )


def fetch(url: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as response:
        return json.load(response)


def start_upstream() -> tuple[dict[str, Any], dict[str, Any]]:
    """Starts the other authorization server. Returns what it announced, and its metadata."""
    reader, writer = os.pipe()
    subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *KINDS["oauth-oidc"].command()],
        env=os.environ | {"ANNOUNCE_FD": str(writer)},
        pass_fds=[writer],
        stdin=subprocess.DEVNULL,
    )
    os.close(writer)
    with os.fdopen(reader) as announced:
        address = json.load(announced)
    return address, fetch(address["issuer"] + "/.well-known/openid-configuration")


def verifier(metadata: dict[str, Any], base: str) -> JWTVerifier:
    return JWTVerifier(
        jwks_uri=metadata["jwks_uri"],
        issuer=metadata["issuer"],
        audience=base + "/mcp",
        required_scopes=[READ],
    )


def proxy(base: str, metadata: dict[str, Any]) -> AuthProvider:
    client = fetch(
        metadata["registration_endpoint"],
        {
            "client_name": "FastMCP OAuthProxy",
            "redirect_uris": [base + "/auth/callback"],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_basic",
        },
    )
    return OAuthProxy(
        upstream_authorization_endpoint=metadata["authorization_endpoint"],
        upstream_token_endpoint=metadata["token_endpoint"],
        upstream_client_id=client["client_id"],
        upstream_client_secret=client["client_secret"],
        upstream_revocation_endpoint=metadata["revocation_endpoint"],
        # The upstream server issues a refresh token only if both are requested.
        extra_authorize_params={"scope": f"{READ} offline_access", "prompt": "consent"},
        token_verifier=verifier(metadata, base),
        base_url=base,
        client_storage=MemoryStore(),
        jwt_signing_key=os.urandom(32),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--auth", choices=["memory", "proxy", "remote"], required=True)
    options = parser.parse_args()

    listener, base = announce.listen()
    announcement = {
        "transport": "streamable-http",
        "url": base + "/mcp",
        "issuer": base,
        "scopes": [READ, WRITE],
    }
    if options.auth == "memory":
        auth = memory(base)
    else:
        upstream, metadata = start_upstream()
        announcement["events"] = upstream["events"]
        if options.auth == "proxy":
            auth = proxy(base, metadata)
        else:
            announcement |= {name: upstream[name] for name in ("issuer", "client", "service")}
            auth = RemoteAuthProvider(
                token_verifier=verifier(metadata, base),
                authorization_servers=[metadata["issuer"]],
                base_url=base,
            )

    server = FastMCP(name="libmcp-oauth", version="1.2.3", auth=auth)

    @server.tool
    def read() -> str:
        token = get_access_token()
        return f"{token.client_id} {' '.join(token.scopes)}"

    announce.run(server.http_app(), listener, announcement)


if __name__ == "__main__":
    main()
