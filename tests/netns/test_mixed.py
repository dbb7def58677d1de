# SPDX-License-Identifier: BSD-2-Clause
"""
The books under a mixed load over two clients, while daemons are reloaded and restarted, interfaces flap and the underlay
changes: what was on the monitored interfaces == mirrors + dropped; mirrors == collector's clients == what a reader saw.
"""

import os
import random
import re
import time

import pytest

import traffic
from lab import ALLOW, COLLECTOR4, NOT_TUNNEL
from lab import WHOLE_CONF as CLIENT_CONF
from load import Load
from netns import backlog_drops, wait_until
from test_mirror import counted, mirrored

LONG = bool(os.environ.get("VTAP_LONG"))
SECONDS, LINK_SECONDS = (600, 60) if LONG else (20, 10)
SEED = int(os.environ.get("VTAP_SEED") or random.randrange(1 << 32))

BULK = 3_000_000  # bytes per second, of each TCP direction: what two busy processors copy without loss
PORT, SMALL_RATE = 5999, 2000
LARGE_RATE = 40
FRAME_MIN, FRAME_MAX = 42, 1514


class Books:
    """The same copies as everybody counts them, from a quiet moment on."""

    def __init__(self, lab, collector, clients, underlay="10.77.0.", on_wire=None):
        self.lab, self.collector, self.clients, self.underlay = lab, collector, clients, underlay
        on_wire = on_wire or (lambda ns: lab.tally(ns, wire=True, expression=NOT_TUNNEL))
        self.dropped = backlog_drops()
        self.knows_undelivered = "undelivered" in collector.status()
        while True:
            self.start = self._settled()
            self.reader = lab.tally(lab.coll, "vtap0")
            self.wires = {ns: on_wire(ns) for ns in clients}
            if self._counters() == self.start:
                break
            for tally in (self.reader, *self.wires.values()):
                tally.kill()  # something spoke meanwhile
            lab.captures.clear()

    def _counters(self):
        status = self.collector.status()
        now = {
            "accepted": (status["accepted"]["packets"], status["accepted"]["bytes"]),
            "rejected": (status["rejected"]["packets"], status["rejected"]["bytes"]),
            "endpoint dropped": (sum(e["rx_dropped"] for e in status["endpoints"]), 0),
        }
        for name in ("undelivered", "overflow"):
            now[name] = (status.get(name, {}).get("packets", 0), status.get(name, {}).get("bytes", 0))
        for ns, client in self.clients.items():
            said = client.status()
            (soc,) = said["collectors"]
            now["mirrors", ns.number] = mirrored(client)
            now["dropped", ns.number] = (sum(m["dropped"] for m in said["mirrors"]), 0)
            now["tunnel", ns.number] = (soc["tx_packets"], soc["tx_bytes"])
            now["tunnel lost", ns.number] = (soc["tx_dropped"] + soc["tx_errors"], 0)
            now["clients[]", ns.number] = counted(self.collector, f"{self.underlay}{ns.number}")
        return now

    def _settled(self):
        """The counters once they have not changed for a while."""
        state = {"now": None, "since": 0.0}

        def still():
            now = self._counters()
            if now != state["now"]:
                state.update(now=now, since=time.monotonic())
            return time.monotonic() - state["since"] > 1.2

        wait_until(still, 30, lambda: f"quiet counters {state}", 0.1)
        return state["now"]

    def close(self):
        """{what: (packets, bytes)} since the start, by everybody."""
        end = self._settled()
        rows = {what: tuple(b - a for a, b in zip(self.start[what], end[what])) for what in end}
        rows["reader"] = self.reader.stop()
        for ns, wire in self.wires.items():
            rows["interface", ns.number] = wire.stop()
        rows["backlog of this machine"] = (backlog_drops() - self.dropped, 0)
        return rows

    def table(self, rows):
        lines = [f"  {str(what):28} {rows[what][0]:12} packets {rows[what][1]:15} bytes" for what in sorted(rows, key=str)]
        return "\n".join(["the books:", *lines, f"VTAP_SEED={SEED}"])

    def judge(self, dropped=0):
        """
        Fails unless all of it adds up. `dropped`: how many copies may be shown as dropped. What the machine's receive
        backlogs lost between the hosts is a loss of the network: it bounds what may be missing behind the tunnel.
        """
        rows = self.close()
        network = rows["backlog of this machine"][0]
        wrong = []

        def check(good, what):
            if not good:
                wrong.append(what)

        def less(whole, part, lost):
            missing, size = (a - b for a, b in zip(rows[whole], rows[part]))
            check(0 <= missing <= lost and missing * FRAME_MIN <= size <= missing * FRAME_MAX, f"{whole} == {part}")

        come = []
        for ns in self.clients:
            n = ns.number
            check(rows["mirrors", n] == rows["tunnel", n], f"mirrors == tunnel of {n}")
            less(("mirrors", n), ("clients[]", n), network)
            come.append(rows["clients[]", n])
            lost = rows["dropped", n][0]
            check(lost <= dropped + network, f"nothing dropped by {n}")
            check(rows["tunnel lost", n][0] == lost, f"tunnel lost == dropped of {n}")
            check(rows["interface", n][0] == rows["mirrors", n][0] + lost, f"interface == mirrors + dropped of {n}")
            less(("interface", n), ("mirrors", n), lost)
        check(tuple(map(sum, zip(*come))) == rows["accepted"], "sum of clients[] == accepted")
        rows["delivered"] = tuple(a - b for a, b in zip(rows["accepted"], rows["undelivered"]))
        less("delivered", "reader", 0 if self.knows_undelivered else network)
        for name in ("rejected", "overflow"):
            check(rows[name] == (0, 0), f"no {name}")
        print(self.table(rows))
        assert not wrong, "\n".join(["not so: " + w for w in wrong] + [self.table(rows)])
        return rows


