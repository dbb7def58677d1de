#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""vtapstat as a command: options, exit status and messages, against servers that behave well and badly."""
import os
import shutil
import subprocess
import time
import unittest

from vtapstat_rig import DEGRADED, OK, PROGRAM, Case, Server, line


class Options(Case):
    def test_version_and_help(self):
        self.assertRegex(self.check(0, "-V").stdout, r"^vtapstat \d+\.\d+\.\d+\n$")
        self.assertEqual(self.check(0, "--version").stdout, self.check(0, "-V").stdout)
        self.assertIn("usage: vtapstat", self.check(0, "-h").stdout)
        self.assertIn("--watch[=SECONDS]", self.check(0, "--help").stdout)

    def test_usage_errors(self):
        self.check(2, "server", out="", err="neither client nor collector")
        self.check(2, "client", "collector", out="", err="\"collector\" is one word too many\nusage:")
        self.check(2, "--bad", out="", err="usage:")
        self.check(2, "-s", out="", err="usage:")
        for seconds in "0", "-1", "x", "1x", "nan", "inf", "1e9", "0.01":
            self.check(2, "--watch=" + seconds, out="", err="is not a number of seconds from 0.1 to 86400")
        self.check(2, "--watch=", out="", err="is not a number of seconds from 0.1 to 86400")
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

    def test_reset(self):
        def reset(connection):
            time.sleep(0.1)  # for the request to be there, unread: that makes closing a reset

        self.serve(behave=reset)
        self.check(3, "-s", self.path, out="", err=["the daemon closed the connection without an answer", "running?"])

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

    def test_the_other_one_too(self):
        hint = "vtap-client is on this host too: vtapstat client"
        Server(self.directory + "/collector.sock")
        self.assertNotIn(hint, self.shown_on_terminal(prefix=self.prefix)[1])
        Server(self.directory + "/client.sock", line(DEGRADED))
        self.assertIn("\n  " + hint + "\n\n", self.shown_on_terminal(prefix=self.prefix)[1])
        self.assertNotIn(hint, self.shown_on_terminal("collector", prefix=self.prefix)[1])
        self.assertNotIn("host too", self.shown_on_terminal("client", prefix=self.prefix)[1])
        self.assertNotIn(hint, self.run_it(prefix=self.prefix).stdout)


if __name__ == "__main__":
    unittest.main()
