# SPDX-License-Identifier: BSD-2-Clause
"""The life of a client: its name, its rates, its times, and its end; many of them, and several behind one address."""

import calendar
import time

import frames
from lab import ALLOW, tool
from netns import wait_until

INSIDE = "10.77.0.50"  # no host has it: its frames are written by hand
SOURCES = 5000
WATCH = 2.0  # seconds

ANY = 'vxlan { vni = "any" }\n'


def send(lab, source=INSIDE, vni=42, count=1):
    inner = frames.udp_frame("02:aa:bb:cc:dd:ee", "02:11:22:33:44:55", "10.9.9.1", "10.9.9.9", 7777, 9999, b"inner")
    outer = frames.udp_frame(
        lab.peer.mac(), lab.coll.mac(), source, lab.coll.address4, 50000, 4789, frames.vxlan_payload(vni, inner)
    )
    for _ in range(count):
        frames.send_frame(lab.peer, "eth0", outer)
    return len(inner)


def clients(status):
    return {(c["address"], c["vni"]): c for c in status["clients"]}


def names(status):
    return {key: c["name"] for key, c in clients(status).items()}


def seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def adds_up(status):
    """What was accepted is with the clients, forgotten, or more than there was room for."""
    return all(
        status["accepted"][unit]
        == sum(c[unit] for c in status["clients"]) + status["forgotten"][unit] + status["overflow"][unit]
        for unit in ("packets", "bytes")
    )


def test_names_change_and_counters_do_not(lab):
    config = ALLOW + ANY
    collector = lab.collector(config + f'client "web-1" {{ address = "{INSIDE}" vni = 42 }}\n')
    collector.wait_ok()
    size = send(lab, vni=42, count=3)
    send(lab, vni=43, count=2)
    send(lab, "10.77.0.51", count=1)
    before = collector.wait(lambda s: s["accepted"]["packets"] == 6, "6 frames")
    # three clients behind two addresses
    assert names(before) == {(INSIDE, 42): "web-1", (INSIDE, 43): None, ("10.77.0.51", 42): None}
    assert clients(before)[INSIDE, 42]["packets"] == 3
    assert clients(before)[INSIDE, 43]["bytes"] == 2 * size

    collector.reload(
        config
        + f'client "site \\"B\\"" {{ address = "{INSIDE}" }}\n'
        + f'client "web-2" {{ address = "{INSIDE}" vni = 43 }}\n'
    )
    after = collector.status()
    assert names(after) == {(INSIDE, 42): 'site "B"', (INSIDE, 43): "web-2", ("10.77.0.51", 42): None}
    for key, client in clients(before).items():
        for field in ("packets", "bytes", "first_seen", "last_seen"):
            assert clients(after)[key][field] == client[field], (key, field)

    collector.expect("there already is a client", "the configuration was not reloaded").reload(
        config + 'client "a" { address = "10.0.0.1" }\nclient "a" { address = "10.0.0.2" }\n'
    )
    assert names(collector.status()) == names(after)


def test_silent_clients_leave(lab):
    collector = lab.collector(ALLOW + 'forget_after = "3s"\nmax_clients = 1\n')
    collector.wait_ok()
    size = send(lab, count=3)
    first = collector.wait(lambda s: s["accepted"]["packets"] == 3, "3 frames")
    # no room for another one, until the first is forgotten
    send(lab, "10.77.0.51")
    status = collector.wait(lambda s: s["accepted"]["packets"] == 4, "one more")
    if clients(status):  # on a machine that held this test up for seconds it is gone by now
        assert set(clients(status)) == {(INSIDE, 42)}
        assert status["overflow"] == {"packets": 1, "bytes": size}
    status = collector.wait(lambda s: not s["clients"], "forgotten")
    assert status["accepted"] == {"packets": 4, "bytes": 4 * size}
    assert adds_up(status)
    send(lab, "10.77.0.51", count=2)
    status = collector.wait(lambda s: s["accepted"]["packets"] == 6, "room for it")
    assert status["forgotten"]["packets"] >= 3
    assert adds_up(status)
    if clients(status):
        assert clients(status)["10.77.0.51", 42]["packets"] == 2
    # who comes back is a client from then on
    collector.wait(lambda s: not s["clients"], "forgotten")
    send(lab)
    status = collector.wait(lambda s: s["accepted"]["packets"] == 7, "back")
    if clients(status):
        assert clients(status)[INSIDE, 42]["packets"] == 1
        assert seconds(clients(status)[INSIDE, 42]["first_seen"]) >= seconds(first["clients"][0]["last_seen"]) + 3
    # and what was forgotten is remembered, over a restart too
    collector.leave()
    status = collector.start().wait_ok()
    assert status["accepted"]["packets"] == 7 and adds_up(status)


