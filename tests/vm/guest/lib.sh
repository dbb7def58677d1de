# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What the guest's scripts share: checks, waiting, asking the daemons, traffic that is counted.

PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
# shellcheck disable=SC2034 # the parts use it
tunnel='host 10.77.0.99' # on eth0: the tunnel's own packets, in every form; production does not talk to the collector

# ---- checks ------------------------------------------------------------------------------------------------------

note() { echo "NOTE [$SECONDS s] $*"; }

# Nothing waits for ever: what is being done, and until when, is in a file that the guard reads.
limit=500
doing() { echo "$((SECONDS + limit)) $*" > /run/vm-tests-doing; }
guard() {
	local until what
	doing "nothing yet"
	while sleep 5; do
		read -r until what < /run/vm-tests-doing || continue
		[ "$SECONDS" -gt "$until" ] || continue
		echo "FAIL [$SECONDS s] $what: no end after $limit s"
		# shellcheck disable=SC2009 # of all processes, all but the kernel's
		ps -eo pid,ppid,stat,wchan:20,etimes,args --forest | grep -v '\]$' | sed 's/^/     | /'
		systemctl stop --no-block vm-tests
		return
	done
}

check() { # WHAT COMMAND...
	local what=$1 at=$SECONDS
	shift
	doing "$what"
	if "$@" > /tmp/out 2>&1; then
		echo "PASS [$SECONDS s, $((SECONDS - at))] $what"
	else
		echo "FAIL [$SECONDS s, $((SECONDS - at))] $what: $(tail -n 1 /tmp/out)"
		sed 's/^/     | /' /tmp/out | tail -n 20
		journalctl -qn 20 -o short-monotonic -u 'vtap-*' | sed 's/^/     > /'
	fi
	doing "what comes after \"$what\""
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
	for unit; do # one by one: of two, systemctl is content with either
		if ! systemctl -q is-active "$unit.service" || ! systemctl -q is-active "$unit.socket"; then
			systemctl status "$unit"
			return 1
		fi
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

# frames FILE [FILTER...]: each as one line of hexadecimal digits
frames() {
	tcpdump -ntr "$1" -xx "${@:2}" 2> /dev/null | awk '
		/^\t0x/ { sub(/^\t0x[0-9a-f]*:/, ""); gsub(/ /, ""); frame = frame $0; next }
		{ if (frame) print frame; frame = "" }
		END { if (frame) print frame }'
}

no_macs=000000000000000000000000
without_macs() { sed "s/^.\{24\}/$no_macs/"; }

# Packets without Ethernet header, like these: libpcap gives them a header of 16 bytes, or none if the device takes part in
# all tunnels, and then ARP has nothing that says so
of_layer_3() {
	if grep -q 'link-type RAW' /tmp/far.out; then
		awk -v macs=$no_macs '{ print macs (/^4/ ? "0800" : /^6/ ? "86dd" : "0806") $0 }'
	else
		sed "s/^.\{28\}/$no_macs/"
	fi
}

# What method "tee" leaves alone of an IP packet: all but MAC addresses, padding, TTL, DF and the header's checksum
teed() {
	awk -v macs=$no_macs '
		function number(text, n, i) {
			for (i = 1; i <= length(text); i++)
				n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
			return n
		}
		{ type = substr($0, 25, 4); ip = substr($0, 29) }
		type == "0800" {
			flags = substr("0123012389ab89ab", number(substr(ip, 13, 1)) + 1, 1) # DF is 4 of them
			ip = substr(ip, 1, 12) flags substr(ip, 14, 3) "00" substr(ip, 19, 2) "0000" \
				substr(ip, 25, 2 * number(substr(ip, 5, 4)) - 24)
		}
		type == "86dd" { ip = substr(ip, 1, 14) "00" substr(ip, 17, 2 * number(substr(ip, 9, 4)) + 64) }
		{ print macs type ip }'
}

# packets and bytes of such lines, without so many of each
sums() { awk -v less="$1" '{ bytes += length($0) / 2 - less } END { print NR, bytes + 0 }'; }

# capture eth0 and DEVICE of the collector's namespace, to /tmp/near and /tmp/far, until captured
readers=()
capturing() { # DEVICE
	rm -f /tmp/near /tmp/near.out /tmp/far /tmp/far.out
	/mnt/capture -s eth0 /tmp/near > /tmp/near.out &
	readers=($!)
	ip netns exec col tcpdump -Uq -B 16384 -ni "$1" -w /tmp/far 2> /tmp/far.out &
	readers+=($!)
	wait_for 60 grep -q ready /tmp/near.out && wait_for 60 grep -q listening /tmp/far.out
}

# A ping of a size of its own, both ways, is the last to pass.
marked() { [ "$(tcpdump -nr /tmp/far 'icmp and ip[2:2] = 333' 2> /dev/null | wc -l)" -ge 2 ]; }
captured() {
	local seen=0
	in_ns peer ping -qc 1 -s 305 10.77.0.10 > /dev/null
	wait_for 60 marked || seen=1
	kill "${readers[@]}"
	wait "${readers[@]}"
	[ $seen = 0 ] || echo "the last ping did not come to the collector"
	return $seen
}

given_up() { ip -n "$1" neigh show "$2" | grep -q FAILED; }

# Frames that all forms copy, at most 1514 bytes: IPv4 and IPv6, fragments that come in, both directions
# shellcheck disable=SC2034 # the parts use it
layer_3='ip or ip6'
traffic_for_tee() {
	in_ns peer ping -qc 20 -i 0.02 -s 100 10.77.0.10 &&
		in_ns peer ping -qc 10 -i 0.02 -s 1472 -M "do" 10.77.0.10 &&
		in_ns peer ping -qc 10 -i 0.02 -s 1000 fd77::10 &&
		in_ns peer /mnt/numbered 10.77.0.10 5000 10 100 3000 &&
		/mnt/numbered 10.77.0.20 5000 500 500 64
}

# And those that method "tee" shows in another way, or not: fragments that leave, ARP that nobody answers, until the kernel
# gives up
traffic() {
	traffic_for_tee && in_ns peer ping -qc 5 -i 0.02 -s 3000 10.77.0.10 || return 1
	ping -qc 1 -W 1 10.77.0.77
	in_ns peer ping -qc 1 -W 1 10.77.0.78
	wait_for 60 given_up host 10.77.0.77 && wait_for 60 given_up peer 10.77.0.78
}

# transfer FROM TO ADDRESS: a file by TCP, so super-packets, which have to arrive as the frames they are on the wire
transfer() {
	ip netns exec "$1" timeout 60 socat -u FILE:/tmp/blob TCP6-LISTEN:5001,reuseaddr &
	wait_for 60 in_ns "$1" sh -c 'ss -Hlnt sport = :5001 | grep -q .'
	in_ns "$2" timeout 60 socat -u "TCP:$3:5001" OPEN:/dev/null || { echo "no TCP from $1 to $2"; ss -nti; false; }
	wait $!
}

bulk() {
	head -c 300000 /dev/urandom > /tmp/blob
	transfer host peer 10.77.0.10 && transfer peer host 10.77.0.20
}
