# SPDX-License-Identifier: BSD-2-Clause
"""Each way a client's mirror can break: broken on purpose, then well again within a deadline, and said so in one line."""

import os
import re
import signal

import pytest

import frames
from heal import (
    EGRESS, INGRESS, LANE, TUNNEL, UNDERLAY, UNDERLAY_ALLOW, Watch, assert_copied_once, assert_full_size, ip_batch, shape,
    warm,
)  # fmt: skip
from lab import CLIENT_CONF, COLLECTOR4, uses_hop
from netns import wait_until

HANDLE = "0x76746170"
# Only ingress leads to the tunnel itself: egress leads to the hop.
ANEW = {TUNNEL: "cannot be changed in place", INGRESS: "target was made anew", LANE: "missing"}
MISSING = {TUNNEL: "missing", INGRESS: "target was made anew", LANE: "missing"}
COPY_ELSEWHERE = ["bytecode", "1,6 0 0 65535", *"skip_hw action mirred egress mirror dev lo pipe".split()]


def ip(args):
    return lambda ns: ns.ip(args)


def tc(args, *more):
    return lambda ns: ns.tc(args, *more)


def ethtool(*args):
    return lambda ns: ns.run("ethtool", "-K", *args)


def sysctl(key, value):
    return lambda ns: ns.sysctl(key, value)


def change_action(where):
    """`tc actions change` reaches into a filter behind its back."""

    def act(ns):
        text = ns.tc("actions ls action mirred")
        index = re.search(r"Mirror to device vtap-soc\).*\n\s*index (\d+)", text).group(1)
        ns.tc(f"actions change action mirred egress mirror dev {where} index {index}")

    return act


