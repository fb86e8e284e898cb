#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Real programs through the gateway, over a hop with a small MTU: calls with sound (sipp) over TCP
# and TLS, HTTPS transfers (openssl), what servers ask of others over UDP and TCP (socat). Nothing of
# it may drop, not one packet. SOAK=1: minutes, and a transfer of 1 GB.

bats_require_minimum_version 1.5.0
load lib
load hops

FE4=10.77.2.10 FE6=fd77:2::10

if [[ -n ${SOAK-} ]]; then
	CALLS=300 RATE=4 MEGABYTES=1024 ROUNDS=20
else
	CALLS=8 RATE=8 MEGABYTES=20 ROUNDS=1
fi

setup_file() {
	export PIN
	hops_up $FE4 $FE6
	PIN=$BPFFS/$TAG-programs
	narrow outside
	cd "$BATS_FILE_TMPDIR" || return
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=fe \
		-keyout key.pem -out cert.pem 2>/dev/null
	cat key.pem cert.pem >both.pem
	head -c 32000 /dev/urandom >tone.ulaw
	head -c "$MEGABYTES"M /dev/urandom >large
	apply "$(BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR site programs <<-END
		version: 1
		interfaces: [{name: out, side: outside}, {name: in, side: inside}]
		pools: [{name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}]
	END
	)"
	counters | grep -v '^pass:' >drops-before
}

teardown_file() {
	rolewall detach || true
	net_down
	rm -f "$BATS_FILE_TMPDIR/large"
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return
}

listens() { # NAME PORT [-u]
	in_ns "$1" ss -Hln"${3:-t}" "sport = :$2" | grep -q .
}

url() { # ADDRESS: as it stands before a colon and a port
	[[ $1 == *:* ]] && echo "[$1]" || echo "$1"
}

# no_drops COMMAND...: it succeeds, and no drop counter moves. GOT is what it counted.
no_drops() {
	GOT=$(counted "$@") || return
	[[ ! " $GOT" =~ \ [a-z0-9_]+\ [0-9] ]] || {
		echo "drops: $GOT" >&2
		return 1
	}
}

passed() { # REASON: packets in GOT
	grep -o "pass:$1 [0-9]*" <<<"$GOT" | cut -d ' ' -f 2
}

# answers ADDRESS PORT MEDIA-ADDRESS: a sipp that takes calls, and sends their sound back from port 50000.
answers() {
	background servers sipp -sn uas -t t1 -i "$1" -p "$2" -mi "$3" -mp 50000 -rtp_echo -nostdin \
		</dev/null >>"$BATS_FILE_TMPDIR/uas.log" 2>&1
	wait_for 10 listens servers "$2"
}

# calls TARGET OWN-ADDRESS MEDIA-ADDRESS: all of them succeed.
calls() {
	in_ns clients sipp "$1" -sf "$BATS_TEST_DIRNAME/call.xml" -t t1 -i "$2" -mi "$3" -m "$CALLS" -r "$RATE" \
		-nostdin -timeout $((CALLS / RATE + 30))s -timeout_error </dev/null >"uac-${3//:/_}.log" 2>&1 || {
		tail -n 40 "uac-${3//:/_}.log"
		return 1
	}
}

@test "calls over TCP, with sound" {
	for pair in "$FE4 $CLIENT4" "$FE6 $CLIENT6"; do
		read -r server client <<<"$pair"
		answers "$server" 5060 "$server"
		no_drops calls "$(url "$server"):5060" "$client" "$client"
		stop "$BACKGROUND"
		# 50 packets a second, for two seconds a call: the rows let them in
		(($(passed matrix) > CALLS * 60))
		(($(passed outbound) > CALLS * 60))
	done
}

