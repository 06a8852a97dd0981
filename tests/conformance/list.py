"""list.py: the suite's own list of client scenarios against scenarios.txt, so that none is left out in silence.

Then the requirement sets: whatever a revision requires has to be run, or be said to come later.
"""

import re
import subprocess

import suite

SETS = ("2025-11-25", "2026-07-28")


def listed(*words: str) -> str:
    done = subprocess.run(suite.command("list", *words), check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout


def theirs() -> dict[str, set[str]]:
    """All client scenarios, with their revisions; "extension" stands for those of none."""
    found = re.findall(r"^  - (\S+) \[([^]]+)\]$", listed("--client"), re.MULTILINE)
    return {name: set(revisions.split(",")) for name, revisions in found}


def required(revision: str) -> tuple[set[str], set[str]]:
    """What a requirement set asks of a client, and what it runs without a score."""
    text = listed("--requirements", revision)
    _, _, client = text.partition("Client scenarios")
    scored, _, unscored = client.partition("Run and reported")
    return (
        set(re.findall(r"^  - (\S+)$", scored, re.MULTILINE)),
        set(re.findall(r"^    - (\S+) \[client\]$", unscored, re.MULTILINE)),
    )


def main() -> None:
    ours, wrong = suite.ours(), []
    known = theirs()
    if not known:
        raise SystemExit("the suite lists nothing: has the form of its list changed?")
    for name in sorted(known | ours):
        if name not in ours:
            wrong.append(f"{name}: the suite has it, scenarios.txt has not")
        elif name not in known:
            wrong.append(f"{name}: scenarios.txt has it, the suite has not")
        elif known[name] != ours[name][1]:
            wrong.append(f"{name}: the suite has it at {sorted(known[name])}, scenarios.txt at {sorted(ours[name][1])}")
    for revision in SETS:
        scored, unscored = required(revision)
        if not scored or not unscored:
            raise SystemExit(f"{revision}: no requirements: has the form of the list changed?")
        for name in sorted(scored | unscored):
            fate, revisions = ours.get(name, ("missing", set()))
            if fate == "run" and revision in revisions:
                continue
            if fate != "later" or not name.startswith("auth/"):
                wrong.append(f"{name}: required for {revision}, and not run")
        run = {name for name in scored if ours.get(name, ("",))[0] == "run"}
        print(f"{revision}: {len(run)} of {len(scored)} required scenarios are run")
    print(f"{len(known)} scenarios of the suite, {sum(fate == 'run' for fate, _ in ours.values())} of them run")
    if wrong:
        print(*wrong, sep="\n")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
