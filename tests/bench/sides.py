# SPDX-License-Identifier: BSD-2-Clause
"""
The sides that are compared: hosts that are monitored in every way there is, or not at all, each with a far end of its own.

A host has production's interface eth0 (10.1.0.2) and the underlay's eth1 (10.2.0.2); the far end has the other ends of both
cables (10.1.0.1, 10.2.0.1) and a sealed VXLAN endpoint that counts. Underlays of MTU 1600 take every copy whole.
"""

import collections
import os
import re
import subprocess

from daemon import CLIENT
from lab import tool, uses_hop
from netns import run, scratch, wait_until

COLLECTOR = "10.2.0.1"
LARGE, SMALL = 1600, 1500  # the underlay's MTU
# "continue" lets filters behind it see the packet; "2" drops it
DROP_UDP = ["bytecode", "4,48 0 0 23,21 0 1 17,6 0 0 2,6 0 0 4294967295", "direct-action"]
DROP_ALL = ["bytecode", "1,6 0 0 2", "direct-action"]
TUNNEL = f"type vxlan id 42 remote {COLLECTOR} dstport 4789 ttl 64 nolearning"
EVERYTHING = "u32 match u32 0 0"
TEN_TERMS = " or ".join(f"host 192.0.2.{n}" for n in range(1, 10)) + " or net 10.1.0.0/24"


def program(name):
    """A program of the benchmarks."""
    return tool(name, "tests/bench", () if name == "tap" else ("side",))


class Side:
    """One monitored host and its far end."""

    underlay = LARGE  # what it has unless a load says otherwise

    def __init__(self, lab, name, words):
        self.lab, self.name, self.words = lab, name, words
        self.daemon = self.tap = None
        self.host, self.far = lab.net.ns(name), lab.net.ns(name + "-far")
        for ns in (self.host, self.far):
            ns.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
            ns.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
            ns.sysctl("net.ipv4.conf.all.rp_filter", 0)
            ns.sysctl("net.ipv4.tcp_slow_start_after_idle", 0)
        for n, mtu in ((0, 1500), (1, self.underlay)):
            self.host.ip(f"link add eth{n} mtu {mtu} type veth peer name eth{n} mtu {mtu} netns {self.far.name}")
            for ns, number in ((self.host, 2), (self.far, 1)):
                ns.ip(f"addr add 10.{n + 1}.0.{number}/24 dev eth{n}")
                ns.ip(f"link set eth{n} up")
            for ns, other, number in ((self.host, self.far, 1), (self.far, self.host, 2)):
                mac = other.mac(f"eth{n}")
                ns.ip(f"neigh replace 10.{n + 1}.0.{number} lladdr {mac} nud permanent dev eth{n}")
        self.set_tunnel_offloads("off")
        self._make_far()
        self.make()

    def _make_far(self):
        """What sends too fast for anybody to read it ends at the far interface: production's datagrams, and all copies."""
        self.far.sysctl("net.ipv4.ipfrag_max_dist", 0)
        self.far.ip(f"link add copies type vxlan id 42 dstport 4789 local {COLLECTOR} nolearning")
        for name in ("copies", "eth0", "eth1"):
            self.far.tc(f"qdisc add dev {name} clsact")
        self.far.tc("filter add dev copies ingress bpf", *DROP_ALL)
        self.far.tc("filter add dev eth0 ingress bpf", *DROP_UDP)
        self.far.run("ethtool", "-K", "copies", "gro", "off")
        self.far.ip("link set copies arp off up")
        self.ignore_copies()

    def make(self):
        """What monitors the host."""

    def settle(self):
        """After the underlay's MTU changed."""

    def start(self):
        """Before a load."""

    def stop(self):
        """After it."""

    # ---- the far end -----------------------------------------------------------------------------------------

    def ignore_copies(self):
        self.far.tc("filter add dev eth1 ingress pref 1 bpf", *DROP_ALL)

    def take_copies(self):
        self.far.tc("filter del dev eth1 ingress pref 1")

    def argument(self):
        return f"{self.name}:{self.host.name}:{self.far.name}"

    def copies(self):
        """Packets and bytes that arrived at the endpoint; its bytes leave out the Ethernet header."""
        return counters(self.far, "copies")

    def copies_at_rest(self):
        """The same when no more come."""
        seen = [self.copies()]

        def quiet():
            seen.append(self.copies())
            return len(seen) > 4 and len(set(seen[-4:])) == 1

        wait_until(quiet, 20, "no more copies", 0.05)
        return seen[-1]

    def set_underlay(self, mtu):
        for ns in (self.host, self.far):
            ns.ip(f"link set eth1 mtu {mtu}")
        self.settle()

    def set_tunnel_offloads(self, state):
        """Most interfaces of cloud machines cut neither tunnels' super-packets nor UDP's; a veth takes both whole."""
        features = (f"tx-{name}-segmentation" for name in ("udp_tnl", "udp_tnl-csum", "udp"))
        self.host.run("ethtool", "-K", "eth1", *(word for feature in features for word in (feature, state)))

    def set_checksums(self, state):
        """Those inside tunnels' packets, where the lane leaves them to the underlay's interface."""

    def set_offloads(self, state):
        for ns in (self.host, self.far):
            ns.run("ethtool", "-K", "eth0", "tso", state, "gso", state, "gro", state, "tx", state)


