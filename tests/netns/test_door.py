# SPDX-License-Identifier: BSD-2-Clause
"""Who may come in, and that nothing which came in gets any further."""

import datetime
import socket

import pytest

import frames
import traffic
from lab import ALLOW, COLLECTOR4
from netns import wait_until

INSIDE = "10.77.0.50"  # no host has it: its frames are written by hand
OUTSIDE = "192.0.2.7"
INNER_MAC = "02:11:22:33:44:55"


def inner_frame(payload=b"inner", dst="10.9.9.9", dport=9999, dst_mac=INNER_MAC):
    return frames.udp_frame("02:aa:bb:cc:dd:ee", dst_mac, "10.9.9.1", dst, 7777, dport, payload)


def send_copy(lab, inner, source=INSIDE, to=None, vni=42, via=None):
    """What a client at `source` would send."""
    to, via = to or lab.coll, via or lab.peer
    outer = frames.udp_frame(
        via.mac(), to.mac(), source, to.address4, 50000, 4789, frames.vxlan_payload(vni, inner)
    )
    frames.send_frame(via, "eth0", outer)


def client_of(status, address):
    return next((c for c in status["clients"] if c["address"] == address), None)


def test_outside_the_allow_list(lab):
    collector = lab.collector()
    collector.wait_ok()
    reader = lab.reader()
    good, bad = inner_frame(b"good"), inner_frame(b"bad")
    for _ in range(5):
        send_copy(lab, bad, OUTSIDE)
    for _ in range(3):
        send_copy(lab, good, INSIDE)
    status = collector.wait(lambda s: s["accepted"]["packets"] == 3 and s["rejected"]["packets"] == 5, "3 in, 5 not")
    assert status["accepted"]["bytes"] == 3 * len(good)
    assert status["rejected"]["bytes"] == 5 * len(bad)
    assert client_of(status, OUTSIDE) is None
    assert client_of(status, INSIDE)["packets"] == 3
    assert client_of(status, INSIDE)["bytes"] == 3 * len(good)
    frames.quiet(reader)
    assert [f.bytes for f in reader.stop()] == [good] * 3


def test_behind_another_filter(lab):
    """Somebody's filter has the door's place: the door is behind it, and says so."""
    lab.coll.tc("qdisc add dev eth0 clsact")
    lab.coll.tc("filter add dev eth0 ingress protocol ip pref 1 u32 match ip dport 9 0xffff flowid 1:9")
    collector = lab.collector()
    collector.expect("pref 1 of eth0")
    collector.wait(lambda s: "at pref 2" in (s["endpoints"][0]["reason"] or ""), "a reason")
    reader = lab.reader()
    good = inner_frame(b"good")
    send_copy(lab, inner_frame(b"bad"), OUTSIDE)
    send_copy(lab, good)
    status = collector.wait(lambda s: s["accepted"]["packets"] == 1 and s["rejected"]["packets"] == 1, "one each")
    assert status["state"] == "degraded"
    reader.wait_for(lambda f: f == good)
    lab.coll.tc("filter del dev eth0 ingress pref 1")
    collector.wait_ok()
    send_copy(lab, inner_frame(b"bad"), OUTSIDE)
    collector.wait(lambda s: s["rejected"]["packets"] == 2, "another one")
    frames.quiet(reader)
    assert [f.bytes for f in reader.stop()] == [good]


def test_another_network_identifier(lab):
    collector = lab.collector()
    collector.wait_ok()
    reader = lab.reader()
    good, bad = inner_frame(b"good"), inner_frame(b"bad")
    send_copy(lab, bad, vni=43)
    send_copy(lab, good)
    reader.wait_for(lambda f: f == good)
    frames.quiet(reader)
    assert [f.bytes for f in reader.stop()] == [good]


def test_longest_prefix_wins_nothing_twice(lab):
    """Overlapping prefixes are one allow-list."""
    collector = lab.collector('allow = {"10.0.0.0/8", "10.77.0.0/24", "10.77.0.50"}\n')
    collector.wait_ok()
    send_copy(lab, inner_frame())
    send_copy(lab, inner_frame(), "11.0.0.1")
    collector.wait(lambda s: s["accepted"]["packets"] == 1 and s["rejected"]["packets"] == 1, "one each")


