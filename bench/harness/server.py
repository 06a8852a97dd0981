"""The process of the benchmark server."""

import json
import resource
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from harness.certificate import Certificate


class Server:
    """Runs the server for the duration of a `with` block. With a certificate it uses TLS."""

    def __init__(self, program: Path, certificate: Certificate | None = None):
        # Each of many idle clients has a connection.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self.certificate = certificate
        command = [program] + (["--tls", certificate.chain, certificate.key] if certificate else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        # The server exits at the end of its standard input.
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)

    def url(self, path: str) -> str:
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://127.0.0.1:{self.port}/{path}"

    def stats(self) -> dict:
        """Requests and CPU time so far. Only closed connections count: waits until all others are closed."""
        deadline = time.monotonic() + 5
        while True:
            stats = self.fetch_stats()
            if stats["open"] <= 1 or time.monotonic() > deadline:
                return stats
            time.sleep(0.002)

    def fetch_stats(self) -> dict:
        if self.process.poll() is not None:
            sys.exit(f"the benchmark server ended with exit code {self.process.returncode}")
        context = ssl.create_default_context(cafile=self.certificate.authority) if self.certificate else None
        no_proxy = urllib.request.ProxyHandler({})
        opener = urllib.request.build_opener(no_proxy, urllib.request.HTTPSHandler(context=context))
        with opener.open(self.url("stats"), timeout=10) as response:
            return json.load(response)
