"""Leaves options of the library behind, through ctypes: python3 leak.py LIBRARY

The leak sanitizer has to say so, else its silence about the other programs would say nothing.
"""

import ctypes
import sys

library = ctypes.CDLL(sys.argv[1])
library.mcp_options_new.restype = ctypes.c_void_p
for _ in range(10):
    library.mcp_options_new()
