# SPDX-License-Identifier: BSD-2-Clause
"""What the benchmarks share: the tests' network, tables, and what a process costs."""

import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "netns"))
os.environ["PATH"] += ":/usr/sbin:/sbin"

from lab import Lab, remove_tools  # noqa: E402
from netns import remove_leftovers  # noqa: E402
from netns import run as netns_run  # noqa: E402


def run(measure):
    """Calls measure(lab) in a network of its own. A benchmark that cannot measure is an error; no number is."""
    if os.geteuid() != 0:
        sys.exit("this makes network namespaces: run it as root")
    remove_leftovers()
    lab = Lab()
    try:
        measure(lab)
    except AssertionError as error:
        for name, text in lab.logs():
            print(f"--- log of {name}\n{text[-3000:]}", file=sys.stderr)
        sys.exit(f"could not be measured: {error}")
    finally:
        lab.close()
        remove_tools()


def table(title, heads, rows):
    """A table in Markdown, aligned, so that it reads well as text too: all columns but the first to the right."""
    rows = [[str(cell) for cell in row] for row in [heads, *rows]]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(heads))]
    rows.insert(1, ["-" * width if i == 0 else "-" * (width - 1) + ":" for i, width in enumerate(widths)])
    print(f"\n### {title[0].upper()}{title[1:]}\n")
    for row in rows:
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width) for i, (cell, width) in enumerate(zip(row, widths))]
        print("| " + " | ".join(cells) + " |", flush=True)


def series(name, title, axis, xs, panels):
    """Numbers for a plot: a panel is a title and a value for each x. Kept only where tests/bench/run asks for them."""
    directory = os.environ.get("VTAP_BENCH_SERIES")
    if not directory:
        return
    path = os.path.join(directory, name + ".json")
    with open(path, "w", encoding="ascii") as f:
        json.dump({"title": title, "axis": axis, "xs": xs, "panels": panels}, f)


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * percent / 100))]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
        return int(f.read().split()[0]) / 1e9


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def tools_output(*command, timeout=300):
    return netns_run(*map(str, command), timeout=timeout).stdout

