"""Files with certificates and keys that are none: nothing waits for the writer of a pipe, or reads a device without end."""

import os
import socket
from ctypes import c_char_p, c_int, c_void_p

from harness import ERROR, Client, call, case, declare, lib, run
from newer import folder

declare(c_int, mcp_set_tls_ca_file=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_set_tls_client_cert=[c_void_p, c_char_p, c_char_p, ERROR])


def refused(path, *words):
    path = os.fsencode(path)
    with Client("https://127.0.0.1:1/") as client:
        for function, arguments in (
            (lib.mcp_set_tls_ca_file, [path]), (lib.mcp_set_tls_client_cert, [path, None]), (lib.mcp_set_tls_client_cert, [path, path]),
        ):  # fmt: skip
            calling = client.begin(lambda function=function, arguments=arguments: call(function, client.client, *arguments))
            outcome = calling.result().must_be("MCP_INVALID_ARGUMENT").must_end(0)
            for word in (path.decode(), *words):
                assert word in outcome.message, outcome.message


@case
def certificates_and_keys():
    with folder() as place:
        os.mkfifo(place / "fifo")
        refused(place / "fifo", "FIFO")
        refused("/dev/zero", "device")
        refused(place, "folder")
        refused(place / "none", "No such file")
        (place / "empty").touch()
        refused(place / "empty", "no PEM certificate")
        with open(place / "large", "wb") as file:
            file.truncate(1 << 34)  # without a byte on the disk
        refused(place / "large", "larger than")


@case
def the_trust_store_of_the_environment():
    with folder() as place:
        os.mkfifo(place / "fifo")
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(place / "fifo")
        try:
            with Client("https://127.0.0.1:1/") as client:
                calling = client.begin(lambda: call(lib.mcp_set_tls_ca_file, client.client, b"/etc/hostname"))
                calling.result().must_be("MCP_INVALID_ARGUMENT")
            with socket.create_server(("127.0.0.1", 0)) as listener, Client(f"https://127.0.0.1:{listener.getsockname()[1]}/") as client:
                outcome = client.begin(lambda: client.ping(timeout=2000)).result()
                print(f"    {outcome.status} {outcome.message}")
                outcome.must_end(0)
                assert "SSL_CERT_FILE" in outcome.message and "FIFO" in outcome.message, outcome.message
        finally:
            os.environ.pop("SSL_CERT_FILE")
            if before:
                os.environ["SSL_CERT_FILE"] = before


run()
