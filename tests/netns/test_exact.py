# SPDX-License-Identifier: BSD-2-Clause
"""Whatever the network does to a tunnel packet: what the client sent, what the door counted and what a reader of the
endpoint saw are one and the same, to the byte; and what the kernel dropped behind the door is the difference."""

import itertools
import os
import socket
import struct

import frames
import pytest
import traffic
from lab import ALLOW, COLLECTOR4, COLLECTOR6, UNDERLAY6
from netns import wait_until

CONF = 'allow = {"10.77.0.0/24", "10.88.0.0/24", "127.0.0.0/8", "fd77::/64"}\n'
DUAL = CONF + 'vxlan { underlay = "dual" vni = "any" }\n'
SOURCE4, SOURCE6 = "10.77.0.50", "fd77::50"  # no host has them: their packets are written by hand
UDP, HOP_BY_HOP, FRAGMENT, DESTINATION = 17, 0, 44, 60
UNDELIVERED_S = 30.0  # it shows seconds after the loss

_number = itertools.count(1)


def inner(size=100, tags=(), kind=0x88B5):
    """A frame unlike any other."""
    head = frames.mac_bytes("02:11:22:33:44:55") + frames.mac_bytes("02:aa:bb:cc:dd:ee")
    for tpid, tci in tags:
        head += struct.pack("!HH", tpid, tci)
    head += struct.pack("!H", kind)
    return (head + struct.pack("!I", next(_number)) + os.urandom(max(size - len(head) - 4, 0)))[:size]


# ---- packets, from the inside out ------------------------------------------------------------------------------


def vxlan(frame, vni=42, flags=0x08000000, reserved=0):
    return struct.pack("!II", flags, vni << 8 | reserved) + frame


def udp(payload, checksum=0, length=None, port=4789):
    return struct.pack("!HHHH", 50000, port, length or 8 + len(payload), checksum) + payload


def ipv4(data, source=SOURCE4, to=COLLECTOR4, options=b"", fragment=0, ident=1):
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(data), ident, fragment, 64, UDP, 0)
    head += socket.inet_aton(source) + socket.inet_aton(to) + options
    return head[:10] + struct.pack("!H", frames.checksum(head)) + head[12:] + data


