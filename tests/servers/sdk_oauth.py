"""A server on the Python SDK (mcp 2.x) that is its own authorization server, with the endpoints of the SDK.

The SDK leaves storage and the login page to the program: here they are in memory, and a page with a form. The page
accepts any name and password. $TOKEN_SECONDS is how long an access token lasts.
"""

import html
import os
import secrets
import time
from dataclasses import dataclass

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    RefreshToken,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

import announce

READ, WRITE = "mcp:read", "mcp:write"
TOKEN_SECONDS = int(os.environ.get("TOKEN_SECONDS", "3600"))
CODE_SECONDS = 60
PAGE = """<!DOCTYPE html>
<title>Log in</title>
<form method="post" action="/login">
  <input type="hidden" name="login" value="{login}">
  <label>Name <input name="username"></label>
  <label>Password <input type="password" name="password"></label>
  <button type="submit" name="answer" value="allow">Log in</button>
  <button type="submit" name="answer" value="deny">Cancel</button>
</form>
"""


@dataclass
class Login:
    """A request for authorization whose person has not logged in yet."""

    client_id: str
    params: AuthorizationParams


class Provider(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    def __init__(self, base: str) -> None:
        self.base = base
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.logins: dict[str, Login] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.pairs: dict[str, str] = {}  # a refresh token and the access token that was issued with it

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.clients[client_info.client_id] = client_info

    async def authorize(
        self, client: OAuthClientInformationFull, params: AuthorizationParams
    ) -> str:
        login = secrets.token_urlsafe(16)
        self.logins[login] = Login(client.client_id, params)
        return f"{self.base}/login?login={login}"

    async def page(self, request: Request) -> Response:
        """The login page, and what it sends."""
        if request.method == "GET":
            login = request.query_params["login"]
            return HTMLResponse(PAGE.format(login=html.escape(login)))
        form = await request.form()
        login = self.logins.pop(str(form["login"]))
        params = login.params
        redirect = str(params.redirect_uri)
        if form["answer"] != "allow":
            denied = construct_redirect_uri(redirect, error="access_denied", state=params.state)
            return RedirectResponse(denied, 302)
        code = secrets.token_urlsafe(32)
        self.codes[code] = AuthorizationCode(
            code=code,
            scopes=params.scopes or [READ],
            expires_at=time.time() + CODE_SECONDS,
            client_id=login.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
            subject=str(form["username"]),
        )
        return RedirectResponse(construct_redirect_uri(redirect, code=code, state=params.state), 302)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        return self.issue(authorization_code, authorization_code.scopes)

    async def load_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: str
    ) -> RefreshToken | None:
        return self.refresh_tokens.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        await self.revoke_token(refresh_token)
        return self.issue(refresh_token, scopes)

    def issue(self, source: AuthorizationCode | RefreshToken, scopes: list[str]) -> OAuthToken:
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.access_tokens[access] = AccessToken(
            token=access,
            client_id=source.client_id,
            scopes=scopes,
            expires_at=int(time.time()) + TOKEN_SECONDS,
            resource=source.resource,
            subject=source.subject,
        )
        self.refresh_tokens[refresh] = RefreshToken(
            token=refresh,
            client_id=source.client_id,
            scopes=scopes,
            resource=source.resource,
            subject=source.subject,
        )
        self.pairs[refresh] = access
        return OAuthToken(
            access_token=access,
            refresh_token=refresh,
            expires_in=TOKEN_SECONDS,
            scope=" ".join(scopes),
        )

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.access_tokens.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        for refresh, access in list(self.pairs.items()):
            if token.token in (refresh, access):
                del self.pairs[refresh], self.refresh_tokens[refresh], self.access_tokens[access]


def main() -> None:
    listener, base = announce.listen()
    provider = Provider(base)
    settings = AuthSettings(
        issuer_url=base,
        resource_server_url=base + "/mcp",
        client_registration_options=ClientRegistrationOptions(
            enabled=True, valid_scopes=[READ, WRITE], default_scopes=[READ]
        ),
        revocation_options=RevocationOptions(enabled=True),
        required_scopes=[READ],
        validate_token_resource=True,
    )
    server = MCPServer(
        name="libmcp-oauth", version="1.2.3", auth_server_provider=provider, auth=settings
    )
    server.custom_route("/login", methods=["GET", "POST"])(provider.page)

    @server.tool()
    def read() -> str:
        token = get_access_token()
        return f"{token.client_id} {' '.join(token.scopes)}"

    announcement = {
        "transport": "streamable-http",
        "url": base + "/mcp",
        "issuer": base,
        "scopes": [READ, WRITE],
    }
    announce.run(server.streamable_http_app(), listener, announcement)


if __name__ == "__main__":
    main()
