# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Nobody did anything since the machine came up again.

check "after a reboot both are up" wait_for 60 all_active
check "after a reboot all is mirrored" wait_for 60 all_ok
