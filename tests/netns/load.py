# SPDX-License-Identifier: BSD-2-Clause
"""Production traffic that goes on until it is stopped, at an even rate. What arrives is not looked at."""

import contextlib
import os
import socket
import threading
import time

BLOCK = 1 << 16


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Load:
    """Threads that send and receive in namespaces. A failed one fails `stop`."""

    def __init__(self):
        self.patient = False  # a datagram that cannot be sent is none, and no failure
        self._stop = threading.Event()
        self._threads, self._senders, self._sockets, self._failed = [], [], [], []
        self.received = 0  # bytes, of all TCP streams

    def _start(self, function, *args):
        def body():
            try:
                function(*args)
            except Exception as error:  # pylint: disable=broad-except
                if not self._stop.is_set():
                    self._failed.append(error)

        thread = threading.Thread(target=body, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep(self, sock):
        self._sockets.append(sock)
        return sock

    # ---- TCP -------------------------------------------------------------------------------------------------

    def tcp(self, ns, peer, address, rate, port=5600):
        """Bulk in both directions over one connection, `rate` bytes per second each."""
        with peer:
            listener = self._keep(socket.create_server((address, port), family=_family(address)))
        with ns:
            client = self._keep(socket.socket(_family(address), socket.SOCK_STREAM))
        listener.settimeout(10)
        client.settimeout(10)
        client.connect((address, port))
        server = self._keep(listener.accept()[0])
        for sock in (client, server):
            sock.settimeout(30)
            sock.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_MAX_PACING_RATE", 47), rate)
            self._start(self._tcp_send, sock)
            self._start(self._tcp_receive, sock)

    def _tcp_send(self, sock):
        block = os.urandom(BLOCK)
        while not self._stop.is_set():
            sock.sendall(block)
        sock.shutdown(socket.SHUT_WR)

    def _tcp_receive(self, sock):
        while got := len(sock.recv(BLOCK)):
            self.received += got

    # ---- UDP -------------------------------------------------------------------------------------------------

    def udp(self, ns, peer, address, rate, size, port):  # pylint: disable=too-many-arguments
        """`rate` datagrams of `size` bytes per second, to a socket that nobody reads."""
        with peer:
            sink = self._keep(socket.socket(_family(address), socket.SOCK_DGRAM))
        sink.bind((address, port))
        with ns:
            sock = self._keep(socket.socket(_family(address), socket.SOCK_DGRAM))
        sock.connect((address, port))
        self._start(self._udp_send, sock, rate, bytes(size))

    def _udp_send(self, sock, rate, data):
        due = time.monotonic()
        while not self._stop.is_set():
            try:
                sock.send(data)
            except OSError:
                if not self.patient:
                    raise
            # one that was held up goes on at its rate: a burst would be another kind of load
            due = max(due + 1 / rate, time.monotonic() - 0.01)
            time.sleep(max(due - time.monotonic(), 0))

    def command(self, process):
        """A sender of its own that runs until it is killed."""
        self._senders.append(process)

    # ---- end -------------------------------------------------------------------------------------------------

    def check(self):
        assert not self._failed, f"traffic failed: {self._failed!r}"

    def stop(self):
        self._stop.set()
        for process in self._senders:
            process.kill()
            process.communicate()
        for thread in self._threads:
            thread.join(40)
        alive = [t for t in self._threads if t.is_alive()]
        self.close()
        assert not alive, "traffic did not end"
        self.check()

    def close(self):
        self._stop.set()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.close()
        for process in self._senders:
            if process.poll() is None:
                process.kill()
                process.communicate()
