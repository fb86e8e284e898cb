#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# forwarding: xdp, and the system around it: interfaces, routing rules and whatever else decides that
# the kernel has to forward, and how the program follows its changes.
# shellcheck disable=SC2030,SC2031 # every test is a shell of its own

bats_require_minimum_version 1.5.0
load lib
load forwarding

@test "routing rules hold: by source, by port, by interface" {
	local table="route add blackhole default table 77" family rule
	local -A rules=(
		[-4]='from 10.77.1.2/32,iif out,ipproto udp dport 50000,ipproto udp sport 40000,tos 0x10'
		[-6]='from fd77:1::2/128,iif out,ipproto udp dport 50000,ipproto udp sport 40000,tos 0x10'
	)
	apply "$SITE"
	for family in "-4 $GHOST4" "-6 $GHOST6"; do
		read -r family ghost <<<"$family"
		# shellcheck disable=SC2086 # words
		ip -n "$TAG-gateway" "$family" $table
		while read -r rule; do
			# shellcheck disable=SC2086 # words
			ip -n "$TAG-gateway" "$family" rule add $rule lookup 77
			left refused "$ghost" --tos 16 --wait 0.1
			fate_is 'arrived no'
			# shellcheck disable=SC2086 # words
			ip -n "$TAG-gateway" "$family" rule delete $rule lookup 77
		done < <(tr , '\n' <<<"${rules[$family]}")
		goes "$ghost" --tos 16
		for rule in 'fwmark 7' 'fwmark 0/0xff'; do # of the other the kernel tells the mask alone
			# shellcheck disable=SC2086 # words
			ip -n "$TAG-gateway" "$family" rule add $rule lookup 78
			apply "$SITE" 2>&1 | grep -q 'a routing rule goes by marks'
			left marks "$ghost"
			fate_is 'ttl 63'
			# shellcheck disable=SC2086 # words
			ip -n "$TAG-gateway" "$family" rule delete $rule lookup 78
			apply "$SITE"
			goes "$ghost"
		done
		ip -n "$TAG-gateway" "$family" route delete blackhole default table 77
	done
}

# all_left REASON WARNING: the kernel has every packet, and apply says so.
all_left() {
	run -0 apply "$SITE"
	[[ $output == *"$2"* ]]
	left "$1" "$GHOST4" --wait 0.1
	left "$1" "$GHOST6" --wait 0.1
}

all_go() {
	run -0 apply "$SITE"
	[[ $output != *'the kernel forwards everything'* ]]
	goes "$GHOST4"
	goes "$GHOST6"
}

# apply_without WHAT...: where there is an error.
apply_without() {
	in_ns gateway env ROLEWALL_STATE_DIR="$(state_dir)" \
		"$ROOT/build/tools/without" "$@" "$ROLEWALL" apply --pin-dir "$PIN" -c "$SITE"
}

@test "with an IPsec policy for forwarded packets the kernel has them all" {
	local tunnel='tmpl src 10.77.2.1 dst 10.77.2.99 proto esp mode tunnel'
	local networks='src 10.77.1.0/24 dst 10.77.2.0/24' policy
	xfrm() {
		# shellcheck disable=SC2086 # words
		ip -n "$TAG-gateway" xfrm policy $1
	}
	for policy in "dir out $tunnel" 'dir out action block' 'dir fwd action block'; do
		xfrm "add $networks $policy"
		all_left ipsec 'IPsec policies'
		left ipsec "$GHOST4" --wait 0.1
		fate_is 'arrived no'
		xfrm "deleteall"
	done
	xfrm "add $networks dir in $tunnel" # none of its concern
	all_go
	xfrm deleteall
	if xfrm 'setdefault fwd block' 2>/dev/null; then # Linux 5.15
		all_left ipsec 'IPsec policies'
		fate_is 'arrived no'
		xfrm 'setdefault fwd accept'
	fi
	all_go
	apply_without netlink 6 # what cannot be told counts as there
	left ipsec "$GHOST4"
	apply "$SITE"
}

nft() {
	in_ns gateway nft "$1"
}

@test "with chains of NAT the kernel has them all" {
	local chain
	for chain in 'ip postrouting' 'ip prerouting' 'ip6 postrouting' 'inet prerouting'; do
		read -r family hook <<<"$chain"
		nft "add table $family t; add chain $family t c { type nat hook $hook priority 0; }"
		all_left nat 'chains of NAT'
		nft "delete table $family t"
	done
	nft 'add table ip t; add chain ip t c { type nat hook output priority 0; }' # of its own packets
	all_go
	start_agent
	nft 'add chain ip t p { type nat hook postrouting priority 0; }; add rule ip t p oifname "in" masquerade'
	is_left() {
		left nat "$GHOST4" --wait 0.1
	}
	wait_for 5 is_left
	nft 'delete table ip t'
	wait_for 5 goes "$GHOST4"
	stop_agent
	apply_without netlink 12 # netfilter's: what cannot be told counts as there
	is_left
	all_go
}

