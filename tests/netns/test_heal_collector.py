# SPDX-License-Identifier: BSD-2-Clause
"""Each way a collector can break: broken on purpose, then well again within a deadline, and said so in one line."""

import signal

import pytest

import frames
from heal import DOOR, ENDPOINT, Watch, assert_copied_once, shape, warm
from lab import COLLECTOR_CONF
from netns import wait_until

HANDLE = "0x76746170"
GROUP = 0x76740002  # of the collector's devices


def ip(args):
    return lambda ns: ns.ip(args)


def tc(args, *more):
    return lambda ns: ns.tc(args, *more)


def other_vxlan(ns):
    """The daemon's mark on a device of another kind of life, as an old script might leave it."""
    ns.ip("link del vtap0")
    ns.ip(f"link add vtap0 group {GROUP} type vxlan id 42 dstport 4790")
    ns.ip("link set vtap0 up")


# What somebody does on the collector; the lines that tell its repair: subject, cause.
REPAIRS = {
    "endpoint deleted": (ip("link del vtap0"), {ENDPOINT: "missing"}, ()),
    "endpoint down": (ip("link set vtap0 down"), {ENDPOINT: "down"}, ()),
    "endpoint renamed": (ip("link set vtap0 name stolen"), {ENDPOINT: "missing"}, ("^stolen: delete",)),
    "ARP": (ip("link set vtap0 arp on"), {ENDPOINT: "with ARP"}, ()),
    "IPv4 address": (ip("addr add 192.0.2.1/24 dev vtap0"), {ENDPOINT: "must have none"}, ()),
    "IPv6 address": (
        lambda ns: (ns.sysctl("net.ipv6.conf.vtap0.disable_ipv6", 0), ns.ip("addr add 2001:db8::1/64 dev vtap0 nodad", check=False)),
        {ENDPOINT: "IPv6 is on"}, ("^endpoint vtap0: ",),
    ),
    "IPv6": (lambda ns: ns.sysctl("net.ipv6.conf.vtap0.disable_ipv6", 0), {ENDPOINT: "IPv6 is on"}, ()),
    "seal": (tc("filter del dev vtap0 ingress pref 1"), {ENDPOINT: "missing"}, ()),
    "clsact of the endpoint": (tc("qdisc del dev vtap0 clsact"), {ENDPOINT: "missing"}, ()),
    "a filter before the seal": (
        tc("filter add dev vtap0 ingress protocol all pref 1 handle 7 bpf da bytecode", "1,6 0 0 0"), {ENDPOINT: "not vtap's"}, ()
    ),
    "GRO": (lambda ns: ns.run("ethtool", "-K", "vtap0", "gro", "on"), {ENDPOINT: "offloads differ"}, ()),
    "learning": (ip("link set vtap0 type vxlan learning"), {ENDPOINT: ""}, ()),
    "other vxlan": (other_vxlan, {ENDPOINT: ""}, ()),
    "in a bridge": (
        lambda ns: (ns.ip("link add prod type bridge"), ns.ip("link set vtap0 master prod")), {ENDPOINT: "cannot be changed in place"}, ()
    ),
    "door's filter": (tc("filter del dev eth0 ingress pref 1"), {DOOR: "missing"}, ()),
    "door's filter by handle": (tc(f"filter del dev eth0 ingress pref 1 handle {HANDLE} bpf"), {DOOR: "missing"}, ()),
    "cutter": (ip("link del vtap0-s"), {DOOR: "missing"}, ()),
    "cutter's end": (tc("filter del dev vtap0-t ingress pref 1"), {DOOR: "missing"}, ()),
    "cutter's offloads": (lambda ns: ns.run("ethtool", "-K", "vtap0-s", "tx", "on"), {DOOR: "offloads differ"}, ()),
    "clsact of the underlay": (tc("qdisc del dev eth0 clsact"), {DOOR: "missing"}, ()),
}  # fmt: skip


@pytest.mark.parametrize("what", REPAIRS)
def test_it_is_repaired(lab, what):
    collector, client = lab.pair()
    warm(lab)
    act, says, also = REPAIRS[what]
    good, watch, other = shape(lab.coll), Watch(collector), Watch(client)
    accepted = watch.before["accepted"]["packets"]
    collector.process.send_signal(signal.SIGSTOP)  # it sees the whole, not the steps
    act(lab.coll)
    collector.process.send_signal(signal.SIGCONT)
    if what == "IPv6 address":  # in one pass or in two
        wait_until(lambda: watch.about(ENDPOINT), 2, "a repair")
        collector.wait(lambda s: s["state"] == "ok", "ok", 2)
        wait_until(lambda: "inet6" not in lab.coll.ip("addr show dev vtap0"), 2, "no address")
    else:
        watch.repaired(says, also)
    reader = lab.reader()
    assert_copied_once(lab, reader)
    collector.wait(lambda s: s["state"] == "ok" and s["accepted"]["packets"] >= accepted + 2, "counted", 2)
    other.silent()
    if what != "in a bridge":
        now = shape(lab.coll)
        assert now == good, set(now) ^ set(good)
    assert "inet" not in lab.coll.ip("addr show dev vtap0")


