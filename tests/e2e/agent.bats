#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# rolewall agent: attaches again, tells what is wrong, changes nothing else, may do little.
# shellcheck disable=SC2030,SC2031 # every test is a shell of its own

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
PORT=9587

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64
	PIN=$BPFFS/$TAG-agent
	serve servers --tcp 5061,2000 --udp 50000,2000 "$FE4" "$FE6"
}

setup() {
	SITE=$(site agent <<-END
		version: 1
		interfaces:
		  - {name: out, side: outside}
		  - {name: in, side: inside}
		pools:
		  - {name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}
	END
	)
}

teardown() {
	stop_agent
	rolewall detach 2>/dev/null || true
}

teardown_file() {
	net_down
}

metric() { # NAME
	in_ns gateway curl -sS --max-time 5 "http://127.0.0.1:$PORT/metrics" |
		/usr/bin/python3 "$BATS_TEST_DIRNAME/metrics.py" | jq --arg name "$1" '.[$name]'
}

is_metric() { # NAME VALUE
	(($(metric "$1") == $2))
}

@test "it keeps two capabilities, for good" {
	start_agent
	for set in 'CapInh:	0000000000000000' 'CapPrm:	0000008000001000' 'CapEff:	0000008000001000' \
		'CapBnd:	0000008000001000' 'CapAmb:	0000000000000000' 'NoNewPrivs:	1'; do
		grep -qx "$set" "/proc/$AGENT/status"
	done
}

@test "it waits while nothing is loaded, makes nothing, and sees the first apply" {
	start_agent
	[[ ! -e $PIN ]]
	apply "$SITE"
	wait_for 5 said 'generation 1 is in force, interfaces: 2'
	rolewall detach
	wait_for 5 said 'nothing is in force any more'
	[[ ! -e $PIN ]]
}

@test "an interface that is deleted and made again is filtered again, side and all" {
	apply "$SITE"
	start_agent
	before=$(xdp_id out)
	remake_out
	wait_for 5 condition out filtered
	[[ $(xdp_id out) == "$before" ]]
	[[ $(rolewall status --json | jq -r '.interfaces[] | select(.name == "out") | .side') == outside ]]
	passes_tcp "$FE4" 5061
	passes_udp "$FE6" 50000
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
	# outside: a guarded source is spoofed there
	ns_address clients eth0 10.77.2.99/32
	sed 's/\[10.77.2.10,/[10.77.2.10, 10.77.2.99,/' "$SITE" >"$SITE.two"
	apply "$SITE.two"
	drops_one spoofed silent_udp "$FE4" 50000 --source 10.77.2.99
	remake_out
	ns_address clients eth0 10.77.2.99/32
	wait_for 5 condition out filtered
	drops_one spoofed silent_udp "$FE4" 50000 --source 10.77.2.99
	[[ $(rolewall status --json | jq .generation) == 2 ]]
	said 'out: attached again'
}

@test "an agent that comes later finds what is missing" {
	apply "$SITE"
	remake_out
	condition out unfiltered
	start_agent
	condition out filtered
}

