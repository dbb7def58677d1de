# SPDX-License-Identifier: BSD-2-Clause
"""clamp_mss, with either method: new TCP connections agree on segments whose copies fit the path."""

import struct

import frames
import traffic
from heal import UNDERLAY, UNDERLAY_ALLOW
from lab import COLLECTOR4
from test_tee import TEE, TEE_CONF, nft


def syn_sizes(captured):
    """By (from the client's side, family): the MSS of SYNs, as they were on the wire."""
    found = {}
    for f in captured:
        frame = f.bytes
        kind = frame[12:14]
        at = 14 + ((frame[14] & 15) * 4 if kind == b"\x08\x00" else 40)
        protocol = frame[23] if kind == b"\x08\x00" else frame[20] if kind == b"\x86\xdd" else 0
        if protocol != 6 or not frame[at + 13] & 2:
            continue
        assert frame[at + 20 : at + 22] == b"\x02\x04"
        found[bool(frame[at + 13] & 16), 4 if kind == b"\x08\x00" else 6] = struct.unpack_from("!H", frame, at + 22)[0]
    return found


def connect(lab):
    """Connections in both directions; the MSS options that the other side got: by SYN or SYN and ACK, and family."""
    one, peer = lab.client1, lab.peer
    sides = {}
    for ns, other in ((one, peer), (peer, one)):
        there, here = lab.capture(other), lab.capture(ns)
        for a in ("address4", "address6"):
            traffic.tcp_transfer(ns, other, getattr(other, a), 100_000)
        frames.quiet(there, here)
        came, got = syn_sizes(there.stop()), syn_sizes(here.stop())
        sides[ns] = {(0, 4): came[False, 4], (0, 6): came[False, 6], (1, 4): got[True, 4], (1, 6): got[True, 6]}
    return sides


FULL = {4: 1460, 6: 1440}
CLAMPED = {4: 1410, 6: 1390}


def test_mss_clamp(lab):
    """What the client sends is clamped on its way out; what it is sent, before its own TCP sees it."""
    whole, tc = TEE_CONF.replace("}", 'oversize = "fragment" }', 1), 'mirror "eth0" { }\n'
    clamp = whole.replace("}", "clamp_mss = true }", 1)
    assert "clamp_mss" in clamp.splitlines()[0]
    _, client = lab.pair(client=whole)
    for conf, sizes in ((whole, FULL), (clamp, CLAMPED), (clamp.replace(TEE, tc), CLAMPED), (whole.replace(TEE, tc), FULL)):
        client.reload(conf)
        client.wait_ok()
        sides = connect(lab)
        for family in (4, 6):
            assert sides[lab.client1][0, family] == sizes[family], "the client's SYN as the peer gets it"
            assert sides[lab.peer][1, family] == sizes[family], "the client's answer as the peer gets it"
            reader = lab.reader()
            mark = len(reader.frames())
            traffic.tcp_transfer(lab.client1, lab.peer, lab.peer.address4 if family == 4 else lab.peer.address6, 300_000)
            frames.quiet(reader)
            largest = max(len(f.bytes) for f in reader.stop()[mark:])
            assert largest == (1464 if sizes is CLAMPED else 1514), "copies fit 1500 bytes of underlay, or do not"
    assert nft(lab.client1, "list", "ruleset") == ""


def test_no_clamp_where_copies_fit(lab):
    lab.second_network(lab.client1, lab.coll, mtu=1600)
    clamp = TEE_CONF.replace("}", "clamp_mss = true }", 1).replace(COLLECTOR4, UNDERLAY)
    _, client = lab.pair(UNDERLAY_ALLOW, clamp)
    assert client.status()["collectors"][0]["oversize"] == "none"
    assert "maxseg" not in nft(lab.client1, "list", "ruleset")
