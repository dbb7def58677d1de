# SPDX-License-Identifier: BSD-2-Clause
"""kill -9 at random moments, under load: afterwards one copy of each packet, no stray object, and a clean end."""

import os
import random
import re
import time

import frames
import traffic
from lab import COLLECTOR4, bpf_programs, tc_state
from netns import wait_until

LONG = bool(os.environ.get("VTAP_LONG"))
SEED = int(os.environ.get("VTAP_SEED") or random.randrange(1 << 32))
PORT, RATE, LAST = 5999, 10000, 5000
FOR_EVER = 1 << 40


class Load:
    """Numbered packets from client1 to the peer, until it is stopped; then LAST more to another port."""

    def __init__(self, lab):
        self.lab = lab
        traffic.ping(lab.client1, COLLECTOR4, (98,))
        self.sender = lab.numbered(lab.client1, FOR_EVER, RATE)

    def finish(self, reader):
        """Stops the load; fails unless each packet sent from now on is copied once, and none was copied twice before."""
        sender = self.lab.numbered(self.lab.client1, LAST, RATE, port=PORT + 1)
        assert sender.communicate(timeout=30)[0] == f"{LAST}\n"
        self.sender.kill()
        self.sender.communicate()
        frames.quiet(reader)
        seen = [f.bytes for f in reader.stop()]
        assert frames.numbers(seen, PORT + 1) == list(range(LAST))
        before = frames.numbers(seen, PORT)
        assert before and len(before) == len(set(before)), "packets were copied twice"
        return before


def kill_and_start(daemon, chance, ready):
    """One death at a random moment of the start or of the work after it, and the next start."""
    daemon.start(wait=False)
    if chance.random() < 0.7:
        time.sleep(chance.uniform(0, 0.03))  # while it starts, looks around and repairs
    else:
        wait_until(lambda: daemon.told("READY=1"), 15, lambda: f"{daemon.name} ready\n{daemon.log()}")
        time.sleep(chance.uniform(0, 0.06))
    ready()
    daemon.kill()


def normal(text):
    """tc_state without what making an object anew changes, its place among the others included."""
    text = re.sub(r"^\d+: ", "", text, flags=re.M)
    text = re.sub(r"link/ether \S+|@\S+?:|@if\d+|index \d+|id \d+ name|tag \S+|jited|handle 0x\d \b", "", text)
    return "\n".join(sorted(text.splitlines()))


def assert_same_objects(ns, wanted):
    wait_until(lambda: normal(tc_state(ns)) == wanted, 10, lambda: f"as it was\n{wanted}\n---\n{normal(tc_state(ns))}")


def kill_again_and_again(daemon, chance, breaks, times):
    """Every other time something is broken already, else that happens meanwhile; in the end it runs."""
    for number in range(times):
        hurt = chance.choice(breaks)
        if number % 2:
            hurt()
            kill_and_start(daemon, chance, lambda: None)
        else:
            kill_and_start(daemon, chance, hurt)
    daemon.start().wait_ok()


def test_the_client_is_killed(lab):
    """Some of the kills fall into a repair: filters, the tunnel or all of it are taken away beforehand."""
    chance = random.Random(SEED)
    print(f"seed {SEED}: VTAP_SEED={SEED} repeats it")
    before, far = tc_state(lab.client1), tc_state(lab.coll)
    collector, client = lab.pair()
    good = normal(tc_state(lab.client1))
    reader = lab.reader()
    load = Load(lab)
    client.kill()
    client.expect("")
    breaks = [
        lambda: None,
        lambda: lab.client1.tc("qdisc del dev eth0 clsact", check=False),
        lambda: lab.client1.tc("filter del dev eth0 egress pref 2", check=False),
        lambda: lab.client1.ip("link del vtap-soc", check=False),
        lambda: lab.client1.ip("link del vtap-soc-h", check=False),
        lambda: lab.client1.ip("link set vtap-soc down", check=False),
    ]
    kill_again_and_again(client, chance, breaks, 100 if LONG else 30)
    load.finish(reader)
    assert_same_objects(lab.client1, good)
    client.wait_ok()
    client.stop()
    assert tc_state(lab.client1) == before
    collector.stop()
    assert tc_state(lab.coll) == far


def test_the_collector_is_killed(lab):
    chance = random.Random(SEED)
    print(f"seed {SEED}: VTAP_SEED={SEED} repeats it")
    before, others = tc_state(lab.coll), bpf_programs()
    collector, client = lab.pair()
    good = normal(tc_state(lab.coll))
    load = Load(lab)
    collector.kill()
    collector.expect("")
    breaks = [
        lambda: None,
        lambda: lab.coll.tc("qdisc del dev eth0 clsact", check=False),
        lambda: lab.coll.ip("link set vtap0 down", check=False),
        lambda: lab.coll.ip("link del vtap0", check=False),
    ]
    kill_again_and_again(collector, chance, breaks, 30 if LONG else 10)
    reader = lab.reader()
    load.finish(reader)
    assert_same_objects(lab.coll, good)
    counted = collector.wait(lambda s: s["accepted"]["packets"] >= LAST, "what came is counted")
    assert [c["address"] for c in counted["clients"]] == [lab.client1.address4]
    client.stop()
    collector.stop()
    assert tc_state(lab.coll) == before
    wait_until(lambda: not bpf_programs() - others, 5, "eBPF programs gone")