def counters(ns, interface):
    """Packets and bytes received."""
    text = ns.ip(f"-s -o link show dev {interface}")
    size, packets = re.search(r"RX:.*?\\\s+(\d+)\s+(\d+)", text).groups()
    return int(packets), int(size)


# ---- by hand ------------------------------------------------------------------------------------------------


class Hand(Side):
    """The smallest rule: one filter for each direction that matches everything."""

    def make(self):
        self.tunnel()
        self.host.tc("qdisc add dev eth0 clsact")
        for direction in ("ingress", "egress"):
            self.host.tc(f"filter add dev eth0 {direction} {EVERYTHING} action mirred egress mirror dev vx0 continue")

    def tunnel(self):
        """As vtap makes it: super-packets are cut and checksummed before they are encapsulated."""
        self.host.ip(f"link add vx0 {TUNNEL}")
        self.host.run("ethtool", "-K", "vx0", "tx", "off")
        self.host.ip("link set vx0 arp off up")


class HandBpf(Hand):
    """The smallest program in place of u32: what is left of vtap's cost is its exemption."""

    def make(self):
        self.tunnel()
        self.host.tc("qdisc add dev eth0 clsact")
        for direction in ("ingress", "egress"):
            action = "action mirred egress mirror dev vx0 continue".split()
            self.host.tc(f"filter add dev eth0 {direction} bpf bytecode", "1,6 0 0 65535", *action)


class HandSpare(Hand):
    """The same, but for the tunnel's own packets: what a host with one interface needs by hand."""

    def make(self):
        super().make()
        for direction, end in (("ingress", "src"), ("egress", "dst")):
            self.host.tc(
                f"filter add dev eth0 {direction} pref 1 protocol ip u32 match ip {end} {COLLECTOR}/32 flowid 1:1"
            )


class HandPlain(Hand):
    """The same to a tunnel as `ip link add` makes it."""

    def tunnel(self):
        self.host.ip(f"link add vx0 {TUNNEL}")
        self.host.ip("link set vx0 arp off up")


class Detour(Hand):
    """The recipe: what leaves goes through lo, by a classful root qdisc, which here is htb where there is no prio."""

    def make(self):
        self.tunnel()
        if run("tc", "-n", self.host.name, *"qdisc add dev eth0 root handle 1: prio".split(), check=False).returncode:
            self.host.tc("qdisc add dev eth0 root handle 1: htb")
        self.host.tc("qdisc add dev eth0 ingress")
        self.host.tc("qdisc add dev lo ingress")
        mirror = f"{EVERYTHING} action mirred egress mirror dev"
        self.host.tc(f"filter add dev eth0 parent ffff: {mirror} vx0")
        self.host.tc(f"filter add dev eth0 parent 1: {mirror} lo")
        self.host.tc(f"filter add dev lo parent ffff: {mirror} vx0")


class NftDup(Hand):
    def make(self):
        self.tunnel()
        rules = "table netdev mirror {\n"
        for hook in ("ingress", "egress"):
            rules += f'chain {hook} {{ type filter hook {hook} device "eth0" priority 0; dup to "vx0"; }}\n'
        nft(self.host, rules + "}\n")


class Tee(Hand):
    """iptables' TEE of today. The tunnel needs an address, and its gateway one of the link layer."""

    def make(self):
        self.tunnel()
        self.host.ip("addr add 192.168.250.1/30 dev vx0")
        self.host.ip("neigh replace 192.168.250.2 lladdr 02:00:00:00:00:02 nud permanent dev vx0")
        dup = 'dup to 192.168.250.2 device "vx0"'
        nft(
            self.host,
            f"""table ip mirror {{
                chain in {{ type filter hook prerouting priority mangle; iifname "eth0" {dup}; }}
                chain out {{ type filter hook postrouting priority mangle; oifname "eth0" {dup}; }}
            }}""",
        )


def nft(ns, rules):
    subprocess.run(ns.command("nft", "-f", "-"), input=rules, text=True, check=True, timeout=30)


