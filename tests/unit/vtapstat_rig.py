# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the vtapstat command share: servers that stand for daemons, and ways to run it.

The program is $VTAPSTAT, or vtapstat/vtapstat below the current directory.
"""
import contextlib
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
import unittest

# A shell's background job ignores these, and so would the programs that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

PROGRAM = os.path.abspath(os.environ.get("VTAPSTAT", "vtapstat/vtapstat"))
OK = {"daemon": "collector", "version": "0.1.0", "state": "ok", "uptime_s": 12.5, "clients": []}
DEGRADED = {"daemon": "client", "version": "0.1.0", "state": "degraded", "uptime_s": 1.5}
PATIENCE = 15
CLIENTS = [{"address": f"10.0.0.{i}", "encap": "vxlan", "vni": 42, "name": f"web-{i}", "packets": 1000 - i, "bytes": i * 7 % 100,
            "packets_per_s": 0.0, "bits_per_s": 0.0, "last_seen": "2026-01-02T03:04:05Z"} for i in range(100)]  # fmt: skip


def line(document):
    return json.dumps(document).encode() + b"\n"


class Server:
    """Answers each connection with `behave(connection)`, or with the bytes of `answer`."""

    def __init__(self, path, answer=line(OK), behave=None):
        self.path, self.answer, self.requests = path, answer, []
        self.behave = behave or self.behave_well
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(64)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def behave_well(self, connection):
        request = b""
        while not request.endswith(b"\n"):
            request += connection.recv(256)
        self.requests.append(request)
        connection.sendall(self.answer)

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                self.behave(connection)

    def stop(self, leave_path=False):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(PATIENCE)
        if not leave_path:
            os.unlink(self.path)


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="vtapstat-")
        self.path = self.directory + "/test.sock"
        self.addCleanup(shutil.rmtree, self.directory, True)

    def serve(self, *args, **kwargs):
        server = Server(self.path, *args, **kwargs)
        self.addCleanup(lambda: server.socket.fileno() >= 0 and server.stop())
        return server

    def run_it(self, *args, prefix=()):
        return subprocess.run([*prefix, PROGRAM, *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE, check=False)

    def on_terminal(self, *args, rows=24, columns=100, prefix=(), **environment):
        """Starts it on a terminal of its own; the process, and our end."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", "NO_COLOR": "", **environment}
        process = subprocess.Popen([*prefix, PROGRAM, *args], stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                                   env=environment)
        os.close(theirs)
        self.addCleanup(os.close, ours)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, ours

    def read_until(self, descriptor, done):
        """What comes from the descriptor until done(all of it)."""
        text, deadline = b"", time.monotonic() + PATIENCE
        while not done(text.decode(errors="replace")):
            self.assertTrue(select.select([descriptor], [], [], max(0, deadline - time.monotonic()))[0], text[-3000:])
            part = os.read(descriptor, 65536)
            self.assertTrue(part, text[-3000:])
            text += part
        return text.decode()

    def read_to_end(self, descriptor):
        text = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the terminal any more
            while part := os.read(descriptor, 65536):
                text += part
        return text.decode()

    def shown_on_terminal(self, *args, **kwargs):
        process, ours = self.on_terminal(*args, **kwargs)
        text = self.read_to_end(ours)
        return process.wait(PATIENCE), text.replace("\r\n", "\n")

    def check(self, status, *args, out=None, err=()):
        result = self.run_it(*args)
        self.assertEqual(result.returncode, status, result)
        if out is not None:
            self.assertEqual(result.stdout, out)
        for word in [err] if isinstance(err, str) else err:
            self.assertIn(word, result.stderr)
        if not err:
            self.assertEqual(result.stderr, "")
        return result
