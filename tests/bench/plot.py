# SPDX-License-Identifier: BSD-2-Clause
"""Plots of what bench.series kept, as SVG: plot.py FROM TO, both directories. It needs nothing but Python."""

import json
import math
import os
import sys

PANEL_W, PANEL_H = 270, 190  # with everything around the axes
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 58, 40
STYLE = """text { font: 11px sans-serif; fill: #333 } .title { font-size: 14px; font-weight: bold }
.head { font-weight: bold } .grid { stroke: #ddd } .axis { stroke: #333 }
.line { stroke: #1f6fb2; stroke-width: 2; fill: none } .dot { fill: #1f6fb2 }"""


def escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(value):
    """A number on an axis."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def ticks(top, wanted=4):
    """Round numbers from zero to the first that is not below the top."""
    step = 10 ** math.floor(math.log10(top / wanted)) if top > 0 else 1
    step = next(step * n for n in (1, 2, 5, 10) if step * n * wanted >= top)
    count = math.ceil(top / step - 1e-9) or 1
    return [round(step * n, 10) for n in range(count + 1)]


class Panel:
    """One plot: x is logarithmic, with a place for zero; y is linear and starts at zero."""

    def __init__(self, number, axis, xs, title, ys):
        self.left, self.top = number * PANEL_W + LEFT, TOP
        self.width, self.height = PANEL_W - LEFT - RIGHT, PANEL_H - BOTTOM
        self.axis, self.xs, self.title, self.ys = axis, xs, title, ys
        self.ticks = ticks(max(ys))
        self.logs = [math.log10(x) if x > 0 else math.log10(min(v for v in xs if v > 0)) - 0.6 for x in xs]

    def x(self, log):
        least, most = min(self.logs), max(self.logs)
        return self.left + self.width * (log - least) / (most - least)

    def y(self, value):
        return self.top + self.height * (1 - value / self.ticks[-1])

    def draw(self):
        bottom, right = self.top + self.height, self.left + self.width
        yield f'<text class="head" x="{self.left}" y="{self.top - 10}">{escape(self.title)}</text>'
        for tick in self.ticks:
            y = self.y(tick)
            yield f'<line class="grid" x1="{self.left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
            yield f'<text x="{self.left - 6}" y="{y + 4:.1f}" text-anchor="end">{short(tick)}</text>'
        last = -math.inf
        for value, log in zip(self.xs, self.logs):
            x = self.x(log)
            yield f'<line class="axis" x1="{x:.1f}" y1="{bottom}" x2="{x:.1f}" y2="{bottom + 4}"/>'
            if x - last >= 30:  # no label over another
                yield f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{short(value)}</text>'
                last = x
        middle = (self.left + right) / 2
        yield f'<text x="{middle:.1f}" y="{bottom + 33}" text-anchor="middle">{escape(self.axis)}</text>'
        yield f'<path class="axis" fill="none" d="M{self.left} {self.top}V{bottom}H{right}"/>'
        points = [(self.x(log), self.y(value)) for log, value in zip(self.logs, self.ys)]
        yield f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
        for x, y in points:
            yield f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'


def svg(title, axis, xs, panels):
    width, height = PANEL_W * len(panels) + RIGHT, TOP + PANEL_H
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>',
    ]
    for number, (head, ys) in enumerate(panels):
        lines += Panel(number, axis, xs, head, ys).draw()
    return "\n".join([*lines, "</svg>", ""])


def main(source, target):
    os.makedirs(target, exist_ok=True)
    for name in sorted(os.listdir(source)):
        with open(os.path.join(source, name), encoding="ascii") as f:
            picture = svg(**json.load(f))
        path = os.path.join(target, f"growth-{name.removesuffix('.json')}.svg")
        with open(path, "w", encoding="ascii") as f:
            f.write(picture)
        print(f"plot     {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
