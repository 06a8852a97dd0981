"""A protected MCP server and its authorization server, whose endpoints are answered by functions that a test replaces.

Each has a port of 127.0.0.1 and records all requests. The authorization server is strict about what a client sends:
`problems` lists what a correct client never does, and `Site` fails at its end if there are any.
"""

import base64
import hashlib
import json
import secrets
import socket
import sys
import threading
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

TESTS = Path(__file__).resolve().parents[2]
sys.path[1:1] = [str(TESTS / "hostile"), str(TESTS / "faults")]

from harness import PATIENCE, Server, discovered, http  # noqa: E402

# --- Requests and responses -------------------------------------------------------------------------------------------


def pairs(text):
    """The parameters of a query or a form, each of which may occur only once."""
    found = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    assert len(found) == len(dict(found)), f"a parameter occurs more than once: {text}"
    return dict(found)


def query(url):
    return pairs(urlsplit(url).query)


def form(request):
    return pairs(request.body.decode())


def redirect(target, status=302, **parameters):
    """A redirect to `target` with these parameters, except those that are None."""
    given = urlencode({name: value for name, value in parameters.items() if value is not None})
    joined = f"{target}{'&' if '?' in target else '?'}{given}" if given else target
    return http(status, kind=None, Location=joined)


def oauth_error(code, status=400, description=None):
    return http(status, {"error": code} | ({"error_description": description} if description else {}))


def html(status=200, text="Sign in"):
    return http(status, f"<!doctype html><html><body>{text}</body></html>", kind="text/html")


def not_found(_request=None):
    return http(404, "nothing here", kind="text/plain")


def unavailable(_request=None):
    return http(503, "try again later", kind="text/plain")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def challenge(status=401, scheme="Bearer", **parameters):
    """A response of a resource that requires other credentials."""
    listed = ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value is not None)
    return http(status, "no", kind="text/plain", WWW_Authenticate=f"{scheme} {listed}".strip())


class Endpoints(Server):
    """A server with a function for each path: `answers[name](request)` returns the same as a handler of the harness."""

    def __init__(self, paths):
        self.paths = paths
        self.answers = {name: getattr(self, f"answer_{name}") for name in paths.values()}
        self.problems = []
        super().__init__(self.respond)
        self.origin = f"http://127.0.0.1:{self.port}"

    def endpoint_of(self, request):
        return self.paths.get(urlsplit(request.path).path, "other")

    def respond(self, _server, request):
        answer = self.answers.get(self.endpoint_of(request), not_found)
        try:
            return answer(request)
        except OSError:
            raise
        except Exception:
            self.problems.append(traceback.format_exc())
            return http(500, "the scripted server failed", kind="text/plain")

    def expect(self, condition, problem):
        if not condition:
            self.problems.append(problem)

    def received(self, *endpoints):
        """The requests of these endpoints; without names, of all."""
        return [each for each in list(self.requests) if not endpoints or self.endpoint_of(each) in endpoints]

    def must_receive(self, endpoint, count=1):
        seen = self.wait_for(lambda: len(self.received(endpoint)) >= count)
        assert seen, f"expected {count} x {endpoint}, received {[self.endpoint_of(each) for each in self.requests]}"
        return self.received(endpoint)[count - 1]

    @contextmanager
    def answering(self, **answers):
        """Replaces the functions of some endpoints."""
        before = dict(self.answers)
        self.answers |= answers
        try:
            yield
        finally:
            self.answers = before


class Held:
    """Holds the requests of an endpoint until `release` is set, and then answers with `answer`."""

    def __init__(self, answer):
        self.answer = answer
        self.arrived, self.release, self.answered = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, request):
        self.arrived.set()
        assert self.release.wait(3 * PATIENCE), "a held request was not released"
        response = self.answer(request)
        self.answered.set()
        return response


# --- The authorization server -----------------------------------------------------------------------------------------

GRANTS = ("authorization_code", "refresh_token", "client_credentials")


@dataclass
class Grant:
    """What a client was allowed. The members of the authorization request are in `asked`."""

    client_id: str
    scope: frozenset = frozenset()
    resource: str | None = None
    asked: dict = field(default_factory=dict)


def words(text):
    return frozenset((text or "").split())