class HookTally:
    """
    Counts at the hooks of netfilter beside those of tc: what the host hands to eth0 even if the interface is down and
    nothing leaves, where an AF_PACKET reader sees nothing. It counts packets as the host has them: without offloads these
    are frames.
    """

    RULES = """table netdev books {
        chain out { type filter hook egress device eth0 priority 0; counter; }
        chain in { type filter hook ingress device eth0 priority 0; counter; }
    }"""

    def __init__(self, ns):
        self.ns = ns
        ns.run("nft", self.RULES)

    def stop(self):
        text = self.ns.run("nft", "list", "table", "netdev", "books").stdout
        found = re.findall(r"hook (\w+) .*\n\s*counter packets (\d+) bytes (\d+)", text)
        counted = {hook: (int(packets), int(size)) for hook, packets, size in found}
        (out, out_bytes), (come, come_bytes) = counted["egress"], counted["ingress"]
        return out + come, out_bytes + come_bytes + 14 * come  # ingress sees a packet behind its Ethernet header

    def kill(self):
        self.ns.run("nft", "delete", "table", "netdev", "books")


@pytest.fixture
def load():
    running = Load()
    try:
        yield running
    finally:
        running.close()


def meet(*hosts):
    """Everybody knows everybody's neighbour entry, so that none is asked for later."""
    for one in hosts:
        for other in hosts:
            if one is not other:
                traffic.ping(one, other.address4, (98,))
                traffic.ping(one, other.address6, (98,))


def start_mixed(lab, load):
    one, two, peer = lab.client1, lab.client2, lab.peer
    load.tcp(one, peer, peer.address4, BULK)
    load.tcp(two, peer, peer.address6, BULK, 5601)
    load.tcp(one, two, two.address4, BULK // 4, 5602)
    for number, (ns, other) in enumerate(((one, peer), (peer, one), (two, peer))):
        load.command(lab.numbered_for_ever(ns, other, PORT - number, SMALL_RATE, 20 + number))
        load.command(lab.numbered_for_ever(ns, other, PORT - 10 - number, LARGE_RATE, 4000 + number))
    load.udp(two, peer, peer.address6, 200, 60, 5801)
    load.udp(peer, two, two.address6, 30, 5000, 5802)
    load.udp(one, two, two.address6, 30, 3000, 5803)


def two_clients(lab, collector_conf=ALLOW, client_conf=CLIENT_CONF, underlay="10.77.0.", on_wire=None):
    """The usual for this file: the collector, both clients, and the books."""
    collector = lab.collector(collector_conf)
    collector.wait_ok()
    clients = {ns: lab.client(ns, client_conf) for ns in (lab.client1, lab.client2)}
    for client in clients.values():
        client.wait_ok()
    meet(lab.client1, lab.client2, lab.peer, lab.coll)
    for ns in clients:
        traffic.ping(ns, f"{underlay}99", (98,))
    return collector, clients, Books(lab, collector, clients, underlay, on_wire)


def test_a_switch_that_floods(lab):
    """
    A collector is silent, so after minutes switches forget where it is and flood what goes to it: each client then sees
    the other one's copies arrive, later fragments included, and mirrors none of them.
    """
    _, _, books = two_clients(lab)
    lab.sw.ip("link set coll type bridge_slave learning off")
    lab.sw.run("bridge", "fdb", "del", lab.coll.mac(), "dev", "coll", "master")
    flooded = lab.tally(lab.client2, expression=f"src host {lab.client1.address4} and dst host {COLLECTOR4}")
    traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address4, BULK // 4)
    traffic.ping(lab.client2, lab.peer.address4, (1514,) * 10)
    rows = books.judge()
    assert flooded.stop()[0] > BULK // 1448 and rows["interface", 12][0] == 20


# ---- reloads and restarts --------------------------------------------------------------------------------------

CLIENT_CONFS = [
    CLIENT_CONF,
    CLIENT_CONF.replace('"eth0" { }', '"eth0" { filter = "ip or ip6 or arp" }'),
    CLIENT_CONF.replace('99"', '99" ttl = 33 dscp = 10'),
]
COLLECTOR_CONFS = [
    ALLOW,
    'allow = {"10.77.0.11", "10.77.0.12"}\n',
    'allow = {"10.0.0.0/8"}\nvxlan { gro = false }\n',
]


DEEDS = ("reload", "reload", "restart", "kill")


def deeds(chance):
    """Without end, in a random order, each in its turn."""
    while True:
        yield from chance.sample(DEEDS, len(DEEDS))


def disturb(chance, daemon, confs, what=None):
    """One of the things that operators do. Returns what."""
    what = what or chance.choice(DEEDS)
    if what == "reload":
        daemon.reload(chance.choice(confs))
    elif what == "restart":
        daemon.leave()
        daemon.start()
    else:
        daemon.kill()
        time.sleep(chance.uniform(0, 0.3))
        daemon.start()
    daemon.wait_ok()
    return what


def test_mixed_load(lab, load):
    """To the packet and to the byte."""
    chance = random.Random(SEED)
    collector, clients, books = two_clients(lab)
    start_mixed(lab, load)
    done, turn = [], deeds(chance)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.05, 1))
        daemon = chance.choice((collector, *clients.values()))
        confs = COLLECTOR_CONFS if daemon is collector else CLIENT_CONFS
        done.append((daemon.name, disturb(chance, daemon, confs, next(turn))))
        load.check()
    load.stop()
    print(f"{len(done)} disturbances, {load.received} bytes by TCP")
    rows = books.judge()
    assert load.received > BULK * SECONDS and rows["reader"][0] > 5000 * SECONDS
    assert {what for _, what in done} == {"reload", "restart", "kill"} or len(done) < 12


