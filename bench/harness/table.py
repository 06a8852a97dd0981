"""The results as Markdown."""

from harness.clients import LABELS, LIBMCP, PARSER, plain
from harness.measure import EVENTS, KINDS, PAYLOADS, TOOLS
from harness.results import Results

HEADINGS = {
    "ping": "ping",
    "echo100": "echo 100 B",
    "echo1M": "echo 1 MB",
    "json1M": "1 MB of JSON in text",
    "plain1M": "1 MB without escapes",
    "unicode1M": "1 MB, not ASCII",
    "tools": f"list of {TOOLS:,} tools",
    "events": f"one of {EVENTS:,} events",
}
NOTHING = "–"
KIB_IN_MB = 1024 / 1e6


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table whose first column is text and whose other columns are numbers."""
    rule = ["---"] + ["--:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def number(value: float | None, digits: int = 3) -> str:
    """A number with three significant digits, without exponent."""
    if value is None:
        return NOTHING
    if value >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    before = len(str(int(value)))
    return f"{value:.{digits - before}f}"


def of_kind(kind: str, value: float | None) -> str:
    """A cost per call as the tables show it: that of "events" is divided by their number."""
    return number(value / EVENTS if kind == "events" and value is not None else value)


def megabytes(kib: float | None) -> str:
    return number(None if kib is None else kib * KIB_IN_MB, 2)


def of_path(results: Results, path: str) -> list[str]:
    """The tables of a path: calls, payloads if they were measured, and the costs besides the CPU time of the client."""
    clients = results.clients(path)
    head = ["client CPU µs per call", *cpu_head(KINDS), "RSS MB", "cold ms"]
    tables = [table(head, [calls_row(results, path, client) for client in clients])]
    payloads = tuple(kind for kind in PAYLOADS if any((path, client, kind) in results.samples for client in clients))
    if payloads:
        rows = [[LABELS[client], *cpu_cells(results, path, client, payloads)] for client in clients]
        # The clients that make none of these calls.
        rows = [row for row in rows if set(row[1:]) != {NOTHING}]
        tables.append(table(["client CPU µs per call", *cpu_head(payloads)], rows))
    head = ["wall µs: ping", "100 B", "1 MB", "server µs: ping", "1 MB", "RSS MB with 1 MB"]
    return [*tables, table(["", *head], [other_row(results, path, client) for client in clients])]


def cpu_head(kinds: tuple[str, ...]) -> list[str]:
    return [cell for kind in kinds for cell in (HEADINGS[kind], "ratio")]


def cpu_cells(results: Results, path: str, client: str, kinds: tuple[str, ...]) -> list[str]:
    cells = []
    for kind in kinds:
        cells.append(of_kind(kind, results.median(path, client, kind, "cpu_us")))
        cells.append(number(results.ratio(path, client, PARSER, kind)))
    return cells


def calls_row(results: Results, path: str, client: str) -> list[str]:
    memory = megabytes(results.median(path, client, "ping", "rss_kib"))
    cold = number(results.median(path, client, "cold", "cold_ms"))
    return [LABELS[client], *cpu_cells(results, path, client, KINDS), memory, cold]


def other_row(results: Results, path: str, client: str) -> list[str]:
    cells = [LABELS[client]]
    cells += [number(results.median(path, client, kind, "wall_us")) for kind in KINDS]
    cells += [number(results.median(path, client, kind, "server_us")) for kind in ("ping", "echo1M")]
    return [*cells, megabytes(results.median(path, client, "echo1M", "rss_kib"))]


def by_kind(what: str, kinds: tuple[str, ...], figures: dict[tuple[str, str], float | None]) -> str:
    """A table of figures by client and kind."""
    clients = dict.fromkeys(client for client, _ in figures)
    rows = [[LABELS[client], *(of_kind(kind, figures.get((client, kind))) for kind in kinds)] for client in clients]
    return table([what, *(HEADINGS[kind] for kind in kinds)], rows)


def spread(results: Results, path: str) -> str:
    """The range of libmcp's samples: it shows whether the third digit is significant."""
    shares = []
    for kind in KINDS + PAYLOADS:
        samples = [sample["cpu_us"] for sample in results.samples.get((path, LIBMCP, kind), [])]
        if len(samples) > 1:
            shares.append(f"{HEADINGS[kind]} {of_kind(kind, min(samples))} to {of_kind(kind, max(samples))}")
    return f"Range of libmcp's rounds, µs: {', '.join(shares)}." if shares else ""


def slower_server(results: Results, path: str) -> str:
    """The cases in which the server uses more CPU time than the client, so that wall times depend on the server."""
    found = []
    for client in results.clients(path):
        for kind in KINDS + PAYLOADS:
            server, own = (results.median(path, client, kind, key) for key in ("server_us", "cpu_us"))
            if server is not None and own is not None and server > own:
                found.append(f"{plain(client)} at {HEADINGS[kind]} ({of_kind(kind, server)} µs)")
    return f"The server uses more CPU time than the client for: {', '.join(found)}." if found else ""
