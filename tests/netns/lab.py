# SPDX-License-Identifier: BSD-2-Clause
"""The network of the tests: hosts with one interface each on one switch, and daemons and readers in them."""

import contextlib
import os
import re
import shutil
import socket
import subprocess

import frames
from daemon import BUILD, CLIENT, COLLECTOR, REPOSITORY, Daemon
from netns import Net, run, scratch

COLLECTOR4, COLLECTOR6 = "10.77.0.99", "fd77::99"
UNDERLAY6 = "fd78::99"  # of the IPv6 underlay with its larger MTU
ALLOW = 'allow = {"10.77.0.0/24", "fd77::/64", "fd78::/64"}\n'
COLLECTOR_CONF = ALLOW
CLIENT_CONF = f'collector "soc" {{ address = "{COLLECTOR4}" }}\nmirror "eth0" {{ }}\n'
WHOLE_CONF = CLIENT_CONF.replace(" }", ' oversize = "fragment" }', 1)  # frames as on the wire, whatever the path

# What a monitored interface carries besides the copies that leave by it.
NOT_TUNNEL = f"not (dst host {COLLECTOR4} and ip proto 17 and (ip[6:2] & 0x1fff != 0 or udp dst port 4789))"

_tools = {}


def tool(name, directory="tests/tools", parts=()):
    """A helper of tests/tools, or of another directory: the built one, or one made here, of so many further parts."""
    if name not in _tools:
        path = os.path.join(BUILD, directory, name)
        if not os.access(path, os.X_OK):
            path = os.path.join(scratch("tools"), name)
            sources = [f"{REPOSITORY}/{directory}/{part}.c" for part in (name, *parts)]
            run("cc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-o", path, *sources)
        _tools[name] = path
    return _tools[name]


def remove_tools():
    for path in _tools.values():
        if not path.startswith(BUILD + os.sep):
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)
    _tools.clear()


def bpf_programs():
    """Ids of the tc programs in the kernel."""
    return set(re.findall(r"^(\d+): sched_cls", run("bpftool", "prog", "show").stdout, re.M))


def tc_state(ns):
    """What `ip -d link`, `tc qdisc` and `tc filter` say, without counters, and without the ids of programs."""
    links = ns.ip("-d -o link")
    text = [links, ns.tc("qdisc show")]
    for link in sorted(ns.links()):
        for parent in ("ingress", "egress", "root"):
            text.append(ns.tc(f"filter show dev {link} {parent}", check=False))
    return re.sub(r"\bid \d+ (?=name )", "", "\n".join(text))


def uses_hop(ns):
    """Whether copies of egress pass the hop. It is there for a while longer than that."""
    return "to device vtap-soc-h)" in ns.tc("filter show dev eth0 egress")


