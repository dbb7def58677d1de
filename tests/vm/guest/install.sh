# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=bash
# What somebody meets who only knows "apt install" and "systemctl enable --now".

apt_install() { DEBIAN_FRONTEND=noninteractive apt-get -qqy install "$@"; }

check "apt install" apt_install /mnt/1/*.deb
check "nothing is enabled by that" is "$(systemctl is-enabled vtap-{client,collector}.{service,socket} | sort -u)" disabled
check "nothing is started by that" is "$(systemctl is-active vtap-{client,collector}.{service,socket} | sort -u)" inactive
check "the samples are conffiles" is "$(dpkg-query -Wf '${Conffiles}\n' vtap-client vtap-collector | awk '{ print $1 }' | xargs)" \
	"/etc/vtap/client.conf /etc/vtap/collector.conf"
check "user vtap has no shell" is "$(getent passwd vtap | cut -d: -f7)" /usr/sbin/nologin

check "the client starts with the sample" systemctl start vtap-client
check "and says what to edit" has "$(systemctl status vtap-client)" "nothing to mirror: edit /etc/vtap/client.conf"
check "and touched nothing" is "$(ip -o link | grep -c vtap) $(tc qdisc | grep -c clsact)" "0 0"
systemctl stop vtap-client

# the lab, now and at every boot; the client does not wait for it
install -m 755 /mnt/lab /usr/local/sbin/lab
cat > /etc/systemd/system/lab.service <<'X'
[Unit]
Before=vtap-collector.service
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/lab
RemainAfterExit=yes
[Install]
WantedBy=multi-user.target
X
mkdir -p /etc/systemd/system/vtap-collector.service.d
printf '[Unit]\nRequires=lab.service\n[Service]\nNetworkNamespacePath=/run/netns/col\n' > /etc/systemd/system/vtap-collector.service.d/netns.conf
systemctl daemon-reload
check "lab" systemctl enable --now lab

sed -i 's/^#\(collector "soc".*\)192\.0\.2\.10/\110.77.0.99/' /etc/vtap/client.conf
check "one line of the sample was edited" is "$(grep -c '^[^#]' /etc/vtap/client.conf)" 1
check "enable --now" systemctl enable --now vtap-client vtap-collector
check "both are up" all_active
check "all is mirrored" wait_for 60 all_ok
check "systemctl status says so" has "$(systemctl status vtap-client)" "2 of 2 streams mirrored"
check "and the collector's" has "$(systemctl status vtap-collector)" "vtap0 is open"

# ---- the sandbox ---------------------------------------------------------------------------------------------------

as_nobody() { setpriv --reuid 65534 --regid 65534 "$@"; }
of_process() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$(property "$1" MainPID)/status"; }
inside() { nsenter -t "$(property "$1" MainPID)" -m -- "${@:2}"; }
not() { ! "$@"; }

for unit in "${both[@]}"; do
	check "$unit: runs as user vtap" is "$(of_process "$unit" Uid)" "$(id -u vtap)"
	check "$unit: cannot gain privileges" is "$(of_process "$unit" NoNewPrivs) $(of_process "$unit" Seccomp)" "1 2"
	check "$unit: the file system is read-only" not inside "$unit" touch /etc/vtap/x /var/x /usr/x
	check "$unit: kernel tunables are read-only but for the network's" not inside "$unit" sh -c 'echo 1 > /proc/sys/kernel/panic'
	check "$unit: no devices" not inside "$unit" test -e /dev/vda
	check "$unit: exposure at most 2.0" systemd-analyze security --offline=false --threshold=20 "$unit".service
done
net_admin=$((1 << 12)) perfmon_bpf=$((3 << 38))
for unit in "${both[@]}"; do
	check "$unit: CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON" is $((0x$(of_process $unit CapEff))) $((net_admin | perfmon_bpf))
	check "$unit: and no more to get" is $((0x$(of_process $unit CapBnd))) $((net_admin | perfmon_bpf))
done
check "the tunnel has no IPv6" is "$(sysctl -n net.ipv6.conf.vtap-soc.disable_ipv6)" 1
check "nor has the endpoint" is "$(in_ns col sysctl -n net.ipv6.conf.vtap0.disable_ipv6)" 1
check "group vtap may ask" as_nobody --groups "$(getent group vtap | cut -d: -f3)" vtapstat client
check "others may not" has "$(as_nobody --clear-groups vtapstat client 2>&1)" 'Permission denied'
check "others may not read the state" is "$(find /run/vtap -type f -perm /077)" ""
check "no messages of the sandbox's" is "$(journalctl -qo cat -u 'vtap-*' | grep -ci 'read-only file system\|not permitted\|permission denied')" 0
