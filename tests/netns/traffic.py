# SPDX-License-Identifier: BSD-2-Clause
"""Production traffic between two namespaces. Every function returns only when all of it has arrived."""

import concurrent.futures
import contextlib
import os
import socket
import struct
import threading
import zlib

from frames import checksum

PACING = 60_000_000  # bytes per second: bulk TCP that the two cores of a small machine can copy without loss
TIMEOUT = 20.0


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@contextlib.contextmanager
def _thread(function, *args):
    """Runs function(*args) beside the body; its exception is the test's."""
    failed = []

    def body():
        try:
            function(*args)
        except Exception as error:  # pylint: disable=broad-except
            failed.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    yield
    thread.join(TIMEOUT)
    assert not thread.is_alive(), f"{function.__name__} still running after {TIMEOUT} s"
    if failed:
        raise failed[0]


def ping(ns, address, sizes):
    """One ICMP echo per frame size, answered, byte for byte."""
    v6 = ":" in address
    header = 14 + (40 if v6 else 20) + 8
    with ns:
        s = socket.socket(_family(address), socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP)
    with s:
        s.settimeout(5)
        for number, size in enumerate(sizes):
            body = os.urandom(max(size - header, 0))
            packet = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 0, number & 0xFFFF) + body
            if not v6:
                packet = packet[:2] + struct.pack("!H", checksum(packet)) + packet[4:]
            s.sendto(packet, (address, 0))
            answer = s.recv(65536)
            assert answer[8:] == body, f"echo of {size} bytes from {address} came back changed"


def udp_echo(ns, peer, address, sizes, port=5300):
    """Datagrams of the given payload sizes to `peer` and back."""

    def serve(sock):
        for _ in sizes:
            data, back = sock.recvfrom(65536)
            sock.sendto(data, back)

    with peer:
        server = socket.socket(_family(address), socket.SOCK_DGRAM)
        server.bind((address, port))
    with ns:
        client = socket.socket(_family(address), socket.SOCK_DGRAM)
    server.settimeout(5)
    client.settimeout(5)
    with server, client, _thread(serve, server):
        for size in sizes:
            data = os.urandom(size)
            client.sendto(data, (address, port))
            assert client.recv(65536) == data, f"datagram of {size} bytes came back changed"


def _send_all(sock, size):
    block = os.urandom(1 << 20)
    crc, left = 0, size
    while left:
        part = block[: min(left, len(block))]
        sock.sendall(part)
        crc = zlib.crc32(part, crc)
        left -= len(part)
    return crc


def _receive_all(sock, size):
    crc, got = 0, 0
    while got < size:
        part = sock.recv(1 << 20)
        assert part, f"connection ended after {got} of {size} bytes"
        crc = zlib.crc32(part, crc)
        got += len(part)
    return crc


def tcp_transfer(ns, peer, address, size, port=5400, pacing=PACING):
    """`size` bytes to `peer` and then `size` bytes back over one connection."""
    sums = {}

    def serve(listener):
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(TIMEOUT)
            sock.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_MAX_PACING_RATE", 47), pacing)
            sums["received"] = _receive_all(sock, size)
            sums["returned"] = _send_all(sock, size)
            sock.shutdown(socket.SHUT_WR)
            sock.recv(1)

    with peer:
        listener = socket.create_server((address, port), family=_family(address))
    listener.settimeout(TIMEOUT)
    with ns:
        client = socket.socket(_family(address), socket.SOCK_STREAM)
    client.settimeout(TIMEOUT)
    client.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_MAX_PACING_RATE", 47), pacing)
    with listener, _thread(serve, listener), client:
        client.connect((address, port))
        sent = _send_all(client, size)
        back = _receive_all(client, size)
        client.recv(1)
    assert (sent, sums["returned"]) == (sums["received"], back), "TCP payload changed on the way"


def tcp_transfers(ns, peer, address, size, flows):
    """As many transfers at once, on ports from 5400 on, that share the pace of one; `size` is that of all together."""
    with concurrent.futures.ThreadPoolExecutor(flows) as pool:
        each = [
            pool.submit(tcp_transfer, ns, peer, address, size // flows, 5400 + i, PACING // flows) for i in range(flows)
        ]
    for transfer in each:
        transfer.result()


@contextlib.contextmanager
def one_processor():
    """
    The traffic of the body on one processor, whose queues keep packets in order. Two would let an answer's copy overtake
    the copy of what it answers, as it does on any network with two ways.
    """
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usual)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def mixed(ns, peer, address4, address6, bulk):
    """Everything a host says in a day: every frame size, fragments, bulk in both directions, ARP and ND."""
    ns.ip("neigh flush dev eth0")
    peer.ip("neigh flush dev eth0")
    ping(ns, address4, range(60, 1515))
    ping(ns, address6, range(62, 1515, 3))
    ping(peer, ns.address4, (60, 1514))
    udp_echo(ns, peer, address4, (1, 18, 1000, 1471, 1472, 1473, 1474, 2000, 2953, 8000, 30000))
    udp_echo(ns, peer, address6, (1, 1000, 1451, 1452, 1453, 1473, 2900, 8000, 30000))
    tcp_transfer(ns, peer, address4, bulk)
    tcp_transfer(ns, peer, address6, bulk // 10)
