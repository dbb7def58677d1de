# SPDX-License-Identifier: BSD-2-Clause
"""The hop in front of a tunnel goes when it is no longer needed, and takes no copy along."""

import fcntl
import os
import socket
import struct

import pytest
import traffic
from lab import CLIENT_CONF, COLLECTOR4, uses_hop
from netns import wait_until
from test_mirror import mirrored
from test_mixed import HookTally

ONTO_ETH1 = CLIENT_CONF.replace(COLLECTOR4, "10.88.0.99")
UDP_SEGMENT, SIOCSIFMTU = 103, 0x8922
PORTS, SEGMENTS = 14, 60  # a backlog takes 1000 packets, an older kernel's datagram 64 segments


def steer(ns, device, cpu):
    """What the device receives is worked on by this processor."""
    mask = f"{1 << cpu % 32:x}" + ",00000000" * (cpu // 32)
    ns.run("sh", "-c", f"echo {mask} > /sys/class/net/{device}/queues/rx-0/rps_cpus")


class Tar:
    """Packets that keep a processor's backlog busy for a good while: those behind them wait. They end in a drop."""

    RULES = """table netdev tar {
        chain leaf {
            %s
        }
        chain branch {
            %s
        }
        chain in {
            type filter hook ingress devices = { %s } priority 0
            %s
            drop
        }
    }"""

    def __init__(self, net, cpu):
        near, far = net.ns("near"), net.ns("far")
        near.ip("link add br0 type bridge forward_delay 0 mcast_snooping 0")
        for i in range(PORTS):
            near.ip(f"link add s{i} gso_max_segs 1 type veth peer name d{i} netns {far.name}")
            near.ip(f"link set s{i} master br0 up")
            far.ip(f"link set d{i} up")
            steer(far, f"d{i}", cpu)
        near.ip("addr add 192.0.2.1/24 dev br0")
        near.ip("link set br0 up")
        near.ip("neigh add 192.0.2.2 lladdr 02:00:00:00:00:99 dev br0")  # the bridge does not know it: all ports
        devices = ", ".join(f"d{i}" for i in range(PORTS))
        lines = "meta length 1 counter\n" * 50, "jump leaf\n" * 40, devices, "jump branch\n" * 40
        far.run("nft", self.RULES % lines)
        with near:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("192.0.2.2", 9))
        self.socket.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 100)

    def pour(self):
        """One datagram that is cut for each port: all of them are there before the first is worked on."""
        self.socket.send(bytes(100 * SEGMENTS))

    def close(self):
        self.socket.close()


class Held:
    """A pair whose hop's exit is worked on by a processor that `tar` keeps busy, and a sender on another one."""

    def __init__(self, lab):
        self.lab, self.processors = lab, os.sched_getaffinity(0)
        self.free, busy = sorted(self.processors)[:2]
        lab.second_network(lab.client1, lab.coll, mtu=1600)
        lab.client1.ip("link set eth1 mtu 1500")
        _, self.client = lab.pair('allow = {"10.88.0.0/24"}\n', ONTO_ETH1)
        self.hooks = HookTally(lab.client1)
        for address in (lab.peer.address4, "10.88.0.99"):
            traffic.ping(lab.client1, address, (98,))
        steer(lab.client1, "vtap-soc-x", busy)
        self.tar = Tar(lab.net, busy)
        os.sched_setaffinity(self.client.process.pid, {self.free})

    def send(self, count, then=lambda sender: None):
        """Copies that are too big for the lane."""
        with self.lab.socket_at(self.lab.peer, 5999), self.lab.socket_at(self.lab.client1, 5998) as sender:
            os.sched_setaffinity(0, {self.free})
            try:
                self.tar.pour()
                for _ in range(count):
                    sender.sendto(bytes(1472), (self.lab.peer.address4, 5999))
                then(sender)
            finally:
                os.sched_setaffinity(0, self.processors)
        self.tar.close()

    def judge(self):
        """What was handed to the interface is copied, or shown as dropped."""

        def all_counted(status):
            counts = mirrored(self.client)[0], sum(m["dropped"] for m in status["mirrors"]), self.hooks.stop()[0]
            return counts[0] + counts[1] == counts[2] > 1

        self.client.wait(all_counted, "the copies are counted")
        self.hooks.kill()


TWO_PROCESSORS = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="one processor is kept busy, another one has to be free"
)


@TWO_PROCESSORS
def test_a_copy_that_waits_between_its_ends(lab):
    """The underlay gets room while a copy is on its way through: it arrives all the same, or is shown as dropped."""
    held = Held(lab)
    held.send(1, lambda sender: fcntl.ioctl(sender, SIOCSIFMTU, struct.pack("16sI", b"eth1", 1600)))
    held.client.wait(lambda s: s["collectors"][0]["path_mtu"] == 1600 and not uses_hop(lab.client1), "the hop is not used")
    wait_until(lambda: not lab.client1.links() & {"vtap-soc-h", "vtap-soc-x"}, 20, "the hop is gone")
    held.judge()


@TWO_PROCESSORS
def test_copies_that_find_no_room_between_its_ends(lab):
    """The hop's drops and what the mirroring action could not do are the same copies."""
    held = Held(lab)
    held.send(2000)  # more than a backlog takes
    held.judge()
    status = held.client.status()
    assert 0 < status["collectors"][0]["tx_dropped"] == sum(m["dropped"] for m in status["mirrors"])