# What somebody does on the client; the lines that tell its repair: subject, cause; lines that belong to it.
REPAIRS = {
    # our filters
    "egress filter": (tc("filter del dev eth0 egress pref 2"), {EGRESS: "missing"}, ()),
    "ingress filter": (tc(f"filter del dev eth0 ingress pref 2 handle {HANDLE} bpf"), {INGRESS: "missing"}, ()),
    "all filters": (tc("filter del dev eth0 ingress"), {INGRESS: "missing"}, ()),
    "clsact": (tc("qdisc del dev eth0 clsact"), {INGRESS: "missing", EGRESS: "missing"}, ()),
    "other program": (
        tc(f"filter replace dev eth0 ingress protocol all pref 2 handle {HANDLE} bpf", *COPY_ELSEWHERE), {INGRESS: "missing"}, ()
    ),
    "action ends the chain": (change_action("vtap-soc pipe"), {INGRESS: "action differs"}, ()),
    "action leads elsewhere": (change_action("lo continue"), {INGRESS: "target was made anew"}, ()),
    # the tunnel device
    "tunnel down": (ip("link set vtap-soc down"), {TUNNEL: "down"}, ()),
    "tunnel held down": (ip("link set vtap-soc protodown on"), {TUNNEL: "held down"}, ()),
    # in one message: between two of them there is time for a repair
    "tunnel held down for a reason": (
        ip("link set vtap-soc protodown on protodown_reason 3 on"), {TUNNEL: "held down"}, (),
    ),
    "tunnel deleted": (ip("link del vtap-soc"), MISSING, ()),
    "tunnel renamed": (ip("link set vtap-soc name stolen"), MISSING, ("^stolen: delete",)),
    "remote": (ip("link set vtap-soc type vxlan remote 10.77.0.20"), {TUNNEL: "settings differ"}, ()),
    "local": (ip("link set vtap-soc type vxlan local 10.77.0.77"), ANEW, ()),
    "ttl": (ip("link set vtap-soc type vxlan ttl 1"), {TUNNEL: "settings differ"}, ()),
    "tos": (ip("link set vtap-soc type vxlan tos 0x10"), {TUNNEL: "settings differ"}, ()),
    "df": (ip("link set vtap-soc type vxlan df set"), {TUNNEL: "settings differ"}, ()),
    "learning": (ip("link set vtap-soc type vxlan learning"), ANEW, ()),
    "checksum offload": (ethtool("vtap-soc", "tx", "on"), {TUNNEL: "offloads differ"}, ()),
    "drop at the tunnel": (tc("filter del dev vtap-soc ingress pref 1"), {TUNNEL: "missing"}, ()),
    "clsact of the tunnel": (tc("qdisc del dev vtap-soc clsact"), {TUNNEL: "missing", LANE: "missing"}, ()),
    "program of the lane": (tc("filter del dev vtap-soc egress pref 1"), {LANE: "missing"}, ()),
    "another program in the lane": (
        tc(f"filter replace dev vtap-soc egress protocol all pref 1 handle {HANDLE} bpf da skip_hw bytecode", "1,6 0 0 2"),
        {LANE: "program differs"}, (),
    ),
    "program of the lane at the hop": (tc("filter del dev vtap-soc-h egress pref 1"), {LANE: "missing"}, ()),
    "clsact of the entry": (tc("qdisc del dev vtap-soc-h clsact"), {LANE: "missing"}, ()),
    "filter in the tunnel": (
        tc("filter add dev vtap-soc egress pref 5 bpf da bytecode", "1,6 0 0 2"), {TUNNEL: "not vtap's"}, ()
    ),
    "other kind of filter in the tunnel": (
        tc("filter add dev vtap-soc egress protocol ip pref 7 u32 match u32 0 0 action mirred egress redirect dev lo"),
        {TUNNEL: "not vtap's"}, (),
    ),
    "root qdisc of the tunnel": (
        tc("qdisc add dev vtap-soc root tbf rate 1kbit burst 100 limit 100"), {TUNNEL: "not vtap's"}, ()
    ),
    "remote out of the forwarding database": (
        lambda ns: ns.run("bridge", "fdb", "del", "00:00:00:00:00:00", "dev", "vtap-soc", "dst", COLLECTOR4), ANEW, ()
    ),
    "detour in the forwarding database": (
        lambda ns: ns.run("bridge", "fdb", "add", "ff:ff:ff:ff:ff:ff", "dev", "vtap-soc", "dst", "10.77.0.20"), ANEW, ()
    ),
    "IPv6 on the tunnel": (sysctl("net.ipv6.conf.vtap-soc.disable_ipv6", 0), {TUNNEL: "IPv6 is on"}, ()),
    "IPv4 address on the tunnel": (ip("addr add 192.0.2.1/32 dev vtap-soc"), {TUNNEL: "must have none"}, ()),
    "many addresses on the tunnel": (
        lambda ns: ip_batch(ns, [f"addr add 192.0.2.{i}/32 dev vtap-soc" for i in range(1, 9)]),
        {TUNNEL: "must have none"}, (),
    ),
    "ARP on the tunnel": (ip("link set vtap-soc arp on"), {TUNNEL: "with ARP"}, ()),
    "tunnel in a bridge": (
        lambda ns: (ns.ip("link add prod type bridge"), ns.ip("link set vtap-soc master prod")),
        ANEW, (),
    ),
    # the hop that takes production's route off the copies
    "entry down": (ip("link set vtap-soc-h down"), {TUNNEL: "down"}, ()),
    "exit down": (ip("link set vtap-soc-x down"), {TUNNEL: "down"}, ()),
    "hop deleted": (ip("link del vtap-soc-h"), {TUNNEL: "missing", EGRESS: "target was made anew", LANE: "missing"}, ()),
    "entry renamed": (
        ip("link set vtap-soc-h name stolen"),
        {TUNNEL: "", EGRESS: "target was made anew", LANE: "missing"}, ("^stolen: delete",),
    ),
    "exit moved": (
        lambda ns: ns.ip(f"link set vtap-soc-x netns {ns.elsewhere.name}"),
        {TUNNEL: "", EGRESS: "target was made anew", LANE: "missing"}, (),
    ),
    "exit's group": (
        ip("link set vtap-soc-x group 0"),
        {TUNNEL: "missing", INGRESS: "missing", EGRESS: "missing", LANE: "missing"}, (": delete",),
    ),
    "entry's MTU": (ip("link set vtap-soc-h mtu 1000"), {TUNNEL: "MTU differs"}, ()),
    "exit's filter": (tc("filter del dev vtap-soc-x ingress pref 1"), {TUNNEL: "missing"}, ()),
    "clsact of the exit": (tc("qdisc del dev vtap-soc-x clsact"), {TUNNEL: "missing"}, ()),
    "IPv6 on the entry": (sysctl("net.ipv6.conf.vtap-soc-h.disable_ipv6", 0), {TUNNEL: "IPv6 is on"}, ()),
    "address on the exit": (ip("addr add 192.0.2.1/32 dev vtap-soc-x"), {TUNNEL: "must have none"}, ()),
    "filter before the exit's": (
        tc("filter add dev vtap-soc-x egress pref 9 bpf da bytecode", "1,6 0 0 2"), {TUNNEL: "not vtap's"}, ()
    ),
    "filter in the entry": (
        tc("filter add dev vtap-soc-x ingress pref 1 handle 7 bpf da bytecode", "1,6 0 0 2"),
        {TUNNEL: "not vtap's"}, (),
    ),
    "root qdisc of the entry": (
        tc("qdisc add dev vtap-soc-h root tbf rate 1kbit burst 100 limit 100"), {TUNNEL: "not vtap's"}, ()
    ),
}  # fmt: skip