def fragments4(data, *cuts, **kwargs):
    cuts = [0, *cuts, len(data)]
    more = [0x2000] * (len(cuts) - 2) + [0]
    ident = next(_number)
    return [ipv4(data[a:b], fragment=a // 8 | m, ident=ident, **kwargs) for a, b, m in zip(cuts, cuts[1:], more)]


def ipv6(data, headers=(), source=SOURCE6, to=COLLECTOR6, last=UDP):
    """headers: (type, rest of the header behind its first byte), outermost first."""
    kinds = [kind for kind, _ in headers] + [last]
    chain = b"".join(bytes([following]) + rest for (_, rest), following in zip(headers, kinds[1:]))
    head = struct.pack("!IHBB", 6 << 28, len(chain) + len(data), kinds[0], 64)
    return head + socket.inet_pton(socket.AF_INET6, source) + socket.inet_pton(socket.AF_INET6, to) + chain + data


def fragments6(data, *cuts, headers=()):
    cuts = [0, *cuts, len(data)]
    ident = next(_number)
    return [
        ipv6(data[a:b], [*headers, (FRAGMENT, struct.pack("!BHI", 0, a | (b != len(data)), ident))])
        for a, b in zip(cuts, cuts[1:])
    ]


def pad(size=6):
    """The rest of a header of options: one option of a kind that nobody knows and everybody skips."""
    return bytes([(size + 2) // 8 - 1, 0x1E, size - 2]) + bytes(size - 2)


def bad_checksum(data):
    """A UDP checksum over IPv4 that is certainly wrong."""
    pseudo = socket.inet_aton(SOURCE4) + socket.inet_aton(COLLECTOR4) + struct.pack("!BBH", 0, UDP, len(data))
    right = frames.checksum(pseudo + data) or 0xFFFF
    return data[:6] + struct.pack("!H", right ^ 0x5555 or 1) + data[8:]


def ethernet(lab, packet, tag=b"", sender=None, interface="eth0"):
    kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
    sender = sender or lab.peer
    frame = frames.mac_bytes(lab.coll.mac(interface)) + frames.mac_bytes(sender.mac(interface)) + tag + kind + packet
    frames.send_frame(sender, interface, frame.ljust(60, b"\0"))


# ---- what is compared ------------------------------------------------------------------------------------------


def size_of(counted):
    return {"packets": len(counted), "bytes": sum(map(len, counted))}


def compare(collector, reader, arrived, lost=(), **other):
    """The frames that arrived are what the reader has; these and the lost ones are what the door counted."""
    came = [*arrived, *lost]
    status = collector.wait(lambda s: s["accepted"] == size_of(came), f"accepted: {size_of(came)}")
    for key in ("rejected", "malformed", "overflow"):
        assert status[key] == other.get(key, {"packets": 0, "bytes": 0}), key
    assert sum(c["packets"] for c in status["clients"]) == len(came)
    assert sum(c["bytes"] for c in status["clients"]) == sum(map(len, came))
    if arrived:
        reader.wait_for(lambda f: f == arrived[-1])
    wait_until(lambda: len(reader.frames()) >= len(arrived), what=f"{len(arrived)} frames at the reader")
    frames.quiet(reader)
    frames.assert_same_frames(arrived, [f.bytes for f in reader.stop()])
    assert status["undelivered"]["packets"] <= len(lost)
    if lost:
        collector.wait(lambda s: s["undelivered"] == size_of(lost), f"undelivered: {size_of(lost)}", UNDELIVERED_S)


# ---- every shape of a packet that arrives ----------------------------------------------------------------------

NOP = b"\1" * 4
BIG = 4000


def plain(frame):
    return udp(vxlan(frame))


# name: frames, and the packets that carry them
SHAPES = {
    "plain": ([inner()], lambda f: [ipv4(plain(f[0]))]),
    "plain IPv6": ([inner()], lambda f: [ipv6(plain(f[0]))]),
    "IPv4 options": ([inner(), inner()], lambda f: [ipv4(plain(f[0]), options=NOP), ipv4(plain(f[1]), options=NOP * 10)]),
    "fragments in order": ([inner(BIG)], lambda f: fragments4(plain(f[0]), 1000, 2000, 3000)),
    "fragments reversed": ([inner(BIG)], lambda f: fragments4(plain(f[0]), 1000, 2000, 3000)[::-1]),
    "a first fragment of eight bytes": ([inner(300)], lambda f: fragments4(plain(f[0]), 40)),
    "fragments with options": ([inner(BIG)], lambda f: fragments4(plain(f[0]), 1400, 2800, options=NOP)),
    "fragments of two in turns": (
        [inner(2000), inner(2000)],
        lambda f: list(itertools.chain(*zip(fragments4(plain(f[0]), 1000), fragments4(plain(f[1]), 1000)))),
    ),
    "IPv6 fragments in order": ([inner(BIG)], lambda f: fragments6(plain(f[0]), 1000, 2000, 3000)),
    "IPv6 fragments reversed": ([inner(BIG)], lambda f: fragments6(plain(f[0]), 1000, 2000, 3000)[::-1]),
    "IPv6 hop by hop": ([inner()], lambda f: [ipv6(plain(f[0]), [(HOP_BY_HOP, pad())])]),
    "IPv6 destination options": ([inner()], lambda f: [ipv6(plain(f[0]), [(DESTINATION, pad(14)), (DESTINATION, pad(22))])]),
    "IPv6 hop by hop, destination": (
        [inner()], lambda f: [ipv6(plain(f[0]), [(HOP_BY_HOP, pad()), (DESTINATION, pad())])],
    ),
    "IPv6 atomic fragment": ([inner()], lambda f: fragments6(plain(f[0]))),
    "IPv6 options and fragments": ([inner(BIG)], lambda f: fragments6(plain(f[0]), 1400, 2800, headers=[(HOP_BY_HOP, pad())])),
    "inner VLAN": ([inner(tags=[(0x8100, 5)])], lambda f: [ipv4(plain(f[0]))]),
    "inner QinQ": ([inner(tags=[(0x88A8, 7), (0x8100, 5)])], lambda f: [ipv4(plain(f[0]))]),
    "inner QinQ, fragments": ([inner(BIG, tags=[(0x88A8, 7), (0x8100, 5)])], lambda f: fragments4(plain(f[0]), 1400, 2800)),
    "three inner tags": ([inner(tags=[(0x88A8, 7), (0x8100, 5), (0x8100, 6)])], lambda f: [ipv6(plain(f[0]))]),
    "runts": ([inner(n) for n in range(18, 60)], lambda f: [ipv4(plain(x)) for x in f]),
    "jumbo": ([inner(9014)], lambda f: fragments4(plain(f[0]), *range(1400, 9000, 1400))),
    "as big as can be": ([inner(65000)], lambda f: fragments4(plain(f[0]), *range(1400, 65000, 1400))),
    "padding behind the datagram": ([inner(30)], lambda f: [ipv4(plain(f[0]) + b"trailer")]),
    "several identifiers": (
        [inner(100 + n) for n in range(4)], lambda f: [ipv4(udp(vxlan(x, vni))) for x, vni in zip(f, (1, 2, 42, 0xFFFFFF))],
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_arrives_and_is_counted_once(lab, shape):
    sent, packets = SHAPES[shape]
    collector = lab.collector(DUAL)
    collector.wait_ok()
    reader = lab.reader()
    for packet in packets(sent):
        ethernet(lab, packet)
    compare(collector, reader, sent)


def test_priority_tag_on_the_underlay(lab):
    """VLAN 0: a priority and no network of its own; the kernel takes the tag away and goes on."""
    collector = lab.collector(CONF)
    collector.wait_ok()
    reader = lab.reader()
    sent = [inner(), inner(tags=[(0x8100, 9)])]
    for frame in sent:
        ethernet(lab, ipv4(plain(frame)), tag=b"\x81\x00\xa0\x00")
    ethernet(lab, ipv4(plain(inner())), tag=b"\x81\x00\x00\x05")  # a network that this host is not in
    compare(collector, reader, sent)


def test_several_interfaces_and_loopback(lab):
    lab.second_network(lab.peer, lab.coll)
    collector = lab.collector(CONF)
    collector.wait_ok()
    reader = lab.reader()
    sent = [inner(100 + n) for n in range(6)]
    ethernet(lab, ipv4(plain(sent[0])))
    ethernet(lab, ipv4(plain(sent[1]), "10.88.0.50", "10.88.0.99"), interface="eth1")
    ethernet(lab, ipv4(plain(sent[2]), "10.88.0.50", "10.88.0.99"), interface="eth1")
    for frame, to in zip(sent[3:], ("127.0.0.1", COLLECTOR4, "10.88.0.99")):
        with lab.socket_at(lab.coll, 0) as local:
            local.sendto(vxlan(frame), (to, 4789))
    reader.wait_for(lambda f: f == sent[5])
    compare(collector, reader, sent)
    assert {c["address"]: c["packets"] for c in collector.status()["clients"]} == {
        SOURCE4: 1, "10.88.0.50": 2, "127.0.0.1": 1, COLLECTOR4: 1, "10.88.0.99": 1,
    }  # fmt: skip


# ---- what the kernel drops behind the door ---------------------------------------------------------------------

LOSSES = {
    "a fragment is missing": (1, lambda f: [fragments4(plain(f[0]), 1000, 2000)[n] for n in (0, 2)]),
    "the last IPv6 fragment is missing": (1, lambda f: fragments6(plain(f[0]), 1000, 2000)[:2]),
    "bad UDP checksum": (1, lambda f: [ipv4(bad_checksum(plain(f[0])))]),
    "unknown identifier": (2, lambda f: [ipv4(udp(vxlan(x, 43))) for x in f]),
    "reserved flag bits": (2, lambda f: [ipv4(udp(vxlan(x, flags=0x88000000))) for x in f]),
    "reserved byte": (1, lambda f: [ipv4(udp(vxlan(f[0], reserved=1)))]),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_the_kernel_drops_is_undelivered(lab, loss):
    count, packets = LOSSES[loss]
    underlay = "ipv6" if "IPv6" in loss else "ipv4"
    lab.coll.sysctl("net.ipv4.ipfrag_time", 1)
    lab.coll.sysctl("net.ipv6.ip6frag_time", 1)
    collector = lab.collector(CONF + f'vxlan {{ underlay = "{underlay}" }}\n')
    collector.wait_ok()
    reader = lab.reader()
    lost = [inner(2500 if "fragment" in loss else 1000) for _ in range(count)]
    good = inner()
    for packet in packets(lost):
        ethernet(lab, packet)
    ethernet(lab, ipv4(plain(good)) if underlay == "ipv4" else ipv6(plain(good)))
    compare(collector, reader, [good], lost)


def test_undelivered_stays_over_restarts(lab):
    collector = lab.collector(CONF)
    collector.wait_ok()
    lost = inner()
    ethernet(lab, ipv4(udp(vxlan(lost, 43))))
    collector.wait(lambda s: s["undelivered"] == size_of([lost]), "undelivered", UNDELIVERED_S)
    collector.kill()
    collector.start()
    assert collector.status()["undelivered"] == size_of([lost])
    lab.coll.ip("link del vtap0")  # the device's own counters start anew
    good = inner()
    wait_until(lambda: "vtap0" in lab.coll.links() and "UP" in lab.coll.ip("link show dev vtap0"), what="the endpoint again")
    reader = lab.reader()
    ethernet(lab, ipv4(plain(good)))
    reader.wait_for(lambda f: f == good)
    collector.leave()
    ethernet(lab, ipv4(udp(vxlan(lost, 43))))
    ethernet(lab, ipv4(plain(good)))
    collector.start()
    assert collector.status()["undelivered"]["packets"] >= 1
    collector.wait(lambda s: s["undelivered"] == size_of([lost, lost]), "one more", UNDELIVERED_S)
    assert collector.status()["accepted"] == size_of([lost, good, lost, good])


# ---- what is no VXLAN packet by its own headers ----------------------------------------------------------------

MALFORMED = {
    "no identifier flag": ipv4(udp(vxlan(inner(), flags=0))),
    "a frame without a header": ipv4(udp(vxlan(inner(13)))),
    "no frame": ipv4(udp(vxlan(b""))),
    "half a header": ipv4(udp(b"\x08\0\0\0")),
    "longer than the packet": ipv4(udp(vxlan(inner()), length=200)),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_is_counted_and_dropped(lab, what):
    collector = lab.collector(CONF)
    collector.wait_ok()
    reader = lab.reader()
    good = inner()
    ethernet(lab, MALFORMED[what])
    ethernet(lab, ipv4(plain(good)))
    collector.wait(lambda s: s["malformed"]["packets"] == 1, "one malformed packet")
    compare(collector, reader, [good], malformed=collector.status()["malformed"])  # its bytes: with or without padding


# ---- aggregates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["IPv4, fragments", "IPv6, whole"])
@pytest.mark.parametrize("gro", ["off", "on"])
def test_bulk_tcp(make_lab, gro, path):
    """With GRO on the underlay the kernel may glue tunnel packets together; their number and bytes stay the client's."""
    whole = path == "IPv6, whole"
    lab = make_lab(mtu=1600 if whole else 1500)
    if gro == "on":
        lab.sw.run("ethtool", "-K", "coll", "tso", "off")  # or veth sees no use in GRO
        lab.coll.run("ethtool", "-K", "eth0", "gro", "on")
    if whole:
        collector, client = lab.pair(
            ALLOW + 'vxlan { underlay = "ipv6" }\n', f'collector "soc" {{ address = "{UNDERLAY6}" }}\nmirror "eth0" {{ }}\n'
        )
    else:
        collector, client = lab.pair()
    traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address4, 3_000_000, pacing=10_000_000)
    traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address6, 1_000_000, pacing=10_000_000)

    def agree():
        one, other = client.status(), collector.status()
        sums = {key: sum(m[key] for m in one["mirrors"]) for key in ("packets", "bytes")}
        return other["accepted"] == sums and other["endpoints"][0]["rx_dropped"] == 0

    wait_until(agree, 15, lambda: f"the same sums\n{client.status()}\n{collector.status()}", 0.2)
    lost = inner()
    packet = udp(vxlan(lost, 43))
    ethernet(lab, ipv6(packet, to=UNDERLAY6) if whole else ipv4(packet))
    collector.wait(lambda s: s["undelivered"] == size_of([lost]), "nothing but that one undelivered", UNDELIVERED_S)


# ---- packets that are not for this host ------------------------------------------------------------------------


def test_a_router_leaves_the_packets_of_others_alone(lab):
    """A collector that forwards, between two networks; the tunnel packets of others go through it."""
    lab.second_network(lab.coll, lab.client2)
    lab.coll.sysctl("net.ipv4.conf.all.forwarding", 1)
    collector = lab.collector(CONF)
    collector.wait_ok()
    lab.coll.ip(f"neigh replace 10.88.0.12 lladdr {lab.client2.mac('eth1')} dev eth1")
    arrived = lab.capture(lab.client2, "eth1")
    sent = [
        ipv4(plain(inner()), source, "10.88.0.12") for source in ("192.0.2.1", SOURCE4)
    ] + [ipv4(udp(vxlan(inner(), flags=0)), "192.0.2.1", "10.88.0.12")]
    lab.coll.sysctl("net.ipv4.conf.all.rp_filter", 0)
    lab.coll.sysctl("net.ipv4.conf.eth0.rp_filter", 0)
    for packet in sent:
        ethernet(lab, packet)
    for packet in sent:
        arrived.wait_for(lambda f, p=packet: f[34:] == p[20:], what="a forwarded packet")
    good = inner()
    ethernet(lab, ipv4(plain(good)))
    ethernet(lab, ipv4(plain(good), "192.0.2.1"))
    status = collector.wait(lambda s: s["rejected"] == size_of([good]), "its own are judged")
    assert status["accepted"] == size_of([good])
    assert status["malformed"]["packets"] == 0
    # a known client's to somebody else are not counted either
    for packet in sent[1:2] * 20:
        ethernet(lab, packet)
    wait_until(lambda: sum(f.bytes[34:] == sent[1][20:] for f in arrived.frames()) == 21, what="all of them forwarded")
    assert collector.status()["accepted"] == size_of([good])
    # nor is a group that every host is in, whatever the routes say, a way round the allow-list
    lab.coll.ip("route add default via 10.88.0.12")
    ethernet(lab, ipv4(plain(good), "192.0.2.1", "224.0.0.1"))
    collector.wait(lambda s: s["rejected"] == size_of([good, good]), "rejected too")
