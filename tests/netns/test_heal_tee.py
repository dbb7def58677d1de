# SPDX-License-Identifier: BSD-2-Clause
"""Method tee: what others do to its tables, its routes and its tunnel is repaired; what it cannot copy says so."""

import re

import pytest

from heal import LANE, TUNNEL, Watch
from lab import CLIENT_CONF
from netns import wait_until
from test_tee import FOREIGN, TABLES, TEE_CONF, assert_teed, nft, nft_load, surroundings, total


def handle_of(ns, family, words):
    text = nft(ns, "-a", "list", "table", family, "vtap-client")
    return re.search(rf"{words}.* # handle (\d+)", text).group(1)


def delete_rule(ns):
    nft(ns, "delete", "rule", "ip", "vtap-client", "egress_copies", "handle", handle_of(ns, "ip", 'oifname "eth0" counter'))


def change_rule(ns):
    handle = handle_of(ns, "ip6", 'iifname "eth0" counter')
    ns.run("nft", "replace", "rule", "ip6", "vtap-client", "ingress_copies", "handle", handle, "iifname", "eth9", "accept")


REPAIRS = {
    "flush ruleset": (lambda ns: nft(ns, "flush", "ruleset"), {TABLES: "missing"}),
    "IPv4 table deleted": (lambda ns: nft(ns, "delete", "table", "ip", "vtap-client"), {TABLES: "one is missing"}),
    "IPv6 table deleted": (lambda ns: nft(ns, "delete", "table", "ip6", "vtap-client"), {TABLES: "one is missing"}),
    "rules flushed": (lambda ns: nft(ns, "flush", "table", "ip", "vtap-client"), {TABLES: "rules were changed"}),
    "rule deleted": (delete_rule, {TABLES: "rules were changed"}),
    "rule changed": (change_rule, {TABLES: "rules were changed"}),
    "rule added": (
        lambda ns: nft(ns, "insert", "rule", "ip", "vtap-client", "postrouting", "drop"), {TABLES: "rules were changed"}
    ),
    "chain's policy": (
        lambda ns: nft(ns, "chain", "ip", "vtap-client", "prerouting", "{ policy drop; }"), {TABLES: "rules were changed"}
    ),
    "IPv4 route": (lambda ns: ns.ip("route del 192.0.0.8 table local"), {TUNNEL: "missing"}),
    "IPv6 route": (lambda ns: ns.ip("-6 route del fe80::7674 table local"), {TUNNEL: "missing"}),
    "IPv6 off": (lambda ns: ns.sysctl("net.ipv6.conf.vtap-soc.disable_ipv6", 1), {TUNNEL: "IPv6 is off"}),
    "IPv6 address": (lambda ns: ns.ip("addr add fe80::1/64 dev vtap-soc"), {TUNNEL: "must have none"}),
    "tunnel down": (lambda ns: ns.ip("link set vtap-soc down"), {TUNNEL: "down"}),
    "tunnel deleted": (lambda ns: ns.ip("link del vtap-soc"), {TUNNEL: "missing", TABLES: "rules differ", LANE: "missing"}),
    "MTU": (lambda ns: ns.ip("link set vtap-soc mtu 1400"), {TUNNEL: "MTU differs"}),
}  # fmt: skip


@pytest.mark.parametrize("what", REPAIRS)
def test_repair(lab, what):
    act, says = REPAIRS[what]
    _, client = lab.pair(client=TEE_CONF)
    reader = lab.reader()
    assert_teed(lab, reader)
    before = client.status()["mirrors"]
    base = total(client) - len(reader.frames())
    good = surroundings(lab.client1)
    watch = Watch(client)
    act(lab.client1)
    watch.repaired(says, deadline=5)
    assert_teed(lab, reader)
    watch.repaired(says)  # and nothing since
    after = client.wait(lambda s: total(s) - base == len(reader.frames()), "all copies counted")
    for was, now in zip(before, after["mirrors"]):
        assert now["packets"] > was["packets"] and now["bytes"] > was["bytes"]
        assert now["repairs"] == (TABLES in says)
    if what != "tunnel deleted":
        assert surroundings(lab.client1) == good


def test_flushed_again_and_again(lab):
    """A firewall that reloads every moment: whenever it rests, the tables are there."""
    _, client = lab.pair(client=TEE_CONF)
    client.expect("what it puts right is changed again at once")  # where each repair meets the next flush
    for _ in range(30):
        nft(lab.client1, "flush", "ruleset")
    wait_until(lambda: "dup to" in nft(lab.client1, "list", "ruleset"), 5, client.log)
    client.wait_ok()
    assert_teed(lab, lab.reader())


def test_others_rules_wake_nobody(lab):
    _, client = lab.pair(client=TEE_CONF)
    watch = Watch(client)
    rules = nft(lab.client1, "-a", "list", "table", "ip", "vtap-client")
    nft_load(lab.client1, FOREIGN)
    nft(lab.client1, "delete", "table", "inet", "production")
    client.wait_ok()
    watch.silent()
    assert nft(lab.client1, "-a", "list", "table", "ip", "vtap-client") == rules


def test_a_table_of_somebody_elses(lab):
    one = lab.client1
    nft_load(one, 'table ip vtap-client {\n\tcomment "mine"\n}\n')
    theirs = nft(one, "list", "ruleset")
    lab.collector().wait_ok()
    client = lab.client(config=TEE_CONF)
    client.expect("blocked: nftables has a table")
    status = client.wait(lambda s: s["state"] == "degraded", "degraded")
    assert all(m["state"] == "blocked" and "did not make" in m["reason"] for m in status["mirrors"])
    assert nft(one, "list", "ruleset") == theirs
    nft(one, "delete", "table", "ip", "vtap-client")
    client.wait_ok()
    assert_teed(lab, lab.reader())


@pytest.mark.parametrize("interface", ["lo", "port"])
def test_what_tee_cannot_copy_says_so(lab, interface):
    lab.client1.ip("link add prod type bridge")
    lab.client1.ip("link add port type veth peer name port1")
    lab.client1.ip("link set port master prod")
    lab.collector().wait_ok()
    client = lab.client(config=TEE_CONF.replace("eth0", interface))
    client.expect("blocked: ")
    status = client.wait(lambda s: s["state"] == "degraded", "degraded")
    assert all(re.search("MTU|part of prod", m["reason"]) for m in status["mirrors"]), status
    client.reload(CLIENT_CONF)
    client.wait_ok()