@pytest.fixture
def pair(lab):
    """A collector, a client that mirrors client1's eth0, and a reader. The underlay is too small: the hop is in use."""
    lab.client1.elsewhere = lab.net.ns("away")
    collector, client = lab.pair()
    collector.expect("^never")
    warm(lab)
    reader = lab.reader()
    return collector, client, reader


@pytest.mark.parametrize("what", REPAIRS)
def test_it_is_repaired(lab, pair, what):
    collector, client, reader = pair
    act, says, also = REPAIRS[what]
    good, watch, other = shape(lab.client1), Watch(client), Watch(collector)
    act(lab.client1)
    watch.repaired(says, also, most=8 if what.startswith("many") else 1)
    assert_copied_once(lab, reader)
    assert_full_size(lab, reader, lab.peer.address4)
    grew = watch.repairs()
    assert grew == {"ingress": int(INGRESS in says), "egress": int(EGRESS in says)}, (grew, watch.lines())
    client.wait(lambda s: s["state"] == "ok")
    other.silent()
    if what not in ("other program", "tunnel in a bridge"):
        now = shape(lab.client1)
        assert now == good, set(now) ^ set(good)
    if what == "other program":
        assert "device lo" in lab.client1.tc("filter show dev eth0 ingress"), "somebody else's filter was taken away"


# ---- what cannot be repaired --------------------------------------------------------------------------------------


def replace_device(ns):
    ns.ip("link del vtap-soc")
    ns.ip("link add vtap-soc type vxlan id 77 remote 10.77.0.20 dstport 4790")
    ns.ip("link set vtap-soc up")


