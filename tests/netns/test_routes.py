# SPDX-License-Identifier: BSD-2-Clause
"""The way to a collector changes, and no event says it, or says it too early (the unit test of events has the latter)."""

from lab import CLIENT_CONF, COLLECTOR4

FAR = "10.98.0.2"


def test_a_router_reports_a_smaller_path_mtu(lab):
    """It is said of what production sends to the collector's address; the copies go the same way."""
    far = lab.net.ns("far")
    far.ip("link set lo up")
    lab.coll.ip(f"link add far mtu 1400 type veth peer name eth0 mtu 1400 netns {far.name}")
    for ns, link, address in ((lab.coll, "far", "10.98.0.1"), (far, "eth0", FAR)):
        ns.ip(f"addr add {address}/24 dev {link}")
        ns.ip(f"link set {link} up")
    far.ip("route add default via 10.98.0.1")
    lab.coll.sysctl("net/ipv4/ip_forward", 1)
    lab.client1.ip(f"route add 10.98.0.0/24 via {COLLECTOR4}")
    lab.client1.ip(f"neigh replace {COLLECTOR4} lladdr {lab.coll.mac()} dev eth0 nud permanent")  # it will not tell more
    client = lab.client(config=CLIENT_CONF.replace(COLLECTOR4, FAR))
    assert client.wait_ok()["collectors"][0]["path_mtu"] == 1500

    lab.client1.run("ping", "-c", "1", "-W", "2", "-M", "do", "-s", "1400", FAR, check=False)
    assert "mtu 1400" in lab.client1.ip(f"route get {FAR}")
    client.wait(lambda s: s["collectors"][0]["path_mtu"] == 1400, "the smaller path MTU", 10)

    lab.client1.ip("route flush cache")  # which no event tells either
    client.wait(lambda s: s["collectors"][0]["path_mtu"] == 1500, "the path MTU of before", 10)
