# SPDX-License-Identifier: BSD-2-Clause
"""The express lane: the same streams on a path that is too small, counted the same by everybody, and never the only way."""

import json
import os
import re
import shlex
import signal
import struct
import time

import pytest

import frames
import traffic
from daemon import CLIENT
from heal import LANE, Watch, assert_copied_once, warm
from lab import CLIENT_CONF, COLLECTOR4
from netns import run, wait_until
from test_mirror import counted, mirrored

MEGABYTE = 1_000_000
OFF = CLIENT_CONF.replace(" }", ' accelerate = "off" }', 1)
OVERHEAD = 50


def lane(client):
    return client.status()["collectors"][0]["express"]


def wait_lane(client, state):
    return client.wait(lambda s: s["collectors"][0]["express"]["state"] == state, f"lane {state}", 5)


def _tcp(frame):
    """(flow, sequence number, flags, payload) of a TCP segment; None: it is none."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and frame[23] == 6:
        ip, end, hosts = 14 + (frame[14] & 15) * 4, 14 + struct.unpack_from("!H", frame, 16)[0], frame[26:34]
    elif kind == b"\x86\xdd" and frame[20] == 6:
        ip, end, hosts = 54, 54 + struct.unpack_from("!H", frame, 18)[0], frame[22:54]
    else:
        return None
    sequence = struct.unpack_from("!I", frame, ip + 4)[0]
    return (hosts, frame[ip : ip + 4]), sequence, frame[ip + 13], frame[ip + (frame[ip + 12] >> 4) * 4 : end]


def streams(seen):
    """The bytes of each direction of each connection, put together; fails where two copies differ or some are missing."""
    whole = {}
    for frame in seen:
        segment = _tcp(frame)
        if segment is None:
            continue
        flow, sequence, flags, payload = segment
        if flags & 2:
            whole[flow] = ((sequence + 1) & 0xFFFFFFFF, bytearray(), bytearray())
        elif payload and flow in whole:
            first, data, got = whole[flow]
            at = (sequence - first) & 0xFFFFFFFF
            end = at + len(payload)
            if len(data) < end:
                data.extend(bytes(end - len(data)))
                got.extend(bytes(end - len(got)))
            assert not any(got[at:end]) or data[at:end] == payload, "the same bytes of a stream differ"
            data[at:end] = payload
            got[at:end] = b"\1" * len(payload)
    for _, data, got in whole.values():
        assert got.count(1) == len(data), f"{len(data) - got.count(1)} of {len(data)} bytes of a stream are missing"
    return {flow: bytes(data) for flow, (_, data, _) in whole.items()}


def set_tunnel_offloads(ns, state):
    """Whether the interface is given super-packets of tunnels whole, or the kernel cuts them before."""
    features = [f"tx-{name}-segmentation" for name in ("udp_tnl", "udp_tnl-csum", "udp")]
    ns.run("ethtool", "-K", "eth0", *(word for feature in features for word in (feature, state)))


@pytest.mark.parametrize("flows,tunnels", [(1, "on"), (8, "on"), (8, "off")])
def test_streams_are_whole_on_a_path_that_is_too_small(lab, flows, tunnels):
    """No fragment for TCP, no byte missing, no frame that the network could not carry, and all count the same."""
    set_tunnel_offloads(lab.client1, tunnels)
    collector, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    reader, wire = lab.reader(), lab.capture(lab.client1, wire=True)
    # where they leave: the collector's interface shows twice what comes in behind an aggregate, which is cut there
    fragments = lab.tally(lab.client1, expression=f"dst host {COLLECTOR4} and ip[6:2] & 0x3fff != 0")
    too_big = lab.tally(lab.client1, expression=f"dst host {COLLECTOR4} and greater {frames.FRAME_MAX + 1}")
    for address in (lab.peer.address4, lab.peer.address6):
        traffic.tcp_transfers(lab.client1, lab.peer, address, 10 * MEGABYTE, flows)
    frames.quiet(reader, wire)
    agree = lambda: mirrored(client) == counted(collector, lab.client1.address4)  # noqa: E731
    wait_until(agree, 5, lambda: f"{mirrored(client)} == {counted(collector, lab.client1.address4)}")
    sent = streams(f.bytes for f in wire.stop() if not frames.is_tunnel(f.bytes, {COLLECTOR4}))
    copies = [f.bytes for f in reader.stop()]
    assert len(sent) == 4 * flows and {len(s) for s in sent.values()} == {10 * MEGABYTE // flows}
    assert streams(copies) == sent
    # TCP also sends single full-size frames, which cannot be cut: of these, and of nothing else, there are fragments
    single = sum(len(f) > frames.FRAME_MAX - OVERHEAD for f in copies)
    assert fragments.stop()[0] == 2 * single < len(copies) / 5
    # what an interface is to cut is seen whole
    assert (too_big.stop()[0] == 0) == (tunnels == "off")
    status = client.status()
    soc = status["collectors"][0]
    assert soc["oversize"] == "resegment" and soc["express"]["resegmented"] > 10_000
    assert soc["express"]["packets"] + sum(soc["express"]["passed"].values()) >= soc["tx_packets"]
    assert collector.status()["endpoints"][0]["rx_packets"] == soc["tx_packets"]


@pytest.mark.parametrize("key,small", [("resegment", True), ("fragment", False)])
def test_what_happens_to_what_is_too_big(lab, key, small):
    """Single frames are fragmented whatever is configured; super-packets only if they have to stay as they are."""
    _, client = lab.pair(client=CLIENT_CONF.replace(" }", f' oversize = "{key}" }}', 1))
    warm(lab)
    wait_lane(client, "on")
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (1514,) * 5)
    traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address4, MEGABYTE)
    frames.quiet(reader)
    seen = [f.bytes for f in reader.stop()]
    assert sum(len(f) == 1514 and f[23] == 1 for f in seen) == 10
    sizes = [len(f) for f in seen if _tcp(f)]
    # a sender may let a full segment go by itself: that is a single frame
    assert (sum(size == 1514 for size in sizes) < len(sizes) / 10) == small
    assert (lane(client)["resegmented"] > 0) == small
    assert lane(client)["passed"]["too-big"] >= 10
    assert client.status()["collectors"][0]["oversize"] == key


def test_what_is_left_to_the_interface(lab):
    """A veth hands on tunnels' packets as they are: readers would see the unfinished checksums of a socket's datagrams."""
    _, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    reader = lab.reader()
    before = lane(client)["passed"]["checksum"]
    assert lab.numbered(lab.client1, 200, 2000).communicate(timeout=30)[0] == "200\n"
    wait_until(lambda: lane(client)["passed"]["checksum"] >= before + 200, 5)
    frames.quiet(reader)
    assert frames.numbers([f.bytes for f in reader.stop()], 5999) == list(range(200))
    frames.assert_clean(reader.path)


def test_what_the_kernel_fills_in(lab):
    """Over an interface that fills in nothing, all go by the lane; the client follows when that changes."""
    lab.second_network(lab.client1, lab.coll)
    lab.client1.run("ethtool", "-K", "eth1", "tx", "off")
    lab.collector('allow = {"10.88.0.0/24"}\n')
    client = lab.client(config=CLIENT_CONF.replace(COLLECTOR4, "10.88.0.99"))
    client.wait_ok()
    warm(lab)
    wait_lane(client, "on")
    reader = lab.reader()
    before = lane(client)
    assert lab.numbered(lab.client1, 200, 2000).communicate(timeout=30)[0] == "200\n"
    frames.quiet(reader)
    assert frames.numbers([f.bytes for f in reader.stop()], 5999) == list(range(200))
    frames.assert_clean(reader.path)
    assert lane(client)["packets"] >= before["packets"] + 200
    assert lane(client)["passed"]["checksum"] == before["passed"]["checksum"]
    lab.client1.run("ethtool", "-K", "eth1", "tx", "on")

    def left_alone():
        count = lane(client)["passed"]["checksum"]
        assert lab.numbered(lab.client1, 10, 2000).communicate(timeout=30)[0] == "10\n"
        return lane(client)["passed"]["checksum"] >= count + 10

    wait_until(left_alone, 10, "the kernel's path for unfinished checksums")


def test_one_source_port_for_a_connection(lab):
    """In both directions, and on either path: nothing of it overtakes the rest on its way to one of the collector's CPUs."""
    _, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    wire = lab.capture(lab.client1, wire=True)
    before = lane(client)
    for port in range(5400, 5406):
        for address in (lab.peer.address4, lab.peer.address6):
            traffic.tcp_transfer(lab.client1, lab.peer, address, MEGABYTE // 2, port=port)
    frames.quiet(wire)
    ports = {}
    for frame in wire.stop():
        # a fragment's first part has the inner headers too
        if not frames.is_tunnel(frame.bytes, {COLLECTOR4}) or struct.unpack_from("!H", frame.bytes, 20)[0] & 0x1FFF:
            continue
        segment = _tcp(frame.bytes[OVERHEAD:] + bytes(frames.FRAME_MAX))
        if segment:
            hosts, ends = segment[0]
            half = len(hosts) // 2
            flow = frozenset(((hosts[:half], ends[:2]), (hosts[half:], ends[2:])))
            ports.setdefault(flow, set()).add(frame.bytes[34:36])
    now = lane(client)
    assert now["packets"] > before["packets"] and now["passed"]["checksum"] > before["passed"]["checksum"]
    assert len(ports) == 12 and all(len(used) == 1 for used in ports.values()), ports
    assert len(set.union(*ports.values())) > 6


# ---- it goes and comes, and copies do not ------------------------------------------------------------------------


@pytest.mark.parametrize("mtu", [1500, 1600])
def test_reloads_under_load(make_lab, mtu):
    """Off and on again: each numbered packet is copied once, and everybody counts the same."""
    lab = make_lab(mtu=mtu)
    collector, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    reader = lab.reader()
    # what the device is left to finish would take the kernel's path
    lab.client1.run("ethtool", "-K", "eth0", "tx", "off")
    sender = lab.numbered(lab.client1, 20000, 5000)
    reader.wait_for(lambda f: frames.numbers([f], 5999), what="the first number")
    for config, state in ((OFF, "off"), (CLIENT_CONF, "on")) * 4:
        client.reload(config)
        assert lane(client)["state"] == state
    assert sender.poll() is None, "the reloads took longer than the traffic"
    assert sender.communicate(timeout=30)[0] == "20000\n"
    frames.quiet(reader)
    assert frames.numbers([f.bytes for f in reader.frames()], 5999) == list(range(20000))
    assert 0 < lane(client)["packets"] < 20000
    wait_until(lambda: mirrored(client) == counted(collector, lab.client1.address4), 5)


@pytest.mark.parametrize("how", ["leave", "kill"])
def test_counters_go_on(lab, how):
    """Over the end of a daemon: what the lane copied while there was none is counted too."""
    collector, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    for end in (how, how):
        traffic.ping(lab.client1, lab.peer.address4, (100,) * 20)
        before = lane(client)["packets"]
        getattr(client, end)()
        traffic.ping(lab.client1, lab.peer.address4, (100,) * 20)
        client.start().wait_ok()
        wait_lane(client, "on")
        assert lane(client)["packets"] >= before + 40
    wait_until(lambda: mirrored(client) == counted(collector, lab.client1.address4), 5)


@pytest.mark.skipif(
    tuple(map(int, os.uname().release.split(".")[:2])) < (6, 6), reason="this kernel has no hooks ahead of filters"
)
def test_it_runs_ahead_of_filters(lab):
    """A second after the devices are there; then the lane goes on without its filters, as long as the daemon is there."""
    _, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    client.expect("vtap-soc")

    def copied_without_filters():
        before = lane(client)["packets"]
        client.process.send_signal(signal.SIGSTOP)
        for device in lab.client1.links() & {"vtap-soc", "vtap-soc-h"}:
            lab.client1.tc(f"filter del dev {device} egress")
        traffic.ping(lab.client1, lab.peer.address4, (100,) * 5)
        client.process.send_signal(signal.SIGCONT)
        client.wait_ok()
        return lane(client)["packets"] >= before + 10

    wait_until(copied_without_filters, 10, "the program at the tcx hook")


def ways(ns):
    """The map that holds the way."""
    program = re.search(r"vtap-express.* id (\d+) ", ns.tc("filter show dev vtap-soc egress")).group(1)
    ids = json.loads(run("bpftool", "-j", "prog", "show", "id", program).stdout)["map_ids"]
    maps = [json.loads(run("bpftool", "-j", "map", "show", "id", str(i)).stdout) for i in ids]
    return next(m["id"] for m in maps if m["type"] == "array_of_maps")


def good_until(ns):
    """Nanoseconds, as struct express_slot has them."""
    outer = json.loads(run("bpftool", "-j", "map", "dump", "id", str(ways(ns))).stdout)
    inner = bytes(int(b, 16) for b in next(v for k, v in outer[0].items() if k != "key"))
    slot = json.loads(run("bpftool", "-j", "map", "dump", "id", str(int.from_bytes(inner, "little"))).stdout)
    return int.from_bytes(bytes(int(b, 16) for b in slot[0]["value"][8:16]), "little")


def test_the_way_stays_good(lab):
    """As long as there is a daemon to answer for it, though nothing happens."""
    _, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    first = good_until(lab.client1)
    assert first > time.monotonic_ns()
    wait_until(lambda: good_until(lab.client1) > first, 20)


def test_the_map_is_emptied(lab):
    _, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    reader = lab.reader()
    run("bpftool", "map", "delete", "id", str(ways(lab.client1)), "key", "0", "0", "0", "0")
    assert_copied_once(lab, reader)
    before = lane(client)["packets"]
    lab.client1.ip("route add 192.0.2.0/24 via 10.77.0.20")  # any event
    lab.client1.tc("filter del dev eth0 egress pref 2")
    client.wait(lambda s: sum(m["repairs"] for m in s["mirrors"]) == 1, "repaired", 5)
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 5)
    assert_copied_once(lab, reader)
    client.wait(lambda s: s["collectors"][0]["express"]["packets"] >= before + 10, "copies on the lane again")


