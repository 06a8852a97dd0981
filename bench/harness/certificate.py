"""Creates a temporary CA and a certificate for 127.0.0.1, with openssl(1)."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
NAMES = "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=CA:FALSE\n"


@dataclass
class Certificate:
    authority: Path
    chain: Path
    key: Path


def make(folder: Path) -> Certificate:
    made = Certificate(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    authority_key, request, names = folder / "ca.key", folder / "server.csr", folder / "names"
    names.write_text(NAMES)
    openssl("req", "-x509", *CURVE, "-subj", "/CN=bench CA", "-keyout", authority_key, "-out", made.authority)
    openssl("req", *CURVE[:-2], "-subj", "/CN=127.0.0.1", "-keyout", made.key, "-out", request)
    signing = ["-CA", made.authority, "-CAkey", authority_key, "-CAcreateserial", "-extfile", names, "-days", "2"]
    openssl("x509", "-req", "-in", request, *signing, "-out", made.chain)
    return made


def openssl(*arguments: object) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
