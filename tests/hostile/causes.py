"""The `cause` that a failing auth callback hands over: all errors of that failure refer to it, and it is destroyed
exactly once."""

import threading
from ctypes import byref, c_char_p, c_int, c_void_p

from auth_scheme import DESTROY, Issuer, authorized, guarded
from harness import ERROR, Server, case, declare, discovered, lib, run

declare(c_int, mcp_auth_request_fail_with=[c_void_p, c_char_p, c_void_p, DESTROY, ERROR])
declare(c_void_p, mcp_error_cause=[c_void_p])

CALLS = 16


class Causes:
    """Fails auth requests with the causes 1, 2, 3 and so on; `destroyed` are those that the library has destroyed."""

    def __init__(self):
        self.count = 0
        self.destroyed = []
        self.destroy = DESTROY(self.destroyed.append)

    def fail(self, request, reason=b"no luck"):
        self.count += 1
        return lib.mcp_auth_request_fail_with(request, reason, self.count, self.destroy, None)


def failed_ping(client):
    error = c_void_p()
    assert lib.mcp_ping(client.client, None, byref(error)) != 0
    return error


@case
def a_cause_lives_as_long_as_an_error_refers_to_it():
    causes = Causes()
    with Server(lambda _server, request: discovered(request)) as server:
        with authorized(server.url, lambda asked: causes.fail(asked.request)) as (client, _):
            error = failed_ping(client)
            assert b"no luck" in lib.mcp_error_message(error), lib.mcp_error_message(error)
            assert lib.mcp_error_cause(error) == causes.count == 1
            assert causes.destroyed == []
            lib.mcp_error_free(error)
            assert causes.destroyed == [1]
            assert lib.mcp_error_cause(None) is None


@case
def a_second_cause_destroys_the_first():
    causes = Causes()
    with Server(lambda _server, request: discovered(request)) as server:
        with authorized(server.url, lambda asked: [causes.fail(asked.request) for _ in range(2)]) as (client, _):
            error = failed_ping(client)
            assert (lib.mcp_error_cause(error), causes.destroyed) == (2, [1])
            lib.mcp_error_free(error)
            assert causes.destroyed == [1, 2]


@case
def the_cause_is_destroyed_when_setting_it_fails():
    causes = Causes()
    assert causes.fail(None) != 0
    assert causes.destroyed == [1]


@case
def a_failure_without_a_cause_has_none():
    with Server(lambda _server, request: discovered(request)) as server:
        with authorized(server.url, lambda asked: asked.fail("no")) as (client, _):
            error = failed_ping(client)
            assert lib.mcp_error_cause(error) is None
            lib.mcp_error_free(error)


@case
def all_calls_share_the_cause_of_a_failed_refresh():
    causes, issuer = Causes(), Issuer()
    token = issuer.good
    all_waiting = threading.Barrier(CALLS)

    def handler(_server, request):
        if issuer.good is None and request.rpc == "server/discover":
            all_waiting.wait(20)
        return guarded(issuer, discovered)(_server, request)

    def respond(asked):
        if asked.attempt > 1:
            causes.fail(asked.request)
        else:
            asked.bearer(token).must_be("MCP_OK")

    with Server(handler) as server, authorized(server.url, respond) as (client, auth):
        client.ping().must_be("MCP_OK")
        issuer.expire()
        errors = []
        threads = [threading.Thread(target=lambda: errors.append(failed_ping(client))) for _ in range(CALLS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {lib.mcp_error_cause(error) for error in errors} == {1}, auth.asked
        for error in errors:
            lib.mcp_error_free(error)
        # The client keeps the outcome of the refresh for later calls, and the cause with it.
        assert causes.destroyed == []
        issuer.mint()
    assert causes.destroyed == [1]


run()
