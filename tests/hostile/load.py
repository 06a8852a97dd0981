"""The time that a busy machine takes from this process. Bounds on time allow for it, up to twice the bound."""

import os
import threading
import time
from collections import deque

# Never set: to wait for it is to wait.
PAUSE = threading.Event()


class Clock:
    """A thread that wakes up every few milliseconds and notes how late: it waited for a processor, or for the GIL."""

    STEP = 0.005

    def __init__(self):
        # The latest of them.
        self.late = deque(maxlen=1000)
        # When it last went to sleep: what was before is noted.
        self.asleep = time.monotonic()
        self.process = os.getpid()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            self.asleep = time.monotonic()
            due = self.asleep + self.STEP
            PAUSE.wait(self.STEP)
            woken = time.monotonic()
            if woken - due > 0.001:
                self.late.append((due, woken))

    def lost(self, begun, ended):
        """How much of a span this thread was kept waiting, in milliseconds. A forked process does not have the thread."""
        while self.asleep < ended and os.getpid() == self.process:
            PAUSE.wait(self.STEP)
        return 1000 * sum(max(0, min(ended, woken) - max(begun, due)) for due, woken in list(self.late))


clock = Clock()


def allowed(bound, lost):
    """The bound with the time that the machine took, at most twice the bound. In milliseconds."""
    return bound + min(bound, lost)