class Lab:
    """client1, client2, peer and collector on a switch. Namespaces, daemons and captures end with it."""

    def __init__(self, mtu=1500):
        self.net = Net()
        self.directory = scratch("lab")
        self.daemons = []
        self.captures = []
        self.mtu = mtu
        try:
            self.sw = self.net.switch(mtu=mtu)
            self.client1 = self.host("c1", 11)
            self.client2 = self.host("c2", 12)
            self.peer = self.host("peer", 20)
            self.coll = self.host("coll", 99)
        except BaseException:
            self.close()
            raise

    def host(self, short, number):
        ns = self.net.ns(short)
        ns.address4, ns.address6, ns.underlay6 = f"10.77.0.{number}", f"fd77::{number}", f"fd78::{number}"
        ns.number = number
        # Two senders on two processors may put more than 64 fragments between the halves of one datagram; by default
        # the kernel then takes the first half for lost (ip_frag_too_far).
        ns.sysctl("net.ipv4.ipfrag_max_dist", 0)
        self.net.plug(self.sw, short, ns, mtu=self.mtu, addresses=(ns.address4 + "/24", ns.address6 + "/64"))
        if self.mtu > 1500:
            # production keeps its 1500; the tunnel has the whole underlay
            ns.ip(f"addr add {ns.underlay6}/64 dev eth0 nodad")
            ns.ip(f"route change 10.77.0.0/24 dev eth0 src {ns.address4} mtu 1500")
            ns.ip("-6 route change fd77::/64 dev eth0 metric 256 mtu 1500")
        return ns

    def second_network(self, *hosts, mtu=1500):
        """eth1 of the hosts, on a switch of their own: 10.88.0.0/24."""
        self.sw.ip("link add br1 type bridge forward_delay 0 mcast_snooping 0")
        self.sw.ip(f"link set br1 mtu {mtu} up")
        for ns in hosts:
            self.net.plug(
                self.sw, f"x{ns.number}", ns, "eth1", mtu, (f"10.88.0.{ns.number}/24", f"fd88::{ns.number}/64"), "br1"
            )

    # ---- daemons ---------------------------------------------------------------------------------------------

    def daemon(self, program, ns, config, name=None):
        d = Daemon(program, ns, self.directory, config, name or f"{os.path.basename(program)}-{len(self.daemons)}")
        self.daemons.append(d)
        return d

    def collector(self, config=COLLECTOR_CONF, ns=None, start=True):
        d = self.daemon(COLLECTOR, ns or self.coll, config)
        return d.start() if start else d

    def client(self, ns=None, config=CLIENT_CONF, start=True):
        d = self.daemon(CLIENT, ns or self.client1, config)
        return d.start() if start else d

    def pair(self, collector=COLLECTOR_CONF, client=CLIENT_CONF):
        """The usual: a collector and a client that mirrors client1's eth0, both in state ok."""
        coll = self.collector(collector)
        coll.wait_ok()
        one = self.client(config=client)
        one.wait_ok()
        return coll, one

    # ---- readers ---------------------------------------------------------------------------------------------

    def capture(self, ns, interface="eth0", wire=False, expression=None):
        c = frames.Capture(tool("capture"), self.directory, ns, interface, wire, expression)
        self.captures.append(c)
        return c

    def reader(self, interface="vtap0", ns=None):
        return self.capture(ns or self.coll, interface)

    def tally(self, ns, interface="eth0", wire=False, expression=None):
        t = frames.Tally(tool("capture"), ns, interface, wire, expression)
        self.captures.append(t)
        return t

    def numbered(self, ns, count, rate, port=5999, size=100, address=None):
        """Numbered datagrams to the peer, where a socket that nobody reads keeps it from answering."""
        sink = self.socket_at(self.peer, port)
        process = ns.popen(
            tool("numbered"), address or self.peer.address4, port, count, rate, size, stdout=subprocess.PIPE, text=True
        )
        process.sink = sink
        return process

    def numbered_for_ever(self, ns, to, port, rate, size):
        """Numbered datagrams from ns to another host, until the process is killed."""
        sink = self.socket_at(to, port)
        process = ns.popen(
            tool("numbered"), to.address4, port, 1 << 40, rate, size, stdout=subprocess.PIPE, text=True
        )
        process.sink = sink
        return process

    @staticmethod
    def socket_at(ns, port, address="0.0.0.0"):
        with ns:
            s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((address, port))
        s.setblocking(False)
        return s

    # ---- end -------------------------------------------------------------------------------------------------

    def logs(self):
        logs = [(d.name, d.log()) for d in self.daemons if d.log()]
        return logs + [(f"{d.name}, valgrind", text) for d in self.daemons for text in d.valgrind_said()]

    def finish(self):
        """The end of a good test: captures without drops, daemons that stop cleanly and have nothing to complain of."""
        for c in self.captures:
            c.stop()
        for d in reversed(self.daemons):
            d.finish()

    def close(self):
        for d in self.daemons:
            d.abandon()
        for c in self.captures:
            c.kill()
        self.net.close()
        with contextlib.suppress(OSError):
            shutil.rmtree(self.directory)
