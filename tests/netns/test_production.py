# SPDX-License-Identifier: BSD-2-Clause
"""Production first: what the copies may take from it, and that every copy that came to nothing is counted once."""

import re
import signal
import subprocess

import pytest

import frames
import traffic
from lab import ALLOW, COLLECTOR4, COLLECTOR6, tool, uses_hop
from netns import wait_until
from test_mirror import LiveConnection, route_gets

PORT = 5999
FAR = "10.99.0.99"  # the collector behind a route of its own
ONLY_NUMBERED = f'mirror "eth0" {{ filter = "udp port {PORT}" }}\n'


def conf(address=COLLECTOR4, keys="", mirror='mirror "eth0" { }\n'):
    return f'collector "soc" {{ address = "{address}" {keys} }}\n{mirror}'


def lost(status):
    return sum(m["dropped"] for m in status["mirrors"])


def delivered(status):
    return sum(m["packets"] for m in status["mirrors"])


# ---- a full link -----------------------------------------------------------------------------------------------

LINK_MBIT, FRAMES, FRAME_RATE, PAYLOAD = 10, 2000, 960, 1000  # 960 frames of 1042 bytes a second are 8 Mbit/s


def shape_uplink(lab):
    """Puts client1 behind a link of 10 Mbit/s that its production and its copies share."""
    lab.sw.ip("link add uplink type bridge forward_delay 0 mcast_snooping 0")
    lab.sw.ip("link set uplink up")
    lab.sw.ip("link set c1 master uplink")
    lab.sw.ip("link add up0 type veth peer name up1")
    lab.sw.ip("link set up0 master uplink up")
    lab.sw.ip("link set up1 master br0 up")
    # A queue of packets, as network cards have, and so long that a sender which was held up and hurries loses nothing.
    lab.sw.tc(f"qdisc add dev up0 root handle 1: tbf rate {LINK_MBIT}mbit burst 5000 limit 400000")
    lab.sw.tc("qdisc add dev up0 parent 1:1 pfifo limit 300")


def production_arrives(lab):
    """Sends 8 Mbit/s over the link; how many of the frames the peer got."""
    peer = lab.capture(lab.peer)
    sender = lab.numbered(lab.client1, FRAMES, FRAME_RATE, size=PAYLOAD)
    assert sender.communicate(timeout=30)[0] == f"{FRAMES}\n"
    frames.quiet(peer, still=0.3)
    seen = frames.numbers([f.bytes for f in peer.stop()], PORT)
    assert len(seen) == len(set(seen)), "production was doubled"
    return len(seen)


def test_rate_keeps_production_whole(lab):
    shape_uplink(lab)
    traffic.ping(lab.client1, lab.peer.address4, (100,))
    lab.coll.ip(f"addr add {FAR}/32 dev lo")
    # wide enough on paper for the way without the hop, on which a copy is queued before its original
    lab.client1.ip(f"route add {FAR} via {COLLECTOR4} mtu 1600")
    traffic.ping(lab.client1, FAR, (100,))
    bare = production_arrives(lab)

    collector, client = lab.pair(client=conf(FAR, 'rate = "1mbit"', ONLY_NUMBERED))
    reader = lab.reader()
    assert production_arrives(lab) >= bare
    frames.quiet(reader)
    got = len(frames.numbers([f.bytes for f in reader.stop()], PORT))
    status = client.wait(lambda s: delivered(s) + lost(s) >= FRAMES, "all copies accounted for")
    assert lost(status) > FRAMES / 2, "the cap did not bite"
    assert (delivered(status), delivered(status) + lost(status)) == (got, FRAMES), status
    assert status["collectors"][0]["tx_dropped"] == lost(status)
    assert status["state"] == "ok"

    # without a cap copies take production's place
    client.reload(conf(FAR, mirror=ONLY_NUMBERED))
    assert "tbf" not in lab.client1.tc("qdisc show dev vtap-soc")
    assert production_arrives(lab) < bare * 0.9
    assert collector.status()["state"] == "ok"


def cap_of(lab):
    found = re.search(r"tbf 7674:.* rate (\S+) ", lab.client1.tc("qdisc show dev vtap-soc"))
    return found and found.group(1)


