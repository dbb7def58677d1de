# SPDX-License-Identifier: BSD-2-Clause
"""Method tee: every IP packet once, both ways, whatever others do to nftables, and nothing of it left in the end."""

import re
import socket
import struct
import tempfile

import pytest

import frames
import traffic
from lab import CLIENT_CONF, COLLECTOR4
from netns import wait_until
from test_mirror import UNDERLAYS, counted, mirrored, route_gets

TEE = 'mirror "eth0" { method = "tee" }\n'
TEE_CONF = CLIENT_CONF.replace('mirror "eth0" { }\n', TEE)
TABLES = "nftables"
MEGABYTE = 1_000_000
PORT = 5999


def nft(ns, *args, **kwargs):
    return ns.run("nft", *args, **kwargs).stdout


def nft_load(ns, text):
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as f:
        f.write(text)
        f.flush()
        nft(ns, "-f", f.name)


def as_teed(frame):
    """The IP packet as far as tee leaves it alone: no Ethernet, padding, TTL, DF and header checksum. None: no IP."""
    kind, ip = frame[12:14], bytearray(frame[14:])
    if kind == b"\x08\x00":
        ip = ip[: ip[2] << 8 | ip[3]]
        ip[6] &= 0xBF
        ip[8] = ip[10] = ip[11] = 0
    elif kind == b"\x86\xdd":
        ip = ip[: 40 + (ip[4] << 8 | ip[5])]
        ip[7] = 0
    else:
        return None
    return b"\xff" * 12 + kind + bytes(ip)


def teed(captured, *collectors):
    """What tee must copy of a capture of the monitored interface."""
    return [as_teed(f.bytes) for f in captured if as_teed(f.bytes) and not frames.is_tunnel(f.bytes, collectors)]


def complaints(captured):
    """ICMP errors among captured frames."""
    found = []
    for f in captured:
        ip = f.bytes[14:]
        if f.bytes[12:14] == b"\x08\x00" and ip[9] == 1 and ip[(ip[0] & 15) * 4] in (3, 4, 11, 12):
            found.append(frames.describe(f.bytes))
        if f.bytes[12:14] == b"\x86\xdd" and ip[6] == 58 and ip[40] < 128:
            found.append(frames.describe(f.bytes))
    return found


def total(client):
    """Packets that all mirrors copied."""
    status = client if isinstance(client, dict) else client.status()
    return sum(m["packets"] for m in status["mirrors"])


