"""Measures the time that a busy machine takes from this process. Time limits are raised by it, at most doubled."""

import os
import threading
import time
from collections import deque

# An event that is never set: PAUSE.wait(seconds) only waits.
PAUSE = threading.Event()


class Clock:
    """A thread that wakes up every few milliseconds and records how late it was: it waited for a CPU or for the GIL."""

    STEP = 0.005

    def __init__(self):
        # The last late wake-ups, as (due, woken).
        self.late = deque(maxlen=1000)
        # When the thread last went to sleep: all delays before this time are recorded.
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
        """How long the clock's thread was delayed between two times, in milliseconds. A forked process does not wait
        for the thread, which exists only in the parent."""
        while self.asleep < ended and os.getpid() == self.process:
            PAUSE.wait(self.STEP)
        return 1000 * sum(max(0, min(ended, woken) - max(begun, due)) for due, woken in list(self.late))


clock = Clock()


def allowed(bound, lost):
    """The bound plus the lost time, at most twice the bound. In milliseconds."""
    return bound + min(bound, lost)
