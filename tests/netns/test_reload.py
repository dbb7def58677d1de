# SPDX-License-Identifier: BSD-2-Clause
"""Another configuration under load: what is let in arrives, what arrives was let in, and nobody else is disturbed."""

import json
import operator
import re
import socket
import threading

import pytest

import frames
from lab import ALLOW, COLLECTOR4
from netns import run, wait_until
from test_door import INSIDE, inner_frame


class Stream:
    """Copies to the ports in turn, from a few known clients, for as long as it runs."""

    def __init__(self, lab, ports, vnis=(42,)):
        self.socket = None
        with lab.peer:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind(("eth0", 0))
        self.frames = [
            frames.udp_frame(
                lab.peer.mac(), lab.coll.mac(), f"10.77.0.{source}", COLLECTOR4, 50000, port, frames.vxlan_payload(vni, inner_frame())
            )
            for source in range(50, 58)
            for port in ports
            for vni in vnis
        ]
        self.sent, self.over = 0, threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.over.is_set():
            for frame in self.frames:
                self.socket.send(frame)
            self.sent += len(self.frames)

    def stop(self):
        self.over.set()
        self.thread.join()
        self.socket.close()


def totals_of(ns):
    """What the door let in, and what the endpoint's seal got; packets and bytes, from the program's own map."""
    prog = re.search(r"vtap-door.* id (\d+)", ns.tc("filter show dev eth0 ingress")).group(1)
    for number in json.loads(run("bpftool", "-j", "prog", "show", "id", prog).stdout)["map_ids"]:
        if json.loads(run("bpftool", "-j", "map", "show", "id", str(number)).stdout)["name"] == "vtap_totals":
            (entry,) = json.loads(run("bpftool", "-j", "map", "dump", "id", str(number)).stdout)
            values = [v["value"] for v in entry["formatted"]["values"]]
            return [[sum(v[what][unit] for v in values) for unit in ("packets", "bytes")] for what in ("accepted", "delivered")]
    raise AssertionError(f"program {prog} has no totals")


def all_arrived(lab):
    wait_until(lambda: operator.eq(*totals_of(lab.coll)), 5, lambda: f"let in == arrived {totals_of(lab.coll)}")


# configurations in turn, the ports and the VNIs that are sent to
RELOADS = {
    "port": (("vxlan { port = 4790 }\n", "vxlan { port = 4789 }\n"), (4789, 4790), (42,)),
    "device": (('vxlan { vni = "any" }\n', "vxlan { }\n"), (4789,), (42,)),
    "vni rule": (('vxlan { underlay = "dual" vni = 43 }\n', 'vxlan { underlay = "dual" }\n'), (4789,), (42, 43)),
    "max_clients": (("max_clients = 100\n", "max_clients = 200\n"), (4789,), (42,)),
    "both": (("max_clients = 100\nvxlan { port = 4790 }\n", "max_clients = 200\nvxlan { }\n"), (4789, 4790), (42,)),
}


@pytest.mark.parametrize("what", RELOADS)
def test_a_reload_under_load_is_exact(lab, what):
    """Clients send to the old and to the new endpoint meanwhile: what is let in arrives, and nothing else does."""
    confs, ports, vnis = RELOADS[what]
    collector = lab.collector(ALLOW + confs[-1])
    collector.wait_ok()
    stream = Stream(lab, ports, vnis)
    try:
        for conf in confs * 3:
            before = collector.status()["accepted"]["packets"]
            collector.reload(ALLOW + conf)
            collector.wait(lambda s, b=before: s["state"] == "ok" and s["accepted"]["packets"] > b + 100, "more let in")
    finally:
        stream.stop()
    all_arrived(lab)
    status = collector.status()
    if what != "vni rule":  # there clients leave
        assert sum(c["packets"] for c in status["clients"]) == status["accepted"]["packets"]
    if what == "max_clients":
        assert status["rejected"]["packets"] == 0


def test_a_restart_with_another_port_is_exact(lab):
    """The same, when a daemon that starts finds what another configuration left."""
    collector = lab.collector()
    collector.wait_ok()
    stream = Stream(lab, (4789, 4790), (42,))
    try:
        for port in (4790, 4789, 4790):
            collector.leave()
            collector.write_config(ALLOW + f"vxlan {{ port = {port} }}\n")
            before = totals_of(lab.coll)[0][0]
            collector.start()
            collector.wait(lambda s, b=before: s["state"] == "ok" and s["accepted"]["packets"] > b + 100, "more let in")
    finally:
        stream.stop()
    all_arrived(lab)


def test_a_taken_port_is_left_to_its_owner(lab):
    """Where the endpoint cannot come up, packets are none of the collector's business, whoever sends them."""
    owner = lab.socket_at(lab.coll, 4789)
    collector = lab.collector()
    collector.expect("Address already in use")
    collector.wait(lambda s: "in use" in (s["endpoints"][0]["reason"] or ""), "a reason")
    copy = frames.vxlan_payload(42, inner_frame())

    def arrives(source):
        frame = frames.udp_frame(lab.peer.mac(), lab.coll.mac(), source, COLLECTOR4, 50000, 4789, copy)
        frames.send_frame(lab.peer, "eth0", frame)
        try:
            return owner.recvfrom(2048) == (copy, (source, 50000))
        except BlockingIOError:
            return False

    for source in (INSIDE, lab.client1.address4):
        wait_until(lambda s=source: arrives(s), what="its owner gets it")
    assert collector.status()["accepted"]["packets"] == 0
    owner.close()
    collector.wait_ok()