@test "served metrics: the instance's and the agent's own" {
	apply "$SITE"
	start_agent --metrics $PORT
	remake_out
	wait_for 5 condition out filtered
	silent_tcp "$FE4" 2000
	(($(metric rolewall_agent_reattached_total) == 1))
	(($(metric rolewall_agent_loaded) == 1))
	wait_for 5 is_metric 'rolewall_dropped_packets_total{reason=port_not_in_matrix}' 1
	run -0 in_ns gateway curl -sS -o /dev/null -w '%{http_code} %{content_type}' \
		-H 'Accept: application/openmetrics-text' "http://127.0.0.1:$PORT/metrics"
	[[ $output == '200 application/openmetrics-text; version=1.0.0; charset=utf-8' ]]
	[[ $(in_ns gateway curl -sS -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT/") == 404 ]]
	[[ $(in_ns gateway curl -sS -o /dev/null -w '%{http_code}' -X PUT "http://127.0.0.1:$PORT/metrics") == 405 ]]
	run -7 in_ns gateway curl -sS "http://10.77.1.1:$PORT/metrics"
	# many clients that say nothing do not keep the agent from its work
	for _ in {1..40}; do
		in_ns gateway bash -c "exec 7<>/dev/tcp/127.0.0.1/$PORT; read -r -t 3 <&7" 3>&- &
	done
	remake_out
	wait_for 5 condition out filtered
	wait_for 10 is_metric rolewall_agent_reattached_total 2
	rolewall detach
	wait_for 5 is_metric rolewall_agent_loaded 0
}

@test "addresses to serve on that are none, or taken" {
	for where in '' 0 65536 x 127.0.0.1: :80 127.0.0.1:x ::1:80 '[::1]' host:80; do
		run -2 rolewall agent --metrics "$where"
		[[ $output == *"is no address to listen on; accepted: PORT"* ]]
	done
	start_agent --metrics "[::1]:$PORT"
	in_ns gateway curl -sS "http://[::1]:$PORT/metrics" | grep -q rolewall_agent_loaded
	run -1 rolewall agent --metrics "[::1]:$PORT"
	[[ $output == *"cannot listen on [::1]:$PORT: Address already in use"* ]]
}

@test "a program that somebody takes off is put back, loudly" {
	apply "$SITE"
	start_agent
	bpftool link detach pinned "$PIN/links/out@xdp-native"
	wait_for 5 said 'out: somebody took our program off'
	wait_for 5 condition out filtered
	rm "$PIN/links/in@xdp-native"
	wait_for 5 said 'in: somebody took our program off'
	wait_for 5 condition in filtered
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "renamed, missing, back: told once each" {
	apply "$SITE"
	start_agent
	ip -n "$TAG-gateway" link set in down
	ip -n "$TAG-gateway" link set in name moved
	wait_for 5 said 'in: filtered, but has another name now: moved'
	ip -n "$TAG-gateway" link set moved name in
	wait_for 5 said 'in: filtered by xdp-native'
	ip -n "$TAG-gateway" link delete out
	wait_for 5 said 'out: there is no such interface'
	ip link add eth0 netns "$TAG-clients" type veth peer name out netns "$TAG-gateway"
	wait_for 5 condition out filtered
	ip -n "$TAG-gateway" link set in up
	ns_address gateway in fd77:2::1/64
	sleep_until_next_look
	(($(grep -c 'there is no such interface' "$LOG") == 1))
	(($(grep -c 'another name now' "$LOG") == 1))
	remake_out
}

is_later() { # EPOCH
	(($(rolewall status --json | jq .seconds) >= $1))
}

# Until the agent has looked twice: it marks nothing, but time does.
sleep_until_next_look() {
	local epoch
	epoch=$(rolewall status --json | jq .seconds)
	wait_for 10 is_later "$((epoch + 3))"
}

@test "somebody else's program on an interface that came back is left alone, and told" {
	apply "$SITE"
	start_agent
	ip -n "$TAG-gateway" link delete out
	wait_for 5 said 'out: there is no such interface'
	ip link add eth0 netns "$TAG-clients" type veth peer name other netns "$TAG-gateway"
	ip -n "$TAG-gateway" link set dev other xdpdrv obj "$ROOT/build/e2e/sink.bpf.o" sec xdp
	foreign=$(xdp_id other)
	ip -n "$TAG-gateway" link set other name out
	wait_for 5 said 'out: NOT FILTERED'
	wait_for 5 said 'another XDP program'
	[[ $(xdp_id out) == "$foreign" ]]
	condition out unfiltered
	ip -n "$TAG-gateway" link set dev out xdpdrv off
	stop_agent
	start_agent
	condition out filtered
	remake_out
}

@test "a change under way has precedence, and is followed" {
	apply "$SITE"
	start_agent
	exec 9<"$PIN"
	flock 9
	remake_out
	wait_for 5 said 'out: NOT FILTERED'
	condition out unfiltered
	exec 9<&-
	wait_for 5 condition out filtered
}

@test "SIGTERM ends it at once and takes nothing off" {
	apply "$SITE"
	start_agent
	id=$(xdp_id out)
	kill "$AGENT"
	wait "$AGENT"
	AGENT=
	[[ $(xdp_id out) == "$id" ]]
	drops_one port_not_in_matrix silent_tcp "$FE4" 2000
}

@test "the service manager hears that it is ready, how it is, and that it lives" {
	apply "$SITE"
	socket=$BATS_TEST_TMPDIR/notify
	/usr/bin/python3 - "$socket" >"$BATS_TEST_TMPDIR/heard" 3>&- <<-'END' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		while True:
		    print(s.recv(4096).decode(), flush=True)
	END
	listener=$!
	wait_for 5 test -S "$socket"
	NOTIFY_SOCKET=$socket WATCHDOG_USEC=600000 start_agent
	heard() { grep -q "$1" "$BATS_TEST_TMPDIR/heard"; }
	wait_for 5 heard '^READY=1$'
	wait_for 5 heard '^STATUS=Generation 1, 2 of 2 interfaces filtered$'
	alive() { (($(grep -c '^WATCHDOG=1$' "$BATS_TEST_TMPDIR/heard") >= 3)); }
	wait_for 5 alive
	ip -n "$TAG-gateway" link delete out
	wait_for 5 heard '^STATUS=Generation 1, 1 of 2 interfaces filtered; out missing$'
	kill "$AGENT"
	wait_for 5 heard '^STOPPING=1$'
	stop "$listener"
	make_out
}
