# SPDX-License-Identifier: BSD-2-Clause
"""Start, stop, reload, restart, death: what stays, what goes, and that the copy stream has no gap."""

import signal

import pytest

import frames
import traffic
from lab import CLIENT_CONF, COLLECTOR4, COLLECTOR_CONF, bpf_programs, tc_state
from netns import wait_until
from test_mirror import assert_counts_agree

PORT = 5999


def state_of(lab):
    return tc_state(lab.client1), tc_state(lab.coll)


def assert_restored(lab, before, programs):
    for was, now in zip(before, state_of(lab)):
        assert now == was
    # the kernel frees programs a little after the last reference is gone; some may be of other tests, which end
    wait_until(lambda: not bpf_programs() & programs, 60, "eBPF programs gone")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_restores_everything(lab, number):
    before, others = state_of(lab), bpf_programs()
    collector, client = lab.pair()
    ours = bpf_programs() - others
    assert ours and state_of(lab)[0] != before[0] and state_of(lab)[1] != before[1]
    traffic.ping(lab.client1, lab.peer.address4, (100, 1514))
    client.end(number)
    collector.end(number)
    assert_restored(lab, before, ours)
    for d in (client, collector):
        with pytest.raises(OSError):
            d.status()


def test_stop_restores_what_an_earlier_daemon_left(lab):
    """Killed, started again, stopped: the second one removes what the first one made."""
    before, others = state_of(lab), bpf_programs()
    collector, client = lab.pair()
    ours = bpf_programs() - others
    for d in (client, collector):
        d.kill()
        d.start().wait_ok()
    ours |= bpf_programs() - others
    client.stop()
    collector.stop()
    assert_restored(lab, before, ours)


def test_remove_takes_out_what_failed_daemons_left(lab):
    """Killed, and their files spoilt: --remove needs neither a configuration nor a daemon that starts."""
    before, others = state_of(lab), bpf_programs()
    collector, client = lab.pair()
    ours = bpf_programs() - others
    for d in (client, collector):
        running = d.ns.run(*d.command("--remove"), check=False)
        assert running.returncode == 1 and "is running in this network namespace" in running.stderr
        d.wait_ok()
        d.kill()
        d.write_config("nonsense = 3")
        assert d.ns.run(*d.command("--remove"), check=False).returncode == 0
        # and once more, where nothing is
        assert d.ns.run(*d.command("--remove"), check=False).returncode == 0
    assert_restored(lab, before, ours)


def test_foreign_clsact_and_filters_stay(lab):
    for ns in (lab.client1, lab.coll):
        ns.tc("qdisc add dev eth0 clsact")
        for hook in ("ingress", "egress"):
            ns.tc(f"filter add dev eth0 {hook} pref 77 protocol ip u32 match ip dport 9 0xffff flowid 1:9")
    before, others = state_of(lab), bpf_programs()
    collector, client = lab.pair()
    ours = bpf_programs() - others
    for ns in (lab.client1, lab.coll):
        assert "pref 77" in ns.tc("filter show dev eth0 ingress")
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (100,))
    reader.wait_for(lambda f: len(f) == 100)
    reader.stop()
    client.stop()
    collector.stop()
    assert_restored(lab, before, ours)


def test_later_filters_still_see_packets(lab):
    """The copy does not end the walk over the filters of other programs."""
    lab.pair()
    lab.client1.tc("filter add dev eth0 egress pref 90 protocol ip u32 match u32 0 0 action mirred egress mirror dev lo")
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 10)
    text = lab.client1.tc("-s filter show dev eth0 egress pref 90")
    assert int(text.split("Sent ")[1].split(" pkt")[0].split()[2]) >= 10


def test_sigusr2_leaves_the_objects(lab):
    collector, client = lab.pair()
    made = state_of(lab)
    client.leave()
    collector.leave()
    assert state_of(lab) == made
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 3)
    wait_until(lambda: sum(len(f.bytes) == 100 for f in reader.frames()) == 6)
    reader.stop()
    for d in (collector, client):
        d.start().wait_ok()
    assert state_of(lab)[0] == made[0]


@pytest.mark.parametrize("who", ["client", "collector", "both"])
@pytest.mark.parametrize("how", ["kill", "leave", "upgrade"])
def test_a_restart_has_no_gap(lab, who, how):
    """30,000 numbered packets while daemons end and start again: each is copied once."""
    collector, client = lab.pair()
    traffic.ping(lab.client1, COLLECTOR4, (98,))
    reader = lab.reader()
    before = lab.client1.ip("-d -o link show dev vtap-soc"), lab.coll.ip("-d -o link show dev vtap0")
    sent, come = (sum(m["packets"] for m in client.status()["mirrors"]), collector.status()["accepted"]["packets"])
    count = 30000
    sender = lab.numbered(lab.client1, count, 10000)
    reader.wait_for(lambda f: frames.numbers([f], PORT), what="the first number")
    for d in {"client": (client,), "collector": (collector,), "both": (client, collector)}[who]:
        getattr(d, how)()
        d.start()
        assert d.wait_ok()["version"].startswith("9" if how == "upgrade" else "0")
    assert sender.poll() is None, "the restart took longer than the traffic"
    client.wait_ok()
    collector.wait_ok()
    assert sum(m["packets"] for m in client.status()["mirrors"]) >= sent
    assert collector.status()["accepted"]["packets"] >= come
    assert sender.communicate(timeout=20)[0] == f"{count}\n"
    frames.quiet(reader)
    assert frames.numbers([f.bytes for f in reader.frames()], PORT) == list(range(count))
    assert before == (lab.client1.ip("-d -o link show dev vtap-soc"), lab.coll.ip("-d -o link show dev vtap0"))
    assert sum(m["repairs"] for m in client.status()["mirrors"]) == 0


