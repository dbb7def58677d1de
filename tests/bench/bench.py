# SPDX-License-Identifier: BSD-2-Clause
"""What the benchmarks share: the tests' network, tables, and what a process costs."""

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
    """A table of text: the first column to the left, the others to the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    print(f"\n{title}")
    for row in [heads, *rows]:
        cells = [row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print("  " + "  ".join(cells).rstrip(), flush=True)


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