def test_other_traffic_of_the_collector_is_untouched(lab):
    """The door looks at the tunnel's port only."""
    lab.collector().wait_ok()
    stranger = lab.net.ns("stranger")
    lab.net.plug(lab.sw, "stranger", stranger, addresses=("192.0.2.7/24",))
    lab.coll.ip("addr add 192.0.2.99/24 dev eth0")
    stranger.address4 = "192.0.2.7"
    traffic.ping(stranger, "192.0.2.99", (60, 100, 1514))
    traffic.udp_echo(stranger, lab.coll, "192.0.2.99", (10, 1473, 8000))
    traffic.tcp_transfer(stranger, lab.coll, "192.0.2.99", 1_000_000)


def test_fragmented_copies_are_counted_once(lab):
    collector, _ = lab.pair()
    before = client_of(collector.status(), lab.client1.address4) or {"packets": 0, "bytes": 0}
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (1514,) * 10)
    wait_until(lambda: sum(len(f.bytes) == 1514 for f in reader.frames()) == 20)
    frames.quiet(reader)
    seen = reader.stop()
    collector.wait(
        lambda s: client_of(s, lab.client1.address4)["packets"] >= before["packets"] + len(seen), "all frames counted"
    )


# ---- the seal --------------------------------------------------------------------------------------------------


def received(sock):
    try:
        return sock.recv(65536)
    except BlockingIOError:
        return None


def test_nothing_reaches_the_collectors_stack(lab):
    collector = lab.collector()
    collector.wait_ok()
    reader = lab.reader()
    outside = lab.capture(lab.coll, "eth0")
    frames.quiet(reader, outside)
    noise = len(outside.frames())
    mac = lab.coll.mac("vtap0")
    routes = lab.coll.ip("-6 route show default")
    trap = lab.socket_at(lab.coll, 9999)
    broadcast_trap = lab.socket_at(lab.coll, 9998)
    broadcast_trap.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    router = "fe80::aabb"
    advertisement = bytes.fromhex("86000000400007080000000000000000") + bytes.fromhex("010102aabbccddee")
    pseudo = socket.inet_pton(10, router) + socket.inet_pton(10, "ff02::1") + len(advertisement).to_bytes(4, "big") + bytes((0, 0, 0, 58))
    advertisement = advertisement[:2] + frames.checksum(pseudo + advertisement).to_bytes(2, "big") + advertisement[4:]
    header = bytes.fromhex("60000000") + len(advertisement).to_bytes(2, "big") + bytes((58, 255))
    ra = bytes.fromhex("33330000000102aabbccddee86dd") + header + pseudo[:32] + advertisement

    echo = frames.udp_frame("02:aa:bb:cc:dd:ee", mac, lab.peer.address4, COLLECTOR4, 0, 0, bytes(48))
    icmp = b"\x08\x00\x00\x00\x00\x01\x00\x01" + bytes(40)
    icmp = icmp[:2] + frames.checksum(icmp).to_bytes(2, "big") + icmp[4:]
    ip = bytearray(echo[14:34])
    ip[2:4], ip[9], ip[10:12] = (20 + len(icmp)).to_bytes(2, "big"), 1, b"\0\0"
    ip[10:12] = frames.checksum(bytes(ip)).to_bytes(2, "big")

    inners = [
        inner_frame(b"unicast", COLLECTOR4, 9999, mac),
        inner_frame(b"broadcast", "255.255.255.255", 9998, "ff:ff:ff:ff:ff:ff"),
        inner_frame(b"loop", "127.0.0.1", 9999, mac),
        frames.arp_request("02:aa:bb:cc:dd:ee", "10.77.0.77", COLLECTOR4),
        echo[:14] + bytes(ip) + icmp,
        ra,
    ]
    for inner in inners:
        send_copy(lab, inner)
    reader.wait_for(lambda f: f == ra)
    assert [f.bytes for f in reader.frames()] == inners

    # the sockets do work: a datagram that is for them arrives, and is the first they see
    for trap_socket, port in ((trap, 9999), (broadcast_trap, 9998)):
        with lab.socket_at(lab.peer, 0) as sender:
            sender.sendto(b"direct", (COLLECTOR4, port))
        assert wait_until(lambda s=trap_socket: received(s)) == b"direct"
        assert received(trap_socket) is None
        trap_socket.close()
    assert lab.coll.ip("-6 route show default") == routes
    frames.quiet(reader, outside)
    assert not [f for f in reader.stop() if f.outgoing]
    sent = [f.bytes for f in outside.stop()[noise:] if f.outgoing and f.bytes[12:14] != b"\x08\x06"]
    assert not sent, [frames.describe(f) for f in sent]
    assert "02:aa:bb:cc:dd:ee" not in lab.coll.ip("neigh show")
    details = lab.coll.ip("-d link show dev vtap0")
    assert "NOARP" in details and "learning" not in details.replace("nolearning", "")
    assert not lab.coll.ip("addr show dev vtap0 scope global").count("inet")
    assert "inet6" not in lab.coll.ip("addr show dev vtap0")


