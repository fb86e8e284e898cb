#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# nmap and its tricks from outside: what it finds is the vendor's document, whatever it tries, and
# every packet that came in is counted once. scan.py has what each kind of scan must find.

bats_require_minimum_version 1.5.0
load lib

DIRECTOR4=10.77.2.20 DIRECTOR6=fd77:2::20
FE4=10.77.2.10 FE6=fd77:2::10
ZOMBIE=10.77.3.2
# Open: 443, 5061; UDP 50000. Shut: 2000, which is listened at all the same.
LISTENING=443,5061,2000 LISTENING_UDP=50000,2000

setup_file() {
	export PIN
	net_up $FE4/24 $FE6/64 $DIRECTOR4/24 $DIRECTOR6/64
	PIN=$BPFFS/$TAG-scanner
	net_static
	for address in $FE4 $FE6 $DIRECTOR4 $DIRECTOR6; do
		ns_neighbour gateway in "$address" servers eth0
	done
	ns_add zombie
	ns_link zombie eth0 gateway zoo
	ns_address gateway zoo 10.77.3.1/24
	ns_neighbour gateway zoo $ZOMBIE zombie eth0
	set_sysctl gateway ipv4/conf/all/rp_filter 0
	set_sysctl gateway ipv4/conf/out/rp_filter 0
	# answers to closed UDP ports without a limit
	set_sysctl servers ipv4/icmp_ratemask 0
	set_sysctl servers ipv6/icmp/ratelimit 0
	serve servers --tcp $LISTENING --udp $LISTENING_UDP $DIRECTOR4 $DIRECTOR6
	apply "$(site_of outside)"
}

site_of() { # SIDE of the clients
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR site "scanner-$1" <<-END
		version: 1
		interfaces:
		  - {name: out, side: $1}
		  - {name: zoo, side: $1}
		  - {name: in, side: inside}
		pools:
		  - {name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}
		  - {name: director, roles: [director], addresses: [$DIRECTOR4, "$DIRECTOR6"]}
	END
}

teardown_file() {
	rolewall detach || true
	net_down
}

# Packets that came in by any interface of the gateway.
received() {
	ip -n "$TAG-gateway" -j -s link show | jq '[.[] | select(.ifname != "lo") | .stats64.rx.packets] | add'
}

# Packets received less packets counted, once none comes in while both are read.
uncounted() {
	local came_in total
	while came_in=$(received); do
		total=$(counters | awk '{ n += $2 } END { print n }')
		[[ $(received) != "$came_in" ]] || break
	done
	echo $((came_in - total))
}

# nmap_finds KIND ADDRESS NMAP-OPTION...: what it must.
nmap_finds() {
	local kind=$1 address=$2 listening=$LISTENING
	shift 2
	[[ $kind != udp ]] || listening=$LISTENING_UDP
	in_ns clients /usr/bin/python3 "$BATS_TEST_DIRNAME/scan.py" "$kind" director "$address" \
		--listening "$listening" -- "$@"
}

# side_by_side "KIND ADDRESS NMAP-OPTION..."...: all at once; most of a scan's time is spent waiting.
side_by_side() {
	local words pid failed=0
	local -a pids=()
	for words in "$@"; do
		# shellcheck disable=SC2086 # words
		nmap_finds $words &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=1
	done
	return "$failed"
}

# scan "KIND ADDRESS NMAP-OPTION..."...: each finds what it must; GOT is what they added to the
# counters, and what came in is what was counted.
scan() {
	local before
	before=$(uncounted)
	GOT=$(counted side_by_side "$@") || return
	[[ $(uncounted) == "$before" ]] || {
		echo "$(uncounted) packets came in and were not counted, $before of them before" >&2
		return 1
	}
}

# all WORD...: the words, in a short run only the first.
all() {
	[[ -n ${SOAK-} ]] && echo "$@" || echo "$1"
}

