"""A program that shares a folder of OAuth records with others: pings an MCP server, and prints the status.

    python3 folder_client.py LIBRARY URL FOLDER

It can ask no person.
"""

import sys

from oauth_client import LONG, OAuth, OAuthClient

with OAuth(person=None, use_folder=sys.argv[3]) as oauth, OAuthClient(sys.argv[2], oauth) as client:
    outcome = client.ping(timeout=3 * LONG)
    print(outcome.status, outcome.message, flush=True)
sys.exit(outcome.status != "MCP_OK")
