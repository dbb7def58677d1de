# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What the guest's scripts share: checks, waiting, asking the daemons, traffic that is counted.

PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
tunnel='host 10.77.0.99' # on eth0: the tunnel's own packets, in every form; production does not talk to the collector

# ---- checks ------------------------------------------------------------------------------------------------------

note() { echo "NOTE $*"; }

check() { # WHAT COMMAND...
	local what=$1
	shift
	if "$@" > /tmp/out 2>&1; then
		echo "PASS $what"
	else
		echo "FAIL $what: $(tail -n 1 /tmp/out)"
		sed 's/^/     | /' /tmp/out | tail -n 20
		journalctl -qn 20 -o short-monotonic -u 'vtap-*' | sed 's/^/     > /'
	fi
}

wait_for() { # SECONDS COMMAND...
	local end=$((SECONDS + $1))
	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

is() { [ "$1" = "$2" ] || { echo "\"$1\" is not \"$2\""; false; }; }
has() { # TEXT PATTERN
	# shellcheck disable=SC2053
	[[ $1 = *$2* ]] || { echo "\"$1\" has no \"$2\""; false; }
}
at_least() { [ "$1" -ge "$2" ] || { echo "$1 is less than $2"; false; }; }

# ---- systemd -----------------------------------------------------------------------------------------------------

both=(vtap-client vtap-collector)

property() { systemctl show -P "$2" "$1"; }
active() { # UNIT...
	local unit
	for unit; do
		systemctl -q is-active "$unit.service" "$unit.socket" || { systemctl status "$unit"; return 1; }
	done
}
all_active() { active "${both[@]}"; }
fresh() { [ "$(property "$1" MainPID)" != "$2" ] && active "$1"; }
send() { kill "-$1" "$(property "$2" MainPID)"; }

# New main processes that are ready, after whatever COMMAND did to the old ones.
renewed() { # COMMAND...
	local unit
	local -A old
	for unit in "${both[@]}"; do
		old[$unit]=$(property "$unit" MainPID)
	done
	"$@"
	for unit in "${both[@]}"; do
		wait_for 60 fresh "$unit" "${old[$unit]}" || { echo "$unit was not started again"; return 1; }
	done
}
send_both() { # SIGNAL
	local unit
	for unit in "${both[@]}"; do
		send "$1" "$unit"
	done
}

# ---- the daemons -------------------------------------------------------------------------------------------------

client() { vtapstat -j client | jq -r "$1"; }
collector() { vtapstat -j collector | jq -r "$1"; }
all_ok() { vtapstat client > /dev/null && vtapstat collector > /dev/null; }
mirrored() { client '"\([.mirrors[].packets] | add) \([.mirrors[].bytes] | add)"'; }
accepted() { collector '"\(.accepted.packets) \(.accepted.bytes)"'; }
of_client() { collector '[.clients[] | select(.address == "10.77.0.10")] | "\([.[].packets] | add // 0) \([.[].bytes] | add // 0)"'; }
minus() { echo "$(($1 - $3)) $(($2 - $4))"; } # PACKETS BYTES PACKETS BYTES

# ---- frames ------------------------------------------------------------------------------------------------------

in_ns() { ip netns exec "$@"; } # not for the background: what is killed there is the shell, not the command

# frames FILE [FILTER...]: each as one line of hexadecimal digits, sorted
frames() {
	tcpdump -ntr "$1" -xx "${@:2}" 2> /dev/null | awk '
		/^\t0x/ { sub(/^\t0x[0-9a-f]*:/, ""); gsub(/ /, ""); frame = frame $0; next }
		{ if (frame) print frame; frame = "" }
		END { if (frame) print frame }' | sort
}

# packets and bytes of such lines
sums() { awk '{ bytes += length($0) / 2 } END { print NR, bytes + 0 }'; }

# capture eth0 and DEVICE of the collector's namespace, to /tmp/near and /tmp/far, until captured
readers=()
capturing() { # DEVICE
	rm -f /tmp/near.out /tmp/far /tmp/far.out
	/mnt/capture -s eth0 /tmp/near > /tmp/near.out &
	readers=($!)
	ip netns exec col tcpdump -Uq -B 16384 -ni "$1" -w /tmp/far 2> /tmp/far.out &
	readers+=($!)
	wait_for 30 grep -q ready /tmp/near.out && wait_for 30 grep -q listening /tmp/far.out
}

# A ping of a size of its own, both ways, is the last to pass.
marked() { [ "$(tcpdump -nr /tmp/far 'icmp and ip[2:2] = 333' 2> /dev/null | wc -l)" -ge 2 ]; }
captured() {
	local seen=0
	in_ns peer ping -qc 1 -s 305 10.77.0.10 > /dev/null
	wait_for 20 marked || seen=1
	kill "${readers[@]}"
	wait "${readers[@]}"
	[ $seen = 0 ] || echo "the last ping did not come to the collector"
	return $seen
}

given_up() { ip neigh show 10.77.0.77 | grep -q FAILED; }

# Frames of every kind that the forms differ in, at most 1514 bytes: ARP, IPv4 and IPv6, fragments, both directions.
traffic() {
	in_ns peer ping -qc 20 -i 0.02 -s 100 10.77.0.10 &&
		in_ns peer ping -qc 10 -i 0.02 -s 1472 -M "do" 10.77.0.10 &&
		in_ns peer ping -qc 5 -i 0.02 -s 3000 10.77.0.10 &&
		in_ns peer ping -qc 10 -i 0.02 -s 1000 fd77::10 &&
		/mnt/numbered 10.77.0.20 5000 500 500 64
	ping -qc 1 -W 1 10.77.0.77 # nobody has that: ARP requests, until the kernel gives up
	wait_for 20 given_up
}

# transfer FROM TO ADDRESS: 1 MB of TCP, so super-packets, which have to arrive as the frames they are on the wire
transfer() {
	ip netns exec "$1" timeout 60 socat -u FILE:/tmp/blob TCP-LISTEN:5001,reuseaddr &
	wait_for 60 in_ns "$1" sh -c 'ss -Hlnt sport = :5001 | grep -q .'
	in_ns "$2" timeout 60 socat -u "TCP:$3:5001" OPEN:/dev/null || { echo "no TCP from $1 to $2"; ss -nti; false; }
	wait $!
}

bulk() {
	head -c 1000000 /dev/urandom > /tmp/blob
	transfer host peer 10.77.0.10 && transfer peer host 10.77.0.20
}
