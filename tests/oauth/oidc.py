"""oidc.py PROGRAM [CASE...]: what only the authorization server oidc-provider supports, or shows by its events.

PROGRAM is the executable of login.c.
"""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from harness import Case, Server, Workspace, free_ports, run
from real_servers import SHORT_SECONDS, redirect_url

KIND = "oauth-oidc"
VERSIONS = ("2025-11-25", "2026-07-28")
PROCESSES = 6
# Long enough for all processes to call once with the same token.
SHARED_SECONDS = 6


def counter(server: Server) -> Callable[[str], int]:
    """Counts an event from now on."""
    before = server.events()
    return lambda event: server.events().get(event, 0) - before.get(event, 0)


# --- Scopes ---


def a_tool_that_needs_another_scope_asks_for_both(server: Server, workspace: Workspace) -> None:
    for version in VERSIONS:
        count = counter(server)
        with Workspace(workspace.program) as own:
            steps = ["call:read", "state", "call:write", "state", "call:read", "call:write"]
            with own.client(server, "open=browser", f"version={version}", *steps) as client:
                client.step("call:read")
                assert "mcp:write" not in client.state()["scopes"]
                assert client.step("call:write") == "wrote with mcp:read mcp:write"
                assert {"mcp:read", "mcp:write"} <= set(client.state()["scopes"])
                client.step("call:read")
                client.step("call:write")
            assert own.visits() == 2
        assert count("authorization.success") == 2


def a_declined_scope_leaves_the_token(server: Server, workspace: Workspace) -> None:
    with workspace.client(server, "open=browser", "call:read") as client:
        client.step("call:read")
    before = workspace.record()["tokens"]
    with workspace.client(server, "open=browser", "call:write", "call:read", deny=True) as client:
        client.step("call:write", "MCP_LOGIN_FAILED", "access_denied")
        client.step("call:read")
    assert workspace.record()["tokens"] == before


def a_scope_is_not_requested_without_a_person(server: Server, workspace: Workspace) -> None:
    with workspace.client(server, "open=browser", "call:read") as client:
        client.step("call:read")
    with workspace.client(server, "call:write", "call:read") as client:
        client.step("call:write", "MCP_LOGIN_REQUIRED")
        client.step("call:read")


def the_settings_decide_the_scopes(server: Server, workspace: Workspace) -> None:
    words = ["open=browser", "scopes=openid mcp:read mcp:write", "call:write", "state"]
    with workspace.client(server, *words) as client:
        client.step("call:write")
        state = client.state()
        assert {"mcp:read", "mcp:write"} <= set(state["scopes"]), state
        assert state["idToken"]["sub"] == "alice" and state["idToken"]["iss"] == server.announced["issuer"], state
    assert workspace.visits() == 1


# --- Clients ---


def a_registration_is_kept(server: Server, workspace: Workspace) -> None:
    count = counter(server)
    with workspace.client(server, "open=browser", "login", "logout", "login", "call:read") as client:
        for step in ("login", "logout", "login", "call:read"):
            client.step(step)
    with workspace.client(server, "open=browser", "logout", "login") as client:
        client.step("logout")
        client.step("login")
    assert count("registration_create.success") == 1
    assert count("authorization.success") == 3


def a_configured_client_does_not_register(server: Server, workspace: Workspace) -> None:
    count = counter(server)
    words = [f"issuer={server.announced['issuer']}", f"client={server.announced['client']['id']}"]
    with workspace.client(server, *words, "open=browser", "call:read", "state") as client:
        client.step("call:read")
        state = client.state()
        assert (state["clientId"], state["registration"]) == ("native", "configured"), state
    assert count("registration_create.success") == 0


def a_client_can_have_its_metadata_at_a_url(server: Server, workspace: Workspace) -> None:
    count = counter(server)
    url = server.announced["client_url"]
    with workspace.client(server, f"client_url={url}", "open=browser", "call:read", "state") as client:
        assert client.step("call:read").split()[0] == url
        state = client.state()
        assert (state["clientId"], state["registration"]) == (url, "metadata_document"), state
    assert count("registration_create.success") == 0


