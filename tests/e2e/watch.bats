#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Drops seen from outside: the views of `drops`, `watch` under a flood, and its captures, which
# tshark reads.
# shellcheck disable=SC2154 # run sets stderr, status and output

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10

setup_file() {
	net_up $FE4/24 $FE6/64
	net_static
}

teardown_file() {
	net_down
}

setup() {
	export PIN=$BPFFS/$TAG-watch HOOK=xdp-generic
	apply "$(site watched <<-SITE
		version: 1
		interfaces: [{name: out, hook: @HOOK@}]
		pools:
		  - {name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}
	SITE
	)"
}

teardown() {
	rolewall detach
}

# watch OPTIONS...: in the background until stop; it watches when this returns. Its output is in
# $WATCHED.out and .err, its process in $BACKGROUND.
watch() {
	WATCHED=$BATS_TEST_TMPDIR/watched
	nsenter --net="/run/netns/$TAG-gateway" -- "$ROLEWALL" watch --pin-dir "$PIN" "$@" \
		>"$WATCHED.out" 2>"$WATCHED.err" 3>&- &
	BACKGROUND=$!
	wait_for 10 grep -q 'watching, at most' "$WATCHED.err"
}

# ended: what it says at its end: drops seen, shown and lost.
ended() {
	stop "$BACKGROUND"
	sed -nE 's/.*watched ([0-9]+) drops: ([0-9]+) seen, ([0-9]+) shown, ([0-9]+) lost.*/\1 \2 \3 \4/p' "$WATCHED.err"
}

# scan FIRST LAST: a TCP SYN to each port.
scan() {
	in_ns clients nmap -n -Pn -sS --max-retries 0 --min-rate 2000 -p "$1-$2" "$FE4" >/dev/null
}

# flood PACKETS [PORT]: UDP datagrams to one port.
flood() {
	in_ns clients /usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[1])): s.sendto(b"x", (sys.argv[2], int(sys.argv[3])))' "$1" "$FE4" "${2-7777}"
}

dropped() {
	rolewall drops --json | jq '[.reasons[].packets] | add'
}

@test "drops says that nothing was dropped, under its header" {
	run -0 --separate-stderr rolewall drops --by port
	[[ ${lines[0]} == 'PROTOCOL PORT DROPPED' && ${lines[1]} == 'nothing was dropped'* ]]
	run -0 --separate-stderr rolewall drops
	[[ ${lines[0]} == 'VERDICT '* && ${lines[-1]} == 'nothing was dropped'* ]]
}

@test "after a scan each view tells of it, and the exact ones add up" {
	scan 2000 2400
	flood 3 7777
	total=$(dropped)
	((total >= 400))
	rolewall drops --by port --json | jq -e --argjson total "$total" '
		([.ports[].packets] | add) == $total and
		([.ports[] | select(.protocol == "udp" and .port == 7777)][0].packets) == 3 and
		any(.ports[]; .protocol == "tcp" and .port == 2222 and .packets == 1)'
	rolewall drops --by role-pair --json | jq -e --argjson total "$total" '
		([.role_pairs[].packets] | add) == $total and
		([.role_pairs[] | select(.source == "(unlisted)" and .destination == "front-end")][0].packets) >= 400'
	rolewall drops --by source --json | jq -e --arg client "$CLIENT4" '
		.sources[0].source == $client and .sources[0].at_least == .sources[0].packets'
	rolewall drops --by service --json | jq -e '
		any(.services[]; .port == 7777 and .protocol == "udp" and .destination == "front-end" and .packets == 3)'
	[[ $(rolewall drops --by port --top 1 --csv | tr -d '\r' | tail -n +2) == udp,7777,3 ]]
}

@test "bpftool names both ends of a role pair" {
	flood 5
	bpftool -j map dump pinned "$PIN/role_pairs" | jq -e '
		[.[].formatted.values[].value | select(.source == "(unlisted)" and .destination == "front-end")
			| .packets] | add == 5'
}

@test "drops --watch shows it again" {
	run -124 timeout 2.5 nsenter --net="/run/netns/$TAG-gateway" "$ROLEWALL" drops --pin-dir "$PIN" --watch 1
	(($(grep -c '^VERDICT' <<<"$output") >= 2))
}

