# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# Restarts, crashes, hung daemons, wrong files, flapping links: what the units promise.

only_udp() { printf 'collector "soc" { address = "10.77.0.99" }\nmirror "eth0" { filter = "udp" }\n' > /etc/vtap/client.conf; }

# Numbered frames pass the mirror while COMMAND runs, and a second more; all must arrive, once, and be counted.
sent=0
all_read() { [ "$(stat -c %s /tmp/far)" -ge $((24 + $1 * (16 + 64 + 42))) ]; } # sizes of pcap's headers
counted() { is "$(accepted)" "$sent $((sent * (64 + 42)))"; }
no_gap() { # COMMAND...
	local count reader sender result=0
	rm -f /tmp/far /tmp/far.out
	ip netns exec col tcpdump -Uqs 128 -B 8192 -ni vtap0 -w /tmp/far udp dst port 5000 2> /tmp/far.out &
	reader=$!
	wait_for 60 grep -q listening /tmp/far.out || { kill $reader; cat /tmp/far.out; return 1; }
	/mnt/numbered 10.77.0.20 5000 1000000 200 64 > /tmp/sent &
	sender=$!
	wait_for 60 test -s /tmp/far || { echo "nothing arrives"; result=1; }
	"$@" || { echo "failed: $*"; result=1; }
	sleep 1
	kill $sender
	wait $sender
	count=$(cat /tmp/sent)
	sent=$((sent + count))
	wait_for 60 counted
	wait_for 60 all_read "$count"
	kill $reader
	wait $reader
	# the number is at byte 32 of the packet
	[ $result = 0 ] && is "$(tcpdump -nr /tmp/far -x 2> /dev/null |
		awk '/0x0020:/ { n++; if (!seen[$2 $3]++) u++ } END { print n + 0, u + 0 }')" "$count $count" && counted
}

only_udp
systemctl stop "${both[@]}" # the counters begin at zero
systemctl start "${both[@]}"
wait_for 60 all_ok

mkdir -p /run/systemd/system/vtap-{client,collector}.service.d
printf '[Service]\nWatchdogSec=8\n' | tee /run/systemd/system/vtap-{client,collector}.service.d/watchdog.conf > /dev/null
systemctl daemon-reload

opened() { journalctl -qo cat -u 'vtap-*.socket' | grep -c '^Listening'; }
before=$(opened)
check "restart without a gap" no_gap renewed systemctl restart "${both[@]}"
check "the sockets stayed open" is "$(opened)" "$before"
check "crash without a gap" no_gap renewed send_both KILL
check "watchdog without a gap" no_gap renewed send_both STOP
for unit in "${both[@]}"; do
	check "$unit: the watchdog was it" has "$(journalctl -qo cat -u $unit)" 'Watchdog timeout'
done
rm /run/systemd/system/vtap-{client,collector}.service.d/watchdog.conf # eight seconds are little on a busy machine
systemctl daemon-reload
check "reload without a gap" no_gap systemctl reload "${both[@]}"

