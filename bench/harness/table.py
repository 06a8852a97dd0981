"""The results as Markdown."""

from harness.clients import LABELS, LIBMCP, PARSER, plain
from harness.measure import KINDS
from harness.results import Results

HEADINGS = {"ping": "ping", "echo100": "echo 100 B", "echo1M": "echo 1 MB"}
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


def megabytes(kib: float | None) -> str:
    return number(None if kib is None else kib * KIB_IN_MB, 2)


def of_path(results: Results, path: str) -> str:
    head = ["client CPU µs per call"]
    for kind in KINDS:
        head += [HEADINGS[kind], "ratio"]
    head += ["wall µs: ping", "100 B", "1 MB", "RSS MB", "with 1 MB", "cold ms", "server µs: ping", "1 MB"]
    return table(head, [row(results, path, client) for client in results.clients(path)])


def row(results: Results, path: str, client: str) -> list[str]:
    cells = [LABELS[client]]
    for kind in KINDS:
        cells.append(number(results.median(path, client, kind, "cpu_us")))
        cells.append(number(results.ratio(path, client, PARSER, kind)))
    cells += [number(results.median(path, client, kind, "wall_us")) for kind in KINDS]
    cells += [megabytes(results.median(path, client, kind, "rss_kib")) for kind in ("ping", "echo1M")]
    cells.append(number(results.median(path, client, "cold", "cold_ms")))
    cells += [number(results.median(path, client, kind, "server_us")) for kind in ("ping", "echo1M")]
    return cells


def spread(results: Results, path: str) -> str:
    """The range of libmcp's samples: it shows whether the third digit is significant."""
    shares = []
    for kind in KINDS:
        samples = [sample["cpu_us"] for sample in results.samples.get((path, LIBMCP, kind), [])]
        if len(samples) > 1:
            shares.append(f"{HEADINGS[kind]} {number(min(samples))} to {number(max(samples))}")
    return f"Range of libmcp's rounds, µs: {', '.join(shares)}." if shares else ""


def slower_server(results: Results, path: str) -> str:
    """The cases in which the server uses more CPU time than the client, so that wall times depend on the server."""
    found = []
    for client in results.clients(path):
        for kind in KINDS:
            server, own = (results.median(path, client, kind, key) for key in ("server_us", "cpu_us"))
            if server is not None and own is not None and server > own:
                found.append(f"{plain(client)} at {HEADINGS[kind]} ({number(server)} µs)")
    return f"The server uses more CPU time than the client for: {', '.join(found)}." if found else ""
