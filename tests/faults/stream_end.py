"""Waits until a client has noticed that its event stream, or its server process, has ended."""

import os
import threading

from harness import poll


class StreamEnd:
    """The client's reader thread logs the end, and then exits."""

    def __init__(self, client, words="event stream has ended"):
        self.thread, self.words = None, words
        client.on_line = self.take_line

    def take_line(self, line):
        if self.words in line:
            self.thread = threading.get_native_id()

    def wait(self):
        poll(
            lambda: self.thread and not os.path.exists(f"/proc/self/task/{self.thread}"),
            "the client did not notice the end",
        )
