"""Measurements of the fault matrix: time that threads lose to other load, and resources that calls leave open."""

import contextlib
import ctypes
import gc
import os
from pathlib import Path

from load import clock

libc = ctypes.CDLL(None)

# --- Time lost to other load ------------------------------------------------------------------------------------------


def delays():
    """For how long each thread of this process was ready to run but waited for a processor, in milliseconds."""
    found = {}
    for thread in os.listdir("/proc/self/task"):
        # Not a Path: pathlib interns the names of all threads that ever existed, so that memory grows.
        with contextlib.suppress(OSError), open(f"/proc/self/task/{thread}/schedstat") as file:  # noqa: PTH123
            found[thread] = int(file.read().split()[1]) / 1e6
    return found


class DelayMeter:
    """Measures the time that a call, starting now, loses to other load.

    A call passes through several threads one after the other: the caller's, a proxy's, a server's. Each of them may
    wait for a processor, and the delays add up. The clock of load.py measures less than that, because it is not delayed
    while it sleeps; but it measures waits for the GIL, which the system does not count. Therefore the delays of all
    threads of the process are added, including those of other calls: an upper bound of the time that this call lost.
    """

    def __init__(self):
        self.before = delays()

    def lost(self, begun, ended):
        """The upper bound for this time span, in milliseconds."""
        of_threads = sum(delay - self.before.get(thread, 0) for thread, delay in delays().items())
        return min(1000 * (ended - begun), max(of_threads, clock.lost(begun, ended)))


# Makes the allocator return large blocks to the system when they are freed, in every thread.
M_MMAP_THRESHOLD = -3
assert libc.mallopt(M_MMAP_THRESHOLD, 128 * 1024), "mallopt failed"


# --- Leaks ------------------------------------------------------------------------------------------------------------


def open_resources():
    return {"threads": len(os.listdir("/proc/self/task")), "descriptors": len(os.listdir("/proc/self/fd"))}


class Mallinfo(ctypes.Structure):
    """struct mallinfo2"""

    WORDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(word, ctypes.c_size_t) for word in WORDS.split()]


libc.mallinfo2.restype = Mallinfo


def memory():
    """The size of allocated blocks, and of the resident set, in MiB."""
    gc.collect()
    libc.malloc_trim(0)
    info = libc.mallinfo2()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    return (info.uordblks + info.hblkhd) / (1 << 20), resident / (1 << 20)
