"""Deliberately leaks options of the library, through ctypes: python3 leak.py LIBRARY

The leak sanitizer must report it: without this check, a sanitizer that reports nothing would pass all tests.
"""

import ctypes
import sys

library = ctypes.CDLL(sys.argv[1])
library.mcp_options_new.restype = ctypes.c_void_p
for _ in range(10):
    library.mcp_options_new()
