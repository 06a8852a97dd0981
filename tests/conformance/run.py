"""run.py CLIENT SCENARIO REVISION: one scenario of the conformance suite, by the checks that it wrote.

The suite's exit status is not believed alone: a client that does nothing passes 0 of 0 checks there. What fails here:
a check that is FAILURE or WARNING, or INFO about an error, one that is SKIPPED and is not in SKIPPED below, no check at
all, and a client that did not come to its end.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import suite

# The client gives up after 20 s, the suite after 30 s, this after 60 s.
SUITE_MS, OURS_S = 30000, 60

# What cannot be checked: 2026-07-28 has no handshake.
SKIPPED = {
    ("http-standard-headers", "2026-07-28"): {
        "ClientMcpMethodHeader_initialize",
        "ClientMcpMethodHeader_notifications_initialized",
    },
}


def executed(client: str, scenario: str, revision: str, folder: str) -> int:
    """Runs the suite; it ends when this process ends, however that happens."""
    words = suite.command("client", "--command", shlex.quote(client), "--scenario", scenario)
    words += ["--spec-version", revision, "--output-dir", folder, "--timeout", str(SUITE_MS)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MCP_CONFORMANCE_")}
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    )
    try:
        return process.wait(OURS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise SystemExit(f"{scenario}: the suite did not come to an end")


def faults(scenario: str, revision: str, checks: list[dict]) -> list[str]:
    """What is wrong with the checks."""
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
        status = executed(str(Path(client).resolve()), scenario, revision, folder)
        results = list(Path(folder).rglob("checks.json"))
        if len(results) != 1:
            raise SystemExit(f"{scenario}: the suite wrote {len(results)} results")
        checks = json.loads(results[0].read_text())
        said = results[0].with_name("stdout.txt").read_text()
        complaint = results[0].with_name("stderr.txt").read_text().strip()
    wrong = faults(scenario, revision, checks)
    if said.splitlines()[-1:] != ["done"]:
        wrong.append(f"the client did not come to its end: {complaint}")
    if status != 0:
        wrong.append(f"the suite's exit status is {status}")
    passed = sum(check["status"] == "SUCCESS" for check in checks)
    judged = sum(check["status"] in ("SUCCESS", "FAILURE", "WARNING") for check in checks)
    print(f"{scenario}: {passed}/{judged} checks passed")
    if wrong:
        print(f"--- the client:\n{said}", *wrong, sep="\n")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
