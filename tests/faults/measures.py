"""What the fault matrix measures beside calls: what the machine takes away from threads, and what calls leave behind."""

import contextlib
import ctypes
import gc
import os
from pathlib import Path

from load import clock

libc = ctypes.CDLL(None)

# --- What the machine takes -------------------------------------------------------------------------------------------


def delays():
    """For how long each thread of this process could have run and did not, in milliseconds."""
    found = {}
    for thread in os.listdir("/proc/self/task"):
        # Not a Path: it keeps the names of all threads that there ever were, and that is memory that grows.
        with contextlib.suppress(OSError), open(f"/proc/self/task/{thread}/schedstat") as file:  # noqa: PTH123
            found[thread] = int(file.read().split()[1]) / 1e6
    return found


class Watch:
    """The time that the machine takes from a call that begins now.

    A call passes through several threads one after the other: the caller's, a proxy's, a server's. Each of them may wait for a
    processor, and the delays add up. The clock measures less than that, because it cannot be delayed while it sleeps; but it
    measures waits for the GIL, which the system does not count. So the delays of all threads of the process are added, also
    those of other calls: an upper bound of what this call lost.
    """

    def __init__(self):
        self.before = delays()

    def lost(self, begun, ended):
        """At most so much of this span, in milliseconds."""
        of_threads = sum(delay - self.before.get(thread, 0) for thread, delay in delays().items())
        return min(1000 * (ended - begun), max(of_threads, clock.lost(begun, ended)))


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
