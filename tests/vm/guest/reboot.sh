# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# A reboot, after which nobody does anything.

if [ ! -e $rebooting ]; then
	touch $rebooting
	doing "the reboot"
	systemctl reboot
	sleep $((2 * limit))
fi
check "after a reboot both are up" wait_for 120 all_active
check "after a reboot all is mirrored" wait_for 120 all_ok
rm $rebooting
