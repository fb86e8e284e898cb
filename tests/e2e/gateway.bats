#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The real thing: clients, a gateway and servers in namespaces, real connections through the
# attached program. gateway-HOOK.bats are links to this file and run the same tests on that hook.

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
DIRECTOR4=10.77.2.20 DIRECTOR6=fd77:2::20
OTHER4=10.77.2.99 OTHER6=fd77:2::99 # in no pool

HOOK=${BATS_TEST_FILENAME##*/gateway}
HOOK=${HOOK#-}
HOOK=${HOOK%.bats}
HOOK=${HOOK#.bats}
HOOK=${HOOK:-xdp-native}

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64 $DIRECTOR4/24 $DIRECTOR6/64 $OTHER4/24 $OTHER6/64
	PIN=$BPFFS/$TAG-gateway
	serve servers --tcp 5060,5061,444,2000 --udp 1434,50000,2000 \
		"$FE4" "$FE6" "$DIRECTOR4" "$DIRECTOR6" "$OTHER4" "$OTHER6"
	serve clients --tcp 8080 --udp 8080 "$CLIENT4" "$CLIENT6"
}

teardown_file() {
	rolewall detach || true
	net_down
}

# The instance stays from test to test, as on a real gateway; each test applies the site it needs.
setup() {
	[[ $HOOK != tc ]] || ! kernel_before 6.6 || skip 'hook tc needs Linux 6.6'
	SITE=$(site_with)
}

# site_with [LINE...]: the usual two pools, with further lines at the top level.
site_with() {
	{
		cat <<-END
			version: 1
			interfaces:
			  - {name: out, side: outside, hook: @HOOK@}
			  - {name: in, side: inside, hook: @HOOK@}
			pools:
			  - {name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}
			  - {name: director, roles: [director], addresses: [$DIRECTOR4, "$DIRECTOR6"]}
		END
		printf '%s\n' "$@"
	} | site "site$#"
}

program_is_gone() {
	! bpftool prog show id "$1" >/dev/null 2>&1
}

ping_once() { # NAME ADDRESS
	in_ns "$1" ping -c 1 -W 1 "$2" >/dev/null
}

@test "$HOOK: status names the hook on both interfaces" {
	apply "$SITE"
	run -0 rolewall status --json
	jq -e --arg hook "$HOOK" '.mode == "enforce" and
		(.interfaces | map(.name) | sort) == ["in", "out"] and
		(.interfaces | all(.hook == $hook))' <<<"$output"
}

@test "$HOOK: an open row's port passes, TCP and UDP, IPv4 and IPv6" {
	apply "$SITE"
	for address in "$FE4" "$FE6" "$DIRECTOR4" "$DIRECTOR6"; do
		passes_by matrix passes_tcp "$address" 5061
		passes_by matrix passes_tcp "$address" 444
		passes_by matrix passes_udp "$address" 1434
		passes_by matrix passes_udp "$address" 50000
	done
}

@test "$HOOK: a shut port drops, once per packet, under its reason" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		drops_one port_not_in_matrix silent_tcp "$address" 2000
		drops_one port_not_in_matrix silent_udp "$address" 2000
	done
}

@test "$HOOK: each role has its own ports" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		passes_by matrix expect refused traffic clients tcp "$address" 135
	done
	for address in "$DIRECTOR4" "$DIRECTOR6"; do
		drops_one port_not_in_matrix silent_tcp "$address" 135
	done
}

@test "$HOOK: TCP in bulk, both ways, unharmed" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		passes_by matrix passes_tcp "$address" 5061 --bytes 4000000
	done
}

@test "$HOOK: replies to what servers start come back, and nothing else does" {
	apply "$SITE"
	passes_by flow expect open traffic servers tcp "$CLIENT4" 8080 --source "$FE4" --sport 40000
	passes_by flow expect open traffic servers tcp "$CLIENT6" 8080 --source "$FE6" --sport 40000
	passes_by flow expect echo traffic servers udp "$CLIENT4" 8080 --source "$FE4" --sport 40000
	passes_by flow expect echo traffic servers udp "$CLIENT6" 8080 --source "$FE6" --sport 40000
	passes_by flow ping_once servers "$CLIENT4"
	drops_one port_not_in_matrix silent_udp "$FE4" 40000 --sport 8081
	drops_one port_not_in_matrix silent_udp "$FE6" 40000 --sport 8081
}

@test "$HOOK: a SYN from outside never passes as a reply" {
	apply "$SITE"
	for pair in "$CLIENT4 $FE4" "$CLIENT6 $FE6"; do
		read -r client server <<<"$pair"
		passes_by flow expect refused traffic servers tcp "$client" 8079 --source "$server" --sport 40001
		drops_one port_not_in_matrix silent_tcp "$server" 40001 --sport 8079
	done
}

@test "$HOOK: an ICMP error about live traffic passes, other ICMP drops" {
	apply "$SITE"
	passes_by icmp_error expect refused traffic servers udp "$CLIENT4" 8099 --source "$FE4"
	passes_by icmp_error expect refused traffic servers udp "$CLIENT6" 8099 --source "$FE6"
}

@test "$HOOK: echo requests drop, unless the site allows them" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		drops_one icmp_echo run -1 ping_once clients "$address"
	done
	apply "$(site_with 'icmp_echo: allow')"
	for address in "$FE4" "$FE6"; do
		passes_by echo ping_once clients "$address"
	done
}

