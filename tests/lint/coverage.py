# SPDX-License-Identifier: BSD-2-Clause
"""
How many lines of the value layer the tests of values run: coverage.py BUILD PERCENT. Prints each file, the worst first,
with the lines that were not run; exits with 1 when all files together have less than PERCENT.
"""

import collections
import json
import os
import subprocess
import sys


def counts(build):
    """{file: {line: how often it ran}} from what gcov says of the libraries' objects."""
    directories = [os.path.join(build, name) for name in ("client", "collector", "common", "vtapstat")]
    data = [os.path.join(d, f) for d in directories for f in os.listdir(d) if f.endswith(".gcda")]
    said = subprocess.run(["gcov", "--json-format", "--stdout", *data], cwd=build, check=True, capture_output=True, text=True)
    found = collections.defaultdict(collections.Counter)
    for document in said.stdout.splitlines():
        for file in json.loads(document)["files"]:
            path = os.path.relpath(os.path.join(build, file["file"]), SOURCE)
            if not path.startswith(".."):
                for line in file["lines"]:
                    found[path][line["line_number"]] += line["count"]
    return found


def main():
    build, least = os.path.abspath(sys.argv[1]), float(sys.argv[2])
    rows = []
    for path, lines in counts(build).items():
        missed = sorted(number for number, count in lines.items() if not count)
        rows.append((100 - 100 * len(missed) / len(lines), len(lines), path, missed))
    for percent, _, path, missed in sorted(rows):
        print(f"{percent:6.1f} %  {path:32} {' '.join(map(str, missed))}".rstrip())
    lines = sum(row[1] for row in rows)
    percent = 100 - 100 * sum(len(row[3]) for row in rows) / lines
    print(f"summary: {percent:.1f} % of {lines} lines in {len(rows)} files, {least:g} % wanted")
    return percent < least


SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

if __name__ == "__main__":
    sys.exit(main())
