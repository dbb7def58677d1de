# SPDX-License-Identifier: BSD-2-Clause
"""What people run on vtap0: tcpdump, tshark, argus. Each must see the monitored interface as if it sat on it."""

import collections
import contextlib
import os
import re
import signal
import socket
import struct

import pytest

import frames
import traffic
from lab import COLLECTOR4, NOT_TUNNEL, WHOLE_CONF
from netns import run, wait_until

BULK = 20_000_000


class Program:
    """A reader from the distribution, on vtap0 until `stop`. `ready`: what it says when it has opened it."""

    def __init__(self, lab, ready, *cmd):
        self.ns, self.cmd = lab.coll, cmd
        self.log = os.path.join(lab.directory, f"{cmd[0]}.log")
        with open(self.log, "wb") as log:
            self.process = self.ns.popen(*cmd, stdout=log, stderr=log)
        wait_until(lambda: ready in self.said() or self.process.poll() is not None, 15, self.said)
        assert self.process.poll() is None, self.said()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return f"{' '.join(self.cmd)}\n{f.read()}"

    def stop(self, *codes):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20) in (0, *codes), self.said()
        return self.said()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@pytest.fixture
def program(lab):
    running = []

    def start(*cmd):
        running.append(Program(lab, *cmd))
        return running[-1]

    try:
        yield start
    finally:
        for p in running:
            p.kill()


def meet(lab):
    for address in (lab.peer.address4, lab.peer.address6, COLLECTOR4):
        traffic.ping(lab.client1, address, (98,))


def source(lab):
    return lab.capture(lab.client1, wire=True, expression=NOT_TUNNEL)


