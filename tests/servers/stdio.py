"""stdio.py NAME PROGRAM ARGUMENTS...: runs a program of ../protocol with a stdio server.

The command of the server is determined here, because it depends on $LIBMCP_CACHE, which the server process does not
inherit.
"""

import os
import sys

from kinds import STDIO

if __name__ == "__main__":
    name, *program = sys.argv[1:]
    os.execv(program[0], [*program, "stdio", *STDIO[name].command()])
