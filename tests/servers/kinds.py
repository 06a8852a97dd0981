"""The real servers: the installation that each needs, and the command that starts it."""

from dataclasses import dataclass
from pathlib import Path

from install import installed

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Kind:
    install: str
    words: tuple[str, ...] = ()
    script: str = ""

    def command(self) -> list[str]:
        folder = installed(self.install)
        if self.install == "everything":
            entry = folder / "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
            preload = HERE / "everything/announce.cjs"
            return ["node", "--require", str(preload), str(entry), *self.words]
        if self.install in ("ts2", "oidc"):
            return ["node", str(HERE / self.install / "server.mjs"), *self.words, str(folder)]
        if self.install == "ts1":
            return ["node", str(HERE / "ts1" / self.script), str(folder)]
        if self.install == "zitadel":
            return [str(folder / "server")]
        script = self.script or ("sdk_server.py" if self.install == "sdk2" else "fastmcp_server.py")
        return [str(folder / "bin/python"), str(HERE / script), *self.words]


FASTMCP, SDK = "features_fastmcp.py", "features_sdk.py"
OAUTH = "fastmcp_oauth.py"

KINDS = {
    "fastmcp4-static": Kind("fastmcp4", ("--auth", "static")),
    "fastmcp4-jwt": Kind("fastmcp4", ("--auth", "jwt")),
    "fastmcp4-stateless": Kind("fastmcp4", ("--auth", "static", "--stateless")),
    "fastmcp4-apikey": Kind("fastmcp4", ("--auth", "apikey")),
    "fastmcp3-static": Kind("fastmcp3", ("--auth", "static")),
    "fastmcp3-jwt": Kind("fastmcp3", ("--auth", "jwt")),
    "fastmcp2-static": Kind("fastmcp2", ("--auth", "static")),
    "fastmcp2-jwt": Kind("fastmcp2", ("--auth", "jwt")),
    "sdk2": Kind("sdk2"),
    "everything": Kind("everything", ("streamableHttp",)),
    "fastmcp4-sse": Kind("fastmcp4", ("--auth", "static", "--sse")),
    "fastmcp4-sse-jwt": Kind("fastmcp4", ("--auth", "jwt", "--sse")),
    "fastmcp3-sse": Kind("fastmcp3", ("--auth", "static", "--sse")),
    "fastmcp2-sse": Kind("fastmcp2", ("--auth", "static", "--sse")),
    "sdk2-sse": Kind("sdk2", ("--sse",)),
    "everything-sse": Kind("everything", ("sse",)),
    "features-fastmcp4": Kind("fastmcp4", script=FASTMCP),
    "features-fastmcp4-sse": Kind("fastmcp4", ("--sse",), script=FASTMCP),
    "features-fastmcp3": Kind("fastmcp3", script=FASTMCP),
    "features-fastmcp2": Kind("fastmcp2", script=FASTMCP),
    "features-sdk2": Kind("sdk2", script=SDK),
    "features-sdk2-sse": Kind("sdk2", ("--sse",), script=SDK),
    "features-ts2": Kind("ts2", ("--http",)),
    "oauth-oidc": Kind("oidc"),
    "oauth-fastmcp4": Kind("fastmcp4", ("--auth", "memory"), script=OAUTH),
    "oauth-fastmcp4-proxy": Kind("fastmcp4", ("--auth", "proxy"), script=OAUTH),
    "oauth-fastmcp4-remote": Kind("fastmcp4", ("--auth", "remote"), script=OAUTH),
    "oauth-fastmcp2": Kind("fastmcp2", ("--auth", "memory"), script=OAUTH),
    "oauth-fastmcp2-proxy": Kind("fastmcp2", ("--auth", "proxy"), script=OAUTH),
    "oauth-fastmcp2-remote": Kind("fastmcp2", ("--auth", "remote"), script=OAUTH),
    "oauth-sdk2": Kind("sdk2", script="sdk_oauth.py"),
    "oauth-ts1": Kind("ts1", script="authorization.mjs"),
    "oauth-zitadel": Kind("zitadel"),
}

# Servers that a client starts as a process.
STDIO = {
    "everything-stdio": Kind("everything", ("stdio",)),
    "features-fastmcp4-stdio": Kind("fastmcp4", ("--stdio",), script=FASTMCP),
    "features-fastmcp3-stdio": Kind("fastmcp3", ("--stdio",), script=FASTMCP),
    "features-fastmcp2-stdio": Kind("fastmcp2", ("--stdio",), script=FASTMCP),
    "features-sdk2-stdio": Kind("sdk2", ("--stdio",), script=SDK),
    "features-ts2-stdio": Kind("ts2", ("--stdio",)),
}
