# SPDX-License-Identifier: BSD-2-Clause
"""What goes wrong: a clear message, the right exit code, nothing left behind, nothing of others touched."""

import os
import re
import shutil
import subprocess

import pytest

import traffic
from daemon import CLIENT, COLLECTOR
from lab import ALLOW, CLIENT_CONF, COLLECTOR_CONF, tc_state
from netns import wait_until

BOTH = pytest.mark.parametrize("program, conf", [(CLIENT, CLIENT_CONF), (COLLECTOR, COLLECTOR_CONF)], ids=["client", "collector"])


def once(daemon, *options, command=None):
    """Runs the program to its end, as a person would."""
    return subprocess.run(
        daemon.ns.command(*(command or daemon.command(*options))),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20, check=False,
    )  # fmt: skip


# ---- the configuration ---------------------------------------------------------------------------------------


@BOTH
def test_a_good_configuration(lab, program, conf):
    d = lab.daemon(program, lab.client1, conf)
    before = tc_state(lab.client1)
    done = once(d, "-t")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert tc_state(lab.client1) == before
    assert not os.path.exists(d.socket_path)


BAD_CLIENT = """collector "soc" { address = "10.77.0.999" }
collector "two" { address = "10.77.0.98" vni = 16777216 }
mirror "eth0" { collector = {"three"} }
mirror "eth1" { collector = {"two"} filter = "not a filter (" }
mirror "eth2" { collector = {"two"} direction = "sideways" }
"""
BAD_COLLECTOR = """allow = {"10.77.0.0/24", "10.0.0.0/33"}
max_clients = 0
vxlan {
    vni = 99999999
    underlay = "ipx"
}
"""


@pytest.mark.parametrize(
    "program, conf, lines",
    [(CLIENT, BAD_CLIENT, {1, 2, 3, 4, 5}), (COLLECTOR, BAD_COLLECTOR, {1, 2, 4, 5})],
    ids=["client", "collector"],
)
def test_every_problem_with_its_line(lab, program, conf, lines):
    d = lab.daemon(program, lab.client1, conf)
    before = tc_state(lab.client1)
    for options in (("-t",), ()):
        done = once(d, *options)
        text = done.stdout + done.stderr
        assert done.returncode == 2, text
        found = {int(n) for n in re.findall(re.escape(d.config_path) + r":(\d+): \S", text)}
        assert found >= lines, text
    assert tc_state(lab.client1) == before
    assert not os.path.exists(d.socket_path)


def test_libpcaps_words(lab):
    d = lab.daemon(CLIENT, lab.client1, CLIENT_CONF.replace('"eth0" { }', '"eth0" { filter = "not a filter (" }'))
    done = once(d, "-t")
    assert done.returncode == 2
    assert re.search(re.escape(d.config_path) + r":2: .*syntax error", done.stdout + done.stderr)


@BOTH
def test_no_configuration_file(lab, program, conf):
    d = lab.daemon(program, lab.client1, conf)
    os.unlink(d.config_path)
    done = once(d)
    assert done.returncode == 2 and d.config_path in done.stderr and "No such file" in done.stderr


@BOTH
def test_unknown_option_and_help(lab, program, conf):
    d = lab.daemon(program, lab.client1, conf)
    assert once(d, "--no-such-option").returncode == 2
    for option, word in (("--help", "--config"), ("--version", "0.1.0")):
        done = once(d, option)
        assert done.returncode == 0 and word in done.stdout and not done.stderr


@BOTH
def test_dry_run_changes_nothing(lab, program, conf):
    d = lab.daemon(program, lab.client1, conf)
    before = tc_state(lab.client1)
    done = once(d, "-n")
    assert done.returncode == 0, done.stderr
    assert ("vtap-soc" if program == CLIENT else "vtap0") in done.stdout
    assert "eth0" in done.stdout
    assert tc_state(lab.client1) == before
    assert not os.path.exists(d.socket_path)


# ---- the place -------------------------------------------------------------------------------------------------


@BOTH
def test_no_privileges(lab, program, conf):
    d = lab.daemon(program, lab.client1, conf)
    before = tc_state(lab.client1)
    public = os.path.join(lab.directory, "public")
    os.chmod(lab.directory, 0o755)
    os.mkdir(public)
    os.chown(public, 65534, 65534)
    copy = shutil.copy(program, public)
    drop = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")
    done = once(d, command=(*drop, copy, "-c", d.config_path, "-s", os.path.join(public, "x.sock")))
    assert done.returncode == 1, done.stderr
    assert re.search(r"privilege|CAP_NET_ADMIN|not permitted|root", done.stderr), done.stderr
    assert len(done.stderr.splitlines()) <= 3, done.stderr
    assert os.listdir(public) == [os.path.basename(program)]
    assert tc_state(lab.client1) == before


@BOTH
def test_second_instance(lab, program, conf):
    ns = lab.client1 if program == CLIENT else lab.coll
    first = lab.daemon(program, ns, conf).start()
    first.wait_ok()
    made = tc_state(ns)
    done = once(first)
    assert done.returncode == 1, done.stderr
    assert re.search("in use|already|another", done.stderr), done.stderr
    assert tc_state(ns) == made
    assert first.status()["state"] == "ok"


