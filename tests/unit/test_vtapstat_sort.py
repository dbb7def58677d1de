#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""vtapstat --sort, and the shells' completions, which know the same columns."""
import os
import re
import subprocess
import unittest

from vtapstat_rig import CLIENTS, DEGRADED, OK, Case, line

MIRRORS = [{"interface": f"eth{i}", "direction": "ingress", "method": "tc", "collector": "soc", "state": "mirroring",
            "reason": None, "packets": i * 3 % 10, "bytes": i, "dropped": 0, "repairs": 0} for i in range(12)]  # fmt: skip


class Sort(Case):
    def column(self, *args, which=0, pattern="10."):
        text = self.check(0, "-s", self.path, *args).stdout
        return [row.split()[which] for row in text.splitlines() if row.startswith(pattern)]

    def test_clients(self):
        self.serve(line({**OK, "clients": CLIENTS[::-1]}))
        addresses = [client["address"] for client in CLIENTS]
        self.assertEqual(self.column(), addresses)
        self.assertEqual(self.column("--sort", "packets"), addresses)
        self.assertEqual(self.column("--sort", "-packets"), addresses[::-1])
        self.assertEqual(self.column("--sort=name"), addresses)
        self.assertEqual(self.column("--sort=-Client"), addresses[::-1])
        by_bytes = [c["address"] for c in sorted(CLIENTS, key=lambda c: -c["bytes"])]
        self.assertEqual(self.column("--sort=BYTES"), by_bytes)

    def test_mirrors(self):
        self.serve(line({**DEGRADED, "state": "ok", "mirrors": MIRRORS}))
        names = [mirror["interface"] for mirror in MIRRORS]
        self.assertEqual(self.column(pattern="eth"), names)
        self.assertEqual(self.column("--sort=-interface", pattern="eth"), names[::-1])
        by_packets = [m["interface"] for m in sorted(MIRRORS, key=lambda m: -m["packets"])]
        self.assertEqual(self.column("--sort=packets", pattern="eth"), by_packets)

    def test_usage(self):
        self.check(2, "--sort", "nothing", out="", err=['no column "nothing"', "collector's clients: client name encap vni",
                                                        "last-seen\n", "client's mirrors: interface direction"])  # fmt: skip
        result = self.check(2, "--sort", "vni", "client", out="", err="client's mirrors: interface")
        self.assertNotIn("collector's clients", result.stderr)
        self.check(2, "--sort=bytes", "--json", out="", err="cannot be sorted")
        self.check(2, "--sort", out="", err="usage:")
        self.serve()
        self.check(2, "--sort=interface", "-s", self.path, out="", err="a collector answers, which has no column interface")


class Completion(Case):
    """The shells' completions know what the program knows."""

    DIRECTORY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../completion")

    def complete(self, *words):
        script = """source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _vtapstat; printf '%s\\n' "${COMPREPLY[@]}" """
        result = subprocess.run(["bash", "-c", script, "bash", self.DIRECTORY + "/bash/vtapstat", "vtapstat", *words],
                                capture_output=True, text=True, check=False)
        self.assertEqual(result.stderr, "")
        return [word for word in result.stdout.split("\n") if word]

    def columns(self):
        """As the program lists them: of the collector, of the client."""
        lists = re.findall(r"^  .*: (.*)$", self.check(2, "--sort=?", err="?").stderr, re.M)
        self.assertEqual(len(lists), 2)
        return [names.split() for names in lists]

    def test_bash(self):
        collector, client = self.columns()
        self.assertEqual(self.complete("--sort", ""), collector + client)
        self.assertEqual(self.complete("--sort", "="), collector + client)
        self.assertEqual(self.complete("collector", "--sort", "=", ""), collector)
        self.assertEqual(self.complete("client", "--sort", ""), client)
        self.assertEqual(self.complete("client", "--sort", "-b"), ["-bytes", "-bits/s"])
        self.assertEqual(self.complete(""), ["client", "collector"])
        self.assertEqual(self.complete("--sort", "client", "co"), ["collector"])
        self.assertEqual(self.complete("client", ""), [])
        self.assertEqual(self.complete("--watch", "=", ""), [])
        self.assertEqual(self.complete("--watch", "cl"), ["client"])
        self.assertEqual(self.complete("-s", self.directory[:-2]), [self.directory])
        spaced = os.path.join(self.directory, "two words")
        with open(spaced, "w", encoding="ascii"):
            self.assertEqual(self.complete("-s", spaced[:-2]), [spaced])
        self.assertEqual(sorted(self.complete("-")), sorted(re.findall(r"(?<![a-z-])--?[a-zA-Z]+", self.options())))

    def options(self):
        return "\n".join(row[:25] for row in self.check(0, "--help").stdout.splitlines() if row.startswith("  "))

    def test_others_know_the_same(self):
        words = [word for names in self.columns() for word in names]
        options = re.findall(r"--([a-z]+)", self.options())
        for name in "zsh/_vtapstat", "fish/vtapstat.fish":
            with open(f"{self.DIRECTORY}/{name}", encoding="ascii") as file:
                known = re.findall(r"[a-z][a-z/-]*[a-z]", file.read())
            self.assertEqual([word for word in words + options if word not in known], [], name)


if __name__ == "__main__":
    unittest.main()
