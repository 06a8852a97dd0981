"""recorded.py SPEAKS VERSION: everything that a client says in a version, recorded, and judged by judge.py."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))
from install import installed  # noqa: E402: it lies in the folder above

PATIENCE = 60


def main():
    speaks, version = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "record"
        server = [sys.executable, str(HERE / "server.py"), version, str(file)]
        subprocess.run([speaks, *server], check=True, timeout=PATIENCE)
        # FastMCP brings jsonschema with it.
        python = installed("fastmcp4") / "bin/python"
        judged = subprocess.run([python, HERE / "judge.py", version, file], timeout=PATIENCE)
    sys.exit(judged.returncode)


main()
