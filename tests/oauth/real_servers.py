"""real_servers.py PROGRAM KIND [CASE...]: a client that logs in at a real authorization server.

PROGRAM is the executable of login.c, KIND a server of ../servers/kinds.py. oidc.py has the cases that only
oidc-provider supports.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import SERVERS, Case, Client, Server, Workspace, run

# The lifetime of an access token where the cases wait until it has expired.
SHORT_SECONDS = "3"


@dataclass(frozen=True)
class Features:
    """What a server supports."""

    scope: str = "mcp:read"
    clients_register: bool = True
    refreshes: bool = True
    person_can_decline: bool = True
    # After a logout the MCP server refuses the access token.
    revokes_access_tokens: bool = True


FEATURES = {
    "oauth-oidc": Features(),
    "oauth-fastmcp4": Features(person_can_decline=False),
    "oauth-fastmcp2": Features(person_can_decline=False),
    "oauth-fastmcp4-proxy": Features(revokes_access_tokens=False),
    "oauth-fastmcp2-proxy": Features(revokes_access_tokens=False),
    # Their access tokens are JWTs, which are not revoked.
    "oauth-fastmcp4-remote": Features(revokes_access_tokens=False),
    "oauth-fastmcp2-remote": Features(revokes_access_tokens=False),
    "oauth-sdk2": Features(),
    # The demo provider has no page, no refresh tokens and no endpoint for revocation.
    "oauth-ts1": Features("mcp:tools", True, False, False, False),
    "oauth-zitadel": Features(clients_register=False, person_can_decline=False),
}


def settings(server: Server) -> list[str]:
    """Settings for a server at which clients cannot register."""
    if FEATURES[server.kind].clients_register:
        return []
    return [f"issuer={server.announced['issuer']}", f"client={server.announced['client']['id']}"]


def check_state(state: dict[str, Any], server: Server, started: float) -> None:
    features = FEATURES[server.kind]
    assert state["loggedIn"] is True, state
    assert state["issuer"].rstrip("/") == server.announced["issuer"].rstrip("/"), state
    assert state["resource"] == server.url, state
    assert state["clientId"], state
    assert state["registration"] == ("registered" if features.clients_register else "configured"), state
    assert features.scope in state["scopes"], state
    assert started + 3500 <= state["expiresAt"] <= time.time() + 3600, (started, state)
    assert state["refreshable"] is features.refreshes, state


# --- Cases with tokens that last an hour ---


def a_call_logs_in_with_the_browser(server: Server, workspace: Workspace) -> None:
    started = time.time()
    steps = ["state", "ping", "call:read", "state"]
    with workspace.client(server, *settings(server), "open=browser", *steps) as client:
        assert client.state() == {"loggedIn": False}
        client.step("ping")
        assert FEATURES[server.kind].scope in client.step("call:read")
        check_state(client.state(), server, started)
    assert workspace.visits() == 1


def a_restarted_program_needs_no_login(server: Server, workspace: Workspace) -> None:
    with workspace.client(server, *settings(server), "open=browser", "call:read", "state") as client:
        client.step("call:read")
        first = client.state()
    with workspace.client(server, *settings(server), "call:read", "state") as client:
        client.step("call:read")
        assert client.state() == first


def without_a_person_a_login_is_required(server: Server, workspace: Workspace) -> None:
    with workspace.client(server, *settings(server), "ping", "state") as client:
        client.step("ping", "MCP_LOGIN_REQUIRED")
        assert client.state()["loggedIn"] is False


def the_protocol_version_does_not_matter(server: Server, workspace: Workspace) -> None:
    steps = ["version=2025-11-25", "ping", "call:read"]
    with workspace.client(server, *settings(server), "open=browser", *steps) as client:
        client.step("ping")
        client.step("call:read")


def redirect_url(workspace: Workspace, url: str) -> str:
    """Where the browser ends up, without requesting it."""
    words = [sys.executable, "-B", SERVERS / "browser.py", "--print", "--log", workspace.browser_log, url]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout.strip()


def the_program_can_finish_the_login(server: Server, workspace: Workspace) -> None:
    for opening in ("callback", "later"):
        steps = [f"open={opening}", "login", "call:read", "logout"]
        with workspace.client(server, *settings(server), *steps) as client:
            client.answer(redirect_url(workspace, client.opened()))
            client.step("login")
            client.step("call:read")
            client.step("logout")


def the_program_can_give_up_the_login(server: Server, workspace: Workspace) -> None:
    for opening in ("callback", "later"):
        with workspace.client(server, *settings(server), f"open={opening}", "login", "state") as client:
            client.opened()
            client.answer("fail the window was closed")
            assert "the window was closed" in client.step("login", "MCP_LOGIN_FAILED")
            assert client.state()["loggedIn"] is False


def a_person_can_decline(server: Server, workspace: Workspace) -> None:
    with workspace.client(server, *settings(server), "open=browser", "call:read", "state", deny=True) as client:
        client.step("call:read", "MCP_LOGIN_FAILED", "access_denied")
        assert client.state()["loggedIn"] is False


def log_out(server: Server, client: Client, workspace: Workspace) -> None:
    """Continues a program at the step `pause`, before the step `logout`."""
    client.paused()
    token = workspace.token()
    assert server.accepts(token)
    client.answer()
    client.step("logout")
    assert server.accepts(token) is not FEATURES[server.kind].revokes_access_tokens


def a_logout_revokes_the_token(server: Server, workspace: Workspace) -> None:
    steps = ["call:read", "pause", "logout", "state"]
    with workspace.client(server, *settings(server), "open=browser", *steps) as client:
        client.step("call:read")
        log_out(server, client, workspace)
        state = client.state()
        assert state["loggedIn"] is False, state
    assert "tokens" not in workspace.record()
    with workspace.client(server, *settings(server), "call:read") as client:
        client.step("call:read", "MCP_LOGIN_REQUIRED")


def a_login_after_a_logout_uses_the_same_client(server: Server, workspace: Workspace) -> None:
    steps = ["login", "state", "logout", "login", "state", "call:read"]
    with workspace.client(server, *settings(server), "open=browser", *steps) as client:
        client.step("login")
        first = client.state()
        client.step("logout")
        client.step("login")
        assert client.state()["clientId"] == first["clientId"]
        client.step("call:read")
    assert workspace.visits() == 2


# --- Cases with tokens that last a few seconds ---


def an_expired_token_is_refreshed(server: Server, workspace: Workspace) -> None:
    """Twice, because the server issues a new refresh token each time, and then refuses the old one."""
    steps = ["call:read", "pause", "call:read", "pause", "call:read", "state"]
    with workspace.client(server, *settings(server), "open=browser", *steps) as client:
        client.step("call:read")
        for _ in range(2):
            client.paused()
            tokens = workspace.record()["tokens"]
            workspace.await_expiry()
            client.answer()
            client.step("call:read")
            refreshed = workspace.record()["tokens"]
            assert refreshed["accessToken"] != tokens["accessToken"]
            assert refreshed["refreshToken"] != tokens["refreshToken"]
        assert client.state()["loggedIn"] is True
    assert workspace.visits() == 1


def a_restarted_program_refreshes_an_expired_token(server: Server, workspace: Workspace) -> None:
    with workspace.client(server, *settings(server), "open=browser", "call:read") as client:
        client.step("call:read")
    workspace.await_expiry()
    with workspace.client(server, *settings(server), "call:read") as client:
        client.step("call:read")
    assert workspace.visits() == 1


def without_a_refresh_token_an_expired_token_needs_a_login(server: Server, workspace: Workspace) -> None:
    with workspace.client(server, *settings(server), "open=browser", "call:read") as client:
        client.step("call:read")
    workspace.await_expiry()
    with workspace.client(server, *settings(server), "call:read", "state") as client:
        client.step("call:read", "MCP_LOGIN_REQUIRED")
        assert client.state()["refreshable"] is False
    with workspace.client(server, *settings(server), "open=browser", "call:read") as client:
        client.step("call:read")
    assert workspace.visits() == 2


# --- Client credentials ---


def a_service_logs_in_with_a_secret(server: Server, workspace: Workspace) -> None:
    service = server.announced["service"]
    for issuer in ([], [f"issuer={server.announced['issuer']}"]):
        words = [*issuer, "grant=client_credentials", f"secret={service['id']}:{service['secret']}"]
        with workspace.client(server, *words, f"scopes={FEATURES[server.kind].scope}", "call:read", "state") as client:
            assert client.step("call:read").split()[0] == service["id"]
            state = client.state()
            assert state["registration"] == "configured" and state["refreshable"] is False, state
    assert workspace.visits() == 0


def a_service_with_the_wrong_secret_is_refused(server: Server, workspace: Workspace) -> None:
    words = ["grant=client_credentials", f"secret={server.announced['service']['id']}:wrong"]
    with workspace.client(server, *words, f"scopes={FEATURES[server.kind].scope}", "call:read") as client:
        client.step("call:read", "MCP_OAUTH_FAILED", "invalid_client")


def long_cases(server: Server) -> Iterator[Case]:
    features = FEATURES[server.kind]
    yield a_call_logs_in_with_the_browser
    yield a_restarted_program_needs_no_login
    yield without_a_person_a_login_is_required
    yield the_protocol_version_does_not_matter
    yield the_program_can_finish_the_login
    yield the_program_can_give_up_the_login
    yield a_logout_revokes_the_token
    yield a_login_after_a_logout_uses_the_same_client
    if features.person_can_decline:
        yield a_person_can_decline
    if "service" in server.announced:
        yield a_service_logs_in_with_a_secret
        yield a_service_with_the_wrong_secret_is_refused


def servers(kind: str) -> Iterator[tuple[Server, list[Case]]]:
    with Server(kind) as server:
        yield server, list(long_cases(server))
    with Server(kind, TOKEN_SECONDS=SHORT_SECONDS) as server:
        if FEATURES[kind].refreshes:
            yield server, [an_expired_token_is_refreshed, a_restarted_program_refreshes_an_expired_token]
        else:
            yield server, [without_a_refresh_token_an_expired_token_needs_a_login]


if __name__ == "__main__":
    run(Path(sys.argv[1]), servers(sys.argv[2]), sys.argv[3:])
