#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# forwarding: xdp. What passes is sent on by the program, not by the kernel, and at the far end looks
# as a router leaves it; what the program leaves to the kernel is counted by why. The judge of frames
# is forward.py, at packet sockets of both ends.

bats_require_minimum_version 1.5.0
load lib
load forwarding

@test "TCP and UDP go through the program, both families, and not through the kernel" {
	apply "$SITE"
	rolewall status --json | jq -e '.forwarding.by == "xdp"'
	forwarding >"$BATS_TEST_TMPDIR/before"
	before=$(kernel_forwarded)
	for address in "$FE4" "$FE6"; do
		passes_by matrix passes_tcp "$address" 5061 --bytes 1000000
		passes_by matrix passes_udp "$address" 1434
	done
	passes_by flow expect open traffic servers tcp "$CLIENT4" 8080 --source "$FE4" --sport 40000
	passes_by flow expect echo traffic servers udp "$CLIENT6" 8080 --source "$FE6" --sport 40000
	kernel=$(($(kernel_forwarded) - before))
	forwarding | awk -v kernel=$kernel 'NR == FNR { before[$1] = $2; next }
		$1 == "forwarded" { forwarded = $2 - before[$1] }
		$1 == "refresh" || $1 == "mtu" { left += $2 - before[$1] }
		{ print }
		END { print "kernel", kernel, "left", left; exit !(forwarded > 100 && kernel == left) }' \
		"$BATS_TEST_TMPDIR/before" -
}

@test "at the far end a frame looks as a router leaves it" {
	apply "$SITE"
	for address in "$GHOST4" $OTHER6; do
		goes "$address"
		fate_is 'ttl 63' 'checksum right' 'same yes'
		fate_is "source $(mac_of gateway in)" "destination $NOBODY"
		goes "$address" --ttl 2 --size 1000 --tos 16
		fate_is 'ttl 1' 'checksum right' 'same yes'
	done
	# around the carry
	for checksum in 0xfeff 0xfefe 0xff00 0xffff; do
		goes "$GHOST4" --checksum $checksum
		fate_is 'ttl 63' 'checksum right' 'same yes'
	done
}

@test "what is shut drops, what audit lets go the kernel forwards" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		drops_one port_not_in_matrix silent_udp "$address" 2000
		[[ $(quiet '' "$(by_program silent_tcp "$address" 2000)") == "" ]]
	done
	apply "$(site_with 'mode: audit')"
	got=$(counted passes_udp "$FE4" 2000)
	[[ " $got" == *" port_not_in_matrix 1"* ]]
	[[ $(quiet '' "$(by_program send "$GHOST4" --port 9)") == "" ]]
	fate_is 'ttl 63'
	goes "$GHOST4"
}

@test "TTL, hop limit and MTU at their end: the kernel answers" {
	apply "$SITE"
	for ttl in 0 1; do
		left ttl "$GHOST4" --ttl $ttl
		fate_is 'back icmp 11/0' 'arrived no'
		left ttl "$GHOST6" --ttl $ttl
		fate_is 'back icmp6 3/0' 'arrived no'
	done
	ip -n "$TAG-gateway" route add "$GHOST4/32" dev in mtu lock 1280
	ip -n "$TAG-gateway" -6 route add "$GHOST6/128" dev in mtu lock 1280
	# with 44 and 64 bytes of headers and marker, one byte more than fits
	left mtu "$GHOST4" --size 1237
	fate_is 'back icmp 3/4' 'arrived no'
	left mtu "$GHOST6" --size 1217
	fate_is 'back icmp6 2/0' 'arrived no'
	goes "$GHOST4" --size 1236
	goes "$GHOST6" --size 1216
	ip -n "$TAG-gateway" route delete "$GHOST4/32" dev in
	ip -n "$TAG-gateway" -6 route delete "$GHOST6/128" dev in
}

