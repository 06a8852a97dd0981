"""stdio.py NAME PROGRAM ARGUMENTS...: runs a program of ../protocol on a server that is a process.

The command of the server is worked out here: the server itself gets an environment that does not
name the cache.
"""

import os
import sys

from kinds import STDIO

if __name__ == "__main__":
    name, *program = sys.argv[1:]
    os.execv(program[0], [*program, "stdio", *STDIO[name].command()])