@test "watch shows a drop with its reason, ends and roles" {
	watch --count 1 --proto udp
	flood 1 7777
	wait_for 5 grep -q port_not_in_matrix "$WATCHED.out"
	grep -qE "^[0-9:.]+ out port_not_in_matrix udp $CLIENT4:[0-9]+ \(unlisted\) -> $FE4:7777 front-end pool fe generation 1 length 43$" "$WATCHED.out"
	wait "$BACKGROUND"
	watch --json --port 7778 --role front-end
	flood 1 7777
	flood 1 7778
	wait_for 5 test -s "$WATCHED.out"
	jq -es --arg client "$CLIENT4" 'length == 1 and .[0].destination_port == 7778 and
		.[0].source == $client and .[0].destination_pool == "fe" and .[0].reason == "port_not_in_matrix"' "$WATCHED.out"
	stop "$BACKGROUND"
}

# That many more drops than BEFORE: what was sent has arrived.
dropped_more() {
	(($(dropped) - before >= $1))
}

@test "a flood cannot exceed the rate, and what it loses is told" {
	before=$(dropped)
	watch --rate 50
	flood 20000
	wait_for 10 dropped_more 20000
	wait_for 5 grep -q 'drops lost so far' "$WATCHED.err"
	read -r drops seen shown lost <<<"$(ended)"
	((drops == $(dropped) - before && drops >= 20000))
	((seen + lost == drops && seen == shown && shown == $(wc -l <"$WATCHED.out")))
	((shown > 0 && shown <= 50 * $(nproc) * 6))
}

@test "watch refuses pools and roles that no drop can have" {
	run -1 --separate-stderr rolewall watch --duration 1 --pool nonsense
	[[ -z $output && $stderr == *'watch --pool nonsense: no such pool; '* ]]
	for role in nonsense front mediation ''; do
		run -1 --separate-stderr rolewall watch --duration 1 --role "$role"
		[[ -z $output && $stderr == "rolewall: watch --role $role: no such role; accepted: (unlisted), (not read), front-end, (further)" ]]
	done
	watch --count 1 --role '(unlisted)'
	flood 1 7777
	wait "$BACKGROUND"
}

# How many drops were put into the ring for a watch.
sent() {
	rolewall drops --json >/dev/null # takes in what is pending
	bpftool -j map dump pinned "$PIN/tables" | jq '[.[].formatted.values[].value.events_sent] | add'
}

# A drop is put there no more. One packet a time stays below the rate of a watch.
nobody_watches() {
	local before
	before=$(sent)
	flood 1
	[[ $(sent) == "$before" ]]
}

@test "there is one watch at a time, and a killed one leaves nothing on" {
	watch
	first=$BACKGROUND
	run -1 --separate-stderr rolewall watch --duration 1
	[[ $stderr == *"another watch runs (process $first)"* ]]
	run ! nobody_watches
	kill -KILL "$first"
	wait_for 10 nobody_watches
	watch --count 1
	flood 1
	wait "$BACKGROUND"
}

@test "tshark reads a capture, with reasons and interfaces" {
	watch --write "$BATS_TEST_TMPDIR/drops.pcapng"
	flood 2 7777
	scan 2000 2000
	wait_for 5 grep -q ':2000 ' "$WATCHED.out"
	ended
	run -0 --separate-stderr tshark -r "$BATS_TEST_TMPDIR/drops.pcapng" -T fields \
		-e frame.interface_name -e frame.len -e udp.dstport -e frame.comment
	[[ ${lines[0]} == $'out\t43\t7777\tport_not_in_matrix: (unlisted) -> front-end, pool fe, generation 1, xdp' ]]
	[[ ${lines[2]} == $'out\t58\t\tport_not_in_matrix: '* ]]
	((${#lines[@]} == 3))
}

@test "a long frame keeps its length in the capture, and plain pcap is read too" {
	watch --write "$BATS_TEST_TMPDIR/drops.pcap"
	in_ns clients /usr/bin/python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x" * 1000, ("'"$FE4"'", 7777))'
	wait_for 5 grep -q ':7777 ' "$WATCHED.out"
	ended
	[[ $(tshark -r "$BATS_TEST_TMPDIR/drops.pcap" -T fields -e frame.len -e frame.cap_len 2>/dev/null) == $'1042\t128' ]]
}