@test "calls over TLS, with sound" {
	for pair in "$FE4 $CLIENT4 4" "$FE6 $CLIENT6 6"; do
		read -r server client family <<<"$pair"
		answers 127.0.0.1 5070 "$server"
		uas=$BACKGROUND
		background servers socat "OPENSSL-LISTEN:5061,pf=ip$family,bind=$(url "$server"),fork,reuseaddr,cert=both.pem,verify=0" \
			TCP:127.0.0.1:5070
		tls=$BACKGROUND
		background clients socat TCP4-LISTEN:5071,fork,reuseaddr \
			"OPENSSL:$(url "$server"):5061,verify=0,bind=$(url "$client")"
		near=$BACKGROUND
		wait_for 10 listens servers 5061
		wait_for 10 listens clients 5071
		no_drops calls 127.0.0.1:5071 127.0.0.1 "$client"
		(($(passed matrix) > CALLS * 60))
		stop "$near"
		stop "$tls"
		stop "$uas"
	done
}

fetch() { # ADDRESS: the large file over HTTPS, unharmed
	printf 'GET /large HTTP/1.0\r\n\r\n' |
		in_ns clients openssl s_client -quiet -connect "$(url "$1"):443" 2>/dev/null |
		tail -c "$MEGABYTES"M | cmp - large
}

@test "HTTPS: a large file over a narrow hop, from the servers" {
	background servers openssl s_server -accept 443 -cert cert.pem -key key.pem -WWW -quiet
	wait_for 10 listens servers 443
	for address in "$FE4" "$FE6"; do
		no_drops fetch "$address"
		(($(passed outbound) > MEGABYTES * 800))
	done
	rolewall drops --json | jq -e '.passes.icmp_error.packets > 0' # the hop was found
	stop "$BACKGROUND"
}

# ask COUNT COMMAND...: a question from a fresh socket each time, and its echo.
ask() {
	local i answer count=$1
	shift
	for ((i = 0; i < count; i++)); do
		# socat waits for more than the answer: this does not, but for the last one
		read -r -t 3 answer < <(echo "question $i" | in_ns servers socat -t 1 - "$@") || true
		[[ $answer == "question $i" ]] || {
			echo "question $i had no answer: $*" >&2
			return 1
		}
	done
}

# All of these at once, ROUNDS times ten questions each.
ask_all() {
	local pids=() pid
	for pair in "4 $CLIENT4 $FE4" "6 $CLIENT6 $FE6"; do
		# shellcheck disable=SC2086 # three words
		set -- $pair
		for port in 53 88; do
			ask $((ROUNDS * 10)) "UDP$1:$(url "$2"):$port,bind=$(url "$3")" &
			pids+=($!)
			ask $((ROUNDS * 10)) "TCP$1:$(url "$2"):$port,bind=$(url "$3")" &
			pids+=($!)
		done
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || return
	done
}

@test "DNS and Kerberos as servers ask them, over UDP and TCP" {
	for port in 53 88; do
		for family in "4 $CLIENT4" "6 $CLIENT6"; do
			read -r family address <<<"$family"
			background clients socat "UDP$family-RECVFROM:$port,bind=$(url "$address"),fork" PIPE
			background clients socat "TCP$family-LISTEN:$port,bind=$(url "$address"),fork,reuseaddr" PIPE
		done
		wait_for 10 listens clients $port
		wait_for 10 listens clients $port u
	done
	no_drops ask_all
	(($(passed flow) >= ROUNDS * 10 * 4))
	# Kerberos tickets of 8 KB over UDP come in fragments. The errors by which a host finds the hop have
	# no ports where they are about later fragments (pmtu.bats), so let it find the hop before.
	in_ns servers ping -q -c 2 -i 0.2 -W 1 -s 1400 -M want -I "$FE6" "$CLIENT6" >&2 || true
	no_drops expect echo traffic servers udp "$CLIENT4" 88 --source "$FE4" --bytes 8000
	no_drops expect echo traffic servers udp "$CLIENT6" 88 --source "$FE6" --bytes 8000
}

@test "over all of it no drop counter has moved" {
	counters | grep -v '^pass:' | diff drops-before -
	rolewall status --json | jq -e '.tables.flows_lost == 0 and .tables.flows_evicted == 0'
}
