# SPDX-License-Identifier: BSD-2-Clause
"""Things of others that keep packets from vtap without breaking anything of its own: they are left alone, and they are named."""

import contextlib
import subprocess

import pytest

import traffic
from heal import Watch, assert_copied_once, warm
from lab import CLIENT_CONF, COLLECTOR4, tc_state, tool

OK = ["bytecode", "1,6 0 0 0"]  # TC_ACT_OK: the filters behind do not run
ON = ["bytecode", "1,6 0 0 4294967295"]  # TC_ACT_UNSPEC: they do
NEXT, PASS = -1, 0


@contextlib.contextmanager
def tcx(ns, interface, hook, verdict):
    """An eBPF program at a device's tcx hook, while the block runs; its id."""
    process = ns.popen(tool("tcx"), interface, hook, verdict, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        answer = process.stdout.readline().strip()
        if answer == "none":
            pytest.skip("this kernel has no tcx")
        assert answer.isdigit(), answer
        yield answer
    finally:
        process.communicate(timeout=10)


def talk(lab, count=40):
    traffic.ping(lab.client1, lab.peer.address4, (100,) * count)


def state_of(client, direction):
    return next(m for m in client.status()["mirrors"] if m["direction"] == direction)


def goes_blind(lab, client, reason, directions, talks=True):
    """Traffic flows, and the client says of these directions that they are blocked, and why; of others, that they are not."""
    watch = Watch(client)

    def told(status):
        return all(
            (m["state"] == "blocked" and reason in (m["reason"] or "")) == (m["direction"] in directions) for m in status["mirrors"]
        )

    if talks:
        talk(lab)
    status = client.wait(told, f"{directions} blocked: {reason}", 5)
    assert status["state"] == "degraded"
    watch.daemon.expect(reason)


FILTERS = {
    # what; which directions are blind; the reason
    "program": (
        lambda ns: ns.tc("filter add dev eth0 egress protocol all pref 1 bpf da", *OK), {"egress"},
        "as the bpf filter at pref 1 of eth0 egress may keep them back: it must return TC_ACT_UNSPEC",
    ),
    "same pref": (
        lambda ns: ns.tc("filter add dev eth0 ingress protocol all pref 2 handle 7 bpf da", *OK), {"ingress"},
        "as the bpf filter at pref 2 of eth0 ingress may keep them back: it must return TC_ACT_UNSPEC",
    ),
    "class": (
        lambda ns: ns.tc("filter add dev eth0 egress protocol ip pref 1 u32 match u32 0 0 flowid 1:1"), {"egress"},
        "as the u32 filter at pref 1 of eth0 egress may keep them back: its action must end with \"continue\"",
    ),
    "pipe": (
        lambda ns: ns.tc("filter add dev eth0 ingress protocol ip pref 1 u32 match u32 0 0 action mirred egress mirror dev lo pipe"),
        {"ingress"}, "the u32 filter at pref 1 of eth0 ingress keeps packets from vtap's filter behind it: its action must end with \"continue\"",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FILTERS)
def test_a_filter_ahead_ends_the_chain(lab, what):
    _, client = lab.pair()
    client.expect("eth0 (in|e)gress")
    lab.client1.tc("qdisc add dev lo clsact")
    lab.client1.tc("filter add dev lo egress protocol all pref 1 bpf da bytecode", "1,6 0 0 2")
    warm(lab)
    before = tc_state(lab.client1)
    act, directions, reason = FILTERS[what]
    act(lab.client1)
    theirs = tc_state(lab.client1)
    goes_blind(lab, client, reason, directions)
    assert tc_state(lab.client1) == theirs, "somebody else's filter was touched"
    hook = directions.pop()
    if what == "same pref":
        lab.client1.tc(f"filter del dev eth0 {hook} protocol all pref 2 handle 7 bpf")
    else:
        lab.client1.tc(f"filter del dev eth0 {hook} pref 1")
    client.wait_ok()
    assert tc_state(lab.client1) == before
    assert_copied_once(lab, lab.reader())


def test_filters_ahead_that_go_on(lab):
    """Nobody is warned of a good neighbour, however much goes through it; nor of one that has not taken anything."""
    ns = lab.client1
    _, client = lab.pair()
    for hook in ("ingress", "egress"):
        ns.tc(f"filter add dev eth0 {hook} protocol all pref 1 bpf da", *ON)
        ns.tc(f"filter add dev eth0 {hook} protocol all pref 2 handle 7 bpf bytecode", "1,6 0 0 1", *"action mirred egress mirror dev lo continue".split())
        ns.tc(f"filter add dev eth0 {hook} protocol all pref 3 bpf da", *OK)
    watch = Watch(client)
    for _ in range(3):
        talk(lab, 30)
        assert client.status()["state"] == "ok"
    watch.silent()


@pytest.mark.parametrize("hook", ["ingress", "egress"])
def test_a_tcx_program(lab, hook):
    """It runs ahead of every filter, and no event tells of it."""
    ns = lab.client1
    _, client = lab.pair()
    client.expect("tcx program")
    warm(lab)
    with tcx(ns, "eth0", hook, NEXT):
        watch = Watch(client)
        for _ in range(3):
            talk(lab, 30)
            assert client.status()["state"] == "ok"
        assert not watch.about("mirror")
    with tcx(ns, "eth0", hook, PASS) as number:
        client.wait(lambda s: talk(lab, 20) or s["state"] == "degraded", "degraded", 5)
        goes_blind(lab, client, f"packets pass and are not copied, as tcx program {number} of eth0 {hook} may keep them back: it must return TCX_NEXT", {hook})
    client.wait_ok()
    assert_copied_once(lab, lab.reader())


@pytest.mark.parametrize("device", ["vtap-soc", "vtap-soc-h", "vtap-soc-x"])
def test_a_tcx_program_on_vtaps_own_device(lab, device):
    _, client = lab.pair()
    client.expect("tcx program")
    warm(lab)
    hook = "egress" if device == "vtap-soc-h" else "ingress"
    with tcx(lab.client1, device, hook, PASS) as number:
        client.wait(
            lambda s: s["collectors"][0]["state"] == "blocked"
            and f"there is a tcx program {number} of {device} {hook}, vtap's own device: detach it" in s["collectors"][0]["reason"],
            "blocked", 5,
        )
    client.wait_ok()
    assert_copied_once(lab, lab.reader())


def test_with_a_filter_of_the_users(lab):
    """It may match nothing for long: only with something ahead that could be the cause is that worth a word."""
    config = CLIENT_CONF.replace('"eth0" { }', '"eth0" { filter = "udp port 9" }')
    _, client = lab.pair(client=config)
    client.expect("eth0 ingress")
    warm(lab)
    talk(lab, 50)
    assert client.status()["state"] == "ok"
    lab.client1.tc("filter add dev eth0 ingress protocol all pref 1 bpf da", *OK)
    goes_blind(lab, client, "may keep them back", {"ingress"})
    lab.client1.tc("filter del dev eth0 ingress pref 1")
    client.wait_ok()


# ---- the way to the collector -------------------------------------------------------------------------------------


def test_the_next_hop_does_not_answer(lab):
    """The kernel counts copies as sent that wait for a neighbour, and then throws them away."""
    _, client = lab.pair()
    client.expect("next hop")
    warm(lab)
    lab.sw.ip("link set coll down")
    lab.client1.ip(f"neigh flush to {COLLECTOR4}")
    reason = f"the next hop {COLLECTOR4} on eth0 does not answer"
    status = client.wait(lambda s: talk(lab, 2) or s["collectors"][0]["reason"] == reason, "blocked", 15)
    assert {m["state"] for m in status["mirrors"]} == {"blocked"} and status["state"] == "degraded"
    for _ in range(20):  # it is asked again and again: that is no answer
        talk(lab, 2)
        assert client.status()["collectors"][0]["reason"] == reason
    lab.sw.ip("link set coll up")
    client.wait(lambda s: talk(lab, 2) or s["state"] == "ok", "ok again", 15)
    assert_copied_once(lab, lab.reader())


# ---- the collector ------------------------------------------------------------------------------------------------

PAST = "tunnel packets come in unchecked and uncounted, as {} may lead them past the door: {}"


def passes_the_door(lab, collector, reason):
    """Copies come in past the door, and the collector says why."""
    collector.wait(
        lambda s: talk(lab, 20) or (s["state"] == "degraded" and reason in (s["endpoints"][0]["reason"] or "")), reason, 10
    )


def test_a_filter_ahead_of_the_door(lab):
    ns = lab.coll
    collector, _ = lab.pair()
    collector.expect("past the door")
    talk(lab)
    ns.tc("filter add dev eth0 ingress protocol all pref 1 handle 7 bpf da", *ON)
    for _ in range(3):
        talk(lab)
        assert collector.status()["state"] == "ok"
    ns.tc("filter del dev eth0 ingress protocol all pref 1 handle 7 bpf")
    ns.tc("filter add dev eth0 ingress protocol all pref 1 handle 7 bpf da", *OK)
    theirs = ns.tc("filter show dev eth0 ingress")
    passes_the_door(lab, collector, PAST.format("the bpf filter at pref 1 of eth0 ingress", "it must return TC_ACT_UNSPEC (-1)"))
    assert ns.tc("filter show dev eth0 ingress") == theirs
    ns.tc("filter del dev eth0 ingress protocol all pref 1 handle 7 bpf")
    collector.wait(lambda s: talk(lab, 20) or s["state"] == "ok", "ok again", 10)


def test_a_tcx_program_ahead_of_the_door(lab):
    collector, _ = lab.pair()
    collector.expect("past the door")
    talk(lab)
    with tcx(lab.coll, "eth0", "ingress", NEXT):
        for _ in range(3):
            talk(lab)
            assert collector.status()["state"] == "ok"
    with tcx(lab.coll, "eth0", "ingress", PASS) as number:
        passes_the_door(lab, collector, PAST.format(f"tcx program {number} of eth0 ingress", "it must return TCX_NEXT (-1)"))
    collector.wait(lambda s: talk(lab, 20) or s["state"] == "ok", "ok again", 10)


def test_a_tcx_program_on_the_endpoint(lab):
    """Behind the readers, before the seal: frames would reach the host."""
    collector, _ = lab.pair()
    collector.expect("tcx program")
    with tcx(lab.coll, "vtap0", "ingress", PASS) as number:
        reason = f"there is a tcx program {number} of vtap0 ingress, vtap's own device: detach it"
        collector.wait(lambda s: s["state"] == "degraded" and s["endpoints"][0]["reason"] == reason, "blocked", 5)
    collector.wait_ok()


STRANDED = {
    "firewall": lambda ns: (
        ns.run("nft", "add", "table", "ip", "t"),
        ns.run("nft", "add chain ip t c { type filter hook input priority 0; }"),
        ns.run("nft", "add rule ip t c udp dport 4789 drop"),
    ),
    "address gone": lambda ns: ns.ip(f"addr del {COLLECTOR4}/24 dev eth0"),
    "reverse path": lambda ns: (ns.sysctl("net.ipv4.conf.all.rp_filter", 1), ns.ip("route add 10.77.0.11/32 dev lo")),
}
BACK = {
    "firewall": lambda ns: ns.run("nft", "delete table ip t"),
    "address gone": lambda ns: ns.ip(f"addr add {COLLECTOR4}/24 dev eth0"),
    "reverse path": lambda ns: ns.ip("route del 10.77.0.11/32 dev lo"),
}


@pytest.mark.parametrize("what", STRANDED)
def test_let_in_and_never_there(lab, what):
    """The door lets the copies in; this host's own rules keep them from the endpoint."""
    collector, client = lab.pair()
    collector.expect("none reaches vtap0")
    client.expect("next hop")
    talk(lab)
    collector.status()
    STRANDED[what](lab.coll)
    reason = "packets of clients are let in and none reaches vtap0: a firewall on UDP port 4789"
    collector.wait(
        lambda s: talk(lab, 20) or (s["state"] == "degraded" and reason in (s["endpoints"][0]["reason"] or "")), reason, 10
    )
    BACK[what](lab.coll)
    collector.wait(lambda s: talk(lab, 20) or s["state"] == "ok", "ok again", 10)
