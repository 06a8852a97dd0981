"""Processes that share a folder with OAuth records: one refreshes at a time, also if a process is killed meanwhile."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from oauth_client import LONG, using
from scripted_server import Held, Site

from harness import PATIENCE, case, run, wait_until_waiting

PROGRAM = Path(__file__).resolve().parent / "folder_client.py"
PROCESSES = 4


def start(site, folder):
    command = [sys.executable, PROGRAM, sys.argv[1], site.url, folder]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextlib.contextmanager
def shared_folder():
    """A site, and a folder with the tokens of a login, which the MCP server does not accept any more."""
    with tempfile.TemporaryDirectory(prefix="mcp-oauth-") as folder, Site() as site:
        folder = f"{folder}/state"
        with using(site, use_folder=folder) as (client, _):
            client.ping().must_be("MCP_OK")
        site.auth.expire()
        yield site, folder


@case
def processes_refresh_once():
    with shared_folder() as (site, folder):
        held, before = Held(site.auth.answer_token), len(site.mcp.received("mcp"))
        with site.auth.answering(token=held):
            processes = [start(site, folder) for _ in range(PROCESSES)]
            # All have been refused, and one of them refreshes.
            assert site.mcp.wait_for(lambda: len(site.mcp.received("mcp")) >= before + PROCESSES, 3 * PATIENCE)
            assert held.arrived.wait(PATIENCE)
            held.release.set()
            for process in processes:
                output, errors = process.communicate(timeout=3 * PATIENCE)
                assert process.returncode == 0, (output, errors)
        assert len(site.auth.refreshes()) == 1, site.auth.refreshes()


@case
def a_process_that_is_killed_during_a_refresh_does_not_block_the_others():
    with shared_folder() as (site, folder):
        held = Held(site.auth.answer_token)
        with site.auth.answering(token=held):
            killed = start(site, folder)
            assert held.arrived.wait(3 * PATIENCE), killed.stderr
        with using(site, person=None, use_folder=folder) as (client, _):
            ping = client.begin_ping(timeout=3 * LONG)
            wait_until_waiting(1)
            # It waits for the lock.
            client.ping(timeout=300).must_be("MCP_TIMEOUT").must_end(300, after=300)
            killed.send_signal(signal.SIGKILL)
            killed.communicate(timeout=PATIENCE)
            ping.result().must_be("MCP_OK")
            # The response to the killed process comes too late: its refresh token was not used yet.
            held.answer = lambda request: None
            held.release.set()
        assert len(site.auth.refreshes()) == 2, site.auth.refreshes()


@case
def the_folder_is_private():
    with shared_folder() as (_site, folder):
        paths = [Path(folder), *Path(folder).iterdir()]
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in paths}
        assert all(mode in ("0o700", "0o600") for mode in modes.values()), modes


run()
