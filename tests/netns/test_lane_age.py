# SPDX-License-Identifier: BSD-2-Clause
"""The express lane's way when nobody renews it."""

import json
import os
import signal
import socket

from heal import warm
from netns import run
from test_lane import lane, wait_lane, ways

UDP_SEGMENT, SEGMENT = 103, 100
UNTIL, OLD = slice(8, 16), slice(84, 88)  # of struct express_slot


def bpf_map(verb, number, *more):
    return json.loads(run("bpftool", "-j", "map", verb, "id", str(number), *more).stdout or "null")


class Way:
    def __init__(self, ns):
        (outer,) = bpf_map("dump", ways(ns))
        inner = bytes(int(b, 16) for b in next(v for k, v in outer.items() if k != "key"))
        self.number = int.from_bytes(inner, "little")
        self.slot = bytearray(int(b, 16) for b in bpf_map("dump", self.number)[0]["value"])

    def good_until(self, when):
        """Nanoseconds; as a renewal writes it."""
        self.slot[UNTIL], self.slot[OLD] = when.to_bytes(8, "little"), bytes(4)
        run("bpftool", "map", "update", "id", str(self.number), "key", *"0000", "value", *map(str, self.slot))


def test_a_way_grows_old_under_aggregates(lab):
    """However many frames they are: those that the time is asked for are not always passed over."""
    _, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    processors = os.sched_getaffinity(0)
    with lab.socket_at(lab.peer, 5999), lab.socket_at(lab.client1, 5998) as sender:
        sender.connect((lab.peer.address4, 5999))
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
        os.sched_setaffinity(0, {min(processors)})
        try:
            for phase in range(8):
                before = lane(client)
                client.process.send_signal(signal.SIGSTOP)
                way = Way(lab.client1)
                way.good_until((1 << 64) - 1)
                sender.send(bytes(3 * SEGMENT))
                way.good_until(0)
                for _ in range(4):
                    sender.send(bytes(8 * SEGMENT))
                client.process.send_signal(signal.SIGCONT)
                now = lane(client)
                assert now["packets"] > before["packets"], phase
                assert now["passed"]["unattended"] > before["passed"]["unattended"], phase
        finally:
            os.sched_setaffinity(0, processors)
