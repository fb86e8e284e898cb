# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For end-to-end tests with routers on both sides of the gateway. A hop "==" can be narrower than
# the links at the ends, so that only an ICMP error tells a sender.
#
#   clients -- far == near -- gateway -- mid == deep -- servers

NARROW=1280

# hops_up ADDRESS4 ADDRESS6: the servers' addresses; routes everywhere.
hops_up() {
	local name pair hop=10
	net_begin
	for name in clients far near gateway mid deep servers; do
		ns_add $name
		set_sysctl $name ipv4/ip_forward 1
		set_sysctl $name ipv6/conf/all/forwarding 1
		set_sysctl $name ipv4/conf/all/rp_filter 0
		set_sysctl $name ipv4/conf/default/rp_filter 0
		set_sysctl $name ipv4/tcp_mtu_probing 0 # a sender that finds out by itself proves nothing
	done
	ns_link clients eth0 far left
	ns_link servers eth0 deep right
	ns_address clients eth0 "$CLIENT4/24" "$CLIENT6/64"
	ns_address far left 10.77.1.1/24 fd77:1::1/64
	ns_address deep right 10.77.2.1/24 fd77:2::1/64
	ns_address servers eth0 "$1/24" "$2/64"
	ns_default_route clients 10.77.1.1 fd77:1::1
	ns_default_route servers 10.77.2.1 fd77:2::1
	for pair in 'far right near left' 'near right gateway out' 'gateway in mid left' 'mid right deep left'; do
		# shellcheck disable=SC2086 # four words
		set -- $pair
		hop=$((hop + 1))
		ns_link "$1" "$2" "$3" "$4"
		ns_address "$1" "$2" 10.77.$hop.1/24 fd77:$hop::1/64
		ns_address "$3" "$4" 10.77.$hop.2/24 fd77:$hop::2/64
		ip -n "$TAG-$1" route add 10.77.2.0/24 via 10.77.$hop.2
		ip -n "$TAG-$1" -6 route add fd77:2::/64 via fd77:$hop::2
		ns_default_route "$3" 10.77.$hop.1 fd77:$hop::1
	done
}

# narrow outside|inside: that hop alone is narrow, and nobody knows it yet.
narrow() {
	local name device mtu outside=1500 inside=1500
	[[ $1 == outside ]] && outside=$NARROW || inside=$NARROW
	for mtu in "far right $outside" "near left $outside" "mid right $inside" "deep left $inside"; do
		read -r name device mtu <<<"$mtu"
		ip -n "$TAG-$name" link set "$device" mtu "$mtu"
	done
	for name in clients servers; do
		ip -n "$TAG-$name" route flush cache
		ip -n "$TAG-$name" -6 route flush cache
		ip -n "$TAG-$name" tcp_metrics flush
	done
}