def test_vtap0_emits_nothing_from_the_start(lab):
    lab.pair()
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 5)
    link = lab.coll.ip("-s -o link show dev vtap0")
    assert link.split("TX:")[1].split("\\")[1].split()[:2] == ["0", "0"], link


def test_a_client_takes_nothing_from_its_tunnel(lab):
    _, client = lab.pair()
    trap = lab.socket_at(lab.client1, 9999)
    reader = lab.reader()
    arrived = lab.capture(lab.client1)
    mac = lab.client1.mac("vtap-soc")
    for dst_mac, dst in ((mac, lab.client1.address4), ("ff:ff:ff:ff:ff:ff", "255.255.255.255")):
        inner = inner_frame(b"reply", dst, 9999, dst_mac)
        send_copy(lab, inner, COLLECTOR4, lab.client1, via=lab.coll)
        send_copy(lab, inner, lab.peer.address4, lab.client1)
    wait_until(lambda: sum(frames.is_tunnel(f.bytes, {lab.client1.address4}) for f in arrived.frames()) == 4)
    with lab.socket_at(lab.peer, 0) as sender:
        sender.sendto(b"direct", (lab.client1.address4, 9999))
    assert wait_until(lambda: received(trap)) == b"direct"
    assert received(trap) is None
    trap.close()
    frames.quiet(reader)
    assert not [f for f in reader.stop() if b"reply" in f.bytes], "the tunnel's own packets were copied"
    assert client.status()["state"] == "ok"


@pytest.mark.parametrize("direction", ["c1", "c2"])
def test_two_clients_do_not_feed_each_other(lab, direction):
    """Pings between two clients: four copies per echo, and no copy of a copy."""
    lab.collector().wait_ok()
    for ns in (lab.client1, lab.client2):
        lab.client(ns).wait_ok()
    one, two = (lab.client1, lab.client2) if direction == "c1" else (lab.client2, lab.client1)
    traffic.ping(one, two.address4, (98,))
    reader = lab.reader()
    frames.quiet(reader)
    start = len(reader.frames())
    traffic.ping(one, two.address4, (100,) * 50)
    frames.quiet(reader)
    assert sum(f.bytes[12:14] == b"\x08\x00" for f in reader.stop()[start:]) == 200


def test_allow_list_changes_with_a_reload(lab):
    collector = lab.collector()
    collector.wait_ok()
    send_copy(lab, inner_frame())
    collector.wait(lambda s: s["accepted"]["packets"] == 1, "one in")
    collector.reload('allow = {"192.0.2.0/24"}\n')
    send_copy(lab, inner_frame())
    send_copy(lab, inner_frame(), OUTSIDE)
    status = collector.wait(lambda s: s["accepted"]["packets"] == 2 and s["rejected"]["packets"] == 1, "one more each")
    assert client_of(status, OUTSIDE)["packets"] == 1
    collector.reload(ALLOW)
    send_copy(lab, inner_frame())
    collector.wait(lambda s: s["accepted"]["packets"] == 3, "the first again")