# only REASON...: those drops are in GOT, and no others.
only() {
	local dropped
	dropped=$(tr ' ' '\n' <<<"$GOT" | grep '^[a-z]' | grep -v '^pass:' | sort | xargs)
	[[ $dropped == "$(printf '%s\n' "$@" | sort | xargs)" ]] || {
		echo "want drops by $*, got $GOT" >&2
		return 1
	}
}

@test "-sS finds the matrix, IPv4 and IPv6" {
	scan "syn $DIRECTOR4 -sS" "syn $DIRECTOR6 -sS"
	only port_not_in_matrix
}

@test "-sA finds where hosts answer, which is the matrix" {
	scan "ack $DIRECTOR4 -sA" "ack $DIRECTOR6 -sA"
	only port_not_in_matrix
}

@test "-sM finds the same" {
	scan "maimon $DIRECTOR4 -sM"
	only port_not_in_matrix
}

@test "-sF, -sX and -sN find nothing" {
	for address in $(all $DIRECTOR4 $DIRECTOR6); do
		scan "no-state $address -sF" "no-state $address -sX" "no-state $address -sN"
		only tcp_flags
		[[ $GOT != *pass:matrix* ]]
	done
}

@test "-sU finds the matrix" {
	scan "udp $DIRECTOR4 -sU" "udp $DIRECTOR6 -sU"
	only port_not_in_matrix
}

@test "-f: headers in pieces reach nobody; in one piece they are judged as ever" {
	scan "nothing $DIRECTOR4 -sS -f" "nothing $DIRECTOR4 -sS --mtu 16"
	only fragment_offset fragment_tiny
	scan "syn $DIRECTOR4 -sS --mtu 24 --data-length 64"
	only fragment_unmatched port_not_in_matrix
	[[ $GOT == *pass:fragment* ]]
}

@test "-g: no source port opens anything" {
	for port in $(all 53 20 88 123 443 67); do
		scan "syn $DIRECTOR4 -sS -g $port" "syn $DIRECTOR6 -sS -g $port" "udp $DIRECTOR4 -sU -g $port"
		only port_not_in_matrix
	done
}

@test "--data-length, --badsum and --ttl change nothing, or find nothing" {
	for address in $(all $DIRECTOR4 $DIRECTOR6); do
		scan "syn $address -sS --data-length 200" "udp $address -sU --data-length 1200" \
			"nothing $address -sS --badsum" "syn $address -sS --ttl 3"
	done
}

@test "--ip-options drop" {
	scan "nothing $DIRECTOR4 -sS --ip-options R"
	only ip_options
}

@test "-D: decoys hide the scanner, and show no more" {
	scan "syn $DIRECTOR4 -sS -D 10.77.1.50,ME,10.77.1.51"
	only port_not_in_matrix
	# a guarded host's name: those packets are spoofed
	scan "syn $DIRECTOR4 -sS -D $FE4,ME" "syn $DIRECTOR6 -sS -D $FE6,ME"
	only port_not_in_matrix spoofed
}

@test "-sI: no idle scan from outside; where sides are not told, it finds the matrix, too" {
	background zombie /usr/bin/python3 "$BATS_TEST_DIRNAME/scan.py" zombie eth0 $ZOMBIE
	zombie=$BACKGROUND
	before=$(rolewall drops --json | jq .reasons.spoofed.packets)
	# nmap first sends to the zombie in the target's name
	run -1 scan "idle $DIRECTOR4 -sI $ZOMBIE:80"
	[[ $output == *'our attempts have failed'* ]]
	(($(rolewall drops --json | jq .reasons.spoofed.packets) > before))
	apply "$(site_of any)"
	scan "idle $DIRECTOR4 -sI $ZOMBIE:80"
	only port_not_in_matrix
	[[ $GOT == *pass:transit* ]]
	stop "$zombie"
	apply "$(site_of outside)"
}

@test "-sO: no other protocol gets through" {
	got=$(counted in_ns clients nmap -n -Pn -T4 --max-retries 0 --min-parallelism 64 --max-rtt-timeout 300ms \
		-sO -p 2-5,7-16,18-57,59-254 $DIRECTOR4)
	[[ " $got" == *" protocol_not_in_matrix "* && " $got" != *pass:matrix* ]]
}
