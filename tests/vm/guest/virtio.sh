# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# The express lane over the machine's own interface, as a cloud has it: it is left to cut what it sends and to fill in
# checksums, and what it receives was left so by others. Production, its peer and the collector have one each, MTU 1500.

systemctl -q stop vtap-{client,collector}.{socket,service}
check "virtio: three interfaces in the place of the lab's" /usr/local/sbin/lab virtio
check "virtio: it is virtio's" has "$(ethtool -i eth0)" 'driver: virtio_net'
for offload in tcp-segmentation-offload tx-tcp6-segmentation tx-checksumming; do
	check "virtio: $offload" has "$(ethtool -k eth0)" "$offload: on"
done
in_ns col ethtool -K eth0 gro off # what is captured there is what was on the wire

echo 'collector "soc" { address = "10.77.0.99" }
mirror "eth0" { }' > /etc/vtap/client.conf
: > /etc/vtap/collector.conf
lane() { client ".collectors[0].express.$1"; }
on_the_lane() { all_ok && [ "$(lane state)" = on ]; }
check "virtio: put to work" systemctl start vtap-collector vtap-client
check "virtio: the lane is on" wait_for 60 on_the_lane

# streams FILE: each direction of each TCP connection that has data, put together, as one line of hexadecimal digits
streams() {
	frames "$1" tcp | awk '
		function number(text, n, i) {
			for (i = 1; i <= length(text); i++)
				n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
			return n
		}
		{
			ip6 = substr($0, 25, 4) == "86dd"
			ip = 29
			tcp = ip + (ip6 ? 80 : 8 * number(substr($0, ip + 1, 1)))
			end = ip + 2 * number(substr($0, ip + (ip6 ? 8 : 4), 4)) + (ip6 ? 80 : 0)
			flow = substr($0, ip + (ip6 ? 16 : 24), ip6 ? 64 : 16) substr($0, tcp, 8)
			data = tcp + 8 * number(substr($0, tcp + 24, 1))
			sequence = number(substr($0, tcp + 8, 8))
			if (int(number(substr($0, tcp + 26, 2)) / 2) % 2)
				first[flow] = sequence + 1
			else if (end > data)
				printf "%s %.0f %s\n", flow, (sequence - first[flow] + 4294967296) % 4294967296,
					substr($0, data, end - data)
		}' | sort -s -k 1,1 -k 2,2n | awk '
		$1 != flow { if (flow) print ""; flow = $1; size = 0 }
		2 * $2 > size { print " missing"; exit }
		2 * $2 + length($3) > size {
			printf "%s", substr($3, size - 2 * $2 + 1)
			size = 2 * $2 + length($3)
		}
		END { if (flow) print "" }'
}

# and datagrams of a socket: small frames whose checksums are left to the interface
load() {
	/mnt/numbered 10.77.0.20 5000 500 500 64 &&
	transfer host peer 10.77.0.10 && transfer peer host 10.77.0.20 &&
		transfer host peer '[fd77::10]' && transfer peer host '[fd77::20]'
}
stream_through() {
	local result=0 outer
	head -c 300000 /dev/urandom > /tmp/blob
	capturing vtap0 || return 1
	ip netns exec col tcpdump -Uq -s 64 -B 16384 -ni eth0 -w /tmp/outer src host 10.77.0.10 2> /tmp/outer.out &
	outer=$!
	wait_for 60 grep -q listening /tmp/outer.out && load || result=1
	captured || result=1
	kill $outer
	wait $outer
	return $result
}
expected() {
	local hex
	hex=$(od -An -v -tx1 /tmp/blob | tr -d ' \n')
	printf '%s\n' "$hex" "$hex" "$hex" "$hex"
}
whole_streams() { expected > /tmp/near.streams && streams /tmp/far > /tmp/far.streams && cmp /tmp/{near,far}.streams; }
captured_of() { frames "$@" | wc -l; } # FILE FILTER
counts_agree() { is "$(mirrored)" "$(accepted)"; }

check "virtio: four streams of 300 kB" stream_through
check "virtio: they arrive whole" whole_streams
# all frames of TCP and UDP: the kernel writes a TCP checksum of zero as ffff
bad_checksums() {
	tcpdump -nvvr /tmp/far 'tcp or udp' 2> /dev/null | grep -E 'incorrect|bad udp' |
		grep -vc 'cksum 0xffff (incorrect -> 0x0000)'
}
check "virtio: with their checksums" is "$(bad_checksums)" 0
check "virtio: the kernel fills them in on the lane" is "$(lane passed.checksum)" 0
check "virtio: by the lane" at_least "$(lane packets)" 500
check "virtio: in segments that fit" at_least "$(lane resegmented)" 300
# a full segment that TCP sent by itself cannot be cut: it, and nothing else, is fragmented
check "virtio: no other fragment" is "$(captured_of /tmp/outer 'ip[6:2] & 0x3fff != 0')" \
	"$((2 * $(captured_of /tmp/far 'greater 1465')))"
check "virtio: nothing that the network could not carry" is "$(captured_of /tmp/outer 'greater 1515')" 0
check "virtio: client and collector count the same" wait_for 60 counts_agree
check "virtio: nothing was lost on the way" is "$(client '.collectors[0].tx_packets')" \
	"$(collector '.endpoints[0].rx_packets')"
check "virtio: nothing was dropped" is "$(lane dropped.unfinished) $(client '.collectors[0] | .tx_dropped + .tx_errors')" "0 0"
note "virtio: $(client '.collectors[0].express | tostring')"
systemctl -q stop vtap-{client,collector}.{socket,service}
