"""guard.py WATCHED DESCRIPTOR COMMAND...: runs a server until SIGTERM, or until the process WATCHED ends.

The server inherits DESCRIPTOR. It is stopped even if the guard is killed.
"""

import os
import select
import signal
import subprocess
import sys

GRACE_MS = 5000


def main() -> int:
    watched, inherited, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    terminated, wakeup = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(wakeup, b"."))
    try:
        parent = os.pidfd_open(watched)
    except ProcessLookupError:
        return 1
    server = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], pass_fds=[inherited])
    os.close(inherited)
    ended = os.pidfd_open(server.pid)

    poll = select.poll()
    for descriptor in (terminated, parent, ended):
        poll.register(descriptor, select.POLLIN)
    poll.poll()

    server.terminate()
    last = select.poll()
    last.register(ended, select.POLLIN)
    if not last.poll(GRACE_MS):
        server.kill()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
