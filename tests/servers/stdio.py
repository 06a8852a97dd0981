"""stdio.py NAME PROGRAM ARGUMENTS...: runs a program of ../protocol with a stdio server.

With a NAME that ends in -fds instead of -stdio, the program starts the server, and not the library.

The command of the server is determined here, because it depends on $LIBMCP_CACHE, which the server process does not
inherit.
"""

import os
import sys

from kinds import STDIO

if __name__ == "__main__":
    name, *program = sys.argv[1:]
    server, _, kind = name.rpartition("-")
    os.execv(program[0], [*program, kind, *STDIO[f"{server}-stdio"].command()])
