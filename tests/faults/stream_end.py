"""The moment at which a client knows that its event stream, or its process, has ended."""

import os
import threading

from harness import poll


class StreamEnd:
    """What a client tells of it: its reader says so in the log, on its own thread, which ends then."""

    def __init__(self, client, words="event stream has ended"):
        self.thread, self.words = None, words
        client.on_line = self.take_line

    def take_line(self, line):
        if self.words in line:
            self.thread = threading.get_native_id()

    def wait(self):
        poll(lambda: self.thread and not os.path.exists(f"/proc/self/task/{self.thread}"), "the end is not seen")
