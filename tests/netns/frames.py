# SPDX-License-Identifier: BSD-2-Clause
"""Frames: captured by tests/tools/capture, read from its pcapng file, compared as multisets."""

import collections
import contextlib
import os
import re
import secrets
import signal
import socket
import struct
import subprocess
import time

from netns import run, wait_until

Frame = collections.namedtuple("Frame", "bytes outgoing")

MARKER_TYPE = 0x88B5  # IEEE 802 local experimental
FRAME_MAX = 1514


def options(wire, expression):
    """Of tests/tools/capture."""
    args = ["-s"] if wire else []
    if expression:
        code = run("tcpdump", "-ddd", "-y", "EN10MB", expression).stdout
        args += ["-f", ",".join(code.split("\n")).rstrip(",")]
    return args


class Capture:
    """
    An AF_PACKET reader. `wire`: super-packets cut and checksums filled in, as they leave the machine. `expression`: of
    tcpdump, what to take.
    """

    def __init__(self, tool, directory, ns, interface, wire=False, expression=None):
        self.path = os.path.join(directory, f"{ns.name}-{interface}-{secrets.token_hex(3)}.pcapng")
        self.what = f"{ns.name}:{interface}"
        self._seen = []
        self._at = 0
        args = options(wire, expression) + [interface, self.path]
        self.process = ns.popen(tool, *args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        assert ready == "ready\n", f"capture of {self.what}: {ready}{self.process.stderr.read()}"

    def frames(self):
        """All frames so far."""
        with open(self.path, "rb") as f:
            f.seek(self._at)
            data = f.read()
        at = 0
        while at + 8 <= len(data):
            kind, total = struct.unpack_from("=II", data, at)
            if at + total > len(data):
                break
            if kind == 6:
                size = struct.unpack_from("=I", data, at + 20)[0]
                flags = struct.unpack_from("=I", data, at + 28 + size + (-size & 3) + 4)[0]
                self._seen.append(Frame(data[at + 28 : at + 28 + size], flags & 3 == 2))
            at += total
        self._at += at
        return self._seen

    def waits(self):
        """Whether there is nothing that it could read: else it is about to, however long it has to wait for a processor."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] == "S"

    def wait_for(self, predicate, deadline=10.0, what="a frame"):
        return wait_until(
            lambda: next((f for f in self.frames() if predicate(f.bytes)), None), deadline, f"{what} on {self.what}"
        )

    def stop(self):
        """Drains, and fails when the kernel dropped anything for want of room. Returns all frames."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            out, err = self.process.communicate(timeout=60)
            said = re.match(r"frames (\d+) bytes \d+ drops \d+", out)
            assert self.process.returncode == 0 and said, f"capture of {self.what}: {out}{err}"
            assert len(self.frames()) == int(said.group(1))
        return self.frames()

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.communicate()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class Tally:
    """Counts what an AF_PACKET reader sees and keeps none of it. `expression`: of tcpdump, what to count."""

    def __init__(self, tool, ns, interface, wire=False, expression=None):
        self.what = f"{ns.name}:{interface}"
        args = options(wire, expression) + [interface, "/dev/null"]
        self.process = ns.popen(tool, *args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ready = self.process.stdout.readline()
        assert ready == "ready\n", f"tally of {self.what}: {ready}{self.process.stderr.read()}"
        self.counted = None

    def stop(self):
        """(frames, bytes); fails when the kernel dropped anything for want of room."""
        if self.counted is None:
            self.process.send_signal(signal.SIGTERM)
            out, err = self.process.communicate(timeout=60)
            said = re.match(r"frames (\d+) bytes (\d+) drops 0$", out.strip())
            assert self.process.returncode == 0 and said, f"tally of {self.what}: {out}{err}"
            self.counted = (int(said.group(1)), int(said.group(2)))
        return self.counted

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def quiet(*captures, still=0.15, deadline=30.0):
    """Returns when none of the readers has seen a frame for `still` seconds."""
    state = {"count": None, "since": 0.0}

    def look():
        waiting = all([c.waits() for c in captures])
        count = [len(c.frames()) for c in captures]
        if not waiting or count != state["count"]:
            state.update(count=count, since=time.monotonic())
        return time.monotonic() - state["since"] >= still

    wait_until(look, deadline, "a quiet network")


# ---- making frames ---------------------------------------------------------------------------------------------


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def send_frame(ns, interface, frame):
    with ns, socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
        s.bind((interface, 0))
        s.send(frame)


def send_marker(ns, interface="eth0"):
    """A broadcast frame unlike any other; returns its bytes."""
    frame = b"\xff" * 6 + mac_bytes(ns.mac(interface)) + struct.pack("!H", MARKER_TYPE) + secrets.token_bytes(46)
    send_frame(ns, interface, frame)
    return frame


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp_frame(src_mac, dst_mac, src, dst, sport, dport, payload):
    """A whole IPv4 UDP frame without UDP checksum, padded to the Ethernet minimum."""
    length = 8 + len(payload)
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 7, 0, 64, 17, 0, socket.inet_aton(src), socket.inet_aton(dst))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    udp = struct.pack("!HHHH", sport, dport, length, 0)
    return (mac_bytes(dst_mac) + mac_bytes(src_mac) + b"\x08\x00" + ip + udp + payload).ljust(60, b"\0")


def arp_request(src_mac, src, dst):
    src_mac = mac_bytes(src_mac)
    arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, 1, src_mac, socket.inet_aton(src), bytes(6), socket.inet_aton(dst))
    return (b"\xff" * 6 + src_mac + b"\x08\x06" + arp).ljust(60, b"\0")


