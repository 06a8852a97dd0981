"""Checks that no two types of `src/` share a name.

    python3 tests/style/type_names.py [REPOSITORY]

Structs, enums, unions, traits and type aliases count, also in tests. Associated types do not: traits name them.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

# Associated types are indented, aliases are not.
PUBLIC = r"(?:pub(?:\([^)]*\))? )?"
DECLARATION = re.compile(rf"^(?:\s*{PUBLIC}(?:struct|enum|union|trait)|{PUBLIC}type) (\w+)", re.M)


def declared(text):
    """The names of the types that a file declares."""
    return DECLARATION.findall(text)


def main(arguments):
    src = (Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]) / "src"
    places = defaultdict(list)
    for path in sorted(src.rglob("*.rs")):
        for name in declared(path.read_text()):
            places[name].append(path.relative_to(src).as_posix())
    wrong = [f"{name} is declared in {' and '.join(files)}" for name, files in places.items() if len(files) > 1]
    print("\n".join(wrong) or f"{len(places)} types")
    return 1 if wrong or len(places) < 200 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