def test_the_cap_follows_the_configuration(lab):
    """It changes in place. Removing it costs the copies of a moment, and these are counted."""
    _, client = lab.pair(client=conf(mirror=ONLY_NUMBERED))
    traffic.ping(lab.client1, COLLECTOR4, (98,))
    reader = lab.reader()
    device = lab.client1.ip("-o link show dev vtap-soc").split(":")[0]
    sender = lab.numbered(lab.client1, 8000, 5000)
    for rate, shown in (("80mbit", "80Mbit"), ("120mbit", "120Mbit"), ("none", None), ("1gbit", "1Gbit"), ("none", None)):
        client.reload(conf(keys=f'rate = "{rate}"', mirror=ONLY_NUMBERED))
        assert cap_of(lab) == shown
    assert sender.communicate(timeout=20)[0] == "8000\n"
    frames.quiet(reader)
    seen = frames.numbers([f.bytes for f in reader.stop()], PORT)
    assert len(seen) == len(set(seen)) and len(seen) > 7500
    status = client.wait(lambda s: delivered(s) + lost(s) >= 8000, "all copies accounted for")
    # While a qdisc is being changed the kernel lets packets fall, and says so twice: of the device, and of the action.
    missing = 8000 - len(seen)
    assert delivered(status) == len(seen) and missing <= lost(status) <= 2 * missing, (missing, status)
    sender.sink.close()
    # these few may have been all that there was to copy in between
    assert lab.numbered(lab.client1, 10, 1000).wait(5) == 0
    client.expect("all of them are lost")
    assert lab.client1.ip("-o link show dev vtap-soc").split(":")[0] == device
    assert sum(m["repairs"] for m in status["mirrors"]) == 0
    # somebody else's cap on our device is not the configured one
    client.reload(conf(keys='rate = "80mbit"'))
    client.expect("vtap-soc").wait_ok()
    lab.client1.tc("qdisc replace dev vtap-soc root handle 7674: tbf rate 1mbit burst 5000 limit 50000")
    wait_until(lambda: cap_of(lab) == "80Mbit", 5, lambda: lab.client1.tc("qdisc show dev vtap-soc"))
    lab.client1.tc("qdisc del dev vtap-soc root")
    wait_until(lambda: cap_of(lab) == "80Mbit", 5, lambda: lab.client1.tc("qdisc show dev vtap-soc"))


# ---- an underlay that is too small -----------------------------------------------------------------------------


@pytest.mark.parametrize("keys", ["", 'oversize = "drop"'], ids=["fragment", "drop"])
def test_an_ipv6_underlay_leaves_production_alone(lab, keys):
    """Full-size copies have no way over it: they are lost and counted, and production's paths stay as they are."""
    lab.collector(ALLOW + 'vxlan { underlay = "ipv6" }\n').wait_ok()
    for address in (lab.peer.address4, lab.peer.address6, COLLECTOR6):
        traffic.ping(lab.client1, address, (100, 1514))
    connection = LiveConnection(lab, lab.peer.address6, 6006)
    segments, routes = connection.segments(), route_gets(lab)
    client = lab.client(config=conf(COLLECTOR6, keys, 'mirror "eth0" { filter = "icmp6 or udp" }\n'))
    status = client.wait_ok()
    (soc,) = status["collectors"]
    assert (soc["path_mtu"], soc["needed_mtu"], soc["oversize"]) == (1500, 1570, "drop")
    assert lab.client1.links() >= {"vtap-soc-h", "vtap-soc-x"}
    reader = lab.reader()

    traffic.ping(lab.client1, lab.peer.address6, (1514, 1400, 1444, 1445) * 5)  # 1444 + 70 is the largest that fits
    traffic.ping(lab.peer, lab.client1.address6, (1514, 1400) * 5)
    connection.exchange(512)
    client.expect("all of them are lost")  # for a second nothing else is sent
    sender = lab.numbered(lab.client1, 2000, 2000, size=1472)
    assert sender.communicate(timeout=20)[0] == "2000\n"
    frames.quiet(reader)
    assert route_gets(lab) == routes and connection.segments() == segments
    sizes = [len(f.bytes) for f in reader.stop() if f.bytes[54:55] in (b"\x80", b"\x81")]
    assert sorted(sizes) == sorted((1400, 1444) * 10 + (1400,) * 10)
    status = client.wait(lambda s: lost(s) >= 2000 + 30, "the lost copies")
    assert lost(status) == 2000 + 2 * (10 + 5)
    (soc,) = status["collectors"]
    assert soc["tx_dropped"] + soc["tx_errors"] == lost(status)
    client.stop()
    assert route_gets(lab) == routes and connection.segments() == segments
    connection.exchange(16)
    connection.close()


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_the_hop_comes_and_goes(lab, family):
    """The underlay's MTU changes under traffic: no copy twice, production's paths as they were."""
    lab.second_network(lab.client1, lab.coll, mtu=1600)
    v6 = family == "ipv6"
    address = "fd88::99" if v6 else "10.88.0.99"
    lab.collector('allow = {"10.88.0.0/24", "fd88::/64"}\n' + ('vxlan { underlay = "ipv6" }\n' if v6 else "")).wait_ok()
    traffic.ping(lab.client1, address, (98,))
    connection = LiveConnection(lab, lab.peer.address6, 6006)
    segments, routes = connection.segments(), route_gets(lab)
    client = lab.client(config=conf(address))
    client.expect("vtap-soc")
    needed = 1570 if v6 else 1550
    small = ("drop" if v6 else "resegment", True)
    client.wait_ok()
    assert not lab.client1.links() & {"vtap-soc-h", "vtap-soc-x"}
    reader = lab.reader()
    sender = lab.numbered(lab.client1, 20000, 4000)
    reader.wait_for(lambda f: frames.numbers([f], PORT), what="the first number")
    for mtu, expected in ((1500, small), (1600, ("none", False)), (1400, small), (needed, ("none", False))):
        lab.client1.ip(f"link set eth1 mtu {mtu}")
        client.wait(
            lambda s, m=mtu, e=expected: s["collectors"][0]["path_mtu"] == m
            and (s["collectors"][0]["oversize"], uses_hop(lab.client1)) == e,
            f"underlay MTU {mtu}",
        )
        assert client.status()["collectors"][0]["needed_mtu"] == needed
        connection.exchange(64)
        traffic.ping(lab.client1, lab.peer.address6, (1514, 1400, 1514))
        assert route_gets(lab) == routes, f"production's path with an underlay of {mtu}"
    assert sender.poll() is None, "the changes took longer than the traffic"
    assert sender.communicate(timeout=20)[0] == "20000\n"
    frames.quiet(reader)
    seen = frames.numbers([f.bytes for f in reader.stop()], PORT)
    # A veth that was just set up takes nothing until the kernel has noticed its carrier: a millisecond's copies may fall.
    missing = 20000 - len(seen)
    assert len(seen) == len(set(seen)), "copies came twice"
    assert missing <= 200 and lost(client.status()) >= missing, (missing, client.status())
    assert connection.segments() == segments
    connection.close()
    client.wait_ok()


