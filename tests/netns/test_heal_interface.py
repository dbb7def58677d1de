# SPDX-License-Identifier: BSD-2-Clause
"""The monitored interface, and the underlay's, go, come back, and change their names."""

import pytest

import frames
from heal import TUNNEL, UNDERLAY, UNDERLAY_ALLOW, UNDERLAY_CLIENT, Watch, assert_copied_once, assert_full_size, warm
from lab import CLIENT_CONF


def plug(lab, ns):
    lab.sw.ip(f"link del x{ns.number}", check=False)
    lab.net.plug(lab.sw, f"x{ns.number}", ns, "eth1", 1500, (f"10.88.0.{ns.number}/24",), "br1")


def configure(lab):
    """What a network manager would do to an eth1 that lost all it had."""
    lab.client1.ip("addr replace 10.88.0.11/24 dev eth1")
    lab.client1.ip("link set eth1 up")


def away_and_back(lab):
    other = lab.net.ns("away")
    lab.client1.ip(f"link set eth1 netns {other.name}")
    yield
    other.ip(f"link set eth1 netns {lab.client1.name}")
    configure(lab)


def down_and_up(lab):
    lab.client1.ip("link set eth1 down")
    yield
    lab.client1.ip("link set eth1 up")


def deleted_and_made(lab):
    lab.client1.ip("link del eth1")
    yield
    plug(lab, lab.client1)


def renamed_and_back(lab):
    lab.client1.ip("link set eth1 name gone")
    yield
    lab.client1.ip("link set gone name eth1")


def unplugged(lab):
    lab.sw.ip("link set x11 down")
    yield
    lab.sw.ip("link set x11 up")


INTERFACE = {
    "down": (down_and_up, False), "deleted": (deleted_and_made, True), "renamed": (renamed_and_back, True),
    "moved": (away_and_back, True), "unplugged": (unplugged, False),
}  # fmt: skip


@pytest.mark.parametrize("what", INTERFACE)
def test_the_monitored_interface(lab, what):
    act, gone = INTERFACE[what]
    lab.second_network(lab.client1, lab.peer)
    _, client = lab.pair(client=CLIENT_CONF.replace('"eth0"', '"eth1"'))
    client.expect("eth1 does not exist")
    warm(lab)
    reader = lab.reader()
    watch = Watch(client)
    steps = act(lab)
    next(steps)
    if gone:
        watch.blocked("eth1 does not exist")
    for _ in steps:
        pass
    client.wait(lambda s: s["state"] == "ok", "ok again", 2)
    assert_copied_once(lab, reader, "eth1")
    assert set(watch.repairs().values()) == ({1} if gone else {0}), watch.lines()
    if not gone:
        watch.silent()
    for direction in ("ingress", "egress") if gone else ():
        about = watch.about(f"mirror eth1 {direction} to soc")
        assert len(about) == 2 and "does not exist" in about[0] and "(" in about[1], watch.lines()
    assert not watch.about(TUNNEL), watch.lines()


@pytest.mark.parametrize("ipv6", [True, False], ids=["ipv6", "ipv4only"])
@pytest.mark.parametrize("what", INTERFACE)
def test_the_underlay(lab, what, ipv6):
    """The tunnel's own interface goes and comes. Without IPv6 the kernel tells less: of a link that is set down, no route."""
    act, _ = INTERFACE[what]
    lab.second_network(lab.client1, lab.coll, mtu=1500)
    if not ipv6:
        lab.client1.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
    _, client = lab.pair(UNDERLAY_ALLOW, UNDERLAY_CLIENT)
    client.expect("no route to 10.88.0.99")
    reader = lab.reader()
    warm(lab, UNDERLAY)
    assert_copied_once(lab, reader)
    frames.quiet(reader)  # the start's own events have been taken: only the break's are left
    watch = Watch(client)
    steps = act(lab)
    next(steps)
    if what in ("down", "deleted", "moved"):
        watch.blocked("no route to 10.88.0.99")
    for _ in steps:
        pass
    client.wait(lambda s: s["state"] == "ok", "ok again", 2)
    warm(lab, UNDERLAY)
    assert_copied_once(lab, reader)
    assert_full_size(lab, reader, lab.peer.address4)
    assert set(watch.repairs().values()) == {0}, watch.lines()
    assert len([x for x in watch.lines() if "no longer blocked" not in x]) <= 1, watch.lines()
