#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Path MTU discovery through the gateway: real transfers over a hop that is narrower than both ends'
# links, outside or inside, so that only an ICMP error tells the sender.

bats_require_minimum_version 1.5.0
load lib
load hops

FE4=10.77.2.10 FE6=fd77:2::10

setup_file() {
	export PIN
	hops_up "$FE4" "$FE6"
	PIN=$BPFFS/$TAG-pmtu
	serve servers --tcp 5061 --udp 50000 "$FE4" "$FE6"
	serve clients --tcp 8080 --udp 8080 "$CLIENT4" "$CLIENT6"
	apply "$(site_of)"
}

site_of() {
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR site pmtu <<-END
		version: 1
		interfaces: [{name: out, side: outside}, {name: in, side: inside}]
		pools: [{name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}]
	END
}

teardown_file() {
	rolewall detach || true
	net_down
}

# knows NAME ADDRESS MTU: the host in NAME has learnt the path's MTU.
knows() {
	ip -n "$TAG-$1" route get "$2" | grep -q "mtu $3" || {
		echo "$1 has not learnt mtu $3 to $2" >&2
		return 1
	}
}

bulk() { # NAME ADDRESS PORT [OPTION...]
	expect open traffic "$1" tcp "${@:2}" --bytes 3000000
}

# Datagrams that do not fit: the first ones are lost, then their senders know and cut them up.
large_udp() { # NAME ADDRESS PORT [OPTION...]
	local try
	for try in 1 2 3 4 5; do
		[[ $(traffic "$1" udp "${@:2}" --wait 0.5) != echo ]] || return 0
	done
	echo "no datagram in $try tries" >&2
	return 1
}

@test "a server's own connection finds out about a narrow hop outside" {
	narrow outside
	passes_by icmp_error bulk servers "$CLIENT4" 8080 --source "$FE4" --sport 41000
	knows servers "$CLIENT4" "$NARROW"
	passes_by icmp_error bulk servers "$CLIENT6" 8080 --source "$FE6" --sport 41000
	knows servers "$CLIENT6" "$NARROW"
}

@test "a server that answers on an open port finds out, without a flow" {
	narrow outside
	before=$(rolewall status --json | jq .tables.flows_created)
	passes_by icmp_error bulk clients "$FE4" 5061
	knows servers "$CLIENT4" "$NARROW"
	passes_by icmp_error bulk clients "$FE6" 5061
	knows servers "$CLIENT6" "$NARROW"
	[[ $(rolewall status --json | jq .tables.flows_created) == "$before" ]]
}

@test "clients find out about a narrow hop inside" {
	narrow inside
	passes_by transit bulk clients "$FE4" 5061 # the router's error: neither it nor the client is guarded
	knows clients "$FE4" "$NARROW"
	passes_by transit bulk clients "$FE6" 5061
	knows clients "$FE6" "$NARROW"
	narrow inside
	passes_by flow bulk servers "$CLIENT4" 8080 --source "$FE4" --sport 41001
	knows clients "$FE4" "$NARROW"
	passes_by flow bulk servers "$CLIENT6" 8080 --source "$FE6" --sport 41001
	knows clients "$FE6" "$NARROW"
}

@test "UDP: answers on an open port, and a server's own" {
	narrow outside
	passes_by icmp_error large_udp clients "$FE4" 50000 --bytes 1400
	knows servers "$CLIENT4" "$NARROW"
	passes_by icmp_error large_udp clients "$FE6" 50000 --bytes 1400
	knows servers "$CLIENT6" "$NARROW"
	narrow outside
	passes_by icmp_error large_udp servers "$CLIENT4" 8080 --source "$FE4" --sport 41002 --bytes 1400
	knows servers "$CLIENT4" "$NARROW"
	passes_by icmp_error large_udp servers "$CLIENT6" 8080 --source "$FE6" --sport 41002 --bytes 1400
	knows servers "$CLIENT6" "$NARROW"
}

# A router answers every fragment that is too big. Only the first one's answer quotes ports; it is enough.
@test "a datagram of 8 KB in IPv6 fragments: the error about the first one gets through" {
	narrow outside
	got=$(counted large_udp servers "$CLIENT6" 8080 --source "$FE6" --sport 41004 --bytes 8000)
	knows servers "$CLIENT6" "$NARROW"
	[[ " $got" == *' pass:icmp_error 1'* && " $got" == *' icmp_unrelated 4'* ]]
	passes_by flow expect echo traffic servers udp "$CLIENT6" 8080 --source "$FE6" --sport 41005 --bytes 8000
}

# What the tests above would look like if the gateway dropped the errors.
@test "without the errors the same transfers stall" {
	narrow outside
	ip -n "$TAG-gateway" rule add ipproto icmp to $FE4 pref 1 blackhole
	ip -n "$TAG-gateway" -6 rule add ipproto ipv6-icmp to $FE6 pref 1 blackhole
	for pair in "servers $CLIENT4 8080 --source $FE4 --sport 41003" "clients $FE4 5061" \
		"servers $CLIENT6 8080 --source $FE6 --sport 41003" "clients $FE6 5061"; do
		# shellcheck disable=SC2086 # words
		expect silent traffic ${pair/ / tcp } --bytes 3000000 --wait 3
	done
	ip -n "$TAG-gateway" rule delete pref 1
	ip -n "$TAG-gateway" -6 rule delete pref 1
	bulk clients "$FE4" 5061
	bulk clients "$FE6" 5061
}
