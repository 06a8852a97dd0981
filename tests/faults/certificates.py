"""Creates valid and invalid server certificates without openssl and other libraries, which a machine may not have.

All of them use the client key of the scripted server. This key is public, in the repository, and protects nothing.
"""

import base64
import hashlib
import tempfile
import textwrap
from pathlib import Path

KEY = Path(__file__).resolve().parent.parent / "server" / "src" / "client_rsa_key.pem"

# --- ASN.1 in DER -----------------------------------------------------------------------------------------------------


def der(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def sequence(*parts):
    return der(0x30, *parts)


def integer(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def bits(content):
    return der(3, b"\0", content)


def oid(text):
    return der(6, bytes.fromhex(text))


def integers_of(encoded):
    """The values of a DER SEQUENCE of INTEGERs."""
    found, position = [], 4
    while position < len(encoded):
        size, position = encoded[position + 1], position + 2
        if size & 0x80:
            octets = size & 0x7F
            size, position = int.from_bytes(encoded[position : position + octets], "big"), position + octets
        found.append(int.from_bytes(encoded[position : position + size], "big"))
        position += size
    return found


def pem(kind, encoded):
    text = "\n".join(textwrap.wrap(base64.b64encode(encoded).decode(), 64))
    return f"-----BEGIN {kind}-----\n{text}\n-----END {kind}-----\n"


# --- Certificates (RFC 5280) ------------------------------------------------------------------------------------------

_, MODULUS, EXPONENT, PRIVATE, *_ = integers_of(base64.b64decode("".join(KEY.read_text().splitlines()[1:-1])))
SHA256_RSA = sequence(oid("2a864886f70d01010b"), der(5))
PUBLIC = sequence(sequence(oid("2a864886f70d010101"), der(5)), bits(sequence(integer(MODULUS), integer(EXPONENT))))
NOW, EXPIRED, NOT_YET = (1975, 4096), (2001, 2002), (4000, 4096)
AUTHORITY, UNKNOWN_AUTHORITY = "mcp-test faults CA", "mcp-test unknown CA"
SERVER_AUTH, CLIENT_AUTH = "2b06010505070301", "2b06010505070302"


def name(text):
    return sequence(der(0x31, sequence(oid("550403"), der(0x0C, text.encode()))))


def year(number):
    # RFC 5280 requires UTCTime, with two digits, through 2049.
    return der(0x17, b"%02d0101000000Z" % (number % 100)) if number < 2050 else der(0x18, b"%d0101000000Z" % number)


def extension(identifier, value, critical=False):
    return sequence(oid(identifier), der(1, b"\xff") if critical else b"", der(4, value))


def sign(content):
    """Signs with PKCS #1 v1.5 and SHA-256 (RFC 8017, 8.2)."""
    digest = sequence(sequence(oid("608648016503040201"), der(5)), der(4, hashlib.sha256(content).digest()))
    size = (MODULUS.bit_length() + 7) // 8
    padded = b"\0\1" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
    return pow(int.from_bytes(padded, "big"), PRIVATE, MODULUS).to_bytes(size, "big")


def certificate(subject, issuer, years=NOW, extensions=(), version=3, serial=1):
    """A signed certificate in PEM. Version 1 certificates have neither a version field nor extensions."""
    validity = sequence(*(year(number) for number in years))
    parts = (integer(serial), SHA256_RSA, name(issuer), validity, name(subject), PUBLIC)
    if version == 1:
        to_sign = sequence(*parts)
    else:
        to_sign = sequence(der(0xA0, integer(2)), *parts, der(0xA3, sequence(*extensions)) if extensions else b"")
    return pem("CERTIFICATE", sequence(to_sign, SHA256_RSA, bits(sign(to_sign))))


def authority(subject=AUTHORITY):
    return certificate(subject, subject, extensions=[extension("551d13", sequence(der(1, b"\xff")), critical=True)])


def server(subject="mcp-test faults server", issuer=AUTHORITY, years=NOW, host="localhost", purpose=SERVER_AUTH):
    names = sequence(der(0x82, host.encode()))
    extensions = [extension("551d11", names), extension("551d25", sequence(oid(purpose)))]
    return certificate(subject, issuer, years, extensions)


class Folder:
    """A temporary folder of certificate files, which is removed when the program ends."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="mcp-faults-")

    def file(self, label, text):
        path = Path(self.folder.name) / f"{label}.pem"
        path.write_text(text)
        return path