class AuthorizationServer(Endpoints):
    """Registers clients, and issues tokens without asking a person. A refresh token is valid once (`rotates`)."""

    def __init__(self, path="", prefix=""):
        """`path` is the path of the issuer, and `prefix` that of its endpoints."""
        well_known = "/.well-known/oauth-authorization-server"
        names = ("register", "authorize", "token", "revoke")
        super().__init__({f"{well_known}{path}": "metadata"} | {f"{prefix}/{name}": name for name in names})
        self.issuer = f"{self.origin}{path}"
        self.endpoints = {name: f"{self.origin}{prefix}/{name}" for name in names}
        # Members that replace those of the metadata; None removes one.
        self.members = {}
        self.lifetime, self.rotates, self.offers_refresh = 3600, True, True
        self.lock = threading.RLock()
        self.registered = 0
        # By their id, code and text.
        self.clients, self.codes, self.access_tokens, self.refresh_tokens = {}, {}, {}, {}
        # All texts that must never be shown, and the parameter `resource` of each login and token request.
        self.secrets, self.resources = [], []

    def move_to(self, origin):
        """All URLs get another origin."""
        self.issuer = self.issuer.replace(self.origin, origin)
        self.endpoints = {name: url.replace(self.origin, origin) for name, url in self.endpoints.items()}
        self.origin = origin

    def secret(self, kind):
        with self.lock:
            self.secrets.append(f"{kind}-{secrets.token_hex(12)}")
            return self.secrets[-1]

    def metadata(self):
        value = {
            "issuer": self.issuer,
            "authorization_endpoint": self.endpoints["authorize"],
            "token_endpoint": self.endpoints["token"],
            "registration_endpoint": self.endpoints["register"],
            "revocation_endpoint": self.endpoints["revoke"],
            "response_types_supported": ["code"],
            "grant_types_supported": list(GRANTS),
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        return {name: each for name, each in (value | self.members).items() if each is not None}

    def answer_metadata(self, _request):
        return http(200, self.metadata())

    def answer_register(self, request):
        self.expect(request.method == "POST", f"a registration with {request.method}")
        return http(201, self.add_client(json.loads(request.body)))

    def add_client(self, metadata):
        """Registers a client, with its own id and secret if it has them. Without `redirect_uris`, any is accepted."""
        method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
        with self.lock:
            self.registered += 1
            client = {"client_id": f"client-{self.registered}", "token_endpoint_auth_method": method} | metadata
            if method != "none" and "client_secret" not in client:
                client["client_secret"] = self.secret("client-secret")
            self.clients[client["client_id"]] = client
        return client

    def forget_clients(self):
        with self.lock:
            self.clients.clear()

    def answer_authorize(self, request):
        asked = query(request.path)
        client = self.clients.get(asked.get("client_id"))
        if client is None or asked.get("redirect_uri") not in client.get("redirect_uris", [asked.get("redirect_uri")]):
            return html(400, "Unknown client or redirect URI")
        self.expect(asked.get("response_type") == "code", f"response_type in {asked}")
        self.expect(asked.get("code_challenge_method") == "S256", f"code_challenge_method in {asked}")
        self.expect(len(asked.get("code_challenge", "")) == 43, f"code_challenge in {asked}")
        self.expect(len(asked.get("state", "")) >= 43, f"state in {asked}")
        return redirect(asked["redirect_uri"], code=self.code(asked), state=asked["state"], iss=self.issuer)

    def code(self, asked):
        """A code for an authorization request."""
        code = self.secret("code")
        with self.lock:
            self.resources.append(asked.get("resource"))
            grant = Grant(asked["client_id"], words(asked.get("scope")), asked.get("resource"), asked)
            self.codes[code] = grant
        return code

    def answer_token(self, request):
        sent = form(request)
        self.expect("application/json" in request.headers.get("accept", ""), f"Accept in {request.headers}")
        client = self.authenticated(request, sent)
        if client is None:
            return oauth_error("invalid_client", 401)
        with self.lock:
            self.resources.append(sent.get("resource"))
            match sent.get("grant_type"):
                case "authorization_code":
                    return self.redeem(client, sent)
                case "refresh_token":
                    return self.refresh(client, sent)
                case "client_credentials":
                    return self.issue(Grant(client["client_id"], words(sent.get("scope")), sent.get("resource")))
                case _:
                    return oauth_error("unsupported_grant_type")

    def redeem(self, client, sent):
        self.secrets.append(sent.get("code_verifier", "(no code_verifier)"))
        grant = self.codes.pop(sent.get("code"), None)
        if grant is None or grant.client_id != client["client_id"]:
            return oauth_error("invalid_grant")
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        verified = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        self.expect(verified == grant.asked["code_challenge"], "the code_verifier does not match the code_challenge")
        self.expect(sent.get("redirect_uri") == grant.asked["redirect_uri"], f"redirect_uri: {sent}")
        self.expect(sent.get("resource") == grant.resource, f"another resource than in the login: {sent}")
        return self.issue(grant)

    def refresh(self, client, sent):
        used = sent.get("refresh_token")
        grant = self.refresh_tokens.get(used)
        if grant is None or grant.client_id != client["client_id"]:
            return oauth_error("invalid_grant")
        self.expect(sent.get("resource") == grant.resource, f"another resource than in the login: {sent}")
        if not self.rotates:
            return self.issue(grant, refresh_token=None)
        del self.refresh_tokens[used]
        return self.issue(grant)

    def issue(self, grant, **members):
        """The response with a new token; `members` replace its members, and None removes one."""
        access, new = self.secret("access"), self.secret("refresh")
        value = {"access_token": access, "token_type": "Bearer", "expires_in": self.lifetime}
        if self.offers_refresh:
            value["refresh_token"] = new
        if grant.scope:
            value["scope"] = " ".join(sorted(grant.scope))
        value = {name: each for name, each in (value | members).items() if each is not None}
        with self.lock:
            self.access_tokens[value["access_token"]] = grant
            if "refresh_token" in value:
                self.refresh_tokens[value["refresh_token"]] = grant
        return http(200, value, Cache_Control="no-store")

    def authenticated(self, request, sent):
        """The client of a request, if its authentication is the registered one."""
        scheme, _, text = (request.authorization or "").partition(" ")
        if scheme:
            encoded = base64.b64decode(text).decode().split(":", 1)
            method, (client_id, secret) = "client_secret_basic", map(unquote_plus, encoded)
        else:
            client_id, secret = sent.get("client_id"), sent.get("client_secret")
            method = "client_secret_post" if secret is not None else "none"
        client = self.clients.get(client_id)
        if client is None or client["token_endpoint_auth_method"] != method or client.get("client_secret") != secret:
            return None
        return client

    def answer_revoke(self, request):
        sent = form(request)
        if self.authenticated(request, sent) is None:
            return oauth_error("invalid_client", 401)
        with self.lock:
            self.access_tokens.pop(sent.get("token"), None)
            self.refresh_tokens.pop(sent.get("token"), None)
        return http(200, kind=None)

    def expire(self):
        """Makes all access tokens invalid."""
        with self.lock:
            self.access_tokens.clear()

    def revoke_all(self):
        with self.lock:
            self.access_tokens.clear()
            self.refresh_tokens.clear()

    def logins(self):
        return self.received("authorize")

    def token_requests(self, grant=None):
        """The forms of the token requests with this grant."""
        forms = [form(request) for request in self.received("token")]
        return [sent for sent in forms if grant in (None, sent.get("grant_type"))]

    def refreshes(self):
        return self.token_requests("refresh_token")


# --- The MCP server ---------------------------------------------------------------------------------------------------

PRM = "/.well-known/oauth-protected-resource"


class McpServer(Endpoints):
    """An MCP server that requires tokens of its authorization server, for itself and with the scopes in `required`."""

    def __init__(self, auth, path="/mcp"):
        super().__init__({path: "mcp", f"{PRM}{path}": "resource_metadata"})
        self.auth = auth
        self.url = f"{self.origin}{path}"
        self.metadata_url = f"{self.origin}{PRM}{path}"
        # Members that replace those of the metadata; None removes one.
        self.members = {}
        self.required = frozenset()
        # Parameters of the challenge that replace the others; None removes one.
        self.challenge = {}
        self.checks_resource = True
        self.respond_with_mcp = discovered

    def move_to(self, origin):
        """All URLs get another origin."""
        self.url, self.metadata_url = (url.replace(self.origin, origin) for url in (self.url, self.metadata_url))
        self.origin = origin

    def metadata(self):
        value = {"resource": self.url, "authorization_servers": [self.auth.issuer], **self.members}
        return {name: each for name, each in value.items() if each is not None}

    def answer_resource_metadata(self, _request):
        return http(200, self.metadata())

    def answer_mcp(self, request):
        sent = (request.authorization or "").removeprefix("Bearer ")
        grant = self.auth.access_tokens.get(sent)
        is_foreign = grant and self.checks_resource and grant.resource != self.metadata()["resource"]
        if grant is None or is_foreign:
            return self.refuse(error="invalid_token" if sent else None)
        missing = self.required - grant.scope
        if missing:
            needed = " ".join(sorted(self.required))
            return self.refuse(403, error="insufficient_scope", scope=needed)
        return self.respond_with_mcp(request)

    def refuse(self, status=401, **parameters):
        return challenge(status, **({"resource_metadata": self.metadata_url} | parameters | self.challenge))


class Site:
    """An MCP server and its authorization server."""

    def __init__(self, auth=None, **mcp):
        self.auth = auth or AuthorizationServer()
        self.mcp = McpServer(self.auth, **mcp)
        self.url = self.mcp.url

    def without_resource_metadata(self, has_metadata):
        """The authorization server is at the origin of the MCP server, which publishes nothing else (2025-03-26)."""
        auth, mcp = self.auth, self.mcp
        names = ("register", "authorize", "token")
        auth.issuer = mcp.origin
        auth.endpoints |= {name: f"{mcp.origin}/{name}" for name in names}
        mcp.paths = {"/mcp": "mcp"} | {f"/{name}": name for name in names}
        if has_metadata:
            mcp.paths["/.well-known/oauth-authorization-server"] = "metadata"
        mcp.answers |= {name: auth.answers[name] for name in (*names, "metadata")}
        mcp.challenge = {"resource_metadata": None}
        mcp.checks_resource = False

    def replaced_auth(self):
        """Another authorization server, for which the MCP server accepts tokens from now on."""
        self.mcp.auth = AuthorizationServer()
        return self.mcp.auth

    def must_be_sound(self):
        problems = [text for server in {self.auth, self.mcp, self.mcp.auth} for text in server.problems]
        assert not problems, "the client violates the protocol: " + "\n".join(problems)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for server in {self.auth, self.mcp, self.mcp.auth}:
            server.__exit__()
        if kind is None:
            self.must_be_sound()
