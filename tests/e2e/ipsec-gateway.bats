#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# IPsec through the gateway: what a pair of the site permits passes, everything else of an exempt
# role drops, and explain says the same.

bats_require_minimum_version 1.5.0
load lib

FE4=10.77.2.10 FE6=fd77:2::10
OTHER4=10.77.1.3 OTHER6=fd77:1::3

setup_file() {
	net_up $FE4/24 $FE6/64
	ns_address clients eth0 $OTHER4/24 $OTHER6/64
	serve servers --udp 500 "$FE4" "$FE6"
}

teardown_file() {
	net_down
}

setup() {
	export PIN=$BPFFS/$TAG-ipsec HOOK=auto
	apply "$(site ipsec <<-END
		version: 1
		interfaces:
		  - {name: out, side: outside, hook: @HOOK@}
		  - {name: in, side: inside, hook: @HOOK@}
		pools:
		  - {name: fe, roles: [front-end], addresses: [$FE4, "$FE6"]}
		ipsec:
		  - {between: [front-end, $CLIENT4]}
		  - {between: ["$CLIENT6", front-end], note: both ways}
	END
	)"
}

teardown() {
	rolewall detach
}

# send_protocol NAME NUMBER SOURCE DESTINATION: one packet of 32 bytes.
send_protocol() {
	in_ns "$1" /usr/bin/python3 -c 'import socket, sys
protocol, source, destination = int(sys.argv[1]), sys.argv[2], sys.argv[3]
sock = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET, socket.SOCK_RAW, protocol)
sock.bind((source, 0))
sock.sendto(bytes(32), (destination, 0))' "$2" "$3" "$4"
}

# says REASON SOURCE DESTINATION PROTOCOL [OPTION...]
says() {
	expect "$1" eval "rolewall explain --json --src $2 --dst $3 --proto $4 ${*:5} | jq -r .reason"
}

# carries COMMAND...: the packet passes as ipsec; the client's kernel may answer that it has no IPsec,
# which is no answer that a guarded host gets.
carries() {
	local got
	got=$(counted "$@") || return
	got=${got#icmp_unrelated 1 }
	[[ $got == 'pass:ipsec 1' ]] || {
		echo "got $got: $*" >&2
		return 1
	}
}

@test "ESP and AH of a pair pass both ways" {
	for protocol in 50 51; do
		passes_by ipsec send_protocol clients $protocol "$CLIENT4" $FE4
		passes_by ipsec send_protocol clients $protocol "$CLIENT6" $FE6
		carries send_protocol servers $protocol $FE4 "$CLIENT4"
		carries send_protocol servers $protocol $FE6 "$CLIENT6"
	done
}

@test "ESP and AH of others drop both ways" {
	for protocol in 50 51; do
		drops_one ipsec_exempt send_protocol clients $protocol $OTHER4 $FE4
		drops_one ipsec_exempt send_protocol clients $protocol $OTHER6 $FE6
		drops_one ipsec_exempt send_protocol servers $protocol $FE4 $OTHER4
		drops_one ipsec_exempt send_protocol servers $protocol $FE6 $OTHER6
	done
}

@test "IKE gets through to the pair alone" {
	passes_udp $FE4 500 --source "$CLIENT4" --sport 500
	passes_udp $FE6 500 --source "$CLIENT6" --sport 500
	drops_one ipsec_exempt silent_udp $FE4 500 --source $OTHER4
	drops_one ipsec_exempt silent_udp $FE6 500 --source $OTHER6
}

@test "explain knows ESP, AH and IKE" {
	for protocol in esp ah 'udp --dport 500' 'udp --dport 4500'; do
		says ipsec "$CLIENT4" $FE4 "$protocol"
		says ipsec $FE6 "$CLIENT6" "$protocol"
		says ipsec_exempt $OTHER4 $FE4 "$protocol"
		says ipsec_exempt $FE6 $OTHER6 "$protocol"
	done
}
