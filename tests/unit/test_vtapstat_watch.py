#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""vtapstat on a terminal, and again and again."""
import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import termios
import threading
import time
import unittest

from vtapstat_rig import CLIENTS, DEGRADED, OK, PATIENCE, PROGRAM, Case, line


def ignore_interrupts():
    """As a shell does for its background jobs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Watch(Case):
    def start(self, *args, **kwargs):
        process = subprocess.Popen([PROGRAM, "-s", self.path, *args], stdin=subprocess.DEVNULL, **kwargs)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for stream in filter(None, (process.stdout, process.stderr)):
            self.addCleanup(stream.close)
        return process

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

    def test_an_interrupt_that_is_ignored_stays_ignored(self):
        self.serve()
        process = self.start("--json", "--watch=0.1", stdout=subprocess.PIPE, preexec_fn=ignore_interrupts)
        self.read_until(process.stdout.fileno(), lambda text: "\n" in text)
        process.send_signal(signal.SIGINT)
        self.read_until(process.stdout.fileno(), lambda text: text.count("\n") >= 5)
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), -signal.SIGTERM)

    def test_json_lines_of_an_answer_in_several_lines(self):
        self.serve(json.dumps(OK, indent=1).encode() + b"\n")
        process = self.start("--json", "--watch=0.1", stdout=subprocess.PIPE)
        text = self.read_until(process.stdout.fileno(), lambda text: text.count("\n") >= 3)
        for document in text.splitlines()[:3]:
            self.assertEqual(json.loads(document), OK)
        self.interrupt(process)
        process.stdout.close()

    def test_rates_of_mirrors(self):
        began = time.monotonic()

        def behave(connection):
            connection.recv(256)
            packets = int((time.monotonic() - began) * 1000)
            mirror = {"interface": "eth0", "direction": "egress", "collector": "soc", "state": "mirroring",
                      "packets": packets, "bytes": packets * 125}
            connection.sendall(line({**DEGRADED, "mirrors": [mirror]}))

        self.serve(behave=behave)
        process = self.start("--watch=0.5", "--sort=packets/s", stdout=subprocess.PIPE)
        text = self.read_until(process.stdout.fileno(), lambda text: text.count("\neth0") >= 3 and text.endswith("\n"))
        rows = [row.split() for row in text.splitlines() if row.startswith("eth0")]
        self.assertEqual(rows[0][-4:-2], ["-", "-"], rows)  # the first answer has none before it
        self.assertRegex(text, r"\neth0 .* [0-9.]+k?  +[0-9.]+ [kM]bit/s  ")
        self.interrupt(process)
        process.stdout.close()


class Terminal(Case):
    """What is different on a terminal."""

    def test_width(self):
        self.serve(line({**OK, "clients": CLIENTS}))
        for columns in 132, 80, 60, 40, 20:
            status, text = self.shown_on_terminal("-s", self.path, columns=columns, NO_COLOR="1")
            self.assertEqual(status, 0)
            rows = [row for row in text.splitlines() if row.startswith(("10.", "CLI"))]
            self.assertEqual(len(rows), 101)  # all of them, however few rows the terminal has
            self.assertLessEqual(max(map(len, rows)), columns)
            self.assertEqual("    too narrow for: " in text, columns < 80)
        full = self.check(0, "-s", self.path).stdout
        self.assertEqual(self.shown_on_terminal("-s", self.path, columns=300, NO_COLOR="1"), (0, full))

    def test_colours(self):
        self.serve(line({**OK, "clients": CLIENTS}))
        self.assertNotIn("\033", self.check(0, "-s", self.path).stdout)
        coloured = self.shown_on_terminal("-s", self.path, columns=300)[1]
        self.assertIn("\033[32mok\033[0m", coloured)
        for setting in {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}:
            text = self.shown_on_terminal("-s", self.path, columns=300, **setting)[1]
            self.assertEqual(text, re.sub("\033\\[[0-9;]*m", "", coloured))

    def test_errors_are_plain_words(self):
        status, text = self.shown_on_terminal("-s", self.path)
        self.assertEqual(status, 3)
        self.assertNotIn("\033", text)


class Redraw(Case):
    """--watch on a terminal."""

    ENTER, LEAVE, HOME, END = "\033[?1049h\033[?25l", "\033[?25h\033[?1049l", "\033[H", "\033[J"

    def watch(self, *args, **kwargs):
        return self.on_terminal("--watch=0.1", "-s", self.path, *args, **kwargs)

    def frame(self, ours, done=lambda frame: True, count=2):
        """The last whole frame, when there are so many and it is as wanted."""
        frames = []

        def have_it(text):
            frames[:] = text.split(self.HOME)[1:-1]
            return len(frames) >= count and done(frames[-1])

        self.read_until(ours, have_it)
        self.assertTrue(frames[-1].endswith(self.END), repr(frames[-1]))
        return frames[-1][: -len(self.END)].replace("\r\n", "\n").replace("\033[K\n", "\n")

    def end(self, process, ours, signo=signal.SIGINT, status=0):
        process.send_signal(signo)
        text = self.read_to_end(ours)
        self.assertEqual(process.wait(PATIENCE), status)
        self.assertTrue(text.endswith(self.LEAVE), repr(text[-100:]))

    def test_fits_and_follows_the_window(self):
        self.serve(line({**OK, "clients": CLIENTS}))
        process, ours = self.watch(rows=20, columns=100, NO_COLOR="1")
        self.assertEqual(self.read_until(ours, lambda text: len(text) >= len(self.ENTER))[: len(self.ENTER)], self.ENTER)
        for rows, columns in (20, 100), (30, 60), (5, 200), (12, 40), (200, 100), (2, 10):
            fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            wanted = f"and {100 - (rows - 11):,} more" if rows in (20, 30) and columns == 100 else ""
            frame = self.frame(ours, lambda frame, wanted=wanted: wanted in frame, count=3)
            lines = frame.splitlines()
            taken = sum(max(1, -(-len(row) // columns)) for row in lines)
            self.assertLessEqual(taken, rows - 1, frame)
            self.assertEqual("... and" in frame or "... " in frame, rows < 200, frame)
            if rows == 200:
                self.assertIn("10.0.0.99", frame)
        self.end(process, ours)

    def test_resize_redraws_at_once(self):
        server = self.serve(line({**OK, "clients": CLIENTS}))
        process, ours = self.on_terminal("--watch=3600", "-s", self.path, rows=20)
        self.read_until(ours, lambda text: "and 91 more" in text)
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 100, 0, 0))
        process.send_signal(signal.SIGWINCH)  # it is not in this terminal's foreground
        self.read_until(ours, lambda text: "and 86 more" in text)
        self.assertEqual(len(server.requests), 1)
        self.end(process, ours)

    def test_sorted(self):
        self.serve(line({**OK, "clients": CLIENTS}))
        process, ours = self.watch("--sort=-packets", rows=14, NO_COLOR="1")
        frame = self.frame(ours)
        self.assertIn("\n10.0.0.99 ", frame)
        self.assertNotIn("\n10.0.0.1 ", frame)
        self.end(process, ours)

    def test_daemons_come_and_go(self):
        process, ours = self.watch()
        self.frame(ours, lambda frame: "No such file" in frame and "trying again every 0.1 s" in frame)
        server = self.serve()
        self.frame(ours, lambda frame: "no clients yet" in frame and "trying" not in frame)
        server.stop(leave_path=True)
        self.frame(ours, lambda frame: "Connection refused" in frame)
        os.unlink(self.path)
        self.serve(line(DEGRADED))
        self.frame(ours, lambda frame: "degraded" in frame)
        self.end(process, ours)

    def test_every_end_restores_the_terminal(self):
        self.serve()
        for signo, status in ((signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP),
                              (signal.SIGQUIT, -signal.SIGQUIT)):  # fmt: skip
            process, ours = self.watch()
            self.frame(ours)
            self.end(process, ours, signo, status)

    def test_suspend(self):
        self.serve()
        process, ours = self.on_terminal("--watch=3600", "-s", self.path)
        self.read_until(ours, lambda text: text.endswith(self.END))
        process.send_signal(signal.SIGTSTP)
        self.assertEqual(os.waitpid(process.pid, os.WUNTRACED)[1], signal.SIGSTOP << 8 | 0x7F)
        self.assertEqual(self.read_until(ours, lambda text: self.LEAVE in text), self.LEAVE)
        process.send_signal(signal.SIGCONT)
        text = self.read_until(ours, lambda text: text.endswith(self.END))
        self.assertTrue(text.startswith(self.ENTER + self.HOME + "collector"), repr(text))
        self.end(process, ours)

    def test_dumb_terminal(self):
        self.serve()
        process, ours = self.watch(TERM="dumb")
        text = self.read_until(ours, lambda text: text.count("no clients yet") >= 3)
        self.assertNotIn("\033", text)
        self.assertIn("no clients yet\r\n\r\ncollector", text)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 0)


if __name__ == "__main__":
    unittest.main()
