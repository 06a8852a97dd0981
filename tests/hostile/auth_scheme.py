"""What the tests of mcp_set_auth share: the callback through ctypes, an issuer of tokens, servers that want them."""

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


class Asked:
    """One question, and the setters for its answer."""

    def __init__(self, request):
        self.request = request
        self.url = lib.mcp_auth_request_url(request).decode()
        self.method = lib.mcp_auth_request_method(request).decode()
        self.attempt = lib.mcp_auth_request_attempt(request)
        self.http_status = lib.mcp_auth_request_http_status(request)
        challenge = lib.mcp_auth_request_challenge(request)
        self.challenge = challenge and challenge.decode()

    def bearer(self, token):
        return call(lib.mcp_auth_request_set_bearer, self.request, token.encode() if isinstance(token, str) else token)

    def header(self, name, value):
        return call(lib.mcp_auth_request_set_header, self.request, name.encode(), value.encode())

    def fail(self, reason):
        return call(lib.mcp_auth_request_fail, self.request, reason.encode())

    def __repr__(self):
        return f"{self.method} {self.url} attempt {self.attempt}, {self.http_status}, {self.challenge}"


class Auth:
    """A callback that answers with `respond(asked)`, and keeps what it was asked."""

    def __init__(self, respond):
        self.respond = respond
        self.asked = []
        self.running = self.most_running = self.destroyed = 0
        self.used_after_destroy = False
        self.broken = None
        self.lock = threading.Lock()
        self.callback = AUTH(self.run)
        self.destroy = DESTROY(self.end)

    def run(self, _userdata, request):
        with self.lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            self.used_after_destroy |= self.destroyed > 0
        try:
            asked = Asked(request)
            self.asked.append(asked)
            self.respond(asked)
        except Exception:
            self.broken = traceback.format_exc()
        with self.lock:
            self.running -= 1

    def end(self, _userdata):
        with self.lock:
            self.used_after_destroy |= self.running > 0
            self.destroyed += 1

    def set_on(self, client):
        return call(lib.mcp_set_auth, client.client, self.callback, None, self.destroy)

    def attempts(self):
        return [asked.attempt for asked in self.asked]

    def refreshes(self):
        return sum(asked.attempt > 1 for asked in self.asked)

    def must_be_sound(self):
        assert not self.broken, self.broken
        assert self.most_running <= 1, f"ran on {self.most_running} threads at once"
        assert not self.used_after_destroy, "used after its end"
        assert self.destroyed == 1, f"destroyed {self.destroyed} times"


def remove_auth(client):
    return call(lib.mcp_set_auth, client.client, AUTH(), None, DESTROY())


@contextlib.contextmanager
def authorised(url, respond, **settings):
    """A client with a callback, whose life is checked at the end."""
    auth = Auth(respond)
    with Client(url, **settings) as client:
        auth.set_on(client).must_be("MCP_OK")
        yield client, auth
    auth.must_be_sound()


class Issuer:
    """Mints tokens, of which only the last is good; nobody may ask it for two at once."""

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
    """What a program does: holds a token, and has a new one minted where the server refuses it."""

    def __init__(self, issuer, slow=0):
        self.issuer = issuer
        self.token = issuer.good
        self.slow = slow

    def __call__(self, asked):
        if asked.attempt > 1:
            # Not to wait for anything: this is how long the issuer takes.
            threading.Event().wait(self.slow)
            self.token = self.issuer.mint()
        asked.bearer(self.token).must_be("MCP_OK")


def refuse(challenge=CHALLENGE, status=401):
    return http(status, "no", kind="text/plain", WWW_Authenticate=challenge)


def guarded(issuer, serve=discovered):
    """A handler that refuses all but the issuer's good token."""

    def handler(_server, request):
        return serve(request) if issuer.accepts(request) else refuse()

    return handler


class Storm:
    """A handler that holds its refusals until all are due, and then sends them at once or one after another."""

    def __init__(self, issuer, threads, one_by_one, serve=discovered):
        self.issuer, self.threads, self.one_by_one, self.serve = issuer, threads, one_by_one, serve
        self.changed = threading.Condition()
        self.clear()

    def clear(self):
        self.refused = self.served = 0

    def wait_for(self, condition):
        """Until what was refused and served fulfils the condition. The server's own wait would miss the last of them: it is told
        of a request before the handler counts it."""
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
            place = self.refused
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.refused >= self.threads, PATIENCE)
            if self.one_by_one and place <= self.threads:
                self.changed.wait_for(lambda: self.served >= place - 1, PATIENCE)
        return refuse()


class Sse:
    """A handler that speaks HTTP+SSE; `check(request)` returns a refusal or None."""

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
