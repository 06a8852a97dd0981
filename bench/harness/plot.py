"""The results as SVG, readable on light and dark backgrounds: a group for each kind of call, with one bar for each
client, on a logarithmic scale."""

import math
from html import escape

from harness.clients import COMPARED, CURL, LIBMCP, PARSER, RAW, plain
from harness.measure import PEER_KINDS
from harness.results import Results
from harness.table import HEADINGS, number

WIDTH, LEFT, RIGHT, TOP = 860, 190, 70, 64
BAR, GAP, GROUP = 15, 4, 34

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.title { font-size: 15px; font-weight: 600 }
.kind { font-size: 13px; font-weight: 600 }
.small { font-size: 11px; fill: #57606a }
.own { font-weight: 700 }
.grid { stroke: #d0d7de; stroke-width: 1 }
.bar { fill: #8c959f } .bar.own { fill: #0969da } .bar.floor { fill: #c4ccd4 } .bar.curl { fill: #bf8700 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .small { fill: #9198a1 }
  .grid { stroke: #3d444d }
  .bar { fill: #6e7681 } .bar.own { fill: #4493f8 } .bar.floor { fill: #444c56 } .bar.curl { fill: #d29922 }
}
"""
CLASSES = {LIBMCP: "own", RAW: "floor", CURL: "curl", PARSER: "curl"}


def svg(results: Results, path: str) -> str:
    clients = [client for client in results.clients(path) if client != COMPARED]
    figures = {
        kind: [(client, results.median(path, client, kind, "cpu_us")) for client in clients] for kind in PEER_KINDS
    }
    figures = {kind: [bar for bar in bars if bar[1] is not None] for kind, bars in figures.items()}
    scale = Scale([value for bars in figures.values() for _, value in bars])
    parts, y = [], TOP
    for kind, bars in figures.items():
        parts.append(f'<text class="kind" x="16" y="{y + 12}">{HEADINGS[kind]}</text>')
        y += 20
        for client, value in bars:
            parts.append(bar(client, value, y, scale))
            y += BAR + GAP
        y += GROUP - 20
    height = y + 16
    heading = [
        '<text class="title" x="16" y="24">Client CPU time per call, in µs (less is better; logarithmic scale)</text>',
        f'<text class="small" x="16" y="42">Client and server on one core, {escape(path)}, reused connection</text>',
    ]
    lines = [scale.line(power, y - GROUP + 14) for power in scale.powers]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
        f"<style>{STYLE}</style>\n" + "\n".join(heading + lines + parts) + "\n</svg>\n"
    )


class Scale:
    """From microseconds to pixels; it starts at the power of ten below the smallest bar."""

    def __init__(self, values: list[float]) -> None:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        # A bar that starts at its own value would be invisible: begin one power lower.
        low -= math.log10(min(values)) - low < 0.1
        self.powers = range(low, high + 1)
        self.pixels = (WIDTH - LEFT - RIGHT) / max(1, high - low)

    def x(self, value: float) -> float:
        return LEFT + (math.log10(value) - self.powers[0]) * self.pixels

    def line(self, power: int, bottom: float) -> str:
        x = self.x(10.0**power)
        return (
            f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{bottom}"/>'
            f'<text class="small" text-anchor="middle" x="{x:.1f}" y="{bottom + 16}">{10.0**power:,g}</text>'
        )


def bar(client: str, value: float, y: float, scale: Scale) -> str:
    kind = CLASSES.get(client, "")
    own = ' class="own"' if client == LIBMCP else ""
    end = scale.x(value)
    return (
        f'<text{own} text-anchor="end" x="{LEFT - 8}" y="{y + 12}">{escape(plain(client))}</text>'
        f'<rect class="bar {kind}" x="{LEFT}" y="{y}" width="{end - LEFT:.1f}" height="{BAR}" rx="2"/>'
        f'<text{own} x="{end + 6:.1f}" y="{y + 12}">{number(value)}</text>'
    )
