# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Stopping, removal, purge: nothing is left.

left_in_the_kernel() { echo "$(ip -o link | grep -c vtap) $(ip -n col -o link | grep -c vtap) $(tc qdisc | grep -c clsact) $(tc -n col qdisc | grep -c clsact)"; }

printf 'collector "soc" { address = "10.77.0.99" }\nmirror "eth0" { }\n' > /etc/vtap/client.conf
systemctl start "${both[@]}"
wait_for 60 all_ok
check "stop" systemctl stop "${both[@]}"
vtapstat > /dev/null 2>&1
check "stays stopped" is "$(systemctl is-active vtap-{client,collector}.{service,socket} | sort -u)" inactive
check "nothing is left in the kernel" is "$(left_in_the_kernel)" "0 0 0 0"
check "nothing is left in /run/vtap" is "$(ls /run/vtap)" ""

systemctl start "${both[@]}"
wait_for 60 all_ok
check "apt remove stops" apt-get -qqy remove vtap-client vtap-collector vtapstat
check "nothing runs after it" is "$(ps -C vtap-client,vtap-collector -o pid=)" ""
check "it leaves nothing in the kernel" is "$(left_in_the_kernel)" "0 0 0 0"
check "it leaves the configuration" test -e /etc/vtap/client.conf
rm -r /etc/systemd/system/vtap-collector.service.d # it is the lab's
check "purge" apt-get -qqy purge vtap-client vtap-collector vtapstat
check "it leaves nothing" is "$(find / -xdev -name '*vtap*' ! -path '/usr/lib/modules/*' ! -path '/var/log/*' ! -path '/tmp/*' | tr '\n' ' ')$(ls -d /run/vtap 2> /dev/null)" ""
check "but the user" getent passwd vtap
