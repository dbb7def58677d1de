# SPDX-License-Identifier: BSD-2-Clause
"""GRO on the underlay merges the tunnel packets themselves. Readers see the frames that were sent nevertheless: all of
them, in their order, with their checksums."""

import signal
import socket
import struct

import frames
import pytest
import traffic
from lab import NOT_TUNNEL, UNDERLAY6
from netns import wait_until
from test_exact import ethernet, ipv4, plain, size_of

ALLOW = 'allow = {"10.77.0.0/24", "10.88.0.0/24", "fd78::/64"}\n'
NOT_TUNNEL6 = f"({NOT_TUNNEL}) and not (ip6 dst host {UNDERLAY6})"
VNI_ANY = 'vxlan { underlay = "dual" vni = "any" }\n'

# the endpoint, and the underlay that has room for whole copies
PATHS = {
    "IPv4": ("", "10.88.0.99", "eth1", "x99"),
    "IPv6": ('vxlan { underlay = "ipv6" }\n', UNDERLAY6, "eth0", "coll"),
    "IPv4, through a bridge": ("", "10.88.0.99", "eth1", "x99"),
    "IPv4, any identifier": (VNI_ANY, "10.88.0.99", "eth1", "x99"),
    "IPv6, any identifier": (VNI_ANY, UNDERLAY6, "eth0", "coll"),
}


def merge(lab, port, interface):
    lab.sw.run("ethtool", "-K", port, "tso", "off")  # or veth sees no use in GRO
    lab.coll.run("ethtool", "-K", interface, "gro", "on")


class Merging:
    """A lab whose collector gets its tunnel packets whole, and merges them."""

    def __init__(self, make_lab, path="IPv4", more=""):
        endpoint, self.address, self.interface, port = PATHS[path]
        self.lab = lab = make_lab(mtu=1600)
        lab.second_network(lab.client1, lab.coll, mtu=1600)
        merge(lab, port, self.interface)
        if "bridge" in path:
            self.bridge()
        self.config = ALLOW + (more or endpoint)
        self.collector, self.client = lab.pair(
            self.config, f'collector "soc" {{ address = "{self.address}" }}\nmirror "eth0" {{ }}\n'
        )
        for address in (lab.peer.address4, lab.peer.address6):
            traffic.ping(lab.client1, address, (98,))
        frames.quiet(self.capture("vtap0"))

    def bridge(self):
        """The address moves to a bridge above; the host is still known by the port's Ethernet address."""
        ns = self.lab.coll
        ns.ip("link add br0 address 02:00:00:00:00:99 type bridge forward_delay 0 mcast_snooping 0")
        ns.ip("link set br0 mtu 1600 up")
        ns.ip("addr flush dev eth1")
        ns.ip("link set eth1 master br0")
        ns.ip("addr add 10.88.0.99/24 dev br0")
        self.lab.client1.ip(f"neigh replace 10.88.0.99 lladdr {ns.mac('eth1')} dev eth1")

    def capture(self, interface):
        return self.lab.capture(self.lab.coll, interface)

    def bulk(self, size=3_000_000, pacing=20_000_000):
        lab = self.lab
        traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address4, size, pacing=pacing)
        traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address6, size // 3, pacing=pacing)

    def agree(self):
        """The client's sum is the door's count, and all of it was delivered."""

        def look():
            one, other = self.client.status(), self.collector.status()
            sums = {key: sum(m[key] for m in one["mirrors"]) for key in ("packets", "bytes")}
            return (
                other["accepted"] == sums
                and other["endpoints"][0]["rx_packets"] == sums["packets"]
                and other["endpoints"][0]["rx_bytes"] == sums["bytes"]
                and other["undelivered"] == {"packets": 0, "bytes": 0}
            )

        wait_until(look, 15, lambda: f"the same sums\n{self.client.status()}\n{self.collector.status()}", 0.2)


def directions(captured):
    """Each sender's frames, in their order."""
    found = {}
    for frame in captured:
        found.setdefault(frame.bytes[6:12], []).append(frame.bytes)
    return found


@pytest.mark.parametrize("path", PATHS)
def test_merged_packets_reach_readers_as_frames(make_lab, path):
    merging = Merging(make_lab, path)
    lab = merging.lab
    before = merging.collector.status()["accepted"]
    underlay = merging.capture(merging.interface)
    source = lab.capture(lab.client1, wire=True, expression=NOT_TUNNEL6)
    reader = merging.capture("vtap0")
    with traffic.one_processor():  # which leaves no excuse for another order
        merging.bulk()
        frames.quiet(source, reader, underlay)
    merging.agree()
    sent, seen = source.stop(), reader.stop()
    assert max(len(f.bytes) for f in underlay.stop()) > 2 * 1600, "GRO merged nothing"
    frames.assert_same_frames([f.bytes for f in sent], [f.bytes for f in seen])
    frames.assert_clean(reader.path)
    after = merging.collector.status()["accepted"]
    assert {k: after[k] - before[k] for k in after} == {"packets": len(seen), "bytes": sum(len(f.bytes) for f in seen)}
    wanted, got = directions(sent), directions(seen)
    for sender, order in wanted.items():
        late = [n for n, (a, b) in enumerate(zip(order, got[sender])) if a != b]
        assert not late, f"from frame {late[0]} of {len(order)} on in another order, {len(late)} in all"


