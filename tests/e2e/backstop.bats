#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# rolewall backstop: an interface that a policy names forwards nothing while no program is on it.
# SOAK=1 makes the interface again 200 times.
# shellcheck disable=SC2030,SC2031,SC2154 # every test is a shell of its own; run sets stderr

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
# What an interface's name may hold that nft's own language could not say.
ODD='o"u\t*'
if [[ -n ${SOAK-} ]]; then
	ROUNDS=200
else
	ROUNDS=10
fi

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64
	PIN=$BPFFS/$TAG-backstop
	net_static
}

setup() {
	SITE=$(site backstop <<-END
		version: 1
		interfaces: [{name: out, side: outside}, {name: in, side: inside}]
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

# Datagrams for ports where nobody listens, both families: what the flood got through.
arrived() {
	in_ns servers nstat -asz UdpNoPorts Udp6NoPorts | awk '/NoPorts/ { sum += $2 } END { print sum }'
}

drops_closing() {
	rolewall backstop status --json | jq -e .going_down
}

held_back() {
	rolewall backstop status --json | jq .packets
}

remake() { # ROUNDS
	in_ns gateway "$ROOT/build/tools/remake" "$TAG-clients" "$1" "$PIN" "$CLIENT4" "$FE4" "$CLIENT6" "$FE6"
}

table() {
	in_ns gateway nft list table inet "rolewall-$TAG-backstop"
}

@test "made again under a flood: nothing gets through, and it is filtered again within 50 ms" {
	apply "$SITE"
	rolewall backstop on
	[[ $(has_netfilter_programs) == true ]] || skip 'what an interface that goes down lets through takes Linux 6.4 and CONFIG_NETFILTER_BPF_LINK to be dropped'
	start_agent
	before=$(arrived)
	took=$(remake $ROUNDS)
	echo "# $took" >&3
	[[ $(arrived) == "$before" ]]
	jq -e --argjson rounds $ROUNDS '.rounds == $rounds and .sent >= 500 * $rounds' <<<"$took"
	(($(held_back) >= 500 * (ROUNDS / 2))) # these would have
	# A few rounds on busy CPUs say little of the slowest: that is for the soak.
	jq -e --arg soak "${SOAK-}" '(if $soak == "" then .p50_ms else .p99_ms end) < 50' <<<"$took"
	# what is allowed passes again
	address_out
	serve servers --tcp 5061 "$FE4" "$FE6"
	wait_for 5 passes_tcp "$FE4" 5061
	wait_for 5 passes_tcp "$FE6" 5061
}

@test "nobody needs to run: packets get through without it, none with it, until an apply" {
	apply "$SITE"
	remake_out
	before=$(arrived)
	expect refused traffic clients udp "$FE4" 2000
	expect refused traffic clients udp "$FE6" 2000
	(($(arrived) == before + 2))
	rolewall backstop on
	[[ $(rolewall status --json | jq -c '[.backstop, .interfaces[0].condition]') == '[true,"unfiltered"]' ]]
	before=$(arrived)
	held=$(held_back)
	silent_udp "$FE4" 2000
	silent_udp "$FE6" 2000
	[[ $(arrived) == "$before" ]]
	(($(held_back) == held + 2))
	apply "$SITE"
	drops_one port_not_in_matrix silent_udp "$FE4" 2000
	(($(held_back) == held + 2))
}

@test "interfaces that no policy names are left alone" {
	apply "$(site one <<-END
		version: 1
		interfaces: [in]
		pools: [{name: fe, roles: [front-end], addresses: [$FE4]}]
	END
	)"
	rolewall backstop on
	before=$(arrived)
	expect refused traffic clients udp "$FE4" 2000
	[[ $(arrived) == $((before + 1)) ]]
	# by name, whatever that is
	ip -n "$TAG-gateway" link add "$ODD" type veth peer name other
	apply "$(site odd <<-END
		version: 1
		interfaces: [in, '$ODD']
		pools: [{name: fe, roles: [front-end], addresses: [$FE4]}]
	END
	)"
	table | grep -A3 'set guarded' | grep -qF 'o"u\t*'
	ip -n "$TAG-gateway" link delete "$ODD"
}

@test "off, on, and detach takes it away" {
	[[ $(rolewall backstop status --json | jq .on) == false ]]
	rolewall backstop on
	[[ $(rolewall backstop on --json | jq .on) == true ]]
	[[ $(rolewall backstop status --json | jq .on) == true ]]
	run ! drops_closing # nothing is loaded
	apply "$SITE"
	[[ $(drops_closing) == "$(has_netfilter_programs)" ]]
	table | grep -q '"in", "out"\|"out", "in"'
	[[ $(in_ns gateway "$ROLEWALL" metrics --pin-dir "$PIN" | grep -c '^rolewall_backstop 1$') == 1 ]]
	rolewall backstop off
	[[ $(rolewall backstop off --json | jq .on) == false ]]
	run ! table
	run ! drops_closing
	rolewall backstop on
	run -1 --separate-stderr flock "$PIN" bash -c '"$@"' - nsenter --net="/run/netns/$TAG-gateway" "$ROLEWALL" backstop off --pin-dir "$PIN"
	[[ $stderr == *"$PIN is being changed by "* ]]
	table >/dev/null
	[[ $(drops_closing) == "$(has_netfilter_programs)" ]]
	rolewall detach
	run ! table
	[[ ! -e $PIN ]]
	rolewall backstop on
	rolewall detach
	run ! table
	run -2 rolewall backstop maybe
	[[ $output == *'accepted: on, off, status'* ]]
}

@test "the agent keeps it on, whoever flushes it, and follows what changes" {
	apply "$SITE"
	start_agent --backstop
	wait_for 5 table
	in_ns gateway nft flush ruleset
	wait_for 5 said 'somebody took the backstop away'
	wait_for 5 table
	[[ $(drops_closing) == "$(has_netfilter_programs)" ]]
	rm -f "$PIN/closing4"
	closing_again() { [[ $(drops_closing) == "$(has_netfilter_programs)" ]]; }
	wait_for 5 closing_again
	ip -n "$TAG-gateway" link delete out
	# the stale index goes, the name stays
	attached() { table | sed -n '/set attached/,/}/p' | tr -d '\n'; }
	only_in() { [[ $(attached) == *'elements = { "in" }'* ]]; }
	wait_for 5 only_in
	table | sed -n '/set guarded/,/}/p' | grep -q '"out"'
	ip link add eth0 netns "$TAG-clients" type veth peer name out netns "$TAG-gateway"
	both() { [[ $(attached) == *'"in"'* && $(attached) == *'"out"'* ]]; }
	wait_for 5 both
}
