#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Two gateways, each seeing one direction: what servers send leaves by the first, what comes to them
# enters by the second, whose flow table never sees a first packet.
#
#             .-- gateway <--.
#   clients <-'              '-- servers
#           '--> second -----^

bats_require_minimum_version 1.5.0
load lib

SERVER4=10.77.2.10 SERVER6=fd77:2::10 # a director: UDP 57501-65535 is open on it to nobody

setup_file() {
	export PIN
	local name
	net_begin
	PIN=$BPFFS/$TAG-asymmetric
	for name in clients gateway second servers; do
		ns_add $name
		set_sysctl $name ipv4/ip_forward 1
		set_sysctl $name ipv6/conf/all/forwarding 1
		set_sysctl $name ipv4/conf/all/rp_filter 0
		set_sysctl $name ipv4/conf/default/rp_filter 0
	done
	ns_link clients eth0 gateway out
	ns_link servers eth0 gateway in
	ns_link clients eth1 second out
	ns_link servers eth1 second in
	ns_address clients eth0 "$CLIENT4"/24 "$CLIENT6"/64
	ns_address gateway out 10.77.1.1/24 fd77:1::1/64
	ns_address gateway in 10.77.2.1/24 fd77:2::1/64
	ns_address servers eth0 $SERVER4/24 $SERVER6/64
	ns_address clients eth1 10.77.3.2/24 fd77:3::2/64
	ns_address second out 10.77.3.1/24 fd77:3::1/64
	ns_address second in 10.77.4.1/24 fd77:4::1/64
	ns_address servers eth1 10.77.4.2/24 fd77:4::2/64
	ip -n "$TAG-clients" route add default via 10.77.3.1 src "$CLIENT4"
	ip -n "$TAG-clients" -6 route add default via fd77:3::1 src "$CLIENT6"
	ns_default_route servers 10.77.2.1 fd77:2::1
	ip -n "$TAG-second" route add 10.77.2.0/24 via 10.77.4.2
	ip -n "$TAG-second" -6 route add fd77:2::/64 via fd77:4::2
	serve servers --tcp 5061,2000 --udp 50000,2000,60001 "$SERVER4" "$SERVER6"
	serve clients --tcp 8080 --udp 8080 "$CLIENT4" "$CLIENT6"
}

teardown_file() {
	rolewall detach || true
	on_second rolewall detach || true
	net_down
}

# Runs a command of lib.bash with the second gateway's instance.
on_second() {
	PIN=$PIN-second ROLEWALL_NS=second "$@"
}

rolewall() {
	local command=$1
	shift
	ROLEWALL_STATE_DIR=$(state_dir) in_ns "${ROLEWALL_NS:-gateway}" "$ROLEWALL" "$command" --pin-dir "$PIN" "$@"
}

# both_apply [LINE...]: the same site, with more lines, on both gateways.
both_apply() {
	local file
	file=$({
		cat <<-END
			version: 1
			interfaces: [{name: out, side: outside}, {name: in, side: inside}]
			pools: [{name: director, roles: [director], addresses: [$SERVER4, "$SERVER6"]}]
		END
		printf '%s\n' "$@"
	} | site both)
	apply "$file"
	on_second apply "$file"
}

# A server's own transfer of 2 MB each way.
server_starts() { # ADDRESS SOURCE SPORT [OPTION...]
	traffic servers tcp "$1" 8080 --source "$2" --sport "$3" "${@:4}"
}

@test "without asymmetric: true nothing that a server starts gets an answer" {
	both_apply
	for pair in "$CLIENT4 $SERVER4" "$CLIENT6 $SERVER6"; do
		read -r client server <<<"$pair"
		on_second drops_one port_not_in_matrix expect silent traffic servers udp "$client" 8080 \
			--source "$server" --sport 60000 --wait "$SILENCE"
		on_second drops_one icmp_unrelated run -1 in_ns servers ping -c 1 -W 1 -I "$server" "$client"
	done
	# last, as the client sends its SYN-ACK again later
	for pair in "$CLIENT4 $SERVER4" "$CLIENT6 $SERVER6"; do
		read -r client server <<<"$pair"
		got=$(on_second counted expect silent server_starts "$client" "$server" 41000 --wait 0.5)
		[[ " $got" == *' port_not_in_matrix '* && " $got" != *pass:* ]]
	done
}

@test "with it a server's own transfer of TCP works, and neither gateway drops" {
	both_apply 'asymmetric: true'
	on_second rolewall status --json | jq -e .asymmetric
	for pair in "$CLIENT4 $SERVER4" "$CLIENT6 $SERVER6"; do
		read -r client server <<<"$pair"
		first=$(counters | grep -v '^pass:')
		on_second passes_by asymmetric expect open server_starts "$client" "$server" 41001 --bytes 2000000
		[[ $(counters | grep -v '^pass:') == "$first" ]]
		on_second passes_by asymmetric expect refused traffic servers tcp "$client" 8079 --source "$server"
	done
}

@test "with it UDP from dynamic ports, pings and ICMP errors work" {
	both_apply 'asymmetric: true'
	for pair in "$CLIENT4 $SERVER4" "$CLIENT6 $SERVER6"; do
		read -r client server <<<"$pair"
		on_second passes_by asymmetric expect echo traffic servers udp "$client" 8080 --source "$server" --sport 60000
		on_second passes_by asymmetric expect refused traffic servers udp "$client" 8099 --source "$server" --sport 60002
		on_second passes_by asymmetric in_ns servers ping -c 1 -W 1 -I "$server" "$client"
		# the rule's limit: what a server starts from a low port has no answer
		on_second drops_one port_not_in_matrix expect silent traffic servers udp "$client" 8080 \
			--source "$server" --sport 40000 --wait "$SILENCE"
	done
}

@test "with it a connection from outside still needs a row" {
	both_apply 'asymmetric: true'
	for server in "$SERVER4" "$SERVER6"; do
		on_second passes_by matrix passes_tcp "$server" 5061 --bytes 200000
		on_second passes_by matrix passes_udp "$server" 50000
		on_second drops_one port_not_in_matrix silent_tcp "$server" 2000
		on_second drops_one port_not_in_matrix silent_udp "$server" 2000
		on_second drops_one icmp_echo run -1 in_ns clients ping -c 1 -W 1 "$server"
		# the price
		on_second passes_by asymmetric passes_udp "$server" 60001
	done
}