@test "odd packets are left to the kernel" {
	apply "$SITE"
	left options "$OTHER4" --options
	fate_is 'ttl 63' 'same yes'
	left options "$OTHER6" --options
	fate_is 'ttl 63' 'same yes'
	left checksum "$OTHER4" --spoil --wait 0.1
	fate_is 'arrived no'
	left tagged "$OTHER4" --tag 5 --wait 0.1
	fate_is 'arrived no'
	for address in 127.0.0.2 64:ff9b::1 "$OTHER4 --source 127.0.0.2" "$OTHER6 --source fe80::1"; do
		# shellcheck disable=SC2086 # words
		left address $address --wait 0.1
		fate_is 'arrived no'
	done
	MAC=02:00:00:00:00:99 left other_station "$OTHER4" --wait 0.1
	fate_is 'arrived no'
	left local 10.77.1.1
	fate_is 'back icmp 3/3'
	left local fd77:1::1
	fate_is 'back icmp6 1/4'
	ip -n "$TAG-gateway" neighbour delete "$CLIENT4" dev out
	got=$(by_program expect refused traffic gateway udp "$CLIENT4" 9)
	[[ " $got " == *" not_ip 1 "* ]] # the answer to who has CLIENT4
	ns_neighbour gateway out "$CLIENT4" clients eth0
	ip -n "$TAG-clients" neighbour delete 10.77.1.1 dev eth0
	got=$(by_program passes_udp "$FE4" 1434)
	[[ " $got " == *" group 1 "* ]]
	ns_neighbour clients eth0 10.77.1.1 gateway out
}

@test "bytes behind the packet are left to the kernel, which cuts them off" {
	apply "$SITE"
	# 58 and 78 bytes are the packets with their Ethernet header: no payload but a marker of 16
	left padded "$OTHER4" --pad 3
	fate_is 'ttl 63' 'length 58'
	left padded "$OTHER4" --size 1000 --pad 1
	fate_is 'ttl 63' 'length 1058'
	left padded "$OTHER6" --pad 1
	fate_is 'ttl 63' 'length 78'
	# what any network card adds to a short frame
	goes "$OTHER4" --pad 2
	goes "$OTHER4"
	goes "$OTHER6"
}

@test "a frame in several buffers is left to the kernel" {
	local end
	set_mtu() {
		for end in clients:eth0 gateway:out gateway:in servers:eth0; do
			ip -n "$TAG-${end%:*}" link set "${end#*:}" mtu "$1"
		done
	}
	apply "$SITE"
	set_mtu 9000
	left buffers "$OTHER4" --size 5000
	fate_is 'ttl 63' 'same yes'
	left buffers "$OTHER6" --size 5000
	fate_is 'ttl 63' 'same yes'
	goes "$OTHER4" --size 2000
	fate_is 'ttl 63' 'same yes'
	set_mtu 1500
	goes "$OTHER4"
}

@test "routes that send nothing on are the kernel's" {
	apply "$SITE"
	for kind in blackhole prohibit unreachable; do
		ip -n "$TAG-gateway" route add $kind 10.77.9.1/32
		ip -n "$TAG-gateway" -6 route add $kind fd77:9::1/128
		left refused 10.77.9.1 --wait 0.1
		fate_is 'arrived no'
		left refused fd77:9::1 --wait 0.1
		fate_is 'arrived no'
		ip -n "$TAG-gateway" route delete $kind 10.77.9.1/32
		ip -n "$TAG-gateway" -6 route delete $kind fd77:9::1/128
	done
	left local 10.77.9.1 --wait 0.1 # no route at all
	set_sysctl gateway ipv4/conf/out/forwarding 0
	left disabled "$GHOST4" --wait 0.1
	fate_is 'arrived no'
	set_sysctl gateway ipv4/conf/out/forwarding 1
	set_sysctl gateway ipv6/conf/out/forwarding 0
	got=$(by_program send "$GHOST6" --wait 0.1)
	[[ " $got " == *" disabled 1 "* ]]
	set_sysctl gateway ipv6/conf/out/forwarding 1
	ip -n "$TAG-gateway" route add 10.77.9.0/24 via "$CLIENT4" dev out
	left same_interface 10.77.9.1
	ip -n "$TAG-gateway" route delete 10.77.9.0/24
}

@test "what goes out elsewhere is the kernel's" {
	apply "$SITE"
	ip -n "$TAG-gateway" link add elsewhere type veth peer name beyond
	ip -n "$TAG-gateway" link set elsewhere up
	ip -n "$TAG-gateway" link set beyond up
	ip -n "$TAG-gateway" route add 10.77.9.0/24 dev elsewhere
	ip -n "$TAG-gateway" neighbour add 10.77.9.1 lladdr "$NOBODY" dev elsewhere
	left device 10.77.9.1 --wait 0.1
	got=$(ip -n "$TAG-gateway" -s -j link show dev elsewhere | jq '.[0].stats64.tx.packets')
	((got >= 1))
	ip -n "$TAG-gateway" link delete elsewhere
	if ip -n "$TAG-gateway" route add 10.77.9.1/32 encap seg6 mode encap segs fd77:2::50 dev in 2>/dev/null; then
		left tunnel 10.77.9.1 --wait 0.1
		ip -n "$TAG-gateway" route delete 10.77.9.1/32
	fi
}

