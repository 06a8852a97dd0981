"""A FastMCP server and an authorization server in one process; run by examples.py.

The MCP server names the authorization server, which has the same origin. Its clients are

- those that register (POST /register) and log in (GET /authorize), which redirects at once: each login succeeds;
- "service", which authenticates with the private key of GET /key (private_key_jwt);
- "job", which presents an identity token of a CI runner. GET /runner gives such tokens, as GitHub Actions does.

For the test:

    POST /revoke_all   revokes all access tokens
    POST /lifetime     two numbers: the actual and the announced lifetime of new tokens, in seconds
    GET  /counts       how many tokens were issued, accepted and rejected, and how many logins there were
"""

import base64
import hashlib
import sys
import time
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastmcp import FastMCP
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "servers"))

import announce  # noqa: E402
from token_server import SCOPE, Issuer  # noqa: E402

RUNNER, RUNNER_TOKEN = "https://runner.example", "request-token-of-the-runner"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PRESENT = {"require": ["iss", "sub", "aud", "exp", "jti"]}


class AuthorizationServer:
    def __init__(self, issuer: Issuer) -> None:
        self.tokens = issuer
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.runner_key = ec.generate_private_key(ec.SECP256R1())
        self.redirect_uris: dict[str, list[str]] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.refresh_tokens: set[str] = set()
        self.assertions: set[str] = set()
        self.logins = 0

    def origin(self, request: Request) -> str:
        return str(request.base_url).rstrip("/")

    def metadata(self, request: Request) -> dict:
        origin = self.origin(request)
        return {
            "issuer": origin,
            "authorization_endpoint": origin + "/authorize",
            "token_endpoint": origin + "/token",
            "registration_endpoint": origin + "/register",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials", JWT_GRANT],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def register(self, metadata: dict) -> dict:
        client = f"client-{len(self.redirect_uris)}"
        self.redirect_uris[client] = metadata["redirect_uris"]
        return metadata | {"client_id": client}

    def log_in(self, request: Request) -> str:
        """The URL of the redirect."""
        query = request.query_params
        assert query["response_type"] == "code" and query["code_challenge_method"] == "S256", query
        assert query["redirect_uri"] in self.redirect_uris[query["client_id"]], query
        assert query["resource"] == self.origin(request) + "/mcp" and query["scope"] == SCOPE, query
        self.logins += 1
        code = f"code-{self.logins}"
        self.codes[code] = dict(query)
        return query["redirect_uri"] + "?" + urlencode(
            {"code": code, "state": query["state"], "iss": self.origin(request)}
        )

    def refusal(self, form: dict[str, str], origin: str) -> str | None:
        """Why a token request is refused (RFC 6749, section 5.2)."""
        grant = form.get("grant_type")
        if form.get("resource") != origin + "/mcp":
            return "invalid_target"
        if grant == "authorization_code":
            login = self.codes.pop(form["code"], None)
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            same = login and all(form[name] == login[name] for name in ("client_id", "redirect_uri"))
            return None if same and challenge == login["code_challenge"] else "invalid_grant"
        if grant == "refresh_token":
            known = form["refresh_token"] in self.refresh_tokens
            self.refresh_tokens.discard(form["refresh_token"])
            return None if known else "invalid_grant"
        try:
            if grant == "client_credentials":
                assert form.get("client_assertion_type") == ASSERTION_TYPE
                self.verify(form["client_assertion"], self.key, "service", origin)
                return None
            if grant == JWT_GRANT:
                self.verify(form["assertion"], self.runner_key, RUNNER, origin)
                return None
        except (AssertionError, KeyError, jwt.PyJWTError) as error:
            print("refused:", repr(error), file=sys.stderr)
            return "invalid_client" if grant == "client_credentials" else "invalid_grant"
        return "unsupported_grant_type"

    def verify(self, assertion: str, key: ec.EllipticCurvePrivateKey, issuer: str, audience: str) -> None:
        claims = jwt.decode(
            assertion, key.public_key(), algorithms=["ES256"], audience=audience, issuer=issuer, options=PRESENT
        )
        assert claims["jti"] not in self.assertions, "the assertion was used before"
        self.assertions.add(claims["jti"])

    def token(self, form: dict[str, str]) -> dict:
        granted = {
            "access_token": self.tokens.issue(),
            "token_type": "Bearer",
            "expires_in": self.tokens.announced_lifetime,
            "scope": SCOPE,
        }
        if form["grant_type"] in ("authorization_code", "refresh_token"):
            granted["refresh_token"] = granted["access_token"].replace("issued-token", "refresh-token")
            self.refresh_tokens.add(granted["refresh_token"])
        return granted

    def identity(self, audience: str) -> str:
        now = int(time.time())
        claims = {"iss": RUNNER, "sub": "repo:example", "aud": audience, "iat": now, "exp": now + 300}
        return jwt.encode(claims | {"jti": str(len(self.assertions))}, self.runner_key, algorithm="ES256")


def main() -> None:
    issuer = Issuer()
    oauth = AuthorizationServer(issuer)
    server = FastMCP(name="libmcp-examples", version="1.2.3", auth=issuer)

    @server.custom_route("/.well-known/oauth-protected-resource/mcp", methods=["GET"])
    async def resource(request: Request) -> Response:
        origin = oauth.origin(request)
        return JSONResponse(
            {"resource": origin + "/mcp", "authorization_servers": [origin], "scopes_supported": [SCOPE]}
        )

    @server.custom_route("/.well-known/oauth-authorization-server", methods=["GET"])
    async def metadata(request: Request) -> Response:
        return JSONResponse(oauth.metadata(request))

    @server.custom_route("/register", methods=["POST"])
    async def register(request: Request) -> Response:
        return JSONResponse(oauth.register(await request.json()), status_code=201)

    @server.custom_route("/authorize", methods=["GET"])
    async def authorize(request: Request) -> Response:
        return RedirectResponse(oauth.log_in(request), status_code=302)

    @server.custom_route("/token", methods=["POST"])
    async def token(request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        refusal = oauth.refusal(form, oauth.origin(request))
        if refusal:
            return JSONResponse({"error": refusal}, status_code=400)
        return JSONResponse(oauth.token(form), headers={"Cache-Control": "no-store"})

    @server.custom_route("/key", methods=["GET"])
    async def key(_request: Request) -> Response:
        pkcs8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return PlainTextResponse(oauth.key.private_bytes(*pkcs8).decode())

    @server.custom_route("/runner", methods=["GET"])
    async def runner(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {RUNNER_TOKEN}":
            return PlainTextResponse("forbidden", status_code=403)
        return JSONResponse({"value": oauth.identity(request.query_params["audience"])})

    @server.custom_route("/revoke_all", methods=["POST"])
    async def revoke_all(_request: Request) -> Response:
        issuer.expiries.clear()
        return PlainTextResponse("revoked")

    @server.custom_route("/lifetime", methods=["POST"])
    async def lifetime(request: Request) -> Response:
        issuer.lifetime, issuer.announced_lifetime = map(float, (await request.body()).decode().split())
        return PlainTextResponse("set")

    @server.custom_route("/counts", methods=["GET"])
    async def counts(_request: Request) -> Response:
        return JSONResponse(issuer.counts | {"logins": oauth.logins})

    announce.serve(server.http_app(), {})


if __name__ == "__main__":
    main()
