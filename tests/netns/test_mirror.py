# SPDX-License-Identifier: BSD-2-Clause
"""What arrives: exactly the frames of the monitored interfaces, once each, and counted the same by everybody."""

import re
import subprocess

import pytest

import frames
import traffic
from lab import ALLOW, CLIENT_CONF, COLLECTOR4, UNDERLAY6
from netns import wait_until

MEGABYTE = 1_000_000

OVER_IPV6 = ALLOW + 'vxlan { underlay = "ipv6" }\n'
UNDERLAYS = {
    # mtu of the network, collector's configuration, its address for the clients, tunnel addresses, the clients' keys,
    # whether the express lane takes full-size copies
    "ipv4": (1500, ALLOW, COLLECTOR4, "address4", 'accelerate = "off"', False),
    "ipv4, lane": (1500, ALLOW, COLLECTOR4, "address4", 'oversize = "fragment"', False),
    "ipv6": (1600, OVER_IPV6, UNDERLAY6, "underlay6", "", False),
    "ipv6, lane": (1600, OVER_IPV6, UNDERLAY6, "underlay6", 'udp_checksum = "off"', True),
}


def mirrored(client):
    mirrors = client.status()["mirrors"]
    return sum(m["packets"] for m in mirrors), sum(m["bytes"] for m in mirrors)


def counted(collector, address):
    for c in collector.status()["clients"]:
        if c["address"] == address:
            return c["packets"], c["bytes"]
    return 0, 0


def read(reader):
    seen = reader.frames()
    return len(seen), sum(len(f.bytes) for f in seen)


def assert_counts_agree(reader, collector, clients):
    """mirrors summed == clients[] == what the reader saw, in packets and bytes. `clients`: daemon -> tunnel address."""
    last = {}

    def agree():
        sent = {address: mirrored(client) for client, address in clients.items()}
        came = {address: counted(collector, address) for address in sent}
        total = tuple(map(sum, zip(*came.values())))
        status = collector.status()
        accepted = (status["accepted"]["packets"], status["accepted"]["bytes"])
        last.update(mirrors=sent, clients=came, accepted=accepted, reader=read(reader))
        return sent == came and total == accepted == last["reader"]

    wait_until(agree, 10, lambda: f"counts that agree: {last}", 0.1)


@pytest.mark.parametrize("underlay", UNDERLAYS)
def test_every_frame_once(make_lab, underlay):
    mtu, collector_conf, address, local, keys, whole = UNDERLAYS[underlay]
    lab = make_lab(mtu=mtu)
    conf = CLIENT_CONF.replace(f'"{COLLECTOR4}"', f'"{address}" {keys}')
    collector = lab.collector(collector_conf)
    collector.wait_ok()
    reader = lab.reader()
    hosts = (lab.client1, lab.client2)
    clients = {lab.client(ns, conf): getattr(ns, local) for ns in hosts}
    for client in clients:
        client.wait_ok()
    for ns in hosts:
        traffic.ping(ns, address, (98,))
    captures = [lab.capture(ns, wire=True) for ns in hosts]
    frames.quiet(reader, *captures)

    first = [frames.send_marker(ns) for ns in hosts]
    for ns in hosts:
        traffic.mixed(ns, lab.peer, lab.peer.address4, lab.peer.address6, 50 * MEGABYTE)
    traffic.ping(lab.client1, lab.client2.address4, range(60, 1515, 50))
    traffic.tcp_transfer(lab.client1, lab.client2, lab.client2.address4, 2 * MEGABYTE)
    frames.quiet(reader, *captures)
    last = [frames.send_marker(ns) for ns in hosts]
    for marker in last:
        for capture in (reader, *captures):
            capture.wait_for(lambda f, m=marker: f == m, what="the last marker")
    frames.quiet(reader, *captures)

    assert_counts_agree(reader, collector, clients)
    expected = []
    for capture in captures:
        own = [f.bytes for f in capture.stop() if not frames.is_tunnel(f.bytes, {address})]
        expected += frames.between(own, first, last)
    seen = reader.stop()
    got = frames.between([f.bytes for f in seen], first, last)
    assert len(expected) > 100_000
    assert max(map(len, got)) == frames.FRAME_MAX
    frames.assert_same_frames(expected, got)
    assert not [f for f in seen if f.outgoing], "vtap0 emitted something"
    frames.assert_clean(reader.path)
    for client in clients:
        express = client.status()["collectors"][0]["express"]
        assert express["resegmented"] == 0
        assert express["state"] == ("on" if "lane" in underlay else "off")
        assert (express["packets"] > 50_000) == whole