NOT_OURS = "there is a device vtap-soc .vxlan. that vtap-client did not make"
BLOCKS = {
    "device of somebody else's": (replace_device, lambda ns: ns.ip("link del vtap-soc"), NOT_OURS),
    "its group": (ip("link set vtap-soc group 7"), ip("link set vtap-soc group 1987313665"), NOT_OURS),
    # the device keeps its identifier and port where it was made, out of our reach
    "tunnel moved": (
        lambda ns: ns.ip(f"link set vtap-soc netns {ns.elsewhere.name}"),
        lambda ns: ns.elsewhere.ip("link del vtap-soc"), "vtap-soc: create.*exists",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BLOCKS)
def test_it_is_blocked_and_says_why(lab, pair, what):
    _, client, reader = pair
    act, undo, reason = BLOCKS[what]
    client.expect("vtap-soc")
    watch = Watch(client)
    # while the daemon is stopped, or it takes the name first
    client.process.send_signal(signal.SIGSTOP)
    act(lab.client1)
    for _ in range(20):  # so many lost copies would be a reason, too, but this is where it comes from
        frames.send_marker(lab.client1)
    client.process.send_signal(signal.SIGCONT)
    status = watch.blocked(reason)
    assert {m["state"] for m in status["mirrors"]} == {"blocked"}
    undo(lab.client1)
    client.wait(lambda s: s["state"] == "ok", "ok again", 2)
    assert_copied_once(lab, reader)


def test_a_foreign_ingress_qdisc_takes_the_place(lab, pair):
    """Our clsact goes, somebody's ingress qdisc comes: ingress is mirrored there, egress says why not."""
    _, client, reader = pair
    client.expect("eth0")
    watch = Watch(client)
    client.process.send_signal(signal.SIGSTOP)
    lab.client1.tc("qdisc del dev eth0 clsact")
    lab.client1.tc("qdisc add dev eth0 ingress")
    client.process.send_signal(signal.SIGCONT)
    watch.blocked("ingress qdisc of somebody else's")
    assert_copied_once(lab, reader, egress=False)
    lab.client1.tc("qdisc del dev eth0 ingress")
    client.wait(lambda s: s["state"] == "ok", "ok again", 2)
    assert_copied_once(lab, reader)


# ---- addresses and routes -----------------------------------------------------------------------------------------


def test_the_local_address_goes_and_comes_back(lab, pair):
    """As a DHCP client does it."""
    _, client, reader = pair
    client.expect("no route")
    watch = Watch(client)
    lab.client1.ip("addr del 10.77.0.11/24 dev eth0")
    watch.blocked("no route")
    lab.client1.ip("addr add 10.77.0.11/24 dev eth0")
    client.wait(lambda s: s["state"] == "ok", "ok again", 2)
    warm(lab)
    assert_copied_once(lab, reader)
    assert len(watch.about(TUNNEL)) == 1, watch.lines()


@pytest.mark.parametrize("fixed", [False, True], ids=["by route", "configured"])
def test_the_local_address_changes(lab, fixed):
    """By route the new one is used at once; a configured one that is gone is said to be gone."""
    config = CLIENT_CONF.replace(f'"{COLLECTOR4}"', f'"{COLLECTOR4}"\n local = "10.77.0.11"\n') if fixed else CLIENT_CONF
    collector, client = lab.pair(client=config)
    client.expect("10.77.0.11|no route")
    reader = lab.reader()
    watch = Watch(client)
    lab.client1.ip("addr add 10.77.0.31/24 dev eth0")
    lab.client1.ip("addr del 10.77.0.11/24 dev eth0")
    lab.client1.ip("addr add 10.77.0.31/24 dev eth0", check=False)
    if fixed:
        watch.blocked(".")
        lab.client1.ip("addr add 10.77.0.11/24 dev eth0")
    local = "10.77.0.11" if fixed else "10.77.0.31"
    client.wait(lambda s: s["state"] == "ok" and s["collectors"][0]["local"] == local, "ok again", 2)
    warm(lab)
    assert_copied_once(lab, reader)
    collector.wait(lambda s: local in [c["address"] for c in s["clients"]], "counted under its address")


ROUTED = CLIENT_CONF.replace(COLLECTOR4, "10.99.0.99")


def test_the_route_goes_comes_and_moves(lab):
    """To an underlay with room for full-size copies and back: the hop goes and comes, and no copy is lost after either."""
    lab.second_network(lab.client1, lab.coll, mtu=1600)
    lab.coll.ip("addr add 10.99.0.99/32 dev lo")
    lab.client1.ip(f"route add 10.99.0.0/24 via {COLLECTOR4}")
    collector, client = lab.pair(UNDERLAY_ALLOW, ROUTED)
    client.expect("no route")
    reader = lab.reader()
    for address in (COLLECTOR4, UNDERLAY):
        warm(lab, address)

    lab.client1.ip("route del 10.99.0.0/24")
    Watch(client).blocked("no route")
    lab.client1.ip(f"route add 10.99.0.0/24 via {COLLECTOR4}")
    client.wait(lambda s: s["state"] == "ok", "ok again", 2)
    assert_copied_once(lab, reader)
    assert "vtap-soc-h" in lab.client1.links()

    for via, mtu, hop, cause in ((UNDERLAY, 1600, False, "anew"), (COLLECTOR4, 1500, True, "anew"), (UNDERLAY, 1600, False, "anew")):
        watch = Watch(client)
        lab.client1.ip(f"route replace 10.99.0.0/24 via {via}")
        client.wait(lambda s, m=mtu: s["state"] == "ok" and s["collectors"][0]["path_mtu"] == m, f"path MTU {mtu}", 2)
        wait_until(lambda h=hop: uses_hop(lab.client1) == h, 2, f"the hop: {hop}")
        assert_copied_once(lab, reader)
        assert_full_size(lab, reader, lab.peer.address4)
        assert len(watch.about(EGRESS)) == 1 and cause in watch.about(EGRESS)[0], watch.lines()
        assert not watch.about(INGRESS), watch.lines()
    assert {"10.77.0.11", "10.88.0.11"} <= {c["address"] for c in collector.status()["clients"]}


def test_the_underlays_mtu_changes(lab, pair):
    """Room enough and the hop goes, too little and it comes."""
    _, client, reader = pair
    for ns, port in ((lab.coll, "coll"), (lab.client1, "c1"), (lab.peer, "peer")):
        lab.sw.ip(f"link set {port} mtu 1600")
        if ns is lab.coll:
            ns.ip("link set eth0 mtu 1600")
    lab.sw.ip("link set br0 mtu 1600")
    lab.client1.ip("route change 10.77.0.0/24 dev eth0 src 10.77.0.11 mtu 1500")
    lab.client1.ip("link set eth0 mtu 1600")
    # the monitored interface is the underlay: with its MTU the copies grow too
    client.wait(lambda s: s["state"] == "ok" and s["collectors"][0]["needed_mtu"] == 1650, "needed MTU", 2)
    lab.client1.ip("route add 10.77.0.99/32 dev eth0 src 10.77.0.11 mtu 1600")
    client.wait(lambda s: s["state"] == "ok" and s["collectors"][0]["path_mtu"] == 1600, "path MTU", 2)
    assert "vtap-soc-h" in lab.client1.links()
    lab.client1.ip("link set eth0 mtu 1500")
    client.wait(lambda s: s["collectors"][0]["needed_mtu"] == 1550, "needed MTU", 2)
    assert_copied_once(lab, reader)
    assert_full_size(lab, reader, lab.peer.address4)


# ---- lost events --------------------------------------------------------------------------------------------------


def event_drops(daemon):
    """Events that did not fit into the daemon's sockets."""
    with open(f"/proc/{daemon.process.pid}/net/netlink", encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    inodes = {os.readlink(fd.path) for fd in os.scandir(f"/proc/{daemon.process.pid}/fd")}
    return sum(int(row[8]) for row in rows if f"socket:[{row[9]}]" in inodes)


def test_events_are_lost(lab, pair):
    """10,000 link events while the daemon cannot read: the socket overruns, and it finds out what it was not told."""
    _, client, reader = pair
    lab.client1.ip("link add noise type bridge")
    watch = Watch(client)
    client.process.send_signal(signal.SIGSTOP)
    flood = ["link set noise up", "link set noise down"] * 5000
    ip_batch(lab.client1, flood)
    lab.client1.tc("filter del dev eth0 egress pref 2")  # this event is not among those that fit
    assert event_drops(client) > 0, "the socket did not overrun"
    client.process.send_signal(signal.SIGCONT)
    watch.repaired({EGRESS: "missing"})
    assert_copied_once(lab, reader)
    assert watch.repairs() == {"ingress": 0, "egress": 1}
