"""table_check.py SERVER...: checks the table of the server matrix, without any server.

SERVER... are the servers for which CMake defines a test. They must be the same as in the table, because the cells of a
server that is missing in either place would not be run.
"""

import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))
from kinds import KINDS  # noqa: E402: from ../servers
from table import SERVERS, TOTAL, cells  # noqa: E402


def problems(tested: set[str]) -> list[str]:
    rows = set(SERVERS)
    found = [f"{name}: is not a server in kinds.py" for name in sorted(rows - set(KINDS))]
    found += [f"{name}: has a CMake test, but no row in the table" for name in sorted(tested - rows)]
    found += [f"{name}: has a row in the table, but no CMake test" for name in sorted(rows - tested)]
    for name, server in SERVERS.items():
        if (count := len(cells(name))) != server.cells:
            found.append(f"{name}: {count} cells, expected {server.cells}")
    names = Counter(cell.name for server in SERVERS for cell in cells(server))
    found += [f"{name}: {count} cells have this name" for name, count in names.items() if count > 1]
    if names.total() != TOTAL:
        found.append(f"{names.total()} cells in total, expected {TOTAL}")
    return found


def main() -> None:
    found = problems(set(sys.argv[1:]))
    print("\n".join(found) or f"{TOTAL} cells of {len(SERVERS)} servers, all names unique")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