given_up_on() { is "$(property "$1" ActiveState) $(property "$1.socket" ActiveState)" "failed inactive"; }
for unit in "${both[@]}"; do
	cp /etc/vtap/${unit#vtap-}.conf /tmp/good
	echo 'nonsense = 3' >> /etc/vtap/${unit#vtap-}.conf
	systemctl reload $unit
	check "$unit: a bad file changes nothing" no_gap active $unit
	systemctl restart $unit 2> /dev/null
	vtapstat ${unit#vtap-} > /dev/null 2>&1
	check "$unit: not started again and again" wait_for 60 given_up_on $unit
	cp /tmp/good /etc/vtap/${unit#vtap-}.conf
	check "$unit: starts again" systemctl start $unit
	[ $unit = vtap-client ] || sent=0 # the service manager kept no maps of a failed unit
done
check "all is mirrored again" no_gap wait_for 60 all_ok

# One that root started by hand takes over from the unit, dies, and the unit takes over again.
gone() { ! systemctl -q is-active vtap-client.service vtap-client.socket; }
by_hand() {
	send USR2 vtap-client
	wait_for 60 gone
	vtap-client > /tmp/by-hand 2>&1 &
	wait_for 60 vtapstat client || { cat /tmp/by-hand; return 1; }
	kill -KILL $!
	wait $!
	systemctl start vtap-client
}
check "to one by hand and back without a gap" no_gap by_hand
check "root left no file that the unit could not use" is "$(find /run/vtap -type f ! -user vtap)" ""

# A unit that failed leaves its work in place; it goes when one says so.
echo 'nonsense = 3' >> /etc/vtap/client.conf
systemctl restart vtap-client 2> /dev/null
systemctl stop vtap-client
check "a failed client leaves the mirror" has "$(tc filter show dev eth0 egress)" vtap-soc
check "vtap-client --remove" vtap-client --remove
check "removes it" is "$(ip -o link | grep -c vtap) $(tc qdisc | grep -c clsact)" "0 0"
only_udp
systemctl start vtap-client

# A daemon that cannot start is not tried for ever.
mkdir -p /run/systemd/system/vtap-client.service.d
printf '[Unit]\nStartLimitBurst=3\n[Service]\nExecStart=\nExecStart=/bin/false\n' > /run/systemd/system/vtap-client.service.d/broken.conf
systemctl daemon-reload
systemctl kill --kill-whom=main -s KILL vtap-client
limited() { journalctl -qo cat -u vtap-client | grep 'Start request repeated too quickly'; }
check "a start limit" wait_for 60 limited
rm /run/systemd/system/vtap-client.service.d/broken.conf
systemctl daemon-reload
systemctl reset-failed vtap-client
check "starts again after that" systemctl start vtap-client
check "and nothing was lost meanwhile" no_gap wait_for 60 all_ok

# ---- links -----------------------------------------------------------------------------------------------------------

repairs() { client '[.mirrors[].repairs] | add'; }
flap() {
	local i
	for i in 1 2 3 4 5; do
		ip link set eth0 down
		ip link set eth0 up
		in_ns col ip link set eth0 down
		in_ns col ip link set eth0 up
	done
	in_ns col ip neigh replace 10.77.0.10 lladdr 02:00:00:00:00:10 dev eth0 nud permanent
	for address in 10.77.0.20 10.77.0.99; do
		ip neigh replace $address lladdr 02:00:00:00:00:${address##*.} dev eth0 nud permanent
	done
}
# Devices first: what a daemon says of a change that it has yet to notice is old. And a bridge's port may need a second.
passes() { in_ns "$1" ping -qc 1 -W 1 "$2"; }
at_work() {
	ip -o link show up dev vtap-soc | grep -q . && ip -n col -o link show up dev vtap0 | grep -q . && all_ok &&
		passes host 10.77.0.20 && passes host 10.77.0.99
}
# what was copied stays counted, and the stream is whole again
whole() {
	wait_for 60 at_work || { vtapstat client; vtapstat collector; systemctl status --no-pager "${both[@]}" | grep Status; return 1; }
	sent=$(accepted | cut -d' ' -f1)
	no_gap true
}
flap
check "whole after flaps of eth0 on both sides" whole
before=$(accepted | cut -d' ' -f1)
ip link del eth0
blocked() { systemctl status vtap-client | grep 'eth0 does not exist'; }
check "eth0 is gone: blocked, in words" wait_for 60 blocked
/usr/local/sbin/lab eth0
check "whole after eth0 went and came" whole
check "counters went on" at_least "$(accepted | cut -d' ' -f1)" "$before"
ip link del vtap-soc
check "whole after the tunnel was deleted" whole
in_ns col ip link del vtap0
check "whole after the endpoint was deleted" whole
in_ns col ip addr flush dev eth0
in_ns col ip addr add 10.77.0.99/24 dev eth0
in_ns col ip addr add fd77::99/64 dev eth0 nodad
check "whole after the collector's address went and came" whole
check "lines have priorities" is "$(journalctl -qo cat | grep -c '^<[0-9]>')" 0
