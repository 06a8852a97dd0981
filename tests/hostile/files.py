"""Invalid certificate and key files: the library does not wait for the writer of a FIFO or read a device forever."""

import os
import socket
from ctypes import c_char_p, c_int, c_void_p

from harness import ERROR, Client, call, case, declare, lib, run
from newer import folder

declare(c_int, mcp_set_tls_ca_file=[c_void_p, c_char_p, ERROR])
declare(c_int, mcp_set_tls_client_cert_file=[c_void_p, c_char_p, c_char_p, ERROR])


def must_be_rejected(path, *words):
    path = os.fsencode(path)
    with Client("https://127.0.0.1:1/") as client:
        for function, arguments in (
            (lib.mcp_set_tls_ca_file, [path]), (lib.mcp_set_tls_client_cert_file, [path, None]),
            (lib.mcp_set_tls_client_cert_file, [path, path]),
        ):  # fmt: skip

            def setter(function=function, arguments=arguments):
                return call(function, client.client, *arguments)

            outcome = client.begin(setter).result().must_be("MCP_INVALID_ARGUMENT").must_end(0)
            for word in (path.decode(), *words):
                assert word in outcome.message, outcome.message


@case
def invalid_certificate_and_key_files_are_rejected():
    with folder() as place:
        os.mkfifo(place / "fifo")
        must_be_rejected(place / "fifo", "FIFO")
        must_be_rejected("/dev/zero", "device")
        must_be_rejected(place, "directory")
        must_be_rejected(place / "none", "No such file")
        (place / "empty").touch()
        must_be_rejected(place / "empty", "no PEM certificate")
        with open(place / "large", "wb") as file:
            file.truncate(1 << 34)  # sparse
        must_be_rejected(place / "large", "larger than")


@case
def a_fifo_in_ssl_cert_file_is_rejected():
    with folder() as place:
        os.mkfifo(place / "fifo")
        before = os.environ.get("SSL_CERT_FILE")
        os.environ["SSL_CERT_FILE"] = str(place / "fifo")
        try:
            with Client("https://127.0.0.1:1/") as client:
                calling = client.begin(lambda: call(lib.mcp_set_tls_ca_file, client.client, b"/etc/hostname"))
                calling.result().must_be("MCP_INVALID_ARGUMENT")
            with socket.create_server(("127.0.0.1", 0)) as listener:
                with Client(f"https://127.0.0.1:{listener.getsockname()[1]}/") as client:
                    outcome = client.begin(lambda: client.ping(timeout=2000)).result()
                    print(f"    {outcome.status} {outcome.message}")
                    outcome.must_end(0)
                    assert "SSL_CERT_FILE" in outcome.message and "FIFO" in outcome.message, outcome.message
        finally:
            os.environ.pop("SSL_CERT_FILE")
            if before:
                os.environ["SSL_CERT_FILE"] = before


run()
