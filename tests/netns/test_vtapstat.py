# SPDX-License-Identifier: BSD-2-Clause
"""What a person and a script are told: the control sockets and vtapstat."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import threading

import pytest

import traffic
from daemon import VTAPSTAT, ask
from lab import CLIENT_CONF
from netns import wait_until


def vtapstat(*args):
    return subprocess.run(
        (VTAPSTAT, *args), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False
    )


@pytest.fixture
def fake_daemon(tmp_path):
    """A socket that answers with given bytes."""
    servers = []

    def serve(answer):
        path = str(tmp_path / f"fake{len(servers)}.sock")
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(path)
        server.listen()
        servers.append(server)

        def body():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(256)
                    connection.sendall(answer)

        threading.Thread(target=body, daemon=True).start()
        return path

    yield serve
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def test_both_tables(lab):
    collector, client = lab.pair()
    traffic.ping(lab.client1, lab.peer.address4, (100, 1514) * 20)
    collector.wait(lambda s: s["clients"] and s["clients"][0]["packets"] >= 80, "80 packets")
    done = vtapstat("-s", collector.socket_path)
    assert done.returncode == 0 and not done.stderr
    lines = done.stdout.splitlines()
    assert "ok" in lines[0] and "vtap0" in done.stdout
    (row,) = [line for line in lines if lab.client1.address4 in line]
    assert re.search(r"\d", row)
    assert all(len(line) <= 132 and line == line.rstrip() for line in lines)
    done = vtapstat("-s", client.socket_path)
    assert done.returncode == 0 and not done.stderr
    for word in ("ok", "soc", "10.77.0.99", "eth0", "ingress", "egress", "vtap-soc", "mirroring"):
        assert word in done.stdout, (word, done.stdout)


def test_json_is_the_sockets_answer(lab):
    for daemon in lab.pair():
        done = vtapstat("--json", "-s", daemon.socket_path)
        assert done.returncode == 0
        told, asked = json.loads(done.stdout), daemon.status()
        assert told.keys() == asked.keys() and told["daemon"] == asked["daemon"]
        assert vtapstat("-j", "-s", daemon.socket_path).returncode == 0


def test_degraded_is_exit_1_and_says_why(lab):
    client = lab.client(config=CLIENT_CONF.replace('"eth0"', '"eth9"')).expect("eth9")
    client.wait(lambda s: s["state"] == "degraded", "degraded")
    done = vtapstat("-s", client.socket_path)
    assert done.returncode == 1
    assert "degraded" in done.stdout and "blocked" in done.stdout and "eth9" in done.stdout
    reason = client.status()["mirrors"][0]["reason"]
    assert reason in done.stdout
    assert vtapstat("-j", "-s", client.socket_path).returncode == 1


def test_usage_is_exit_2():
    for args in (("--no-such-option",), ("nobody",), ("client", "collector"), ("--watch=never",)):
        done = vtapstat(*args)
        assert done.returncode == 2 and done.stderr, args
    assert vtapstat("--help").returncode == 0
    assert "0.1.0" in vtapstat("--version").stdout


def test_no_daemon_is_exit_3(tmp_path):
    done = vtapstat("-s", str(tmp_path / "none.sock"))
    assert done.returncode == 3 and "none.sock" in done.stderr


@pytest.mark.parametrize(
    "answer",
    [b"", b"hello\n", b"{\n", b"[]\n", b"{}\n", b'{"error": "no"}\n', b'{"daemon":"client","state":5}\n', b"\xff" * 100 + b"\n"],
)
def test_no_valid_answer_is_exit_3(fake_daemon, answer):
    done = vtapstat("-s", fake_daemon(answer))
    assert done.returncode == 3 and done.stderr


def test_hostile_text_does_not_reach_the_terminal(fake_daemon):
    status = {
        "daemon": "client", "version": "0.1.0", "state": "degraded", "uptime_s": 1.0, "collectors": [],
        "mirrors": [{"interface": "eth0\x1b[2J", "direction": "ingress", "method": "tc", "collector": "soc",
                     "state": "blocked", "reason": "no\x1b]0;x\x07 way", "packets": 0, "bytes": 0, "dropped": 0, "repairs": 0}],
    }  # fmt: skip
    done = vtapstat("-s", fake_daemon(json.dumps(status).encode() + b"\n"))
    assert done.returncode == 1 and "\x1b" not in done.stdout and "\x07" not in done.stdout


def test_watch_repeats(lab):
    collector = lab.collector()
    collector.wait_ok()
    watch = subprocess.Popen(
        (VTAPSTAT, "--watch=1", "-s", collector.socket_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # tests that run in the background of a shell ignore it, and so would this
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        os.set_blocking(watch.stdout.fileno(), False)
        seen = bytearray()

        def twice():
            seen.extend(watch.stdout.read() or b"")
            return seen.count(b"vtap0") >= 2

        wait_until(twice, 6, "two tables")
        watch.send_signal(signal.SIGINT)
        watch.wait(5)
    finally:
        watch.kill()
        watch.communicate()


def test_watch_has_rates_of_mirrors(lab):
    _, client = lab.pair()
    watch = subprocess.Popen(
        (VTAPSTAT, "--watch=0.5", "--sort", "-packets/s", "-s", client.socket_path),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        os.set_blocking(watch.stdout.fileno(), False)
        seen = bytearray()

        def busy_and_idle():
            seen.extend(watch.stdout.read() or b"")
            # INTERFACE DIRECTION METHOD COLLECTOR STATE PACKETS BYTES(2) PACKETS/S BITS/S(2) DROPPED REPAIRS
            rows = [row.split() for row in seen.decode().splitlines() if row.startswith("eth0 ") and row.endswith(" 0")]
            rates = [row[8] for row in rows if len(row) == 13]
            return "0" in rates[1:] and any(rate not in "0-" for rate in rates)

        wait_until(lambda: busy_and_idle() or b"PACKETS/S" in seen, 20, "rates")
        traffic.ping(lab.client1, lab.peer.address4, (100,) * 20)
        wait_until(busy_and_idle, 20, lambda: f"a rate, and none any more\n{seen.decode()}")
    finally:
        watch.kill()
        watch.communicate()


def test_sort(lab):
    collector, client = lab.pair()
    for daemon, columns in ((collector, ("client", "vni", "-bits/s", "last-seen")), (client, ("interface", "-repairs"))):
        for column in columns:
            assert vtapstat("--sort", column, "-s", daemon.socket_path).returncode == 0
    done = vtapstat("--sort", "interface", "-s", collector.socket_path)
    assert done.returncode == 2 and "interface" in done.stderr


# ---- the control socket ----------------------------------------------------------------------------------------


def test_control_socket(lab):
    for daemon in lab.pair():
        mode = os.stat(daemon.socket_path).st_mode
        assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
        assert "error" in ask(daemon.socket_path, "quit")
        assert "error" in ask(daemon.socket_path, "")
        assert "error" in ask(daemon.socket_path, "x" * 300)
        text = subprocess.run(
            ("socat", "-", daemon.socket_path), input=b"status\n", stdout=subprocess.PIPE, timeout=10, check=True
        ).stdout
        assert text.count(b"\n") == 1 and json.loads(text)["state"] == "ok"


def test_slow_readers_hold_nobody_up(lab):
    collector, _ = lab.pair()
    idle = []
    try:
        for number in range(60):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.connect(collector.socket_path)
            if number % 2:
                s.sendall(b"status\n")  # and the answer is never read
            idle.append(s)
        assert ask(collector.socket_path, timeout=2)["state"] == "ok"
        for _ in range(20):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.setblocking(False)
            try:
                s.connect(collector.socket_path)
            except BlockingIOError:
                pass
            idle.append(s)
        # the silent ones are sent away after 5 s
        wait_until(lambda: try_ask(collector.socket_path), 10, "an answer again")
    finally:
        for s in idle:
            s.close()
    assert collector.status()["state"] == "ok"


def try_ask(path):
    try:
        return ask(path, timeout=1)["state"] == "ok"
    except (OSError, AssertionError, ValueError):
        return False
