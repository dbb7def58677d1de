#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""vtapstat as a command: options, exit status and messages, against servers that behave well and badly.

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

PROGRAM = os.path.abspath(os.environ.get("VTAPSTAT", "vtapstat/vtapstat"))
OK = {"daemon": "collector", "version": "0.1.0", "state": "ok", "uptime_s": 12.5, "clients": []}
DEGRADED = {"daemon": "client", "version": "0.1.0", "state": "degraded", "uptime_s": 1.5}
PATIENCE = 15


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


class Options(Case):
    def test_version_and_help(self):
        self.assertRegex(self.check(0, "-V").stdout, r"^vtapstat \d+\.\d+\.\d+\n$")
        self.assertEqual(self.check(0, "--version").stdout, self.check(0, "-V").stdout)
        self.assertIn("usage: vtapstat", self.check(0, "-h").stdout)
        self.assertIn("--watch[=SECONDS]", self.check(0, "--help").stdout)

    def test_usage_errors(self):
        self.check(2, "server", out="", err="neither client nor collector")
        self.check(2, "client", "collector", out="", err="usage:")
        self.check(2, "--bad", out="", err="usage:")
        self.check(2, "-s", out="", err="usage:")
        for seconds in "0", "-1", "x", "1x", "nan", "inf", "1e9", "0.01":
            self.check(2, "--watch=" + seconds, out="", err="is not a number of seconds")
        self.check(2, "--watch=", out="", err="is not a number of seconds")
        self.check(2, "-w", "5", out="", err="--watch=5")