def everything(lab):
    one, peer = lab.client1, lab.peer
    traffic.tcp_transfer(one, peer, peer.address4, BULK)
    traffic.tcp_transfer(one, peer, peer.address6, BULK // 4, 5401)
    traffic.udp_echo(one, peer, peer.address4, (1, 18, 1000, 1472), 5500)
    traffic.udp_echo(one, peer, peer.address4, (4000, 30000), 5501)
    traffic.udp_echo(one, peer, peer.address6, (1, 1000, 1452), 5502)
    traffic.udp_echo(one, peer, peer.address6, (4000, 30000), 5503)
    traffic.ping(one, peer.address4, (60, 1514))
    traffic.ping(one, peer.address6, (62, 1514))


# ---- tcpdump ---------------------------------------------------------------------------------------------------


def pcap_frames(path):
    """The frames of a classic pcap file; one that is still being written may end in the middle of one."""
    with open(path, "rb") as f:
        data = f.read()
    found, at = [], 24
    while at + 16 <= len(data):
        size = struct.unpack_from("=I", data, at + 8)[0]
        if at + 16 + size > len(data):
            break
        found.append(data[at + 16 : at + 16 + size])
        at += 16 + size
    return found


def test_tcpdump(lab, program):
    lab.pair(client=WHOLE_CONF)
    meet(lab)
    path = os.path.join(lab.directory, "tcpdump.pcap")
    tcpdump = program("listening on", *"tcpdump -i vtap0 -n -U -B 65536 -Z root -w".split(), path)
    monitored = source(lab)
    everything(lab)
    frames.quiet(monitored)
    sent = [f.bytes for f in monitored.stop()]
    assert len(sent) > 2 * BULK / 1448
    with contextlib.suppress(AssertionError):  # the comparison says it better
        wait_until(lambda: len(pcap_frames(path)) >= len(sent), 15)
    said = tcpdump.stop()
    frames.assert_same_frames(sent, pcap_frames(path), said)
    assert re.search(r"^0 packets dropped by kernel", said, re.M), said
    text = run("tcpdump", "-n", "-vv", "-r", path, timeout=120).stdout
    bad = re.findall(r".*(?:incorrect|bad .*cksum|bad-len|truncated|\[\|).*", text)
    # a TCP checksum of zero, which Linux writes as ffff
    bad = [line for line in bad if not re.search(r"cksum 0xffff \(incorrect -> 0x0000\)", line)]
    assert text.count("(correct)") > len(sent) // 2 and not bad, bad[:10]


# ---- tshark ----------------------------------------------------------------------------------------------------

# What TCP analysis says of a capture that has not all of it, or not in order. Which of the kinds of sending again it was
# depends on microseconds.
AGAIN = "retransmission fast_retransmission spurious_retransmission out_of_order".split()
FLAWS = "lost_segment ack_lost_segment duplicate_ack".split()


def flaws(path):
    """{(flaw, connection): how often}, and all connections."""
    options = ["--disable-protocol", "ALL"]
    for protocol in frames.DISSECTED:
        options += ["--enable-protocol", protocol]
    columns = ["ip.src", "ipv6.src", "tcp.srcport", "ip.dst", "ipv6.dst", "tcp.dstport"]
    columns += [f"tcp.analysis.{flaw}" for flaw in FLAWS + AGAIN]
    for column in columns:
        options += ["-e", column]
    options += ["-o", "tcp.analyze_sequence_numbers:TRUE", "-T", "fields", "-E", "separator=,"]
    found, streams = collections.Counter(), set()
    for line in run("tshark", "-n", "-r", path, "-Y", "tcp", *options, timeout=120).stdout.splitlines():
        values = line.split(",")
        connection, flags = tuple(values[:6]), values[6:]
        streams.add(connection)
        for flaw, value in zip(FLAWS, flags):
            found[flaw, connection] += bool(value)
        found["again", connection] += any(flags[len(FLAWS) :])
    return found, streams


@pytest.mark.parametrize("network", ["whole", "lossy"])
def test_tshark(lab, program, network):
    """Every checksum is good, and TCP analysis finds at the reader what it finds at the source."""
    lab.pair(client=WHOLE_CONF)
    meet(lab)
    path = os.path.join(lab.directory, "tshark.pcapng")
    tshark = program("Capture started", *"tshark -i vtap0 -q -B 256 -w".split(), path)
    monitored = source(lab)
    if network == "lossy":  # behind the monitored interface: production sends again, the copies have their own way
        lab.sw.tc("qdisc add dev peer root tbf rate 200mbit burst 20000 limit 60000")
    with traffic.one_processor():
        if network == "whole":
            everything(lab)
        else:
            traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address4, BULK // 4)
            traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address6, BULK // 4, 5401)
        frames.quiet(monitored, still=0.5)
    sent = monitored.stop()

    def arrived():
        done = run("capinfos", "-c", "-M", path, check=False).stdout
        count = re.search(r"Number of packets:\s+(\d+)", done)
        return count and int(count.group(1)) >= len(sent)

    with contextlib.suppress(AssertionError):
        wait_until(arrived, 15, interval=0.2)
    said = tshark.stop()
    assert "dropped" not in said, said
    assert re.search(rf"\b{len(sent)} packets captured", said), (len(sent), said)
    frames.assert_clean(path)
    (here, streams), (there, sent_streams) = flaws(path), flaws(monitored.path)
    assert streams == sent_streams and len(streams) == 4
    assert network == "whole" or sum(n for (flaw, _), n in there.items() if flaw == "again"), "nothing was lost"
    assert here == there, f"only at the reader: {here - there}\nonly at the source: {there - here}"


# ---- argus -----------------------------------------------------------------------------------------------------


def address_text(raw):
    return socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)


class Flows:
    """Packets and bytes (of whole frames) by protocol, source and destination; with ports and without."""

    def __init__(self):
        self.ports, self.hosts = collections.Counter(), collections.Counter()

    def add(self, proto, src, sport, dst, dport, packets, size):  # pylint: disable=too-many-arguments
        for key, table in (((proto, src, sport, dst, dport), self.ports), ((proto, src, dst), self.hosts)):
            table[key, "packets"] += packets
            table[key, "bytes"] += size


GUESSES = {"rtp": "udp", "rtcp": "udp", "udt": "udp"}  # what argus may take random payload for
PROTOCOLS = {6: "tcp", 17: "udp", 1: "icmp", 58: "ipv6-icmp"}