class Tap(Side):
    """In user space. It runs only under load, so that it has nothing of the processors otherwise."""

    def start(self):
        self.tap = self.host.popen(program("tap"), "eth0", COLLECTOR, stdout=subprocess.PIPE, text=True)
        assert self.tap.stdout.readline() == "ready\n", "the tap does not start"

    def cpu_seconds(self):
        with open(f"/proc/{self.tap.pid}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[0]) / 1e9

    def stop(self):
        """What it says of itself: read, sent, refused, lost."""
        self.tap.terminate()
        said = self.tap.communicate(timeout=10)[0].split()
        assert self.tap.returncode == 0, f"the tap ended with {self.tap.returncode}"
        return dict(zip(said[::2], map(int, said[1::2])))


# ---- vtap ---------------------------------------------------------------------------------------------------


class Vtap(Side):
    keys, mirror, lane = "", "", "off"

    def make(self):
        lane = f'accelerate = "{self.lane}"' if has_lane() else ""
        config = f'collector "soc" {{ address = "{COLLECTOR}" {self.keys} {lane} }}\nmirror "eth0" {{ {self.mirror} }}\n'
        self.daemon = self.lab.client(self.host, config, start=False)
        self.daemon.start(wait=False)
        wait_until(lambda: self.daemon.told("READY=1"), 120, lambda: f"ready\n{self.daemon.log()}")
        self.settle()

    def settle(self):
        """It follows the underlay's MTU: a hop comes in when it is too small, and goes when it is not."""
        mtu = int(re.search(r"mtu (\d+)", self.host.ip("link show dev eth1")).group(1))

        def looks_right(status):
            hop = uses_hop(self.host)
            return status["state"] == "ok" and status["collectors"][0]["path_mtu"] == mtu and self.is_right(hop, mtu)

        self.daemon.wait(looks_right, f"in place on an underlay of {mtu}")

    def is_right(self, hop, mtu):
        return hop == (mtu < 1550)


class VtapLane(Vtap):
    lane = "auto"

    def make(self):
        self.set_checksums("off")
        super().make()

    def set_checksums(self, state):
        """
        Most interfaces of cloud machines fill in none inside tunnels, so that the kernel does. A veth leaves them to who
        receives, unless it fills in none at all; the lane's outer headers have none.
        """
        self.host.run("ethtool", "-K", "eth1", "tx", state)
        if self.daemon:
            self.daemon.reload()  # it asks

    def is_right(self, hop, mtu):
        return True


class VtapFilter(Vtap):
    mirror = f'filter = "{TEN_TERMS}"'


class VtapRate(Vtap):
    keys = 'rate = "40gbit"'


class VtapHop(Vtap):
    underlay = SMALL


_lane = []


def has_lane():
    """Whether this vtap-client knows the express lane."""
    if not _lane:
        directory = scratch("lane")
        path = os.path.join(directory, "client.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(f'collector "soc" {{ address = "{COLLECTOR}" accelerate = "auto" }}\nmirror "eth0" {{ }}\n')
        _lane.append(run(CLIENT, "-t", "-c", path, check=False).returncode == 0)
        os.remove(path)
        os.rmdir(directory)
    return _lane[0]


def all_sides(lab):
    kinds = [
        (Side, "none", "no mirror"),
        (Hand, "hand", "smallest tc rule by hand"),
        (Vtap, "vtap", "**vtap**"),
        (VtapLane, "lane", "vtap, express lane"),
        (VtapFilter, "filter", "vtap, ten-term filter"),
        (VtapRate, "rate", "vtap, with `rate`"),
        (VtapHop, "hop", "vtap, with the hop"),
        (HandBpf, "bpf", "rule by hand, cls_bpf"),
        (HandSpare, "spare", "rules by hand, tunnel spared"),
        (HandPlain, "plain", "rule by hand, plain tunnel"),
        (NftDup, "netdev", "nft netdev dup"),
        (Detour, "detour", "the recipe's detour by lo"),
        (Tee, "tee", "TEE (nft ip dup)"),
        (Tap, "tap", "user-space tap"),
    ]
    return [kind(lab, name, words) for kind, name, words in kinds if kind is not VtapLane or has_lane()]


# ---- loads --------------------------------------------------------------------------------------------------

Cost = collections.namedtuple("Cost", "least quartile median rounds units")


def start_load(load, what, seconds, *more):
    return subprocess.Popen([program(load), what, str(seconds), *more], stdout=subprocess.PIPE, text=True)


def finish_load(load):
    """Costs by side, and what TCP says that it sent."""
    said = load.communicate(timeout=300)[0].splitlines()
    assert load.returncode == 0, f"{load.args[0]} ended with {load.returncode}"
    sent = {line.split()[1]: int(line.split()[2]) for line in said if line.startswith("sent ")}
    costs = {}
    for line in said:
        name, *numbers = line.split()
        if name != "sent":
            costs[name] = Cost(*map(float, numbers))
    return costs, sent
