#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""vtapstat --sort."""
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


if __name__ == "__main__":
    unittest.main()