def test_missing_interface(lab):
    before = tc_state(lab.client1)
    client = lab.client(config=CLIENT_CONF.replace('"eth0"', '"eth9"')).expect("eth9")
    status = client.wait(lambda s: s["state"] == "degraded", "degraded")
    assert all(m["state"] == "blocked" and "eth9" in m["reason"] for m in status["mirrors"])
    client.stop()
    assert tc_state(lab.client1) == before


def test_port_taken_on_the_collector(lab):
    taker = lab.socket_at(lab.coll, 4789)
    collector = lab.collector().expect("4789|vtap0|in use")
    status = collector.wait(lambda s: s["endpoints"][0]["state"] == "blocked", "blocked")
    assert status["state"] == "degraded"
    assert re.search("4789|in use", status["endpoints"][0]["reason"]), status
    taker.close()
    collector.wait(lambda s: s["state"] == "ok" and s["endpoints"][0]["reason"] is None, "the port is free again")


def test_port_taken_on_the_client(lab):
    taker = lab.socket_at(lab.client1, 4789)
    client = lab.client().expect("4789|soc|in use")
    status = client.wait(lambda s: s["collectors"][0]["state"] == "blocked", "blocked")
    assert status["state"] == "degraded"
    assert re.search("4789|in use", status["collectors"][0]["reason"]), status
    assert all(m["state"] == "blocked" for m in status["mirrors"])
    taker.close()
    client.wait_ok()


def test_another_vxlan_has_the_identifier(lab):
    lab.coll.ip("link add overlay type vxlan id 42 dstport 4789 nolearning")
    lab.coll.ip("link set overlay up")
    before = tc_state(lab.coll)
    collector = lab.collector().expect("4789|vtap0|File exists")
    status = collector.wait(lambda s: s["endpoints"][0]["state"] == "blocked", "blocked")
    assert status["state"] == "degraded" and status["endpoints"][0]["reason"]
    assert "overlay" in lab.coll.links()
    collector.stop()
    assert tc_state(lab.coll) == before
    collector.start()
    lab.coll.ip("link del overlay")
    collector.wait_ok()


@pytest.mark.parametrize("side", ["client", "collector"])
def test_foreign_device_of_the_name(lab, side):
    ns, name = (lab.client1, "vtap-soc") if side == "client" else (lab.coll, "vtap0")
    ns.ip(f"link add {name} type bridge")
    before = tc_state(ns)
    d = (lab.client() if side == "client" else lab.collector()).expect(name, "collector soc is blocked")
    key = "collectors" if side == "client" else "endpoints"
    status = d.wait(lambda s: s[key][0]["state"] == "blocked", "blocked")
    assert status["state"] == "degraded" and name in status[key][0]["reason"]
    assert "bridge" in ns.ip(f"-d link show dev {name}")
    d.stop()
    assert tc_state(ns) == before
    d.start()
    ns.ip(f"link del {name}")
    d.wait_ok()


def test_foreign_filter_at_the_preference(lab):
    lab.client1.tc("qdisc add dev eth0 clsact")
    lab.client1.tc("filter add dev eth0 egress pref 2 protocol ip u32 match ip dport 9 0xffff flowid 1:9")
    before = tc_state(lab.client1)
    client = lab.client().expect("eth0")
    status = client.wait(lambda s: s["state"] == "degraded", "degraded")
    mirrors = {m["direction"]: m for m in status["mirrors"]}
    assert mirrors["egress"]["state"] == "blocked" and mirrors["egress"]["reason"]
    assert mirrors["ingress"]["state"] == "mirroring"
    client.stop()
    assert tc_state(lab.client1) == before


def test_foreign_ingress_qdisc(lab):
    """Ingress filters can be added to it as it is; egress has no hook. It is never deleted."""
    lab.collector().wait_ok()
    lab.client1.tc("qdisc add dev eth0 ingress")
    before = tc_state(lab.client1)
    client = lab.client().expect("eth0")
    status = client.wait(lambda s: {m["state"] for m in s["mirrors"]} == {"mirroring", "blocked"}, "one of two")
    assert status["state"] == "degraded"
    (stuck,) = [m for m in status["mirrors"] if m["state"] == "blocked"]
    assert stuck["direction"] == "egress" and stuck["reason"]
    reader = lab.reader()
    traffic.ping(lab.client1, lab.peer.address4, (104,))
    wait_until(lambda: sum(len(f.bytes) == 104 for f in reader.frames()) == 1)
    client.stop()
    assert tc_state(lab.client1) == before


def test_socket_directory_is_missing(lab):
    d = lab.daemon(COLLECTOR, lab.coll, ALLOW)
    d.socket_path = os.path.join(lab.directory, "no", "such", "place", "x.sock")
    before = tc_state(lab.coll)
    done = once(d)
    assert done.returncode == 1 and os.path.dirname(d.socket_path) in done.stderr, done.stderr
    assert tc_state(lab.coll) == before