@test "while IPv6 forwarding is off as a whole, an interface that has it on forwards none" {
	set_sysctl gateway ipv6/conf/all/forwarding 0
	set_sysctl gateway ipv6/conf/out/forwarding 1
	apply "$SITE"
	left disabled "$GHOST6" --wait 0.1
	left disabled "$GHOST6" --wait 0.1
	fate_is 'arrived no'
	goes "$GHOST4"
	start_agent
	set_sysctl gateway ipv6/conf/all/forwarding 1
	wait_for 5 goes "$GHOST6"
	stop_agent
}

# mtu_holds FAMILY ROUTE OVERHEAD GHOST OTHER ANSWER
mtu_holds() {
	local fits=$((1280 - $3)) larger=$((1300 - $3))
	route() {
		# shellcheck disable=SC2086 # words
		ip -n "$TAG-gateway" "$1" route $2
	}
	route "$1" "add $2 mtu 1280"
	apply "$SITE"
	for _ in 1 2; do
		left mtu "$4" --size $((fits + 1))
		fate_is 'arrived no' "back $6"
	done
	goes "$4" --size "$fits"
	left mtu "$5" --size $((fits + 1)) # any other way: the kernel knows which
	fate_is 'ttl 63'
	route "$1" "delete $2"
	route "$1" "add $2 mtu lock 1280" # to which the lookup itself keeps
	apply "$SITE"
	left mtu "$4" --size $((fits + 1))
	goes "$5" --size $((fits + 1))
	route "$1" "delete $2"
	start_agent
	route "$1" "add $2 mtu 1300 table 77" # of any table
	ip -n "$TAG-gateway" link set out alias x # or half a minute
	is_too_large() {
		left mtu "$1" --size "$2"
	}
	wait_for 5 is_too_large "$5" $((larger + 1))
	goes "$5" --size "$larger"
	route "$1" "delete $2 table 77"
	ip -n "$TAG-gateway" link set out alias y
	wait_for 5 goes "$5" --size $((larger + 1))
	stop_agent
}

# The overhead is that of headers and the marker.
@test "the MTU of a route that is not locked holds, too" {
	mtu_holds -4 "$GHOST4/32 dev in" 44 "$GHOST4" "$OTHER4" 'icmp 3/4'
	mtu_holds -6 "$GHOST6/128 dev in" 64 "$GHOST6" "$OTHER6" 'icmp6 2/0'
	[[ $(bpftool -j map dump pinned "$PIN/forward_in" | jq '[.[].formatted.value | .mtu4 + .mtu6] | add') == 0 ]]
}

@test "ports of bridges and devices with VLANs on them are the kernel's" {
	ip -n "$TAG-gateway" link add name bridge0 type bridge
	ip -n "$TAG-gateway" link set out master bridge0
	apply "$SITE" 2>&1 | grep -q 'out: a port of a bridge'
	left port "$GHOST4" --wait 0.1
	ip -n "$TAG-gateway" link delete bridge0
	apply "$SITE"
	goes "$GHOST4"
}

@test "a device with VLANs on it that takes tags off is the kernel's" {
	ip -n "$TAG-gateway" link add link out name out.5 type vlan id 5 2>/dev/null || skip 'this kernel has no VLAN devices'
	apply "$SITE" 2>&1 | grep -q 'out: takes VLAN tags off'
	left vlans "$GHOST4"
	fate_is 'ttl 63'
	in_ns gateway ethtool -K out rxvlan off
	apply "$SITE"
	goes "$GHOST4"
	in_ns gateway ethtool -K out rxvlan on
	ip -n "$TAG-gateway" link delete out.5
	apply "$SITE"
}

@test "where the interfaces cannot be read, the kernel forwards everything" {
	all_go
	run -0 apply_without netlink 0
	[[ $output == *'its interfaces: No buffer space available; until that works the kernel forwards everything'* ]]
	left port "$GHOST4"
	fate_is 'ttl 63'
	all_go
}

