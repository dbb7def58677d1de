# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# The forms of the recipe, each in three pairings: vtap with vtap, the recipe's own commands with vtap-collector, vtap-client
# with the recipe's own commands. A form is a file in forms/; it sets
#
#	client_conf, collector_conf	the daemons' configurations
#	device				where frames arrive on the collector's host, with vtap
#	by_hand_device			and by hand
#
# and defines the recipe's commands and their undoing, client_by_hand, client_undone, collector_by_hand and
# collector_undone. It may set `want`, a pcap filter: what of eth0's frames is copied; `load`, the traffic; and redefine
# as_copied, which makes of eth0's frames, in lines of hexadecimal digits, what is to arrive.

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
	[ "$1" = hand ] || wait_for 30 vtapstat client || { vtapstat client; return 1; }
	[ "$2" = hand ] || wait_for 30 vtapstat collector || { vtapstat collector; return 1; }
}

undo() { # CLIENT COLLECTOR
	if [ "$1" = vtap ]; then systemctl stop vtap-client.socket vtap-client; else client_undone; fi
	if [ "$2" = vtap ]; then systemctl stop vtap-collector.socket vtap-collector; else collector_undone; fi
}

run_traffic() { # DEVICE COMMAND...
	capturing "$1" || return 1
	shift
	local result=0
	"$@" > /tmp/traffic 2>&1 || { tail -n 3 /tmp/traffic; result=1; }
	captured || result=1
	return $result
}

same_frames() {
	if ! diff <(frames /tmp/near "not $tunnel" "${want:+and ($want)}" | as_copied | sort) <(frames /tmp/far) > /tmp/diff || ! test -s /tmp/far; then
		echo "$(grep -c '^<' /tmp/diff) frames missing, $(grep -c '^>' /tmp/diff) too many"
		return 1
	fi
}

pairing() { # CLIENT COLLECTOR
	local client=$1 collector=$2 from=$device what="form $form, $1 to $2" captured_sums
	[ "$collector" = vtap ] || from=$by_hand_device
	check "$what: put to work" use "$client" "$collector"
	local what_passes="traffic && bulk"
	[ "$client" = vtap ] || what_passes=traffic # by hand, not all super-packets become frames
	check "$what: traffic" run_traffic "$from" eval "${load:-$what_passes}"
	check "$what: each frame once, as it was on eth0" same_frames
	captured_sums=$(frames /tmp/near "not $tunnel" "${want:+and ($want)}" | sums)
	[ "$client" = hand ] || check "$what: the client counts what a capture on eth0 says" is "$(mirrored)" "$captured_sums"
	[ "$collector" = hand ] || check "$what: and so does the collector" is "$(of_client) $(accepted)" "$captured_sums $captured_sums"
	undo "$client" "$collector"
}

systemctl stop "${both[@]}"
for file in /mnt/forms/*; do
	form=$(basename "$file") want='' load=''
	as_copied() { cat; }
	# shellcheck source=forms/4-tc-vxlan source-path=SCRIPTDIR
	. "$file"
	pairing vtap vtap
	pairing hand vtap
	pairing vtap hand
done