def test_the_next_hop_gets_another_address(lab):
    """As after a failover: the neighbour tells it, and copies follow."""
    _, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    reader = lab.reader()
    lab.coll.ip("link set eth0 down")
    lab.coll.ip("link set eth0 address 02:00:00:00:00:77")
    lab.coll.ip("link set eth0 up")
    traffic.ping(lab.coll, lab.client1.address4, (98,))  # its own question tells the new address
    wait_lane(client, "on")
    assert_copied_once(lab, reader)
    assert "02:00:00:00:00:77" in lab.client1.ip("neigh show to 10.77.0.99")


@pytest.mark.parametrize("what", ["flushed", "never asked"])
def test_a_next_hop_that_has_yet_to_answer(lab, what):
    """The kernel's path asks for it, and keeps the first copies until it has answered."""
    collector = lab.collector()
    collector.wait_ok()
    if what == "flushed":
        warm(lab)
    client = lab.client()
    client.wait_ok()
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (98,))
    lab.client1.ip(f"neigh flush to {COLLECTOR4} dev eth0")
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 20)
    wait_until(lambda: sum(len(f.bytes) == 100 for f in reader.frames()) == 40, 5, "all copies")
    wait_lane(client, "on")


# ---- it cannot be ------------------------------------------------------------------------------------------------