def test_as_asked(make_lab):
    """gro = true: the merged frames themselves, no veth pair; and back, without the loss of a count."""
    merging = Merging(make_lab, more="vxlan { gro = true }\n")
    links = merging.lab.coll.links
    assert "vtap0-s" not in links()
    reader = merging.capture("vtap0")
    merging.bulk()
    frames.quiet(reader)
    assert max(len(f.bytes) for f in reader.stop()) > 2 * 1514
    merging.collector.reload(ALLOW)
    wait_until(lambda: "vtap0-s" in links(), 15, "the veth pair")
    merging.collector.wait_ok()
    reader = merging.capture("vtap0")
    merging.bulk()
    frames.quiet(reader)
    assert max(len(f.bytes) for f in reader.stop()) == 1514
    merging.collector.reload(ALLOW + "vxlan { gro = true }\n")
    wait_until(lambda: "vtap0-s" not in links(), 15, "no veth pair")


# ---- order -----------------------------------------------------------------------------------------------------

HELD_NS = 200_000_000  # by the interface, so that what is sent meanwhile arrives in one go


def segment(sequence, payload=b"", flags=0x10):
    """A TCP segment from somebody to somebody."""
    source, to = socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.2")
    tcp = struct.pack("!HHIIBBHHH", 1, 2, sequence, 1, 0x50, flags, 1000, 0, 0) + payload
    total = frames.checksum(source + to + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + source + to
    ip = ip[:10] + struct.pack("!H", frames.checksum(ip)) + ip[12:]
    return frames.mac_bytes("02aabbccddee") + frames.mac_bytes("021122334455") + b"\x08\x00" + ip + tcp


def hold(ns, interface):
    """The next packets wait for each other."""
    script = 'echo 100 > "$0/napi_defer_hard_irqs" && echo $1 > "$0/gro_flush_timeout"'
    ns.run("sh", "-c", script, f"/sys/class/net/{interface}", str(HELD_NS))


def test_what_is_not_merged_does_not_overtake(make_lab):
    """One connection: segments that are merged, and between them some that are not."""
    lab = make_lab(mtu=1600)
    merge(lab, "coll", "eth0")
    collector = lab.collector()
    collector.wait_ok()
    reader, underlay = lab.reader(), lab.capture(lab.coll, "eth0", expression="udp port 4789")
    sent, at = [], 1
    for _ in range(8):
        for _ in range(4):
            sent.append(segment(at, bytes(1000)))
            at += 1000
        sent.append(segment(at))  # nothing in it
        sent.append(segment(at, b"urgent", 0x30))
        at += 6
    hold(lab.coll, "eth0")
    ethernet(lab, ipv4(plain(sent[0])))  # it makes the interface hold the others
    reader.wait_for(lambda f: f == sent[0])
    for frame in sent[1:]:
        ethernet(lab, ipv4(plain(frame), fragment=0x4000, ident=0))
    reader.wait_for(lambda f: f == sent[-1])
    wait_until(lambda: len(reader.frames()) >= len(sent), what="all frames")
    assert max(len(f.bytes) for f in underlay.stop()) > 3000, "GRO merged nothing"
    got = [f.bytes for f in reader.stop()]
    frames.assert_same_frames(sent, got)
    assert got == sent, [sent.index(f) for f in got]
    assert collector.status()["accepted"] == size_of(sent)


# ---- losses ----------------------------------------------------------------------------------------------------


def test_what_gets_lost_on_the_way_is_undelivered(make_lab):
    merging = Merging(make_lab)
    ns, collector = merging.lab.coll, merging.collector
    reader = merging.capture("vtap0")
    merging.bulk(1_000_000)
    frames.quiet(reader)
    start = collector.status()["accepted"]["packets"]
    delivered = len(reader.frames())
    collector.process.send_signal(signal.SIGSTOP)
    ns.ip("link set vtap0-t down")
    merging.bulk(1_000_000)
    frames.quiet(reader)
    collector.process.send_signal(signal.SIGCONT)
    wait_until(lambda: "UP" in ns.ip("link show dev vtap0-t"), 15, "the repair")
    collector.wait_ok()
    merging.bulk(1_000_000)
    frames.quiet(reader)
    status = collector.wait(lambda s: s["undelivered"]["packets"] > 0, "what was lost", 30)
    lost = status["accepted"]["packets"] - start - (len(reader.frames()) - delivered)
    assert lost > 100
    assert status["accepted"]["packets"] == sum(m["packets"] for m in merging.client.status()["mirrors"])
    collector.wait(lambda s: s["undelivered"]["packets"] == lost, f"{lost} undelivered", 30)
