#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# manager.bash DESTDIR CGROUP STATE: becomes a systemd as process 1 of namespaces of its own, with
# what `make install DESTDIR=` has installed in its places, a bpffs of its own, and nothing else to
# do than the units of rolewall. Its network is the caller's. STATE is what /var/lib has in it.
set -euo pipefail

if [[ ${4-} != inside ]]; then
	# Its cgroups are below one of ours, which can be removed.
	mount --make-rprivate /
	umount -R /sys/fs/cgroup 2>/dev/null || true
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mkdir -p "/sys/fs/cgroup/$2"
	echo $$ >"/sys/fs/cgroup/$2/cgroup.procs"
	exec unshare --pid --mount --ipc --uts --cgroup --fork --kill-child -- "$0" "$@" inside
fi

destdir=$1
state=$3
mount -t proc proc /proc
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
umount -R /sys/fs/bpf 2>/dev/null || true
mount -t bpf bpf /sys/fs/bpf
mount --bind "$destdir/usr/local" /usr/local
mount --bind "$state" /var/lib
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system/check.target.wants /run/etc /run/work /run/lock
mount -t overlay overlay -o "lowerdir=$destdir/etc:/etc,upperdir=/run/etc,workdir=/run/work" /etc
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /var/tmp
# Nothing of the host's is for this one.
mount -o remount,bind,ro /
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
cat >/run/systemd/system/check.target <<-END
	[Unit]
	DefaultDependencies=no
END
for unit in rolewall rolewall-agent; do
	ln -s "/usr/local/lib/systemd/system/$unit.service" /run/systemd/system/check.target.wants/
done
# 30 seconds are long for a test; what is served is off by default.
mkdir -p /run/systemd/system/rolewall-agent.service.d
cat >/run/systemd/system/rolewall-agent.service.d/test.conf <<-END
	[Service]
	WatchdogSec=1
	Environment="AGENT_OPTIONS=--backstop --metrics 9588"
END
unset NOTIFY_SOCKET ROLEWALL_STATE_DIR
exec env container=test /lib/systemd/systemd --system --unit=check.target --show-status=0 \
	--log-target=null --crash-reboot=0
