"""The table of the server matrix: the cells of each real server, and the expected result of each cell.

A cell is one run of cell.c. It is defined by a server, the way the transport is selected, the form in which a token is
sent, the token, and the pinned protocol version. The table has one row for each server.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """The HTTP status for a token, and the complete WWW-Authenticate header; None: no such header."""

    status: int
    challenge: str | None = None


# The server's response to each token, for each form in which the token is sent.
ACCEPTED = None
Tokens = dict[str, Refusal | None]
Forms = dict[str, Tokens]

# The negotiated ERA@VERSION for each pin.
Versions = dict[str, str]


@dataclass(frozen=True)
class Server:
    """A row of the table: all combinations of forms, tokens and pins.

    With `second_path`, the server also has an HTTP+SSE endpoint at a path that does not end in /sse. A POST to that
    path gets 404 or 405, so the result depends on the response to GET.
    """

    cells: int  # the number of cells; it detects errors in the expansion below
    forms: Forms
    versions: Versions
    second_path: bool = False


@dataclass(frozen=True)
class Cell:
    """The arguments of cell.c, which describes them."""

    server: str
    way: str
    form: str
    token: str
    pin: str
    expect: str
    challenge: str | None

    @property
    def name(self) -> str:
        form = "header" if self.form == "x-api-key" else self.form
        name = f"matrix.{self.server}.{form}.{self.token}.{self.pin}"
        return name if self.way == "url" else f"{name}.{self.way}"

    @property
    def arguments(self) -> list[str]:
        words = [self.way, self.form, self.token, self.pin, self.expect]
        return words if self.challenge is None else [*words, self.challenge]


# --- Challenges, as seen with curl ---------------------------------------------------------------

# They do not depend on the protocol version, the form of the token or, with HTTP+SSE, the HTTP method (GET or POST).

FASTMCP_INVALID = (
    'Bearer error="invalid_token", error_description="Authentication failed. The provided bearer '
    "token is invalid, expired, or no longer recognized by the server. To resolve: clear "
    "authentication tokens in your MCP client and reconnect. Your client should automatically "
    're-register and obtain new tokens."'
)
FASTMCP4_INVALID = f'{FASTMCP_INVALID}, scope="read"'
SDK_METADATA = 'resource_metadata="https://libmcp.test/.well-known/oauth-protected-resource/mcp"'
SDK_INVALID = (
    'Bearer error="invalid_token", error_description="Authentication required", ' + SDK_METADATA
)
SDK_SCOPE = (
    'Bearer error="insufficient_scope", error_description="Required scope: read", ' + SDK_METADATA
)

# --- Tokens --------------------------------------------------------------------------------------


def bearer(tokens: Tokens) -> Forms:
    """The same results for mcp_set_bearer and for the header Authorization."""
    return {"bearer": tokens, "header": tokens}


# FastMCP treats a token without the required scope as an invalid token.
FASTMCP4 = bearer({
    "no": Refusal(401, 'Bearer scope="read"'),
    "right": ACCEPTED,
    "wrong": Refusal(401, FASTMCP4_INVALID),
    "expired": Refusal(401, FASTMCP4_INVALID),
    "missing-scope": Refusal(401, FASTMCP4_INVALID),
})
FASTMCP3 = bearer({
    "no": Refusal(401, "Bearer"),
    "right": ACCEPTED,
    "wrong": Refusal(401, FASTMCP_INVALID),
    "expired": Refusal(401, FASTMCP_INVALID),
    "missing-scope": Refusal(401, FASTMCP_INVALID),
})
FASTMCP2 = bearer({
    "no": Refusal(401, FASTMCP_INVALID),
    "right": ACCEPTED,
    "wrong": Refusal(401, FASTMCP_INVALID),
    "expired": Refusal(401, FASTMCP_INVALID),
    "missing-scope": Refusal(401, FASTMCP_INVALID),
})
SDK2 = bearer({
    "no": Refusal(401, SDK_INVALID),
    "right": ACCEPTED,
    "wrong": Refusal(401, SDK_INVALID),
    "expired": Refusal(401, SDK_INVALID),
    "missing-scope": Refusal(403, SDK_SCOPE),
})

# A server with an API key sends no challenge, and ignores bearer tokens.
API_KEY: Forms = {
    "bearer": {
        "no": Refusal(401),
        "right": Refusal(401),
        "wrong": Refusal(401),
        "expired": Refusal(401),
        "missing-scope": Refusal(401),
    },
    "x-api-key": {
        "no": Refusal(401),
        "right": ACCEPTED,
        "wrong": Refusal(401),
        "expired": Refusal(401),
        "missing-scope": Refusal(403),
    },
}

NO_AUTHORIZATION = bearer({
    "no": ACCEPTED,
    "right": ACCEPTED,
    "wrong": ACCEPTED,
    "expired": ACCEPTED,
    "missing-scope": ACCEPTED,
})

# --- Versions ------------------------------------------------------------------------------------

MODERN: Versions = {
    "negotiated": "modern@2026-07-28",
    "2025-11-25": "legacy@2025-11-25",
}
LEGACY: Versions = {
    "negotiated": "legacy@2025-11-25",
    "2025-06-18": "legacy@2025-06-18",
}
EVERYTHING: Versions = {
    "negotiated": "legacy@2025-11-25",
    "2025-03-26": "legacy@2025-03-26",
    "2025-06-18": "legacy@2025-06-18",
    "2025-11-25": "legacy@2025-11-25",
}
# Over HTTP+SSE, all servers support every legacy version.
SSE: Versions = {
    "negotiated": "legacy@2025-11-25",
    "2024-11-05": "legacy@2024-11-05",
    "2025-03-26": "legacy@2025-03-26",
    "2025-06-18": "legacy@2025-06-18",
    "2025-11-25": "legacy@2025-11-25",
}

# --- Servers -------------------------------------------------------------------------------------

SERVERS = {
    "fastmcp4-static": Server(20, FASTMCP4, MODERN),
    "fastmcp4-jwt": Server(20, FASTMCP4, MODERN),
    "fastmcp4-stateless": Server(20, FASTMCP4, MODERN),
    "fastmcp4-apikey": Server(20, API_KEY, MODERN),
    "fastmcp4-sse": Server(68, FASTMCP4, SSE, second_path=True),
    "fastmcp4-sse-jwt": Server(68, FASTMCP4, SSE, second_path=True),
    "fastmcp3-static": Server(20, FASTMCP3, LEGACY),
    "fastmcp3-jwt": Server(20, FASTMCP3, LEGACY),
    "fastmcp3-sse": Server(68, FASTMCP3, SSE, second_path=True),
    "fastmcp2-static": Server(20, FASTMCP2, LEGACY),
    "fastmcp2-jwt": Server(20, FASTMCP2, LEGACY),
    "fastmcp2-sse": Server(68, FASTMCP2, SSE, second_path=True),
    "sdk2": Server(20, SDK2, MODERN),
    "sdk2-sse": Server(68, SDK2, SSE, second_path=True),
    "everything": Server(40, NO_AUTHORIZATION, EVERYTHING),
    "everything-sse": Server(68, NO_AUTHORIZATION, SSE, second_path=True),
}
TOTAL = 628

# --- Expansion -----------------------------------------------------------------------------------


def cells(name: str) -> list[Cell]:
    """All cells of the server `name`."""
    server = SERVERS[name]
    found = [
        cell(name, "url", form, token, pin)
        for form, tokens in server.forms.items()
        for token in tokens
        for pin in server.versions
    ]
    return [*found, *second_path_cells(name)] if server.second_path else found


def second_path_cells(name: str) -> Iterator[Cell]:
    """The cells for the second path: with one form only, and with all pins only for the right token."""
    server = SERVERS[name]
    for token in server.forms["bearer"]:
        for pin in server.versions if token == "right" else ["negotiated"]:
            for way in ("set-transport", "fall-back"):
                yield cell(name, way, "bearer", token, pin)


def cell(name: str, way: str, form: str, token: str, pin: str) -> Cell:
    server = SERVERS[name]
    refusal = server.forms[form][token]
    if refusal is None:  # ACCEPTED
        return Cell(name, way, form, token, pin, server.versions[pin], None)
    return Cell(name, way, form, token, pin, str(refusal.status), refusal.challenge)
