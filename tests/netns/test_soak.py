# SPDX-License-Identifier: BSD-2-Clause
"""
Hours of life: mixed load, links that flap, an underlay whose MTU changes, reloads and restarts, all at random, for
VTAP_SOAK minutes (tests/soak; some seconds otherwise). The books agree to the packet and to the byte, memory and
descriptors stay what they are, nothing piles up in the kernel, which has nothing to say.
"""

import contextlib
import os
import random
import re
import time

from daemon import VALGRIND
from lab import CLIENT_CONF, COLLECTOR4, bpf_programs, tc_state
from load import Load
from netns import wait_until
from test_mixed import HookTally, SEED, Books, disturb, flap, start_mixed, two_clients, underlay_mtu

MINUTES = float(os.environ.get("VTAP_SOAK") or 0)
# Between two rounds the load pauses and all is judged. Within one, only client2 is restarted, so that what the others
# hold can be compared; at its end they are.
ROUNDS = max(2, round(MINUTES / 3))
SECONDS = MINUTES * 60 / ROUNDS or 6

ALLOW = 'allow = {"10.88.0.0/24"}\n'
TO_COLLECTOR = CLIENT_CONF.replace(COLLECTOR4, "10.88.0.99")
METRICS = 'metrics { listen = "127.0.0.1:9478" }\n'
CLIENT_CONFS = [
    TO_COLLECTOR,
    TO_COLLECTOR.replace('"eth0" { }', '"eth0" { filter = "ip or ip6 or arp" }'),
    TO_COLLECTOR.replace('99" }', '99" ttl = 33 dscp = 10 }') + METRICS,
]
COLLECTOR_CONFS = [
    ALLOW,
    'allow = {"10.88.0.11", "10.88.0.12"}\n' + METRICS,
    'allow = {"10.0.0.0/8"}\nclient "one" { address = "10.88.0.11" }\n',
]

# Memory of a daemon varies by what its allocator keeps at hand. A leak of 100 bytes per pass or reload is more than this
# after half an hour.
MEMORY_SLACK_KB = 256


def memory_kb(pid):
    """What is the process's own: neither files nor what it shares."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        return int(re.search(r"^Anonymous: +(\d+)", f.read(), re.M).group(1))


def descriptors(pid):
    return sorted(re.sub(r"\d+", "N", os.readlink(f"/proc/{pid}/fd/{fd}")) for fd in os.listdir(f"/proc/{pid}/fd"))


class KernelLog:
    """
    What the kernel logs from now on, but for interfaces that come, go and change their state; no claim where its log
    cannot be read. The log is that of the whole machine.
    """

    HARMLESS = re.compile(
        r"(entered|left) (promiscuous|allmulticast) mode|entered \w+ state|link becomes ready|Link is |renamed from"
        r"|^net_ratelimit: "  # what it suppresses has been said before, by itself
    )

    def __init__(self):
        self.fd = None
        with contextlib.suppress(OSError):
            self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
            os.lseek(self.fd, 0, os.SEEK_END)

    def lines(self):
        found = []
        while self.fd is not None:
            try:
                record = os.read(self.fd, 8192).decode(errors="replace")
            except BlockingIOError:
                break
            except BrokenPipeError:  # overwritten before it was read
                continue
            text = record.partition(";")[2].split("\n")[0]
            if not self.HARMLESS.search(text):
                found.append(text)
        return found

    def close(self):
        if self.fd is not None:
            os.close(self.fd)


class Holdings:
    """What the daemons and the kernel hold on their behalf, at comparable moments."""

    def __init__(self, lab, daemons):
        self.lab, self.daemons = lab, daemons
        self.memory = {d.name: [] for d in daemons}

    def settle(self):
        """The same configurations as always, read by everybody."""
        for d in self.daemons:
            d.reload(TO_COLLECTOR if "client" in d.name else ALLOW)
            d.wait_ok()

    def now(self):
        self.settle()
        kernel = [tc_state(ns).count("\n") for ns in (self.lab.client1, self.lab.client2, self.lab.coll)]
        rules = [ns.run("nft", "list", "ruleset").stdout.count("\n") for ns in (self.lab.client1, self.lab.client2)]
        return {
            "lines of ip and tc": kernel,
            "lines of nft": rules,
            "descriptors": {d.name: descriptors(d.process.pid) for d in self.daemons},
        }

    def steady(self):
        """What they hold once it stays so: a link ahead of a hop's filters is let go within a second of the hop."""
        last = {"now": None, "since": 0.0}

        def still():
            now = self.now()
            if now != last["now"]:
                last.update(now=now, since=time.monotonic())
            return time.monotonic() - last["since"] > 2

        wait_until(still, 30, lambda: f"the same for a while: {last['now']}", 0.5)
        return last["now"]

    def same_as(self, before):
        """A connection that just ended, a program that is freed in a moment: they get the moment."""
        last = {}

        def same():
            last["now"] = self.now()
            return last["now"] == before

        wait_until(same, 30, lambda: f"the same as before:\n{before}\nis\n{last['now']}", 0.5)

    def weigh(self):
        for d in self.daemons:
            self.memory[d.name].append(memory_kb(d.process.pid))