@test "hardware that takes tags off is the kernel's, with VLANs on it or without" {
	# of hardware there is none here; a bond has the offload as well
	ip -n "$TAG-gateway" link add bond9 type bond 2>/dev/null || skip 'this kernel has no bonds'
	bonded=$(sed '/^interfaces/a\  - {name: bond9, side: outside, hook: xdp-generic}' "$SITE" | site bond)
	apply "$bonded" 2>&1 | grep -q 'bond9: takes VLAN tags off.*ethtool -K bond9 rxvlan off'
	in_ns gateway ethtool -K bond9 rxvlan off
	run -0 apply "$bonded"
	[[ $output != *'takes VLAN tags off'* ]]
	apply "$SITE"
	ip -n "$TAG-gateway" link delete bond9
}

@test "interfaces that are made anew, or get another MAC address, take part again" {
	apply "$SITE"
	start_agent
	OUT_MAC=02:00:00:00:01:01
	ip -n "$TAG-gateway" link set dev out address $OUT_MAC
	wait_for 5 goes "$GHOST4"
	ip -n "$TAG-gateway" link delete in
	ns_link servers eth0 gateway in
	set_veth servers
	ns_address gateway in 10.77.2.1/24 fd77:2::1/64
	ns_address servers eth0 "$FE4/24" "$FE6/64"
	ns_default_route servers 10.77.2.1 fd77:2::1
	for address in "$GHOST4" "$GHOST6" "$OTHER4" $OTHER6; do
		ip -n "$TAG-gateway" neighbour replace "$address" lladdr "$NOBODY" dev in nud permanent
	done
	wait_for 5 goes "$GHOST4"
	wait_for 5 goes "$GHOST6"
	stop_agent
}

# ns_index NAME DEVICE
ns_index() {
	ip -n "$TAG-$1" -j link show dev "$2" | jq '.[0].ifindex'
}

# move_out FROM TO: the gateway's outer interface, with all that belongs to it.
move_out() {
	ip -n "$TAG-$1" link set out netns "$TAG-$2"
	ip -n "$TAG-$2" link set out up
	ns_address "$2" out 10.77.1.1/24 fd77:1::1/64
	ns_neighbour "$2" out "$CLIENT4" clients eth0
	ns_neighbour "$2" out "$CLIENT6" clients eth0
}

@test "what is routed in another network namespace does not leave by an interface of this one" {
	apply "$SITE"
	ns_add other
	set_sysctl other ipv4/ip_forward 1
	set_sysctl other ipv6/conf/all/forwarding 1
	ip -n "$TAG-other" link add in index "$(ns_index gateway in)" type veth peer name beyond index 999
	ip -n "$TAG-other" link set in up
	ip -n "$TAG-other" link set beyond up
	ns_address other in 10.77.2.1/24 fd77:2::1/64
	for address in "$GHOST4" $GHOST6; do
		ip -n "$TAG-other" neighbour replace "$address" lladdr "$NOBODY" dev in nud permanent
	done
	index=$(ns_index gateway out)
	move_out gateway other
	[[ $(ns_index other out) == "$index" ]]
	OUT_MAC=$(mac_of other out)
	for address in "$GHOST4" $GHOST6; do
		for _ in 1 2; do # one of them may be left to the kernel for another reason
			left device "$address" --wait 0.1
			fate_is 'arrived no'
		done
	done
	start_agent
	is_forgotten() {
		left port "$GHOST4" --wait 0.1
	}
	wait_for 5 is_forgotten
	stop_agent
	move_out other gateway
	ip netns delete "$TAG-other"
	apply "$SITE"
	wait_for 5 goes "$GHOST4"
}

@test "says what it goes past, and what it cannot do" {
	local chain hook
	for hook in prerouting forward postrouting; do
		nft "add table ip t; add chain ip t c { type filter hook $hook priority 0; }"
		apply "$SITE" 2>&1 | grep -q '1 chain of nf_tables ("t c") will not see'
		nft 'delete table ip t'
	done
	nft 'add table netdev t; add chain netdev t c { type filter hook ingress device in priority 0; }'
	apply "$SITE" 2>&1 | grep -q '1 chain of nf_tables ("t c") will not see'
	nft 'delete table netdev t'
	nft 'add table ip t; add chain ip t c { type filter hook input priority 0; }'
	run -0 apply "$SITE"
	[[ $output != *nf_tables* ]]
	nft 'delete table ip t'
	run -0 rolewall check -c "$(HOOK=tc site_with)"
	[[ $output == *"out: with hook: tc the kernel forwards in spite of"* ]]
}

# The last: the kernel keeps the table as long as the namespace.
@test "with iptables-legacy's table of NAT the kernel has them all" {
	local command
	OUT_MAC=$(mac_of gateway out)
	for command in iptables-legacy ip6tables-legacy; do
		in_ns gateway "$command" -t nat -A POSTROUTING -j RETURN 2>/dev/null || skip "no $command here"
		all_left nat 'chains of NAT'
		in_ns gateway "$command" -t nat -F
	done
}