def test_allow_list_changes_without_a_gap(lab):
    """Reloads while a client sends: no frame and no count is lost, nor when the list changes around its prefix."""
    collector, client = lab.pair()
    reader = lab.reader()
    count = 3000
    sender = lab.numbered(lab.client1, count, 1500)
    lists = ("10.77.0.0/24", "10.77.0.11", "0.0.0.0/0", '10.77.0.8/29", "10.0.0.0/8', "10.77.0.0/16")
    while sender.poll() is None:
        for prefix in lists:
            collector.reload(f'allow = {{"{prefix}"}}\n')
    sender.sink.close()
    assert sender.returncode == 0
    wait_until(lambda: len(set(frames.numbers([f.bytes for f in reader.frames()], 5999))) == count, what="all numbers")
    frames.quiet(reader)
    assert sorted(frames.numbers([f.bytes for f in reader.stop()], 5999)) == list(range(count))

    def agree():
        sent = sum(m["packets"] for m in client.status()["mirrors"])
        now = collector.status()
        return now["accepted"]["packets"] == sent and client_of(now, lab.client1.address4)["packets"] == sent

    wait_until(agree, 10, lambda: f"the same sums\n{client.status()}\n{collector.status()}")
    assert collector.status()["rejected"]["packets"] == 0


# ---- floods ----------------------------------------------------------------------------------------------------


class Flood:
    """Copies from any number of sources, quickly."""

    def __init__(self, lab):
        self.lab, self.inner = lab, inner_frame()
        self.frame = bytearray(
            frames.udp_frame(lab.peer.mac(), lab.coll.mac(), INSIDE, COLLECTOR4, 50000, 4789, frames.vxlan_payload(42, self.inner))
        )
        with lab.peer:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind(("eth0", 0))

    def send(self, source):
        self.frame[26:30] = source.to_bytes(4, "big")
        self.frame[24:26] = b"\0\0"
        self.frame[24:26] = frames.checksum(bytes(self.frame[14:34])).to_bytes(2, "big")
        self.socket.send(self.frame)


def rss_kib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def test_the_busiest_rejected_sources_are_shown(lab):
    collector = lab.collector()
    collector.wait_ok()
    assert collector.status()["rejected_sources"] == []
    flood = Flood(lab)
    heavy, others = int.from_bytes(socket.inet_aton(OUTSIDE), "big"), 100_000
    for number in range(others):
        flood.send(0x14000000 + number * 7919)
        if number % 100 == 0:
            flood.send(heavy)
    status = collector.wait(lambda s: s["rejected"]["packets"] == others + others // 100, "all of them rejected", 30)
    shown = status["rejected_sources"]
    assert len(shown) == 10 and shown[0]["address"] == OUTSIDE
    assert 0.98 * others / 100 <= shown[0]["packets"] <= others / 100
    assert shown[0]["bytes"] == shown[0]["packets"] * len(flood.inner)
    assert [s["packets"] for s in shown] == sorted((s["packets"] for s in shown), reverse=True)
    seen = datetime.datetime.strptime(shown[0]["last_seen"], "%Y-%m-%dT%H:%M:%SZ")
    assert abs((datetime.datetime.utcnow() - seen).total_seconds()) < 30
    collector.leave()
    collector.start()
    assert collector.status()["rejected_sources"][0] == shown[0]


def test_a_flood_from_inside_pushes_nobody_out(lab):
    collector = lab.collector('allow = {"10.0.0.0/8"}\nmax_clients = 1000\n')
    collector.wait_ok()
    send_copy(lab, inner_frame())
    collector.wait(lambda s: s["accepted"]["packets"] == 1, "one in")
    before = rss_kib(collector)
    flood, count = Flood(lab), 100_000
    for number in range(count):
        flood.send(0x0A800000 + number * 83)
    send_copy(lab, inner_frame())
    status = collector.wait(lambda s: s["accepted"]["packets"] == count + 2, "all let in", 30)
    assert len(status["clients"]) == 1000
    assert client_of(status, INSIDE)["packets"] == 2
    assert status["overflow"]["packets"] == count - 999
    assert rss_kib(collector) < before + 4096
