# SPDX-License-Identifier: BSD-2-Clause
"""What others have on the same interfaces stays as it is, and keeps seeing what it saw; reload touches what changed alone."""

import re
import subprocess

import pytest

import frames
import traffic
from heal import EGRESS, INGRESS, Watch, assert_copied_once, warm
from lab import CLIENT_CONF, COLLECTOR4, tc_state
from netns import wait_until

PORT = 5999
CONFIG = 'collector "soc" { address = "10.77.0.99" }\n'
COUNTS = "action mirred egress mirror dev lo continue"  # the hit counter of a neighbour's filter

PASS_ALL = ["1,6 0 0 65535", *COUNTS.split()]


def neighbours(ns):
    """A host on which somebody else is at work: two kinds of filter behind ours and before, and a root qdisc."""
    ns.tc("qdisc add dev eth0 root handle 1: htb default 10")
    ns.tc("class add dev eth0 parent 1: classid 1:10 htb rate 1gbit")
    ns.tc("class add dev eth0 parent 1: classid 1:20 htb rate 1mbit")
    ns.tc("filter add dev eth0 parent 1: protocol ip pref 5 u32 match ip dport 9 0xffff flowid 1:20")
    ns.tc("qdisc add dev eth0 clsact")
    # u32 shows the filters of both hooks on each where they have the same pref
    ns.tc("filter add dev eth0 ingress protocol all pref 1 handle 0x12 bpf bytecode", *PASS_ALL)
    ns.tc(f"filter add dev eth0 egress protocol ip pref 1 u32 match u32 0 0 {COUNTS}")
    for hook, last in (("ingress", 77), ("egress", 78)):
        ns.tc(f"filter add dev eth0 {hook} protocol all pref 2 handle 0x11 bpf bytecode", *PASS_ALL)
        ns.tc(f"filter add dev eth0 {hook} protocol ip pref {last} u32 match u32 0 0 {COUNTS}")
    # what goes to lo only serves to count
    ns.tc("qdisc add dev lo clsact")
    ns.tc("filter add dev lo egress protocol all pref 1 bpf da bytecode", "1,6 0 0 2")


def theirs(ns):
    """Their objects as they are, without counters and ages."""
    text = [ns.tc("qdisc show dev eth0"), ns.tc("class show dev eth0"), ns.tc("filter show dev eth0 parent 1:")]
    for hook in ("ingress", "egress"):
        blocks = re.split(r"^(?=filter )", ns.tc(f"filter show dev eth0 {hook}"), flags=re.M)
        text += [b for b in blocks if "vtap" not in b and "0x76746170" not in b]
    return [t.strip() for t in text if t.strip()]


def hits(ns):
    """Packets by hook and filter."""
    found = {}
    for hook in ("ingress", "egress"):
        text = ns.tc(f"-s filter show dev eth0 {hook}")
        for block in re.split(r"^(?=filter )", text, flags=re.M):
            sent, handle = re.search(r"Sent \d+ bytes (\d+) pkt", block), re.search(r"pref (\d+) .*?(?:fh|handle) (\S+)", block)
            if sent and handle and handle.group(2) != "0x76746170" and "vtap" not in block:
                found[hook, handle.group(1), handle.group(2)] = int(sent.group(1))
    return found


def assert_they_see_all(ns, before, count):
    now = hits(ns)
    assert now.keys() == before.keys() and len(now) == 6, (before, now)
    for key, was in before.items():
        assert now[key] - was >= count, f"{key}: {now[key] - was} of {count} packets"


def test_neighbours_stay_over_a_whole_life(lab):
    """Start, traffic, repair, reload, restart, stop: their filters, qdiscs and counters go on as if vtap were not there."""
    ns = lab.client1
    lab.collector().wait_ok()
    neighbours(ns)
    traffic.ping(ns, lab.peer.address4, (100,) * 5)
    before, objects, seen = tc_state(ns), theirs(ns), hits(ns)
    assert len(seen) == 6 and min(seen.values()) >= 5, seen

    client = lab.client()
    client.wait_ok()

    def check(what):
        nonlocal seen
        assert theirs(ns) == objects, what
        traffic.ping(ns, lab.peer.address4, (100,) * 20)
        assert_they_see_all(ns, seen, 20)
        seen = hits(ns)

    check("start")
    watch = Watch(client)
    for hook in ("ingress", "egress"):
        ns.tc(f"filter del dev eth0 {hook} pref 2 handle 0x76746170 bpf")
    watch.repaired({INGRESS: "missing", EGRESS: "missing"})
    check("repair")
    ns.ip("link del vtap-soc")
    client.wait(lambda s: s["state"] == "ok" and all(m["repairs"] for m in s["mirrors"]), "repaired", 2)
    check("repair of the tunnel")
    client.reload(CLIENT_CONF.replace('"eth0" { }', '"eth0" { filter = "not port 9" }'))
    client.wait_ok()
    check("reload")
    client.leave()
    client.start().wait_ok()
    check("restart")
    client.kill()
    client.start().wait_ok()
    check("kill and restart")
    client.stop()
    check("stop")
    assert tc_state(ns) == before