@test "$HOOK: what is in no pool passes as transit" {
	apply "$SITE"
	for address in "$OTHER4" "$OTHER6"; do
		passes_by transit passes_tcp "$address" 2000
		passes_by transit passes_udp "$address" 2000
		passes_by transit ping_once clients "$address"
	done
}

@test "$HOOK: unlisted: drop" {
	apply "$(site_with 'unlisted: drop')"
	for address in "$OTHER4" "$OTHER6"; do
		drops_one unlisted silent_tcp "$address" 2000
	done
	passes_by matrix passes_tcp "$FE4" 5061
	passes_by matrix passes_tcp "$FE6" 5061
}

@test "$HOOK: neighbours can be found anew while the program is attached" {
	apply "$(site_with 'unlisted: drop')"
	for namespace in clients gateway servers; do
		ip -n "$TAG-$namespace" neighbour flush all
	done
	passes_tcp "$FE4" 5061
	passes_tcp "$FE6" 5061
	rolewall drops --json | jq -e '.passes | .arp.packets > 0 and .neighbour_discovery.packets > 0'
}

@test "$HOOK: a guarded source address that arrives outside is spoofed" {
	apply "$SITE"
	ns_address clients lo $DIRECTOR4/32 $DIRECTOR6/128
	drops_one spoofed silent_udp "$FE4" 1434 --source "$DIRECTOR4"
	drops_one spoofed silent_udp "$FE6" 1434 --source "$DIRECTOR6"
	drops_one spoofed silent_udp "$OTHER4" 2000 --source "$DIRECTOR4"
	ip -n "$TAG-clients" address delete $DIRECTOR4/32 dev lo
	ip -n "$TAG-clients" address delete $DIRECTOR6/128 dev lo
}

@test "$HOOK: audit counts what enforce would drop, and drops nothing" {
	apply "$(site_with 'mode: audit')"
	for address in "$FE4" "$FE6"; do
		got=$(counted passes_udp "$address" 2000)
		[[ " $got" == *" port_not_in_matrix 1"* ]]
		got=$(counted passes_tcp "$address" 2000)
		[[ " $got" == *" port_not_in_matrix "* ]]
		got=$(counted ping_once clients "$address")
		[[ " $got" == *" icmp_echo 1"* ]]
	done
	rolewall status --json | jq -e '.mode == "audit"'
	apply "$SITE"
	rolewall status --json | jq -e '.mode == "enforce"'
	drops_one port_not_in_matrix silent_udp "$FE4" 2000
}

@test "$HOOK: a role that moves takes its ports along; counters stay" {
	apply "$SITE"
	silent_tcp "$DIRECTOR4" 135
	before=$(rolewall drops --json | jq .reasons.port_not_in_matrix.packets)
	sed "s/$FE4/X/; s/$DIRECTOR4/$FE4/; s/X/$DIRECTOR4/" "$SITE" >"$BATS_TEST_TMPDIR/moved.yaml"
	apply "$BATS_TEST_TMPDIR/moved.yaml"
	[[ $(rolewall drops --json | jq .reasons.port_not_in_matrix.packets) == "$before" ]]
	passes_by matrix expect refused traffic clients tcp "$DIRECTOR4" 135
	drops_one port_not_in_matrix silent_tcp "$FE4" 135
	passes_by matrix expect refused traffic clients tcp "$FE6" 135
}

@test "$HOOK: 50 applies under traffic lose no packet and no connection" {
	by_the_clock
	apply "$SITE"
	other=$(site_with 'unlisted: drop' 'icmp_echo: allow')
	streams=()
	for stream in "clients udp $FE4 50000" "clients udp $FE6 50000" \
		"servers tcp $CLIENT4 8080 --source $FE4 --sport 40002"; do
		# shellcheck disable=SC2086 # words
		set -- $stream
		background "$1" /usr/bin/python3 "$ROOT/tests/e2e/traffic.py" stream "${@:2}" \
			--rate 1000 --ready "$BATS_TEST_TMPDIR/ready$#" >"$BATS_TEST_TMPDIR/stream${#streams[@]}"
		streams+=("$BACKGROUND")
		wait_for 5 test -e "$BATS_TEST_TMPDIR/ready$#"
		rm "$BATS_TEST_TMPDIR/ready$#"
	done
	for _ in {1..25}; do
		apply "$other"
		apply "$SITE"
	done
	for stream in "${streams[@]}"; do
		stop "$stream"
	done
	cat "$BATS_TEST_TMPDIR"/stream?
	for stream in 0 1 2; do
		grep -qE '^sent [1-9][0-9]{2,} lost 0$' "$BATS_TEST_TMPDIR/stream$stream"
	done
}

@test "$HOOK: detach lets everything through and leaves nothing" {
	apply "$SITE"
	silent_tcp "$FE4" 2000
	programs=$(for pin in "$PIN"/programs/xdp* "$PIN"/programs/tc*; do
		bpftool --json prog show pinned "$pin" | jq .id
	done)
	[[ -n $programs ]]
	rolewall detach
	[[ ! -e $PIN ]]
	for id in $programs; do
		wait_for 5 program_is_gone "$id"
	done
	for device in in out; do
		run -0 ip -n "$TAG-gateway" link show dev $device
		[[ $output != *xdp* ]]
		run -0 in_ns gateway bpftool net show dev $device
		[[ $output != *rolewall* ]]
	done
	passes_tcp "$FE4" 2000
	passes_udp "$FE6" 2000
}