def test_counters_survive_restarts(lab):
    collector = lab.collector()
    collector.wait_ok()
    reader = lab.reader()
    client = lab.client()
    client.wait_ok()
    for how in ("leave", "kill"):
        traffic.ping(lab.client1, lab.peer.address4, (100, 1514) * 10)
        frames.quiet(reader)
        assert_counts_agree(reader, collector, {client: lab.client1.address4})
        first = collector.status()["clients"][0]["first_seen"]
        for d in (collector, client):
            getattr(d, how)()
            d.start().wait_ok()
        traffic.ping(lab.client1, lab.peer.address4, (200, 1000) * 10)
        frames.quiet(reader)
        assert_counts_agree(reader, collector, {client: lab.client1.address4})
        assert collector.status()["clients"][0]["first_seen"] == first


# ---- SIGHUP ----------------------------------------------------------------------------------------------------


def test_reload_of_a_bad_file_changes_nothing(lab):
    collector, client = lab.pair()
    made = state_of(lab)
    client.expect(r"client.*\.conf:2: ", "not reloaded").reload('collector "soc" { address = "10.77.0.99" }\nmirror "eth0" { filter = "not a filter (" }\n')
    collector.expect(r"collector.*\.conf:1: ", "not reloaded").reload('allow = {"10.77.0.0/33"}\n')
    assert "syntax error" in client.log()
    assert any(line.startswith(("<3>", "<4>")) for line in client.log().splitlines())
    assert any(line.startswith(("<3>", "<4>")) for line in collector.log().splitlines())
    assert state_of(lab) == made
    assert client.status()["state"] == collector.status()["state"] == "ok"
    # and the old configuration still lives
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (100,))
    reader.wait_for(lambda f: len(f) == 100)


def test_reload_adds_a_mirror_and_touches_nothing_else(lab):
    lab.second_network(lab.client1, lab.peer)
    _, client = lab.pair()
    traffic.ping(lab.client1, COLLECTOR4, (98,))
    reader = lab.reader()
    before = lab.client1.tc("filter show dev eth0 ingress"), lab.client1.tc("filter show dev eth0 egress")
    sender = lab.numbered(lab.client1, 10000, 10000)
    reader.wait_for(lambda f: frames.numbers([f], PORT), what="the first number")
    client.reload(CLIENT_CONF + 'mirror "eth1" { }\n')
    assert len(client.wait_ok()["mirrors"]) == 4
    assert before == (lab.client1.tc("filter show dev eth0 ingress"), lab.client1.tc("filter show dev eth0 egress"))
    traffic.ping(lab.client1, "10.88.0.20", (104,))
    wait_until(lambda: sum(len(f.bytes) == 104 for f in reader.frames()) == 2)
    assert sender.communicate(timeout=20)[0] == "10000\n"
    frames.quiet(reader)
    assert frames.numbers([f.bytes for f in reader.stop()], PORT) == list(range(10000))

    client.reload(CLIENT_CONF)
    assert len(client.wait_ok()["mirrors"]) == 2
    assert "clsact" not in lab.client1.tc("qdisc show dev eth1")


def test_reload_changes_a_filter_without_a_gap(lab):
    _, client = lab.pair()
    traffic.ping(lab.client1, COLLECTOR4, (98,))
    reader = lab.reader()
    sender = lab.numbered(lab.client1, 20000, 10000)
    reader.wait_for(lambda f: frames.numbers([f], PORT), what="the first number")
    before = client.status()
    client.reload(CLIENT_CONF.replace('"eth0" { }', '"eth0" { filter = "udp" }'))
    after = client.wait_ok()
    for was, now in zip(before["mirrors"], after["mirrors"]):
        assert now["packets"] >= was["packets"] and now["bytes"] >= was["bytes"]
    assert sender.communicate(timeout=20)[0] == "20000\n"
    frames.quiet(reader)
    assert frames.numbers([f.bytes for f in reader.frames()], PORT) == list(range(20000))
    start = len(reader.frames())
    traffic.ping(lab.client1, lab.peer.address4, (100,))
    traffic.udp_echo(lab.client1, lab.peer, lab.peer.address4, (50,))
    frames.quiet(reader)
    assert [f.bytes[23] for f in reader.stop()[start:]] == [17, 17]


