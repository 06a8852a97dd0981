"""security.py: checks that the files to which SECURITY.md refers exist, and that each promise names a test.

style/promises.py checks that the tests exist.
"""

import re
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]


def main():
    text = (REPO / "SECURITY.md").read_text()
    problems = []
    proofs = 0
    for path in sorted(
        set(re.findall(r"`((?:src|tests|docs|fuzz)/[\w./]*)`", text) + re.findall(r"\]\(([\w./]+)\)", text))
    ):
        if not (REPO / path).exists():
            problems.append(f"{path} does not exist")
    # The last column of each promise names what proves it.
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith(("| It cannot", "| Mistake")):
            proofs += 1
            if "`" not in line.split("|")[-2]:
                problems.append(f"the promise names no test: {line}")
    for problem in problems:
        print(problem)
    print(f"{proofs} promises")
    assert proofs > 20, "too few promises found: has the form of the tables changed?"
    return 1 if problems else 0


sys.exit(main())