def test_never_forgets(lab):
    collector = lab.collector(ALLOW + 'forget_after = "1s"\n')
    collector.wait_ok()
    collector.reload(ALLOW + "forget_after = never\n")
    send(lab)
    collector.wait(lambda s: s["accepted"]["packets"] == 1, "one frame")
    end = time.monotonic() + WATCH
    while time.monotonic() < end:
        assert len(collector.status()["clients"]) == 1
        time.sleep(0.1)
    collector.reload(ALLOW + 'forget_after = "1s"\n')
    assert adds_up(collector.wait(lambda s: not s["clients"], "forgotten"))


def test_times_over_restarts(lab):
    collector = lab.collector()
    collector.wait_ok()
    start = int(time.time())
    send(lab)
    first = clients(collector.wait(lambda s: s["accepted"]["packets"] == 1, "one frame"))[INSIDE, 42]
    assert start <= seconds(first["first_seen"]) <= time.time()
    assert start <= seconds(first["last_seen"]) <= time.time()
    for restart in (collector.leave, collector.kill):
        restart()
        wait_until(lambda: time.time() > seconds(first["last_seen"]) + 1.1)
        collector.start().wait_ok()
        again = clients(collector.status())[INSIDE, 42]
        # two clocks are never read at quite the same time
        for field in ("first_seen", "last_seen"):
            assert abs(seconds(again[field]) - seconds(first[field])) <= 1, (field, first, again)
        assert again["packets"] == 1
    moment = int(time.time())
    send(lab)
    again = clients(collector.wait(lambda s: s["accepted"]["packets"] == 2, "another"))[INSIDE, 42]
    assert abs(seconds(again["first_seen"]) - seconds(first["first_seen"])) <= 1
    assert moment <= seconds(again["last_seen"]) <= time.time()


def test_rates_of_a_steady_stream(lab):
    """They come to what is sent, and to nothing when it ends."""
    collector, _ = lab.pair()
    rate, size = 500, 200
    stream = lab.numbered(lab.client1, rate * 60, rate, size=size)
    frame = size + 42

    def right(status):
        c = clients(status).get((lab.client1.address4, 42))
        return c and abs(c["packets_per_s"] / rate - 1) < 0.02 and abs(c["bits_per_s"] / (8 * rate * frame) - 1) < 0.02

    collector.wait(right, f"{rate} packets/s of {frame} bytes", 50)
    stream.kill()
    stream.wait()
    stream.sink.close()
    collector.wait(
        lambda s: clients(s)[lab.client1.address4, 42]["packets_per_s"] == 0
        and clients(s)[lab.client1.address4, 42]["bits_per_s"] == 0,
        "silence",
    )


def test_thousands_of_sources(lab):
    """Real packets of thousands of forged sources: each is a client, and together they are what was let in."""
    ns = lab.net.ns("many")
    ns.sysctl("net.ipv4.conf.all.rp_filter", 0)
    sender = lab.net.ns("sender")
    sender.ip(f"link add many mtu 1600 type veth peer name eth0 mtu 1600 netns {ns.name}")
    sender.ip("link set many up")
    ns.ip("addr add 10.101.0.1/8 dev eth0")
    ns.ip("link set eth0 up")
    config = 'allow = {"10.0.0.0/8"}\n'
    listed = "".join(
        f'client "c{n}" {{ address = "10.100.{n >> 8}.{n & 255}" vni = 42 }}\n' for n in range(SOURCES)
    )
    collector = lab.collector(config + f"max_clients = {SOURCES - 100}\n", ns)
    collector.wait_ok()
    done = sender.run(tool("turns"), 1, SOURCES, "10.101.0.1", f"many:many:{ns.mac()}").stdout
    sent = int(done.split()[4]) * 500 + SOURCES  # each of them once before the turns
    status = collector.wait(lambda s: s["accepted"]["packets"] == sent, f"{sent} frames")
    assert status["accepted"]["bytes"] == 60 * sent
    assert len(status["clients"]) == SOURCES - 100
    assert status["overflow"]["packets"] > 0 and status["rejected"]["packets"] == 0
    assert adds_up(status)
    assert len({c["packets"] for c in status["clients"]}) <= 2, "every source sent as much as the others"
    before = clients(status)

    # room for all of them, and names: those that were there keep their counts
    collector.reload(config + f"max_clients = {SOURCES}\n" + listed)
    status = collector.wait_ok()
    assert {k: c["packets"] for k, c in clients(status).items()} == {k: c["packets"] for k, c in before.items()}
    sender.run(tool("turns"), 1, SOURCES, "10.101.0.1", f"many:many:{ns.mac()}")
    status = collector.wait(lambda s: len(s["clients"]) == SOURCES and s["clients"][0]["packets_per_s"] == 0, "all of them")
    assert adds_up(status)
    assert {c["name"] for c in status["clients"]} == {f"c{n}" for n in range(SOURCES)}

    # all of them are silent: they leave
    collector.reload(config + f'max_clients = {SOURCES}\nforget_after = "1s"\n')
    gone = collector.wait(lambda s: not s["clients"], "forgotten", 60)
    assert gone["accepted"] == status["accepted"] and adds_up(gone)
