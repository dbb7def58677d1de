# SPDX-License-Identifier: BSD-2-Clause
"""The judge is judged: a mirror made by hand with ip and tc, right or wrong on purpose, and what the comparison says."""

import os
import struct

import pytest

import frames
import traffic
from lab import COLLECTOR4, tool
from netns import run, wait_until

TUNNEL = f"(dst host {COLLECTOR4} and ip proto 17 and (ip[6:2] & 0x1fff != 0 or udp dst port 4789))"


def bytecode(expression):
    return ",".join(run("tcpdump", "-ddd", "-y", "EN10MB", expression).stdout.split("\n")).rstrip(",")


def hand_collector(lab, gro="off"):
    lab.coll.ip("link add vtap0 type vxlan id 42 dstport 4789 nolearning")
    lab.coll.run("sysctl", "-qw", "net.ipv6.conf.vtap0.disable_ipv6=1")
    lab.coll.run("ethtool", "-K", "vtap0", "gro", gro)
    lab.coll.ip("link set vtap0 arp off up")
    lab.coll.ip("link set vtap0 promisc on")


def hand_client(lab, ns, expression=f"not {TUNNEL}", tx="off", copies=1):
    ns.ip(f"link add vtap-soc type vxlan id 42 remote {COLLECTOR4} local {ns.address4} dstport 4789 nolearning")
    ns.run("sysctl", "-qw", "net.ipv6.conf.vtap-soc.disable_ipv6=1")
    ns.run("ethtool", "-K", "vtap-soc", "tx", tx)
    ns.ip("link set vtap-soc arp off up")
    ns.tc("qdisc add dev eth0 clsact")
    for hook in ("ingress", "egress"):
        for pref in range(2, 2 + copies):
            ns.tc(
                f"filter add dev eth0 {hook} pref {pref} protocol all bpf bytecode",
                bytecode(expression),
                *"action mirred egress mirror dev vtap-soc continue".split(),
            )


def observe(lab, expression=f"not {TUNNEL}", tx="off", copies=1, gro="off", bulk=2_000_000):
    """Runs the traffic over a mirror made by hand: what should have come, and what came."""
    hand_collector(lab, gro)
    hand_client(lab, lab.client1, expression, tx, copies)
    traffic.ping(lab.client1, COLLECTOR4, (60,))  # the tunnel knows its neighbour
    reader = lab.reader()
    monitored = lab.capture(lab.client1, wire=True)
    first = frames.send_marker(lab.client1)
    traffic.mixed(lab.client1, lab.peer, lab.peer.address4, lab.peer.address6, bulk)
    frames.quiet(reader, monitored)
    last = frames.send_marker(lab.client1)
    for capture in (reader, monitored):
        capture.wait_for(lambda f: f == last)
    expected = [f.bytes for f in monitored.stop() if not frames.is_tunnel(f.bytes, {COLLECTOR4})]
    got = [f.bytes for f in reader.stop()]
    lab.path = reader.path
    return frames.between(expected, [first], [last]), frames.between(got, [first], [last])


def test_a_right_mirror_is_right(lab):
    expected, got = observe(lab, bulk=20_000_000)
    assert len(expected) > 20000
    assert max(map(len, got)) == frames.FRAME_MAX
    frames.assert_same_frames(expected, got)
    frames.assert_clean(lab.path)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"expression": f"not {TUNNEL} and not arp"}, "missing"),
        ({"copies": 2}, "too many"),
        ({"tx": "on"}, "missing"),
        ({"gro": "on"}, "missing"),
    ],
    ids=["missing", "doubled", "not segmented", "merged"],
)
def test_a_wrong_mirror_is_wrong(lab, wrong, words):
    expected, got = observe(lab, **wrong)
    with pytest.raises(AssertionError, match=words):
        frames.assert_same_frames(expected, got)
    if wrong.get("tx") == "on":
        with pytest.raises(AssertionError, match="tshark objects"):
            frames.assert_clean(lab.path)


def test_random_payload_is_no_malformed_packet(tmp_path):
    """Whatever its ports and its first bytes are like: tshark guesses well-known protocols from either."""
    one, two = "02:00:00:00:00:01", "02:00:00:00:00:02"
    path = tmp_path / "random.pcap"
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i in range(20000):
            payload = os.urandom(1 + i % 60)
            frame = frames.udp_frame(one, two, "10.0.0.1", "10.0.0.2", 32768 + i, 5300, payload)
            file.write(struct.pack("=IIII", i, 0, len(frame), len(frame)) + frame)
    frames.assert_clean(path)


def test_one_changed_bit_is_seen():
    frame = frames.udp_frame("02:00:00:00:00:01", "02:00:00:00:00:02", "10.0.0.1", "10.0.0.2", 1, 2, b"x" * 40)
    changed = frame[:-1] + bytes([frame[-1] ^ 1])
    frames.assert_same_frames([frame, frame], [frame, frame])
    for wrong in ([frame, changed], [frame], [frame] * 3):
        with pytest.raises(AssertionError):
            frames.assert_same_frames([frame, frame], wrong)


def test_the_tunnel_is_told_from_production():
    one, two = "02:00:00:00:00:01", "02:00:00:00:00:02"
    assert frames.is_tunnel(frames.udp_frame(one, two, "10.0.0.1", COLLECTOR4, 1, 4789, b""), {COLLECTOR4})
    assert not frames.is_tunnel(frames.udp_frame(one, two, "10.0.0.1", COLLECTOR4, 1, 4788, b""), {COLLECTOR4})
    assert not frames.is_tunnel(frames.udp_frame(one, two, "10.0.0.1", "10.77.0.98", 1, 4789, b""), {COLLECTOR4})
    assert not frames.is_tunnel(frames.arp_request(one, "10.0.0.1", COLLECTOR4), {COLLECTOR4})


def test_numbered_packets(lab):
    monitored = lab.capture(lab.client1)
    sender = lab.numbered(lab.client1, 2000, 10000)
    assert sender.communicate(timeout=10)[0] == "2000\n"
    wait_until(lambda: len(frames.numbers([f.bytes for f in monitored.frames()], 5999)) >= 2000)
    assert frames.numbers([f.bytes for f in monitored.stop()], 5999) == list(range(2000))


def test_capture_restores_vlan_tags(lab):
    tagged = frames.mac_bytes(lab.peer.mac()) + frames.mac_bytes(lab.client1.mac()) + b"\x81\x00\x00\x07\x88\xb5" + bytes(46)
    seen = lab.capture(lab.peer)
    frames.send_frame(lab.client1, "eth0", tagged)
    assert seen.wait_for(lambda f: f == tagged).outgoing is False


def test_tools_are_there():
    assert tool("capture") and tool("numbered")
