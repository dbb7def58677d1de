# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# The forms of the recipe, each in three pairings: vtap with vtap, the recipe's own commands with vtap-collector, vtap-client
# with the recipe's own commands. A form is a file in forms/; it sets
#
#	client_conf, collector_conf	the daemons' configurations; frames are compared, so oversize copies are fragmented and
#					not cut anew
#	device				where frames arrive on the collector's host, with vtap; by hand it is mon0
#
# and defines client_by_hand and collector_by_hand, the recipe's commands. It may set
#
#	want, by_hand_want		pcap filters: what of eth0's frames is copied, by vtap and by the recipe's client
#	load				the traffic
#	uncounted			bytes of a frame that are not carried, and so not counted
#
# and redefine as_copied and as_arrived, which make of eth0's frames, and of those that arrived, in lines of hexadecimal
# digits, what must be the same.

# ---- the recipe's commands that several forms have in common ---------------------------------------------------------

# A quiet device, large enough: else full-size packets with DF are lost here, with an ICMP to their sender.
quiet_mon0() {
	sysctl -qw net.ipv6.conf.mon0.disable_ipv6=1
	ethtool -K mon0 tx off
	ip link set mon0 mtu 9000 arp off up
}

tc_to_mon0() {
	quiet_mon0
	tc qdisc add dev eth0 clsact
	tc filter add dev eth0 egress pref 1 protocol ip flower dst_ip 10.77.0.99 action pass
	tc filter add dev eth0 egress pref 2 matchall action mirred egress mirror dev mon0 continue
	tc filter add dev eth0 ingress pref 2 matchall action mirred egress mirror dev mon0 continue
}

# TEE never copies what it sent itself.
tee_to_mon0() {
	quiet_mon0
	ip addr add 192.168.250.1/30 dev mon0
	iptables -t mangle -A PREROUTING -i eth0 -j TEE --gateway 192.168.250.2
	iptables -t mangle -A POSTROUTING -o eth0 -j TEE --gateway 192.168.250.2
}

# What arrives is for the readers alone, as frames that nobody merged.
seal_mon0() {
	in_ns col ethtool -K mon0 gro off
	in_ns col sysctl -qw net.ipv6.conf.mon0.disable_ipv6=1
	tc -n col qdisc add dev mon0 clsact
	tc -n col filter add dev mon0 ingress matchall action drop
	ip -n col link set mon0 arp off up
}

client_undone() {
	iptables -t mangle -F
	tc qdisc del dev eth0 clsact 2> /dev/null
	ip link del mon0
}

# ---- pairings --------------------------------------------------------------------------------------------------------

use() { # CLIENT COLLECTOR, each "vtap" or "hand": puts them to work
	if [ "$1" = vtap ]; then
		echo "$client_conf" > /etc/vtap/client.conf
		systemctl start vtap-client || return 1
	else
		client_by_hand || return 1
	fi
	if [ "$2" = vtap ]; then
		echo "$collector_conf" > /etc/vtap/collector.conf
		systemctl start vtap-collector || return 1
	else
		collector_by_hand || return 1
	fi
	[ "$1" = hand ] || wait_for 60 vtapstat client || { vtapstat client; return 1; }
	[ "$2" = hand ] || wait_for 60 vtapstat collector || { vtapstat collector; return 1; }
}

undo() { # CLIENT COLLECTOR
	if [ "$1" = vtap ]; then systemctl -q stop vtap-client.socket vtap-client; else client_undone; fi
	if [ "$2" = vtap ]; then systemctl -q stop vtap-collector.socket vtap-collector; else ip -n col link del mon0; fi
}

run_traffic() { # DEVICE COMMAND...
	local result=0
	capturing "$1" || return 1
	shift
	"$@" > /tmp/traffic 2>&1 || { tail -n 3 /tmp/traffic; result=1; }
	captured || result=1
	return $result
}

same_frames() {
	diff /tmp/near.lines /tmp/far.lines > /tmp/diff && test -s /tmp/far.lines ||
		{ echo "$(grep -c '^<' /tmp/diff) frames missing, $(grep -c '^>' /tmp/diff) too many"; return 1; }
}

pairing() { # CLIENT COLLECTOR
	local client=$1 collector=$2 what="form $form, $1 to $2" from=$device wanted=$want passes="$load && bulk" captured_sums
	[ "$collector" = vtap ] || from=mon0
	[ "$client" = vtap ] || wanted=${by_hand_want:-$want} passes=$load # by hand, not all super-packets become frames
	check "$what: put to work" use "$client" "$collector"
	check "$what: traffic" run_traffic "$from" eval "$passes"
	frames /tmp/near "not $tunnel" "${wanted:+and ($wanted)}" | as_copied | sort > /tmp/near.lines
	frames /tmp/far | as_arrived | sort > /tmp/far.lines
	captured_sums=$(sums "$uncounted" < /tmp/near.lines)
	check "$what: each frame once, as it was on eth0" same_frames
	[ "$client" = hand ] || check "$what: the client counts what a capture on eth0 says" is "$(mirrored)" "$captured_sums"
	[ "$collector" = hand ] || check "$what: and so does the collector" is "$(of_client) $(accepted)" "$captured_sums $captured_sums"
	undo "$client" "$collector"
}

systemctl -q stop vtap-{client,collector}.{socket,service}
cd /mnt/forms || exit 1
for file in $(cat /mnt/which-forms); do # the shell completes patterns
	form=$file want='' by_hand_want='' load=traffic uncounted=0
	as_copied() { cat; }
	as_arrived() { cat; }
	. "./$file"
	pairing vtap vtap
	pairing hand vtap
	pairing vtap hand
done
