"""list.py: compares the suite's list of client scenarios with scenarios.txt, so that new scenarios are noticed.

Also checks the requirement sets: each scenario that a revision scores must be marked "run", and each other scenario
that it names "run" or "later".
"""

import re
import subprocess

import suite

SETS = ("2025-11-25", "2026-07-28")


def listed(*words: str) -> str:
    done = subprocess.run(suite.command("list", *words), check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout


def suite_scenarios() -> dict[str, set[str]]:
    """All client scenarios with their revisions; scenarios of extensions have the revision "extension"."""
    found = re.findall(r"^  - (\S+) \[([^]]+)\]$", listed("--client"), re.MULTILINE)
    return {name: set(revisions.split(",")) for name, revisions in found}


def required(revision: str) -> tuple[set[str], set[str]]:
    """The client scenarios of a requirement set: those that are scored, and those that run without a score."""
    text = listed("--requirements", revision)
    _, _, client = text.partition("Client scenarios")
    scored, _, unscored = client.partition("Run and reported")
    return (
        set(re.findall(r"^  - (\S+)$", scored, re.MULTILINE)),
        set(re.findall(r"^    - (\S+) \[client\]$", unscored, re.MULTILINE)),
    )


def main() -> None:
    planned, problems = suite.planned(), []
    known = suite_scenarios()
    if not known:
        raise SystemExit("no scenarios found in the output of the suite: has its format changed?")
    for name in sorted(known | planned):
        if name not in planned:
            problems.append(f"{name}: is in the suite, but not in scenarios.txt")
        elif name not in known:
            problems.append(f"{name}: is in scenarios.txt, but not in the suite")
        elif known[name] != planned[name][1]:
            found, revisions = sorted(known[name]), sorted(planned[name][1])
            problems.append(f"{name}: has the revisions {found} in the suite, but {revisions} in scenarios.txt")
    for revision in SETS:
        scored, unscored = required(revision)
        if not scored or not unscored:
            raise SystemExit(f"{revision}: no requirements found in the output of the suite: has its format changed?")
        for name in sorted(scored | unscored):
            plan, revisions = planned.get(name, ("missing", set()))
            if plan == "run" and revisions & {revision, "extension"}:
                continue
            if name in scored or plan != "later":
                problems.append(f"{name}: required for {revision}, but not run")
        run = {name for name in scored if planned.get(name, ("",))[0] == "run"}
        print(f"{revision}: {len(run)} of {len(scored)} required scenarios are run")
    print(f"{len(known)} scenarios in the suite, {sum(plan == 'run' for plan, _ in planned.values())} of them run")
    if problems:
        print(*problems, sep="\n")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
