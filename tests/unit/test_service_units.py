#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The service units as systemd reads them: nothing in them that it does not know, and exposed to little.

Needs no service manager. SYSTEMD_UNITS: the directory with the built units.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "systemd")
BUILT = os.environ.get("SYSTEMD_UNITS", SOURCE)
EXPOSURE = 20  # tenths


def analyze(*arguments):
    run = subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


class Units(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="vtap-units-")
        self.addCleanup(shutil.rmtree, self.directory)
        for daemon in ("client", "collector"):
            shutil.copy(os.path.join(SOURCE, f"vtap-{daemon}.socket"), self.directory)
            with open(os.path.join(BUILT, f"vtap-{daemon}.service"), encoding="utf-8") as f:
                text = f.read()
            self.assertNotRegex(text, r"@\w+@")
            # the program need not be installed
            text = re.sub(r"(?m)^ExecStart=.*", "ExecStart=/bin/true", text)
            with open(self.path(daemon), "w", encoding="utf-8") as f:
                f.write(text)

    def path(self, daemon):
        return os.path.join(self.directory, f"vtap-{daemon}.service")

    def test_exposure(self):
        for daemon in ("client", "collector"):
            status, text = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", self.path(daemon))
            self.assertEqual(status, 0, text)
            self.assertIn("Overall exposure level", text)

    def test_systemd_knows_every_key(self):
        for daemon in ("client", "collector"):
            status, text = analyze("verify", "--man=no", "--recursive-errors=no", self.path(daemon))
            ours = [line for line in text.splitlines() if "vtap" in line]
            self.assertEqual((status, ours), (0, []))


if __name__ == "__main__":
    if not shutil.which("systemd-analyze") or not os.path.exists(os.path.join(BUILT, "vtap-client.service")):
        print("skipped: no systemd-analyze, or no units were built")
        sys.exit(77)
    unittest.main()