def one_round(lab, chance, collector, clients, end):
    """Until `end`; how often each thing was done."""
    done = {}
    restarted = clients[lab.client2]
    while time.monotonic() < end:
        time.sleep(chance.uniform(0.05, 0.7))
        what = chance.choice(("flap", "mtu", "reload", "restart"))
        if what == "flap":
            flap(lab, chance)
        elif what == "mtu":
            underlay_mtu(lab, chance)
        elif what == "reload":
            daemon = chance.choice((collector, *clients.values()))
            daemon.reload(chance.choice(COLLECTOR_CONFS if daemon is collector else CLIENT_CONFS))
        else:
            what = disturb(chance, restarted, CLIENT_CONFS)
        done[what] = done.get(what, 0) + 1
        for d in (collector, *clients.values()):
            d.wait_ok()
    return done


def restart(daemons):
    for d in daemons:
        d.leave()
        d.start().wait_ok()


def test_soak(lab):
    chance = random.Random(SEED)
    log, programs = KernelLog(), len(bpf_programs())
    for ns in (lab.client1, lab.client2, lab.peer):
        ns.ip("link set eth0 gso_max_segs 1")
        ns.sysctl("net.ipv6.conf.eth0.keep_addr_on_down", 1)
    lab.second_network(lab.client1, lab.client2, lab.coll, mtu=1600)
    collector, clients, books = two_clients(lab, ALLOW, TO_COLLECTOR, "10.88.0.", HookTally)
    daemons = (collector, *clients.values())
    for client in clients.values():
        client.expect("eth0|vtap-soc")
    holdings, before, history = Holdings(lab, daemons), None, []
    for number in range(ROUNDS):
        load = Load()
        load.patient = True
        try:
            start_mixed(lab, load)
            history.append(one_round(lab, chance, collector, clients, time.monotonic() + SECONDS / 2))
            holdings.weigh()
            history.append(one_round(lab, chance, collector, clients, time.monotonic() + SECONDS / 2))
            holdings.weigh()
            load.check()
            load.stop()
        finally:
            load.close()
        changes = sum(done.get("mtu", 0) + done.get("flap", 0) for done in history[-2:])
        rows = books.judge(dropped=200 * changes)  # see test_mixed_load_on_changing_links
        print(f"round {number + 1} of {ROUNDS}: {history[-2:]}, {rows['accepted'][0]} copies, kB: {holdings.memory}")
        for wire in books.wires.values():
            wire.kill()
        lab.captures.clear()
        for ns in clients:
            ns.ip("link set eth1 mtu 1600")
            wait_until(lambda ns=ns: "vtap-soc-h" not in ns.links(), 20, "the hop has gone")
        if before is None:
            before = holdings.steady()
        else:
            holdings.same_as(before)
        restart(daemons)
        holdings.settle()
        books = Books(lab, collector, clients, "10.88.0.", HookTally)
    for wire in books.wires.values():
        wire.kill()
    judge_memory(holdings.memory)
    for d in reversed(daemons):
        d.stop()
    wait_until(lambda: len(bpf_programs()) <= programs, 10, "eBPF programs gone")
    said = log.lines()
    log.close()
    assert not said, "the kernel says:\n" + "\n".join(said)


def judge_memory(memory):
    """
    Within a round, by the daemons that lived through it; and over all rounds, between lives of the same length. What a
    daemon takes while it warms up in its first minute is no growth.
    """
    if VALGRIND or "sanitize" in os.environ.get("VTAP_BUILD_DIR", "") or MINUTES < 5:
        return
    for name, kb in memory.items():
        halves = list(zip(kb[::2], kb[1::2]))
        assert kb[-1] <= kb[1] + MEMORY_SLACK_KB, f"{name} has grown over its lives: {kb} kB"
        if name.endswith("-2"):
            continue  # client2 is restarted at random times
        grown = sorted(b - a for a, b in halves)[len(halves) // 2]
        assert grown <= MEMORY_SLACK_KB, f"{name} grows within each of its lives: {kb} kB"
