#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The units as installed, run by a real systemd in namespaces of its own: what they may, that they
# come back, and that nothing they do cuts traffic.

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10

setup_file() {
	net_up $FE4/24 $FE6/64
	export DEST=$NET_DIR/dest MANAGER MANAGER_PARENT
	make -s -C "$ROOT" install DESTDIR="$DEST" >&2
	serve servers --tcp 5061,2000 --udp 50000 "$FE4" "$FE6"
	cat >"$DEST/etc/rolewall/site.yaml" <<-END
		version: 1
		interfaces: [{name: out, side: outside}, {name: in, side: inside}]
		pools: [{name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}]
	END
	start_manager
}

# All that the manager started goes with it.
teardown_file() {
	[[ -z ${MANAGER-} ]] || kill -KILL "$MANAGER"
	wait "$MANAGER_PARENT" || true
	remove_cgroups
	net_down
}

# They are of the host's hierarchy, wherever that is mounted.
remove_cgroups() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount sh -c '
		mount -t cgroup2 cgroup2 "$1" && cd "$1" || exit
		deadline=$(($(date +%s) + 5))
		while [ -d "$2" ] && [ "$(date +%s)" -lt $deadline ]; do
			find "$2" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.05
		done' sh "$DEST" "$TAG"
}

# A systemd, whose process id is $MANAGER.
start_manager() {
	mkdir "$NET_DIR/var-lib"
	mkdir -m 0700 "$NET_DIR/var-lib/rolewall"
	background gateway unshare --mount "$ROOT/tests/e2e/manager.bash" "$DEST" "$TAG" "$NET_DIR/var-lib" \
		>"$NET_DIR/manager.log" 2>&1
	MANAGER_PARENT=$BACKGROUND
	wait_for 10 find_manager
	wait_for 20 is_active rolewall-agent
}

find_manager() {
	local child
	child=$(cat "/proc/$MANAGER_PARENT/task/$MANAGER_PARENT/children" 2>/dev/null) || return
	child=${child%% *}
	[[ -n $child && $(cat "/proc/$child/comm") == systemd ]] && MANAGER=$child
}

inside() {
	nsenter --target "$MANAGER" --mount --net --pid -- "$@"
}

is_active() { # UNIT
	[[ $(inside systemctl is-active "$1.service") == active ]]
}

property() { # UNIT NAME
	inside systemctl show --value --property "$2" "$1.service"
}

agent_pid() { # as the host has it
	pgrep --ns "$MANAGER" --nslist pid -x rolewall
}

rolewall() { # COMMAND...: as installed
	inside rolewall "$@"
}

@test "systemd-analyze finds nothing wrong, and no more exposed than the page says" {
	units=$DEST/usr/local/lib/systemd/system
	for unit in rolewall rolewall-agent; do
		# where the file names what is not installed on this host
		sed "s|/usr/local|$DEST/usr/local|" "$units/$unit.service" >"$BATS_TEST_TMPDIR/$unit.service"
	done
	run -0 systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/rolewall.service" \
		"$BATS_TEST_TMPDIR/rolewall-agent.service"
	[[ -z $output ]]
	for unit in rolewall rolewall-agent; do
		said=$(sed -nE "s/^\| \`$unit\.service\` \| ([0-9.]+) .*/\1/p" "$ROOT/docs/boot.md")
		run -0 systemd-analyze security --offline=true --no-pager "$BATS_TEST_TMPDIR/$unit.service"
		[[ $output =~ 'Overall exposure level for '$unit'.service: '([0-9.]+) ]]
		awk -v is="${BASH_REMATCH[1]}" -v said="$said" 'BEGIN { exit !(said != "" && is <= said) }'
	done
}

@test "installed pages link to what is installed" {
	cd "$DEST/usr/local/share/doc/rolewall"
	links=$(grep -oHP '\]\(\K(?!https?:)[^)#]+' ./*.md)
	(($(wc -l <<<"$links") > 100))
	while IFS=: read -r page target; do
		[[ -e $target ]] || echo "$page: $target is not there"
	done <<<"$links" | tee "$BATS_TEST_TMPDIR/dead"
	[[ ! -s $BATS_TEST_TMPDIR/dead ]]
}

@test "booted by systemd: enforced, two capabilities, a filter on system calls" {
	[[ $(property rolewall Result) == success ]]
	[[ $(property rolewall ActiveState) == active ]]
	condition out filtered
	condition in filtered
	passes_tcp "$FE4" 5061
	passes_udp "$FE6" 50000
	silent_tcp "$FE4" 2000
	agent=$(agent_pid)
	for line in 'CapInh:	0000000000000000' 'CapPrm:	0000008000001000' 'CapEff:	0000008000001000' \
		'CapBnd:	000000c000001000' 'CapAmb:	0000000000000000' 'NoNewPrivs:	1' 'Seccomp:	2'; do
		grep -qx "$line" "/proc/$agent/status"
	done
	# each of them by itself, and where the manager could write
	for path in /etc /var/lib/rolewall /sys; do
		inside test -w "$path"
		run ! nsenter --target "$agent" --mount test -w "$path"
	done
	run ! nsenter --target "$agent" --mount test -w /proc/sys
	[[ $(<"$NET_DIR/var-lib/rolewall/current") == '1 '* ]] # the boot may write there
	# the agent's own, where no command has turned the backstop on
	inside rolewall detach
	inside rolewall apply
	going_down() { [[ $(inside rolewall backstop status --json | jq .going_down) == "$(has_netfilter_programs)" ]]; }
	wait_for 5 going_down
}

is_older_than() { # SECONDS
	local started now
	started=$(property rolewall-agent ExecMainStartTimestampMonotonic)
	read -r now _ </proc/uptime
	((10#${now/./} / 100 - started / 1000000 > $1))
}

@test "the agent does all of its work under its unit's restrictions" {
	remake_out
	wait_for 5 condition out filtered
	silent_tcp "$FE4" 2000
	metrics() { in_ns gateway curl -sS --max-time 5 http://127.0.0.1:9588/metrics; }
	metrics | grep -qx 'rolewall_agent_reattached_total 1'
	metrics | grep -q '^rolewall_dropped_packets_total{reason="port_not_in_matrix"} [1-9]'
	[[ $(property rolewall-agent StatusText) == 'Generation 1, 2 of 2 interfaces filtered' ]]
	# what holds back while nothing is attached is put back
	in_ns gateway nft flush ruleset
	wait_for 5 in_ns gateway nft list table inet rolewall
	# taken off and loaded again: another directory of pins
	inside rolewall detach
	inside rolewall apply
	remake_out
	wait_for 5 condition out filtered
	# and shows life: its watchdog has one second
	wait_for 5 is_older_than 3
	restarts_are 0
}

restarts_are() { # NUMBER
	[[ $(property rolewall-agent NRestarts) == "$1" && $(property rolewall-agent ActiveState) == active ]]
}

@test "killed or stuck, the agent comes back; stopped, everything stays in force" {
	kill -KILL "$(agent_pid)"
	wait_for 10 restarts_are 1
	kill -STOP "$(agent_pid)"
	wait_for 20 restarts_are 2
	remake_out
	wait_for 5 condition out filtered
	generation=$(inside rolewall status --json | jq .generation)
	inside systemctl restart rolewall
	inside systemctl stop rolewall-agent rolewall
	[[ $(inside rolewall status --json | jq .generation) == "$generation" ]]
	passes_tcp "$FE4" 5061
	silent_tcp "$FE4" 2000
}
