# SPDX-License-Identifier: BSD-2-Clause
"""Express lanes when their devices change hands: each counts its own, and is kept by its device's name."""

import traffic
from heal import warm
from lab import COLLECTOR4
from test_lane import wait_lane


def conf(*collectors):
    """Of (name, VNI, device); all of them get both directions of eth0."""
    lines = [f'collector "{n}" {{ address = "{COLLECTOR4}" vni = {v} device = "{d}" }}\n' for n, v, d in collectors]
    return "".join(lines) + 'mirror "eth0" { collector = {%s} }\n' % ", ".join(f'"{c[0]}"' for c in collectors)


def kept(client):
    """What a service manager has for a next daemon, by the messages so far."""
    client.count_told("")
    names = set()
    for at, line in enumerate(client.notified):
        name = client.notified[at + 1 : at + 3]
        if line == "FDSTOREREMOVE=1":
            names.discard(name[0])
        elif line == "FDSTORE=1":
            assert name[0] == "FDPOLL=0"
            names.add(name[1])
    return {name.removeprefix("FDNAME=lane-") for name in names}


def test_devices_change_hands(lab):
    """Another collector's lane on the device begins at zero, and no copy is counted by two of them."""
    _, client = lab.pair(client=conf(("soc", 42, "vtap-x")))
    warm(lab)
    wait_lane(client, "on")
    traffic.ping(lab.client1, lab.peer.address4, (100,) * 20)
    assert kept(client) == {"vtap-x"}
    for config, devices in (
        (conf(("soc", 42, "vtap-y"), ("other", 43, "vtap-x")), {"vtap-x", "vtap-y"}),
        (conf(("soc", 42, "vtap-x"), ("other", 43, "vtap-y")), {"vtap-x", "vtap-y"}),
        (conf(("third", 42, "vtap-x")), {"vtap-x"}),
        (conf(("third", 42, "vtap-z")), {"vtap-z"}),
    ):
        known = {c["name"]: c["express"]["packets"] for c in client.status()["collectors"]}
        client.reload(config)
        client.wait(lambda s: all(c["express"]["state"] == "on" for c in s["collectors"]), "all lanes on")
        assert kept(client) == devices
        lanes = client.status()["collectors"]
        before = [c["express"]["packets"] for c in lanes]
        traffic.ping(lab.client1, lab.peer.address4, (100,) * 20)
        grown = [c["express"]["packets"] - b for c, b in zip(client.status()["collectors"], before)]
        assert 40 <= grown[0] < 60 and set(grown) == {grown[0]}, (config, grown)
        for collector, count in zip(lanes, before):
            assert collector["name"] in known or count < 20, (config, collector)