def flows_sent(sent):
    """Of IPv6 fragments the ports are left away: readers differ in what they make of them."""
    flows, datagrams = Flows(), {}
    for frame in sent:
        ip = frame[14:]
        if frame[12:14] == b"\x08\x00":
            proto, src, dst = ip[9], ip[12:16], ip[16:20]
            l4, name = (ip[0] & 15) * 4, (src, dst, ip[4:6])
            if (ip[6] << 8 | ip[7]) & 0x1FFF == 0:
                datagrams[name] = struct.unpack_from("!HH", ip, l4)
            ports = datagrams[name]
        elif frame[12:14] == b"\x86\xdd":
            proto, src, dst = ip[6], ip[8:24], ip[24:40]
            ports = struct.unpack_from("!HH", ip, 40)
            if proto == 44:
                proto, ports = ip[40], (None, None)
        else:
            continue
        flows.add(PROTOCOLS[proto], address_text(src), ports[0], address_text(dst), ports[1], 1, len(frame))
    return flows


def flows_of_argus(path):
    fields = "proto,saddr,sport,daddr,dport,spkts,dpkts,sbytes,dbytes".split(",")
    text = run("ra", "-F", "/dev/null", "-n", "-u", "-L", "-1", "-r", path, "-c", ",", "-s", *fields, check=False).stdout
    flows = Flows()
    for line in text.splitlines():
        proto, src, sport, dst, dport, *counts = line.split(",")
        proto = GUESSES.get(proto, proto)
        if proto not in PROTOCOLS.values():
            continue
        sport, dport = (int(p) if p.isdigit() else p for p in (sport, dport))
        spackets, dpackets, sbytes, dbytes = map(int, counts)
        flows.add(proto, src, sport, dst, dport, spackets, sbytes)
        flows.add(proto, dst, dport, src, sport, dpackets, dbytes)
    return flows


def test_argus(lab, program):
    """Flow records equal the traffic sent, in packets and in bytes."""
    lab.pair(client=WHOLE_CONF)
    meet(lab)
    path = os.path.join(lab.directory, "argus.out")
    conf = os.path.join(lab.directory, "argus.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("ARGUS_PCAP_BUF_SIZE=268435456\n")  # room for all of it, as the other readers have
    argus = program("vtap0 is up", "argus", "-F", conf, *"-i vtap0 -S 1 -w".split(), path)
    monitored = source(lab)
    everything(lab)
    frames.quiet(monitored)
    sent = flows_sent([f.bytes for f in monitored.stop()])
    # what the source saw is what was asked for
    one, peer = lab.client1, lab.peer
    asked = {  # frames: 14 + 20 + 8 + 4000 bytes are 1514, 1514, 1082; 30000 are 20 full ones and 442 bytes
        (one.address4, peer.address4, 5500): (4, 4 * 42 + 1 + 18 + 1000 + 1472),
        (one.address4, peer.address4, 5501): (3 + 21, 4000 + 8 + 3 * 34 + 30000 + 8 + 21 * 34),
        (one.address6, peer.address6, 5502): (3, 3 * 62 + 1 + 1000 + 1452),
    }
    for (src, dst, port), (packets, size) in asked.items():
        (key,) = {k for k, _ in sent.ports if k[0] == "udp" and k[4] == port}
        assert (key[1], key[3]) == (src, dst)
        assert (sent.ports[key, "packets"], sent.ports[key, "bytes"]) == (packets, size), key

    compared = {k for k in sent.ports if k[0][0] in ("tcp", "udp") and k[0][2] is not None}
    hosts = {k for k in sent.hosts if k[0][0] in ("tcp", "udp")}
    assert len(compared) == 2 * 2 * 5 and len(hosts) == 2 * 2 * 4

    def differences():
        seen = flows_of_argus(path)
        wrong = [(k, sent.ports[k], seen.ports[k]) for k in compared if seen.ports[k] != sent.ports[k]]
        wrong += [(k, sent.hosts[k], seen.hosts[k]) for k in hosts if seen.hosts[k] != sent.hosts[k]]
        return wrong

    with contextlib.suppress(AssertionError):
        wait_until(lambda: not differences(), 15, interval=0.3)
    said = argus.stop(-signal.SIGSEGV)  # argus 3.0.8 may fall over its own end, all written
    assert not differences(), f"flow, sent, argus: {differences()}\n{said}"