def route_gets(lab):
    """What both ends know of the paths to each other; the tunnel's own route is not production's."""
    text = []
    for ns, other in ((lab.client1, lab.peer), (lab.peer, lab.client1)):
        text.append(ns.ip(f"route get {other.address4}"))
        text.append(ns.ip(f"-6 route get {other.address6}"))
        cache = ns.ip("-o route show cache") + ns.ip("-6 -o route show cache")
        text += [line for line in cache.splitlines() if COLLECTOR4 not in line]
    return re.sub(r"\s+(uid \d+|cache|users \d+|used \d+)", " ", "\n".join(text))


class LiveConnection:
    """A TCP connection that stays open over the whole test: what `ss -ti` says of its segments."""

    def __init__(self, lab, address, port):
        self.lab, self.port = lab, port
        family = "TCP6" if ":" in address else "TCP4"
        host = f"[{address}]" if ":" in address else address
        self.server = lab.peer.popen("socat", f"{family}-LISTEN:{port},bind={host},reuseaddr", "EXEC:cat")
        wait_until(lambda: lab.peer.run("ss", "-Htln", f"sport = :{port}").stdout)
        self.client = lab.client1.popen(
            "socat", "-", f"{family}:{host}:{port}", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.exchange(1)

    def exchange(self, kilobytes):
        for _ in range(kilobytes):
            self.client.stdin.write(b"x" * 1024)
            self.client.stdin.flush()
            assert len(self.client.stdout.read(1024)) == 1024

    def segments(self):
        out = ""
        for ns, side in ((self.lab.client1, "dport"), (self.lab.peer, "sport")):
            out += ns.run("ss", "-Htin", "state", "established", f"{side} = :{self.port}").stdout
        assert "retrans" not in out, out
        return re.findall(r"\b((?:mss|pmtu|advmss):\d+)", out)

    def close(self):
        for process in (self.client, self.server):
            process.kill()
            process.communicate()


@pytest.mark.parametrize("oversize", ["fragment", "drop"])
def test_production_is_left_alone(lab, oversize):
    conf = CLIENT_CONF.replace(" }", f' oversize = "{oversize}" }}', 1)
    for address in (lab.peer.address4, lab.peer.address6):
        traffic.ping(lab.client1, address, (100, 1514))
        traffic.ping(lab.peer, address.replace("20", "11"), (100, 1514))
    before = route_gets(lab)
    assert "1450" not in before
    connections = [LiveConnection(lab, a, p) for a, p in ((lab.peer.address4, 6004), (lab.peer.address6, 6006))]
    segments = [c.segments() for c in connections]
    assert all(segments)
    _, client = lab.pair(client=conf)
    peer = lab.capture(lab.peer)

    sender = lab.numbered(lab.client1, 20000, 10000, size=1400)
    for c in connections:
        c.exchange(512)
    traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address6, 20 * MEGABYTE)
    traffic.ping(lab.client1, lab.peer.address6, range(1400, 1515))
    traffic.ping(lab.peer, lab.client1.address6, range(1400, 1515))
    assert sender.communicate(timeout=20)[0] == "20000\n"
    assert route_gets(lab) == before
    for c, s in zip(connections, segments):
        assert c.segments() == s
    wait_until(lambda: len(frames.numbers([f.bytes for f in peer.frames()], 5999)) >= 20000)
    client.stop()
    assert route_gets(lab) == before
    for c, s in zip(connections, segments):
        c.exchange(64)
        assert c.segments() == s
        c.close()
    assert frames.numbers([f.bytes for f in peer.stop()], 5999) == list(range(20000))


