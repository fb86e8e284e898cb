#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# UDP datagrams of 8 KB through the gateway, as the kernel cuts them and as fragments.py does: six
# fragments each, in either direction. 8,192 bytes and 8 of header are 6 x 1,480 or 1,448 at most.

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
LARGE='--bytes 8192'

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64
	PIN=$BPFFS/$TAG-fragments
	serve servers --tcp 5061 --udp 50000,2000 "$FE4" "$FE6"
	serve clients --udp 8080 "$CLIENT4" "$CLIENT6"
}

teardown_file() {
	rolewall detach || true
	net_down
}

setup() {
	SITE=$(site plain <<-END
		version: 1
		interfaces: [{name: out, side: outside}, {name: in, side: inside}]
		pools: [{name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}]
	END
	)
}

by_hand() { # NAME ADDRESS PORT [OPTION...]
	in_ns "$1" /usr/bin/python3 "$BATS_TEST_DIRNAME/fragments.py" "${@:2}"
}

# counts WANT COMMAND...: the command adds exactly this to the counters ("REASON N REASON N").
counts() {
	local want=$1 got
	shift
	got=$(counted "$@") || return
	[[ $got == "$want" ]] || {
		echo "want $want, got $got: $*" >&2
		return 1
	}
}

@test "where the port is open, 8 KB go in and come back" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		# shellcheck disable=SC2086 # words
		counts 'pass:matrix 1 pass:outbound 6 pass:fragment 5' passes_udp "$address" 50000 $LARGE
	done
}

@test "where it is shut, nothing gets through, and each fragment has its reason" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		# shellcheck disable=SC2086 # words
		counts 'fragment_unmatched 5 port_not_in_matrix 1' silent_udp "$address" 2000 $LARGE
	done
}

@test "what a server starts is answered in 8 KB" {
	apply "$SITE"
	for pair in "$CLIENT4 $FE4" "$CLIENT6 $FE6"; do
		read -r client server <<<"$pair"
		# shellcheck disable=SC2086 # words
		counts 'pass:flow 1 pass:outbound 6 pass:fragment 5' expect echo traffic servers udp "$client" 8080 \
			--source "$server" --sport 40000 $LARGE
		# shellcheck disable=SC2086 # words
		counts 'fragment_unmatched 5 port_not_in_matrix 1' silent_udp "$server" 40000 --sport 8081 $LARGE
	done
}

@test "datagrams as large as there are, one after the other" {
	apply "$SITE"
	many() {
		local _
		for _ in {1..10}; do
			traffic clients udp "$1" 50000 --bytes 60000 >/dev/null
		done
	}
	counts 'pass:matrix 10 pass:outbound 410 pass:fragment 400' many "$FE4"
	counts 'pass:matrix 10 pass:outbound 420 pass:fragment 410' many "$FE6"
	rolewall status --json | jq -e '.tables.fragments.used <= .tables.fragments_created and .tables.fragments.used > 0'
}

@test "later fragments may come in any order, but none before the first" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		counts 'pass:matrix 1 pass:outbound 6 pass:fragment 5' \
			expect 'echo 6' by_hand clients "$address" 50000
		counts 'pass:matrix 1 pass:outbound 6 pass:fragment 5' \
			expect 'echo 6' by_hand clients "$address" 50000 --order 0,5,4,3,2,1
		counts 'fragment_unmatched 1 pass:matrix 1 pass:fragment 4' \
			expect 'silent 6' by_hand clients "$address" 50000 --order 1,0,2,3,4,5
		counts 'fragment_unmatched 5 pass:matrix 1' \
			expect 'silent 6' by_hand clients "$address" 50000 --order 5,4,3,2,1,0
		# the stray one again, as a sender would send the whole again
		counts 'fragment_unmatched 1 pass:matrix 1 pass:outbound 6 pass:fragment 5' \
			expect 'echo 6' by_hand clients "$address" 50000 --order 1,0,2,3,4,5,1
	done
}

@test "fragments of 8 bytes, the first of which is the UDP header" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		counts 'pass:matrix 1 pass:outbound 1 pass:fragment 5' \
			expect 'echo 6' by_hand clients "$address" 50000 --bytes 40 --cut 8
		counts 'fragment_unmatched 5 port_not_in_matrix 1' \
			expect 'silent 6' by_hand clients "$address" 2000 --bytes 40 --cut 8
	done
}

@test "fragments between hosts that nobody guards are left alone" {
	apply "$SITE"
	ns_address servers eth0 10.77.2.99/24 fd77:2::99/64
	serve servers --udp 2000 10.77.2.99 fd77:2::99
	for address in 10.77.2.99 fd77:2::99; do
		# shellcheck disable=SC2086 # words
		counts 'pass:transit 12' passes_udp "$address" 2000 $LARGE
		counts 'pass:transit 12' expect 'echo 6' by_hand clients "$address" 2000 --order 5,4,3,2,1,0
	done
}
