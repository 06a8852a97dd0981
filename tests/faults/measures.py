"""What the fault matrix measures beside calls: what the machine takes away from threads, and what calls leave behind."""

import contextlib
import ctypes
import gc
import os
import threading
import time
from collections import deque
from pathlib import Path

# Never set: to wait for it is to wait.
PAUSE = threading.Event()

libc = ctypes.CDLL(None)

# --- What the machine takes -------------------------------------------------------------------------------------------


class Clock:
    """A thread that wakes up every few milliseconds and notes how late it was, and how long others that are watched have been kept."""

    STEP = 0.005

    def __init__(self):
        # The latest of them.
        self.late = deque(maxlen=1000)
        self.watched = deque()
        # When it last went to sleep: what was before is noted.
        self.asleep = time.monotonic()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            self.asleep = time.monotonic()
            due = self.asleep + self.STEP
            PAUSE.wait(self.STEP)
            woken = time.monotonic()
            if woken - due > 0.001:
                self.late.append((due, woken))
            for watch in list(self.watched):
                with contextlib.suppress(OSError):  # its thread is gone
                    watch.look(woken)

    def lost(self, begun, ended):
        """How much of a span this thread was kept waiting, in milliseconds."""
        while self.asleep < ended:
            PAUSE.wait(self.STEP)
        return 1000 * sum(max(0, min(ended, woken) - max(begun, due)) for due, woken in list(self.late))


class Watch:
    """What the machine takes from the thread that makes one, from `due` on; a time.monotonic()."""

    def __init__(self, due):
        self.due, self.at_due = due, None
        self.path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        self.look(time.monotonic())

    def look(self, now):
        if self.at_due is None and now >= self.due:
            self.at_due = self.delay()

    def delay(self):
        """For how long the thread could have run and did not, in milliseconds."""
        return int(Path(self.path).read_text().split()[1]) / 1e6

    def __enter__(self):
        clock.watched.append(self)
        return self

    def __exit__(self, *_):
        clock.watched.remove(self)

    def lost(self, ended):
        """In milliseconds: the thread has been waiting for a processor, or, as the clock was, for Python."""
        own = 0 if self.at_due is None else self.delay() - self.at_due
        return max(own, clock.lost(self.due, ended))


clock = Clock()

# Large blocks go back to the system when they are freed, and are not kept by the allocator of whatever thread had them.
M_MMAP_THRESHOLD = -3
assert libc.mallopt(M_MMAP_THRESHOLD, 128 * 1024), "no mallopt"


# --- What is left behind ----------------------------------------------------------------------------------------------


def left():
    return {"threads": len(os.listdir("/proc/self/task")), "descriptors": len(os.listdir("/proc/self/fd"))}


class Mallinfo(ctypes.Structure):
    """What mallinfo2 tells."""

    WORDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(word, ctypes.c_size_t) for word in WORDS.split()]


libc.mallinfo2.restype = Mallinfo


def memory():
    """What is allocated, and what is resident, in MiB."""
    gc.collect()
    libc.malloc_trim(0)
    told = libc.mallinfo2()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return (told.uordblks + told.hblkhd) / (1 << 20), resident / (1 << 20)