# ---- interfaces and paths that change --------------------------------------------------------------------------


def flap(lab, chance):
    """Of a monitored interface: its cable, or by its administrator."""
    ns, port = chance.choice(((lab.client1, "c1"), (lab.client2, "c2")))
    where, device = chance.choice(((lab.sw, port), (ns, "eth0")))
    where.ip(f"link set {device} down")
    time.sleep(chance.uniform(0, 0.3))
    where.ip(f"link set {device} up")


def underlay_mtu(lab, chance):
    ns = chance.choice((lab.client1, lab.client2))
    ns.ip(f"link set eth1 mtu {chance.choice((1600, 1500, 1400, 1550))}")


@pytest.mark.parametrize("change", [flap, underlay_mtu])
def test_mixed_load_on_changing_links(lab, load, change):
    """The copies go by a network of their own. What is handed to an interface that is down is copied all the same."""
    chance = random.Random(SEED)
    on_wire = None
    if change is flap:
        on_wire = HookTally
        for ns in (lab.client1, lab.client2, lab.peer):
            ns.ip("link set eth0 gso_max_segs 1")
            ns.sysctl("net.ipv6.conf.eth0.keep_addr_on_down", 1)
    lab.second_network(lab.client1, lab.client2, lab.coll, mtu=1600)
    conf = CLIENT_CONF.replace(COLLECTOR4, "10.88.0.99")
    collector, clients, books = two_clients(lab, 'allow = {"10.88.0.0/24"}\n', conf, "10.88.0.", on_wire)
    for client in clients.values():
        client.expect("eth0|vtap-soc")
    load.patient = True
    start_mixed(lab, load)
    end, times = time.monotonic() + LINK_SECONDS, 0
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.05, 0.7))
        change(lab, chance)
        times += 1
        for d in (collector, *clients.values()):
            d.wait_ok()
        load.check()
    load.stop()
    print(f"{times} changes, {load.received} bytes by TCP")
    # While the hop comes in, its veth takes nothing until the kernel has noticed the carrier: a millisecond's copies.
    books.judge(dropped=0 if change is flap else 200 * times)


def test_mixed_load_with_losses(lab, load):
    """Copies that are too big are now fragmented, now dropped: each of them is delivered or shown as dropped."""
    chance = random.Random(SEED)
    _, clients, books = two_clients(lab)
    start_mixed(lab, load)
    confs = [CLIENT_CONF, CLIENT_CONF.replace('"fragment"', '"drop" accelerate = "off"')]
    end = time.monotonic() + LINK_SECONDS
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.1, 0.7))
        disturb(chance, chance.choice(list(clients.values())), confs)
        load.check()
    load.stop()
    rows = books.judge(dropped=1 << 40)
    assert rows["dropped", 11][0] + rows["dropped", 12][0] > 1000