def test_ipsec_may_be_meant(lab):
    """A policy for the collector comes and goes: copies are the kernel's to protect."""
    _, client = lab.pair()
    warm(lab)
    wait_lane(client, "on")
    reader = lab.reader()
    policy = f"src 0.0.0.0/0 dst {COLLECTOR4}/31 dir out"
    lab.client1.ip(f"xfrm policy add {policy}")  # with nothing to be done: packets pass as they are
    status = wait_lane(client, "off")
    assert "IPsec" in status["collectors"][0]["express"]["reason"] and status["state"] == "ok"
    before = lane(client)["packets"]
    assert_copied_once(lab, reader)
    assert lane(client)["packets"] == before
    lab.client1.ip(f"xfrm policy delete {policy}")
    wait_lane(client, "on")
    assert_copied_once(lab, reader)


def test_without_the_capability(lab):
    """Said once, and all is mirrored."""
    lab.collector().wait_ok()
    program = os.path.join(lab.directory, "without")
    with open(program, "w", encoding="ascii") as f:
        f.write(f"#!/bin/sh\nexec setpriv --bounding-set=-bpf,-sys_admin,-perfmon {shlex.quote(CLIENT)} \"$@\"\n")
    os.chmod(program, 0o755)
    client = lab.daemon(program, lab.client1, CLIENT_CONF).start()
    client.wait_ok()
    reader = lab.reader()
    warm(lab)
    assert_copied_once(lab, reader)
    assert lane(client)["state"] == "off" and "CAP_BPF" in lane(client)["reason"]
    assert client.log().count("express lane") == 1, client.log()
    assert "vtap-express" not in lab.client1.tc("filter show dev vtap-soc egress")


def test_several_next_hops(lab):
    """The kernel spreads what it sends over them."""
    lab.second_network(lab.client1, lab.coll)
    lab.coll.ip("addr add 10.99.0.99/32 dev lo")
    lab.client1.ip(f"route add 10.99.0.99/32 via {COLLECTOR4}")
    lab.collector('allow = {"10.77.0.0/24", "10.88.0.0/24"}\n').wait_ok()
    client = lab.client(config=CLIENT_CONF.replace(COLLECTOR4, "10.99.0.99"))
    client.wait_ok()
    for address in (COLLECTOR4, "10.88.0.99"):
        warm(lab, address)
    wait_lane(client, "on")
    watch = Watch(client)
    lab.client1.ip(f"route replace 10.99.0.99/32 nexthop via {COLLECTOR4} nexthop via 10.88.0.99")
    assert "several next hops" in wait_lane(client, "off")["collectors"][0]["express"]["reason"]
    lab.client1.ip("route replace 10.99.0.99/32 via 10.88.0.99")
    wait_lane(client, "on")
    assert [x.split(": ")[1][:3] for x in watch.lines() if x.startswith(LANE)] == ["off", "on"], watch.lines()