BLOCKS = {
    "device of somebody else's": (
        lambda ns: (ns.ip("link del vtap0"), ns.ip("link add vtap0 type vxlan id 77 dstport 4790")), ip("link del vtap0"),
        "there is a device vtap0 .vxlan. that vtap-collector did not make",
    ),
    "its group": (ip("link set vtap0 group 0"), ip(f"link set vtap0 group {GROUP}"), "vtap0 .vxlan. that vtap-collector did not make"),
    "the door's place": (
        lambda ns: (
            ns.tc("filter del dev eth0 ingress pref 1"),
            ns.tc("filter add dev eth0 ingress protocol ip pref 1 u32 match ip dport 9 0xffff flowid 1:9"),
        ),
        tc("filter del dev eth0 ingress pref 1"), "pref 1 of eth0 ingress is taken by a u32 filter, the door is behind it at pref 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BLOCKS)
def test_it_is_blocked_and_says_why(lab, what):
    collector, _ = lab.pair()
    collector.expect("vtap0|pref 1")
    warm(lab)
    act, undo, reason = BLOCKS[what]
    watch = Watch(collector)
    collector.process.send_signal(signal.SIGSTOP)  # or it takes the place first
    act(lab.coll)
    collector.process.send_signal(signal.SIGCONT)
    watch.blocked(reason)
    undo(lab.coll)
    collector.wait(lambda s: s["state"] == "ok", "ok again", 2)
    reader = lab.reader()
    assert_copied_once(lab, reader)


# ---- interfaces and addresses come, go and move -------------------------------------------------------------------


def knock(lab, number=11, dst="10.88.0.99", port=None):
    """A tunnel packet from client1's eth1 to the collector, whatever the source address."""
    inner = frames.arp_request("02:00:00:00:00:01", "192.0.2.1", "192.0.2.2")
    payload = frames.vxlan_payload(42, inner)
    frame = frames.udp_frame(
        lab.client1.mac("eth1"), lab.coll.mac("eth1"), f"10.88.0.{number}", dst, 40000, port or 4789, payload
    )  # fmt: skip
    frames.send_frame(lab.client1, "eth1", frame)


def test_a_new_interface_has_a_door(lab):
    """Who is not allowed is not let in through it either."""
    collector = lab.collector(COLLECTOR_CONF)  # 10.88.0.0/24 is not in allow
    collector.wait_ok()
    watch = Watch(collector)
    lab.second_network(lab.client1, lab.coll)
    wait_until(lambda: "vtap-door" in lab.coll.tc("filter show dev eth1 ingress"), 2, "a door on eth1")
    reader = lab.reader()
    knock(lab)
    status = collector.wait(lambda s: s["rejected"]["packets"] == 1, "rejected", 2)
    assert status["state"] == "ok" and status["clients"] == []
    frames.quiet(reader)
    assert not reader.frames()
    assert watch.about(DOOR) and all("eth1" in x for x in watch.about(DOOR)), watch.lines()


def test_an_address_moves(lab):
    """The door is where the address is, and taken away where none is left."""
    collector = lab.collector()
    collector.wait_ok()
    for ns in (lab.client1, lab.coll):
        lab.net.plug(lab.sw, f"y{ns.number}", ns, "eth1")
    lab.sw.ip("link set y11 nomaster")
    lab.sw.ip("link set y99 nomaster")
    lab.sw.ip("link add br1 type bridge forward_delay 0 mcast_snooping 0")
    for name in ("y11", "y99"):
        lab.sw.ip(f"link set {name} master br1 up")
    lab.sw.ip("link set br1 up")
    lab.coll.sysctl("net.ipv6.conf.eth1.disable_ipv6", 1)  # or it has a link-local address
    wait_until(lambda: "bpf" not in lab.coll.tc("filter show dev eth1 ingress", check=False), 2, "no door on eth1")
    reader = lab.reader()

    lab.coll.ip("addr add 10.77.0.98/24 dev eth0")
    lab.coll.ip("addr del 10.77.0.98/24 dev eth0")
    lab.coll.ip("addr add 10.77.0.98/32 dev eth1")
    wait_until(lambda: "vtap-door" in lab.coll.tc("filter show dev eth1 ingress"), 2, "a door on eth1")
    assert "vtap-door" in lab.coll.tc("filter show dev eth0 ingress")
    knock(lab, dst="10.77.0.98")  # from 10.88.0.11
    collector.wait(lambda s: s["rejected"]["packets"] == 1, "rejected", 2)

    lab.coll.ip("addr del 10.77.0.98/32 dev eth1")
    wait_until(lambda: "clsact" not in lab.coll.tc("qdisc show dev eth1"), 2, "nothing on eth1")
    frames.quiet(reader)
    assert not reader.frames()
    collector.wait(lambda s: s["state"] == "ok")


def test_the_underlay_is_made_anew(lab):
    """Deleted, and another of the same name with the same address: the door is on it, clients are counted on."""
    collector, _ = lab.pair()
    warm(lab)
    reader = lab.reader()
    assert_copied_once(lab, reader)
    was = collector.status()["accepted"]["packets"]
    lab.coll.ip("link del eth0")
    lab.net.plug(lab.sw, "coll", lab.coll, addresses=("10.77.0.99/24", "fd77::99/64"))
    wait_until(lambda: "vtap-door" in lab.coll.tc("filter show dev eth0 ingress", check=False), 2, "a door on eth0")
    lab.client1.ip("neigh flush all")
    warm(lab)
    assert_copied_once(lab, reader)
    collector.wait(lambda s: s["state"] == "ok" and s["accepted"]["packets"] > was + 1, "counted", 2)