def send(ns, address, data, interface=None, join=None):
    """One UDP datagram; with `join` the host listens to that group itself."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with ns:
        s = socket.socket(family, socket.SOCK_DGRAM)
    with s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if interface:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
        index = int(ns.ip(f"-o link show dev {interface}").split(":")[0]) if interface else 0
        if join and family == socket.AF_INET:
            s.setsockopt(0, socket.IP_MULTICAST_IF, struct.pack("4s4si", bytes(4), bytes(4), index))
            s.setsockopt(0, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4si", socket.inet_aton(join), bytes(4), index))
        elif join:
            s.setsockopt(41, socket.IPV6_JOIN_GROUP, socket.inet_pton(family, join) + struct.pack("i", index))
        s.sendto(data, (address, PORT, 0, index) if index and family == socket.AF_INET6 else (address, PORT))


def payloads(reader, data):
    return sum(f.bytes.count(data) for f in reader.frames())


def assert_teed(lab, reader):
    """One echo of either family, and its answer, are each copied once."""
    for address in (lab.peer.address4, lab.peer.address6):
        at = len(reader.frames())
        traffic.ping(lab.client1, address, (333,))
        wait_until(lambda x=at: sum(len(f.bytes) == 333 for f in reader.frames()[x:]) == 2, 5, "two copies")
        frames.quiet(reader, still=0.05)
        assert sum(len(f.bytes) == 333 for f in reader.frames()[at:]) == 2


# ---- what is copied --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("underlay", UNDERLAYS)
def test_every_ip_packet_once(make_lab, underlay):
    """The monitored interface carries the tunnel too: no copy of a copy; full size, with DF set: no word to production."""
    mtu, collector_conf, address, local, keys, _ = UNDERLAYS[underlay]
    lab = make_lab(mtu=mtu)
    one, peer = lab.client1, lab.peer
    for host in (address, peer.address4, peer.address6):
        traffic.ping(one, host, (98,))
    before = route_gets(lab)
    collector, client = lab.pair(collector_conf, TEE_CONF.replace(f'"{COLLECTOR4}"', f'"{address}" {keys}'))
    frames.quiet(lab.reader())
    reader, wire = lab.reader(), lab.capture(one, wire=True)
    sink = lab.socket_at(one, PORT)
    base = total(client)

    traffic.ping(one, peer.address4, range(60, 1515, 7))
    traffic.ping(one, peer.address6, range(62, 1515, 7))
    traffic.ping(peer, one.address4, (60, 1514))
    traffic.udp_echo(one, peer, peer.address4, (1, 18, 1000, 1471, 1472))
    traffic.udp_echo(one, peer, peer.address6, (1, 1000, 1451, 1452))
    for size in (1473, 2953, 8000, 30000):
        send(peer, one.address4, bytes(size))  # fragments come in
    traffic.tcp_transfer(one, peer, peer.address4, MEGABYTE)
    traffic.tcp_transfer(one, peer, peer.address6, MEGABYTE)
    frames.quiet(reader, wire)
    sink.close()

    captured = wire.stop()
    last = {}

    def agree():
        last.update(mirrors=total(client) - base, reader=len(reader.frames()), collector=counted(collector, getattr(one, local)))
        return last["mirrors"] == last["reader"] and last["collector"] == mirrored(client)

    wait_until(agree, 10, lambda: f"counts that agree: {last} {client.status()}", 0.1)
    frames.assert_same_frames(teed(captured, address), [as_teed(f.bytes) for f in reader.stop()])
    frames.assert_clean(reader.path)
    assert not complaints(captured)
    assert route_gets(lab) == before, "a path MTU of production changed"
    status = client.status()
    assert [m["method"] for m in status["mirrors"]] == ["tee", "tee"]
    assert status["state"] == "ok" and sum(m["dropped"] for m in status["mirrors"]) == 0


def test_each_direction_counts_its_own(lab):
    _, client = lab.pair(client=TEE_CONF)
    traffic.ping(lab.client1, lab.peer.address4, (98,))
    traffic.ping(lab.client1, lab.peer.address6, (98,))
    frames.quiet(lab.reader())
    was = client.status()["mirrors"]
    sink = lab.socket_at(lab.client1, PORT)
    assert lab.numbered(lab.client1, 300, 3000).wait(10) == 0
    for _ in range(20):
        send(lab.peer, lab.client1.address4, bytes(58))

    def grown(status):
        return [(m["packets"] - w["packets"], m["bytes"] - w["bytes"]) for m, w in zip(status["mirrors"], was)]

    client.wait(lambda s: grown(s) == [(20, 20 * 100), (300, 300 * 142)], "packets and bytes of each direction")
    sink.close()


def test_one_direction(lab):
    _, client = lab.pair(client=TEE_CONF.replace('"tee"', '"tee" direction = "egress"'))
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (98,) * 5)
    frames.quiet(reader)
    seen = [f.bytes for f in reader.stop() if f.bytes[23] == 1]
    assert len(seen) == 5 and all(f[34] == 8 for f in seen), "echo requests, and no answer"
    assert "prerouting" not in nft(lab.client1, "list", "ruleset")
    assert client.status()["state"] == "ok"


def test_what_goes_to_many_is_copied_once(lab):
    """The kernel hands a sender that listens another copy of its own packet: it is not production's."""
    lab.pair(client=TEE_CONF)
    for ns in (lab.client1, lab.peer):
        ns.ip("route add 224.0.0.0/4 dev eth0")
    sink = lab.socket_at(lab.client1, PORT)
    reader = lab.reader()
    cases = [("10.77.0.255", None), ("255.255.255.255", None), ("239.1.2.3", "239.1.2.3"), ("ff05::77", "ff05::77")]
    sent = []
    listener = lab.socket_at(lab.client1, PORT + 1)
    index = int(lab.client1.ip("-o link show dev eth0").split(":")[0])
    listener.setsockopt(0, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4si", socket.inet_aton("239.1.2.3"), bytes(4), index))
    for ns in (lab.client1, lab.peer):
        for number, (address, join) in enumerate(cases):
            data = f"to many {ns.name} {number} ".encode() * 3
            sent.append(data[:40])
            send(ns, address, data[:40], "eth0", join)
    for data in sent:
        wait_until(lambda d=data: payloads(reader, d), 5, f"a copy of {data}")
    frames.quiet(reader)
    assert [payloads(reader, d) for d in sent] == [1] * 8
    sink.close()
    listener.close()


def test_two_clients_watch_each_other(lab):
    collector = lab.collector()
    collector.wait_ok()
    for ns in (lab.client1, lab.client2):
        lab.client(ns, TEE_CONF).wait_ok()
    reader = lab.reader()
    traffic.ping(lab.client1, lab.client2.address4, (98,) * 10)
    frames.quiet(reader)
    assert sum(f.bytes[23] == 1 and f.bytes[12:14] == b"\x08\x00" for f in reader.stop()) == 40


def test_nobody_listens_at_the_collector(lab):
    """ICMP errors about copies are not copied. The tunnel's device does not see what takes the express lane."""
    client = lab.client(config=TEE_CONF.replace("address =", 'accelerate = "off" address ='))
    client.wait_ok()
    copies = lab.capture(lab.client1, "vtap-soc")
    wire = lab.capture(lab.client1)
    traffic.ping(lab.client1, lab.peer.address4, (98,) * 10)
    frames.quiet(copies, wire)
    assert complaints(wire.stop()), "the collector's kernel has no such port"
    assert not complaints(copies.frames())
    assert sum(len(f.bytes) == 98 for f in copies.stop()) == 20


# ---- what it takes of the host ---------------------------------------------------------------------------------


def surroundings(ns):
    """All of a host that tee could touch. Neighbours come and go by themselves, except on our own devices."""
    text = [ns.ip("-o link"), ns.ip("addr"), ns.ip("rule"), ns.ip("-6 rule"), ns.ip("route show table all")]
    text += [ns.ip("-6 route show table all"), nft(ns, "list", "ruleset")]
    return re.sub(r"expires \d+sec|packets \d+ bytes \d+", "", "\n".join(text))


FOREIGN = """
table inet production {
	counter seen_tcp {
		packets 7 bytes 700
	}
	chain watch {
		type filter hook prerouting priority 0; policy accept;
		meta l4proto tcp counter name "seen_tcp"
	}
}
"""


def test_stopping_leaves_nothing(lab):
    one = lab.client1
    nft_load(one, FOREIGN)
    before = surroundings(one)
    _, client = lab.pair(client=TEE_CONF)
    traffic.ping(one, lab.peer.address4, (98, 1514))
    traffic.ping(one, lab.peer.address6, (98, 1514))
    assert "vtap-client" in nft(one, "list", "ruleset") and "192.0.0.8" in one.ip("route show table all")
    assert set(re.findall(r"^(\S+) .*dev vtap-soc", one.ip("neigh show nud all"), re.M)) == {"192.0.0.8", "fe80::7674"}
    assert "ff00::/8" not in one.ip("-6 route show table all dev vtap-soc")
    assert "vtap-soc" not in one.ip("route show") + one.ip("-6 route show")
    client.stop()
    assert surroundings(one) == before
    assert "packets 7 bytes 700" in nft(one, "list", "counters")
    assert "vtap" not in one.ip("neigh show nud all")


def test_a_router_says_nothing_into_the_feed(lab):
    """Forwarding makes IPv6 interfaces join groups, and say so."""
    for key in ("all", "default"):
        lab.client1.sysctl(f"net.ipv6.conf.{key}.forwarding", 1)
    collector = lab.collector()
    collector.wait_ok()
    reader = lab.reader()
    client = lab.client(config=TEE_CONF.replace("eth0", "lo0"))
    client.expect("lo0 does not exist").wait(lambda s: s["collectors"][0]["state"] == "up", "the tunnel")
    lab.client1.ip("link set vtap-soc down")
    wait_until(lambda: "set up" in client.log(), 5, client.log)
    frames.quiet(reader, still=1.5)
    assert not reader.stop()


def test_without_tee_nothing_is_loaded(lab):
    _, client = lab.pair()
    with open(f"/proc/{client.process.pid}/maps", encoding="ascii") as f:
        assert "nftables" not in f.read()
    client.reload(TEE_CONF)
    client.wait_ok()
    with open(f"/proc/{client.process.pid}/maps", encoding="ascii") as f:
        assert "nftables" in f.read()


# ---- restarts and reloads --------------------------------------------------------------------------------------


def test_killed_and_started_again(lab):
    """No copy is missing, none is doubled, the tables are taken over as they are, and the counters go on."""
    _, client = lab.pair(client=TEE_CONF)
    traffic.ping(lab.client1, COLLECTOR4, (98,))
    reader = lab.reader()
    rules = nft(lab.client1, "-a", "list", "ruleset")
    rules = re.sub(r"packets \d+ bytes \d+", "", rules)
    sender = lab.numbered(lab.client1, 4000, 4000)
    client.kill()
    client.start()
    client.wait_ok()
    client.leave()
    client.start()
    assert sender.communicate(timeout=30)[0] == "4000\n"
    frames.quiet(reader)
    assert frames.numbers([f.bytes for f in reader.frames()], PORT) == list(range(4000))
    assert re.sub(r"packets \d+ bytes \d+", "", nft(lab.client1, "-a", "list", "ruleset")) == rules
    client.wait(lambda s: sum(m["packets"] for m in s["mirrors"]) >= 4000, "counters that went on")


def test_killed_and_started_without_tee(lab):
    _, client = lab.pair(client=TEE_CONF)
    client.kill()
    client.write_config(CLIENT_CONF)
    client.start()
    client.wait_ok()
    assert nft(lab.client1, "list", "ruleset") == ""
    assert "192.0.0.8" not in lab.client1.ip("route show table all")


def test_reload_between_tc_and_tee(lab):
    _, client = lab.pair()
    reader = lab.reader()
    base = total(client)
    last = [0, 0]
    for _ in range(2):
        for conf, method in ((TEE_CONF, "tee"), (CLIENT_CONF, "tc")):
            client.reload(conf)
            status = client.wait_ok()
            assert [m["method"] for m in status["mirrors"]] == [method] * 2
            assert ("dup to" in nft(lab.client1, "list", "ruleset")) == (method == "tee")
            assert ("bpf" in lab.client1.tc("filter show dev eth0 egress", check=False)) == (method == "tc")
            assert ("192.0.0.8" in lab.client1.ip("route show table all")) == (method == "tee")
            assert_teed(lab, reader)
            now = [m["packets"] for m in client.status()["mirrors"]]
            assert all(n >= w + 2 for n, w in zip(now, last))
            last = now
    copies = len(reader.frames())
    client.wait(lambda s: total(s) - base == copies, f"{copies} copies counted")


def test_tee_of_one_and_tc_of_another_interface(lab):
    """One tunnel for both."""
    lab.second_network(lab.client1, lab.peer)
    conf = TEE_CONF + 'mirror "eth1" { method = "tc" }\n'
    _, client = lab.pair(client=conf)
    base, reader = total(client), lab.reader()
    assert_teed(lab, reader)
    traffic.ping(lab.client1, "10.88.0.20", (444,))
    wait_until(lambda: sum(len(f.bytes) == 444 for f in reader.frames()) == 2, 5, "two copies")
    frames.quiet(reader)
    client.wait(lambda s: total(s) - base == len(reader.frames()), "all of them counted")