# ---- repair ----------------------------------------------------------------------------------------------------


BREAKS = {
    "clsact": ("client1", "tc", "qdisc del dev eth0 clsact"),
    "egress filter": ("client1", "tc", "filter del dev eth0 egress pref 2"),
    "tunnel": ("client1", "ip", "link del vtap-soc"),
    "tunnel down": ("client1", "ip", "link set vtap-soc down"),
    "endpoint": ("coll", "ip", "link del vtap0"),
    "endpoint down": ("coll", "ip", "link set vtap0 down"),
    "door": ("coll", "tc", "qdisc del dev eth0 clsact"),
    "seal": ("coll", "tc", "qdisc del dev vtap0 clsact"),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_is_broken_comes_back(lab, what):
    collector, client = lab.pair()
    for d in (collector, client):
        d.expect(r"eth0|vtap-soc|vtap0")  # one line per repair
    traffic.ping(lab.client1, lab.peer.address4, (100, 1514) * 5)
    good = state_of(lab)
    counted = sum(m["packets"] for m in client.status()["mirrors"]), collector.status()["accepted"]["packets"]
    assert counted[0] >= 20
    ns, verb, args = BREAKS[what]
    getattr(getattr(lab, ns), verb)(args)

    def same():
        return [len(s.splitlines()) for s in state_of(lab)] == [len(s.splitlines()) for s in good]

    wait_until(same, 10, lambda: f"repair\n{client.log()}{collector.log()}\n{good}\n{state_of(lab)}")
    client.wait_ok()
    collector.wait_ok()
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (104,) * 3)
    wait_until(lambda: sum(len(f.bytes) == 104 for f in reader.frames()) == 6, 5, "copies after the repair")
    frames.quiet(reader)
    assert sum(len(f.bytes) == 104 for f in reader.stop()) == 6
    now = sum(m["packets"] for m in client.status()["mirrors"]), collector.status()["accepted"]["packets"]
    assert now[0] >= counted[0] + 6 and now[1] >= counted[1], (counted, now)
    if ns == "client1" and what in ("clsact", "egress filter", "tunnel"):
        assert sum(m["repairs"] for m in client.status()["mirrors"]) >= 1
    log = client.log() if ns == "client1" else collector.log()
    assert log.strip(), "a repair is worth a line in the log"


def test_offloads_come_back(lab):
    """Somebody's ethtool must not bring long frames and bad checksums into the feed."""
    collector, client = lab.pair()
    client.expect("vtap-soc")
    collector.expect("vtap0")
    lab.client1.run("ethtool", "-K", "vtap-soc", "tx", "on", "tso", "on")
    lab.coll.run("ethtool", "-K", "vtap0", "gro", "on")
    for ns, device, feature in ((lab.client1, "vtap-soc", "tx-checksumming"), (lab.coll, "vtap0", "generic-receive-offload")):
        wait_until(lambda n=ns, d=device, f=feature: f"{f}: off" in n.run("ethtool", "-k", d).stdout, 10, feature)
    client.wait_ok()
    collector.wait_ok()


def test_monitored_interface_goes_and_comes_again(lab):
    lab.second_network(lab.client1, lab.peer)
    _, client = lab.pair(client=CLIENT_CONF.replace('"eth0"', '"eth1"'))
    client.expect("eth1")
    lab.sw.ip("link del x11")
    status = client.wait(lambda s: s["state"] == "degraded", "eth1 gone")
    assert all(m["state"] == "blocked" and "eth1" in m["reason"] for m in status["mirrors"])
    lab.net.plug(lab.sw, "x11", lab.client1, "eth1", 1500, ("10.88.0.11/24",), "br1")
    client.wait_ok()
    reader = lab.reader()
    traffic.ping(lab.client1, "10.88.0.20", (104,))
    wait_until(lambda: sum(len(f.bytes) == 104 for f in reader.frames()) == 2)


def test_local_address_changes(lab):
    collector, client = lab.pair()
    for d in (collector, client):
        d.expect(r"eth0|vtap-soc|route")
    lab.client1.ip("addr add 10.77.0.31/24 dev eth0")
    lab.client1.ip("addr del 10.77.0.11/24 dev eth0")
    lab.client1.ip("addr add 10.77.0.31/24 dev eth0", check=False)
    client.wait(lambda s: s["state"] == "ok" and s["collectors"][0]["local"] == "10.77.0.31", "the new local address")
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (104,))
    wait_until(lambda: sum(len(f.bytes) == 104 for f in reader.frames()) == 2)
    collector.wait(lambda s: "10.77.0.31" in [c["address"] for c in s["clients"]], "counted under its new address")


def test_collector_configuration_default(lab):
    """Without any endpoint section the collector has the vxlan one."""
    assert "vxlan" not in COLLECTOR_CONF
    status = lab.collector().wait_ok()
    assert [(e["encap"], e["device"], e["vni"], e["port"]) for e in status["endpoints"]] == [("vxlan", "vtap0", 42, 4789)]