def a_client_of_another_server_is_not_used(server: Server, workspace: Workspace) -> None:
    words = ["issuer=https://other.test", "secret=service:s3cret", "registration=off"]
    with workspace.client(server, *words, "open=browser", "call:read") as client:
        client.step("call:read", "MCP_OAUTH_FAILED")
    assert workspace.visits() == 0


def a_service_logs_in_with_a_private_key(server: Server, workspace: Workspace) -> None:
    service = server.announced["service_key"]
    file = workspace.base / "key.pem"
    file.write_text(service["key"])
    key = f"key={service['id']}:{service['key_id']}:{file}"
    for issuer in ([], [f"issuer={server.announced['issuer']}"]):
        words = [*issuer, "grant=client_credentials", key, "scopes=mcp:read", "call:read", "state"]
        with workspace.client(server, *words) as client:
            assert client.step("call:read") == f"{service['id']} mcp:read"
            assert client.state()["clientId"] == service["id"]


def a_private_key_that_the_server_does_not_know_is_refused(server: Server, workspace: Workspace) -> None:
    file = workspace.base / "key.pem"
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    service = server.announced["service_key"]
    words = ["grant=client_credentials", f"key={service['id']}:{service['key_id']}:{file}", "scopes=mcp:read"]
    with workspace.client(server, *words, "call:read") as client:
        client.step("call:read", "MCP_OAUTH_FAILED", "invalid_client")


def a_service_gets_another_scope_without_a_person(server: Server, workspace: Workspace) -> None:
    service = server.announced["service"]
    words = ["grant=client_credentials", f"secret={service['id']}:{service['secret']}", "scopes=mcp:read"]
    with workspace.client(server, *words, "call:read", "call:write") as client:
        client.step("call:read")
        assert set(client.step("call:write").removeprefix("wrote with ").split()) == {"mcp:read", "mcp:write"}
    assert workspace.visits() == 0


# --- Redirects ---


def the_redirect_can_be_of_any_kind(server: Server, workspace: Workspace) -> None:
    """With a host of this machine, the library receives the redirect; otherwise the program does."""
    (port,) = free_ports(1)
    for redirect in ("http://localhost/callback", f"http://127.0.0.1:{port}/done"):
        with Workspace(workspace.program) as own:
            with own.client(server, f"redirect={redirect}", "open=browser", "call:read") as client:
                client.step("call:read")
            path = urlsplit(redirect).path
            assert any(line.startswith("GET http://") and f"{path}?code=" in line for line in own.pages())
    for redirect in ("https://app.test/callback", "com.example.app:/callback"):
        with Workspace(workspace.program) as own:
            with own.client(server, f"redirect={redirect}", "open=later", "call:read") as client:
                reached = redirect_url(own, client.opened())
                assert reached.startswith(f"{redirect}?code="), reached
                client.answer(reached)
                client.step("call:read")


def the_redirect_must_have_the_state_of_the_login(server: Server, workspace: Workspace) -> None:
    with workspace.client(server, "open=callback", "login") as client:
        url = client.opened()
        reached = redirect_url(workspace, url)
        (state,) = parse_qs(urlsplit(url).query)["state"]
        assert state in reached
        # The program stops at the error of mcp_oauth_request_finish.
        client.answer(reached.replace(state, "x" * len(state)))
        client.exit_code = 2
    assert "MCP_OK" not in client.output


# --- Logins ---


def a_login_can_wait_until_it_is_asked_for(server: Server, workspace: Workspace) -> None:
    with workspace.client(server, "open=browser", "when=asked", "ping", "login", "ping", "call:read") as client:
        client.step("ping", "MCP_LOGIN_REQUIRED")
        assert workspace.visits() == 0
        client.step("login")
        client.step("ping")
        client.step("call:read")
    assert workspace.visits() == 1


def a_login_that_takes_too_long_fails(server: Server, workspace: Workspace) -> None:
    started = time.monotonic()
    with workspace.client(server, "open=later", "login_ms=500", "call:read") as client:
        client.opened()
        client.step("call:read", "MCP_LOGIN_FAILED")
        assert time.monotonic() - started < 15


