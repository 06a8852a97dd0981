"""Helpers for tests of mcp_set_auth: the callback through ctypes, a token issuer, and servers that require tokens."""

import contextlib
import threading
import traceback
from ctypes import CFUNCTYPE, c_char_p, c_int, c_int32, c_void_p

from harness import (
    ERROR, LEGACY, PATIENCE, STREAM, Client, answer, call, declare, discovered, event, http, lib,
)  # fmt: skip

AUTH = CFUNCTYPE(None, c_void_p, c_void_p)
DESTROY = CFUNCTYPE(None, c_void_p)

declare(c_int, mcp_set_auth=[c_void_p, AUTH, c_void_p, DESTROY, ERROR])
declare(c_int, mcp_auth_request_set_bearer=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_auth_request_set_header=[c_void_p, c_char_p, c_char_p, ERROR])
declare(c_int, mcp_auth_request_fail=[c_void_p, c_char_p, ERROR])
declare(c_char_p, mcp_auth_request_url=[c_void_p], mcp_auth_request_method=[c_void_p])
declare(c_char_p, mcp_auth_request_challenge=[c_void_p])
declare(c_int32, mcp_auth_request_attempt=[c_void_p], mcp_auth_request_http_status=[c_void_p])

CHALLENGE = 'Bearer error="invalid_token"'
SCOPE_CHALLENGE = 'Bearer error="insufficient_scope", scope="write"'


class AuthRequest:
    """An mcp_auth_request with its setters."""

    def __init__(self, request):
        self.request = request
        self.url = lib.mcp_auth_request_url(request).decode()
        self.method = lib.mcp_auth_request_method(request).decode()
        self.attempt = lib.mcp_auth_request_attempt(request)
        self.http_status = lib.mcp_auth_request_http_status(request)
        challenge = lib.mcp_auth_request_challenge(request)
        self.challenge = challenge and challenge.decode()

    def bearer(self, token):
        token = token.encode() if isinstance(token, str) else token
        return call(lib.mcp_auth_request_set_bearer, self.request, token)

    def header(self, name, value):
        return call(lib.mcp_auth_request_set_header, self.request, name.encode(), value.encode())

    def fail(self, reason):
        return call(lib.mcp_auth_request_fail, self.request, reason.encode())

    def __repr__(self):
        return f"{self.method} {self.url} attempt {self.attempt}, {self.http_status}, {self.challenge}"


class Auth:
    """An auth callback: calls `respond` with each AuthRequest, and records them in `asked`."""

    def __init__(self, respond):
        self.respond = respond
        self.asked = []
        self.running = self.most_running = self.destroyed = 0
        self.used_after_destroy = False
        self.failure = None
        self.lock = threading.Lock()
        self.is_destroyed = threading.Event()
        self.callback = AUTH(self.run)
        self.destroy = DESTROY(self.on_destroy)

    def run(self, _userdata, request):
        with self.lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            self.used_after_destroy |= self.destroyed > 0
        try:
            asked = AuthRequest(request)
            self.asked.append(asked)
            self.respond(asked)
        except Exception:
            self.failure = traceback.format_exc()
        with self.lock:
            self.running -= 1

    def on_destroy(self, _userdata):
        with self.lock:
            self.used_after_destroy |= self.running > 0
            self.destroyed += 1
        self.is_destroyed.set()

    def set_on(self, client):
        return call(lib.mcp_set_auth, client.client, self.callback, None, self.destroy)

    def attempts(self):
        return [asked.attempt for asked in self.asked]

    def refreshes(self):
        return sum(asked.attempt > 1 for asked in self.asked)

    def must_be_sound(self, destroyed_within=0):
        self.is_destroyed.wait(destroyed_within)
        assert not self.failure, self.failure
        assert self.most_running <= 1, f"the callback ran on {self.most_running} threads at once"
        assert not self.used_after_destroy, "the callback ran during or after destroy"
        assert self.destroyed == 1, f"destroy was called {self.destroyed} times"


def remove_auth(client):
    return call(lib.mcp_set_auth, client.client, AUTH(), None, DESTROY())


@contextlib.contextmanager
def authorized(url, respond, destroyed_within=0, **settings):
    """A client with an auth callback. At the end it checks how the library ran and destroyed the callback.

    A call that is ended does not wait for the callback: then its thread calls `destroy`, `destroyed_within` seconds.
    """
    auth = Auth(respond)
    with Client(url, **settings) as client:
        auth.set_on(client).must_be("MCP_OK")
        yield client, auth
    auth.must_be_sound(destroyed_within)


class Issuer:
    """Issues tokens; only the last one is valid. Its callers must not run at the same time: it has no lock."""

    def __init__(self):
        self.minted = 0
        self.good = None
        self.mint()

    def mint(self):
        self.minted += 1
        self.good = f"minted-token-{self.minted}"
        return self.good

    def expire(self):
        self.good = None

    def accepts(self, request):
        return self.good is not None and request.authorization == f"Bearer {self.good}"


class Holder:
    """A typical auth callback: holds a token, and gets a new one from the issuer after a refusal."""

    def __init__(self, issuer, slow=0):
        self.issuer = issuer
        self.token = issuer.good
        self.slow = slow

    def __call__(self, asked):
        if asked.attempt > 1:
            # How long the issuer takes.
            threading.Event().wait(self.slow)
            self.token = self.issuer.mint()
        asked.bearer(self.token).must_be("MCP_OK")


def refuse(challenge=CHALLENGE, status=401):
    return http(status, "no", kind="text/plain", WWW_Authenticate=challenge)


def guarded(issuer, serve=discovered):
    """A handler that accepts only the valid token of the issuer."""

    def handler(_server, request):
        return serve(request) if issuer.accepts(request) else refuse()

    return handler


class HeldRefusals:
    """A handler that holds its refusals until `threads` requests are refused. It sends them all at once, or each one
    after the request refused before it was served."""

    def __init__(self, issuer, threads, one_by_one, serve=discovered):
        self.issuer, self.threads, self.one_by_one, self.serve = issuer, threads, one_by_one, serve
        self.changed = threading.Condition()
        self.clear()

    def clear(self):
        self.refused = self.served = 0

    def wait_for(self, condition):
        """Waits until `refused` and `served` fulfill the condition. Server.wait_for may miss the last change: it is
        notified of a request before the handler counts it."""
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), (self.refused, self.served)

    def __call__(self, _server, request):
        if self.issuer.accepts(request):
            reply = self.serve(request)
            with self.changed:
                self.served += 1
                self.changed.notify_all()
            return reply
        with self.changed:
            self.refused += 1
            position = self.refused
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.refused >= self.threads, PATIENCE)
            if self.one_by_one and position <= self.threads:
                self.changed.wait_for(lambda: self.served >= position - 1, PATIENCE)
        return refuse()


class Sse:
    """A handler for HTTP+SSE; `check(request)` returns an error response to send, or None."""

    def __init__(self, check):
        self.check = check
        self.stream = None

    def __call__(self, _server, request):
        if refusal := self.check(request):
            return refusal
        if request.method == "GET":
            self.stream = request
            request.send(STREAM + b"event: endpoint\ndata: /messages?session=1\n\n")
            return request.hold()
        match request.rpc:
            case "initialize":
                self.stream.send(event(answer(request, {"protocolVersion": LEGACY, "capabilities": {}})))
            case "ping":
                self.stream.send(event(answer(request, {})))
        return http(202, "Accepted", kind="text/plain")


def sse_url(server):
    return f"http://127.0.0.1:{server.port}/sse"
