# SPDX-License-Identifier: BSD-2-Clause
"""Copies that the host itself keeps back behind the tunnel: the log says so, and nobody has to ask the client for it."""

import pytest
import traffic
from lab import CLIENT_CONF, COLLECTOR4
from netns import wait_until

ALL_LOST = "blocked: copies are made, and all of them are lost"
KERNELS_PATH = CLIENT_CONF.replace(" }", ' accelerate = "off" }', 1)

FIREWALL = "add table ip guard; add chain ip guard out { type filter hook output priority 0; }; add rule ip guard out udp dport 4789 drop"
KEEPS_BACK = {
    "firewall": (KERNELS_PATH, ("nft", FIREWALL), ("nft", "delete table ip guard")),
    "routing rule": (
        KERNELS_PATH,
        ("ip", "rule", "add", "ipproto", "udp", "dport", "4789", "prohibit"),
        ("ip", "rule", "del", "ipproto", "udp", "dport", "4789", "prohibit"),
    ),
    "IPsec policy": (
        CLIENT_CONF,
        ("ip", "xfrm", "policy", "add", "dir", "out", "dst", COLLECTOR4, "proto", "udp", "dport", "4789", "action", "block"),
        ("ip", "xfrm", "policy", "flush"),
    ),
}


@pytest.mark.parametrize("what", KEEPS_BACK)
def test_all_copies_are_lost(lab, what):
    config, act, undo = KEEPS_BACK[what]
    _, client = lab.pair(client=config)
    client.expect(ALL_LOST)

    def pinged(word):
        traffic.ping(lab.client1, lab.peer.address4, (104,) * 4)
        return word in client.log()

    traffic.ping(lab.client1, lab.peer.address4, (104,))
    lab.client1.run(*act)
    wait_until(lambda: pinged(ALL_LOST), 15, client.log, 0.2)
    status = client.status()
    assert status["state"] == "degraded" and status["collectors"][0]["state"] == "blocked", status
    assert sum(m["dropped"] for m in status["mirrors"]) >= 10, status
    lab.client1.run(*undo)
    wait_until(lambda: pinged("no longer blocked"), 15, client.log, 0.2)
    client.wait_ok()