def test_the_collectors_neighbours(lab):
    ns = lab.coll
    ns.tc("qdisc add dev eth0 clsact")
    for hook in ("ingress", "egress"):
        ns.tc(f"filter add dev eth0 {hook} protocol ip pref 77 u32 match u32 0 0 {COUNTS}")
    ns.tc("qdisc add dev lo clsact")
    ns.tc("filter add dev lo egress protocol all pref 9 bpf da bytecode", "1,6 0 0 2")
    before = tc_state(ns)
    collector, _ = lab.pair()
    traffic.ping(lab.peer, COLLECTOR4, (100,) * 10)
    text = ns.tc("-s filter show dev eth0 ingress pref 77")
    assert int(re.search(r"bytes (\d+) pkt", text).group(1)) >= 10, "the door ends the chain for what is not a tunnel's"
    watch = Watch(collector)
    ns.tc("filter del dev eth0 ingress pref 1")
    watch.repaired({"door": "missing"})
    collector.stop()
    assert tc_state(ns) == before


@pytest.mark.parametrize("theirs_first", [True, False], ids=["theirs", "ours"])
def test_a_shared_clsact(lab, theirs_first):
    """It goes when vtap made it and nobody uses it; it stays while a filter of somebody else's is on it, or when it is theirs."""
    ns = lab.client1
    if theirs_first:
        ns.tc("qdisc add dev eth0 clsact")
    _, client = lab.pair()
    client.expect("names no mirror")
    ns.tc("filter add dev eth0 egress protocol ip pref 77 u32 match ip dport 9 0xffff flowid 1:9")
    used = ns.tc("filter show dev eth0 egress pref 77")
    client.reload(CONFIG)
    client.wait_ok()
    wait_until(lambda: "pref 2 " not in ns.tc("filter show dev eth0 egress"), 2, "our filter gone")
    assert "clsact" in ns.tc("qdisc show dev eth0") and ns.tc("filter show dev eth0 egress pref 77") == used
    ns.tc("filter del dev eth0 egress pref 77")
    if not theirs_first:
        wait_until(lambda: "clsact" not in ns.tc("qdisc show dev eth0"), 2, lambda: f"clsact gone\n{client.log()}")
    client.reload(CLIENT_CONF)
    client.wait_ok()
    client.stop()
    assert ("clsact" in ns.tc("qdisc show dev eth0")) == theirs_first


def test_a_foreign_ingress_qdisc_is_used(lab):
    ns = lab.client1
    lab.collector().wait_ok()
    ns.tc("qdisc add dev eth0 ingress")
    ns.tc(f"filter add dev eth0 ingress protocol ip pref 77 u32 match u32 0 0 {COUNTS}")
    before = tc_state(ns)
    client = lab.client().expect("ingress qdisc of somebody else's")
    status = client.wait(lambda s: s["state"] == "degraded", "degraded")
    mirrors = {m["direction"]: m for m in status["mirrors"]}
    assert mirrors["ingress"]["state"] == "mirroring" and mirrors["ingress"]["reason"] is None
    assert mirrors["egress"]["state"] == "blocked" and "ingress qdisc" in mirrors["egress"]["reason"]
    warm(lab)
    reader = lab.reader()
    assert_copied_once(lab, reader, egress=False)
    traffic.ping(lab.peer, ns.address4, (100,) * 5)
    assert int(re.search(r"bytes (\d+) pkt", ns.tc("-s filter show dev eth0 ingress pref 77")).group(1)) >= 5
    watch = Watch(client)
    ns.tc("filter del dev eth0 ingress pref 2")
    wait_until(lambda: "0x76746170" in ns.tc("filter show dev eth0 ingress"), 2, "our filter again")
    assert len(watch.about(INGRESS)) == 1, watch.lines()
    client.stop()
    assert tc_state(ns) == before


# ---- reload: what did not change is not touched -------------------------------------------------------------------


def ours(ns, interface):
    """The actions of our filters on an interface: index and time of making."""
    return re.findall(r"index (\d+) .*?installed (\d+) sec", "".join(ns.tc(f"-s filter show dev {interface} {h}") for h in ("ingress", "egress")))


