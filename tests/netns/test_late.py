# SPDX-License-Identifier: BSD-2-Clause
"""Started before the world is ready: blocked with a reason in words, and at work when what was missing appears."""

import traffic
from lab import CLIENT_CONF, COLLECTOR4, tc_state
from netns import wait_until


def assert_copies(lab, address, count=2):
    reader = lab.reader()
    traffic.ping(lab.client1, address, (104,))
    wait_until(lambda: sum(len(f.bytes) == 104 for f in reader.frames()) == count, 5, "copies")
    reader.stop()


def blocked(status, key):
    return status["state"] == "degraded" and all(o["state"] == "blocked" and o["reason"] for o in status[key])


def test_interface_appears_later(lab):
    lab.collector().wait_ok()
    client = lab.client(config=CLIENT_CONF.replace('"eth0"', '"eth1"')).expect("eth1")
    status = client.wait(lambda s: blocked(s, "mirrors"), "blocked")
    assert all("eth1" in m["reason"] for m in status["mirrors"])
    assert "eth1" in client.status_line()
    lab.second_network(lab.client1, lab.peer)
    client.wait_ok()
    assert_copies(lab, "10.88.0.20")


def test_route_appears_later(lab):
    lab.coll.ip("addr add 10.99.0.99/32 dev lo")
    lab.collector().wait_ok()
    before = tc_state(lab.client1)
    client = lab.client(config=CLIENT_CONF.replace(COLLECTOR4, "10.99.0.99")).expect("route|reach|soc")
    status = client.wait(lambda s: blocked(s, "collectors"), "blocked")
    assert "route" in status["collectors"][0]["reason"]
    assert all(m["state"] == "blocked" for m in status["mirrors"])
    lab.client1.ip(f"route add 10.99.0.0/24 via {COLLECTOR4}")
    assert client.wait_ok()["collectors"][0]["local"] == lab.client1.address4
    assert_copies(lab, lab.peer.address4)
    lab.client1.ip("route del 10.99.0.0/24")
    client.wait(lambda s: s["state"] == "degraded" and s["collectors"][0]["state"] == "blocked", "no route again")
    lab.client1.ip(f"route add 10.99.0.0/24 via {COLLECTOR4}")
    client.wait_ok()
    assert_copies(lab, lab.peer.address4)
    client.stop()
    lab.client1.ip("route del 10.99.0.0/24")
    assert tc_state(lab.client1) == before


def test_everything_at_once_and_in_any_order(lab):
    """A client that starts on a host with nothing but lo, as at boot."""
    lab.collector().wait_ok()
    ns = lab.net.ns("boot")
    ns.address4 = "10.77.0.60"
    client = lab.client(ns).expect("eth0|route|soc")
    client.wait(lambda s: blocked(s, "mirrors") and blocked(s, "collectors"), "blocked")
    lab.sw.ip(f"link add boot type veth peer name eth0 netns {ns.name}")
    lab.sw.ip("link set boot master br0 up")
    ns.ip("link set eth0 up")
    ns.ip("addr add 10.77.0.60/24 dev eth0")
    client.wait_ok()
    reader = lab.reader()
    traffic.ping(ns, lab.peer.address4, (104,))
    wait_until(lambda: sum(len(f.bytes) == 104 for f in reader.frames()) == 2)


def test_collectors_interface_appears_later(lab):
    """The door opens on an interface that gets its address after the collector's start."""
    collector = lab.collector('allow = {"10.88.0.0/24"}\n').expect("eth1")
    collector.wait_ok()
    lab.second_network(lab.client1, lab.coll, mtu=1600)
    client = lab.client(config=CLIENT_CONF.replace(COLLECTOR4, "10.88.0.99"))
    client.wait_ok()
    wait_until(lambda: "bpf" in lab.coll.tc("filter show dev eth1 ingress"), 5, "a door on eth1")
    assert_copies(lab, lab.peer.address4)
    collector.wait(lambda s: [c["address"] for c in s["clients"]] == ["10.88.0.11"], "the client")