def vxlan_payload(vni, inner):
    return struct.pack("!II", 0x08000000, vni << 8) + inner


# ---- reading frames --------------------------------------------------------------------------------------------


def ethertype_at(frame):
    """Offset of the ethertype behind VLAN tags."""
    at = 12
    while frame[at : at + 2] in (b"\x81\x00", b"\x88\xa8"):
        at += 4
    return at


def is_tunnel(frame, collectors, port=4789):
    """A packet of the tunnel to one of the collectors' addresses, later fragments included."""
    at = ethertype_at(frame)
    kind, ip = frame[at : at + 2], frame[at + 2 :]
    if kind == b"\x08\x00" and len(ip) >= 20 and ip[9] == 17:
        if socket.inet_ntop(socket.AF_INET, ip[16:20]) not in collectors:
            return False
        l4 = (ip[0] & 15) * 4
        return bool((ip[6] << 8 | ip[7]) & 0x1FFF) or int.from_bytes(ip[l4 + 2 : l4 + 4], "big") == port
    if kind == b"\x86\xdd" and len(ip) >= 44:
        if socket.inet_ntop(socket.AF_INET6, ip[24:40]) not in collectors:
            return False
        if ip[6] == 17:
            return struct.unpack_from("!H", ip, 42)[0] == port
        return ip[6] == 44 and ip[40] == 17
    return False


def describe(frame):
    at = ethertype_at(frame)
    kind = int.from_bytes(frame[at : at + 2], "big")
    text = f"{len(frame)} bytes {frame[6:12].hex(':')} > {frame[:6].hex(':')} type {kind:#06x}"
    ip = frame[at + 2 :]
    with contextlib.suppress(Exception):
        if kind == 0x800:
            text += f" {socket.inet_ntoa(ip[12:16])} > {socket.inet_ntoa(ip[16:20])} proto {ip[9]}"
            text += f" id {ip[4] << 8 | ip[5]} offset {((ip[6] << 8 | ip[7]) & 0x1FFF) * 8}"
        elif kind == 0x86DD:
            text += f" {socket.inet_ntop(10, ip[8:24])} > {socket.inet_ntop(10, ip[24:40])} next {ip[6]}"
    return text + " " + ip[20:60].hex()


def assert_same_frames(expected, got, what="frames"):
    """Exactly these frames, once each, in any order."""
    expected, got = collections.Counter(expected), collections.Counter(got)
    if expected == got:
        return
    missing, extra = expected - got, got - expected
    lines = [
        f"{what}: expected {sum(expected.values())}, got {sum(got.values())}; "
        f"{sum(missing.values())} missing, {sum(extra.values())} too many"
    ]
    for title, counter in (("missing", missing), ("too many", extra)):
        for frame, count in list(counter.items())[:6]:
            lines.append(f"  {title} {count}x of {max(expected[frame], got[frame])}: {describe(frame)}")
    raise AssertionError("\n".join(lines))


def between(frames, first, last):
    """The frames after the last of the markers `first` and before the first of the markers `last`."""
    start = max(frames.index(m) for m in first) + 1
    end = min(frames.index(m) for m in last)
    return [f for f in frames[start:end] if f[12:14] != MARKER_TYPE.to_bytes(2, "big")]


def numbers(frames, port):
    """The numbers that tests/tools/numbered put into IPv4 UDP datagrams to `port`, as they came."""
    found = []
    for frame in frames:
        if frame[12:14] == b"\x08\x00" and frame[23] == 17 and struct.unpack_from("!H", frame, 36)[0] == port:
            if frame[42:46] == b"vtnr":
                found.append(struct.unpack_from("=Q", frame, 46)[0])
    return found


# ---- tshark ----------------------------------------------------------------------------------------------------

DISSECTED = "frame eth ethertype arp ip ipv6 ipv6.fraghdr ipv6.hopopts icmp icmpv6 udp tcp vxlan data".split()
CHECKSUMS = [f"{p}.checksum.status == Bad" for p in ("ip", "udp", "icmp", "icmpv6")]
# Linux writes a TCP checksum of zero as ffff where it fills it in itself: the same number, which tshark does not know.
CHECKSUMS.append("(tcp.checksum.status == Bad && !(tcp.checksum == 0xffff))")
BAD = " || ".join(CHECKSUMS + ["_ws.malformed", "vxlan", f"frame.len > {FRAME_MAX}"])


def assert_clean(path):
    """No bad checksum, no malformed packet, nothing too long and no tunnel in the file, says tshark."""
    # Or random payload is taken for some protocol, and malformed. To disable them all is not enough: some guess still.
    options = ["--disable-protocol", "ALL"]
    for protocol in DISSECTED:
        options += ["--enable-protocol", protocol]
    for ports in ("tcp.port==1-65535", "udp.port==1-4788", "udp.port==4790-65535"):
        options += ["-d", ports + ",data"]
    for preference in ("tcp.check_checksum", "udp.check_checksum", "ip.check_checksum"):
        options += ["-o", preference + ":TRUE"]
    for preference in ("tcp.desegment_tcp_streams", "tcp.analyze_sequence_numbers"):
        options += ["-o", preference + ":FALSE"]
    bad = run("tshark", "-n", "-r", path, *options, "-Y", BAD, timeout=120).stdout.splitlines()
    assert not bad, f"tshark objects to {len(bad)} frames:\n" + "\n".join(bad[:10])