@test "a neighbour is found by the kernel, then used by the program" {
	apply "$SITE"
	for address in "$FE4" "$FE6"; do
		ip -n "$TAG-gateway" neighbour delete "$address" dev in
		got=$(by_program passes_udp "$address" 1434)
		[[ " $got " == *" no_neighbour 1 "* ]]
		got=$(by_program passes_udp "$address" 1434)
		[[ " $got " != *" no_neighbour "* && " $got " =~ \ (forwarded|refresh)\  ]]
		ip -n "$TAG-gateway" neighbour replace "$address" lladdr "$(mac_of servers eth0)" dev in nud permanent
	done
}

@test "one packet in four seconds goes to the kernel, so that it looks after the neighbour" {
	by_the_clock
	apply "$SITE"
	for address in "$GHOST4" $GHOST6; do
		set_epoch '(epoch | 7) + 1'
		by_program send "$address" >/dev/null
		set_epoch '(epoch | 3) + 1'
		[[ $(quiet '' "$(by_program send "$address")") == "refresh 1" ]]
		fate_is 'ttl 63'
		set_epoch '(epoch | 1) + 1' # of the same four seconds
		[[ $(quiet '' "$(by_program send "$address")") == "forwarded 1" ]]
	done
	ip -n "$TAG-gateway" neighbour replace "$FE4" lladdr "$(mac_of servers eth0)" dev in nud stale
	neighbour_is_asked() {
		passes_udp "$FE4" 1434
		! ip -n "$TAG-gateway" neighbour show "$FE4" dev in | grep -q STALE
	}
	set_epoch '(epoch | 3) + 1'
	neighbour_is_asked
	ip -n "$TAG-gateway" neighbour replace "$FE4" lladdr "$(mac_of servers eth0)" dev in nud permanent
}

@test "also while a shadow is loaded, for what it settles at a glance and for what it does not" {
	apply "$SITE"
	rolewall apply --shadow -c "$(site_with 'unlisted: drop')"
	goes "$GHOST6"
	goes "$OTHER4"
	drops_one port_not_in_matrix silent_udp "$FE4" 2000
	rolewall shadow drop
}

@test "xdp-generic as well" {
	leave_mode
	export HOOK=xdp-generic
	apply "$(site_with)"
	for address in "$GHOST4" $GHOST6; do
		goes "$address"
		fate_is 'ttl 63' 'checksum right' 'same yes'
		left ttl "$address" --ttl 1
		[[ $address == *:* ]] && word='icmp6 3/0' || word='icmp 11/0'
		fate_is "back $word" 'arrived no'
	done
	for address in "$FE4" "$FE6"; do
		passes_by matrix passes_tcp "$address" 5061 --bytes 1000000
		drops_one port_not_in_matrix silent_udp "$address" 2000
	done
	leave_mode
	apply "$SITE"
}

@test "forwarding: kernel takes it back with the flip, and changes nothing else" {
	apply "$SITE" # so that both slots have been a forwarding policy's
	apply "$SITE"
	goes "$GHOST4"
	sed '/^forwarding/d' "$SITE" >"$BATS_TEST_TMPDIR/kernel.yaml"
	apply "$BATS_TEST_TMPDIR/kernel.yaml"
	rolewall status --json | jq -e '.forwarding.by == "kernel"'
	for address in "$GHOST4" $GHOST6; do
		[[ $(quiet '' "$(by_program send "$address")") == "" ]]
		fate_is 'ttl 63' 'checksum right' 'same yes'
	done
	apply "$SITE"
	goes "$GHOST4"
}

@test "a trial forwards too, and its return takes forwarding back" {
	sed '/^forwarding/d' "$SITE" >"$BATS_TEST_TMPDIR/kernel.yaml"
	rolewall detach
	apply "$BATS_TEST_TMPDIR/kernel.yaml"
	rolewall apply -c "$SITE" --confirm-within 600
	goes "$GHOST4"
	set_epoch 'epoch + 600' # trial.bats waits for it
	is_returned() {
		rolewall status --json | jq -e '.trial.returned and .forwarding.by == "kernel"' >/dev/null
	}
	wait_for 8 is_returned
	[[ $(quiet '' "$(by_program send "$GHOST4")") == "" ]]
	fate_is 'ttl 63'
}