def a_server_that_forgot_the_client_gets_a_new_registration(_: Server, workspace: Workspace) -> None:
    ports = ",".join(map(str, free_ports(2)))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(KIND, PORTS=ports))
        steps = ["call:read", "state", "pause", "call:read", "state"]
        client = stack.enter_context(workspace.client(server, "open=browser", *steps))
        client.step("call:read")
        first = client.state()
        client.paused()
        server.stop()
        server.start({"PORTS": ports})
        client.answer()
        client.step("call:read")
        assert client.state()["clientId"] != first["clientId"]
        assert server.events()["registration_create.success"] == 1
    assert workspace.visits() == 2


# --- Refreshes ---


def a_token_is_refreshed_once_each_time(server: Server, workspace: Workspace) -> None:
    count = counter(server)
    with workspace.client(server, "open=browser", "call:read", "pause", "call:read", "state") as client:
        client.step("call:read")
        client.paused()
        workspace.await_expiry()
        client.answer()
        client.step("call:read")
        assert "mcp:read" in client.state()["scopes"]
    assert count("grant.success refresh_token") >= 1
    assert count("grant.error refresh_token") == 0
    assert count("authorization.success") == 1


def a_refused_refresh_token_needs_a_login(server: Server, workspace: Workspace) -> None:
    """A stolen refresh token: the server sees it twice, and revokes all tokens of the login."""
    with workspace.client(server, "open=browser", "call:read") as client:
        client.step("call:read")
    file = next(file for file in workspace.folder.iterdir() if file.read_bytes().startswith(b"{"))
    stolen = file.read_bytes()
    workspace.await_expiry()
    with workspace.client(server, "call:read") as client:
        client.step("call:read")
    workspace.await_expiry()
    file.write_bytes(stolen)
    with workspace.client(server, "call:read", "state") as client:
        client.step("call:read", "MCP_LOGIN_REQUIRED")
        assert client.state()["loggedIn"] is False
    with workspace.client(server, "open=browser", "call:read") as client:
        client.step("call:read")
    assert workspace.visits() == 2


def processes_share_a_refresh(server: Server, workspace: Workspace) -> None:
    rounds = 2
    with workspace.client(server, "open=browser", "call:read") as client:
        client.step("call:read")
    count = counter(server)
    steps = ["pause", "call:read"] * rounds
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(workspace.client(server, *steps)) for _ in range(PROCESSES)]
        for number in range(1, rounds + 1):
            for client in clients:
                client.paused()
            workspace.await_expiry()
            started = time.monotonic()
            for client in clients:
                client.answer()
            for client in clients:
                client.step("call:read")
            # On a slow machine the new token may expire before the last process calls.
            if time.monotonic() - started < SHARED_SECONDS / 2:
                assert count("grant.success refresh_token") == number, server.events()
    assert count("grant.error refresh_token") == 0, server.events()


LONG: list[Case] = [
    a_tool_that_needs_another_scope_asks_for_both,
    a_declined_scope_leaves_the_token,
    a_scope_is_not_requested_without_a_person,
    the_settings_decide_the_scopes,
    a_registration_is_kept,
    a_configured_client_does_not_register,
    a_client_can_have_its_metadata_at_a_url,
    a_client_of_another_server_is_not_used,
    a_service_logs_in_with_a_private_key,
    a_private_key_that_the_server_does_not_know_is_refused,
    a_service_gets_another_scope_without_a_person,
    the_redirect_can_be_of_any_kind,
    the_redirect_must_have_the_state_of_the_login,
    a_login_can_wait_until_it_is_asked_for,
    a_login_that_takes_too_long_fails,
    a_server_that_forgot_the_client_gets_a_new_registration,
]


def servers() -> Iterator[tuple[Server, list[Case]]]:
    with Server(KIND) as server:
        yield server, LONG
    with Server(KIND, TOKEN_SECONDS=SHORT_SECONDS) as server:
        yield server, [a_token_is_refreshed_once_each_time, a_refused_refresh_token_needs_a_login]
    with Server(KIND, TOKEN_SECONDS=str(SHARED_SECONDS)) as server:
        yield server, [processes_share_a_refresh]


if __name__ == "__main__":
    run(Path(sys.argv[1]), servers(), sys.argv[2:])