def test_the_tunnel_takes_nothing_with_the_hop(lab):
    """What arrives for the client's tunnel reaches neither sockets nor the hop, and draws no answer."""
    lab.pair()
    assert lab.client1.links() >= {"vtap-soc-h", "vtap-soc-x"}
    trap = lab.socket_at(lab.client1, 9999)
    on_hop = lab.capture(lab.client1, "vtap-soc-x")
    wire = lab.capture(lab.client1)
    mac = lab.client1.mac("vtap-soc")
    inners = [
        frames.udp_frame("02:aa:bb:cc:dd:ee", mac, "10.9.9.1", lab.client1.address4, 7, 9999, b"unwanted"),
        frames.udp_frame("02:aa:bb:cc:dd:ee", "ff:ff:ff:ff:ff:ff", "10.9.9.1", "255.255.255.255", 7, 9999, b"unwanted"),
        frames.arp_request("02:aa:bb:cc:dd:ee", "10.77.0.77", lab.client1.address4),
    ]
    for inner in inners:
        outer = frames.udp_frame(
            lab.coll.mac(), lab.client1.mac(), COLLECTOR4, lab.client1.address4, 50000, 4789, frames.vxlan_payload(42, inner)
        )
        frames.send_frame(lab.coll, "eth0", outer)
    with lab.socket_at(lab.peer, 0) as sender:
        sender.sendto(b"direct", (lab.client1.address4, 9999))
    trap.settimeout(5)
    assert trap.recv(100) == b"direct"
    frames.quiet(on_hop, wire)
    trap.setblocking(False)
    with pytest.raises(BlockingIOError):
        trap.recv(100)
    arrived = [f.bytes for f in wire.stop()]
    assert sum(frames.is_tunnel(f, {lab.client1.address4}) for f in arrived) == len(inners)
    assert "02:aa:bb:cc:dd:ee" not in lab.client1.ip("neigh show")
    assert not [f for f in on_hop.stop() if b"unwanted" in f.bytes or b"\x02\xaa\xbb\xcc\xdd\xee" in f.bytes]
    trap.close()


# ---- the books -------------------------------------------------------------------------------------------------

EACH_WAY = 600


