"""A browser for tests: requests the URL and follows its redirects.

    python3 browser.py URL
"""

import sys
import urllib.request

opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(sys.argv[1], timeout=10) as response:
    response.read()