def test_oversize_drop_is_counted_not_sent(lab):
    collector, client = lab.pair(client=CLIENT_CONF.replace(" }", ' oversize = "drop" }', 1))
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (100, 1514, 1514, 200))
    reader.wait_for(lambda f: len(f) == 200)
    frames.quiet(reader)
    assert not [f for f in reader.frames() if len(f.bytes) == 1514]
    status = client.wait(lambda s: sum(m["dropped"] for m in s["mirrors"]) or s["collectors"][0]["tx_dropped"], "drops")
    assert status["collectors"][0]["oversize"] == "drop"
    assert status["collectors"][0]["needed_mtu"] == 1550
    assert status["collectors"][0]["path_mtu"] == 1500
    assert collector.status()["rejected"]["packets"] == 0


def test_status_says_what_is(lab):
    collector, client = lab.pair()
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 10)
    reader.wait_for(lambda f: len(f) == 100)
    status = client.wait(lambda s: s["collectors"][0]["express"]["state"] == "on", "the express lane")
    assert status["daemon"] == "client" and status["state"] == "ok" and status["uptime_s"] >= 0
    (soc,) = status["collectors"]
    fixed = {
        "name": "soc", "address": COLLECTOR4, "local": lab.client1.address4, "encap": "vxlan", "vni": 42, "port": 4789,
        "device": "vtap-soc", "state": "up", "reason": None, "path_mtu": 1500, "needed_mtu": 1550, "oversize": "resegment",
    }  # fmt: skip
    assert {k: soc[k] for k in fixed} == fixed
    assert soc["tx_packets"] >= 20 and soc["tx_errors"] == 0
    assert {(m["interface"], m["direction"]) for m in status["mirrors"]} == {("eth0", "ingress"), ("eth0", "egress")}
    for mirror in status["mirrors"]:
        assert mirror["method"] == "tc" and mirror["collector"] == "soc"
        assert mirror["state"] == "mirroring" and mirror["reason"] is None and mirror["repairs"] == 0
        assert mirror["packets"] >= 10 and mirror["bytes"] >= 1000
    status = collector.wait(lambda s: s["clients"], "a client")
    assert status["daemon"] == "collector" and status["state"] == "ok"
    (endpoint,) = status["endpoints"]
    fixed = {"encap": "vxlan", "device": "vtap0", "vni": 42, "port": 4789, "state": "up", "reason": None}
    assert {k: endpoint[k] for k in fixed} == fixed
    assert endpoint["rx_packets"] >= 20
    (one,) = status["clients"]
    assert one["address"] == lab.client1.address4 and one["encap"] == "vxlan" and one["vni"] == 42
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(stamp, one["first_seen"]) and re.fullmatch(stamp, one["last_seen"])
    assert one["first_seen"] <= one["last_seen"]
    assert one["packets_per_s"] >= 0 and one["bits_per_s"] >= 0
    assert client.status_line() and collector.status_line()


def test_two_collectors_for_one_interface(lab):
    second = lab.host("coll2", 98)
    lab.collector().wait_ok()
    lab.collector(ALLOW + "vxlan { vni = 43 }\n", second).wait_ok()
    # one network identifier and port is one IPv4 tunnel device: the second has its own
    conf = (
        f'collector "soc" {{ address = "{COLLECTOR4}" oversize = "fragment" }}\n'
        f'collector "two" {{ address = "{second.address4}" vni = 43 oversize = "fragment" }}\n'
        'mirror "eth0" { collector = {"soc", "two"} }\n'
    )
    client = lab.client(config=conf)
    client.wait_ok()
    assert len(client.status()["mirrors"]) == 4
    for address in (COLLECTOR4, second.address4):
        traffic.ping(lab.client1, address, (98,))
    readers = lab.reader(), lab.reader(ns=second)
    monitored = lab.capture(lab.client1, wire=True)
    frames.quiet(monitored, *readers)
    first = frames.send_marker(lab.client1)
    traffic.mixed(lab.client1, lab.peer, lab.peer.address4, lab.peer.address6, 2 * MEGABYTE)
    frames.quiet(monitored, *readers)
    last = frames.send_marker(lab.client1)
    for capture in (monitored, *readers):
        capture.wait_for(lambda f: f == last, what="the last marker")
    own = [f.bytes for f in monitored.stop() if not frames.is_tunnel(f.bytes, {COLLECTOR4, second.address4})]
    expected = frames.between(own, [first], [last])
    for reader in readers:
        frames.assert_same_frames(expected, frames.between([f.bytes for f in reader.stop()], [first], [last]))