def stopped(act):
    """`act` while the client cannot repair."""

    def hurt(lab, client):
        client.process.send_signal(signal.SIGSTOP)
        act(lab)

    return hurt


class Case:
    """
    keys: of the collector's section; size: of the payload; underlay: MTU of a network of its own, None: production's;
    hurt(lab, client): what goes wrong before the traffic; lost: so many copies of all, None: some of them.
    """

    def __init__(self, keys="", size=100, underlay=None, hurt=None, lost=None):  # pylint: disable=too-many-arguments
        self.keys, self.size, self.underlay, self.hurt, self.lost = keys, size, underlay, hurt, lost


ALL = 2 * EACH_WAY
KERNEL = 'accelerate = "off"'
LOSSES = {
    "nothing": Case(lost=0),
    "no route": Case(hurt=lambda lab, client: lab.client1.ip(f"route del {FAR}"), lost=ALL),
    "no route, no hop": Case(underlay=1600, hurt=lambda lab, client: lab.client1.ip(f"route del {FAR}"), lost=ALL),
    # the express lane neither needs the device nor sees what happens behind its hand
    "tunnel down": Case(KERNEL, hurt=stopped(lambda lab: lab.client1.ip("link set vtap-soc down")), lost=ALL),
    "tunnel gone": Case(KERNEL, hurt=stopped(lambda lab: lab.client1.ip("link del vtap-soc")), lost=ALL),
    "cap": Case('rate = "500kbit"'),
    "cap, fragments": Case('rate = "1mbit"', 1472),
    "cap, no hop": Case('rate = "500kbit"', underlay=1600),
    "too big": Case('oversize = "drop"', 1472, lost=ALL),
    "too big, and a cap": Case('oversize = "drop" rate = "500kbit"', 1472, lost=ALL),
    "full underlay": Case(
        KERNEL, underlay=1600,
        hurt=lambda lab, client: lab.client1.tc("qdisc add dev eth1 root tbf rate 300kbit burst 3000 limit 3000"),
    ),
}


def numbered_both_ways(lab, size):
    """EACH_WAY packets from client1 to the peer and as many back, at once."""
    with lab.socket_at(lab.client1, PORT), lab.socket_at(lab.peer, PORT):
        senders = [
            ns.popen(tool("numbered"), other.address4, PORT, EACH_WAY, 2000, size, stdout=subprocess.PIPE, text=True)
            for ns, other in ((lab.client1, lab.peer), (lab.peer, lab.client1))
        ]
        for sender in senders:
            assert sender.communicate(timeout=20)[0] == f"{EACH_WAY}\n"


@pytest.mark.parametrize("what", LOSSES)
def test_every_lost_copy_is_counted_once(lab, what):
    """Copies made == delivered + dropped, for the mirrors and for the tunnel, and delivered is what left."""
    case = LOSSES[what]
    if case.underlay:
        lab.second_network(lab.client1, lab.coll, mtu=case.underlay)
    lab.coll.ip(f"addr add {FAR}/32 dev lo")
    lab.client1.ip(f"route add {FAR} via {'10.88.0.99' if case.underlay else COLLECTOR4}")
    lab.collector('allow = {"10.77.0.0/24", "10.88.0.0/24"}\n').wait_ok()
    client = lab.client(config=conf(FAR, case.keys, ONLY_NUMBERED)).expect("soc|route")
    client.wait_ok()
    assert ("vtap-soc-h" in lab.client1.links()) == (not case.underlay)
    traffic.ping(lab.client1, FAR, (98,))
    traffic.ping(lab.client1, lab.peer.address4, (98,))
    reader = lab.reader()
    if case.hurt:
        case.hurt(lab, client)
    numbered_both_ways(lab, case.size)
    client.process.send_signal(signal.SIGCONT)
    frames.quiet(reader, still=0.3)
    got = len(frames.numbers([f.bytes for f in reader.stop()], PORT))

    client.wait(lambda s: delivered(s) + lost(s) >= ALL, "all copies accounted for")
    status = client.status()
    (soc,) = status["collectors"]
    assert delivered(status) + lost(status) == ALL, status
    assert soc["tx_packets"] + soc["tx_dropped"] + soc["tx_errors"] == ALL, status
    assert (delivered(status), soc["tx_packets"]) == (got, got), (got, status)
    assert lost(status) == case.lost if case.lost is not None else 0 < lost(status) < ALL, status
    if case.lost == ALL:
        assert {m["dropped"] for m in status["mirrors"]} == {EACH_WAY}, status
