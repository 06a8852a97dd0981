"""recorded.py SEND_ALL VERSION: records all messages that the program SEND_ALL sends, and validates them."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "servers"))
from install import installed  # noqa: E402: from ../servers

TIMEOUT_SECONDS = 60


def main():
    send_all, version = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "record"
        server = [sys.executable, str(HERE / "server.py"), version, str(file)]
        subprocess.run([send_all, *server], check=True, timeout=TIMEOUT_SECONDS)
        # jsonschema is installed together with FastMCP.
        python = installed("fastmcp4") / "bin/python"
        validation = subprocess.run([python, HERE / "validate.py", version, file], timeout=TIMEOUT_SECONDS)
    sys.exit(validation.returncode)


main()