def test_underlay_on_another_interface(lab):
    lab.second_network(lab.client1, lab.coll, mtu=1600)
    collector = lab.collector('allow = {"10.88.0.0/24"}\n')
    collector.wait_ok()
    client = lab.client(config='collector "soc" { address = "10.88.0.99" }\nmirror "eth0" { }\n')
    client.wait_ok()
    soc = client.status()["collectors"][0]
    assert soc["local"] == "10.88.0.11" and soc["path_mtu"] == 1600
    reader = lab.reader()
    monitored = lab.capture(lab.client1, wire=True)
    first = frames.send_marker(lab.client1)
    traffic.mixed(lab.client1, lab.peer, lab.peer.address4, lab.peer.address6, 2 * MEGABYTE)
    frames.quiet(monitored, reader)
    last = frames.send_marker(lab.client1)
    for capture in (monitored, reader):
        capture.wait_for(lambda f: f == last, what="the last marker")
    expected = frames.between([f.bytes for f in monitored.stop()], [first], [last])
    frames.assert_same_frames(expected, frames.between([f.bytes for f in reader.stop()], [first], [last]))


def test_one_direction_only(lab):
    lab.pair(client=CLIENT_CONF.replace('"eth0" { }', '"eth0" { direction = "ingress" }'))
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 20)
    traffic.ping(lab.peer, lab.client1.address4, (104,))
    reader.wait_for(lambda f: len(f) == 104)
    frames.quiet(reader)
    peer = frames.mac_bytes(lab.peer.mac())
    assert {f.bytes[6:12] for f in reader.stop() if f.bytes[12:14] == b"\x08\x00"} == {peer}


def test_in_band_vlan_tags(lab):
    """Tagged frames that a host writes by itself are copied as they are, once."""
    lab.pair()
    reader = lab.reader()
    monitored = lab.capture(lab.client1, wire=True)
    inner = frames.udp_frame(lab.client1.mac(), lab.peer.mac(), "10.1.0.1", "10.1.0.2", 1, 4789, b"v" * 100)
    tagged = inner[:12] + b"\x81\x00\x00\x07" + inner[12:]
    for _ in range(10):
        frames.send_frame(lab.client1, "eth0", tagged)
    last = frames.send_marker(lab.client1)
    reader.wait_for(lambda f: f == last)
    frames.quiet(reader, monitored)
    assert [f.bytes for f in monitored.stop()].count(tagged) == 10
    assert [f.bytes for f in reader.stop()].count(tagged) == 10


# ---- filters ---------------------------------------------------------------------------------------------------


def is_port(frame, port):
    return frame[12:14] == b"\x08\x00" and frame[23] == 6 and port in (
        int.from_bytes(frame[34:36], "big"),
        int.from_bytes(frame[36:38], "big"),
    )


def test_filter_copies_just_that(lab):
    whole = CLIENT_CONF.replace(" }", ' oversize = "fragment" }', 1)
    collector, client = lab.pair(client=whole.replace('"eth0" { }', '"eth0" { filter = "tcp port 80" }'))
    reader = lab.reader()
    monitored = lab.capture(lab.client1, wire=True)
    traffic.ping(lab.client1, lab.peer.address4, range(60, 1515, 100))
    traffic.udp_echo(lab.client1, lab.peer, lab.peer.address4, (10, 1473, 3000), port=80)
    traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address4, MEGABYTE, port=81)
    traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address4, MEGABYTE, port=80)
    traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address4, MEGABYTE, port=8080)
    frames.quiet(reader, monitored)
    assert_counts_agree(reader, collector, {client: lab.client1.address4})
    expected = [f.bytes for f in monitored.stop() if is_port(f.bytes, 80)]
    assert len(expected) > 1000
    frames.assert_same_frames(expected, [f.bytes for f in reader.stop()])