def three(middle):
    return CONFIG + f'mirror "eth0" {{ }}\nmirror "eth1" {{ {middle} }}\nmirror "lo" {{ direction = "ingress" }}\n'


def test_reload_of_one_of_three(lab):
    """The other two lose no packet, keep their filters and their counters."""
    lab.second_network(lab.client1, lab.peer)
    ns = lab.client1
    _, client = lab.pair(client=three(""))
    warm(lab)
    traffic.ping(ns, "10.88.0.20", (98,))
    reader = lab.reader()
    was = {(m["interface"], m["direction"]): m for m in client.status()["mirrors"]}
    kept = ours(ns, "eth0"), ours(ns, "lo")
    assert [len(k) for k in kept] == [2, 1]
    numbers = {"eth0": lab.numbered(ns, 24000, 8000, PORT), "lo": lab.numbered(ns, 24000, 8000, PORT + 1, address="127.0.0.1")}
    for port in (PORT, PORT + 1):
        reader.wait_for(lambda f, p=port: frames.numbers([f], p), what="the first number")
    for filter_text in ('filter = "udp"', 'filter = "tcp"', 'direction = "ingress"', ""):
        client.reload(three(filter_text))
    client.wait_ok()
    assert all(s.poll() is None for s in numbers.values()), "the reloads took longer than the traffic"
    for sender in numbers.values():
        assert sender.communicate(timeout=20)[0] == "24000\n"
    frames.quiet(reader)
    got = [f.bytes for f in reader.frames()]
    for port in (PORT, PORT + 1):
        assert frames.numbers(got, port) == list(range(24000)), port
    now = ours(ns, "eth0"), ours(ns, "lo")
    assert [[i for i, _ in k] for k in now] == [[i for i, _ in k] for k in kept], "filters were made anew"
    mirrors = {(m["interface"], m["direction"]): m for m in client.status()["mirrors"]}
    assert mirrors.keys() == was.keys()
    for key in (k for k in mirrors if k[0] != "eth1"):
        assert mirrors[key]["bytes"] >= was[key]["bytes"] and mirrors[key]["repairs"] == 0, key
        sent = 0 if key == ("eth0", "ingress") else 24000
        assert mirrors[key]["packets"] >= was[key]["packets"] + sent, key


def test_a_program_swaps_atomically(lab):
    """Ten changes while numbered packets flow that every program matches: none is lost, none comes twice."""
    _, client = lab.pair()
    warm(lab)
    reader = lab.reader()
    sender = lab.numbered(lab.client1, 12000, 10000)
    reader.wait_for(lambda f: frames.numbers([f], PORT), what="the first number")
    for i in range(10):
        client.reload(CLIENT_CONF.replace('"eth0" { }', f'"eth0" {{ filter = "udp or tcp port {1000 + i}" }}'))
    assert sender.poll() is None, "the reloads took longer than the traffic"
    assert sender.communicate(timeout=20)[0] == "12000\n"
    client.wait_ok()
    frames.quiet(reader)
    assert frames.numbers([f.bytes for f in reader.frames()], PORT) == list(range(12000))
    by = {m["direction"]: m for m in client.status()["mirrors"]}
    # what a filter counts between being read and being replaced is all that may be missing
    assert by["egress"]["packets"] >= 12000 * 0.95


def test_a_dry_run_prints_the_operations(lab):
    """-n says exactly what a start then does."""
    lab.collector().wait_ok()
    before = tc_state(lab.client1)
    client = lab.client(start=False)

    def plan():
        done = subprocess.run(
            lab.client1.command(*client.command("-n")), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout.splitlines()

    lines = plan()
    assert tc_state(lab.client1) == before
    assert any(x.startswith("vtap-soc: create vxlan vni 42") for x in lines) and lines[-1].startswith("eth0 egress: put filter"), lines
    client.start().wait_ok()
    total = sum(1 + int(n or 0) for n in re.findall(r"^<5>(?:mirror|collector|express lane) .*\([^)]*\)(?: and (\d+) more)?$", client.log(), re.M))
    assert total == len(lines), (lines, client.log())
    assert plan() == []
    lab.client1.tc("filter del dev eth0 egress pref 2")
    client.wait(lambda s: sum(m["repairs"] for m in s["mirrors"]) == 1, "repaired", 2)
    client.leave()
    lab.client1.tc("filter del dev eth0 egress pref 2")
    assert len(plan()) == 1 and "put filter pref 2 handle 0x76746170" in plan()[0]
    client.start().wait_ok()