class ExitStatus(Case):
    def test_ok(self):
        server = self.serve()
        result = self.check(0, "-s", self.path)
        self.assertTrue(result.stdout.startswith("collector 0.1.0  ok  up 12s"), result.stdout)
        self.assertEqual(server.requests, [b"status\n"])
        self.check(0, "--socket", self.path, "collector", out=result.stdout)
        self.check(0, "collector", "--socket=" + self.path, out=result.stdout)

    def test_degraded(self):
        self.serve(line(DEGRADED))
        self.assertIn("client 0.1.0  degraded", self.check(1, "-s", self.path).stdout)
        self.check(1, "-js", self.path, out=line(DEGRADED).decode())

    def test_json_is_as_it_came(self):
        for text in '{ "state":"ok" , "x": 1.0,\n "daemon":"client"}', "{\"daemon\":\"client\",\"state\":\"ok\"}":
            for end in "\n", "":
                server = self.serve((text + end).encode())
                self.check(0, "--json", "-s", self.path, out=text + "\n")
                server.stop()

    def test_no_socket(self):
        hint = "is vtap-collector or vtap-client running? systemctl status vtap-collector vtap-client"
        self.check(3, "-s", self.path, out="", err=[self.path + ": No such file", hint])
        self.check(3, "-s", self.path, "client", out="",
                   err="is vtap-client running? systemctl status vtap-client\n")
        self.check(3, "-s", self.path, "collector", out="",
                   err="is vtap-collector running? systemctl status vtap-collector\n")

    def test_dead_socket(self):
        self.serve().stop(leave_path=True)
        self.check(3, "-s", self.path, out="", err=["Connection refused", "running? systemctl"])
        self.check(3, "-js", self.path, out="", err="Connection refused")

    def test_not_allowed(self):
        self.serve()
        os.chmod(self.path, 0)
        os.chmod(self.directory, 0o755)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        copy = self.directory + "/vtapstat"
        shutil.copy(PROGRAM, copy)
        result = subprocess.run([*nobody, copy, "-s", self.path], capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 3, result)
        self.assertIn(self.path + ": Permission denied", result.stderr)
        self.assertIn("are you in group vtap?", result.stderr)

    def test_path_too_long(self):
        self.check(3, "-s", "/tmp/" + "x" * 200, out="", err="too long")

    def test_other_daemon_than_asked_for(self):
        self.serve()
        self.check(3, "-s", self.path, "client", out="", err="a collector answers there, not a client")

    def test_the_daemon_refuses(self):
        self.serve(b'{"error": "no\\u001b[2Jthing"}\n')
        for options in "-s", "-js":
            self.check(3, options, self.path, out="", err="the daemon says: no?[2Jthing\n")

    def test_refused_without_being_read(self):
        def behave(connection):
            connection.sendall(b'{"error": "too many connections"}\n')

        self.serve(behave=behave)
        for _ in range(50):  # the request is sent before, while, or after it closes
            self.check(3, "-s", self.path, out="", err="the daemon says: too many connections")

    def test_no_valid_answer(self):
        for answer, word in ((b"", "closed without an answer"), (b"\n", "incomplete"), (b"hi\n", "not JSON"),
                             (b"\x00\x01\xff", "not JSON"), (line(OK)[:-3], "incomplete"), (b"{}\n", "not a vtap status"),
                             (b"[" * 100000, "not JSON"), (line({**OK, "state": "good"}), "not a vtap status")):
            server = self.serve(answer)
            self.check(3, "-s", self.path, out="", err=word)
            self.check(3, "-js", self.path, out="", err=word)
            server.stop()

    def test_no_answer_in_time(self):
        def trickle(connection):
            while True:
                connection.sendall(b" ")
                time.sleep(0.2)

        def keep_silent(connection):
            while connection.recv(256):
                pass

        for behave in trickle, keep_silent:
            server = self.serve(behave=behave)
            began = time.monotonic()
            self.check(3, "-s", self.path, out="", err="no answer within 5 s")
            self.assertTrue(4.9 < time.monotonic() - began < 8)
            server.stop()

    def test_large_and_in_pieces(self):
        clients = [{"address": f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", "vni": 1} for i in range(20000)]
        answer = line({**OK, "clients": clients})

        def behave(connection):
            connection.recv(256)
            for i in range(0, len(answer), 7777):
                connection.sendall(answer[i:i + 7777])

        self.serve(behave=behave)
        self.assertEqual(self.check(0, "-s", self.path).stdout.count("\n10."), 20000)
        self.check(0, "-js", self.path, out=answer.decode())

    def test_stdout_that_cannot_be_written(self):
        self.serve()
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run([PROGRAM, "-s", self.path], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(result.returncode, 3)
        self.assertIn("cannot print: No space left", result.stderr)


@unittest.skipUnless(os.geteuid() == 0, "needs root for a /run of its own")
class DefaultPaths(Case):
    """In a mount namespace whose /run/vtap is a directory of the test's."""

    def setUp(self):
        super().setUp()
        self.prefix = ["unshare", "-m", "sh", "-c",
                       f"mount -t tmpfs none /run && mkdir /run/vtap && mount --bind {self.directory} /run/vtap && exec \"$@\"", "sh"]
        if subprocess.run([*self.prefix, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no mount namespace")

    def look(self, status, word, *args):
        result = self.run_it(*args, prefix=self.prefix)
        self.assertEqual(result.returncode, status, result)
        self.assertIn(word, result.stdout + result.stderr)

    def test_whoever_is_there(self):
        self.look(3, "neither /run/vtap/collector.sock nor /run/vtap/client.sock is there")
        self.look(3, "/run/vtap/client.sock: No such file", "client")
        client = Server(self.directory + "/client.sock", line(DEGRADED))
        self.look(1, "client 0.1.0  degraded")
        self.look(1, "client 0.1.0  degraded", "client")
        self.look(3, "/run/vtap/collector.sock: No such file", "collector")
        collector = Server(self.directory + "/collector.sock")
        self.look(0, "collector 0.1.0  ok")
        self.look(1, "client 0.1.0  degraded", "client")
        # a collector that died is news, not a reason to ask somebody else
        collector.stop(leave_path=True)
        self.look(3, "/run/vtap/collector.sock: Connection refused")
        client.stop()


class Watch(Case):
    def start(self, *args, **kwargs):
        process = subprocess.Popen([PROGRAM, "-s", self.path, *args], stdin=subprocess.DEVNULL, **kwargs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def read_until(self, descriptor, done):
        """What comes from the descriptor until done(all of it)."""
        text, deadline = "", time.monotonic() + PATIENCE
        while not done(text):
            self.assertTrue(select.select([descriptor], [], [], max(0, deadline - time.monotonic()))[0], repr(text))
            part = os.read(descriptor, 65536)
            self.assertTrue(part, repr(text))
            text += part.decode()
        return text

    def interrupt(self, process):
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 0)

    def test_json_lines(self):
        self.serve()
        process = self.start("--json", "--watch=0.1", stdout=subprocess.PIPE)
        text = self.read_until(process.stdout.fileno(), lambda text: text.count("\n") >= 4)
        for document in text.splitlines()[:4]:
            self.assertEqual(json.loads(document), OK)
        self.interrupt(process)
        process.stdout.close()

    def test_texts_one_after_another_while_daemons_come_and_go(self):
        process = self.start("-w0.1", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.read_until(process.stderr.fileno(), lambda text: text.count("No such file") >= 2)
        server = self.serve()
        text = self.read_until(process.stdout.fileno(), lambda text: text.count("no clients yet") >= 3)
        self.assertNotIn("\033", text)
        self.assertIn("no clients yet\n\ncollector 0.1.0", text)
        server.stop()
        self.read_until(process.stderr.fileno(), lambda text: "No such file" in text)
        self.serve(line(DEGRADED))
        self.read_until(process.stdout.fileno(), lambda text: "client 0.1.0  degraded" in text)
        self.interrupt(process)
        process.stdout.close()
        process.stderr.close()

    def test_interrupt_while_it_waits_for_an_answer(self):
        asked = threading.Event()

        def keep_silent(connection):
            asked.set()
            while connection.recv(256):
                pass

        self.serve(behave=keep_silent)
        process = self.start("-w", stdout=subprocess.DEVNULL)
        self.assertTrue(asked.wait(PATIENCE))
        began = time.monotonic()
        self.interrupt(process)
        self.assertLess(time.monotonic() - began, 2)

    def test_redraws_in_place(self):
        clients = [{"address": f"10.0.0.{i}", "vni": 42} for i in range(100)]
        server = self.serve(line({**OK, "clients": clients}))
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 100, 0, 0))
        process = self.start("--watch=0.1", stdout=theirs, stderr=theirs)
        os.close(theirs)
        frames = self.read_until(ours, lambda text: text.count("\033[H\033[J") >= 4).split("\033[H\033[J")
        self.assertEqual(frames[0], "")
        for frame in frames[1:-1]:
            self.assertTrue(frame.startswith("collector 0.1.0  ok"), frame)
            self.assertEqual(frame.count("\n"), 11, frame)
            self.assertRegex(frame, r"\r\n\.\.\. \d+ more\r\n$")
        server.stop()
        text = self.read_until(ours, lambda text: text.count("trying again every 0.1 s") >= 2)
        self.assertIn("No such file", text)
        self.serve()
        self.read_until(ours, lambda text: "no clients yet" in text)
        self.interrupt(process)
        os.close(ours)


if __name__ == "__main__":
    unittest.main()
