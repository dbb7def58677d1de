# SPDX-License-Identifier: BSD-2-Clause
"""pytest glue: root or an error, a lab per test, and the daemons' logs with every failure."""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from lab import Lab, remove_tools  # noqa: E402
from netns import backlog_drops, remove_leftovers  # noqa: E402


def pytest_configure(config):
    del config
    if os.geteuid() != 0:
        raise pytest.UsageError("these tests make network namespaces: run them as root")
    signal.signal(signal.SIGTERM, lambda *unused: signal.raise_signal(signal.SIGINT))
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    remove_leftovers()


def pytest_unconfigure(config):
    del config
    remove_tools()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    item.passed_call = call.when == "call" and report.passed
    lab = getattr(item, "lab", None)
    if report.failed and lab is not None:
        for name, text in lab.logs():
            report.sections.append((f"log of {name}", text))
        dropped = backlog_drops() - item.backlog_drops
        if dropped:
            report.sections.append(("this machine", f"its receive backlog overflowed: {dropped} packets lost"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    yield
    item.lab = None  # items live as long as pytest does, and a lab has all frames that its readers saw


@pytest.fixture
def make_lab(request):
    """Makes the test's lab; whatever happens it is removed."""
    labs = []

    def make(**kwargs):
        request.node.backlog_drops = backlog_drops()
        lab = Lab(**kwargs)
        labs.append(lab)
        request.node.lab = lab
        return lab

    try:
        yield make
        if getattr(request.node, "passed_call", False):
            for lab in labs:
                lab.finish()
    finally:
        for lab in labs:
            lab.close()


@pytest.fixture
def lab(make_lab):
    return make_lab()
