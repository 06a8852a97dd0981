"""security.py: what SECURITY.md refers to is there, and each promise names a proof. (Whether that test is there: style/promises.py.)"""

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
            problems.append(f"{path} is not there")
    # Each row of a table that promises something ends with what proves it.
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith(("| It cannot", "| Mistake")):
            proofs += 1
            if "`" not in line.split("|")[-2]:
                problems.append(f"nothing proves: {line}")
    for problem in problems:
        print(problem)
    print(f"{proofs} promises")
    assert proofs > 20, "the tables are not found any more"
    return 1 if problems else 0


sys.exit(main())
