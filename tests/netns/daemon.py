# SPDX-License-Identifier: BSD-2-Clause
"""One running vtap daemon: start, ask, wait, end, and no word in its log that the test did not expect."""

import glob
import json
import os
import re
import signal
import socket
import subprocess

from netns import wait_until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("VTAP_BUILD_DIR", REPOSITORY)
CLIENT = os.environ.get("VTAP_CLIENT", os.path.join(BUILD, "client/vtap-client"))
COLLECTOR = os.environ.get("VTAP_COLLECTOR", os.path.join(BUILD, "collector/vtap-collector"))
VTAPSTAT = os.environ.get("VTAPSTAT", os.path.join(BUILD, "vtapstat/vtapstat"))

VALGRIND = (
    "valgrind", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=definite,indirect,possible",
    "--track-fds=yes", f"--suppressions={REPOSITORY}/tests/lint/valgrind.suppressions",
) if os.environ.get("VTAP_VALGRIND") else ()  # fmt: skip

WARNING = 4  # syslog(3): 0 emergency .. 4 warning .. 7 debug
DEADLINE = 60.0 if VALGRIND else 15.0


def ask(path, request="status", timeout=5.0):
    """The raw answer of a control socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        s.connect(path)
        s.sendall(request.encode() + b"\n")
        answer = bytearray()
        while part := s.recv(1 << 18):
            answer += part
    assert answer.endswith(b"\n"), f"answer without a newline: {bytes(answer[-200:])!r}"
    return json.loads(answer)


def check_valgrind(name, text):
    """No error, and at its end nothing open but what it was started with. One that was killed has no end."""
    said = re.sub(r"(?m)^==\d+== ?", "", text)
    assert not re.search(r"ERROR SUMMARY: [1-9]", said), f"{name}, valgrind:\n{text}"
    if "FILE DESCRIPTORS:" in said:
        found = re.findall(r"Open (.*)\n((?: .*\n)*)", said)
        left = [what for what, where in found if "inherited from parent" not in where]
        assert not left, f"{name} left open: {left}\n{text}"
    else:
        assert not re.search(r"(?m)^\S.*\n +at 0x", said), f"{name}, valgrind:\n{text}"


class Daemon:
    """vtap-client or vtap-collector in a namespace. Everything it uses is in `directory`."""

    def __init__(self, program, ns, directory, config, name):
        self.program, self.ns, self.directory, self.name = program, ns, directory, name
        self.valgrind_logs = os.path.join(directory, name + ".valgrind.")
        self.config_path = os.path.join(directory, name + ".conf")
        self.socket_path = os.path.join(directory, name + ".sock")
        self.log_path = os.path.join(directory, name + ".log")
        self.notify_path = os.path.join(directory, name + ".notify")
        self.expected = []
        self.process = None
        self.notify = None
        self.notified = []
        self.write_config(config)

    # ---- life ----------------------------------------------------------------------------------------------

    def write_config(self, text):
        with open(self.config_path, "w", encoding="utf-8") as f:
            f.write(text)

    def command(self, *more):
        return (self.program, "-c", self.config_path, "-s", self.socket_path, *more)

    @property
    def version(self):
        return subprocess.run([self.program, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]

    def start(self, wait=True):
        """Starts it as the service manager would, with a log and a notify socket; returns when it is ready."""
        assert self.process is None or self.process.poll() is not None
        self._open_notify()
        self.count_told("")
        self.notified = []  # what an earlier one said counts no more
        with open(self.log_path, "ab") as log:
            stat = os.fstat(log.fileno())
            env = dict(os.environ, JOURNAL_STREAM=f"{stat.st_dev}:{stat.st_ino}", NOTIFY_SOCKET=self.notify_path)
            valgrind = (*VALGRIND, f"--log-file={self.valgrind_logs}%p") if VALGRIND else ()
            self.process = self.ns.popen(*valgrind, *self.command(), stdout=log, stderr=log, env=env)
        if wait:
            wait_until(lambda: self.gone() or self.told("READY=1"), DEADLINE, lambda: f"{self.name} ready\n{self.log()}")
            assert not self.gone(), f"{self.name} ended with {self.process.returncode}\n{self.log()}"
        return self

    def gone(self):
        return self.process.poll() is not None

    def end(self, number, exit_code=0):
        self.process.send_signal(number)
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"{self.name} still running after {DEADLINE} s\n{self.log()}") from error
        assert code == exit_code, f"{self.name} ended with {code}, not {exit_code}\n{self.log()}"

    def stop(self):
        """SIGTERM: it removes everything it made."""
        self.end(signal.SIGTERM)

    def leave(self):
        """SIGUSR2: it leaves the kernel objects in place."""
        self.end(signal.SIGUSR2)

    def upgrade(self):
        """Leaves, as a service manager's restart does it; the next start is that of another build, of another version."""
        self.leave()
        with open(self.program, "rb") as f:
            image = f.read()
        own = rb"(?<!LIBBPF_)" + re.escape(self.version.encode())  # a library's symbol version is another
        assert re.search(own, image), "the program holds its version as text"
        self.program = os.path.join(self.directory, f"{self.name}-next")
        with open(self.program, "wb") as f:
            f.write(re.sub(own, lambda text: b"9" + text[0][1:], image))
        os.chmod(self.program, 0o755)

    def kill(self):
        self.end(signal.SIGKILL, -signal.SIGKILL)

    def reload(self, config=None):
        """SIGHUP, and waits until the daemon says that it has read its configuration."""
        if config is not None:
            self.write_config(config)
        ready = self.count_told("READY=1")
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.count_told("READY=1") > ready, DEADLINE, lambda: f"{self.name} reloaded\n{self.log()}")

    def finish(self):
        """At the end of a test: stop it if it runs, then judge its log."""
        if self.process is not None:
            if not self.gone():
                self.stop()
            self.check_log()
        self.abandon()

    def abandon(self):
        if self.process is not None and not self.gone():
            self.process.kill()
            self.process.wait()
        if self.notify is not None:
            self.notify.close()
            self.notify = None

    # ---- what it says --------------------------------------------------------------------------------------

    def _open_notify(self):
        if self.notify is None:
            self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.notify.bind(self.notify_path)
            self.notify.setblocking(False)

    def count_told(self, line):
        while True:
            try:
                self.notified += self.notify.recv(65536).decode().split("\n")
            except BlockingIOError:
                return self.notified.count(line)

    def told(self, line):
        return self.count_told(line) > 0

    def status_line(self):
        """The last STATUS= that it told the service manager."""
        self.count_told("")
        return next((line[7:] for line in reversed(self.notified) if line.startswith("STATUS=")), None)

    def status(self):
        return ask(self.socket_path)

    def wait(self, predicate, what="state", deadline=DEADLINE):
        """Until predicate(status) is true; returns that status."""
        last = {}

        def look():
            assert not self.gone(), f"{self.name} ended with {self.process.returncode}\n{self.log()}"
            last["status"] = self.status()
            return predicate(last["status"])

        wait_until(look, deadline, lambda: f"{self.name}: {what}\n{json.dumps(last, indent=1)}\n{self.log()}", 0.05)
        return last["status"]

    def wait_ok(self):
        return self.wait(lambda s: s["state"] == "ok", "state ok")

    # ---- its log -------------------------------------------------------------------------------------------

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def valgrind_said(self):
        said = []
        for name in sorted(glob.glob(glob.escape(self.valgrind_logs) + "*")):
            with open(name, encoding="utf-8", errors="replace") as f:
                said.append(f.read())
        return said

    def expect(self, *patterns):
        """Warnings and errors that this test provokes."""
        self.expected += patterns
        return self

    def check_log(self):
        """Every line has its priority; none is a warning or worse unless the test expected it."""
        for text in self.valgrind_said():
            check_valgrind(self.name, text)
        for line in self.log().splitlines():
            level = re.match(r"<(\d)>", line)
            if level and int(level.group(1)) > WARNING:
                continue
            if not any(re.search(p, line) for p in self.expected):
                raise AssertionError(f"{self.name}: unexpected in the log: {line}\n{self.log()}")
