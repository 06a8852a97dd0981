"""Servers over TLS, and clients that trust them."""

import contextlib
import ssl
from ctypes import c_char_p, c_int, c_void_p

import certificates

from harness import ERROR, Server, call, declare, lib

declare(c_int, mcp_set_tls_ca_file=[c_void_p, c_char_p, ERROR])

folder = certificates.Folder()
AUTHORITY = folder.file("ca", certificates.authority())


def context(label="good", **given):
    """The SSLContext of a server with such a certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder.file(label, certificates.server(**given)), certificates.KEY)
    return made


GOOD = context()


class TlsServer(Server):
    """The harness's server over TLS. A fault's data that is sent in one call is one TLS record."""

    def __init__(self, handler, context=GOOD):
        self.context = context
        super().__init__(handler)

    def serve(self, connection):
        with contextlib.suppress(OSError):
            wrapped = self.context.wrap_socket(connection, server_side=True)
            with self.changed:
                self.open.add(wrapped)
            super().serve(wrapped)
        with self.changed:
            self.open.discard(connection)
            self.changed.notify_all()


def trust(client):
    call(lib.mcp_set_tls_ca_file, client.client, bytes(AUTHORITY)).must_be("MCP_OK")
