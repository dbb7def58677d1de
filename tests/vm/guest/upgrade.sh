# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# A higher version of the packages over a mirror at work.

check "upgrade without a gap" no_gap renewed apt_install /mnt/2/*.deb
check "it was one" has "$(dpkg-query -Wf '${Version}' vtap-client)" upgrade
check "the edited file is still there" has "$(cat /etc/vtap/client.conf)" 10.77.0.99
check "all is mirrored after the upgrade" all_ok
