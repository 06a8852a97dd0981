"""license.py REPOSITORY: fails unless the Go module has the project's licenses.

A Go module is its folder alone: the license files of the repository's root do not belong to it.
"""

import sys
from pathlib import Path

HEAD = """\
libmcp is licensed under either of the Apache License, Version 2.0, and the MIT license, at your option. The texts of
both follow.
"""

repository = Path(sys.argv[1])
texts = [HEAD, *((repository / f"LICENSE-{name}").read_text() for name in ("APACHE", "MIT"))]
file = repository / "bindings/go/LICENSE"
if file.read_text() != "\n".join(texts):
    sys.exit(f"{file} must be the head in this program, LICENSE-APACHE and LICENSE-MIT, separated by empty lines")
