"""run.py CLIENT SCENARIO REVISION: runs one scenario of the conformance suite and evaluates its result file.

The suite's exit status is not sufficient: with it, a client that does nothing passes 0 of 0 checks. This program fails
if a check is FAILURE, WARNING, or INFO with an error message, if a check is SKIPPED that SKIPPED below does not list,
if no check passed, and if the client did not print "done".
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import suite

# Timeouts: 20 s in the client, 30 s in the suite, 60 s for the whole run.
SUITE_MS, RUN_S = 30000, 60

# Checks that the suite must skip: 2026-07-28 has no handshake.
SKIPPED = {
    ("http-standard-headers", "2026-07-28"): {
        "ClientMcpMethodHeader_initialize",
        "ClientMcpMethodHeader_notifications_initialized",
    },
}


def run_suite(client: str, scenario: str, revision: str, folder: str) -> int:
    """Runs the suite and returns its exit status. The kernel kills the suite if this process ends.

    Without --force, the suite would skip scenarios of extensions, because they belong to no revision.
    """
    words = suite.command("client", "--command", shlex.quote(client), "--scenario", scenario)
    words += ["--spec-version", revision, "--force", "--output-dir", folder, "--timeout", str(SUITE_MS)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MCP_CONFORMANCE_")}
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    )
    try:
        return process.wait(RUN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise SystemExit(f"{scenario}: the suite did not end within {RUN_S} s")


def failures(scenario: str, revision: str, checks: list[dict]) -> list[str]:
    """Describes the checks that did not pass."""
    expected = SKIPPED.get((scenario, revision), set())
    skipped = {check["name"] for check in checks if check["status"] == "SKIPPED"}
    found = [f"no longer skipped: {name}" for name in sorted(expected - skipped)]
    for check in checks:
        status, name = check["status"], check["name"]
        if status == "SUCCESS" or (status == "SKIPPED" and name in expected):
            continue
        if status == "INFO" and not check.get("errorMessage"):
            continue
        found.append(f"{status} {name}: {check.get('errorMessage') or check['description']}")
        if "details" in check:
            found.append(f"    {json.dumps(check['details'])}")
    if not any(check["status"] == "SUCCESS" for check in checks):
        found.append("no check was passed")
    return found


def main() -> None:
    client, scenario, revision = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="mcp-conformance-") as folder:
        status = run_suite(str(Path(client).resolve()), scenario, revision, folder)
        results = list(Path(folder).rglob("checks.json"))
        if len(results) != 1:
            raise SystemExit(f"{scenario}: the suite wrote {len(results)} result files instead of one")
        checks = json.loads(results[0].read_text())
        stdout = results[0].with_name("stdout.txt").read_text()
        stderr = results[0].with_name("stderr.txt").read_text().strip()
    problems = failures(scenario, revision, checks)
    if stdout.splitlines()[-1:] != ["done"]:
        problems.append(f'the client did not print "done": {stderr}')
    if status != 0:
        problems.append(f"the suite's exit status is {status}")
    passed = sum(check["status"] == "SUCCESS" for check in checks)
    evaluated = sum(check["status"] in ("SUCCESS", "FAILURE", "WARNING") for check in checks)
    print(f"{scenario}: {passed}/{evaluated} checks passed")
    if problems:
        print(f"--- output of the client:\n{stdout}", *problems, sep="\n")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
